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
    /// - Parameters:
    ///   - observer: hears of each request.
    ///   - isCancelled: asked while a request runs; true ends it.
    package func client(
        observer: @escaping HTTPObserver, isCancelled: @escaping () -> Bool = { false }
    ) -> HTTPClient {
        HTTPClient(caFile: caFile, observer: observer, isCancelled: isCancelled)
    }
}
