import SecretMemory
import Testing

@Suite struct SecretBytesTests {
    static func bytes(_ secret: borrowing SecretBytes) -> [UInt8] {
        secret.withBytes { span in span.indices.map { span[$0] } }
    }

    @Test(arguments: [0, 1, 32, 4096])
    func aSecretHoldsWhatItWasGiven(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        #expect(Self.bytes(SecretBytes(copying: bytes)) == bytes)
    }

    @Test(arguments: ["00ff7A", "0x00ff7A", "0X00ff7A\n", "00ff7a\r\n"])
    func hexTextsAreRead(_ text: String) throws {
        #expect(try Self.bytes(SecretBytes(hexDigitsOf: SecretBytes(copying: Array(text.utf8)))) == [0, 0xFF, 0x7A])
    }

    @Test(arguments: ["0", "0x0", "zz", "00 11", " 00", "00\n\n", "0x0x00"])
    func otherTextsAreRefused(_ text: String) {
        #expect(throws: SecretError.notHex) {
            _ = Self.bytes(try SecretBytes(hexDigitsOf: SecretBytes(copying: Array(text.utf8))))
        }
    }
}
