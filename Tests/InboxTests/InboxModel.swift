import BridgeClient
import ModelChecker
import Primitives

@testable import Inbox

/// A rule of reading inboxes that is broken on purpose, to see that the checker finds it.
enum Fault: CaseIterable {
    /// What cannot be read is done with, and has no fingerprint.
    case noFingerprintForUnreadable
    /// A message is noted before it is delivered.
    case notedBeforeDelivery
    /// Only the newest fingerprints are kept, and what has none is passed over.
    case fewFingerprintsThenSkipped
    /// A batch is taken from whatever chain a node shows at the moment.
    case batchOfAnotherChain
}

/// A chain as a node shows it: one of two forks, whose first two messages are the same.
struct ShownChain: Hashable {
    var fork = 0
    var count = 0
    var head: UInt64 = 1

    /// The messages of both forks by their numbers: 2 and 5 cannot be read, each in the place of one that can.
    private static let forks: [[UInt8]] = [[0, 1, 2, 3], [0, 1, 4, 5]]
    static let unreadable: Set<UInt8> = [2, 5]

    var messages: ArraySlice<UInt8> { Self.forks[fork].prefix(count) }

    /// The fingerprint of the message at an index; nil if there is none.
    func fingerprint(_ index: UInt64) -> MessageFingerprint? {
        guard index < UInt64(count) else { return nil }
        let digest = [UInt8](repeating: messages[Int(index)], count: 32)
        return MessageFingerprint(index: index, digest: Bytes32(checked: digest))
    }
}

/// A program that reads an inbox, the chain, and two nodes of which one lags behind it.
struct InboxWorld: Hashable {
    var chain = ShownChain()
    /// What the second node shows: the chain as it was some time ago.
    var lagging = ShownChain()
    var reorganisationsLeft = 2
    /// The program's poll; nil between two, and behind a crash.
    var reading: InboxReading?
    /// What is on the disk.
    var saved = InboxState()
    var isUnsaved = false
    /// The fork that the last batch was read of.
    var batchFork = 0
    /// The messages that were delivered, or told to be unreadable.
    var handled: Set<UInt8> = []
    /// What a program serves that withdraws what no longer stands, by its places.
    var served: [UInt64: UInt8] = [:]
    /// A rule that was broken.
    var violation: String?
}

/// What may happen next, step by step: posts, reorganisations, polls through either node, deliveries, refusals, crashes.
final class InboxModel {
    private let fault: Fault?
    /// Whether the program keeps nothing and withdraws what no longer stands, as bridge-agent does.
    private let withdraws: Bool
    /// What was found of worlds between two polls, the second node apart.
    private var found: [InboxWorld: String?] = [:]

    init(fault: Fault? = nil, withdraws: Bool = false) {
        self.fault = fault
        self.withdraws = withdraws
    }

    func steps(_ world: InboxWorld) -> [(label: String, state: InboxWorld)] {
        var steps = programSteps(
            world, nodes: world.lagging == world.chain ? [world.chain] : [world.chain, world.lagging])
        func add(_ label: String, _ change: (inout InboxWorld) -> Void) {
            var next = world
            change(&next)
            steps.append((label, next))
        }
        if world.chain.count < 4 {
            add("post") {
                $0.chain.count += 1
                $0.chain.head += 1
            }
        }
        if world.chain.count > 2, world.reorganisationsLeft > 0 {
            for count in Set([2, world.chain.count]) {
                add("reorganise, \(count) messages left") {
                    $0.chain = ShownChain(fork: 1 - $0.chain.fork, count: count, head: $0.chain.head + 1)
                    $0.reorganisationsLeft -= 1
                }
            }
        }
        if world.lagging != world.chain { add("the second node catches up") { $0.lagging = $0.chain } }
        if world.reading != nil { add("crash", crash) }
        return steps
    }

    private func crash(_ world: inout InboxWorld) {
        world.reading = nil
        world.isUnsaved = false
        if withdraws { (world.saved, world.served) = (InboxState(), [:]) }
    }

