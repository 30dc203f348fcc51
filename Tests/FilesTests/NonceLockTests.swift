import Failures
import Files
import Glibc
import TestSupport
import Testing

/// What an attempt to acquire a lock came to.
private enum Attempt: Equatable {
    case held(beside: NonceLock.OtherUser?)
    case inUse
    case failed(FileError)

    /// Acquires the lock, and lets go of it.
    init(_ name: String, in directories: [String]) {
        do throws(FileError) {
            if let lock = try NonceLock.acquire(name, in: directories) {
                self = .held(beside: lock.otherUser)
                _ = consume lock
            } else {
                self = .inUse
            }
        } catch {
            self = .failed(error)
        }
    }
}

/// A name that no other test has.
private func name(_ test: String, of process: pid_t = getpid()) -> String { "teebridge-test/\(process)/\(test)" }

/// Does something as another user; for the process of an exit test.
private func asNobody<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
    try #require(seteuid(65534) == 0)
    defer { _ = seteuid(0) }
    return try body()
}

/// The socket of another program, or of one that pretends to be one.
private func bind(_ name: String, listens: Bool) throws -> Int32 {
    let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
        for (index, byte) in name.utf8.enumerated() { unsafe path[index + 1] = byte }
    }
    let bound = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe Glibc.bind(number, $0, socklen_t(2 + 1 + name.utf8.count))
        }
    }
    try #require(bound == 0)
    if listens { try #require(listen(number, 1) == 0) }
    return number
}

private let isRoot = geteuid() == 0

@Suite(.timeLimit(.minutes(1)))
struct NonceLockTests {
    @Test(arguments: [true, false], [true, false])
    func `one program of a user holds the lock, in whichever directory`(
        isElsewhere: Bool, hasDirectory: Bool
    ) throws {
        try withTemporaryDirectory { directory in
            try withTemporaryDirectory { other in
                let name = name("until-it-ends/\(isElsewhere)/\(hasDirectory)")
                let second = isElsewhere ? (hasDirectory ? [other] : []) : [directory]
                do {
                    guard let lock = try NonceLock.acquire(name, in: hasDirectory ? [directory] : []) else {
                        Issue.record("it cannot be had")
                        return
                    }
                    #expect(lock.otherUser == nil)
                    #expect(Attempt(name, in: second) == .inUse)
                    #expect(Attempt(name + "0", in: second) == .held(beside: nil))
                    _ = consume lock
                }
                #expect(Attempt(name, in: second) == .held(beside: nil))
            }
        }
    }

