import CCurl
import Failures
import Glibc

/// Where an HTTP service listens: an http or https URL, or a unix socket.
package struct Endpoint: Hashable, Sendable {
    /// How the endpoint is named in messages: scheme, host and port, or the socket's path in quotes.
    ///
    /// The rest of a URL holds API keys and passwords, and is shown nowhere.
    package let displayName: String
    /// The path of the unix socket, or nil for a URL.
    package let socketPath: String?
    /// Whether the host is this machine, so that no proxy is used.
    let isLocal: Bool
    /// Scheme, user and password, host and port: a URL up to its path.
    private let origin: String
    /// The URL's own path, without a slash at its end.
    private let path: String
    /// The URL's own query with its question mark, or nothing.
    private let query: String
    /// The URL as it was given, without a fragment.
    private let whole: String

    /// The service at a URL.
    ///
    /// - Parameter text: an absolute http or https URL in ASCII. A user and password are sent as basic
    ///   authentication; a fragment is ignored.
    /// - Throws: ``HTTPError/invalidEndpoint(reason:)``, ``HTTPError/noLibrary(reason:)``.
    package init(url text: String) throws(HTTPError) {
        guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw .invalidEndpoint(reason: "the URL has a space or a character that is not printable ASCII")
        }
        guard let scheme = ["http", "https"].first(where: { text.lowercased().hasPrefix("\($0)://") }) else {
            throw .invalidEndpoint(reason: "the URL begins with neither http:// nor https://")
        }
        let parts = try URLParts(text)
        displayName = "\(scheme)://\(parts.host)" + (parts.port.map { ":\($0)" } ?? "")
        socketPath = nil
        isLocal = Loopback.contains(parts.host)

        let shown = text.prefix { $0 != "#" }
        let rest = shown.dropFirst(scheme.count + 3)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        // curl takes what follows too many slashes for the host: it is part of a path, and may be a key.
        guard !authority.isEmpty else { throw .invalidEndpoint(reason: "the URL has no host") }
        origin = "\(scheme)://\(authority)"
        let ownPath = rest.dropFirst(authority.count).prefix { $0 != "?" }
        query = String(rest.dropFirst(authority.count + ownPath.count))
        path = String(ownPath.last == "/" ? ownPath.dropLast() : ownPath)
        whole = String(shown)
    }

    /// The service at a unix socket.
    ///
    /// - Parameter path: the socket's path, without any `unix:` in front.
    /// - Throws: ``HTTPError/invalidEndpoint(reason:)`` for a path that is empty, holds NUL, or is longer than the
    ///   107 bytes that the system can connect to.
    package init(socketPath path: String) throws(HTTPError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw .invalidEndpoint(reason: "the path of a unix socket is empty or holds NUL")
        }
        guard path.utf8.count <= 107 else {
            throw .invalidEndpoint(reason: "the path of a unix socket has more than 107 bytes")
        }
        displayName = path.quoted(limit: 107)
        socketPath = path
        isLocal = true
        origin = "http://localhost"
        self.path = ""
        query = ""
        whole = origin + "/"
    }

    /// The URL for `path` below this endpoint; the endpoint's own query stays at the end.
    ///
    /// - Throws: ``HTTPError/invalidRequest(endpoint:reason:)`` if the path does not begin with a slash, or is not
    ///   printable ASCII.
    func url(for path: String) throws(HTTPError) -> String {
        guard !path.isEmpty else { return whole }
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "#") }) else {
            throw .invalidRequest(
                endpoint: displayName, reason: "its path does not begin with a slash or is not printable ASCII")
        }
        let joint = query.isEmpty || !path.contains("?") ? query : "&" + query.dropFirst()
        return origin + self.path + path + joint
    }

    /// How the URL for a path is named in messages: ``displayName``, and `/…` for a path or query.
    ///
    /// A socket has nothing but its path: the rest is in the request.
    func shown(with path: String) -> String {
        let isBare = socketPath != nil || (self.path.isEmpty && query.isEmpty && path.utf8.count <= 1)
        return displayName + (isBare ? "" : "/…")
    }

    /// The text with every part of the URL that may be a secret replaced by `…`: servers quote what they were asked.
    package func redacting(_ text: String) -> String {
        guard socketPath == nil else { return text }
        let userInfo = origin.dropFirst(displayName.prefix { $0 != ":" }.count + 3).split(separator: "@").dropLast()
            .map(String.init)
        // A part of the path may be a word of the text; who one is and what one hands over are secrets, if short ones.
        let words = path.split(separator: "/").filter { $0.utf8.count >= 6 }.map(String.init)
        let values = query.dropFirst().split(separator: "&").flatMap { $0.split(separator: "=").dropFirst() }
        let names = query.dropFirst().split(separator: "&").flatMap { $0.split(separator: "=").prefix(1) }
            .filter { $0.utf8.count >= 6 }
        let credentials = userInfo.flatMap { $0.split(separator: ":") } + values
        let short = credentials.filter { $0.utf8.count >= 3 }.map(String.init)
        let spelled = words + names.map(String.init) + short + userInfo.map { Self.base64($0.removingPercentEscapes) }
        // The longest first: a shorter one may be a part of it.
        let secrets = Set(spelled + spelled.map(\.removingPercentEscapes)).sorted {
            ($1.utf8.count, $1) < ($0.utf8.count, $0)
        }
        return secrets.reduce(text) { $0.replacing($1, with: "…") }
    }

    /// A name and a password as a request carries them (RFC 7617), without padding.
    private static func base64(_ text: String) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var result: [UInt8] = []
        var (value, count) = (0, 0)
        for byte in Array(text.utf8) {
            (value, count) = (value << 8 | Int(byte), count + 8)
            while count >= 6 {
                count -= 6
                result.append(digits[value >> count & 63])
            }
            value &= 63
        }
        if count > 0 { result.append(digits[value << (6 - count) & 63]) }
        return String(decoding: result, as: UTF8.self)
    }
}

