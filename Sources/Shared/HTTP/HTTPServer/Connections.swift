import NIOCore

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
    /// - Throws: ``Crowded`` if every other one is being answered; the connection is to be closed.
    func admit(_ connection: Connection) throws(Crowded) {
        if open.count >= limit, !endOldestWaiting() { throw Crowded() }
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
struct Crowded: Error {}
