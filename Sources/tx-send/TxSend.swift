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
              4 sent, outcome unknown; or some were sent before another failed
            """,
        version: version)

    @Flag var mode: Mode = .send

    @Option(help: ArgumentHelp("How many blocks confirm a transaction; 1 is its own.", valueName: "n"))
    var confirmations: UInt64 = 1

    @Option(
        name: [.customLong("max-fee"), .customLong("gas-price-cap")],
        help: ArgumentHelp("The most that a unit of gas may cost: wei, or with a unit, as 2gwei.", valueName: "amount"),
        transform: Quantity.init(amount:))
    var maxFee: Quantity?

    @OptionGroup var rpc: RPCOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var timeout: TimeoutOption

    @Argument(help: "A file of requests; standard input if absent or -.")
    var file: String?

    /// What is done with requests.
    enum Mode: EnumerableFlag {
        case send, call, dryRun, signOnly

        static func help(for value: Mode) -> ArgumentHelp? {
            switch value {
            case .send: "Sign, send and wait."
            case .call: "Ask what the calls return; needs no key."
            case .dryRun: "Ask what sending would do, and what it would cost at most."
            case .signOnly: "Print the signed bytes."
            }
        }

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
        var sentCount = 0
        do {
            try input.forEachObject(limit: Self.inputLimit, parse: TransactionRequest.init(json:)) { request in
                let record = try work(request)
                if record.transactionHash != nil, mode == .send { sentCount += 1 }
                try report(record)
            }
        } catch let failure as any Failure where sentCount > 0 && failure as? ConsoleError != .outputClosed {
            // 2 and 3 promise that nothing was sent.
            _ = voice.report(failure)
            voice.hint("\(sentCount) of the transactions were sent before this; look at their records")
            throw EndsWith(.outcomeUnknown)
        }
    }

    /// Prints a record, and ends the program where it says that the rest would be in vain.
    private func report(_ record: SentRecord) throws {
        let status = judge(record)
        do throws(ConsoleError) {
            try Descriptor.standardOutput.writeLine(record.json(decoding: TEEBridge.answers).compact)
        } catch {
            // Nobody reads the record: the status must still tell the truth.
            guard status == .done, error == .outputClosed else {
                if error != .outputClosed { voice.error(error.description) }
                let isSent = record.transactionHash != nil && mode == .send
                throw EndsWith(status == .done ? (isSent ? .outcomeUnknown : .badInput) : status)
            }
            throw error
        }
        guard status == .done else { throw EndsWith(status) }
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
            chainId: chainId, maxFee: maxFee)
        let options = rpc
        // Offline signing needs no node: its absence is an error only once something must be asked.
        if mode == .send { _ = try options.node() }
        let sender = try Sender(key: keys.load(), policy: policy) { try options.node() }
        switch mode {
        case .send, .call:
            return { request in
                try sender.send(request) { hash, doubt in
                    voice.note("sent \(hash)" + (request.label.map { " (\($0))" } ?? ""))
                    if let doubt { voice.warning("whether it was taken is not known: \(doubt)") }
                }
            }
        case .dryRun: return sender.simulate
        case .signOnly: return sender.sign
        }
    }

    /// What a record means for the program's end, said where it is no success.
    private func judge(_ record: SentRecord) -> ExitStatus {
        let name = record.label.map { $0.quoted() } ?? "the request"
        switch record.status {
        case .reverted:
            let verb = record.transactionHash == nil && mode != .call ? "would revert" : "reverted"
            voice.error("\(name) \(verb): \(record.revert?.description ?? "no reason known")")
            return .answerIsNo
        case .pending:
            let hash = record.transactionHash?.hex ?? ""
            voice.error("\(name) was sent, and its outcome is not known: \(hash): \(record.doubt ?? "")")
            return .outcomeUnknown
        case .success, .skipped, .simulated, .signed, .called: return .done
        }
    }
}
