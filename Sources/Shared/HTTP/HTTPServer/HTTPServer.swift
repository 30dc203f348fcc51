package import Failures
import Glibc
import NIOCore
import NIOPosix

/// A small HTTP/1.1 server that strangers may reach: GET and HEAD, one request to a connection, everything bounded.
///
/// A connection, whatever is done on it, ends at its deadline. Answers are made on the server's one thread, so they
/// must come from memory.
package final class HTTPServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let connections: NIOLoopBoundBox<Connections>
    /// Where it listens, with the port that the system chose if none was named.
    package let address: ListenAddress

    /// Listens, and answers from now on.
    ///
    /// - Parameter answer: the answer to a GET; for HEAD, the server leaves its body out.
    /// - Throws: ``HTTPServerError/cannotListen(address:errno:)``.
    package init(
        on address: ListenAddress, limits: ServerLimits,
        answer: @escaping @Sendable (ServerRequest) -> ServerResponse
    ) throws(HTTPServerError) {
        guard Self.hasFiles else { throw .cannotListen(address: address, errno: EMFILE) }
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let connections = NIOLoopBoundBox.makeBoxSendingValue(
            Connections(limit: limits.connections), eventLoop: loop)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Out of files: room is made, and the listener rests a little, for accept() fails at once again.
                    let backoff = AcceptBackoffHandler(shouldForwardIOErrorCaught: false) { _ in
                        _ = connections.value.endOldestWaiting()
                        return .milliseconds(50)
                    }
                    try channel.pipeline.syncOperations.addHandler(backoff)
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = Connection(channel, limits: limits, among: connections.value, answer: answer)
                    try connections.value.admit(connection)
                    try connection.addHandlers()
                }
            }
        do {
            listener = try bootstrap.bind(to: SocketAddress(ipAddress: address.host, port: address.port)).wait()
        } catch {
            try? group.syncShutdownGracefully()
            throw .cannotListen(address: address, errno: (error as? IOError)?.errnoCode ?? 0)
        }
        self.connections = connections
        self.address = address.with(port: listener.localAddress?.port)
    }

    /// Whether as many files can be opened as a server takes. SwiftNIO traps where it gets none for its event loop, and
    /// so does libdispatch, so that it is tried before.
    private static var hasFiles: Bool {
        let numbers = (0..<16).map { _ in dup(STDERR_FILENO) }.filter { $0 >= 0 }
        for number in numbers { close(number) }
        return numbers.count == 16
    }

    /// Stops listening, lets the requests that have begun be answered, and comes back when the last of them is:
    /// one deadline from now at the latest, since that is all that any connection has.
    package func stop() {
        let allEnded = listener.eventLoop.makePromise(of: Void.self)
        listener.close().whenComplete { [connections] _ in connections.value.endWaiting(thenSucceed: allEnded) }
        try? allEnded.futureResult.wait()
    }
}

/// How much and how long a server bears.
package struct ServerLimits: Sendable {
    /// The time that a connection has for everything: its request, the answer, and the end.
    package var deadline: Duration
    /// How many connections there may be at once.
    package var connections: Int
    /// The most bytes that a request's line and headers may have.
    package var head = 16 * 1024
    /// The most bytes of the target, or of one header's name and value.
    package var field = 8 * 1024
    /// The most headers.
    package var fieldCount = 64
    /// How long a client that was answered may take to close its side.
    package var lingerTimeout = Duration.seconds(1)

    package init(deadline: Duration, connections: Int) {
        self.deadline = deadline
        self.connections = connections
    }
}

/// Why there is no server.
package enum HTTPServerError: UserFacingError, Equatable {
    /// Not an address and a port.
    case notAnAddress(String)
    /// Not an IP address, or not one with the length of a network's prefix.
    case notANetwork(String)
    /// The system does not let it listen there.
    case cannotListen(address: ListenAddress, errno: Int32)

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .notAnAddress(let text): "not an address and a port, as in 0.0.0.0:8080 or [::]:8080: \(text.quoted())"
        case .notANetwork(let text): "not an IP address or network, as in 10.0.0.0/8 or fd00::/8: \(text.quoted())"
        case .cannotListen(let address, let code):
            "cannot listen on \(address): \(unsafe String(cString: strerror(code)).lowercased())"
        }
    }

    package var hints: [String] {
        switch self {
        case .notAnAddress, .notANetwork: []
        case .cannotListen(_, EADDRINUSE): ["another program is listening there: choose another port, or 0 for any"]
        case .cannotListen(_, EACCES): ["only root may use ports below 1024: choose another"]
        case .cannotListen: ["is the address one of this machine's?"]
        }
    }
}
