import CFuzzer
import Glibc

/// A reader, and what must hold of it whatever it is given.
///
/// Beside its own rules: it never traps, its memory stays below a bound that depends on the input's length alone, and
/// when it has ended nothing is left of it, whether the input was taken or refused.
struct FuzzTarget: Sendable {
    let name: String
    /// The memory that any input may take, in bytes.
    var floor: Int64 = 256 << 10
    /// The memory that each byte of an input may take, in bytes.
    var factor: Int64 = 256
    /// Gives the bytes to the reader, and checks its rules with ``require(_:_:)``.
    let run: @Sendable ([UInt8]) -> Void
    /// Holds what the reader reads against what another one reads, whose memory is not looked at.
    var compare: @Sendable ([UInt8]) -> Void = { _ in }

    static let all = encodings + documents + signed + services

    func validator(_ bytes: [UInt8]) {
        memory_forget_peak()
        let before = memory_live()
        run(bytes)
        let peak = memory_peak() - before
        let bound = floor + factor * Int64(bytes.count)
        require(peak <= bound, "\(bytes.count) bytes took \(peak) bytes of memory, more than \(bound)")
        if memory_live() != before { requireNothingLeft(bytes) }
        compare(bytes)
    }

    /// What is made once, such as tables, is there after the first time; what an input leaves behind comes each time.
    private func requireNothingLeft(_ bytes: [UInt8]) {
        var left: Int64 = 0
        for _ in 0..<3 {
            let before = memory_live()
            run(bytes)
            left = memory_live() - before
            if left == 0 { return }
        }
        require(left <= 0, "\(left) bytes of memory are left behind")
    }
}

/// Ends the program with an error that libFuzzer reports, unless a rule holds.
func require(_ holds: Bool, _ rule: @autoclosure () -> String) {
    guard !holds else { return }
    print("BROKEN RULE: \(rule())")
    fflush(nil)
    abort()
}

/// Splits inputs that are several things.
extension ArraySlice<UInt8> {
    /// Takes the first byte; 0 where there is none.
    mutating func takeByte() -> UInt8 { popFirst() ?? 0 }

    /// Takes so many bytes, as many as there are at most.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { self = dropFirst(count) }
        return Array(prefix(count))
    }

    /// Takes the bytes up to the next line end, and the line end.
    mutating func takeLine() -> String {
        let line = prefix { $0 != UInt8(ascii: "\n") }
        self = dropFirst(line.count + 1)
        return String(decoding: line, as: UTF8.self)
    }
}
