import JSON
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

/// A connection without a network, whose clock a test moves.
final class EmbeddedConnection {
    static let deadline = Duration.seconds(10)
    static let get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

    let channel = EmbeddedChannel()
    /// The requests that were answered, by the path of each.
    private(set) var paths: [String] = []
    /// What the client was sent.
    private var received: [UInt8] = []

    /// - Parameter connections: the others of its server.
    /// - Throws: ``TooManyConnections``.
    init(among connections: Connections = Connections(limit: 1)) throws {
        let limits = ServerLimits(deadline: Self.deadline, connections: 1)
        let connection = Connection(channel, limits: limits, among: connections) { [unowned self] request in
            paths.append(request.path)
            return .ok(.string(request.path))
        }
        try connections.admit(connection)
        try connection.addHandlers()
        try channel.pipeline.syncOperations.addHandler(HalfClosure(), position: .first)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }

    var isOpen: Bool { channel.isActive }

    /// The client sends bytes, in pieces of a size.
    func send(_ bytes: [UInt8], pieceSize: Int = .max) {
        var rest = bytes[...]
        while !rest.isEmpty, isOpen {
            _ = try? channel.writeInbound(ByteBuffer(bytes: rest.prefix(pieceSize)))
            channel.embeddedEventLoop.run()
            rest = rest.dropFirst(pieceSize)
        }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// The client sends no more.
    func closeInput() {
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        channel.embeddedEventLoop.run()
    }

    func wait(_ seconds: Double) { channel.embeddedEventLoop.advanceTime(by: TimeAmount(.seconds(seconds))) }

    /// What the client has been sent since the connection began.
    var answer: String {
        while let part = try? channel.readOutbound(as: ByteBuffer.self) { received += part.readableBytesView }
        return String(decoding: received, as: UTF8.self)
    }

    /// The statuses of the answers.
    var statuses: [Int] {
        answer.components(separatedBy: "HTTP/1.1 ").dropFirst().compactMap { Int($0.prefix(3)) }
    }

    /// What stands behind the headers of the answer.
    var body: String { answer.components(separatedBy: "\r\n\r\n").dropFirst().joined() }
}

/// Lets a channel close its output alone, as sockets do.
private final class HalfClosure: ChannelOutboundHandler {
    typealias OutboundIn = Never

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output { promise?.succeed() } else { context.close(mode: mode, promise: promise) }
    }
}

extension String {
    /// The parts between the places where another text stands.
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}
