package import Failures

/// Why a request has no usable answer. `endpoint` is the endpoint's ``Endpoint/displayName`` in every case.
package enum HTTPError: UserFacingError, Equatable {
    /// The text is not an endpoint; it may hold an API key and is not repeated. `reason` is a clause.
    case invalidEndpoint(reason: String)
    /// A path or header that a request cannot contain. `reason` is a clause.
    case invalidRequest(endpoint: String, reason: String)
    /// The host's (or the proxy's) name has no address.
    case cannotResolve(endpoint: String)
    /// Nobody listens there.
    case connectionRefused(endpoint: String)
    /// No connection for another reason: no route, no such socket, no permission. `reason` is the system's text.
    case cannotConnect(endpoint: String, reason: String)
    /// The other side broke the connection off with a reset.
    case connectionReset(endpoint: String, HTTPPhase)
    /// The other side closed the connection before the answer (or the TLS handshake) was complete.
    case endedEarly(endpoint: String, HTTPPhase)
    /// No trusted TLS connection. `reason` is curl's text.
    case tlsFailed(endpoint: String, reason: String)
    /// The deadline of this phase, `limit`, passed.
    case timedOut(endpoint: String, HTTPPhase, limit: Duration)
    /// The answer's body or head has more than `limit` bytes.
    case responseTooLarge(endpoint: String, HTTPResponsePart, limit: Int)
    /// The answer's body has a content encoding that is not understood, or is damaged.
    case badEncoding(endpoint: String, encoding: String)
    /// An answer whose status is none of 200 to 299. `reason` is the server's explanation, if there is one.
    case status(endpoint: String, code: Int, reason: String? = nil)
    /// The server refused http, for it wants https.
    case wantsHTTPS(endpoint: String)
    /// The client's owner wanted no answer any more.
    case cancelled(endpoint: String)
    /// libcurl, which does the work, cannot be loaded.
    case noLibrary(reason: String)
    /// Any other error that curl reports, by its number and with its text.
    case other(endpoint: String, HTTPPhase, code: Int, reason: String)

    package var kind: ErrorCategory {
        switch self {
        case .invalidEndpoint, .invalidRequest: .badInput
        default: .serviceFailed
        }
    }

    /// Whether the same request may well be answered if it is sent again a little later.
    ///
    /// This says nothing of whether sending it twice is harmless; see ``mayHaveBeenSent``.
    package var isTransient: Bool {
        switch self {
        case .cannotResolve, .connectionRefused, .cannotConnect, .connectionReset, .endedEarly, .timedOut: true
        case .status(_, let code, _): HTTPResponse.isTransient(status: code)
        case .invalidEndpoint, .invalidRequest, .tlsFailed, .responseTooLarge, .badEncoding, .wantsHTTPS, .cancelled,
            .noLibrary, .other:
            false
        }
    }

    /// Whether the server may have seen the request, or a part of it.
    package var mayHaveBeenSent: Bool {
        switch self {
        case .invalidEndpoint, .invalidRequest, .cannotResolve, .connectionRefused, .cannotConnect, .tlsFailed,
            .noLibrary:
            false
        case .connectionReset(_, let phase), .endedEarly(_, let phase), .timedOut(_, let phase, _),
            .other(_, let phase, _, _):
            phase == .exchanging
        case .responseTooLarge, .badEncoding, .status, .wantsHTTPS, .cancelled: true
        }
    }

    package var description: String {
        switch self {
        case .invalidEndpoint(let reason): "not an endpoint: \(reason)"
        case .invalidRequest(let endpoint, let reason): "cannot send a request to \(endpoint): \(reason)"
        case .cannotResolve(let endpoint): "\(endpoint): the host name cannot be resolved"
        case .connectionRefused(let endpoint): "\(endpoint): connection refused"
        case .cannotConnect(let endpoint, let reason): "\(endpoint): cannot connect: \(reason)"
        case .connectionReset(let endpoint, let phase): "\(endpoint): connection reset \(phase.when)"
        case .endedEarly(let endpoint, let phase): "\(endpoint): connection closed \(phase.when)"
        case .tlsFailed(let endpoint, let reason): "\(endpoint): no trusted TLS connection: \(reason)"
        case .timedOut(let endpoint, let phase, let limit): "\(endpoint): timed out \(phase.when) (after \(limit))"
        case .responseTooLarge(let endpoint, let part, let limit):
            "\(endpoint): the response \(part) is larger than \(limit) bytes"
        case .badEncoding(let endpoint, let encoding):
            "\(endpoint): the answer's content encoding, \(encoding.quoted(limit: 40)), is unknown or its body is damaged"
        case .status(let endpoint, let code, let reason):
            "\(endpoint): answered HTTP status \(code)" + (reason.map { ": \($0.quoted(limit: 196))" } ?? "")
        case .wantsHTTPS(let endpoint): "\(endpoint): the server accepts only https, but the URL says http"
        case .cancelled(let endpoint): "\(endpoint): cancelled"
        case .noLibrary(let reason): "libcurl cannot be used: \(reason)"
        case .other(let endpoint, _, let code, let reason): "\(endpoint): \(reason) (curl error \(code))"
        }
    }

    package var hints: [String] {
        switch self {
        case .cannotResolve: ["is the host name right, and is the network up?"]
        case .connectionRefused, .cannotConnect: ["is the service running, and are the URL's host and port right?"]
        case .noLibrary: ["install libcurl (on Debian, the package libcurl4)"]
        case .wantsHTTPS: ["use https:// instead of http:// in the URL"]
        case .tlsFailed(_, let reason) where reason.contains("wrong version number"):
            ["the server does not speak TLS there: is the port right? if so, use http:// instead of https://"]
        case .tlsFailed: ["is the host name right? --cacert FILE trusts another authority's certificates"]
        case .status(_, let code, _): Self.hint(forStatus: code).map { [$0] } ?? []
        default: []
        }
    }
}

extension HTTPError {
    /// What to do about a status.
    fileprivate static func hint(forStatus code: Int) -> String? {
        switch code {
        case 300..<400: "the server redirects, and redirects are not followed: check the URL"
        case 401, 403: "the server requires an API key, or does not accept this one: check the URL and the key in it"
        case 404, 405: "the server has nothing at this path: check the URL"
        case 429: "the server limits how often it is called: wait, or use another"
        case 500...: "the server or its backend is failing: wait, or use another"
        default: nil
        }
    }
}

/// How far a request had come.
package enum HTTPPhase: Sendable, Hashable {
    /// Nothing of the request had been sent: its name was resolved, the connection made or secured.
    case connecting
    /// Some of the request had been sent.
    case exchanging

    var when: String {
        switch self {
        case .connecting: "while connecting"
        case .exchanging: "before the answer was complete"
        }
    }
}

/// The parts of an answer that have limits of their own.
package enum HTTPResponsePart: String, Sendable, CustomStringConvertible {
    /// The status line and headers, or what follows them.
    case head, body

    package var description: String { rawValue }
}

extension HTTPResponse {
    /// What a status that is no success means: most often the status itself, with what the server says of it.
    package func failure(from endpoint: Endpoint) -> HTTPError {
        let name = endpoint.displayName
        return name.hasPrefix("http://") && wantsHTTPS
            ? .wantsHTTPS(endpoint: name)
            : .status(endpoint: name, code: status, reason: explanation(from: endpoint))
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
