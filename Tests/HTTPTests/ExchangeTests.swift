import HTTP
import LoopbackServer
import Synchronization
import Testing

/// What an observer hears of requests.
@Suite(.timeLimit(.minutes(1)))
struct ExchangeTests {
    private final class Log: Sendable {
        let exchanges = Mutex<[HTTPExchange]>([])
    }

    /// What was heard of one request, where a server plays these steps.
    private func heard(
        _ steps: [LoopbackServer.Step], _ make: (LoopbackServer) throws -> HTTPRequest
    ) throws -> [HTTPExchange] {
        let server = try LoopbackServer { _ in steps }
        defer { server.stop() }
        let log = Log()
        let client = HTTPClient(observer: { exchange in log.exchanges.withLock { $0.append(exchange) } })
        _ = try? client.perform(make(server))
        return log.exchanges.withLock { $0 }
    }

    @Test(
        "a line hides what may be secret of a URL",
        arguments: [
            ("", "", ""), ("/", "", ""), ("/", "/", ""), ("/key", "", "/…"), ("", "/proof", "/…"), ("?key=1", "", "/…"),
            ("/#key", "", ""), ("//", "", "/…"),
        ])
    func place(tail: String, path: String, shown: String) throws {
        var url = ""
        let last = try heard([.answer("four")]) { server in
            url = server.url
            return HTTPRequest(
                try Endpoint(url: url.replacing("http://", with: "http://user:password@") + tail), path: path)
        }.last
        let line = try #require(last).description
        #expect(line.hasPrefix("GET \(url)\(shown) → 200, 4 bytes, "))
        #expect(line.hasSuffix(" ms"))
    }

    @Test func `a request that waits is heard of while it does, and one end of it`() throws {
        let exchanges = try heard([.pause(milliseconds: 2200), .answer("x")]) { server in
            HTTPRequest(try Endpoint(url: server.url), .post([1]), subject: "eth_call ×3")
        }
        let waiting = exchanges.dropLast()
        #expect(waiting.allSatisfy { $0.outcome == .waiting || $0.outcome == .late })
        #expect(waiting.filter { $0.outcome == .late }.map { $0.duration >= .seconds(1) } == [true])
        #expect(waiting.contains { $0.duration > .seconds(1) })
        #expect(exchanges.last?.outcome == .answered(status: 200, byteCount: 1))
        #expect(exchanges.last?.description.contains(" eth_call ×3 (1 byte) → 200, 1 byte, ") == true)
    }

    @Test func `a pause before another try is heard of while it lasts`() throws {
        let log = Log()
        let client = HTTPClient(observer: { exchange in log.exchanges.withLock { $0.append(exchange) } })
        client.rest(for: .milliseconds(500), after: "it is away")
        let exchanges = log.exchanges.withLock { $0 }
        #expect(exchanges.count >= 3)
        #expect(exchanges.allSatisfy { $0.outcome == .pausing(after: "it is away") })
        #expect(exchanges.last.map { $0.duration >= .milliseconds(500) } == true)
    }

    @Test func `a pause ends when it is no longer wanted`() {
        let start = ContinuousClock.now
        HTTPClient(isCancelled: { true }).rest(for: .seconds(60), after: "it is away")
        #expect(.now - start < .seconds(30))
    }

    @Test func `a request without an answer ends with its error`() throws {
        let exchanges = try heard([.close]) { server in HTTPRequest(try Endpoint(url: server.url)) }
        guard case .failed(.endedEarly)? = exchanges.last?.outcome else {
            Issue.record("\(exchanges)")
            return
        }
        #expect(exchanges.last?.description.contains(" → connection closed ") == true)
    }

    @Test func `what is not sent is not heard of`() throws {
        let exchanges = try heard([.close]) { server in
            HTTPRequest(try Endpoint(url: server.url), headers: [(name: "a b", value: "")])
        }
        #expect(exchanges.isEmpty)
    }
}
