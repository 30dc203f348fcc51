import ModelChecker
import Sending

/// Two machines that send with one key through a gateway with two backends, on a chain that reorganises: a world small
/// enough to be searched whole, in which the rules of `TransactionState` are the real ones.
///
/// Machine 0 has requests 0 and 1, machine 1 has request 2. A transaction is a request with a nonce.
package struct SendingModel: Hashable {
    /// What may happen, and how often.
    package struct Bounds: Hashable, Sendable {
        package var crashes: UInt8 = 0
        package var reorganisations: UInt8 = 0
        package var drops: UInt8 = 0
        package var lostAnswers: UInt8 = 0
        package var blocks: UInt8 = 6
        /// What makes an outcome, for the machines.
        package var confirmations: UInt64 = 1
        /// Whether a node may know a block, and not its receipts.
        package var hasLateReceipts = false
        /// Whether the gateway may hand a transaction to one backend and tell what the other one says.
        package var answersOfOthers = false
        /// Whether the second machine sends as well.
        package var hasSecondMachine = true

        package init() {}
    }

    /// A rule of the machines that is broken on purpose.
    package enum Fault: CaseIterable, Sendable {
        /// A nonce that is said to be taken counts as lost as soon as a poll does not find the transaction.
        case takenUnseen
        /// A nonce that is used counts as another's as long as no receipt is found.
        case overtakenIsReplaced
        /// The next transaction is signed before the nonce of the one before is claimed.
        case signsAhead
        /// A transaction is noted after it was handed over.
        case notesLate
        /// One block is an outcome, whatever may be undone.
        case ignoresDepth
    }

    let bounds: Bounds
    let fault: Fault?
    private var crashes, reorganisations, drops, lostAnswers: UInt8
    private var chain = Chain()
    /// How many of the chain's blocks can not be undone.
    private var finalCount: UInt8 = 0
    private var backends = (Backend(), Backend())
    private var machines = (Machine(requests: 0..<2), Machine(requests: 2..<3))

    package init(_ bounds: Bounds, fault: Fault? = nil) {
        (self.bounds, self.fault) = (bounds, fault)
        (crashes, reorganisations) = (bounds.crashes, bounds.reorganisations)
        (drops, lostAnswers) = (bounds.drops, bounds.lostAnswers)
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.chain == right.chain && left.finalCount == right.finalCount && left.backends == right.backends
            && left.machines == right.machines && left.budget == right.budget
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(chain)
        hasher.combine(backends.0)
        hasher.combine(backends.1)
        hasher.combine(machines.0)
        hasher.combine(machines.1)
        hasher.combine(UInt64(budget) << 8 | UInt64(finalCount))
    }

    private var budget: UInt32 {
        UInt32(crashes) << 24 | UInt32(reorganisations) << 16 | UInt32(drops) << 8 | UInt32(lostAnswers)
    }
}

/// A request's transaction with a nonce.
struct Transaction: Hashable {
    let request, nonce: UInt8

    var bit: UInt32 { 1 << UInt32(request * 8 + nonce) }

}

/// Up to eight blocks with one transaction each, or none.
struct Chain: Hashable {
    private var bytes: UInt64 = 0
    private(set) var count: UInt8 = 0

    subscript(index: UInt8) -> Transaction? {
        let byte = UInt8(truncatingIfNeeded: bytes >> (UInt64(index) * 8))
        return byte == 0xFF ? nil : Transaction(request: byte >> 4, nonce: byte & 15)
    }

    mutating func append(_ transaction: Transaction?) {
        let byte = transaction.map { UInt64($0.request << 4 | $0.nonce) } ?? 0xFF
        bytes |= byte << (UInt64(count) * 8)
        count += 1
    }

    mutating func removeLast() -> Transaction? {
        let last = self[count - 1]
        count -= 1
        bytes &= (1 << (UInt64(count) * 8)) - 1
        return last
    }

    /// The blocks with transactions, and these.
    var transactions: [(block: UInt8, Transaction)] {
        (0..<count).compactMap { index in self[index].map { (index, $0) } }
    }

    /// How many transactions the account has in it: its next nonce.
    var nonce: UInt8 {
        var nonce: UInt8 = 0
        for index in 0..<count where self[index] != nil { nonce += 1 }
        return nonce
    }
}

