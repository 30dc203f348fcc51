import Files
import Glibc
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AppendFileTests {
    @Test func `lines survive reopening, and an unfinished one stays until it is removed`() throws {
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

    @Test func `lines are read one by one, and those beyond the limit are refused`() throws {
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

    @Test func `an append file belongs to one program at a time`() throws {
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
