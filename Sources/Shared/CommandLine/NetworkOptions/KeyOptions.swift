package import ArgumentParser
import CommandLineTool
package import GuestAgent
package import HTTP
package import KeySources
package import Secp256k1
import SecretMemory

/// `--key` and `--dstack`: whose key is used.
package struct KeyOptions: ParsableArguments {
    // Text, and parsed only in validate(): the parser would repeat a raw key in its error.
    @Option(
        help: ArgumentHelp(
            """
            Where the key is: file:PATH, keystore:PATH, env:NAME, fd:N, or dstack:PATH?purpose=PURPOSE. \
            [environment: TEEBRIDGE_KEY; ETH_KEYSTORE, a keystore's path; PRIVATE_KEY, the key itself]
            """, valueName: "source"), completion: .list(KeySource.prefixes))
    package var key: String?

    @Option(
        help: ArgumentHelp(
            "The file that holds the keystore's password; by default, prompt on the terminal. [environment: ETH_PASSWORD]",
            valueName: "path"))
    package var passwordFile: String?

    @OptionGroup package var agent: AgentOption

    package init() {}

    package func validate() throws { if let key { _ = try source(named: key) } }

    /// The source of the key.
    ///
    /// - Parameter fallback: the source where none is named.
    /// - Throws: `KeyError`.
    package func source(fallback: KeySource? = nil) throws -> KeySource {
        if let text = key ?? Environment.value("TEEBRIDGE_KEY") { return try source(named: text) }
        if let path = Environment.value("ETH_KEYSTORE") {
            return .keystore(path: path, passwordFile: passwordFile ?? Environment.value("ETH_PASSWORD"))
        }
        if Environment.value("PRIVATE_KEY") != nil { return .environment(name: "PRIVATE_KEY") }
        guard let fallback else { throw KeyError.noSource }
        return fallback
    }

    /// A source as an option names it, with this group's password file.
    ///
    /// - Throws: `KeyError`.
    package func source(named text: String) throws(KeyError) -> KeySource {
        try KeySource(text, passwordFile: passwordFile ?? Environment.value("ETH_PASSWORD"))
    }

    /// The key.
    ///
    /// - Parameters:
    ///   - observer: hears of each request to the guest agent.
    ///   - isCancelled: whether one that runs should end.
    /// - Throws: `KeyError`, `GuestAgentError`.
    package func load(
        fallback: KeySource? = nil, observer: @escaping HTTPObserver, isCancelled: @escaping () -> Bool = { false }
    ) throws -> SecretKey {
        try load(source(fallback: fallback), observer: observer, isCancelled: isCancelled)
    }

    /// The key of a source that another option names, with this group's guest agent.
    ///
    /// - Throws: `KeyError`, `GuestAgentError`.
    package func load(
        _ source: KeySource, observer: @escaping HTTPObserver, isCancelled: @escaping () -> Bool = { false }
    ) throws -> SecretKey {
        try source.load { socket, path, purpose in
            try agent.connect(to: socket, observer: observer, isCancelled: isCancelled)
                .getKey(path: path, purpose: purpose).takeSecret()
        }
    }
}

/// `--dstack`, or DSTACK_SIMULATOR_ENDPOINT: where the guest agent listens.
package struct AgentOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The guest agent's socket or URL. [environment: DSTACK_SIMULATOR_ENDPOINT]", valueName: "socket"))
    package var dstack: String?

    package init() {}

    /// The agent, not asked yet.
    ///
    /// - Parameters:
    ///   - socket: where the source of the key says that it is.
    ///   - observer: hears of each request.
    ///   - isCancelled: whether one that runs should end.
    /// - Throws: `GuestAgentError` if no socket is there.
    package func connect(
        to socket: String? = nil, observer: @escaping HTTPObserver, isCancelled: @escaping () -> Bool = { false }
    ) throws -> GuestAgent {
        let client = HTTPClient(observer: observer, isCancelled: isCancelled)
        return GuestAgent(at: try AgentAddress.find(named: socket ?? dstack), over: client)
    }
}
