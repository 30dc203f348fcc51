import Dstack
import JSON
import ProofLog
import Testing

/// What is no proof, and why.
@Suite struct RefusalTests {
    @Test(arguments: ["", "\n", "\n" + SerialLog.boot])
    func aLineThatIsCutIsRefusedAsCut(_ rest: String) throws {
        let line = try SerialLog.line()
        for count in stride(from: 11, to: line.utf8.count, by: 13) {
            // Where the boot's lines come right behind the marker, they are what is read, and that is not JSON.
            let isRead = count == 11 && rest.contains("boot")
            let refusals = SerialLog.refusals(String(line.prefix(count)) + rest)
            #expect(refusals.count == 1, "\(count) bytes")
            #expect(isRead || refusals.allSatisfy { if case .cutOff = $0 { true } else { false } }, "\(count) bytes")
        }
    }

    @Test(arguments: ["hello", "1", "{hello}", "{\"a\":}", "{\"a\":1,\"a\":2}", "{}}"])
    func whatIsNotAnObjectOfJSONIsRefused(_ text: String) throws {
        let refusals = SerialLog.refusals("PROOF_JSON=\(text)\n")
        #expect(refusals.count == 1)
        switch refusals.first {
        case .notJSON: #expect(text != "{}}")
        case .invalid(.malformed): #expect(text == "{}}")
        default: Issue.record("\(refusals)")
        }
    }

    @Test func anotherDocumentIsRefusedWithTheMemberThatIsMissing() {
        #expect(
            SerialLog.refusals("\n\nPROOF_JSON={\"hello\": 1}\n")
                == [.invalid(.malformed(.missingMember(line: 3, member: "code_id")))])
    }

    @Test func anObjectWithoutAnEndIsRefusedAsTooLong() throws {
        let log = "PROOF_JSON={\"a\": \"" + String(repeating: "x", count: 100_000)
        #expect(SerialLog.refusals(log) == [.tooLong(limit: 16_384)])
        #expect(SerialLog.proofs(try log + SerialLog.line()) == [try SerialLog.proof()])
    }

    @Test func aCutLineDoesNotCostTheNextProof() throws {
        let line = try SerialLog.line(1)
        let proof = try SerialLog.proof(1)
        for count in stride(from: 0, to: line.utf8.count, by: 37) {
            for end in ["", "\n", "\r\n\r\n" + SerialLog.boot] {
                let log = String(try SerialLog.line().prefix(count)) + end + line + "\n"
                #expect(SerialLog.proofs(log) == [proof], "\(count) bytes")
            }
        }
    }

    @Test func eachMarkerOfALineIsLookedAt() throws {
        let line = try SerialLog.line()
        let other = try SerialLog.line(1)
        #expect(SerialLog.proofs("PROOF_JSON=" + line) == [try SerialLog.proof()])
        #expect(SerialLog.proofs("+ echo PROOF_JSON={\"x\":1} PROOF_JSON= " + line) == [try SerialLog.proof()])
        #expect(SerialLog.proofs(line + other) == [try SerialLog.proof(), try SerialLog.proof(1)])
    }

    /// A flip that changes no value (the case of a digit, a letter of a member that may be absent) may leave the proof
    /// as it was; no flip makes another one.
    @Test func aFlippedBitMakesNoOtherProof() throws {
        let line = Array(try SerialLog.line().utf8)
        let proof = try SerialLog.proof()
        for offset in line.indices {
            let bit = (offset + offset / 8) % 8
            var log = line + [0x0A]
            log[offset] ^= 1 << UInt8(bit)
            let proofs = SerialLog.proofs(log)
            #expect(proofs.isEmpty || proofs == [proof], "byte \(offset), bit \(bit)")
        }
    }

    @Test(arguments: [
        "code_id", "message_hash", "message_signature", "app_signature", "kms_signature", "derived_compressed_pubkey",
        "app_compressed_pubkey", "kms_root", "member_id", "app_id", "derived_address",
    ])
    func aChangedDigitIsRefused(_ member: String) throws {
        let line = Array(try SerialLog.line().utf8)
        let name = Array("\"\(member)\": \"".utf8)
        let start = try #require(line.indices.first { line[$0...].starts(with: name) }) + name.count
        for offset in line[start...].prefix(while: { $0 != UInt8(ascii: "\"") }).indices {
            var log = line
            log[offset] = line[offset] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            #expect(SerialLog.proofs(log).isEmpty, "byte \(offset)")
        }
    }
}