/// What one of the gateway's backends knows.
struct Backend: Hashable {
    var view = Chain()
    var pool: UInt32 = 0

    func has(_ transaction: Transaction) -> Bool { pool & transaction.bit != 0 }

    var waiting: [Transaction] {
        var (rest, found) = (pool, [Transaction]())
        while rest != 0 {
            let index = UInt8(rest.trailingZeroBitCount)
            found.append(Transaction(request: index / 8, nonce: index % 8))
            rest &= rest - 1
        }
        return found
    }

    /// The nonce behind those that are used or waiting.
    var pendingNonce: UInt8 {
        var nonce = view.nonce
        while pool & Self.requests(at: nonce) != 0 { nonce += 1 }
        return nonce
    }

    /// The bits of all requests with a nonce.
    private static func requests(at nonce: UInt8) -> UInt32 { 0x010101 << UInt32(nonce) }

    mutating func take(_ transaction: Transaction) -> TransactionState.Answer {
        if has(transaction) { return .accepted }
        guard transaction.nonce >= view.nonce, pool & Self.requests(at: transaction.nonce) == 0 else {
            return .nonceTaken
        }
        pool |= transaction.bit
        return .accepted
    }

    /// What is used in the view waits no longer.
    mutating func settle() { for nonce in 0..<view.nonce { pool &= ~Self.requests(at: nonce) } }
}

/// A run of tx-send with a journal.
struct Machine: Hashable {
    /// What the journal has of a request.
    struct Entry: Hashable {
        var nonces: UInt8 = 0
        var newest: UInt8 = 0
        var isLost = false
        var record = Record.none

        var bits: UInt32 { UInt32(nonces) << 8 | UInt32(newest) << 4 | (isLost ? 4 : 0) | UInt32(record.rawValue) }
    }

    /// The outcome that the journal has.
    enum Record: UInt8 { case none, mined, replaced }

    struct Pending: Hashable {
        let request: UInt8
        let nonce: UInt8
        /// The state as a number: millions of them are compared.
        private var code: UInt32
        var isNoted: Bool

        init(request: UInt8, nonce: UInt8, state: TransactionState, isNoted: Bool = true) {
            (self.request, self.nonce, self.isNoted) = (request, nonce, isNoted)
            code = Self.code(of: state)
        }

        var state: TransactionState {
            get {
                let (depth, block) = (UInt64(code >> 8 & 0xFF), UInt64(code >> 16 & 0xFF))
                let claim = Self.claims[Int(code >> 4 & 0xF)]
                return switch code & 0xF {
                case 0: .signed
                case 1: .offered(claim)
                case 2: .mined(depth: depth)
                case 3: .overtaken(claim)
                case 4: .replaced(block: block, depth: depth, claim)
                default: .rejected
                }
            }
            set { code = Self.code(of: newValue) }
        }

        private static let claims: [TransactionState.Claim] = [.unanswered, .nonceTaken, .disputed, .accepted]

        private static func code(of claim: TransactionState.Claim) -> UInt32 {
            switch claim {
            case .unanswered: 0
            case .nonceTaken: 1 << 4
            case .disputed: 2 << 4
            case .accepted: 3 << 4
            }
        }

        private static func code(of state: TransactionState) -> UInt32 {
            switch state {
            case .signed: 0
            case .offered(let claim): 1 | code(of: claim)
            case .mined(let depth): 2 | UInt32(depth) << 8
            case .overtaken(let claim): 3 | code(of: claim)
            case .replaced(let block, let depth, let claim):
                4 | code(of: claim) | UInt32(depth) << 8 | UInt32(block) << 16
            case .rejected: 5
            }
        }

        var bits: UInt64 { UInt64(code) << 8 | UInt64(nonce) << 1 | (isNoted ? 1 : 0) }

        var transaction: Transaction { Transaction(request: request, nonce: nonce) }
    }

    let requests: Range<UInt8>
    var journal: (Entry, Entry) = (Entry(), Entry())
    var isRunning = false
    var isStopped = false
    var pending: (Pending?, Pending?)
    var leastNonce: UInt8 = 0

    init(requests: Range<UInt8>) { self.requests = requests }

