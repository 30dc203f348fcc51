import Ciphers
import JSON
import SecretMemory
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
        let cipher = try AES256GCM(
            decryptingWith: SecretBytes(copying: key), nonce: nonce, tag: vector.bytes("tag"))
        cipher.update(&span)
        try cipher.verify()
        return text
    }

    static func seal(_ vector: JSONObject) throws -> [UInt8] {
        let (key, nonce) = (try vector.bytes("key"), try vector.bytes("iv"))
        var message = try [UInt8](repeating: 0, count: AES256GCM.tagByteCount) + vector.bytes("msg")
        var span = message.mutableSpan
        let cipher = try AES256GCM(encryptingWith: SecretBytes(copying: key), nonce: nonce)
        cipher.update(&span, from: AES256GCM.tagByteCount)
        try cipher.finish(tagInto: &span, at: 0)
        return message
    }

    @Test(arguments: try vectors().filter { try $0.isValid && hasUsableNonce($0) })
    func soundMessagesOpenAndAreMadeAgain(_ vector: JSONObject) throws {
        #expect(try Self.open(vector) == vector.bytes("msg"))
        #expect(try Self.seal(vector) == vector.bytes("tag") + vector.bytes("ct"))
    }

    @Test(arguments: [1, 5, 16, 17, 64])
    func aTextMayComeInPieces(size: Int) throws {
        for vector in try Self.vectors() where try vector.isValid && Self.hasUsableNonce(vector) {
            let (key, nonce) = (try vector.bytes("key"), try vector.bytes("iv"))
            let encrypting = try AES256GCM(encryptingWith: SecretBytes(copying: key), nonce: nonce)
            let decrypting = try AES256GCM(
                decryptingWith: SecretBytes(copying: key), nonce: nonce, tag: vector.bytes("tag"))
            let text = try vector.bytes("msg")
            var sealed: [UInt8] = []
            for start in stride(from: 0, to: text.count, by: size) {
                var piece = Array(text[start..<min(start + size, text.count)])
                var span = piece.mutableSpan
                encrypting.update(&span)
                sealed += piece
                var again = piece.mutableSpan
                decrypting.update(&again)
                #expect(piece == Array(text[start..<min(start + size, text.count)]))
            }
            var tag = [UInt8](repeating: 0, count: AES256GCM.tagByteCount)
            var span = tag.mutableSpan
            try encrypting.finish(tagInto: &span, at: 0)
            try decrypting.verify()
            #expect(try sealed == vector.bytes("ct") && tag == vector.bytes("tag"))
        }
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
