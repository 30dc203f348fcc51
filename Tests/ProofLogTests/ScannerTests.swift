import Dstack
import ProofLog
import Testing

@Suite struct ScannerTests {
    /// A log with proofs that are whole, cut, changed and interrupted.
    static func log() throws -> [UInt8] {
        let line = try SerialLog.line()
        let other = try SerialLog.line(1)
        let text = try [
            SerialLog.boot, line, "\r\n", SerialLog.boot, String(line.prefix(300)), "\n", other, "\n",
            line.inserting("[vmm heartbeat]\n", at: 400), "\n",
            other.inserting("\n[   41.747276] usb 1-1: new device\n", at: 700), "\r\n",
            other.inserting("[   41.747276] usb 1-1: new device\n", at: 300), "\r\n",
            line.replacing("ethereum", with: "signing"), "\n", line.wrapped(at: 80, with: "\r\n"), "\n",
            "PROOF_JSON=PROOF_PROOF_JSON", "=", SerialLog.pretty(SerialLog.documents()[0]), "\n", "PROOF_JSON={",
        ].joined()
        return Array(text.utf8)
    }

    @Test func findingsAreInTheOrderOfTheirMarkersWithTheirPlaces() throws {
        let bytes = try Self.log()
        let findings = SerialLog.findings(bytes)
        let places = findings.map { finding in
            switch finding {
            case .proof(_, let place), .refused(_, let place): place
            }
        }
        #expect(findings.count == 11)
        let marker = Array("PROOF_JSON=".utf8)
        let offsets = bytes.indices.filter { bytes[$0...].starts(with: marker) }
        #expect(places.map(\.offset) == offsets)
        #expect(places.map(\.line) == offsets.map { bytes[..<$0].count { $0 == 0x0A } + 1 })
    }

