import Primitives
import Testing

@Suite struct AddressTests {
    /// The examples of EIP-55.
    static let checksummed = [
        "0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ]

    @Test(arguments: checksummed)
    func addressesPrintAsEIP55(_ text: String) throws {
        #expect(try Address(text).description == text)
        #expect(try Address(text.lowercased()).description == text)
        #expect(try Address("0x" + text.dropFirst(2).uppercased()).description == text)
    }

    @Test(arguments: checksummed.dropFirst(4))
    func aSwappedCaseFailsTheChecksum(_ text: String) {
        let mistyped =
            "0x" + String(text.dropFirst(2).map { $0.isUppercase ? $0.lowercased() : $0.uppercased() }.joined())
        #expect(throws: PrimitiveError.wrongChecksum(address: mistyped)) { try Address(mistyped) }
    }

    @Test(arguments: ["", "0x", "0x00", "52908400098527886E0F7030069857D2E4169EE7"])
    func otherTextsAreNoAddresses(_ text: String) {
        #expect(throws: PrimitiveError.self) { try Address(text) }
    }
}
