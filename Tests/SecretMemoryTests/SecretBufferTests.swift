import SecretMemory
import Testing

@Suite struct SecretBufferTests {
    /// A buffer of bytes that grew to hold them, each time by a piece.
    static func buffer(_ bytes: [UInt8], piece: Int) throws -> SecretBuffer {
        var buffer = SecretBuffer()
        var position = 0
        while position < bytes.count {
            try buffer.reserve(position + piece)
            position += buffer.append(atMost: piece) { room in
                let count = min(room.count, bytes.count - position)
                for index in 0..<count { room[index] = bytes[position + index] }
                return count
            }
        }
        return buffer
    }

    static func copy(_ buffer: borrowing SecretBuffer) -> [UInt8] {
        buffer.withBytes { span in span.indices.map { span[$0] } }
    }

    @Test(arguments: [(0, 1), (1, 1), (5000, 100), (100_000, 4096), (10_000_000, 3_000_000)])
    func itGrowsAndKeepsItsBytes(count: Int, piece: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let buffer = try Self.buffer(bytes, piece: piece)
        #expect(buffer.count == count && buffer.capacity >= count)
        #expect(Self.copy(buffer) == bytes)
        #expect(SecretBytesTests.bytes(buffer.finish()) == bytes)
    }

    @Test func itGivesNoMoreRoomThanItHas() throws {
        var buffer = SecretBuffer()
        try buffer.reserve(10)
        buffer.appendZeros(4)
        #expect(buffer.append(atMost: 100) { $0.count } == 6)
        #expect(buffer.append(atMost: 100) { $0.count } == 0)
        #expect(Self.copy(buffer) == [UInt8](repeating: 0, count: 10))
    }

    @Test func aRangeOfItIsChanged() throws {
        var buffer = try Self.buffer([1, 2, 3, 4], piece: 4)
        buffer.withMutableBytes(in: 1..<3) { for index in $0.indices { $0[index] = 9 } }
        #expect(Self.copy(buffer) == [1, 9, 9, 4])
    }

    @Test func moreThanThereIsIsAnError() throws {
        var buffer = try Self.buffer([1, 2], piece: 2)
        #expect(throws: SecretError.noMemory) { try buffer.reserve(1 << 60) }
        #expect(Self.copy(buffer) == [1, 2])
    }
}
