import ArgumentParser
import CommandLineTool
import Console
import Dstack
import GuestAgent
import JSON
import NetworkOptions

@main
struct ProofFetch: Program {
    static let configuration = CommandConfiguration(
        commandName: "proof-fetch",
        abstract: "Get CVMs' proofs over HTTP, or make one with the guest agent.",
        discussion: """
            A BASE is http://… or https://…, whose /proof is asked for, or dstack:[SOCKET], the guest agent. Each \
            proof is checked and printed on a line, in the order of the BASEs.

            EXAMPLE
              proof-fetch --retry-for 60 https://… | abi-encode register | tx-send
            """,
        version: version)

    @Option(
        help: ArgumentHelp(
            "How long one answer may take. (default: 30) [environment: ETH_TIMEOUT]", valueName: "seconds"),
        transform: TimeoutOption.seconds)
    var timeout: Duration?

    @OptionGroup var tls: TLSOption
    @OptionGroup var verbosity: VerboseOption

    @Option(
        help: ArgumentHelp("Try again for so long when the service is away or overloaded.", valueName: "seconds"),
        transform: TimeoutOption.seconds)
    var retryFor: Duration = .zero

    @Option(help: "The path of the guest agent's key.")
    var path = Proof.path

    @Option(help: "The purpose of the guest agent's key.")
    var purpose = Proof.purpose

    @Argument(help: "Where the proofs are.")
    var base: [String]

    func run() throws {
        let sources = try base.map { text throws(ProofSourceError) in try ProofSource(text) }
        let query = ProofSource.Query(
            path: path, purpose: purpose, timeout: try TimeoutOption.duration(timeout, default: .seconds(30)),
            caFile: tls.caFile, observer: verbosity.observer(voice))
        let voice = voice
        let fetcher = ProofFetcher(query: query, retryFor: retryFor) { error, pause in
            voice.warning("\(error); trying again in \(pause.formattedSeconds) s")
        }
        var worst: ExitStatus?
        try fetcher.fetchAll(from: sources) { result in
            switch result {
            case .success(let proof): try Descriptor.standardOutput.writeLine(proof.json.compact)
            case .failure(let error): worst = worst ?? voice.report(error)
            }
        }
        if let worst { throw EndsWith(worst) }
    }
}

extension Duration {
    /// Seconds with one digit behind the point.
    fileprivate var formattedSeconds: String {
        let tenths = components.seconds * 10 + components.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
