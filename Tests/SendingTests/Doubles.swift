import Glibc
import Primitives
import Sending
import Transactions

/// Requests that are all there.
final class Requests: RequestStream {
    private var rest: [TransactionRequest]

    init(_ requests: [TransactionRequest]) { rest = requests }

    func read() throws -> [TransactionRequest]? {
        defer { rest = [] }
        return rest.isEmpty ? nil : rest
    }

    func wait(_ time: Duration?, forInput: Bool) -> Bool {
        if !forInput, let time {
            _ = usleep(UInt32(clamping: time.components.attoseconds / 1_000_000_000_000))
        }
        return forInput
    }

    var stopCount: Int { 0 }
}

/// Remembers the hashes of what may be on its way.
final class Sent: SendObserver {
    private(set) var hashes: [Bytes32] = []
    private(set) var warnings: [String] = []

    func sending(label: String?, hash: Bytes32) { hashes.append(hash) }
    func warning(_ text: String) { warnings.append(text) }
    func progress(_ progress: Progress) {}
}
