import ECIES
import JSON
import Primitives
import Secp256k1
import SecretMemory
import TestVectors
import Testing

@Suite struct ECIESTests {
    struct Vector {
        let settings: ECIES
        let secret: [UInt8]
        let plaintext: [UInt8]
        let payload: [UInt8]
        let ephemeral: (secret: [UInt8], nonce: [UInt8])?

        init(_ json: JSONObject) throws {
            settings = ECIES(
                ephemeralCompressed: json["ephemeral_compressed"]?.bool == true,
                derivationCompressed: json["hkdf_compressed"]?.bool == true,
                nonceLength: json["nonce_length"] == .number(12) ? .twelve : .sixteen)
            secret = try json.bytes("secret_key")
            plaintext = try json.bytes("plaintext")
            payload = try json.bytes("payload")
            ephemeral =
                json["ephemeral_secret"] == nil ? nil : (try json.bytes("ephemeral_secret"), try json.bytes("nonce"))
        }

        func key() throws -> SecretKey { try SecretKey(SecretBytes(copying: secret)) }
    }

    static func vectors() throws -> [Vector] { try TestVectors.load("ecies.json", member: "vectors").map(Vector.init) }

    static func opened(_ payload: [UInt8], _ vector: Vector) throws -> [UInt8] {
        try vector.settings.open(payload.span, with: vector.key()).withBytes { span in span.indices.map { span[$0] } }
    }

    @Test func vectorsOpen() throws {
        let vectors = try Self.vectors()
        #expect(vectors.count >= 13)
        for vector in vectors { #expect(try Self.opened(vector.payload, vector) == vector.plaintext) }
    }

    @Test func vectorsSealToTheSameBytes() throws {
        var sealed = 0
        for vector in try Self.vectors() {
            guard let ephemeral = vector.ephemeral else { continue }
            let key = try SecretKey(SecretBytes(copying: ephemeral.secret))
            let payload = try vector.settings.seal(
                vector.plaintext.span, to: vector.key().publicKey, ephemeral: key, nonce: ephemeral.nonce)
            #expect(payload == vector.payload)
            sealed += 1
        }
        #expect(sealed >= 8)
    }

    @Test(arguments: [0, 1, 31, 100, 70_000])
    func whatIsSealedOpens(_ count: Int) throws {
        let text = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        for vector in try Self.vectors().prefix(8) {
            let payload = try vector.settings.seal(text.span, to: vector.key().publicKey)
            #expect(payload.count == count + vector.settings.overhead)
            #expect(try Self.opened(payload, vector) == text)
        }
    }

    @Test func aFlippedBitAnywhereDoesNotOpen() throws {
        let vector = try #require(Self.vectors().first)
        for index in vector.payload.indices {
            for bit in [0, 7] {
                var payload = vector.payload
                payload[index] ^= 1 << UInt8(bit)
                #expect(throws: ECIESError.self, "byte \(index)") { try Self.opened(payload, vector) }
            }
        }
    }

    @Test func everyTruncationIsRefused() throws {
        let vector = try #require(Self.vectors().first)
        for count in 0..<vector.payload.count {
            let error: ECIESError = count < 97 ? .tooShort(actual: count, least: 97) : .doesNotOpen
            #expect(throws: error) { try Self.opened(Array(vector.payload.prefix(count)), vector) }
        }
    }

    @Test func anotherKeyOrOtherSettingsDoNotOpen() throws {
        let vectors = try Self.vectors()
        for (index, vector) in vectors.prefix(8).enumerated() {
            for other in vectors.prefix(8).enumerated() where other.offset != index {
                #expect(throws: ECIESError.self) { try Self.opened(other.element.payload, vector) }
            }
        }
    }
}
