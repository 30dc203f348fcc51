package import ABI
package import Preparation
package import Primitives

/// How requests are sent, and when they count as done.
package struct SendPolicy: Sendable {
    /// How many blocks make an outcome of what a block shows, the transaction's own included: 1 is that block alone.
    package var confirmations: UInt64 = 1
    /// How long the outcome of a transaction is waited for.
    package var timeout = Duration.seconds(120)
    /// The chain that the operator named; any, if nil.
    package var chainId: UInt64?
    /// What gas may cost.
    package var fees = FeeRules()
    /// How many transactions may be in flight.
    package var inFlight = 16
    /// After how long a transaction that is in no block is sent with higher fees; nil for never. At least a second.
    package var bumpAfter: Duration?
    /// Whether a transaction is waited for only until a node has it.
    package var isAsynchronous = false
    /// The events and errors that a journal's records show by name.
    package var interface = ContractABI([])

    package init() {}
}

/// Receives reports on the progress.
package protocol SendObserver: AnyObject {
    /// A transaction is about to be handed to a node.
    func sending(label: String?, hash: Bytes32)
    /// Something is unusual, and work continues.
    func warning(_ text: String)
    /// How far the run has come.
    func progress(_ progress: Progress)
}

/// How far a run has come.
package struct Progress: Equatable, Sendable {
    /// How many transactions were handed to a node.
    package var sent = 0
    /// How many of them have an outcome.
    package var done = 0
    /// How many of them are waited for.
    package var waiting = 0
    /// What was paid for gas, in wei.
    package var fee = Quantity.zero
}

/// What a run takes in, and how it learns that it should end.
package protocol RequestStream<Document> {
    associatedtype Document
    /// What has come, waiting for it; nil at the end.
    func read() throws -> [Document]?
    /// Waits for the time, or without end, until something can be read, if that is asked for, or a signal comes.
    ///
    /// - Returns: whether something can be read.
    func wait(_ time: Duration?, forInput: Bool) -> Bool
    /// How often the run was asked to end: the first time it takes in nothing more, the second time it ends.
    var stopCount: Int { get }
}

/// Documents that were accepted and not started.
struct RequestQueue<Document> {
    private let stream: any RequestStream<Document>
    private(set) var documents: ArraySlice<Document> = []
    private(set) var isEnded = false

    /// Documents that come within this time of each other are begun with together, up to this many.
    private static var gatherTime: Duration { .milliseconds(20) }
    private static var mostGathered: Int { 100 }

    init(_ stream: any RequestStream<Document>) { self.stream = stream }

    /// Whether nothing is left, and nothing will come.
    var isExhausted: Bool { isEnded && documents.isEmpty }

    /// Whether the run was asked to end.
    var isStopping: Bool { stream.stopCount > 0 }

    /// Reads more if nothing is left.
    ///
    /// - Parameter waits: whether to wait until something comes.
    mutating func fill(waits: Bool) throws {
        guard !isEnded, documents.isEmpty, stream.wait(waits ? nil : .zero, forInput: true) else { return }
        let end = ContinuousClock.now + Self.gatherTime * 10
        repeat {
            if let read = try stream.read() { documents += read } else { isEnded = true }
        } while !isEnded && documents.count < Self.mostGathered && .now < end
            && stream.wait(Self.gatherTime, forInput: true)
    }

    mutating func removeFirst(_ count: Int) { documents = documents.dropFirst(count) }

    mutating func putBack(_ document: Document) { documents.insert(document, at: documents.startIndex) }
}
