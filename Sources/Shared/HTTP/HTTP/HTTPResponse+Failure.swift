extension HTTPResponse {
    /// What a status that is no success means: most often the status itself.
    package func failure(from endpoint: Endpoint) -> HTTPError {
        let name = endpoint.displayName
        return name.hasPrefix("http://") && wantsHTTPS
            ? .wantsHTTPS(endpoint: name) : .status(endpoint: name, code: status)
    }

    /// Whether the server, asked over http, says that it wants https: it leads there, or has taken the request for a
    /// broken TLS handshake. The words are nginx's, Go's and Apache's.
    private var wantsHTTPS: Bool {
        switch status {
        case 301, 302, 307, 308: return header("Location")?.lowercased().hasPrefix("https://") == true
        case 400, 497:
            let text = String(decoding: body.prefix(1024), as: UTF8.self)
            return [
                "The plain HTTP request was sent to HTTPS port", "Client sent an HTTP request to an HTTPS server",
                "speaking plain HTTP to an SSL-enabled server port",
            ].contains { text.contains($0) }
        default: return false
        }
    }
}
