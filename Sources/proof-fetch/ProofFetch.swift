import ArgumentParser
import CommandLineTool
import Console
import Dstack
import GuestAgent
import JSON
import NetworkOptions

@main
struct ProofFetch: CommandLineTool {
    static let configuration = CommandConfiguration(
        commandName: "proof-fetch",
        abstract: "Get CVMs' proofs over HTTP, or make one with the guest agent.",
        discussion: """
            A BASE is http://… or https://…, whose /proof is fetched; dstack:[SOCKET], the guest agent; or \
            dstack-log:URL, a container's log at a CVM's log endpoint. Each proof is checked and printed on its own \
            line, in the order of the BASEs.

            EXAMPLE
              proof-fetch --retry-for 60 https://… | abi-encode register | tx-send
            """,
        version: version)

    @Option(
        help: ArgumentHelp(
            "Time limit for each request. (default: 30) [environment: ETH_TIMEOUT]", valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var timeout: Duration?

    @OptionGroup var tls: TLSOption
    @OptionGroup var verbosity: VerboseOption

    @Option(
        help: ArgumentHelp("How long to retry a service that is down or has no proof yet.", valueName: "time"),
        transform: TimeoutOption.duration(_:))
    var retryFor: Duration = .zero

    @Option(help: "The path of the key at the guest agent.", completion: .list([Proof.path]))
    var path = Proof.path

    @Option(help: "The purpose of the key at the guest agent.", completion: .list([Proof.purpose]))
    var purpose = Proof.purpose

    @Argument(
        help: "Where to get a proof.", completion: .list(["http://", "https://", "dstack:", "dstack-log:http://"]))
    var base: [String]

    func run() throws {
        let sources = try base.map { text throws(ProofSourceError) in try ProofSource(text) }
        let query = ProofSource.Query(
            path: path, purpose: purpose, timeout: try TimeoutOption.duration(timeout, default: .seconds(30)),
            caFile: tls.caFile, observer: verbosity.observer(diagnostics))
        let diagnostics = diagnostics
        let fetcher = ProofFetcher(query: query, retryFor: retryFor) { error, pause in
            diagnostics.warning("\(error); trying again in \(pause.formattedSeconds) s")
        }
        var worst: ExitStatus?
        try fetcher.fetchAll(from: sources) { result in
            switch result {
            case .success(let proof): try Descriptor.standardOutput.writeLine(proof.json.compact)
            case .failure(let error): worst = worst ?? diagnostics.report(error)
            }
        }
        if let worst { throw ExitCode(worst) }
    }
}

extension Duration {
    /// Seconds with one decimal.
    fileprivate var formattedSeconds: String {
        let tenths = components.seconds * 10 + components.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
