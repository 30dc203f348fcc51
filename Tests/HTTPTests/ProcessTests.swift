import Foundation
@testable import HTTP
import LoopbackServer
import Testing

/// What depends on the whole process: each runs in one of its own.
@Suite(.timeLimit(.minutes(1)))
struct ProcessTests {
    @Test func `a broken pipe does not end the process, nor is it left pending`() async {
        await #expect(processExitsWith: .success) {
            let value = withoutBrokenPipeSignal {
                pthread_kill(pthread_self(), SIGPIPE)
                return 7
            }
            #expect(value == 7)
            var pending = sigset_t()
            unsafe sigpending(&pending)
            #expect(unsafe sigismember(&pending, SIGPIPE) == 0)
        }
    }

    @Test func `a proxy of the environment is used, but not to this machine`() async {
        await #expect(processExitsWith: .success) {
            let proxy = try LoopbackServer { _ in [.answer("by proxy")] }
            let server = try LoopbackServer { _ in [.answer("itself")] }
            unsafe setenv("http_proxy", proxy.url, 1)
            let client = HTTPClient()
            let local = try client.perform(HTTPRequest(try Endpoint(url: server.url)))
            #expect(local.body == Array("itself".utf8))
            // 192.0.2.0/24 is for documentation: nobody is there (RFC 5737).
            let remote = try client.perform(HTTPRequest(try Endpoint(url: "http://192.0.2.1/")))
            #expect(remote.body == Array("by proxy".utf8))
        }
    }
}
