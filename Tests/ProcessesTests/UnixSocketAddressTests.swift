import LoopbackServer
import Processes
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct UnixSocketAddressTests {
    @Test(
        "a name is an absolute path, or abstract",
        arguments: [("/a", true), ("@a", true), ("a", false), ("/", false), ("", false)])
    func names(name: String, isOne: Bool) {
        #expect((UnixSocketAddress(name) != nil) == isOne)
        #expect(UnixSocketAddress(name + String(repeating: "x", count: 108)) == nil)
    }

    @Test func `a socket listens as long as its server does`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/s"
            let address = try #require(UnixSocketAddress(path))
            #expect(!address.isListening)
            try LoopbackServer.makeDeadSocket(atPath: path)
            #expect(!address.isListening)
            let other = try #require(UnixSocketAddress("\(directory)/t"))
            let server = try LoopbackServer(socketPath: "\(directory)/t") { _ in [] }
            #expect(other.isListening)
            server.stop()
            #expect(!other.isListening)
        }
    }
}
