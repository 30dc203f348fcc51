import JSON
import Primitives
import TestVectors
import Testing

@Suite struct Keccak256Tests {
    @Test func hashesAreThoseOfPycryptodome() throws {
        let vectors = try TestVectors.load("keccak256.json", member: "vectors")
        #expect(vectors.count > 20)
        for vector in vectors {
            let message = try vector.bytes("message")
            #expect(try Keccak256.hash(message).bytes == vector.bytes("hash"), "\(message.count) bytes")
        }
    }

    @Test(arguments: [1, 7, 135, 136, 137])
    func piecesHashLikeTheWhole(_ size: Int) {
        let message = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        var hasher = Keccak256()
        for start in stride(from: 0, to: message.count, by: size) {
            hasher.update(message[start..<min(start + size, message.count)])
        }
        #expect(hasher.finalize() == Keccak256.hash(message))
    }

    /// Words are taken from any place of the bytes to any place of the block.
    @Test func twoPiecesOfEveryLengthHashLikeTheWhole() {
        let message = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let whole = Keccak256.hash(message)
        for end in 0...message.count {
            var hasher = Keccak256()
            hasher.update(message[..<end])
            hasher.update(message.span.extracting(end...))
            #expect(hasher.finalize() == whole, "cut at \(end)")
        }
    }

    @Test func bytesThatStandApartAreHashedToo() {
        let message = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
        #expect(Keccak256.hash(message.lazy.map { $0 }) == Keccak256.hash(message))
    }

    @Test func selectorsAreTheFirstFourBytes() {
        #expect(Selector(signature: "isMember(bytes32)").hex == "0x511bcee5")
        #expect(Selector(signature: "addComposeHash(bytes32)").hex == "0xdfc77223")
    }
}
