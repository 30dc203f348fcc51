import Foundation
import Synchronization

/// A server on loopback TCP or on a unix socket that plays a script for each request, on threads of its own.
///
/// It ends, with its connections and its socket file, when ``stop()`` is called.
package final class LoopbackServer: Sendable {
    /// One thing that the server does to a connection.
    package enum Step: Sendable {
        /// Sends bytes.
        case send([UInt8])
        /// Does nothing for a while, or until the server ends.
        case pause(milliseconds: Int)
        /// Ends the connection in order.
        case close
        /// Ends the connection with a reset.
        case reset
    }

    /// A request as it came.
    package struct Request: Sendable {
        /// The request line and the headers.
        package let head: String
        package let body: [UInt8]
        /// The second word of the request line.
        package var target: String { head.split(separator: " ").dropFirst().first.map(String.init) ?? "" }
    }

    /// The port of a TCP server, else 0.
    package let port: Int
    /// The URL of a TCP server.
    package var url: String { "http://127.0.0.1:\(port)" }

    private let listener: Int32
    private let path: String?
    private let state = Mutex(State())

    private struct State {
        var requests: [Request] = []
        var connectionCount = 0
        var isStopped = false
        var threadCount = 1
    }

    /// - Parameters:
    ///   - path: where the unix socket is made; nil for TCP on a free port of 127.0.0.1.
    ///   - speaksFirst: what is done to a connection before anything is read from it.
    ///   - script: what is done after each request.
    package init(
        socketPath path: String? = nil, speaksFirst: [Step] = [], script: @escaping @Sendable (Request) -> [Step]
    ) throws {
        self.path = path
        listener = try path.map { try Self.listen(atPath: $0) } ?? Self.listenOnLoopback()
        port = path == nil ? Self.port(of: listener) : 0
        Thread.detachNewThread { [self] in
            serve(speaksFirst, script)
            state.withLock { $0.threadCount -= 1 }
        }
    }

    /// Ends the server and waits until its threads have.
    package func stop() {
        state.withLock { $0.isStopped = true }
        while state.withLock({ $0.threadCount > 0 }) { usleep(1000) }
    }

    /// The requests so far.
    package var requests: [Request] { state.withLock { $0.requests } }
    /// The connections so far.
    package var connectionCount: Int { state.withLock { $0.connectionCount } }
    private var isStopped: Bool { state.withLock { $0.isStopped } }

    private func serve(_ speaksFirst: [Step], _ script: @escaping @Sendable (Request) -> [Step]) {
        defer {
            close(listener)
            if let path { unsafe unlink(path) }
        }
        while waitToRead(listener) {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { continue }
            state.withLock {
                $0.connectionCount += 1
                $0.threadCount += 1
            }
            Thread.detachNewThread { [self] in
                serve(connection, speaksFirst, script)
                state.withLock { $0.threadCount -= 1 }
            }
        }
    }

    private func serve(_ connection: Int32, _ speaksFirst: [Step], _ script: (Request) -> [Step]) {
        defer { close(connection) }
        guard run(speaksFirst, on: connection) else { return }
        while let request = receive(from: connection) {
            state.withLock { $0.requests.append(request) }
            guard run(script(request), on: connection) else { return }
        }
    }

    /// Whether there is something to read before the server ends.
    private func waitToRead(_ descriptor: Int32) -> Bool {
        while !isStopped {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if unsafe Glibc.poll(&poll, 1, 10) > 0 { return true }
        }
        return false
    }

    /// Plays the steps; false once the connection should not go on.
    private func run(_ steps: [Step], on connection: Int32) -> Bool {
        for step in steps {
            switch step {
            case .send(let bytes):
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = unsafe rest.withUnsafeBytes {
                        unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    }
                    guard count > 0 else { return false }
                    rest = rest.dropFirst(count)
                }
            case .pause(let milliseconds):
                let end = ContinuousClock.now + .milliseconds(milliseconds)
                while ContinuousClock.now < end, !isStopped { usleep(1000) }
            case .close: return false
            case .reset:
                var linger = linger(l_onoff: 1, l_linger: 0)
                unsafe setsockopt(
                    connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
                return false
            }
        }
        return true
    }

    private func receive(from connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = bytes.firstRange(of: end) {
                let head = String(decoding: bytes[..<range.lowerBound], as: UTF8.self)
                let line = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
                let length = line.flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
                if bytes.count - range.upperBound >= length {
                    return Request(head: head, body: Array(bytes[range.upperBound...]))
                }
            }
            var part = [UInt8](repeating: 0, count: 65536)
            guard waitToRead(connection) else { return nil }
            let count = unsafe recv(connection, &part, part.count, 0)
            guard count > 0 else { return nil }
            bytes += part.prefix(count)
        }
    }
}
