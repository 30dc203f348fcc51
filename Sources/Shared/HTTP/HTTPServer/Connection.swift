import Glibc
import NIOCore
import NIOHTTP1

/// One connection: a request, its answer and the end, all before one deadline.
///
/// After the answer the server's side is closed, and what still comes is thrown away for a moment: closing with unread
/// bytes would send a reset, which can overtake the answer.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State { case silent, receiving, answering, ending }

    private let channel: any Channel
    private let limits: ServerLimits
    private let connections: Connections
    private let answer: (ServerRequest) -> ServerResponse
    private var state = State.silent
    private var isInputClosed = false
    private var receivedByteCount = 0
    /// What will end it: the deadline, and after the answer the end of the linger timeout.
    private var clocks: [Scheduled<Void>] = []

    init(
        _ channel: any Channel, limits: ServerLimits, among connections: Connections,
        answer: @escaping (ServerRequest) -> ServerResponse
    ) {
        self.channel = channel
        self.limits = limits
        self.connections = connections
        self.answer = answer
    }

    /// Makes this the end of the channel's pipeline, and starts the clock.
    ///
    /// - Throws: SwiftNIO's error if the channel is closed already.
    func addHandlers() throws {
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.field
        decoding.maxHeaderListSize = limits.head
        decoding.maxHeaderFieldCount = limits.fieldCount
        let decoder = ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: decoding))
        try channel.pipeline.syncOperations.addHandlers([
            HTTPResponseEncoder(), ConnectionAcceptor(self), decoder, self,
        ])
        clocks.append(end(in: limits.deadline))
    }

    /// Whether no answer is on its way: it may be ended for a newcomer.
    var isWaiting: Bool { state != .answering }

    /// Whether no request has begun, or its answer is out.
    var isIdle: Bool { state == .silent || state == .ending }

    /// Whether more bytes are of any use.
    fileprivate var isListening: Bool { state == .silent || state == .receiving }

    /// Closes it now.
    func end() { channel.close(promise: nil) }

    private func end(in time: Duration) -> Scheduled<Void> {
        channel.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            // A reset, since the system would go on sending, and keep, what a slow reader has not taken yet.
            if self.state == .answering {
                _ = (self.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            }
            self.end()
        }
    }

    /// Bytes have come, and the decoder has not seen them yet.
    fileprivate func begin() { state = .receiving }

    /// The decoder has seen this many more bytes.
    fileprivate func received(_ count: Int) {
        receivedByteCount += count
        // The decoder does not count white space.
        if isListening, receivedByteCount > limits.head { send(RefusedRequest.tooLarge.response) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isListening, case .head(let head) = unwrapInboundIn(data) else { return }
        let peer = channel.remoteAddress?.ipAddress.flatMap(IPAddress.init)
        do throws(RefusedRequest) {
            send(answer(try ServerRequest(head, from: peer)), withBody: head.method != .HEAD)
        } catch {
            send(error.response, withBody: head.method != .HEAD)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is IOError { return end() }
        guard isListening else { return }
        let isOverflow = error as? HTTPParserError == .headerOverflow
        send((isOverflow ? RefusedRequest.tooLarge : .malformed).response)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else { return }
        isInputClosed = true
        // Earlier requests are still answered.
        if state != .answering { end() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        for clock in clocks { clock.cancel() }
        connections.remove(self)
    }

    private func send(_ response: ServerResponse, withBody: Bool = true) {
        state = .answering
        var headers: HTTPHeaders = [
            "Content-Type": "application/json", "Content-Length": "\(response.body.count)", "Connection": "close",
            "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
        ]
        for (name, value) in response.headers { headers.add(name: name, value: value) }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
        let pipeline = channel.pipeline.syncOperations
        pipeline.write(wrapOutboundOut(.head(head)), promise: nil)
        if withBody {
            pipeline.write(wrapOutboundOut(.body(.byteBuffer(response.body.buffer))), promise: nil)
        }
        let isWritten = channel.eventLoop.makePromise(of: Void.self)
        pipeline.writeAndFlush(wrapOutboundOut(.end(nil)), promise: isWritten)
        isWritten.futureResult.assumeIsolated().whenSuccess { self.sayFarewell() }
    }

    /// The answer is out: no more is sent, and the client may hang up.
    private func sayFarewell() {
        state = .ending
        if isInputClosed { return end() }
        channel.close(mode: .output, promise: nil)
        clocks.append(end(in: limits.lingerTimeout))
    }
}

/// Stands between the socket and the decoder: only the bytes of one request get through.
private final class ConnectionAcceptor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard connection.isListening else { return }
        connection.begin()
        let count = unwrapInboundIn(data).readableBytes
        context.fireChannelRead(data)
        connection.received(count)
    }
}

/// The connections of a server, in the order in which they came. It belongs to the server's event loop.
///
/// When there are as many as may be, a newcomer is taken in and the oldest one that is still owed no answer is ended:
/// whoever opens connections and says nothing keeps nobody else out, and waiting in the backlog would be just that.
final class Connections {
    private let limit: Int
    private var open: [Connection] = []
    private var allEnded: EventLoopPromise<Void>?

    init(limit: Int) { self.limit = limit }

    /// Takes a connection in.
    ///
    /// - Throws: ``TooManyConnections`` if every other one is being answered; the connection is to be closed.
    func admit(_ connection: Connection) throws(TooManyConnections) {
        if open.count >= limit, !endOldestWaiting() { throw TooManyConnections() }
        open.append(connection)
    }

    /// Ends the oldest connection that is not being answered; false if there is none.
    func endOldestWaiting() -> Bool {
        guard let index = open.firstIndex(where: { $0.isWaiting }) else { return false }
        open.remove(at: index).end()
        return true
    }

    /// Forgets a connection that has ended.
    func remove(_ connection: Connection) {
        open.removeAll { $0 === connection }
        if open.isEmpty { allEnded?.succeed() }
    }

    /// Ends the connections on which no request has begun, and succeeds the promise when the others have ended.
    func endWaiting(thenSucceed promise: EventLoopPromise<Void>) {
        allEnded = promise
        let idle = open.filter(\.isIdle)
        open.removeAll(where: \.isIdle)
        for connection in idle { connection.end() }
        if open.isEmpty { promise.succeed() }
    }
}

/// As many connections as may be are being answered.
struct TooManyConnections: Error {}
