import Dstack
import JSON
import ProofLog
import TestVectors
import Testing

/// Logs in each container and with each damage (Tests/vectors/logs), of which Python made the files.
@Suite(.timeLimit(.minutes(2)))
struct CorpusTests {
    /// One of the files.
    struct Log: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let proofs: [Proof]

        var testDescription: String { name }
    }

    static let logs: [Log] = {
        do {
            let known = try [SerialLog.proof(0), SerialLog.proof(1)]
            // Files are decompressed before they are searched.
            let entries = try TestVectors.load("logs/logs.json", member: "logs").filter {
                $0["isCompressed"] != .bool(true)
            }
            return try entries.map { entry in
                let indices = try entry.array("proofs").compactMap {
                    if case .number(let digits) = $0 { Int(digits) } else { nil }
                }
                return Log(
                    name: try entry.string("name"), bytes: try TestVectors.bytes("logs/" + entry.string("file")),
                    proofs: indices.map { known[$0] })
            }
        } catch {
            Issue.record(error)
            return []
        }
    }()

    @Test(arguments: logs)
    func `every proof of a log is found, whatever pieces it comes in`(log: Log) {
        #expect(!log.proofs.isEmpty)
        for pieces in [log.bytes.count, 4096, 1000, 61, 7, 1] {
            let isSame = SerialLog.proofs(log.bytes, pieces: pieces) == log.proofs
            #expect(isSame, "pieces of \(pieces) bytes")
        }
    }

    @Test(arguments: logs)
    func `the last proof is found from the end of a log`(log: Log) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(log.bytes, to: "log")
        let last = try #require(log.proofs.last)
        for block in [1000, 4096, 262_144] {
            #expect(try BackwardSearchTests.search([path], block: block) == .proof(last), "blocks of \(block) bytes")
        }
    }

    @Test(arguments: logs)
    func `a log that is cut anywhere has the proofs in front of the cut`(log: Log) throws {
        var numbers = SeededNumbers(state: 17)
        let cuts =
            (0..<200).map { _ in Int.random(in: 0...log.bytes.count, using: &numbers) }.sorted() + [log.bytes.count]
        var counts: [Int] = []
        for cut in cuts {
            let found = SerialLog.proofs(Array(log.bytes[..<cut]))
            #expect(found == Array(log.proofs.prefix(found.count)), "cut at \(cut)")
            counts.append(found.count)
        }
        #expect(counts == counts.sorted() && Set(counts) == [0, 1, 2])
    }

    /// Where a log begins anywhere, as after rotation, its end is found from the front and from the back.
    @Test(arguments: logs)
    func `a log that begins anywhere is the same from both ends`(log: Log) throws {
        var numbers = SeededNumbers(state: 19)
        let folder = try TemporaryFolder()
        for _ in 0..<50 {
            let bytes = Array(log.bytes[Int.random(in: 0...log.bytes.count, using: &numbers)...])
            guard !bytes.isEmpty else { continue }
            let path = try folder.write(bytes, to: "log")
            let outcome = try BackwardSearchTests.search([path], block: 1000)
            #expect(outcome == BackwardSearchTests.expected(bytes))
        }
    }

    /// Another writer's line may come in anywhere: what cannot be repaired is not found, and nothing else is.
    @Test(arguments: logs)
    func `another writer's line makes no proof that was not printed, and leaves the other one`(log: Log) {
        var numbers = SeededNumbers(state: 23)
        for _ in 0..<200 {
            let place = Int.random(in: 0...log.bytes.count, using: &numbers)
            let line = Array("\n[   41.747276] usb 1-1: new {device\n".utf8)
            let found = SerialLog.proofs(Array(log.bytes[..<place]) + line + log.bytes[place...])
            #expect(found.count >= 1 && found.allSatisfy(log.proofs.contains), "at \(place)")
        }
    }
}
