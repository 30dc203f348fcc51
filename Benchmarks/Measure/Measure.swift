import Primitives

/// Does alone what `make bench` compares with another program's doing: `Measure keccak BYTES` hashes so many bytes.
@main
enum Measure {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, arguments[1] == "keccak", let byteCount = Int(arguments[2]) else {
            return print("usage: Measure keccak BYTES")
        }
        let block = [UInt8](repeating: 0, count: 1 << 20)
        var hasher = Keccak256()
        for _ in 0..<byteCount / block.count { hasher.update(block.span) }
        print(hasher.finalize())
    }
}
