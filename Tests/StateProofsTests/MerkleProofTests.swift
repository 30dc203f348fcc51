import JSON
import Primitives
import StateProofs
import TestVectors
import Testing
import Transactions

@Suite struct MerkleProofTests {
    @Test func vectorsAreThere() { #expect(Vector.tries.count > 20) }

    private func nodes(_ vector: Vector) throws -> [[UInt8]] {
        try vector.json.strings("nodes").map { try Hex.decode($0) }
    }

    private func value(_ vector: Vector, _ nodes: [[UInt8]]) throws -> [UInt8]? {
        try MerkleProof.value(at: vector.word("key"), below: vector.word("root"), nodes: nodes)
    }

    @Test(arguments: Vector.tries)
    func presenceAndAbsenceAreProven(_ vector: Vector) throws {
        #expect(try value(vector, nodes(vector)) == vector.json.optionalString("value").map { try Hex.decode($0) })
    }

    @Test("a bit of any byte of any node is missed", arguments: Vector.someTries)
    func flippedBitsAreRefused(_ vector: Vector) throws {
        let nodes = try nodes(vector)
        for index in nodes.indices {
            for forged in nodes[index].flipped {
                var copy = nodes
                copy[index] = forged
                #expect(throws: ProofFlaw.self) { try value(vector, copy) }
            }
        }
    }

    @Test("a node cut short at any byte is refused", arguments: Vector.someTries)
    func truncatedNodesAreRefused(_ vector: Vector) throws {
        let nodes = try nodes(vector)
        for index in nodes.indices {
            for count in nodes[index].indices {
                var copy = nodes
                copy[index] = Array(nodes[index].prefix(count))
                #expect(throws: ProofFlaw.self) { try value(vector, copy) }
            }
        }
    }

    @Test("a node left out, doubled, added or moved is refused", arguments: Vector.tries)
    func otherListsAreRefused(_ vector: Vector) throws {
        let nodes = try nodes(vector)
        for index in nodes.indices where nodes != [[0x80]] {
            var copy = nodes
            copy.remove(at: index)
            #expect(throws: ProofFlaw.self) { try value(vector, copy) }
            copy.insert(nodes[index], at: index)
            copy.insert(nodes[index], at: index)
            #expect(throws: ProofFlaw.self) { try value(vector, copy) }
        }
        #expect(throws: ProofFlaw.self) { try value(vector, nodes + [[]]) }
        if !nodes.isEmpty { #expect(throws: ProofFlaw.self) { try value(vector, nodes + [[0x80]]) } }
        if nodes.count > 1 { #expect(throws: ProofFlaw.self) { try value(vector, nodes.reversed()) } }
    }

    @Test("the proof of one key proves nothing else of another", arguments: Vector.tries)
    func swappedProofsProveNothingFalse(_ vector: Vector) throws {
        for other in Vector.tries where try other.word("key") != vector.word("key") {
            let truth = try other.json.optionalString("value").map { try Hex.decode($0) }
            // Where the ways are the same, the proof is the other's own; it can never show another value.
            guard let shown = try? value(other, nodes(vector)) else { continue }
            #expect(shown == truth)
        }
    }

    @Test func noNodeProvesNothing() throws {
        let vector = try #require(Vector.tries.first)
        #expect(throws: ProofFlaw.missingNode(0)) { try value(vector, []) }
        #expect(try MerkleProof.value(at: .zero, below: MerkleProof.emptyRoot, nodes: []) == nil)
        #expect(try MerkleProof.value(at: .zero, below: MerkleProof.emptyRoot, nodes: [[0x80]]) == nil)
    }

    private static func bytes(_ count: Int, of byte: UInt8 = 1) -> RLP {
        .string([UInt8](repeating: byte, count: count))
    }

    private static func path(_ prefix: UInt8, zeros: Int) -> RLP {
        .string([prefix] + [UInt8](repeating: 0, count: zeros))
    }

    private static func pair(_ path: RLP, _ value: RLP) -> RLP { .list([path, value]) }

    private static func branch(_ way: RLP, ways: Int, value: RLP = .string([])) -> RLP {
        .list([RLP](repeating: way, count: ways) + [RLP](repeating: .string([]), count: 16 - ways) + [value])
    }

    private static let notPairs: [RLP] = [
        .string([1]), .list([]), .list([bytes(1)]), .list([bytes(1), bytes(1), bytes(1)]),
        branch(bytes(32), ways: 0), branch(bytes(32), ways: 1), branch(bytes(32), ways: 16, value: bytes(32)),
        branch(bytes(31), ways: 16), branch(bytes(33), ways: 16), branch(.list([bytes(40)]), ways: 16),
    ]
    private static let faultyPairs: [RLP] = [
        pair(.string([]), bytes(1)), pair(.list([]), bytes(1)), pair(path(0x20, zeros: 32), .list([])),
        pair(path(0x20, zeros: 32), .string([])), pair(path(0x20, zeros: 31), bytes(1)),
        pair(path(0x20, zeros: 33), bytes(1)), pair(path(0x21, zeros: 32), bytes(1)),
        pair(path(0x30, zeros: 32), bytes(1)), pair(path(0x40, zeros: 32), bytes(1)),
        pair(path(0xF0, zeros: 32), bytes(1)), pair(path(0x00, zeros: 0), bytes(32)),
        pair(path(0x00, zeros: 32), bytes(32)), pair(path(0x01, zeros: 1), bytes(32)),
        pair(path(0x10, zeros: 0), .string([])), pair(path(0x10, zeros: 0), bytes(2)),
        pair(path(0x10, zeros: 0), pair(path(0x30, zeros: 20), bytes(1))),
        pair(path(0x10, zeros: 0), pair(path(0x10, zeros: 0), bytes(28))),
    ]

    /// Nodes that no honest trie has, though the root is their hash.
    @Test("malformed nodes are refused whatever the root says", arguments: notPairs + faultyPairs)
    func malformedNodesAreRefused(_ node: RLP) {
        let bytes = node.encoded
        #expect(throws: ProofFlaw.self) {
            try MerkleProof.value(at: .zero, below: Keccak256.hash(bytes), nodes: [bytes])
        }
    }

    @Test func aNodeInASecondEncodingIsRefused() {
        // A leaf of 33 bytes of path, its value's length given in two bytes.
        let bytes: [UInt8] = [0xE5, 0xA1, 0x20] + [UInt8](repeating: 0, count: 32) + [0xB8, 0x01, 0x05]
        #expect(throws: ProofFlaw.self) {
            try MerkleProof.value(at: .zero, below: Keccak256.hash(bytes), nodes: [bytes])
        }
    }

    /// A chain of nodes that is longer than any key must end.
    @Test func theWayHasAnEnd() {
        var node = RLP.list([.string([0x20]), .string([1])]).encoded
        var nodes = [node]
        for _ in 0..<70 {
            let hash = RLP.string(Keccak256.hash(node).bytes)
            node = RLP.list([RLP](repeating: hash, count: 16) + [.string([])]).encoded
            nodes.insert(node, at: 0)
        }
        #expect(throws: ProofFlaw.self) {
            try MerkleProof.value(at: .zero, below: Keccak256.hash(node), nodes: nodes)
        }
    }
}
