import Dispatch
import Glibc
import JSON
import TestSupport
import Testing

@testable import HTTPServer

/// The server on a loopback address; what happens on one connection is for ``ConnectionTests``.
@Suite(.timeLimit(.minutes(1)))
struct HTTPServerTests {
    private static let get = EmbeddedConnection.get
    /// More than the buffers of both sides take.
    private static let largeBody = ResponseBody([UInt8](repeating: 7, count: 16 << 20))

    /// Runs `body` with a server, and stops it.
    private func withServer(
        on address: String = "127.0.0.1:0", deadline: Duration = .seconds(20), connections: Int = 256,
        answer: @escaping @Sendable (ServerRequest) -> ServerResponse = { .ok(.string($0.path)) },
        _ body: (HTTPServer) throws -> Void
    ) throws {
        let limits = ServerLimits(deadline: deadline, connections: connections)
        let server = try HTTPServer(on: ListenAddress(address), limits: limits, answer: answer)
        defer { server.stop() }
        try body(server)
    }

    private func withLargeServer(
        deadline: Duration = .seconds(20), connections: Int = 256, _ body: (HTTPServer) throws -> Void
    ) throws {
        try withServer(
            deadline: deadline, connections: connections,
            answer: { $0.path == "/" ? ServerResponse(status: 200, body: Self.largeBody) : .ok(.null) }, body)
    }

    @Test func `the system chooses a port in place of 0`() throws {
        try withServer { server throws in
            #expect(server.address.port > 0)
            #expect(server.address.description == "127.0.0.1:\(server.address.port)")
        }
    }

    @Test(arguments: ["127.0.0.1:0", "[::]:0"])
    func `a request bears the address at the other end, as IPv4 if it is mapped`(address: String) throws {
        let isLoopback: @Sendable (ServerRequest) -> ServerResponse = {
            .ok(.bool($0.peer == IPAddress("127.0.0.1")))
        }
        try withServer(on: address, answer: isLoopback) { server throws in
            let client = try LoopbackClient(port: server.address.port)
            client.send(Self.get)
            #expect(String(decoding: try client.readToEnd(), as: UTF8.self).hasSuffix("\r\n\r\ntrue\n"))
        }
    }

    @Test func `an address in use and one of another machine are errors`() throws {
        try withServer { server throws in
            #expect(throws: HTTPServerError.cannotListen(address: server.address, errno: EADDRINUSE)) {
                try withServer(on: server.address.description) { _ in }
            }
        }
        let other = try ListenAddress("192.0.2.1:0")
        let error = #expect(throws: HTTPServerError.cannotListen(address: other, errno: EADDRNOTAVAIL)) {
            try withServer(on: other.description) { _ in }
        }
        #expect(error?.description == "cannot listen on 192.0.2.1:0: cannot assign requested address")
    }

    @Test func `without descriptors to spare there is an error and no trap`() async {
        await #expect(processExitsWith: .success) { () throws in
            var limit = rlimit(rlim_cur: 12, rlim_max: 12)
            try #require(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            let address = try ListenAddress("127.0.0.1:0")
            #expect(throws: HTTPServerError.cannotListen(address: address, errno: EMFILE)) {
                try HTTPServer(on: address, limits: ServerLimits(deadline: .seconds(1), connections: 1)) { _ in
                    .ok(.null)
                }
            }
        }
    }

    @Test func `idle connections keep nobody out`() throws {
        try withServer(connections: 8) { server throws in
            let idle = try (0..<20).map { _ in try LoopbackClient(port: server.address.port) }
            let client = try LoopbackClient(port: server.address.port)
            client.send(Self.get)
            #expect(try client.status() == 200)
            #expect(try idle[0].readToEnd().isEmpty)
        }
    }

    @Test func `a large body does not reset the connection before its refusal was read`() throws {
        try withServer { server throws in
            let client = try LoopbackClient(port: server.address.port)
            let body = String(repeating: Self.get, count: 100_000)
            client.send("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(try client.status() == 413)
        }
    }

    @Test func `a slow reader is reset at the deadline, and holds nobody up`() throws {
        try withLargeServer(deadline: .seconds(0.5)) { server throws in
            let reader = try LoopbackClient(port: server.address.port, receiveBuffer: 4096)
            reader.send(Self.get)
            let start = ContinuousClock.now
            _ = try reader.read(limit: 100)
            let other = try LoopbackClient(port: server.address.port)
            other.send("GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try other.status() == 200)
            #expect(throws: LoopbackClient.Failure(errno: ECONNRESET)) {
                while try !reader.read(limit: 4096).isEmpty { usleep(10_000) }
            }
            #expect(ContinuousClock.now - start >= .seconds(0.4))
        }
    }

    @Test func `a newcomer is turned away while all connections are being answered`() throws {
        try withLargeServer(connections: 1) { server throws in
            let reader = try LoopbackClient(port: server.address.port)
            reader.send(Self.get)
            let beginning = try reader.read(limit: 100)
            let newcomer = try LoopbackClient(port: server.address.port)
            #expect((try? newcomer.readToEnd()) ?? [] == [])
            #expect(try beginning.count + reader.readToEnd().count > Self.largeBody.count)
        }
    }

    @Test func `a large answer is whole, also for a client that has closed its side`() throws {
        try withLargeServer { server throws in
            let client = try LoopbackClient(port: server.address.port)
            client.send(Self.get + Self.get)
            client.closeOutput()
            let answer = try client.readToEnd()
            #expect(answer.suffix(Self.largeBody.count) == Self.largeBody.bytes[...])
            #expect(answer.count < Self.largeBody.count + 1000)
        }
    }

    @Test func `a stop ends what is idle, answers what has begun, and lets nobody in`() throws {
        let server = try HTTPServer(
            on: ListenAddress("127.0.0.1:0"), limits: ServerLimits(deadline: .seconds(20), connections: 9)
        ) { .ok(.string($0.path)) }
        let (idle, begun) = (
            try LoopbackClient(port: server.address.port), try LoopbackClient(port: server.address.port)
        )
        begun.send(String(Self.get.dropLast()))
        // An answer on a later connection: the server has seen what was sent before.
        let answered = try LoopbackClient(port: server.address.port)
        answered.send(Self.get)
        #expect(try answered.status() == 200)
        let stopped = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            server.stop()
            stopped.signal()
        }
        #expect(try idle.readToEnd().isEmpty)
        #expect(throws: LoopbackClient.Failure(errno: ECONNREFUSED)) { try LoopbackClient(port: server.address.port) }
        begun.send("\r\n")
        #expect(try begun.status() == 200)
        begun.closeOutput()
        stopped.wait()
    }

    @Test func `a stop waits for one deadline at most`() throws {
        let start = ContinuousClock.now
        try withServer(deadline: .seconds(0.5)) { server throws in
            let client = try LoopbackClient(port: server.address.port)
            client.send("GET /")
            let answered = try LoopbackClient(port: server.address.port)
            answered.send(Self.get)
            #expect(try answered.status() == 200)
            server.stop()
            #expect(try client.readToEnd().isEmpty)
        }
        #expect(ContinuousClock.now - start < .seconds(15))
    }
}
