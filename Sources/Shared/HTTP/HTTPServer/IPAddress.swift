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

    /// An address, alone or with the length of the prefix behind a slash.
    ///
    /// - Throws: ``HTTPServerError/notANetwork(_:)``, also if there are bits behind the prefix: they tell of an error.
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

    /// The address with zeros behind so many bits.
    fileprivate func masked(to length: Int) -> IPAddress {
        let bytes = bytes.enumerated().map { index, byte in
            let kept = min(max(length - index * 8, 0), 8)
            return byte & ~UInt8(truncatingIfNeeded: 0xFF >> kept)
        }
        return IPAddress(bytes: bytes)
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }
}
