import SendingModel
import Testing

/// Every interleaving of what machines, backends and the chain do, up to a number of states: see docs/testing.md.
@Suite struct SendingModelTests {
    private static func bounds(_ change: (inout SendingModel.Bounds) -> Void) -> SendingModel.Bounds {
        var bounds = SendingModel.Bounds()
        change(&bounds)
        return bounds
    }

    /// Each of the worlds has its own disturbances; the last has all of them at once.
    private static let worlds: [(String, SendingModel.Bounds)] = [
        ("two machines", bounds { $0.blocks = 4 }),
        (
            "late receipts and answers of the other backend",
            bounds { ($0.hasLateReceipts, $0.answersOfOthers, $0.blocks) = (true, true, 4) }
        ),
        ("crashes", bounds { ($0.crashes, $0.lostAnswers, $0.blocks) = (2, 1, 3) }),
        (
            "reorganisations of depth 2",
            bounds { ($0.reorganisations, $0.confirmations, $0.blocks) = (1, 3, 5) }
        ),
        (
            "everything",
            bounds {
                ($0.crashes, $0.reorganisations, $0.drops, $0.lostAnswers) = (1, 1, 1, 1)
                ($0.confirmations, $0.blocks, $0.hasLateReceipts, $0.answersOfOthers) = (3, 6, true, true)
            }
        ),
    ]

    @Test(
        "each request is executed once at most, in order, and the journal is true",
        .timeLimit(.minutes(5)), arguments: worlds)
    func noViolation(name: String, bounds: SendingModel.Bounds) {
        let found = SendingModel(bounds).search(limit: 400_000)
        #expect(found.violation == nil)
        print("\(name): \(found)")
    }

    /// The smallest world in which each fault does harm.
    private static let faults: [(SendingModel.Fault, SendingModel.Bounds)] = [
        (.takenUnseen, bounds { ($0.answersOfOthers, $0.hasSecondMachine, $0.blocks) = (true, false, 2) }),
        (.overtakenIsReplaced, bounds { ($0.hasLateReceipts, $0.hasSecondMachine, $0.blocks) = (true, false, 2) }),
        (.signsAhead, bounds { $0.blocks = 3 }),
        (.notesLate, bounds { ($0.crashes, $0.hasSecondMachine, $0.blocks) = (1, false, 2) }),
        (.ignoresDepth, bounds { ($0.reorganisations, $0.confirmations, $0.blocks) = (1, 3, 3) }),
    ]

    @Test("a broken rule is found", .timeLimit(.minutes(5)), arguments: faults)
    func violation(fault: SendingModel.Fault, bounds: SendingModel.Bounds) throws {
        let found = SendingModel(bounds, fault: fault).search(limit: 400_000)
        #expect(found.violation != nil)
        print("\(fault): \(found)")
    }

    @Test func `every broken rule is tried`() {
        #expect(Set(Self.faults.map(\.0)) == Set(SendingModel.Fault.allCases))
    }
}
