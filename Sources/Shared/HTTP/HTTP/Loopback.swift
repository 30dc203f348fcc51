import Glibc

/// The hosts that are this machine.
enum Loopback {
    /// Whether a host, as it stands in a URL, is `localhost`, in 127.0.0.0/8, or ::1.
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
