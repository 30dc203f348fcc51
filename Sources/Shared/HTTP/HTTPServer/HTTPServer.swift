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
