import JSON
import Primitives
import StateProofs
import TestVectors
import Testing

@Suite struct ProvenAccountTests {
    private func read(_ vector: Vector, _ answer: JSONObject, slots: [Bytes32]? = nil) throws -> ProvenAccount {
        try ProvenAccount(
            json: answer, of: Address(hex: vector.json.string("address")), slots: slots ?? vector.words("slots"),
            stateRoot: vector.word("state_root"))
    }

    private func isAbsent(_ vector: Vector) -> Bool { vector.json["absent"] != nil }

    @Test(arguments: Vector.accounts)
    func accountsAndWordsAreProven(_ vector: Vector) throws {
        let answer = try vector.json.object("answer")
        let account = try read(vector, answer)
        #expect(try account.words == vector.words("words"))
        guard !isAbsent(vector) else {
            #expect(account.state == nil)
            return
        }
        let state = try #require(account.state)
        #expect(state.nonce == 1)
        #expect(try state.balance.quantity == answer.string("balance"))
        #expect(try state.codeHash.hex == answer.string("codeHash"))
        #expect(state.isContract == (vector.name != "no storage"))
    }

    @Test("a bit of any byte of any node is missed", arguments: Vector.accounts)
    func flippedBitsAreRefused(_ vector: Vector) throws {
        let answer = try vector.json.object("answer")
        for forged in try Self.flipped(answer.strings("accountProof")) {
            #expect(throws: StateProofError.self) { try read(vector, answer.with("accountProof", forged)) }
        }
        guard !isAbsent(vector) else { return }
        for (slot, proof) in try zip(vector.words("slots"), answer.array("storageProof").compactMap(\.object)) {
            for forged in try Self.flipped(proof.strings("proof")) {
                let storage = JSONValue.array([.object(proof.with("proof", forged))])
                #expect(throws: StateProofError.self) {
                    try read(vector, answer.with("storageProof", storage), slots: [slot])
                }
            }
        }
    }

    private static func flipped(_ nodes: [String]) throws -> [JSONValue] {
        try nodes.indices.flatMap { index in
            try Hex.decode(nodes[index]).flipped.map { forged in
                var copy = nodes
                copy[index] = forged.hex
                return .array(copy.map(JSONValue.string))
            }
        }
    }

    @Test("what is claimed beside the proofs must fit them")
    func contradictionsAreRefused() throws {
        let vector = try #require(Vector.accounts.first { $0.name == "many words" })
        let answer = try vector.json.object("answer")
        for name in ["address", "nonce", "balance", "storageHash", "codeHash"] {
            let forged = try answer.string(name) + "1"
            #expect(
                throws: StateProofError.contradicted(
                    .account(try Address(hex: vector.json.string("address"))), member: name)
            ) {
                try read(vector, answer.with(name, .string(forged)))
            }
            #expect(throws: StateProofError.malformed(member: name, expected: "hex")) {
                try read(vector, answer.with(name, .number(1)))
            }
            #expect(throws: Never.self) { try read(vector, answer.with(name, nil)) }
        }
        let proofs = try answer.array("storageProof")
        for name in ["key", "value"] {
            var copy = proofs
            copy[2] = .object(try #require(copy[2].object).with(name, .string("0x1234")))
            #expect(throws: StateProofError.contradicted(.slot(try vector.words("slots")[2]), member: name)) {
                try read(vector, answer.with("storageProof", .array(copy)))
            }
        }
    }

    @Test func zerosInFrontOfAClaimDoNotMatter() throws {
        let vector = try #require(Vector.accounts.first { $0.name == "one word" })
        var answer = try vector.json.object("answer")
        answer = answer.with("nonce", .string("0x0000000000000001")).with(
            "address", .string(try answer.string("address").uppercased().replacing("0X", with: "0x")))
        #expect(try read(vector, answer).words == vector.words("words"))
    }

    @Test("proofs in another order, too few or too many are refused")
    func otherListsAreRefused() throws {
        let vector = try #require(Vector.accounts.first { $0.name == "many words" })
        let answer = try vector.json.object("answer")
        let proofs = try answer.array("storageProof")
        for forged in [proofs.reversed(), proofs.dropLast(), proofs + proofs.prefix(1), [], [.null]] {
            #expect(throws: StateProofError.self) { try read(vector, answer.with("storageProof", .array(forged))) }
        }
        var swapped = proofs
        swapped.swapAt(0, 1)
        #expect(throws: StateProofError.self) { try read(vector, answer.with("storageProof", .array(swapped))) }
        #expect(throws: StateProofError.self) { try read(vector, answer.with("storageProof", nil)) }
        #expect(throws: StateProofError.self) { try read(vector, answer.with("accountProof", nil)) }
        #expect(throws: StateProofError.self) { try read(vector, answer.with("accountProof", .array([.number(1)]))) }
    }

    @Test("an account's proof proves nothing of another account, block or slot")
    func foreignProofsAreRefused() throws {
        let vector = try #require(Vector.accounts.first { $0.name == "many words" })
        let other = try #require(Vector.accounts.first { $0.name == "one word" })
        let answer = try vector.json.object("answer")
        #expect(throws: StateProofError.self) { try read(other, answer, slots: vector.words("slots")) }
        #expect(throws: StateProofError.self) {
            try read(vector, answer, slots: Array(vector.words("slots").reversed()))
        }
        #expect(throws: StateProofError.self) {
            try ProvenAccount(
                json: answer, of: Address(hex: "0x" + String(repeating: "77", count: 20)),
                slots: vector.words("slots"), stateRoot: vector.word("state_root"))
        }
    }

    @Test(
        "an account has one form",
        arguments: [
            "0x", "0xc0", "0xc481018080", "0x01",
            "0xf8448001a0" + zeros + "a0" + zeros + "00",
            "0xf845820001" + "80a0" + zeros + "a0" + zeros,
            "0xf84c8901000000000000000080a0" + zeros + "a0" + zeros,
            "0xf84401809f" + zeros.dropLast(2) + "a0" + zeros,
        ])
    func malformedAccountsAreRefused(_ hex: String) {
        #expect(throws: ProofFlaw.self) { try AccountState(rlp: Hex.decode(hex)) }
    }

    private static let zeros = String(repeating: "00", count: 32)
}
