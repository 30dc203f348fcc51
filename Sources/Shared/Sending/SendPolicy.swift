package import Primitives

/// How requests are sent, and when they count as done.
package struct SendPolicy: Sendable {
    /// Which block of the chain counts a transaction as done: 1 is the one that it is in.
    package var confirmations: UInt64 = 1
    /// How long a transaction is waited for.
    package var timeout = Duration.seconds(120)
    /// The chain that the operator named; any, if nil.
    package var chainId: UInt64?
    /// What gas may cost.
    package var fees = FeeRules()
    /// How many transactions may be under way at a time.
    package var inFlight = 16
    /// After how long a transaction that is in no block is sent with higher fees; nil for never.
    package var bumpAfter: Duration?
    /// Whether a transaction is waited for only until a node has it.
    package var isAsynchronous = false

    package init() {}
}

/// What whoever sends is told meanwhile.
package struct Telling {
    /// A transaction is about to be handed to a node: its label and its hash.
    package var sending: (String?, Bytes32) -> Void
    /// Something is odd, and is gone on with.
    package var warning: (String) -> Void
    /// How things stand.
    package var progress: (Progress) -> Void

    package init(
        sending: @escaping (String?, Bytes32) -> Void = { _, _ in }, warning: @escaping (String) -> Void = { _ in },
        progress: @escaping (Progress) -> Void = { _ in }
    ) {
        self.sending = sending
        self.warning = warning
        self.progress = progress
    }
}

/// How far a run has come.
package struct Progress: Equatable, Sendable {
    /// How many transactions were handed to a node.
    package var sent = 0
    /// How many of them are done.
    package var done = 0
    /// How many of them are waited for.
    package var waiting = 0
    /// What was paid for gas, in wei.
    package var fee = Quantity.zero
}

/// What a run reads, and how it learns that it should end.
package struct Feed<Document> {
    /// Gives what has come, waiting for it; nil at the end.
    let read: () throws -> [Document]?
    /// Waits for the time, or without end, until something can be read, if that is asked for, or a signal comes.
    /// True if something can be read.
    let wait: (Duration?, _ forInput: Bool) -> Bool
    /// How often the run was asked to end: the first time it takes in nothing more, the second time it ends.
    let stops: () -> Int

    package init(
        read: @escaping () throws -> [Document]?, wait: @escaping (Duration?, _ forInput: Bool) -> Bool,
        stops: @escaping () -> Int = { 0 }
    ) {
        self.read = read
        self.wait = wait
        self.stops = stops
    }
}
