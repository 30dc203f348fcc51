import Primitives

/// What was read of a log, for the message when nothing was found in it.
package struct LogSummary: Equatable, Sendable, CustomStringConvertible {
    /// How many bytes were read.
    package private(set) var byteCount = 0
    /// How many lines they were, the last of which may have no end.
    package var lineCount: Int { lineEndCount + (isInLine ? 1 : 0) }
    private var lineEndCount = 0
    private var isInLine = false
    private var container: LogContainer?

    package init() {}

    /// Takes the next bytes.
    ///
    /// - Parameter countsLines: whether to count their lines, which no message needs once there is a proof.
    mutating func take(_ bytes: Span<UInt8>, countsLines: Bool) {
        guard !bytes.isEmpty else { return }
        if byteCount == 0 { container = LogContainer(leading: bytes.extracting(first: min(bytes.count, 4096))) }
        byteCount += bytes.count
        isInLine = bytes[bytes.count - 1] != UInt8(ascii: "\n")
        if countsLines { lineEndCount += LineEnds.count(in: bytes) }
    }

    package var description: String {
        guard byteCount > 0 else { return "the log, which is empty" }
        let kind = container.map { " of \($0.rawValue)" } ?? ""
        return "the log (\(byteCount) bytes, \(lineCount) line\(lineCount == 1 ? "" : "s")\(kind))"
    }
}

/// What the lines of a log came in.
enum LogContainer: String, Sendable {
    case docker = "docker's json-file"
    case journal = "journalctl -o json"
    case journalExport = "journalctl -o export"
    case records = "JSON records"
    case runtime = "Kubernetes (CRI)"
    case asciicast = "asciicast"
    case typescript = "script"
    case compose = "docker compose"
    case syslog = "syslog"
    case utf16 = "UTF-16"

    /// What the first line looks like.
    init?(leading bytes: Span<UInt8>) {
        var start: [UInt8] = []
        start.append(bytes)
        if case .utf16 = TextEncoding(leading: bytes) {
            self = .utf16
            return
        }
        let line = String(decoding: start.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        let words = line.split(separator: " ", maxSplits: 3)
        if line.hasPrefix("{") {
            self =
                line.contains("\"MESSAGE\":")
                ? .journal
                : line.hasPrefix("{\"log\":")
                    ? .docker
                    : line.contains("\"version\"") && line.contains("\"width\"") ? .asciicast : .records
        } else if line.hasPrefix("__CURSOR=") {
            self = .journalExport
        } else if line.hasPrefix("Script started on ") {
            self = .typescript
        } else if words.count > 2, ["stdout", "stderr"].contains(words[1]), ["F", "P"].contains(words[2]) {
            self = .runtime
        } else if line.hasPrefix("<"), line.prefix(5).contains(">") {
            self = .syslog
        } else if line.prefix(64).contains("  | ") {
            self = .compose
        } else {
            return nil
        }
    }
}

/// How a file is compressed, by its first bytes.
package enum LogCompression: String, Equatable, Sendable {
    /// RFC 1952.
    case gzip
    /// RFC 8878.
    case zstd
    /// LZMA in the container of XZ Utils.
    case xz
    /// The Burrows-Wheeler transform.
    case bzip2

    /// How many bytes decide.
    static let leadingByteCount = 10

    init?(leading bytes: Span<UInt8>) {
        let all: [(LogCompression, [UInt8])] = [
            (.gzip, [0x1F, 0x8B]), (.zstd, [0x28, 0xB5, 0x2F, 0xFD]), (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A]),
            (.bzip2, Array("BZh91AY&SY".utf8)),
        ]
        let match = all.first { kind, mark in
            // bzip2 says the size of its blocks, 1 to 9, before the first of them.
            bytes.count >= mark.count
                && mark.indices.allSatisfy {
                    bytes[$0] == mark[$0] || (kind == .bzip2 && $0 == 3 && 0x31...0x39 ~= bytes[3])
                }
        }
        guard let match else { return nil }
        self = match.0
    }

    /// The program that decompresses it to standard output.
    var command: String {
        switch self {
        case .gzip: "zcat"
        case .zstd: "zstdcat"
        case .xz: "xzcat"
        case .bzip2: "bzcat"
        }
    }
}
