import Dstack
import ProofLog

/// Logs made of pieces that matter to a scanner, each in places where it may do harm.
struct RandomLog {
    var numbers: SeededNumbers
    private let lines: [[UInt8]]

    init(seed: UInt64) throws {
        numbers = SeededNumbers(state: seed)
        lines = try [SerialLog.line(0), SerialLog.line(1)].map { Array($0.utf8) }
    }

    mutating func next() -> [UInt8] {
        let count = [1, 2, 3, 6, 12].randomElement(using: &numbers) ?? 1
        let log = (0..<count).flatMap { _ in piece() }
        // Most logs have a proof somewhere; these have hardly one.
        guard Int.random(in: 0..<4, using: &numbers) == 0 else { return log }
        return Array(String(decoding: log, as: UTF8.self).replacing("\"purpose\"", with: "\"use\"").utf8)
    }

    /// Cuts a log into files.
    mutating func cut(_ log: [UInt8]) -> [[UInt8]] {
        let cuts = (0..<Int.random(in: 0..<3, using: &numbers)).map { _ in number(upTo: log.count) }.sorted()
        return zip([0] + cuts, cuts + [log.count]).map { Array(log[$0..<$1]) }
    }

    mutating func number(upTo limit: Int) -> Int { Int.random(in: 0...limit, using: &numbers) }

    private mutating func piece() -> [UInt8] {
        let line = lines.randomElement(using: &numbers) ?? []
        let cut = number(upTo: line.count)
        let (head, tail) = (Array(line[..<cut]), Array(line[cut...]))
        switch Int.random(in: 0..<16, using: &numbers) {
        case 0: return line + bytes("\n")
        case 1: return line + bytes("\u{1B}[0m\r\n")
        case 2: return bytes(text(line).wrapped(at: 80, with: "\r\n") + "\n")
        case 3: return head
        case 4: return head + bytes("[vmm heartbeat]\n") + tail
        case 5: return head + bytes("\n[   41.747276] usb 1-1: new \"device{\n") + tail + bytes("\n")
        case 6: return head + bytes("PROOF_JSON=") + tail + bytes("\n")
        case 7: return line + line
        case 8: return bytes("PROOF_JSON={") + bytes(["", "\n", "\"\n"].randomElement(using: &numbers) ?? "")
        case 9: return bytes(["PROOF_", "PROOF_JSON", "JSON=", "PROOF_JSON="].randomElement(using: &numbers) ?? "")
        case 10: return bytes(text(line).replacing("ethereum", with: "signing")) + bytes("\n")
        case 11: return bytes(text(line).replacing("\"", with: "\\\"")) + bytes("\\n\n")
        case 12: return bytes("PROOF_JSON={\"a\": \"") + [UInt8](repeating: 0x78, count: number(upTo: 20_000))
        case 13: return [UInt8](repeating: 0x0A, count: number(upTo: 200))
        case 14: return tail + bytes("\n")
        default:
            return (0..<number(upTo: 400)).map { _ in
                bytes("PROOF_JSON={}\"\\\n\r\u{1B}[].0").randomElement(using: &numbers) ?? 0
            }
        }
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
