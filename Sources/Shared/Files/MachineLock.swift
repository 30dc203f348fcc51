import Glibc

/// A claim on a name that one program of this machine can have at a time; it ends with the program, however that ends.
///
/// It is a Unix socket with an abstract name (unix(7)): nothing is left behind, and programs of all users see it. A
/// container with a network of its own counts as another machine.
package struct MachineLock: ~Copyable {
    private let number: Int32

    /// - Parameter name: at most 100 bytes of ASCII.
    /// - Returns: nil if another program has it, or the system gives no socket.
    package init?(_ name: String) {
        let bytes = Array(name.utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < capacity else { return nil }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            // The leading zero makes the name an abstract one.
            for (index, byte) in bytes.enumerated() { unsafe path[index + 1] = byte }
        }
        let length = MemoryLayout<sockaddr_un>.size - capacity + 1 + bytes.count
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return nil }
        let isBound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(number, $0, socklen_t(length))
            }
        }
        guard isBound == 0 else {
            close(number)
            return nil
        }
        self.number = number
    }

    deinit { close(number) }
}
