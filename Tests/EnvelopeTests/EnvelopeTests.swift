import Envelope
import Primitives
import Secp256k1
import Testing

@Suite struct EnvelopeTests {
    @Test func bytesAndSignaturesAreThoseOfEthAccount() throws {
        let vectors = try EnvelopeVector.all()
        #expect(vectors.count >= 20)
        for vector in vectors {
            #expect(vector.header.digest(payloadHash: Keccak256.hash(vector.payload)) == vector.digest)
            #expect(try EnvelopeVector.wrap(vector.payload, vector.header, vector.key()) == vector.envelope)
        }
    }

    @Test func whatEthAccountSignedIsRead() throws {
        for vector in try EnvelopeVector.all() {
            let contents = EnvelopeVector.Contents(header: vector.header, payload: vector.payload)
            #expect(try EnvelopeVector.read(vector.envelope) == contents)
        }
    }

    @Test(
        "a text that does not begin with the magic is a plain message",
        arguments: ["", "t", "teeben", "Teebenv\u{1}", " teebenv\u{1}", "\u{0}", "a secret"])
    func plainMessages(_ text: String) throws {
        #expect(try EnvelopeVector.read(Array(text.utf8)) == nil)
        #expect(try EnvelopeVector.read(Array(text.utf8) + [UInt8](repeating: 0, count: 300)) == nil)
    }

    @Test(arguments: [0, 2, 3, 0x31, 0x81, 255] as [UInt8])
    func unknownVersionsAreRefusedWhateverTheirLength(_ version: UInt8) throws {
        var bytes = try EnvelopeVector.first().envelope
        bytes[7] = version
        for count in [8, 9, 220, 221, bytes.count] {
            #expect(throws: EnvelopeError.unknownVersion(version)) {
                try EnvelopeVector.read(Array(bytes.prefix(count)))
            }
        }
    }

    @Test func everyTruncationIsRefused() throws {
        let bytes = try EnvelopeVector.first().envelope
        let from = try EnvelopeVector.first().header.from
        for count in 0..<7 { #expect(try EnvelopeVector.read(Array(bytes.prefix(count))) == nil) }
        for count in 7..<221 {
            #expect(throws: EnvelopeError.cutOff(actual: count, least: 221)) {
                try EnvelopeVector.read(Array(bytes.prefix(count)))
            }
        }
        for count in 221..<bytes.count {
            #expect(throws: EnvelopeError.badSignature(from: from)) {
                try EnvelopeVector.read(Array(bytes.prefix(count)))
            }
        }
        #expect(throws: EnvelopeError.badSignature(from: from)) { try EnvelopeVector.read(bytes + [0]) }
    }

    /// In the magic, a flipped bit makes a plain message, whose payload is the whole text and which nobody signed; at
    /// every other place the envelope is refused. In transit neither can happen: the sealed bytes do not open then.
    @Test func aFlippedBitAnywhereIsRefused() throws {
        let bytes = try EnvelopeVector.first().envelope
        for index in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << UInt8(bit)
                if index < 7 {
                    #expect(try EnvelopeVector.read(flipped) == nil)
                } else {
                    #expect(
                        try Self.refusal(of: flipped) == Self.expected(at: index, flipped), "byte \(index) bit \(bit)")
                }
            }
        }
    }

    static func refusal(of bytes: [UInt8]) throws -> EnvelopeError? {
        do throws(EnvelopeError) {
            _ = try EnvelopeVector.read(bytes)
            return nil
        } catch { return error }
    }

    /// The refusal that a change of one byte calls for.
    static func expected(at index: Int, _ bytes: [UInt8]) -> EnvelopeError {
        switch index {
        case 7: return .unknownVersion(bytes[7])
        case 8..<32: return .chainIdTooLarge
        default: break
        }
        // The signature is judged by its form first: a large s that is below the group's order is a form.
        let isHighS = index == 188 && (try? RecoverableSignature(bytes[156..<221]))?.isLowS == false
        return isHighS ? .malleableSignature : .badSignature(from: Bytes32(checked: Array(bytes[60..<92])))
    }

    @Test func theHighTwinOfASignatureIsRefused() throws {
        for vector in try EnvelopeVector.all() {
            var bytes = vector.envelope
            bytes.replaceSubrange(188..<220, with: Self.groupOrder(minus: bytes[188..<220]))
            bytes[220] ^= 27 ^ 28
            let twin = try RecoverableSignature(bytes[156..<221])
            #expect(try twin.recover(prehash: vector.digest).memberId == vector.header.from)
            #expect(throws: EnvelopeError.malleableSignature) { try EnvelopeVector.read(bytes) }
        }
    }

    static func groupOrder(minus number: ArraySlice<UInt8>) -> [UInt8] {
        let order: [UInt8] =
            [UInt8](repeating: 0xff, count: 15) + [
                0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
            ]
        var borrow = 0
        let digits = zip(order, number).reversed().map { minuend, subtrahend -> UInt8 in
            let difference = Int(minuend) - Int(subtrahend) - borrow
            borrow = difference < 0 ? 1 : 0
            return UInt8(truncatingIfNeeded: difference)
        }
        return digits.reversed()
    }

    @Test(arguments: [0, 1, 2, 26, 29, 255] as [UInt8])
    func theRecoveryByteHasOneForm(_ byte: UInt8) throws {
        let vector = try EnvelopeVector.first()
        var bytes = vector.envelope
        bytes[220] = byte
        #expect(throws: EnvelopeError.badSignature(from: vector.header.from)) { try EnvelopeVector.read(bytes) }
    }

    @Test func nobodyElseCanSign() throws {
        let vectors = try EnvelopeVector.all()
        let victim = vectors[0].header.from
        for other in vectors where other.header.from != victim {
            let forged = try EnvelopeVector.wrap(other.payload, other.header.with(from: victim), other.key())
            #expect(throws: EnvelopeError.badSignature(from: victim)) { try EnvelopeVector.read(forged) }
        }
    }

    @Test func aSignatureIsForOneHeaderAndOnePayload() throws {
        let vector = try EnvelopeVector.first()
        let header = vector.header
        let zero = Bytes32.zero
        let others = [
            header.with(chainId: header.chainId + 1), header.with(bridge: .zero), header.with(to: zero),
            header.with(messageId: zero),
        ]
        var signatures: Set = [Array(vector.envelope[156..<221])]
        for other in others {
            signatures.insert(Array(try EnvelopeVector.wrap(vector.payload, other, vector.key())[156..<221]))
        }
        signatures.insert(Array(try EnvelopeVector.wrap([], header, vector.key())[156..<221]))
        #expect(signatures.count == 6)
        for signature in signatures where signature != Array(vector.envelope[156..<221]) {
            var bytes = vector.envelope
            bytes.replaceSubrange(156..<221, with: signature)
            #expect(throws: EnvelopeError.badSignature(from: header.from)) { try EnvelopeVector.read(bytes) }
        }
    }
}
