import Primitives

/// Does what `make bench` compares with another program's doing: `Measure keccak BYTES` hashes so many bytes, `hash32` the
/// hash of a hash and so on, and `hex` writes digits and reads them; `hexout` writes them only.
@main
enum Measure {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        guard let name = arguments.first, let last = arguments.last, let byteCount = Int(last) else {
            return print("usage: Measure keccak|hash32|hex BYTES")
        }
        let block = [UInt8](repeating: 0, count: 1_000_000)
        switch name {
        case "keccak":
            var hasher = Keccak256()
            for _ in 0..<byteCount / block.count { hasher.update(block.span) }
            print(hasher.finalize())
        case "hash32":
            var hash = Bytes32.zero
            for _ in 0..<byteCount / 32 { hash = Keccak256.hash(hash.bytes) }
            print(hash)
        default:
            var text = [UInt8](repeating: 0, count: 2 * block.count)
            var digits = text.mutableSpan
            for _ in 0..<byteCount / block.count {
                Hex.encode(block.span, into: &digits, at: 0)
                if name == "hex" { guard Hex.decodeInPlace(&digits, from: 0) == block.count else { return } }
            }
            print(text.count)
        }
    }
}
