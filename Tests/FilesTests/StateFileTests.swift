import Files
import Glibc
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct StateFileTests {
    @Test func `a missing file has no content`() throws {
        try withTemporaryDirectory { directory in
            let content = try StateFile.read("\(directory)/none", limit: 10)
            #expect(content == nil)
        }
    }

    @Test func `new content replaces the old, with mode 0600, and leaves no other file behind`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/state"
            for content in ["first", "", "second, and longer"] {
                try StateFile.replace(path, with: Array(content.utf8))
                #expect(text(try StateFile.read(path, limit: 100)) == content)
                #expect(mode(of: path) == 0o600)
                #expect(names(in: directory) == ["state"])
            }
        }
    }

    @Test func `the draft of a killed program is replaced, and a link in its place is not followed`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/state"
            let victim = "\(directory)/victim"
            try StateFile.replace(victim, with: [1])
            #expect(unsafe symlink(victim, "\(path).\(getpid()).new") == 0)
            try StateFile.replace(path, with: [2])
            #expect(try StateFile.read(victim, limit: 10) == [1])
            #expect(try StateFile.read(path, limit: 10) == [2])
        }
    }

    @Test func `a file beyond its limit is refused`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/state"
            try StateFile.replace(path, with: [1, 2, 3])
            #expect(throws: FileError.tooLong(path: path, limit: 2)) { try StateFile.read(path, limit: 2) }
        }
    }

    @Test func `a failed write is an error that names the path, and leaves nothing behind`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/none/state"
            #expect(throws: FileError.cannotOpen(path: "\(path).\(getpid()).new", errno: ENOENT)) {
                try StateFile.replace(path, with: [1])
            }
            #expect(throws: FileError.cannotWrite(path: directory, errno: EISDIR)) {
                try StateFile.replace(directory, with: [1])
            }
            #expect(unsafe access("\(directory).\(getpid()).new", F_OK) == -1)
        }
    }
}
