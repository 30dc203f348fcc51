import Console
import Dstack
import Failures
import Glibc
import ProofLog
import Testing

@Suite struct LogSearchTests {
    /// What a search gives, and the error that it ends with.
    static func run(_ search: LogSearch) throws -> (proofs: [Proof], error: ProofLogError?) {
        var proofs: [Proof] = []
        do { try search.run { proofs += $0 } } catch let error as ProofLogError { return (proofs, error) }
        return (proofs, nil)
    }

    @Test func filesAreReadInTheirOrderAsOneLog() throws {
        let folder = try TemporaryFolder()
        let line = try SerialLog.line()
        let paths = try [
            folder.write(SerialLog.line(1) + "\n" + line.prefix(500), to: "serial.log.1"),
            folder.write(line.dropFirst(500) + "\n", to: "serial.log"),
        ]
        let proofs = try [SerialLog.proof(1), SerialLog.proof()]
        #expect(try Self.run(LogSearch(paths: paths, selection: .all)) == (proofs, nil))
        #expect(try Self.run(LogSearch(paths: paths, selection: .first)) == ([proofs[0]], nil))
        #expect(try Self.run(LogSearch(paths: paths, selection: .last)) == ([proofs[1]], nil))
    }

    @Test func theSearchForTheFirstProofReadsNoFileBehindIt() throws {
        let folder = try TemporaryFolder()
        let paths = try [folder.write(SerialLog.line()), folder.path("absent")]
        #expect(try Self.run(LogSearch(paths: paths, selection: .first)) == ([try SerialLog.proof()], nil))
    }

    @Test func aLogWithoutAMarkerIsAnsweredWithAHint() throws {
        let folder = try TemporaryFolder()
        let error = try Self.run(LogSearch(paths: [folder.write(SerialLog.boot)], selection: .last)).error
        #expect(error?.kind == .negativeResult)
        let (bytes, lines) = (SerialLog.boot.utf8.count, SerialLog.boot.utf8.count { $0 == UInt8(ascii: "\n") })
        #expect(error?.description == "no PROOF_JSON= line in the log (\(bytes) bytes, \(lines) lines)")
        #expect(error?.hints.first?.contains("tee /dev/ttyS0") == true)
    }

    @Test func aLogWithoutAValidProofIsAnsweredWithLineAndReason() throws {
        let folder = try TemporaryFolder()
        let signing = try SerialLog.line().replacing("ethereum", with: "signing")
        let reason = "the proof was made for the purpose \"signing\", not for \"ethereum\""
        let one = try Self.run(LogSearch(paths: [folder.write("\n" + signing)], selection: .last)).error
        #expect(one?.kind == .negativeResult)
        #expect(one?.description == "a PROOF_JSON= line was seen at line 2 but no proof was valid: \(reason)")
        #expect(one?.hints.count == 1)

        let paths = try [folder.write("\n\n", to: "1"), folder.write("\(signing)\nPROOF_JSON={", to: "2")]
        let several = try Self.run(LogSearch(paths: paths, selection: .all)).error
        #expect(
            several?.description
                == "a PROOF_JSON= line was seen at line 1 of \"\(paths[1])\" but no proof was valid: \(reason)"
                + " (2 such lines in all)")
    }

    @Test func aMissingMemberIsNamedWithoutTheLineTwice() throws {
        let folder = try TemporaryFolder()
        let error = try Self.run(LogSearch(paths: [folder.write("PROOF_JSON={}")], selection: .last)).error
        #expect(
            error?.description
                == "a PROOF_JSON= line was seen at line 1 but no proof was valid: member \"code_id\" is missing")
    }

    @Test func aFileThatCannotBeReadIsBadInput() throws {
        let folder = try TemporaryFolder()
        let absent = folder.path("absent")
        let missing = try Self.run(LogSearch(paths: [absent], selection: .last)).error
        #expect(missing == .unreadable(.cannotOpen(path: absent, errno: ENOENT)))
        #expect(missing?.kind == .badInput)
        let directory = try Self.run(LogSearch(paths: ["/tmp"], selection: .last)).error
        #expect(directory == .unreadable(.cannotRead(path: "/tmp", errno: EISDIR)))
    }

    @Test func followingEndsWithTheFirstProofOrTheTime() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(SerialLog.boot)
        let timeout = Duration.milliseconds(500)
        func follow(_ selection: ProofSearch.Selection) throws -> (proofs: [Proof], error: ProofLogError?) {
            try Self.run(LogSearch(paths: [path], selection: selection, isFollowing: true, timeout: timeout))
        }
        let silent = try follow(.first).error
        guard case .timedOut(after: timeout, refused: nil, _) = silent else {
            Issue.record("\(String(describing: silent))")
            return
        }
        #expect(silent?.kind == .serviceFailed)
        #expect(silent?.hints.isEmpty == false)
        try folder.append("PROOF_JSON={}\n")
        #expect(try follow(.first).error?.description.hasSuffix("member \"code_id\" is missing") == true)
        try folder.append(SerialLog.line())
        #expect(try follow(.first) == ([try SerialLog.proof()], nil))
        #expect(try follow(.all) == ([try SerialLog.proof()], nil))
    }
}