    @Test func `a lock that another process holds is in use`() async throws {
        guard let lock = try NonceLock.acquire(name("process"), in: []) else {
            Issue.record("it cannot be had")
            return
        }
        await #expect(processExitsWith: .success) {
            #expect(Attempt(name("process", of: getppid()), in: []) == .inUse)
        }
        _ = consume lock
    }

    @Test func `the lock file has mode 0600 and works without the sockets`() throws {
        try withTemporaryDirectory { directory in
            let lockName = name("file")
            do {
                guard let lock = try NonceLock.acquire(lockName, in: [directory]) else {
                    Issue.record("it cannot be had")
                    return
                }
                #expect(names(in: directory) == ["teebridge-test-\(getpid())-file.lock"])
                #expect(mode(of: "\(directory)/teebridge-test-\(getpid())-file.lock") == 0o600)
                // Another name of the same file, as in a network of its own.
                #expect(Attempt(lockName.replacing("/", with: "//"), in: [directory]) == .inUse)
                _ = consume lock
            }
        }
    }

    @Test func `a released lock is free at once, and leaves no descriptor open`() async {
        // In a process of its own: a child that another test starts has the lock until it executes its program.
        await #expect(processExitsWith: .success) { () throws in
            try withTemporaryDirectory { directory in
                let lockName = name("again")
                for _ in 0..<2000 { #expect(Attempt(lockName, in: [directory]) == .held(beside: nil)) }
            }
        }
    }

    @Test(.enabled(if: isRoot)) func `another user's lock is reported and blocks nobody`() async {
        await #expect(processExitsWith: .success) { () throws in
            let lockName = name("users")
            let theirs = try asNobody { () throws -> NonceLock? in try NonceLock.acquire(lockName, in: []) }
            guard let theirs, let ours = try NonceLock.acquire(lockName, in: []) else {
                Issue.record("it cannot be had")
                return
            }
            #expect(theirs.otherUser == nil)
            #expect(ours.otherUser == .number(65534))
            #expect(ours.otherUser?.description == "user 65534")
            #expect(ours.visitor() == nil)
            try asNobody {
                #expect(Attempt(lockName, in: []) == .inUse)
                #expect(theirs.visitor() == .number(0))
                #expect(theirs.visitor() == nil)
                #expect(NonceLock.OtherUser.number(0).description == "root")
            }
            _ = consume theirs
            _ = consume ours
        }
    }

    @Test(.enabled(if: isRoot), arguments: [true, false])
    func `another user who only binds the name blocks nobody`(listens: Bool) throws {
        let lockName = name("squatted/\(listens)")
        let squatter = try bind(lockName, listens: listens)
        defer { close(squatter) }
        if listens {
            // Whoever does not accept is full soon; what is full does not say whose it is.
            #expect(Attempt(lockName, in: []) == .inUse)
            #expect(Attempt(lockName, in: []) == .inUse)
        }
        #expect(Attempt(lockName, in: []) == .held(beside: .unknown))
    }

    @Test func `any number of inquiries in a row find the lock in use`() throws {
        let lockName = name("room")
        guard let lock = try NonceLock.acquire(lockName, in: []) else {
            Issue.record("it cannot be had")
            return
        }
        for _ in 0..<6000 {
            #expect(Attempt(lockName, in: []) == .inUse)
            if lock.visitor() != nil { Issue.record("this user is another") }
        }
        _ = consume lock
    }

    @Test func `a directory that others can write, and a path that is not a directory, are skipped`() throws {
        try withTemporaryDirectory { directory in
            try withTemporaryDirectory { good in
                for mode: mode_t in [0o770, 0o707, 0o710, 0o701, 0o777, 0o1777] {
                    #expect(unsafe chmod(directory, mode) == 0)
                    _ = Attempt(name("passed"), in: [directory, good])
                    #expect(names(in: directory) == [])
                }
                #expect(unsafe chmod(directory, 0o700) == 0)
                #expect(unsafe symlink(directory, "\(good)/link") == 0)
                try StateFile.replace("\(good)/file", with: [])
                for path in ["\(good)/link", "\(good)/file", "\(good)/absent", "\(good)/file/x", "relative", ""] {
                    #expect(Attempt(name("passed"), in: [path, good]) == .held(beside: nil))
                }
                #expect(names(in: directory) == [])
                #expect(names(in: good).count == 3)
            }
        }
    }

    @Test(.enabled(if: isRoot)) func `another user's directory is skipped`() throws {
        try withTemporaryDirectory { directory in
            #expect(unsafe chown(directory, 65534, 65534) == 0)
            #expect(Attempt(name("foreign"), in: [directory]) == .held(beside: nil))
            #expect(names(in: directory) == [])
        }
    }

    @Test func `only the last directory is created if it is missing`() throws {
        try withTemporaryDirectory { directory in
            let (first, last) = ("\(directory)/first", "\(directory)/last")
            #expect(Attempt(name("made"), in: [first, last]) == .held(beside: nil))
            #expect(names(in: directory) == ["last"])
            #expect(mode(of: last) == 0o700)
            #expect(names(in: last) == ["teebridge-test-\(getpid())-made.lock"])
            _ = unsafe unlink("\(last)/teebridge-test-\(getpid())-made.lock")
            _ = unsafe rmdir(last)
        }
    }

    @Test func `the directories are XDG_RUNTIME_DIR, that of systemd, and one of our own`() async {
        await #expect(processExitsWith: .success) {
            unsafe setenv("XDG_RUNTIME_DIR", "/tmp/somewhere", 1)
            let user = geteuid()
            let usual = ["/run/user/\(user)", "/var/tmp/teebridge-\(user)"]
            #expect(NonceLock.directories == ["/tmp/somewhere"] + usual)
            unsafe unsetenv("XDG_RUNTIME_DIR")
            #expect(NonceLock.directories == usual)
        }
    }

    @Test func `a failing system call is an error, not a lock in use`() async {
        let long = String(repeating: "x", count: 200)
        #expect(Attempt(long, in: []) == .failed(.cannotLock(path: "@\(long)", errno: ENAMETOOLONG)))
        await #expect(processExitsWith: .success) { () throws in
            try withTemporaryDirectory { directory in
                let file = "\(directory)/teebridge-test-\(getpid())-limit.lock"
                var attempts: [Attempt] = []
                // Which descriptors are free is not known. Without a directory the socket is the first to want one.
                for (count, directories) in (3..<100).flatMap({ [($0, [directory]), ($0, [])] }) {
                    var limit = rlimit(rlim_cur: rlim_t(count), rlim_max: 1000)
                    try #require(unsafe setrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit) == 0)
                    attempts.append(Attempt(name("limit"), in: directories))
                }
                #expect(attempts.last == .held(beside: nil), "\(attempts.suffix(4))")
                #expect(!attempts.contains(.inUse))
                for path in [directory, file, "@\(name("limit"))"] {
                    #expect(attempts.contains(.failed(.cannotLock(path: path, errno: EMFILE))))
                }
                let error = FileError.cannotLock(path: file, errno: EMFILE)
                #expect(error.description == "cannot lock \"\(file)\": too many open files")
                #expect(error.kind == .serviceFailed)
            }
        }
    }

    @Test(.enabled(if: isRoot)) func `a directory of the user's own in which no file can be created is an error`() async
    {
        await #expect(processExitsWith: .success) { () throws in
            try withTemporaryDirectory { directory in
                let file = "\(directory)/teebridge-test-\(getpid())-denied.lock"
                try #require(unsafe chown(directory, 65534, 65534) == 0)
                for (mode, path) in [(mode_t(0o000), directory), (0o100, directory), (0o500, file)] {
                    try #require(unsafe chmod(directory, mode) == 0)
                    let attempt = try asNobody { Attempt(name("denied"), in: [directory]) }
                    #expect(attempt == .failed(.cannotLock(path: path, errno: EACCES)))
                }
            }
        }
    }
}
