import Files
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct FileLockTests {
    @Test func `a file lock belongs to one holder until it is released`() throws {
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
