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
        var text = try vector.bytes("ct")
        var span = text.mutableSpan
        try AES256GCM.open(
            &span, textStart: 0, tag: vector.bytes("tag"), key: SecretBytes(copying: key), nonce: nonce)
        return text
    }

    static func seal(_ vector: JSONObject) throws -> [UInt8] {
        let (key, nonce) = (try vector.bytes("key"), try vector.bytes("iv"))
        var message = try [UInt8](repeating: 0, count: AES256GCM.tagByteCount) + vector.bytes("msg")
        var span = message.mutableSpan
        try AES256GCM.seal(
            &span, textStart: AES256GCM.tagByteCount, tagStart: 0, key: SecretBytes(copying: key), nonce: nonce)
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
