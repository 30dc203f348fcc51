import Primitives
import TEEBridge
import Testing

@Suite struct PayloadLimitTests {
    @Test(
        "no contract takes more than contracts/TEEBridge.vy, and the known ones are named",
        arguments: [
            (nil, "TEEBridge", 24_576), ("0x00000000000000000000000000000000000000b1", "TEEBridge", 24_576),
            ("0x254057d9d92FC7F75E3D49F0c6b0be9eE2A334D5", "TEEBridge v1 on Base", 24_576),
            ("0xdf463af67d15e470a363e387fd688c78c2e94146", "TEEBridge v2 on Base", 24_576),
        ] as [(String?, String, Int)])
    func limits(bridge: String?, contract: String, byteCount: Int) throws {
        let limit = PayloadLimit(of: try bridge.map { try Address($0) })
        #expect(limit.contract == contract)
        #expect(limit.byteCount == byteCount)
        try limit.check(byteCount)
        let error = #expect(throws: PayloadTooLong.self) { try limit.check(byteCount + 1, overhead: 97, line: 2) }
        #expect(
            error?.description
                == "line 2: the sealed message has \(byteCount + 1) bytes, but \(contract) takes at most \(byteCount)")
        #expect(error?.hints.first == "a secret of at most \(byteCount - 97) bytes fits")
    }
}
