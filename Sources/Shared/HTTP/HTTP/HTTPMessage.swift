/// A request to an endpoint.
package struct HTTPRequest: Sendable {
    /// What is done, and the bytes that it needs.
    package enum Method: Sendable, Equatable {
        /// GET.
        case get
        /// POST, with a body.
        case post([UInt8])
    }

    /// Who is asked.
    package var endpoint: Endpoint
    /// What is done.
    package var method: Method
    /// Appended to the endpoint's own path: nothing, or a path (and query) that begins with a slash.
    package var path: String
    /// What it asks for, for those who watch: names that are no secret.
    package var subject: String?
    /// Names and values, in printable ASCII.
    package var headers: [(name: String, value: String)]
    /// How much and how long.
    package var limits: HTTPLimits
    /// Whether a connection kept from an earlier request will do.
    ///
    /// curl sends a request a second time when a kept connection turns out to be closed. Without reuse it is sent
    /// once at most.
    package var reusesConnection: Bool

    package init(
        _ endpoint: Endpoint, _ method: Method = .get, path: String = "", subject: String? = nil,
        headers: [(name: String, value: String)] = [], limits: HTTPLimits = HTTPLimits(), reusesConnection: Bool = true
    ) {
        self.endpoint = endpoint
        self.method = method
        self.path = path
        self.subject = subject
        self.headers = headers
        self.limits = limits
        self.reusesConnection = reusesConnection
    }
}

/// How many bytes an answer may have and how long it may take.
package struct HTTPLimits: Sendable, Hashable {
    /// Bytes of the answer's body.
    package var body: Int
    /// Bytes of the answer's head: the status line and all headers, those of interim answers too.
    package var head: Int
    /// From the call to the last byte of the answer.
    package var deadline: Duration
    /// Until the connection is made and secured.
    package var connectTimeout: Duration

    package init(
        body: Int = 16 << 20, head: Int = 64 << 10, deadline: Duration = .seconds(30),
        connectTimeout: Duration = .seconds(10)
    ) {
        self.body = body
        self.head = head
        self.deadline = deadline
        self.connectTimeout = connectTimeout
    }
}

/// An endpoint's answer, whatever its status.
package struct HTTPResponse: Sendable {
    /// 200 and so on.
    package let status: Int
    /// Names as the server wrote them and values without the space around them, in their order.
    package let headers: [(name: String, value: String)]
    /// The bytes after the head.
    package var body: [UInt8]

    package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The value of the first header of that name, in whatever case the server wrote it.
    package func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }

    /// Whether the status is one of 200 to 299.
    package var isSuccess: Bool { 200..<300 ~= status }

    /// The pause that the server asks for before the next request: `Retry-After` in its form of whole seconds.
    /// A date in its place is ignored.
    package var retryAfter: Duration? {
        guard let text = header("Retry-After"), text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let seconds = Int32(text)
        else { return nil }
        return .seconds(seconds)
    }

    /// The answer itself, if its status is one of 200 to 299.
    ///
    /// - Throws: ``HTTPError/status(endpoint:code:reason:)``, ``HTTPError/wantsHTTPS(endpoint:)``.
    package func successful(from endpoint: Endpoint) throws(HTTPError) -> HTTPResponse {
        guard isSuccess else { throw failure(from: endpoint) }
        return self
    }

    /// Whether a status is transient: a rate limit, or a server behind a gateway that is away.
    package static func isTransient(status: Int) -> Bool {
        switch status {
        case 408, 425, 429, 500, 502...504, 520...524: true
        default: false
        }
    }
}

/// The progress of a request, for observers, without anything that may be secret.
package struct HTTPExchange: Sendable {
    /// What has come of the request.
    package enum Outcome: Sendable, Equatable {
        /// Nothing so far.
        case waiting
        /// Nothing in the first second; said once of a request.
        case late
        /// An answer, and the bytes of its body.
        case answered(status: Int, byteCount: Int)
        /// No usable answer.
        case failed(HTTPError)
        /// It is over, with this failure, and will be sent again after a pause.
        case pausing(after: String)
    }

    /// What has come of the request.
    package let outcome: Outcome
    /// The time since the request began.
    package let duration: Duration
    /// Nil in a pause.
    private let request: HTTPRequest?

    init(_ request: HTTPRequest?, _ outcome: Outcome, after duration: Duration) {
        self.request = request
        self.outcome = outcome
        self.duration = duration
    }

    /// The server: scheme, host and port, or a socket's path in quotes; empty in a pause, whose reason names it.
    package var endpoint: String { request?.endpoint.displayName ?? "" }
}

/// Hears of each request: about once a second that it waits, and when bytes move; at last how it ended; and of the
/// pause before it is sent again, several times a second.
package typealias HTTPObserver = @Sendable (HTTPExchange) -> Void

extension HTTPExchange: CustomStringConvertible {
    /// The request and its outcome: `POST http://127.0.0.1:8545 eth_call ×3 (412 bytes) → 200, 733 bytes, 12 ms`.
    package var description: String {
        "\(request?.question ?? "") → \(answer), \(duration.wholeMilliseconds) ms"
    }

    private var answer: String {
        switch outcome {
        case .waiting, .late: "no answer yet"
        case .answered(let status, let byteCount): "\(status), \(byteCount.inBytes)"
        // The line already names the endpoint.
        case .failed(let error): String(error.description.trimmingPrefix("\(endpoint): "))
        case .pausing(let failure): failure
        }
    }
}

extension HTTPRequest {
    /// What is asked, of whom, and with how many bytes.
    fileprivate var question: String {
        let place = endpoint.shown(with: path) + (subject.map { " \($0)" } ?? "")
        return switch method {
        case .get: "GET \(place)"
        case .post(let body): "POST \(place) (\(body.count.inBytes))"
        }
    }
}

extension Int {
    fileprivate var inBytes: String { self == 1 ? "1 byte" : "\(self) bytes" }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
