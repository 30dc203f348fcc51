import Failures
import Files
import Glibc
import TestSupport
import Testing

func names(in path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

func mode(of path: String) -> UInt32 {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
}

private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

@Suite(.timeLimit(.minutes(1)))
struct StateFileTests {
    @Test func `an absent file has no content`() throws {
        try withTemporaryDirectory { directory in
            let content = try StateFile.read("\(directory)/none", limit: 10)
            #expect(content == nil)
        }
    }

    @Test func `a content replaces the one before, with mode 0600, and leaves nothing beside it`() throws {
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

    @Test func `a draft that a killed program left is no obstacle, and a link in its place is not followed`() throws {
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

    @Test func `what cannot be written is said, and the old content stays`() throws {
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

@Suite(.timeLimit(.minutes(1)))
struct AppendFileTests {
    @Test func `lines are there when the file is opened again, and half a line until it is removed`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal"
            do {
                var file = try AppendFile(path, lineLimit: 5)
                #expect(try file.nextLine() == nil)
                try file.append(["one", "two"])
            }
            #expect(mode(of: path) == 0o600)
            let number = unsafe open(path, O_WRONLY | O_APPEND)
            #expect(unsafe write(number, "thr", 3) == 3)
            close(number)
            do {
                var file = try AppendFile(path, lineLimit: 5)
                #expect(text(try file.nextLine()) == "one")
                #expect(text(try file.nextLine()) == "two")
                #expect(try file.nextLine() == nil)
                #expect(text(Array(file.unfinished)) == "thr")
                #expect(text(try StateFile.read(path, limit: 100)) == "one\ntwo\nthr")
                try file.removeUnfinished()
                try file.append(["three"])
            }
            #expect(text(try StateFile.read(path, limit: 100)) == "one\ntwo\nthree\n")
        }
    }

    @Test func `its lines come one by one, whatever blocks the file is read in, and none is too long`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal"
            let lines = (0..<300).map { String(repeating: "\($0),", count: $0) }
            try AppendFile(path, lineLimit: 1196).append(lines)
            var file = try AppendFile(path, lineLimit: 1196)
            for line in lines { #expect(text(try file.nextLine()) == line) }
            #expect(try file.nextLine() == nil)
            #expect(file.unfinished.isEmpty)
        }
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal"
            try AppendFile(path, lineLimit: 200_000).append([String(repeating: "1", count: 200_000)])
            for limit in [10, 199_999] {
                var file = try AppendFile(path, lineLimit: limit)
                #expect(throws: FileError.lineTooLong(path: path, limit: limit)) { try file.nextLine() }
                #expect(throws: FileError.lineTooLong(path: path, limit: limit)) {
                    try file.append([String(repeating: "1", count: limit + 1)])
                }
            }
        }
    }

    @Test func `one program has it at a time`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/journal"
            do {
                let file = try AppendFile(path, lineLimit: 100)
                #expect(throws: FileError.inUse(path: path)) { _ = try AppendFile(path, lineLimit: 100) }
                #expect(file.unfinished.isEmpty)
            }
            _ = try AppendFile(path, lineLimit: 100)
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct LockTests {
    @Test func `a file lock is one program's until it ends`() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/lock"
            do {
                let lock = try FileLock(path)
                #expect(throws: FileError.inUse(path: path)) { _ = try FileLock(path) }
                _ = consume lock
            }
            _ = try FileLock(path)
        }
    }
}
