package import ArgumentParser
package import HTTP

/// `--cacert`: whose certificates are trusted.
package struct TLSOption: ParsableArguments {
    @Option(
        name: .customLong("cacert"),
        help: ArgumentHelp("Trust the certificates in this PEM file instead of the system's.", valueName: "file"))
    package var caFile: String?

    package init() {}

    /// A client that trusts those certificates.
    ///
    /// - Parameter isCancelled: whether a request that runs should end; see `HTTPClient`.
    package func client(isCancelled: @escaping () -> Bool = { false }) -> HTTPClient {
        HTTPClient(caFile: caFile, isCancelled: isCancelled)
    }
}
