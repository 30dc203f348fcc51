import Glibc

/// The address of a Unix socket: an absolute path, or `@` and an abstract name (unix(7)).
package struct UnixSocketAddress {
    private let address: sockaddr_un
    private let length: socklen_t

    /// - Returns: nil for a name that is neither, or too long.
    package init?(_ name: String) {
        var bytes = Array(name.utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count > 1, bytes.count < capacity, let first = bytes.first else { return nil }
        switch first {
        case UInt8(ascii: "@"): bytes[0] = 0
        case UInt8(ascii: "/"): break
        default: return nil
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            for (index, byte) in bytes.enumerated() { unsafe path[index] = byte }
        }
        self.address = address
        length = socklen_t(MemoryLayout<sockaddr_un>.size - capacity + bytes.count)
    }

    /// Whether something accepts connections of streams there.
    package var isListening: Bool {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = socket(AF_UNIX, kind, 0)
        guard number >= 0 else { return false }
        defer { close(number) }
        // EAGAIN: so many connections wait that there is no room for another one.
        return unsafe withPointer { unsafe connect(number, $0, $1) } == 0 || errno == EAGAIN
    }

    /// The address as system calls take it.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}
