import NIOHTTP1

/// A request that can be answered.
package struct ServerRequest: Sendable {
    /// The path, its escapes decoded.
    package let path: String
    /// The name or address by which the client called the server, without a port; nil if it did not say (HTTP/1.0).
    package let host: String?
    /// The values of its Authorization headers.
    package let authorization: [String]
    /// The other end of the connection; addresses in headers are not trusted.
    package let peer: IPAddress?
    /// Whether a header says that the other end is a proxy, which makes requests for others.
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

    /// - Throws: ``RefusedRequest`` for requests that this server answers itself.
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
            .error(405, "only GET and HEAD are supported", headers: [("Allow", "GET, HEAD")])
        case .hasBody: .error(413, "requests must not have a body")
        case .wrongHost: .error(400, "the request needs exactly one Host header")
        case .wrongTarget: .error(400, "the request's target is not a path, or has an invalid escape")
        case .tooLarge: .error(431, "the request's line or headers are too large")
        case .malformed: .error(400, "this is not an HTTP/1.1 request")
        }
    }
}

/// What the second word of a request asks for.
struct RequestTarget: Equatable {
    /// Decoded, as UTF-8.
    let path: String
    /// Names and values, decoded, in their order.
    let query: [Parameter]
    /// The host, and the port, of a target that is a whole URL; it takes precedence over the Host header (RFC 9112,
    /// 3.2.2).
    let authority: String?

    /// A name and its value in a query.
    struct Parameter: Equatable {
        let name: String
        let value: String
    }

    /// `/path?name=value`, alone or after `http://host`; nil for anything else, or for an invalid escape.
    init?(_ text: String) {
        var rest = text[...]
        if rest.lowercased().hasPrefix("http://") {
            rest = rest.dropFirst("http://".count)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            authority = String(rest[..<end])
            rest = rest[end...]
            if rest.first != "/" { rest = "/" + rest }
        } else {
            authority = nil
        }
        guard rest.first == "/", !rest.contains("#") else { return nil }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let encodedPath = parts.first, let path = Self.decode(encodedPath, plusIsSpace: false) else { return nil }
        self.path = path
        var query: [Parameter] = []
        for pair in parts.dropFirst().joined().split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first.flatMap({ Self.decode($0, plusIsSpace: true) }),
                let value = Self.decode(parts.dropFirst().first ?? "", plusIsSpace: true)
            else { return nil }
            query.append(Parameter(name: name, value: value))
        }
        self.query = query
    }

    /// The text without its percent escapes; nil where one is cut, or the bytes are not UTF-8.
    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(Self.digit), let low = rest.popFirst().flatMap(Self.digit)
                else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8(truncatingIfNeeded: $0) }
    }
}