    /// All that changes, as two numbers: millions of them are compared.
    private var bits: (UInt64, UInt64) {
        let flags = (isRunning ? 1 : 0) | (isStopped ? 2 : 0) | UInt64(leastNonce) << 2
        return (
            (pending.0?.bits ?? .max) << 32 | (pending.1?.bits ?? .max) & 0xFFFF_FFFF,
            UInt64(journal.0.bits) << 40 | UInt64(journal.1.bits) << 16 | flags
        )
    }

    static func == (left: Self, right: Self) -> Bool { left.bits == right.bits }

    func hash(into hasher: inout Hasher) {
        let bits = bits
        hasher.combine(bits.0)
        hasher.combine(bits.1)
    }

    subscript(request: UInt8) -> Entry {
        get { request == requests.lowerBound ? journal.0 : journal.1 }
        set { if request == requests.lowerBound { journal.0 = newValue } else { journal.1 = newValue } }
    }

    var inFlight: [Pending] { [pending.0, pending.1].compactMap(\.self) }

    mutating func set(_ new: Pending?, for request: UInt8) {
        if request == requests.lowerBound { pending.0 = new } else { pending.1 = new }
    }

    /// Begins a run: what the journal has in flight is taken up.
    mutating func start() {
        (isRunning, isStopped, leastNonce) = (true, false, 0)
        for request in requests {
            let entry = self[request]
            if entry.record == .mined { leastNonce = max(leastNonce, entry.newest + 1) }
            guard entry.record != .mined, entry.nonces != 0, !entry.isLost else { continue }
            set(Pending(request: request, nonce: entry.newest, state: .resumed), for: request)
            leastNonce = max(leastNonce, entry.newest + 1)
        }
    }

    /// The first request that has no transaction in flight, and no outcome.
    var nextRequest: UInt8? {
        requests.first { request in
            let entry = self[request]
            return entry.record == .none && (entry.nonces == 0 || entry.isLost)
                && !inFlight.contains { $0.request == request }
        }
    }

    mutating func note(_ pending: Pending) {
        var entry = self[pending.request]
        entry.nonces |= 1 << pending.nonce
        (entry.newest, entry.isLost) = (pending.nonce, false)
        self[pending.request] = entry
    }
}

extension SendingModel {
    /// The rule that the state breaks; nil for none.
    private var violation: String? {
        let mined = chain.transactions.map(\.1)
        for request: UInt8 in 0..<3 where mined.count(where: { $0.request == request }) > 1 {
            return "request \(request) was executed twice"
        }
        if let first = mined.firstIndex(where: { $0.request == 0 }),
            let second = mined.firstIndex(where: { $0.request == 1 }), second < first
        {
            return "request 1 was executed before request 0"
        }
        for machine in [machines.0, machines.1] {
            for request in machine.requests {
                let isMined = mined.contains { $0.request == request }
                switch machine[request].record {
                case .mined where !isMined: return "request \(request) is noted as executed, and was not"
                case .replaced where isMined: return "request \(request) is noted as replaced, and was executed"
                default: break
                }
            }
        }
        return nil
    }

    /// What a search has found.
    package struct Finding: CustomStringConvertible {
        /// How many states were visited, and whether there are more.
        package let stateCount: Int
        package let reachedLimit: Bool
        /// The rule that a state breaks, and what happened before; nil for none.
        package let violation: String?

        package var description: String {
            "\(stateCount) states\(reachedLimit ? ", the bound" : "")" + (violation.map { ": \($0)" } ?? "")
        }
    }

    /// Searches through all that can happen from here on.
    ///
    /// - Parameter limit: how many states are visited at most.
    package func search(limit: Int) -> Finding {
        let result = breadthFirst(
            from: self, limit: limit, next: { $0.steps(labelled: false) }, violation: { $0.violation })
        let violation = result.violation.map { violation in
            // Labels take most of the time: they are made for the one way that is shown.
            var (here, labels) = (self, [String]())
            for step in violation.trace {
                labels.append(here.steps(labelled: true).first { $0.state == step.state }?.label ?? "?")
                here = step.state
            }
            return "\(violation.rule), after: \(labels.joined(separator: "; "))"
        }
        return Finding(stateCount: result.stateCount, reachedLimit: result.reachedLimit, violation: violation)
    }

