import Ciphers
import JSON
import Secrets
import TestVectors
import Testing

@Suite struct GCMSuiteTests {
    static func vectors() throws -> [JSONObject] {
        try TestVectors.suite("gcm-nist.json") + TestVectors.suite("gcm-wycheproof.json")
    }

    /// OpenSSL takes nonces of 1 to 128 bytes; ours have 12 or 16.
    static func hasUsableNonce(_ vector: JSONObject) throws -> Bool { try 1...128 ~= vector.bytes("iv").count }

    static func open(_ vector: JSONObject) throws -> [UInt8] {
        let (key, nonce) = (try vector.bytes("key"), try vector.bytes("iv"))
        let (ciphertext, tag) = (try vector.bytes("ct"), try vector.bytes("tag"))
        return try AES256GCM.open(
            ciphertext.span, tag: tag.span, key: SecretBytes(copying: key), nonce: nonce.span
        ).copy()
    }

    static func seal(_ vector: JSONObject) throws -> [UInt8] {
        let (key, nonce, text) = (try vector.bytes("key"), try vector.bytes("iv"), try vector.bytes("msg"))
        var message = [UInt8](repeating: 0, count: AES256GCM.tagByteCount + text.count)
        var span = message.mutableSpan
        try AES256GCM.seal(
            text.span, key: SecretBytes(copying: key), nonce: nonce.span, into: &span, tagStart: 0,
            ciphertextStart: AES256GCM.tagByteCount)
        return message
    }

    @Test(arguments: try vectors().filter { try $0.isValid && hasUsableNonce($0) })
    func soundMessagesOpenAndAreMadeAgain(_ vector: JSONObject) throws {
        #expect(try Self.open(vector) == vector.bytes("msg"))
        #expect(try Self.seal(vector) == vector.bytes("tag") + vector.bytes("ct"))
    }

    @Test(arguments: try vectors().filter { try !$0.isValid && hasUsableNonce($0) })
    func anotherTagIsRefused(_ vector: JSONObject) throws {
        #expect(throws: CipherError.notAuthentic) { try Self.open(vector) }
    }

    @Test(arguments: try vectors().filter { try !hasUsableNonce($0) })
    func noncesOfOtherLengthsAreRefused(_ vector: JSONObject) throws {
        #expect(throws: CipherError.libraryFailed(call: "EVP_CipherInit_ex")) { try Self.open(vector) }
        #expect(throws: CipherError.libraryFailed(call: "EVP_CipherInit_ex")) { try Self.seal(vector) }
    }
}
