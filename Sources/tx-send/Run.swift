import ABI
import ArgumentParser
import CommandLineTool
import Console
import Failures
import Glibc
import JSON
import Preparation
import Primitives
import Processes
import Sending
import TEEBridge

/// A run's input and output, its signals, and its exit status.
final class Run: SendObserver {
    /// The most bytes that one request, or an array of them, may have as JSON.
    static let inputLimit = 16 << 20

    private let mode: TxSend.Mode
    private let isFromNamed: Bool
    private let diagnostics: Diagnostics
    private let signals: Signals?
    private let line = StatusLine()
    /// The signals that asked the run to end.
    private var stops: [Int32] = []
    /// How many transactions were handed to a node, and of how many of them a record was given.
    private var (sentCount, toldCount) = (0, 0)
    /// How many records were given of a mode that sends nothing.
    private var askedCount = 0
    /// The number of records that could not be printed, since standard output was closed.
    private var unreadCount = 0
    private var status = ExitStatus.done
    private var isComplete = true

    init(mode: TxSend.Mode, isFromNamed: Bool, diagnostics: Diagnostics) {
        self.mode = mode
        self.isFromNamed = isFromNamed
        self.diagnostics = diagnostics
        // What sends nothing can be ended at any time.
        signals = mode == .send || mode == .wait ? Signals(catching: SIGINT, SIGTERM, SIGHUP) : nil
    }

    /// Whether requests to a node should end: nothing is lost by it before something was sent.
    var isCancelled: Bool { stopCount > (sentCount > 0 ? 1 : 0) }

    /// How often the run was asked to end. Who reads no more records asks for no more transactions.
    private var stopCount: Int {
        if let signals { stops += signals.take() }
        return stops.count + (unreadCount > 0 ? 1 : 0)
    }

    /// The documents of the input, as they come.
    func stream<Document: Sendable>(
        _ input: consuming Input, parse: @escaping @Sendable (JSONObject) throws -> Document
    ) -> some RequestStream<Document> {
        InputStream(reader: ObjectReader(input, limit: Self.inputLimit, parse: parse), run: self)
    }

    private struct InputStream<Document: Sendable>: RequestStream {
        let reader: ObjectReader<Document>
        let run: Run

        func read() throws -> [Document]? { try reader.read() }

        func wait(_ time: Duration?, forInput: Bool) -> Bool {
            run.signals?.wait(for: time, reading: forInput ? reader.descriptor : nil) ?? false
        }

        var stopCount: Int { run.stopCount }
    }

    func sending(label: String?, hash: Bytes32) {
        diagnostics.note("sending \(hash)" + (label.map { " (\($0))" } ?? ""))
    }

    func warning(_ text: String) { diagnostics.warning(text) }

    func progress(_ progress: Progress) {
        sentCount = progress.sent
        guard progress.sent > 0 else { return }
        line.show(
            "\(progress.sent) sent, \(progress.done) done, \(progress.waiting) waiting, "
                + "\(progress.fee.inEther) paid for gas")
    }

    /// Runs the sending, and makes a failure report what was sent before.
    func tellingFailures(_ body: () throws -> Bool) throws {
        defer { line.end() }
        do {
            isComplete = try body()
        } catch let failure as any UserFacingError where sentCount > 0 {
            // 2 and 3 promise that nothing was sent.
            _ = diagnostics.report(failure)
            diagnostics.hint("transactions sent before this: \(sentCount); see their records")
            throw ExitCode(.outcomeUnknown)
        }
    }

    /// Prints a record, and updates the exit status.
    func report(_ record: SentRecord) throws {
        let verdict = judge(record)
        if status == .done { status = verdict }
        if record.transactionHash != nil { toldCount += 1 }
        do throws(ConsoleError) {
            try Descriptor.standardOutput.writeLine(record.json(decoding: TEEBridge.answers).compact)
        } catch {
            // What was sent is waited for all the same: its outcome belongs in the journal.
            if error == .outputClosed, signals != nil { return unreadCount += 1 }
            if error == .outputClosed { throw error }
            diagnostics.error(error.description)
            throw ExitCode(status == .done ? (sentCount > 0 ? .outcomeUnknown : .badInput) : status)
        }
    }

    /// Prints a record of a mode that sends nothing, and ends the program where the rest would be in vain.
    func reportAtOnce(_ record: SentRecord) throws {
        try report(record)
        askedCount += 1
        line.show("\(askedCount) requests done")
        guard status == .done else { throw ExitCode(status) }
    }

