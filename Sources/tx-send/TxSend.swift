import ABI
import ArgumentParser
import Console
import Failures
import JSON
import Keys
import NetworkOptions
import Primitives
import Program
import Sending
import TEEBridge
import Transactions

@main
struct TxSend: Program {
    static let configuration = CommandConfiguration(
        commandName: "tx-send",
        abstract: "Sign transaction requests, send them, and wait for their outcome.",
        discussion: """
            Reads requests as JSON, as abi-encode prints them, and prints one record a line for each. It stops at \
            the first that fails, with the status of that one; what was sent before it stands in the records. A request whose precondition ("unless") holds already is skipped.

            EXAMPLE
              abi-encode register proof.json | tx-send --key file:owner.key --chain base

            EXIT STATUS
              0 done; 1 reverted, or would revert; 2 bad input, nothing sent; 3 node failed, nothing sent;
              4 sent, outcome unknown
            """,
        version: version)

    @Flag(
        help:
            "Instead of sending: ask what the calls return, without a key; or what sending would do and cost; or print the signed bytes."
    )
    var mode: Mode = .send

    @Option(help: ArgumentHelp("How many blocks confirm a transaction; 1 is its own.", valueName: "n"))
    var confirmations: UInt64 = 1

    @OptionGroup var rpc: RPCOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var timeout: TimeoutOption

    @Argument(help: "A file of requests; standard input if absent or -.")
    var file: String?

    /// What is done with requests.
    enum Mode: EnumerableFlag {
        case send, call, dryRun, signOnly

        static func name(for value: Mode) -> NameSpecification {
            switch value {
            case .send: [.customLong("send")]
            case .call: [.customLong("call")]
            case .dryRun: [.customLong("dry-run")]
            case .signOnly: [.customLong("sign-only")]
            }
        }
    }

    /// The most bytes that one request, or an array of them, may have as JSON.
    private static let inputLimit = 64 << 20

    func run() throws {
        let work = try worker()
        let input = try Input(path: file, awaited: "transaction requests", voice: voice)
        try input.forEachObject(limit: Self.inputLimit, parse: TransactionRequest.init(json:)) { request in
            let record = try work(request)
            try Descriptor.standardOutput.writeLine(record.json(decoding: TEEBridge.answers).compact)
            try judge(record)
        }
    }

    /// What is done with each request, by the mode.
    private func worker() throws -> (TransactionRequest) throws -> SentRecord {
        let chainId = try rpc.chainId()
        if mode == .call {
            let node = try rpc.node()
            let caller = Caller(chainId: chainId)
            return { try caller.call($0, asking: node) }
        }
        let policy = Sender.Policy(
            confirmations: max(confirmations, 1), timeout: try timeout.duration(default: .seconds(120)),
            chainId: chainId)
        let options = rpc
        // Offline signing needs no node: its absence is an error only once something must be asked.
        if mode == .send { _ = try options.node() }
        let sender = try Sender(key: keys.load(), policy: policy) { try options.node() }
        switch mode {
        case .send, .call:
            return { request in
                try sender.send(request) { hash in
                    voice.note("sent \(hash)" + (request.label.map { " (\($0.escapingControlCharacters))" } ?? ""))
                }
            }
        case .dryRun: return sender.simulate
        case .signOnly: return sender.sign
        }
    }

    /// Ends the program where a record says that the rest would be in vain.
    private func judge(_ record: SentRecord) throws {
        let name = record.label.map { $0.quoted() } ?? "the request"
        switch record.status {
        case .reverted:
            let verb = record.transactionHash == nil && mode != .call ? "would revert" : "reverted"
            voice.error("\(name) \(verb): \(record.revert?.description.escapingControlCharacters ?? "no reason known")")
            throw EndsWith(.answerIsNo)
        case .pending:
            voice.error("\(name) was sent and is in no block yet: \(record.transactionHash?.hex ?? "")")
            throw EndsWith(.outcomeUnknown)
        case .success, .skipped, .simulated, .signed, .called: break
        }
    }
}