    @Test(arguments: 1...64)
    func piecesOfAnySizeGiveTheSameFindings(_ size: Int) throws {
        let log = try Self.log()
        #expect(SerialLog.findings(log, pieces: size) == SerialLog.findings(log, pieces: log.count))
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func anyLogInPiecesOfAnySizeGivesTheSameFindings(_ seed: UInt64) throws {
        var logs = try RandomLog(seed: seed)
        for _ in 0..<10 {
            let log = logs.next()
            let findings = SerialLog.findings(log, pieces: 1)
            let pieces = logs.number(upTo: 5000) + 1
            #expect(SerialLog.findings(log, pieces: pieces) == findings, "pieces of \(pieces)")
            let proofs = findings.compactMap { if case .proof(let proof, _) = $0 { proof } else { nil } }
            for (selection, expected) in [(ProofSearch.Selection.first, proofs.prefix(1)), (.last, proofs.suffix(1))] {
                var search = ProofSearch(selection)
                let found = stride(from: 0, to: log.count, by: pieces).flatMap { start in
                    search.feed(log.span.extracting(start..<min(start + pieces, log.count)))
                }
                #expect(found + search.finish() == Array(expected), "\(selection), pieces of \(pieces)")
                #expect(!expected.isEmpty || search.refusedCount == findings.count)
            }
        }
    }

    @Test func aProofIsReportedWithItsLastByte() throws {
        let line = Array(try SerialLog.line().utf8)
        var scanner = ProofScanner()
        var count = 0
        scanner.feed(line.span.extracting(droppingLast: 1)) { _ in count += 1 }
        #expect(count == 0)
        scanner.feed(line.span.extracting(last: 1)) { _ in count += 1 }
        #expect(count == 1)
    }

    @Test func aSourceContinuesTheLogOfTheOneBefore() throws {
        let line = Array(try SerialLog.line().utf8)
        for cut in stride(from: 0, through: line.count, by: 97) {
            var search = ProofSearch(.all)
            var proofs = search.feed(line.span.extracting(first: cut))
            search.nextSource()
            proofs += search.feed(line.span.extracting(droppingFirst: cut))
            #expect(proofs == [try SerialLog.proof()], "cut at \(cut)")
        }
    }

    @Test func anotherLogDoesNotContinueTheOneBefore() throws {
        let line = Array(try SerialLog.line().utf8)
        var search = ProofSearch(.all)
        _ = search.feed(line.span.extracting(first: 500))
        _ = search.nextLog()
        #expect(search.feed(line.span.extracting(droppingFirst: 500)).isEmpty)
        #expect(search.refused == Rejection(SourceLocation(line: 1, offset: 0), .cutOff(in: "app_signature")))
    }

    @Test(arguments: 1...10)
    func aMarkerDoesNotBeginInOneLogAndEndInAnother(_ cut: Int) throws {
        let line = Array(try SerialLog.line().utf8)
        var search = ProofSearch(.all)
        _ = search.feed(line.span.extracting(first: cut))
        _ = search.nextLog()
        #expect(search.feed(line.span.extracting(droppingFirst: cut)).isEmpty)
        #expect(search.refusedCount == 0)
    }

    @Test(arguments: ["J", "JJJ", "JSON=", "_JSON=", "PROOF_J", "xPROOF_JSON", "JxxxxxJ", "PPROOF_JSO"])
    func whatLooksLikeTheMarkerHidesNone(_ text: String) throws {
        let proof = try SerialLog.proof()
        for padding in 0..<12 {
            let log = try String(repeating: "x", count: padding) + text + SerialLog.line()
            #expect(SerialLog.proofs(log) == [proof], "behind \(padding)")
        }
    }

    @Test(arguments: [ProofSearch.Selection.all, .first, .last])
    func theProofsThatAreWantedAreGiven(_ selection: ProofSearch.Selection) throws {
        let log = try Self.log()
        var search = ProofSearch(selection)
        let proofs = search.feed(log.span) + search.finish()
        let all = SerialLog.proofs(log)
        #expect(all.count == 7)
        switch selection {
        case .all: #expect(proofs == all)
        case .first: #expect(proofs == [all[0]])
        case .last: #expect(proofs == [all[6]])
        }
        #expect(search.isSatisfied == (selection == .first))
    }

    @Test func theRefusalThatCameFurthestIsRemembered() throws {
        var search = ProofSearch(.last)
        let log = try """
        PROOF_JSON=hello
        \(SerialLog.line().replacing("ethereum", with: "signing"))
        PROOF_JSON={"hello": 1}
        PROOF_JSON={
        """
        _ = search.feed(Array(log.utf8).span)
        #expect(search.finish().isEmpty)
        #expect(search.refusedCount == 4)
        #expect(search.refused?.cause == .invalid(.wrongPurpose(actual: "signing")))
        #expect(search.refused?.location.line == 2)
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func noiseAroundProofsCostsNoneAndMakesNone(_ seed: UInt64) throws {
        var numbers = SeededNumbers(state: seed)
        let proofs = try [SerialLog.proof(0), SerialLog.proof(1)]
        var log: [UInt8] = []
        var expected: [Proof] = []
        for _ in 0..<8 {
            let noise = (0..<Int.random(in: 0..<3000, using: &numbers)).map { _ in
                // Much of what matters to a scanner, and all the rest.
                Bool.random(using: &numbers)
                    ? Array("PROOF_JSON={}\"\\\n\r\u{1B}[].0".utf8).randomElement(using: &numbers) ?? 0
                    : UInt8.random(in: .min ... .max, using: &numbers)
            }
            let which = Int.random(in: 0..<2, using: &numbers)
            log += noise + Array(try SerialLog.line(which).utf8)
            expected.append(proofs[which])
        }
        #expect(SerialLog.proofs(log, pieces: Int.random(in: 1..<5000, using: &numbers)) == expected)
    }

    @Test(arguments: [0, 1, 10, 11, 31, 32, 33, 64, 8159, 8160, 8161, 8192, 20_000])
    func linesAreCountedInLogsOfEverySize(_ size: Int) throws {
        var numbers = SeededNumbers(state: UInt64(size))
        let log = (0..<size).map { _ in UInt8.random(in: 8...12, using: &numbers) }
        let findings = SerialLog.findings(log + Array("PROOF_JSON=x".utf8), pieces: 100_000)
        guard case .refused(_, let place) = findings.first else { throw ProofLogError.noMarker(LogSummary()) }
        #expect(place == SourceLocation(line: log.count { $0 == 0x0A } + 1, offset: size))
    }

    @Test(arguments: [254, 255, 256, 257, 510, 511, 1000])
    func linesWithoutTextAreCounted(_ count: Int) throws {
        let findings = SerialLog.findings(String(repeating: "\n", count: count) + "PROOF_JSON=x")
        guard case .refused(_, let place) = findings.first else { throw ProofLogError.noMarker(LogSummary()) }
        #expect(place.line == count + 1)
    }
}