    /// All that can happen next.
    private func steps(labelled: Bool) -> [(label: String, state: SendingModel)] {
        var steps: [(label: String, state: SendingModel)] = []
        func add(_ label: @escaping () -> String, _ change: (inout SendingModel) -> Void) {
            var state = self
            change(&state)
            steps.append((labelled ? label() : "", state))
        }
        addChainSteps(add)
        for machine in 0..<(bounds.hasSecondMachine ? 2 : 1) { addMachineSteps(add, of: machine) }
        return steps
    }

    private typealias Add = (@escaping () -> String, (inout SendingModel) -> Void) -> Void

    private subscript(backend index: Int) -> Backend {
        get { index == 0 ? backends.0 : backends.1 }
        set { if index == 0 { backends.0 = newValue } else { backends.1 = newValue } }
    }

    private subscript(machine index: Int) -> Machine {
        get { index == 0 ? machines.0 : machines.1 }
        set { if index == 0 { machines.0 = newValue } else { machines.1 = newValue } }
    }

    private func addChainSteps(_ add: Add) {
        if chain.count < bounds.blocks {
            let next = Set((backends.0.waiting + backends.1.waiting).filter { $0.nonce == chain.nonce })
            for transaction in [nil] + next.map(Optional.some) {
                add({ transaction.map { "a block with request \($0.request) at \($0.nonce)" } ?? "an empty block" }) {
                    $0.chain.append(transaction)
                    let final = $0.chain.count > 2 ? $0.chain.count - 2 : 0
                    $0.finalCount = max($0.finalCount, final)
                }
            }
        }
        for index in 0..<2 where self[backend: index].view != chain {
            add({ "backend \(index) catches up" }) {
                $0[backend: index].view = $0.chain
                $0[backend: index].settle()
            }
        }
        if reorganisations > 0 {
            for depth: UInt8 in 1...2 where chain.count >= finalCount + depth {
                for isKept in [true, false] {
                    add({ "\(depth) blocks undone, transactions \(isKept ? "kept" : "lost")" }) {
                        $0.reorganisations -= 1
                        for _ in 0..<depth {
                            guard let undone = $0.chain.removeLast(), isKept else { continue }
                            $0.backends.0.pool |= undone.bit
                            $0.backends.1.pool |= undone.bit
                        }
                    }
                }
            }
        }
        guard drops > 0 else { return }
        for index in 0..<2 {
            for each in self[backend: index].waiting {
                add({ "backend \(index) drops request \(each.request)" }) {
                    $0.drops -= 1
                    $0[backend: index].pool &= ~each.bit
                }
            }
        }
    }

    private func addMachineSteps(_ add: Add, of index: Int) {
        let (machine, name) = (self[machine: index], "machine \(index)")
        guard machine.isRunning else {
            // A run whose requests all have outcomes changes nothing.
            let isLeft = machine.requests.contains { machine[$0].record != .mined }
            if isLeft { add({ "\(name) starts" }) { $0[machine: index].start() } }
            return
        }
        if crashes > 0 {
            add({ "\(name) crashes" }) {
                $0.crashes -= 1
                $0[machine: index].isRunning = false
                $0[machine: index].pending = (nil, nil)
            }
        }
        let mayBegin = machine.inFlight.allSatisfy(\.state.hasClaim) || fault == .signsAhead
        if !machine.isStopped, mayBegin, let request = machine.nextRequest {
            for backend in 0..<2 {
                let nonce = max(self[backend: backend].pendingNonce, machine.leastNonce)
                guard nonce < 6 else { continue }
                add({ "\(name) signs request \(request) at \(nonce), asked of backend \(backend)" }) {
                    let isNoted = fault != .notesLate
                    let pending = Machine.Pending(request: request, nonce: nonce, state: .signed, isNoted: isNoted)
                    if isNoted { $0[machine: index].note(pending) }
                    $0[machine: index].set(pending, for: request)
                    $0[machine: index].leastNonce = nonce + 1
                }
            }
        }
        for pending in machine.inFlight {
            switch pending.state {
            case .signed, .offered: addHandOvers(add, of: index, pending)
            default: break
            }
            for backend in 0..<2 {
                addObservations(add, of: index, pending, self[backend: backend]) { "\(name) asks backend \(backend)" }
            }
        }
    }

