import Failures

/// An IP address and a port to listen on.
package struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// The address without brackets.
    package let host: String
    /// The port; 0 lets the system choose.
    package let port: Int

    /// `127.0.0.1:8080`, `[::1]:8080`; names are not looked up.
    ///
    /// - Throws: ``HTTPServerError/notAnAddress(_:)``.
    package init(_ text: String) throws(HTTPServerError) {
        let parts = HostAndPort(text)
        guard let port = parts.port.flatMap({ UInt16($0) }), IPAddress(parts.host) != nil,
            parts.host.contains(":") == text.hasPrefix("[")
        else { throw .notAnAddress(text) }
        self.init(host: parts.host, port: Int(port))
    }

    /// A port of every IPv4 address of this machine.
    package static func everywhere(port: UInt16) -> ListenAddress { ListenAddress(host: "0.0.0.0", port: Int(port)) }

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    func with(port: Int?) -> ListenAddress { ListenAddress(host: host, port: port ?? self.port) }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A host and a port as they stand in a URL or a Host header: an IPv6 address is in brackets.
struct HostAndPort {
    /// Without brackets.
    let host: String
    /// What stands behind the last colon; nil if there is none.
    let port: String?

    init(_ text: String) {
        let name: Substring
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            name = text[...end]
            host = String(name.dropFirst().dropLast())
        } else {
            name = text[..<(text.lastIndex(of: ":") ?? text.endIndex)]
            host = String(name)
        }
        let rest = text.dropFirst(name.count)
        // Whatever else stands behind the brackets makes a port that is none.
        port = rest.isEmpty ? nil : rest.first == ":" ? String(rest.dropFirst()) : ""
    }
}
