import Dstack
import JSON
import ProofLog
import TestVectors

/// Pieces of serial logs, and what is found in them.
enum SerialLog {
    /// The published proof documents.
    static func documents() throws -> [JSONObject] {
        try TestVectors.load("dstack-chains.json", member: "proofs").map { try $0.object("proof") }
    }

    /// The proof of one of the published documents.
    static func proof(_ index: Int = 0) throws -> Proof { try Proof(json: documents()[index]) }

    /// The line that an agent prints for it, as Python's json.dumps writes it; without its end.
    static func line(_ index: Int = 0) throws -> String { try "PROOF_JSON=" + spaced(documents()[index]) }

    /// An object on one line with a space behind each comma and colon.
    static func spaced(_ object: JSONObject) -> String {
        let members = object.members.map { name, value in
            "\"\(name)\": " + (value.object.map(spaced) ?? value.compact)
        }
        return "{" + members.joined(separator: ", ") + "}"
    }

    /// An object on several lines.
    static func pretty(_ object: JSONObject, indent: String = "  ") -> String {
        let members = object.members.map { name, value in
            "\(indent)\"\(name)\": " + (value.object.map { pretty($0, indent: indent + "  ") } ?? value.compact)
        }
        return "{\n" + members.joined(separator: ",\n") + "\n}"
    }

    /// All that is found in bytes that come in pieces of one size.
    static func findings(_ bytes: [UInt8], pieces: Int = 4096) -> [ScanResult] {
        var scanner = ProofScanner()
        var findings: [ScanResult] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = bytes.span.extracting(start..<min(start + pieces, bytes.count))
            scanner.feed(piece) { findings.append($0) }
        }
        scanner.finish { findings.append($0) }
        return findings
    }

    static func findings(_ text: String, pieces: Int = 4096) -> [ScanResult] {
        findings(Array(text.utf8), pieces: pieces)
    }

    /// The proofs among what is found.
    static func proofs(_ bytes: [UInt8], pieces: Int = 4096) -> [Proof] {
        findings(bytes, pieces: pieces).compactMap { if case .proof(let proof, _) = $0 { proof } else { nil } }
    }

    static func proofs(_ text: String, pieces: Int = 4096) -> [Proof] { proofs(Array(text.utf8), pieces: pieces) }

    /// The reasons among what is found.
    static func refusals(_ text: String) -> [RejectionReason] {
        findings(text).compactMap { if case .refused(let refusal, _) = $0 { refusal } else { nil } }
    }

    /// Lines of a boot, none of which is a proof.
    static let boot = """
        \r
        ===== boot @ 2025-11-20T10:00:00Z =====\r
        [    0.000000] Linux version 6.9.0-dstack (gcc 13.3.0) #1 SMP\r
        [    1.234567] virtio_net virtio0 eth0: renamed from ens3\r
        [\u{1B}[0;32m  OK  \u{1B}[0m] Finished \u{1B}[0;1;39mApp Compose Service\u{1B}[0m.\r
        app-compose.sh[747]: time="2025-08-17T17:49:26Z" level=warning msg="The \\"X\\" variable is not set. {}"\r
        [   41.747276] app-compose.sh[768]:  Container dstack-kms-1  Starting\r
        br-1df48b1c448a: port 2(veth36ab5cb) entered forwarding state\r

        """
}

extension String {
    /// The text with another one put in at an offset.
    func inserting(_ text: String, at offset: Int) -> String {
        let place = utf8.index(startIndex, offsetBy: offset)
        return self[..<place] + text + self[place...]
    }

    /// The text with something after every so many characters.
    func wrapped(at columns: Int, with end: String) -> String {
        stride(from: 0, to: count, by: columns).map { String(dropFirst($0).prefix(columns)) }.joined(separator: end)
    }
}

/// Numbers that are the same in every run (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