    private func addHandOvers(
        _ add: Add, of index: Int, _ pending: Machine.Pending
    ) {
        for backend in 0..<2 {
            var taker = self[backend: backend]
            let answer = taker.take(pending.transaction)
            var answers: [(TransactionState.Answer, isTaken: Bool)] = [(answer, true)]
            if lostAnswers > 0 { answers += [(.doubtful, true), (.doubtful, false), (.postponed, false)] }
            if bounds.answersOfOthers {
                var other = self[backend: 1 - backend]
                answers += [(other.take(pending.transaction), true), (.nonceTaken, true)]
            }
            for (answer, isTaken) in answers {
                let label = {
                    "machine \(index) hands request \(pending.request) to backend \(backend): \(answer)\(isTaken ? "" : ", lost")"
                }
                add(label) {
                    if answer == .doubtful || answer == .postponed { $0.lostAnswers -= 1 }
                    if isTaken { $0[backend: backend] = taker }
                    var new = pending
                    _ = new.state.observe(.answered(answer), confirmations: bounds.confirmations)
                    if !new.isNoted {
                        new.isNoted = true
                        $0[machine: index].note(new)
                        // The note is later than the answer: a crash in between is one more step.
                        if $0.crashes > 0 {
                            new.isNoted = false
                            $0[machine: index][pending.request] = self[machine: index][pending.request]
                        }
                    }
                    $0[machine: index].set(new, for: pending.request)
                }
            }
        }
    }

    private func addObservations(
        _ add: Add, of index: Int, _ pending: Machine.Pending, _ backend: Backend,
        _ name: @escaping () -> String
    ) {
        let (mine, view) = (self[machine: index][pending.request].nonces, backend.view)
        let found = view.transactions.first { $0.1.request == pending.request && mine & (1 << $0.1.nonce) != 0 }
        let head = UInt64(view.count)
        var poll = TransactionState.Poll(
            head: head, block: found.map { UInt64($0.block) + 1 }, isOvertaken: view.nonce > pending.nonce,
            isKnown: backend.has(pending.transaction) || found != nil)
        addObservation(add, of: index, pending, .polled(poll)) { "\(name()) where request \(pending.request) is" }
        if bounds.hasLateReceipts, found != nil {
            (poll.block, poll.isKnown) = (nil, false)
            addObservation(add, of: index, pending, .polled(poll)) {
                "\(name()) where request \(pending.request) is, without receipts"
            }
        }
        switch pending.state {
        case .overtaken, .replaced:
            let block = view.transactions.first { $0.1.nonce == pending.nonce }
            let found: TransactionState.Observation =
                switch block {
                case nil: .foundNone
                case (_, let other)? where other == pending.transaction: .foundOwn
                case (let block, _)?: .foundOther(block: UInt64(block) + 1, head: head)
                }
            addObservation(add, of: index, pending, found) {
                "\(name()) who has the nonce of request \(pending.request)"
            }
        default: break
        }
    }

    private func addObservation(
        _ add: Add, of index: Int, _ pending: Machine.Pending,
        _ observation: TransactionState.Observation, _ label: @escaping () -> String
    ) {
        var new = pending
        let confirmations = fault == .ignoresDepth ? 1 : bounds.confirmations
        var step = new.state.observe(observation, confirmations: confirmations)
        if case .polled(let poll) = observation, poll.block == nil {
            if fault == .overtakenIsReplaced, poll.isOvertaken { step = .settle(.replaced) }
            if fault == .takenUnseen, pending.state == .offered(.nonceTaken), poll.isKnown == false {
                step = .settle(.lost)
            }
        }
        guard new != pending || step != .wait else { return }
        add(label) {
            guard case .settle(let verdict) = step else { return $0[machine: index].set(new, for: pending.request) }
            $0[machine: index].set(nil, for: pending.request)
            switch verdict {
            case .mined: $0[machine: index][pending.request].record = .mined
            case .replaced, .rejected:
                $0[machine: index][pending.request].record = .replaced
                $0[machine: index].isStopped = true
            case .lost: $0[machine: index][pending.request].isLost = true
            }
        }
    }
}
