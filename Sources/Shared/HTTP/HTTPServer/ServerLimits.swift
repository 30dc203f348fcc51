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
    package var farewell = Duration.seconds(1)

    package init(deadline: Duration, connections: Int) {
        self.deadline = deadline
        self.connections = connections
    }
}