    /// What the program may do next, with whatever these nodes answer.
    private func programSteps(_ world: InboxWorld, nodes: [ShownChain]) -> [(label: String, state: InboxWorld)] {
        var steps: [(label: String, state: InboxWorld)] = []
        func add(_ label: String, _ change: (inout InboxWorld) -> Void) {
            var next = world
            change(&next)
            steps.append((label, next))
        }
        guard let reading = world.reading else {
            add("poll") {
                $0.reading = InboxReading(
                    $0.saved, triesWaiting: true, maxMessages: fault == .fewFingerprintsThenSkipped ? 4 : 3,
                    forgetsVanished: withdraws)
            }
            return steps
        }
        if world.isUnsaved {
            add("save", save)
            return steps
        }
        switch reading.step {
        case .poll(let fingerprint, _):
            for node in nodes {
                add("the node shows \(node.count) messages of fork \(node.fork)") {
                    let found = fingerprint.flatMap { node.fingerprint($0.index) }
                    advance(&$0) { $0.polled(count: UInt64(node.count), found: found, head: node.head) }
                }
            }
        case .read(let indices, let before):
            for node in nodes {
                let fingerprints = indices.compactMap(node.fingerprint)
                let isSame = fault == .batchOfAnotherChain || before.map { node.fingerprint($0.index) == $0 } ?? true
                guard fingerprints.count == indices.count, isSame else {
                    add("the node has another chain") {
                        save(&$0)
                        $0.reading = nil
                    }
                    continue
                }
                for count in fault == nil ? Set([1, fingerprints.count]) : [fingerprints.count] {
                    add("read \(count) of fork \(node.fork)") {
                        save(&$0)
                        $0.batchFork = node.fork
                        readBatch(&$0, Array(fingerprints.prefix(count)))
                    }
                }
            }
        case .deliver(let fingerprint):
            let message = fingerprint.digest.bytes[0]
            let isOfBatch = ShownChain(fork: world.batchFork, count: 4).messages.contains(message)
            let isUnreadable = ShownChain.unreadable.contains(message)
            // To find a fault the shortest way, the handler takes all and nodes answer at once.
            let isTaken = isUnreadable || withdraws || fault != nil
            for outcome in [InboxReading.Outcome.delivered] + (isTaken ? [] : [.postponed, .refused]) {
                var next = world
                if !isOfBatch { next.violation = "message \(message) is not of the fork that was read" }
                if outcome == .delivered {
                    next.handled.insert(message)
                    if withdraws { next.served[fingerprint.index] = isUnreadable ? nil : message }
                }
                advance(&next) { $0.resolve(outcome) }
                next.isUnsaved = !isUnreadable
                steps.append(("message \(message) is \(isUnreadable ? "unreadable" : "\(outcome)")", next))
            }
        case .done(let end):
            add("the poll ends: \(end)") {
                save(&$0)
                $0.reading = nil
            }
        }
        return steps
    }

    private func save(_ world: inout InboxWorld) {
        if let reading = world.reading { world.saved = reading.state }
        world.isUnsaved = false
    }

    /// Takes a batch, or what a fault makes of it.
    private func readBatch(_ world: inout InboxWorld, _ batch: [MessageFingerprint]) {
        let state = world.reading?.state ?? InboxState()
        advance(&world) { reading in
            if fault == .noFingerprintForUnreadable || fault == .fewFingerprintsThenSkipped {
                for one in batch where state.isDone(one.index) {
                    if !state.fingerprints.contains(where: { $0.index == one.index }) { reading.state.finish(one) }
                }
            }
            reading.read(batch)
        }
    }

    /// The rule itself, or what a fault makes of it. Few fingerprints are dense, so that four messages are many.
    private func advance(_ world: inout InboxWorld, _ step: (inout InboxReading) -> Void) {
        guard var reading = world.reading else { return }
        let before = reading.state.next
        step(&reading)
        if fault == .noFingerprintForUnreadable {
            reading.state.fingerprints.removeAll { ShownChain.unreadable.contains($0.digest.bytes[0]) }
        }
        if fault == .fewFingerprintsThenSkipped {
            reading.state.fingerprints = reading.state.fingerprints.suffix(1)
        } else {
            reading.state.thinFingerprints(dense: 1)
        }
        if fault == .notedBeforeDelivery, case .deliver(let fingerprint) = reading.step {
            world.saved.finish(fingerprint)
        }
        if withdraws, reading.state.next < before { world.served = world.served.filter { $0.key < reading.state.next } }
        world.reading = reading
    }

    /// What is wrong with a world: a rule was broken, or a message that stands will never be delivered even if all goes
    /// well from now on.
    func violation(_ world: InboxWorld) -> String? {
        if let violation = world.violation { return violation }
        guard world.reading == nil else { return nil }
        var world = world
        world.lagging = world.chain
        world.reorganisationsLeft = 0
        if let known = found[world] { return known }
        let outcome = endingWell(world)
        found[world] = .some(outcome)
        return outcome
    }

    /// What is wrong in the end if all goes well from now on.
    private func endingWell(_ start: InboxWorld) -> String? {
        var world = start
        for _ in 0..<100 {
            guard let next = programSteps(world, nodes: [world.chain]).last(where: isGood) else { break }
            world = next.state
            if world.reading == nil, next.label.hasSuffix("complete") {
                let lost = Set(world.chain.messages).subtracting(world.handled)
                if let message = lost.min() { return "message \(message) is lost" }
                let standing = world.chain.messages.enumerated().filter { !ShownChain.unreadable.contains($0.element) }
                if withdraws, world.served != Dictionary(uniqueKeysWithValues: standing.map { (UInt64($0), $1) }) {
                    return "it serves \(world.served.sorted { $0.key < $1.key })"
                }
                return nil
            }
        }
        return "it never comes to an end"
    }

    private func isGood(_ step: (label: String, state: InboxWorld)) -> Bool {
        !step.label.hasSuffix("postponed") && !step.label.hasSuffix("refused")
    }
}
