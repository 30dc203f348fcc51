import Glibc
import ProofLog
import Testing

/// A log that is read while it is written.
@Suite struct FollowTests {
    /// A reader of a file that gives up after a while.
    static func reader(_ path: String, for duration: Duration = .seconds(10)) throws -> LogReader {
        try LogReader(path: path, follow: .init(until: .now + duration, interval: .milliseconds(1)))
    }

    /// Reads one step that tells something and gives it with the text that came.
    static func next(_ reader: inout LogReader) throws -> (LogReader.Step, String) {
        var step = try reader.next()
        while step == .nothingYet { step = try reader.next() }
        let text = reader.withBytes { bytes in bytes.indices.map { Character(Unicode.Scalar(bytes[$0])) } }
        return (step, step == .bytes ? String(text) : "")
    }

    @Test func aFileThatGrowsIsReadOn() throws {
        let folder = try TemporaryFolder()
        var reader = try Self.reader(folder.write("one"))
        #expect(try Self.next(&reader) == (.bytes, "one"))
        try folder.append("two")
        #expect(try Self.next(&reader) == (.bytes, "two"))
    }

    @Test func aFileThatShrinksIsReadAnew() throws {
        let folder = try TemporaryFolder()
        var reader = try Self.reader(folder.write("one"))
        #expect(try Self.next(&reader) == (.bytes, "one"))
        folder.truncate()
        try folder.append("2")
        #expect(try Self.next(&reader) == (.begunAnew, ""))
        #expect(try Self.next(&reader) == (.bytes, "2"))
    }

    @Test func aFileThatIsReplacedIsReadToItsEndAndThenTheNewOne() throws {
        let folder = try TemporaryFolder()
        var reader = try Self.reader(folder.write("one"))
        #expect(try Self.next(&reader) == (.bytes, "one"))
        try folder.move(to: "serial.log.1")
        try folder.append(" and more", to: "serial.log.1")
        #expect(try Self.next(&reader) == (.bytes, " and more"))
        try folder.write("two")
        #expect(try Self.next(&reader) == (.begunAnew, ""))
        #expect(try Self.next(&reader) == (.bytes, "two"))
    }

    @Test func aFileThatDoesNotGrowTimesOut() throws {
        let folder = try TemporaryFolder()
        var reader = try Self.reader(folder.write("one"), for: .milliseconds(500))
        #expect(try Self.next(&reader) == (.bytes, "one"))
        #expect(try Self.next(&reader) == (.timedOut, ""))
        try folder.move(to: "gone")
        #expect(try Self.next(&reader) == (.timedOut, ""))
    }

    @Test func aFileThatIsNotFollowedEnds() throws {
        let folder = try TemporaryFolder()
        var reader = try LogReader(path: folder.write("one"))
        #expect(try Self.next(&reader) == (.bytes, "one"))
        #expect(try Self.next(&reader) == (.ended, ""))
    }

    @Test func aPipeIsReadUntilItEndsOrTheTimeIsOver() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("pipe")
        let made = unsafe mkfifo(path, 0o600)
        #expect(made == 0)
        var idle = try Self.reader(path, for: .milliseconds(20))
        #expect(try Self.next(&idle) == (.timedOut, ""))

        var reader = try Self.reader(path)
        let writer = unsafe fopen(path, "w")
        unsafe fputs("one", writer)
        unsafe fflush(writer)
        #expect(try Self.next(&reader) == (.bytes, "one"))
        unsafe fputs("two", writer)
        unsafe fclose(writer)
        #expect(try Self.next(&reader) == (.bytes, "two"))
        #expect(try Self.next(&reader) == (.ended, ""))
    }

    @Test func aStreamWithoutAnEndTimesOut() throws {
        var reader = try Self.reader("/dev/zero", for: .milliseconds(50))
        while try reader.next() == .bytes {}
        #expect(try reader.next() == .timedOut)
    }
}
