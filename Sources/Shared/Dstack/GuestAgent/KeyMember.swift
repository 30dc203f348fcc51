import Primitives
import SecretMemory

/// Takes the key out of an answer to GetKey before the answer is read as JSON, whose texts nobody can wipe.
enum KeyMember {
    /// The value of the first member `key` that is 32 bytes of hex; its digits become zeros in `body`.
    ///
    /// - Returns: nil where there is none, or one that is otherwise; `body` is as it was then.
    static func take(from body: inout [UInt8]) -> SecretBytes? {
        guard let digits = digits(in: body) else { return nil }
        defer { for index in digits { body[index] = UInt8(ascii: "0") } }
        return SecretBytes(count: 32) { target in
            for (offset, index) in zip(target.indices, stride(from: digits.lowerBound, to: digits.upperBound, by: 2)) {
                let high = Hex.value(of: body[index]) ?? 0
                let low = Hex.value(of: body[index + 1]) ?? 0
                target[offset] = high << 4 | low
            }
        }
    }

    /// Where the key's 64 digits stand: behind `"key"`, a colon, a quote and 0x or nothing, before a quote.
    private static func digits(in body: [UInt8]) -> Range<Int>? {
        let name = Array("\"key\"".utf8)
        guard let found = body.firstRange(of: name) else { return nil }
        var rest = skippingSpace(body[found.upperBound...])
        guard rest.popFirst() == UInt8(ascii: ":") else { return nil }
        rest = skippingSpace(rest)
        guard rest.popFirst() == UInt8(ascii: "\"") else { return nil }
        if rest.starts(with: "0x".utf8) { rest = rest.dropFirst(2) }
        let digits = rest.prefix { Hex.value(of: $0) != nil }
        guard digits.count == 64, rest.dropFirst(64).first == UInt8(ascii: "\"") else { return nil }
        return digits.startIndex..<digits.endIndex
    }

    private static func skippingSpace(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        bytes.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    }
}
