import NIOHTTP1

/// A request that can be answered.
package struct ServerRequest: Sendable {
    /// The path, its escapes decoded.
    package let path: String
    /// The name or address by which the client called the server, without a port; nil if it did not say (HTTP/1.0).
    package let host: String?
    /// The values of its Authorization headers.
    package let authorization: [String]
    /// Who is at the other end of the connection; whom headers name is not believed.
    package let peer: IPAddress?
    /// Whether a header says that the one at the other end is a proxy, which asks for somebody else.
    package let isForwarded: Bool
    private let query: [RequestTarget.Parameter]

    /// The values of a parameter of the query, in their order.
    package func values(of parameter: String) -> [String] {
        query.filter { $0.name == parameter }.map(\.value)
    }

    /// What proxies add, besides X-Forwarded-….
    private static let proxyHeaders: Set = [
        "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for",
        "x-envoy-external-address", "cf-connecting-ip", "true-client-ip",
    ]

    /// - Throws: ``RefusedRequest`` for what this server answers by itself.
    init(_ head: HTTPRequestHead, from peer: IPAddress?) throws(RefusedRequest) {
        guard head.method == .GET || head.method == .HEAD else { throw .wrongMethod }
        // Nothing reads a body here: one that was taken for the next request would be a smuggled one.
        guard !head.headers.contains(name: "Transfer-Encoding"),
            head.headers["Content-Length"].allSatisfy({ $0 == "0" })
        else { throw .hasBody }
        let hosts = head.headers["Host"]
        guard hosts.count == 1 || (hosts.isEmpty && head.version == .http1_0) else { throw .wrongHost }
        guard let target = RequestTarget(head.uri) else { throw .wrongTarget }
        path = target.path
        query = target.query
        host = (target.authority ?? hosts.first).map { HostAndPort($0).host }
        authorization = head.headers["Authorization"]
        isForwarded = head.headers.contains { name, _ in
            let name = name.lowercased()
            return name.hasPrefix("x-forwarded") || Self.proxyHeaders.contains(name)
        }
        self.peer = peer
    }
}

/// Why a request is answered with an error by the server itself.
enum RefusedRequest: Error, Equatable {
    /// Neither GET nor HEAD.
    case wrongMethod
    /// There is a body.
    case hasBody
    /// No Host header, or several.
    case wrongHost
    /// The target is no path, or has a broken escape.
    case wrongTarget
    /// The line or the headers are too large.
    case tooLarge
    /// It is no HTTP/1 request.
    case malformed

    var response: ServerResponse {
        switch self {
        case .wrongMethod:
            .error(405, "only GET and HEAD are understood here", headers: [("Allow", "GET, HEAD")])
        case .hasBody: .error(413, "requests have no body here")
        case .wrongHost: .error(400, "the request needs one Host header")
        case .wrongTarget: .error(400, "the request's target is no path, or has an escape that is none")
        case .tooLarge: .error(431, "the request's line or headers are too large")
        case .malformed: .error(400, "this is no HTTP/1.1 request")
        }
    }
}
