import Failures
import Glibc

/// An IPv4 or IPv6 address. One that IPv6 maps from IPv4 (::ffff:127.0.0.1) is the IPv4 address.
package struct IPAddress: Equatable, Sendable {
    /// 4 or 16 bytes, in network order.
    package let bytes: [UInt8]

    private static let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]

    /// The address that a text is, without brackets; nil for any other text.
    package init?(_ text: String) {
        guard !text.utf8.contains(0) else { return nil }
        guard let bytes = Self.parse(text, AF_INET, count: 4) ?? Self.parse(text, AF_INET6, count: 16) else {
            return nil
        }
        self.bytes = bytes.starts(with: Self.mapped) ? Array(bytes.dropFirst(12)) : bytes
    }

    private static func parse(_ text: String, _ family: Int32, count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let result = unsafe bytes.withUnsafeMutableBytes { unsafe inet_pton(family, text, $0.baseAddress) }
        return result == 1 ? bytes : nil
    }
}

/// The addresses that begin with the same bits: `10.0.0.0/8`.
///
/// IPv4 addresses are in no network of IPv6 but those that begin with ::ffff:0:0/96.
package struct IPNetwork: Equatable, Sendable {
    private let address: IPAddress
    private let prefixLength: Int

    /// This machine, to itself.
    package static let loopback = [
        IPNetwork(address: IPAddress(127, 0, 0, 1), prefixLength: 8),
        IPNetwork(address: IPAddress(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), prefixLength: 128),
    ]

    /// An address, alone or followed by a slash and the prefix length.
    ///
    /// - Throws: ``HTTPServerError/notANetwork(_:)``, also if there are bits after the prefix, which indicate a
    ///   mistake.
    package init(_ text: String) throws(HTTPServerError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, let address = IPAddress(String(name)) else { throw .notANetwork(text) }
        let isMapped = name.contains(":") && address.bytes.count == 4
        var length = address.bytes.count * 8
        if parts.count > 1 {
            guard let number = UInt8(parts[1]), Int(number) - (isMapped ? 96 : 0) <= length else {
                throw .notANetwork(text)
            }
            length = Int(number) - (isMapped ? 96 : 0)
        }
        guard length >= 0, address.masked(to: length) == address else { throw .notANetwork(text) }
        self.init(address: address, prefixLength: length)
    }

    private init(address: IPAddress, prefixLength: Int) {
        self.prefixLength = prefixLength
        self.address = address.masked(to: prefixLength)
    }

    /// Whether an address is one of them.
    package func contains(_ other: IPAddress) -> Bool {
        other.bytes.count == address.bytes.count && other.masked(to: prefixLength) == address
    }
}

extension IPAddress {
    fileprivate init(_ bytes: UInt8...) { self.bytes = bytes }

    /// The address with all bits after this many set to zero.
    fileprivate func masked(to length: Int) -> IPAddress {
        let bytes = bytes.enumerated().map { index, byte in
            let kept = min(max(length - index * 8, 0), 8)
            return byte & ~UInt8(truncatingIfNeeded: 0xFF >> kept)
        }
        return IPAddress(bytes: bytes)
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }
}

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

    /// The same host with another port; nil keeps this one.
    func with(port: Int?) -> ListenAddress { ListenAddress(host: host, port: port ?? self.port) }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A host and a port as written in a URL or a Host header: an IPv6 address is in brackets.
struct HostAndPort {
    /// Without brackets.
    let host: String
    /// What follows the last colon; nil if there is none.
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
        // Anything else after the brackets makes the port invalid.
        port = rest.isEmpty ? nil : rest.first == ":" ? String(rest.dropFirst()) : ""
    }
}
