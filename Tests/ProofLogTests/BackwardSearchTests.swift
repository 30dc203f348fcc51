import Console
import Dstack
import Glibc
import ProofLog
import Testing

@Suite struct BackwardSearchTests {
    /// What a search with blocks of that size finds; everything else is made of a few blocks.
    static func search(_ paths: [String], block: Int = 4096) throws -> BackwardSearch.Outcome {
        var sizes = BackwardSearch.Sizes()
        (sizes.block, sizes.stretch, sizes.step) = (block, 3 * block, 20 * block)
        return BackwardSearch(try #require(SeekableLog(paths: paths)), sizes: sizes).run()
    }

    /// What reading forward says, byte by byte, with every candidate judged.
    static func expected(_ log: [UInt8]) -> BackwardSearch.Outcome {
        let findings = SerialLog.findings(log, pieces: 1)
        let proofs = findings.compactMap { if case .proof(let proof, _) = $0 { proof } else { nil } }
        return proofs.last.map { .proof($0) } ?? (findings.isEmpty ? .noMarker : .unknown)
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func theLastProofIsTheSameFromBothEnds(_ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        var logs = try RandomLog(seed: seed)
        for _ in 0..<15 {
            let log = logs.next()
            let files = logs.cut(log).filter { !$0.isEmpty }
            let paths = try files.enumerated().map { try folder.write($1, to: "\($0)") }
            guard !paths.isEmpty else { continue }
            let expected = Self.expected(log)
            for block in [logs.number(upTo: 40) + log.count / 200 + 1, logs.number(upTo: 5000) + 1] {
                #expect(try Self.search(paths, block: block) == expected, "\(files.map(\.count)), blocks of \(block)")
            }
        }
    }

    @Test(arguments: 1...32)
    func blocksOfAnySizeHideNoMarker(_ block: Int) throws {
        let folder = try TemporaryFolder()
        for behind in [0, 1, 7, 16_383, 16_384] {
            let path = try folder.write("x\n" + SerialLog.line() + String(repeating: "x", count: behind))
            #expect(try Self.search([path], block: block) == .proof(try SerialLog.proof()))
        }
    }

    /// Behind its last line are words that make it no piece of a proof; where a block's reading ends, they are not seen.
    @Test func aCandidateIsNotJudgedByAPartOfIt() throws {
        let line = try SerialLog.line()
        let others = String(repeating: "br-1df48b1c448a: port 2(veth36ab5cb) entered forwarding state\n", count: 120)
        let begin = "PROOF_JSON=x\n" + String(repeating: "x", count: 14_000)
        let object = line.inserting("\n\(others)", at: 500)
        let end = " and other words\n"
        let folder = try TemporaryFolder()
        let log = begin + object + end
        #expect(Self.expected(Array(log.utf8)) == .unknown)
        #expect(Self.expected(Array((begin + object).utf8)) == .proof(try SerialLog.proof()))
        let path = try folder.write(log)
        for block in 16_380...16_400 {
            #expect(try Self.search([path], block: block + end.utf8.count) == .unknown, "\(block)")
        }
    }

    @Test func whatDoesNotTellItsLengthIsNotSearched() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.path("pipe")
        let made = unsafe mkfifo(pipe, 0o600)
        #expect(made == 0)
        let log = try folder.write(SerialLog.line())
        for path in [pipe, "/proc/self/status", folder.path("absent"), "/dev/zero", "/tmp"] {
            #expect(SeekableLog(paths: [log, path]) == nil, "\(path)")
        }
        #expect(SeekableLog(paths: [log, log])?.byteCount == 2 * (try SerialLog.line().utf8.count))
    }

    @Test func aFileThatShrinksMeanwhileIsNotSearched() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(SerialLog.line() + SerialLog.boot)
        let log = try #require(SeekableLog(paths: [path]))
        try folder.append(SerialLog.line(1))
        #expect(BackwardSearch(log).run() == .proof(try SerialLog.proof()))
        folder.truncate()
        #expect(BackwardSearch(log).run() == .unknown)
    }
}
