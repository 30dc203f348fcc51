import Glibc
import Testing

/// A connection to a server on this machine; every wait on it ends after 20 seconds.
package final class LoopbackClient {
    private let number: Int32

    /// - Parameters:
    ///   - port: the server's, of 127.0.0.1.
    ///   - receiveBuffer: how many bytes the system takes ahead of the reader; nil for as many as usual.
    package init(port: Int, receiveBuffer: Int32? = nil) throws {
        number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(number >= 0)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if var size = receiveBuffer {
            unsafe setsockopt(number, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
        target.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &target) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(errno: errno) }
    }

    deinit { close(number) }

    /// The system's error number.
    package struct Failure: Error, Equatable {
        package let errno: Int32

        package init(errno: Int32) { self.errno = errno }
    }

    /// Sends all of the text, or as much as the server takes.
    package func send(_ text: String) {
        let bytes = Array(text.utf8)
        var count = 0
        while count < bytes.count {
            let sent = unsafe bytes[count...].withUnsafeBytes {
                unsafe Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return }
            count += sent
        }
    }

    /// Sends no more.
    package func closeOutput() { shutdown(number, Int32(SHUT_WR)) }

    /// Some bytes; none at the end.
    package func read(limit: Int = 1 << 16) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = unsafe recv(number, &bytes, limit, 0)
        guard count >= 0 else { throw Failure(errno: errno) }
        return Array(bytes.prefix(count))
    }

    /// All that comes until the server closes.
    package func readToEnd() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while case let part = try read(), !part.isEmpty { bytes += part }
        return bytes
    }

    /// The status of the answer, or 0 if there is none.
    package func status() throws -> Int {
        Int(String(decoding: try readToEnd().dropFirst(9).prefix(3), as: UTF8.self)) ?? 0
    }
}