extension String {
    /// The text with what its percent escapes stand for, as servers read it.
    fileprivate var removingPercentEscapes: String {
        var result: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), digits.utf8.count == 2, let decoded = UInt8(digits, radix: 16) {
                result.append(decoded)
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// What curl, which will connect, reads in a URL.
private struct URLParts {
    /// In lower case as curl writes it; an IPv6 address is in brackets.
    let host: String
    /// Decimal, or nil where the URL has none.
    let port: String?

    init(_ text: String) throws(HTTPError) {
        let library = try Curl.library.get()
        let curl = unsafe library.functions.pointee
        guard let handle = unsafe curl.url() else { throw .invalidEndpoint(reason: "out of memory") }
        defer { unsafe curl.url_cleanup(handle) }
        let code = unsafe text.withCString { unsafe curl.url_set(handle, CURLUPART_URL, $0, 0) }
        guard code == CURLUE_OK else {
            throw .invalidEndpoint(reason: "the URL is malformed: \(library.text(of: code))")
        }
        func part(_ part: CURLUPart) -> String? {
            var value: UnsafeMutablePointer<CChar>?
            guard unsafe curl.url_get(handle, part, &value, 0) == CURLUE_OK, let value = unsafe value else {
                return nil
            }
            defer { unsafe curl.free(value) }
            return unsafe String(cString: value)
        }
        guard let host = part(CURLUPART_HOST), !host.isEmpty else {
            throw .invalidEndpoint(reason: "the URL has no host")
        }
        // curl decodes the host's percent escapes.
        guard host.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw .invalidEndpoint(reason: "the URL's host has an escape that is not printable ASCII")
        }
        self.host = host.lowercased()
        port = part(CURLUPART_PORT)
    }
}

/// The hosts that are this machine.
enum Loopback {
    /// Whether a host, as written in a URL, is `localhost`, in 127.0.0.0/8, or ::1.
    static func contains(_ host: String) -> Bool {
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        if name.hasPrefix("["), name.hasSuffix("]") {
            return addressBytes(String(name.dropFirst().dropLast()), family: AF_INET6, count: 16).map {
                $0 == [UInt8](repeating: 0, count: 15) + [1]
                    || $0.starts(with: [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127])
            } ?? false
        }
        return addressBytes(name, family: AF_INET, count: 4)?.first == 127
    }

    /// The bytes of a numeric address, in network order, or nil for another text.
    private static func addressBytes(_ text: String, family: Int32, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let result = unsafe bytes.withUnsafeMutableBytes { unsafe inet_pton(family, text, $0.baseAddress) }
        return result == 1 ? bytes : nil
    }
}
