/// How a request stands, for those who watch: nothing of it that may be secret.
package struct HTTPExchange: Sendable {
    /// What has come of the request.
    package enum Outcome: Sendable, Equatable {
        /// Nothing so far.
        case waiting
        /// An answer, and the bytes of its body.
        case answered(status: Int, byteCount: Int)
        /// No usable answer.
        case failed(HTTPError)
    }

    /// What has come of the request.
    package let outcome: Outcome
    /// The time since the request began.
    package let duration: Duration
    private let request: HTTPRequest

    init(_ request: HTTPRequest, _ outcome: Outcome, after duration: Duration) {
        self.request = request
        self.outcome = outcome
        self.duration = duration
    }

    /// Who is asked: scheme, host and port, or a socket's path in quotes.
    package var endpoint: String { request.endpoint.displayName }
}

/// Hears of each request: about once a second that it waits, and when bytes move; and at last how it ended.
package typealias HTTPObserver = @Sendable (HTTPExchange) -> Void

extension HTTPExchange: CustomStringConvertible {
    /// The request and what has come of it: `POST http://127.0.0.1:8545 eth_call ×3 (412 bytes) → 200, 733 bytes, 12 ms`.
    package var description: String {
        "\(question) → \(answer), \(duration.wholeMilliseconds) ms"
    }

    private var question: String {
        let place = request.endpoint.shown(with: request.path) + (request.subject.map { " \($0)" } ?? "")
        return switch request.method {
        case .get: "GET \(place)"
        case .post(let body): "POST \(place) (\(Self.bytes(body.count)))"
        }
    }

    private var answer: String {
        switch outcome {
        case .waiting: "no answer yet"
        case .answered(let status, let byteCount): "\(status), \(Self.bytes(byteCount))"
        // The endpoint stands in the line already.
        case .failed(let error): String(error.description.trimmingPrefix("\(endpoint): "))
        }
    }

    private static func bytes(_ count: Int) -> String { count == 1 ? "1 byte" : "\(count) bytes" }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
