import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

@Suite struct ConnectionTests {
    private static let get = EmbeddedConnection.get

    @Test func `an answer is JSON that nobody stores, and ends the connection`() throws {
        let connection = try EmbeddedConnection()
        connection.send(Self.get)
        let lines = connection.answer.split(separator: "\r\n")
        #expect(
            lines == [
                "HTTP/1.1 200 OK", "Content-Type: application/json", "Content-Length: 4", "Connection: close",
                "Cache-Control: no-store", "X-Content-Type-Options: nosniff", "\"/\"\n",
            ])
    }

    @Test func `HEAD is answered like GET, without the body`() throws {
        let (get, head) = (try EmbeddedConnection(), try EmbeddedConnection())
        get.send(Self.get)
        head.send("HEAD" + Self.get.dropFirst(3))
        #expect(get.answer == head.answer + "\"/\"\n")
        #expect(head.body.isEmpty)
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"])
    func `other methods are refused`(method: String) throws {
        let connection = try EmbeddedConnection()
        connection.send("\(method) /proof HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
        #expect(connection.statuses == [405])
        #expect(connection.answer.contains("\r\nAllow: GET, HEAD\r\n"))
        #expect(connection.paths.isEmpty)
    }

    @Test func `only the first of several requests is answered`() throws {
        for rest in [Self.get, "garbage\0", String(repeating: Self.get, count: 100)] {
            let connection = try EmbeddedConnection()
            connection.send(Self.get + rest)
            connection.send(Self.get)
            #expect(connection.statuses == [200])
            #expect(connection.paths == ["/"])
        }
    }

    @Test func `a request in the body of another is not answered`() throws {
        let head = "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(3 * Self.get.utf8.count)\r\n\r\n"
        for pieces in [[head + Self.get], [head, Self.get, Self.get], [String(head.dropLast()), "\r\n" + Self.get]] {
            let connection = try EmbeddedConnection()
            for piece in pieces { connection.send(piece) }
            #expect(connection.statuses == [413])
            #expect(connection.paths.isEmpty)
        }
    }

    // MARK: - The end of a connection

    @Test func `after the answer the client has a moment to hang up`() throws {
        let connection = try EmbeddedConnection()
        connection.send(Self.get)
        connection.wait(0.9)
        #expect(connection.isOpen)
        connection.wait(0.2)
        #expect(!connection.isOpen)
    }

    @Test func `a client that has hung up is answered and the connection closed`() throws {
        let connection = try EmbeddedConnection()
        connection.send(Self.get)
        connection.closeInput()
        #expect(connection.statuses == [200])
        #expect(!connection.isOpen)
    }

    @Test(arguments: [("", []), (String(Self.get.dropLast()), [400])] as [(String, [Int])])
    func `a client that hangs up within a request is not waited for`(request: String, statuses: [Int]) throws {
        let connection = try EmbeddedConnection()
        connection.send(request)
        connection.closeInput()
        #expect(connection.statuses == statuses)
        #expect(connection.paths.isEmpty)
        #expect(!connection.isOpen)
    }

    @Test(arguments: ["", "GET / HTTP/1.1\r\nX:"])
    func `a silent connection ends at the deadline`(request: String) throws {
        let connection = try EmbeddedConnection()
        connection.send(request)
        connection.wait(9.9)
        #expect(connection.isOpen)
        #expect(connection.statuses.isEmpty)
        connection.wait(0.2)
        #expect(!connection.isOpen)
    }

    @Test func `a header that drips in does not postpone the deadline`() throws {
        let connection = try EmbeddedConnection()
        connection.send("GET / HTTP/1.1\r\nX: ")
        for _ in 0..<99 {
            connection.send("a")
            connection.wait(0.1)
        }
        #expect(connection.isOpen)
        connection.wait(0.2)
        #expect(!connection.isOpen)
    }

    @Test func `a body that drips in is not waited for`() throws {
        let connection = try EmbeddedConnection()
        connection.send("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        #expect(connection.statuses == [413])
        connection.send("a")
        connection.wait(1.1)
        #expect(!connection.isOpen)
    }

    @Test func `an I/O error closes the connection without an answer`() throws {
        let connection = try EmbeddedConnection()
        connection.channel.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "reset"))
        connection.channel.embeddedEventLoop.run()
        #expect(!connection.isOpen)
        #expect(connection.statuses.isEmpty)
    }
}

@Suite struct ConnectionsTests {
    private static let get = EmbeddedConnection.get

    @Test func `a newcomer takes the place of the oldest connection that waits`() throws {
        let connections = Connections(limit: 3)
        let first = try (0..<3).map { _ in try EmbeddedConnection(among: connections) }
        first[1].send("GET /")
        let fourth = try EmbeddedConnection(among: connections)
        #expect(first.map(\.isOpen) == [false, true, true])
        let fifth = try EmbeddedConnection(among: connections)
        #expect(first.map(\.isOpen) == [false, false, true])
        for connection in [first[2], fourth, fifth] {
            connection.send(Self.get)
            #expect(connection.statuses == [200])
        }
    }

    @Test func `a connection that has ended leaves its place`() throws {
        let connections = Connections(limit: 2)
        let (first, second) = (try EmbeddedConnection(among: connections), try EmbeddedConnection(among: connections))
        second.closeInput()
        #expect(!second.isOpen)
        _ = try EmbeddedConnection(among: connections)
        #expect(first.isOpen)
    }

    @Test func `a newcomer is turned away while all are being answered`() throws {
        let connections = Connections(limit: 1)
        let busy = try EmbeddedConnection(among: connections)
        let gate = try busy.delayWrites()
        busy.send(Self.get)
        #expect(throws: TooManyConnections.self) { try EmbeddedConnection(among: connections) }
        #expect(busy.isOpen)
        gate.open()
        #expect(busy.statuses == [200])
        _ = try EmbeddedConnection(among: connections)
        #expect(!busy.isOpen)
    }

    @Test func `a stop ends idle connections at once and waits for the requests that have begun`() throws {
        let connections = Connections(limit: 4)
        let idle = try EmbeddedConnection(among: connections)
        let begun = try EmbeddedConnection(among: connections)
        let answered = try EmbeddedConnection(among: connections)
        begun.send(String(Self.get.dropLast()))
        answered.send(Self.get)
        let promise = idle.channel.eventLoop.makePromise(of: Void.self)
        var hasEnded = false
        promise.futureResult.assumeIsolated().whenSuccess { hasEnded = true }
        connections.endWaiting(thenSucceed: promise)
        #expect([idle, begun, answered].map(\.isOpen) == [false, true, false])
        #expect(!hasEnded)
        begun.send("\r\n")
        #expect(begun.statuses == [200])
        begun.wait(1.1)
        idle.channel.embeddedEventLoop.run()
        #expect(hasEnded)
    }

    @Test func `a stop without connections ends at once`() throws {
        let loop = try EmbeddedConnection().channel.eventLoop
        let promise = loop.makePromise(of: Void.self)
        Connections(limit: 1).endWaiting(thenSucceed: promise)
        try promise.futureResult.wait()
    }
}

/// Holds back what is written, like a client that does not read.
final class WriteGate: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    private var held: [(NIOAny, EventLoopPromise<Void>?)] = []
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        held.append((data, promise))
    }

    /// The client reads.
    func open() {
        for (data, promise) in held { context?.write(data, promise: promise) }
        held = []
        context?.flush()
    }
}

extension EmbeddedConnection {
    fileprivate func delayWrites() throws -> WriteGate {
        let gate = WriteGate()
        try channel.pipeline.syncOperations.addHandler(gate, position: .first)
        return gate
    }
}
