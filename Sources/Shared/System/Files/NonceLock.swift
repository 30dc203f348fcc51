import Glibc

/// The right to sign with one account's nonces, which one program of a user has at a time; it ends with the program,
/// however that ends.
///
/// Two locks carry it. The first is a file, mode 0600, in a directory that only this user can write: see
/// ``directories``. The second is a Unix socket with the abstract name that ``acquire(_:in:)`` is given (unix(7)):
/// programs that see different directories meet there, and programs of other users are noticed. Any user can bind
/// that name, so a socket of another user stops nobody. A container with a network of its own is another machine.
///
/// tx-send's names are `teebridge/tx-send/CHAIN/ADDRESS`: the chain's number, and the account's address in lower case.
package struct NonceLock: ~Copyable {
    /// The other user of the name.
    package enum OtherUser: Hashable, Sendable, CustomStringConvertible {
        /// A user, by number.
        case number(UInt32)
        /// Somebody who does not answer.
        case unknown

        package var description: String {
            switch self {
            case .number(0): "root"
            case .number(let number): "user \(number)"
            case .unknown: "another user"
            }
        }
    }

    /// The user who had the name when this lock was acquired: perhaps a program that sends with the same key.
    package let otherUser: OtherUser?
    /// The lock file; -1 without a directory for it.
    private let file: LockDescriptor
    private let socket: LockDescriptor

    /// Acquires the lock.
    ///
    /// - Parameters:
    ///   - name: at most 100 bytes of ASCII.
    ///   - directories: where the lock file may be. The first one that only this user can write is taken; the last one
    ///     is made if it is absent.
    /// - Returns: nil if another program of this user has it.
    /// - Throws: ``FileError/cannotLock(path:errno:)`` where the system gives no file or socket.
    package static func acquire(
        _ name: String, in directories: [String] = NonceLock.directories
    ) throws(FileError) -> NonceLock? {
        var file = LockDescriptor(-1)
        for (index, directory) in directories.enumerated() where file.number < 0 {
            if index == directories.count - 1 { _ = unsafe mkdir(directory, 0o700) }
            file = try openLockFile(named: name, in: directory)
        }
        while file.number >= 0, flock(file.number, LOCK_EX | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return nil }
            guard errno == EINTR else { throw .cannotLock(path: name, errno: errno) }
        }
        return try acquireSocket(name, beside: file)
    }

    /// Another user's program that has asked for the lock since it was acquired, or since the last call; nil without
    /// one. Whoever holds the lock for long calls this now and then, so that those that ask find room to.
    package borrowing func visitor() -> OtherUser? {
        while true {
            let visitor = LockDescriptor(accept(socket.number, nil, nil))
            guard visitor.number >= 0 else { return nil }
            if let user = peer(of: visitor), user != geteuid() { return .number(user) }
        }
    }
}

// MARK: - The file

extension NonceLock {
    /// $XDG_RUNTIME_DIR, the directory that systemd makes for a user who is logged in, and one of our own.
    package static var directories: [String] {
        let user = geteuid()
        let named = unsafe getenv("XDG_RUNTIME_DIR").map { unsafe String(cString: $0) }
        return (named.map { [$0] } ?? []) + ["/run/user/\(user)", "/var/tmp/teebridge-\(user)"]
    }

    /// Opens the lock file in a directory.
    ///
    /// - Returns: -1 where the directory is absent, somebody else can write it, or nobody can.
    private static func openLockFile(named name: String, in directory: String) throws(FileError) -> LockDescriptor {
        var status = stat()
        // Asked before it is opened: what is ours and cannot be opened is an error, and what is another's is not.
        guard directory.hasPrefix("/"), unsafe lstat(directory, &status) == 0, isPrivate(status) else {
            return LockDescriptor(-1)
        }
        let parent = LockDescriptor(unsafe open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
        guard parent.number >= 0, unsafe fstat(parent.number, &status) == 0 else {
            throw .cannotLock(path: directory, errno: errno)
        }
        guard isPrivate(status) else { return LockDescriptor(-1) }
        let fileName = name.split(separator: "/").joined(separator: "-") + ".lock"
        let file = LockDescriptor(
            unsafe openat(parent.number, fileName, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600))
        guard file.number >= 0 || errno == EROFS else {
            throw .cannotLock(path: "\(directory)/\(fileName)", errno: errno)
        }
        return file
    }

    /// Whether this is a directory in which only this user can make files.
    private static func isPrivate(_ status: stat) -> Bool {
        status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid() && status.st_mode & 0o077 == 0
    }
}

// MARK: - The socket

extension NonceLock {
    /// Binds the name, or finds out who has it.
    private static func acquireSocket(_ name: String, beside file: consuming LockDescriptor) throws(FileError)
        -> NonceLock?
    {
        for _ in 0..<20 {
            let socket = try makeSocket(name)
            if try unsafe call(bind, socket, name) == 0 {
                guard listen(socket.number, SOMAXCONN) == 0 else { throw .cannotLock(path: "@\(name)", errno: errno) }
                return NonceLock(otherUser: nil, file: file, socket: socket)
            }
            guard errno == EADDRINUSE else { throw .cannotLock(path: "@\(name)", errno: errno) }
            let asking = try makeSocket(name)
            if try unsafe call(connect, asking, name) == 0 {
                guard let user = peer(of: asking) else { break }
                return user == geteuid()
                    ? nil : NonceLock(otherUser: .number(user), file: file, socket: LockDescriptor(-1))
            }
            // It has ended, or has not begun to listen.
            guard errno == ECONNREFUSED else { break }
            usleep(5000)
        }
        return NonceLock(otherUser: .unknown, file: file, socket: LockDescriptor(-1))
    }

    private static func makeSocket(_ name: String) throws(FileError) -> LockDescriptor {
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let socket = LockDescriptor(Glibc.socket(AF_UNIX, Int32(bitPattern: kind), 0))
        guard socket.number >= 0 else { throw .cannotLock(path: "@\(name)", errno: errno) }
        return socket
    }

    /// bind(2) or connect(2) with the abstract name.
    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ socket: borrowing LockDescriptor,
        _ name: String
    ) throws(FileError) -> Int32 {
        let bytes = Array(name.utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < capacity else { throw .cannotLock(path: "@\(name)", errno: ENAMETOOLONG) }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            // The leading zero makes the name an abstract one.
            for (index, byte) in bytes.enumerated() { unsafe path[index + 1] = byte }
        }
        let length = MemoryLayout<sockaddr_un>.size - capacity + 1 + bytes.count
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe function(socket.number, $0, socklen_t(length))
            }
        }
    }
}

/// The user at the other end of a connected socket: who listened, or who connected.
private func peer(of socket: borrowing LockDescriptor) -> UInt32? {
    // struct ucred: the process, the user and the group.
    var numbers: [UInt32] = [0, 0, 0]
    var length = socklen_t(12)
    guard unsafe getsockopt(socket.number, SOL_SOCKET, SO_PEERCRED, &numbers, &length) == 0 else { return nil }
    return numbers[1]
}

/// A descriptor that is closed with its last use; a negative number is none. Not private: tests that are optimised ask for
/// its metadata, as a part of a lock.
package struct LockDescriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { if number >= 0 { close(number) } }
}
