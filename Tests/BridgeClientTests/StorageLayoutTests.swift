import Primitives
import Testing

@testable import BridgeClient

@Suite("storage of the bridge's contracts") struct StorageLayoutTests {
    private static let slot = StorageSlot(7)

    private func word(_ hex: String) throws -> Bytes32 { try Bytes32(hex: hex) }

    /// keccak256 of the word 0, as every Solidity array at slot 0 has it, and of the words 1 and 3 as a mapping at 3.
    @Test func `places are the well-known hashes`() throws {
        #expect(
            StorageSlot(0).solidityContent.word.hex
                == "0x290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563")
        let one = UInt256(1).word
        #expect(
            StorageSlot(3).solidityEntry(one).word.hex
                == "0xa15bc60c955c405d20d9149c709e2460f1c2d9a497496a7f46004d1772c3054c")
        #expect(StorageSlot(3).vyperEntry(one) == StorageSlot(1).solidityEntry(UInt256(3).word))
    }

    @Test func `behind the last place comes the first`() throws {
        let last = StorageSlot(try word("0x" + String(repeating: "ff", count: 32)))
        #expect(last.advanced(by: 1) == StorageSlot(0))
        #expect(last.advanced(by: .max) == StorageSlot(UInt64.max - 1))
        #expect(StorageSlot(5).advanced(by: 0) == StorageSlot(5))
    }

    private static let lengths: [(String, UInt64)] = [
        (zeros(32), 0), ("61" + zeros(30) + "02", 1), (String(repeating: "61", count: 31) + "3e", 31),
        (zeros(31) + "41", 32), (zeros(30) + "2711", 5000),
    ]
    private static let notLengths: [String] = [
        zeros(31) + "40", zeros(31) + "fe", zeros(31) + "01", zeros(31) + "3f", "01" + zeros(30) + "01",
        String(repeating: "ff", count: 32),
    ]

    private static func zeros(_ count: Int) -> String { String(repeating: "00", count: count) }

    @Test("Solidity's short and long bytes", arguments: lengths)
    func solidityBytes(digits: String, count: UInt64) throws {
        let stored = try #require(DynamicBytes(solidity: word("0x" + digits), at: Self.slot))
        #expect(stored.count == count)
        #expect(stored.slots.count == (count < 32 ? 0 : Int(count + 31) / 32))
        #expect(stored.slots.first == (count < 32 ? nil : Self.slot.solidityContent))
        let words = stored.slots.map(\.word)
        let bytes = stored.bytes(of: words)
        #expect(bytes.count == Int(count))
        if count < 32 { #expect(bytes == [UInt8](repeating: 0x61, count: Int(count))) }
    }

    @Test("what Solidity never writes is no length", arguments: notLengths)
    func faultySolidityBytes(digits: String) throws {
        #expect(try DynamicBytes(solidity: word("0x" + digits), at: Self.slot) == nil)
    }

    @Test func `Vyper's bytes stand behind their number`() throws {
        let stored = try #require(DynamicBytes(vyper: UInt256(33).word, at: Self.slot))
        #expect(stored.slots == [StorageSlot(8), StorageSlot(9)])
        #expect(DynamicBytes(vyper: .zero, at: Self.slot)?.slots.isEmpty == true)
        #expect(try DynamicBytes(vyper: word("0x01" + String(repeating: "00", count: 31)), at: Self.slot) == nil)
        // Nobody asks for the places of so many; but the number must not stop the program.
        #expect(DynamicBytes(vyper: UInt256(UInt64.max).word, at: Self.slot)?.count == .max)
    }

    @Test func `messages of both layouts stand where the facts say`() throws {
        let member = try Bytes32(hex: "0x" + String(repeating: "ab", count: 32))
        let size = Keccak256.hash(member.bytes + UInt256(4).word.bytes)
        #expect(StorageLayout.solidity.inboxSize(of: member).word == size)
        #expect(
            StorageLayout.solidity.message(3, of: member)
                == StorageSlot(Keccak256.hash(size.bytes)).advanced(by: 6))
        #expect(
            StorageLayout.vyper.inboxSize(of: member).word
                == Keccak256.hash(UInt256(5).word.bytes + member.bytes))
        let inbox = Keccak256.hash(UInt256(4).word.bytes + member.bytes)
        #expect(
            StorageLayout.vyper.message(3, of: member).word
                == Keccak256.hash(inbox.bytes + UInt256(3).word.bytes))
        _ = StorageLayout.solidity.message(.max, of: member)
    }
}