    /// Ends the program, unless all is well.
    func end() throws {
        if unreadCount > 0, !isComplete {
            diagnostics.error(
                "standard output was closed: \(unreadCount) records could not be printed, and no more requests "
                    + "were sent")
        }
        guard status == .done else { throw ExitCode(status) }
        if unreadCount > 0 { throw ConsoleError.outputClosed }
        if !isComplete, let signal = stops.first {
            diagnostics.warning(
                "stopped by a signal; every sent transaction was reported, and the rest of the input was not read")
            Signals.end(by: signal)
        }
    }

    /// What a record means for the program's end, said where it is no success.
    private func judge(_ record: SentRecord) -> ExitStatus {
        let name = record.label.map { $0.quoted() } ?? "the request"
        let hash = record.transactionHash?.hex ?? ""
        switch record.status {
        case .reverted:
            let verb = record.transactionHash == nil && mode != .call ? "would revert" : "reverted"
            diagnostics.error(
                "\(name) \(verb): \(record.decodedRevert?.description ?? "see its record")")
            for hint in record.revertHints(isCall: mode == .call, isFromNamed: isFromNamed) { diagnostics.hint(hint) }
            return .negativeResult
        case .replaced:
            diagnostics.error("\(name) was replaced: another transaction of the sender took the nonce of \(hash)")
            return .negativeResult
        case .pending:
            guard let doubt = record.doubt else { return .done }
            diagnostics.error("\(name) was sent, and its outcome is not known: \(hash): \(doubt)")
            return .outcomeUnknown
        case .success, .skipped, .simulated, .signed, .called: return .done
        }
    }
}

extension SentRecord {
    /// Why it reverted, with the names of the bridges' errors.
    var decodedRevert: RevertData? { revert.map(TEEBridge.answers.decodeRevert) }

    /// What to do about the revert of a request to a bridge, as far as its reason is a known one.
    ///
    /// - Parameters:
    ///   - isCall: whether it was only a call, in nobody's name unless one is given.
    ///   - isFromNamed: whether `--from` gives one.
    func revertHints(isCall: Bool, isFromNamed: Bool) -> [String] {
        switch decodedRevert {
        case .declared(let error, _) where isFromNamed && Self.ownerErrors.contains(error.name):
            ["only the owner may do this: is --from the owner, and the contract the right one?"]
        case .declared(let error, _) where isCall && Self.ownerErrors.contains(error.name):
            ["only the owner may do this: --from ADDRESS calls in the owner's name, and needs no key"]
        case .declared(let error, _): Self.hints[error.name].map { [$0] } ?? []
        case .empty: selector.flatMap { Self.hintsForOtherVersion[$0] }.map { [$0] } ?? []
        default: []
        }
    }

    /// The names of errors that say that the sender is not the owner.
    private static let ownerErrors = ["NotOwner", "OwnableUnauthorizedAccount"]

    /// By the names of the bridges' errors, and of dstack's app contract.
    private static let hints = [
        "OwnableUnauthorizedAccount": "only the contract's owner may do this: is --key the owner's?",
        "NotOwner": "only the bridge's owner may do this: is --key the owner's, and the bridge the right one?",
        "CodeNotAllowed": "the owner allows the code first: abi-encode add-allowed-code, or register --allow",
        "InvalidDstackSignature":
            "is the proof's KMS root allowed? The owner allows it: abi-encode add-kms-root, or register --allow",
        "VerifierNotAllowed": "the owner allows the verifier first: abi-encode add-verifier, or register --allow",
        "AlreadyRegistered": "nothing to do: it is already a member",
        "MemberNotFound": "sender and recipient must both be members of this bridge: abi-encode register",
    ]

    /// A contract reverts without a reason if it does not have the function: by what one version has and the other has
    /// not.
    private static let hintsForOtherVersion: [Selector: String] = [
        TEEBridge.registerDstack.selector:
            "a bridge with verifiers has no registerDstack: name the verifier, as abi-encode register --verifier 0x…",
        TEEBridge.addKmsRoot.selector: kmsRoots, TEEBridge.removeKmsRoot.selector: kmsRoots,
        TEEBridge.register.selector:
            "a bridge without verifiers has no register: leave --verifier out of abi-encode register",
        TEEBridge.addVerifier.selector: verifiers, TEEBridge.removeVerifier.selector: verifiers,
    ]
    private static let kmsRoots =
        "a bridge with verifiers has no KMS roots: they are on the verifier's list; name the verifier with --bridge"
    private static let verifiers = "a bridge without verifiers has none to allow: its KMS roots are on its own list"
}
