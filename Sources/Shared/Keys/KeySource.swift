import Console
import Failures
import Glibc
package import Secp256k1
package import Secrets

/// Where a secret key comes from; the key itself never stands on a command line.
package enum KeySource: Equatable, Sendable {
    /// A file of hex that only its owner can read.
    case file(path: String)
    /// An environment variable of hex, which is removed once it was read.
    case environment(name: String)
    /// An open file descriptor of hex.
    case descriptor(Int32)
    /// The dstack guest agent's key for a path and a purpose.
    case guestAgent(path: String, purpose: String)

    /// The key that makes a CVM a member.
    package static let member = KeySource.guestAgent(path: "/bridge", purpose: "ethereum")

    /// A source as options and TEEBRIDGE_KEY name it: `file:PATH`, `env:NAME`, `fd:N`,
    /// `dstack:PATH?purpose=PURPOSE` (each part of the last may be left out).
    ///
    /// - Throws: ``KeyError/unknownSource(_:)``, ``KeyError/keyAsArgument``.
    package init(_ text: String) throws(KeyError) {
        guard let colon = text.firstIndex(of: ":") else {
            throw Self.looksLikeKey(text) ? .keyAsArgument : .unknownSource(text)
        }
        let value = String(text[text.index(after: colon)...])
        switch text[..<colon] {
        case "file" where !value.isEmpty: self = .file(path: value)
        case "env" where !value.isEmpty: self = .environment(name: value)
        case "fd": self = try Self.descriptor(value)
        case "dstack": self = try Self.guestAgent(value)
        default: throw .unknownSource(text)
        }
    }

    private static func looksLikeKey(_ text: String) -> Bool {
        text.utf8.count >= 60 && text.allSatisfy { $0.isHexDigit || $0 == "x" }
    }

    private static func descriptor(_ value: String) throws(KeyError) -> KeySource {
        guard let number = Int32(value), number >= 0 else { throw .unknownSource("fd:\(value)") }
        return .descriptor(number)
    }

    private static func guestAgent(_ value: String) throws(KeyError) -> KeySource {
        let parts = value.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts.first.map(String.init) ?? ""
        guard parts.count > 1 else { return .guestAgent(path: path.isEmpty ? "/bridge" : path, purpose: "ethereum") }
        guard parts[1].hasPrefix("purpose=") else { throw .unknownSource("dstack:\(value)") }
        return .guestAgent(path: path.isEmpty ? "/bridge" : path, purpose: String(parts[1].dropFirst(8)))
    }

    /// The key.
    ///
    /// - Parameter guestAgent: asks the guest agent for the key of a path and a purpose.
    /// - Throws: ``KeyError``, and what `guestAgent` throws.
    package func load(
        guestAgent: (_ path: String, _ purpose: String) throws -> SecretBytes
    ) throws -> SecretKey {
        switch self {
        case .file(let path): return try Self.key(inFile: path)
        case .environment(let name): return try Self.key(inEnvironment: name)
        case .descriptor(let number):
            return try Self.key(
                in: Self.read(Descriptor(number: number), source: "fd:\(number)"), source: "fd:\(number)")
        case .guestAgent(let path, let purpose):
            do { return try SecretKey(guestAgent(path, purpose)) } catch is Secp256k1Error {
                throw KeyError.notAKey(source: "the guest agent")
            }
        }
    }

    private static func key(inFile path: String) throws(KeyError) -> SecretKey {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .unreadable(source: path, reason: ConsoleError.reason(errno)) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else {
            throw .unreadable(source: path, reason: ConsoleError.reason(errno))
        }
        let isRegular = status.st_mode & S_IFMT == S_IFREG
        guard !isRegular || status.st_mode & 0o077 == 0 else {
            throw .tooOpen(path: path, mode: status.st_mode & 0o777)
        }
        return try key(in: read(Descriptor(number: file), source: path), source: path)
    }

    private static func read(_ descriptor: Descriptor, source: String) throws(KeyError) -> SecretBytes {
        do throws(ConsoleError) { return try descriptor.readSecret(limit: 4096, path: source) } catch {
            throw .unreadable(source: source, reason: error.description)
        }
    }

    /// Reads the variable, wipes it where it stands and removes it: no child and no /proc/PID/environ shows it then.
    private static func key(inEnvironment name: String) throws(KeyError) -> SecretKey {
        guard let value = unsafe getenv(name) else { throw .notInEnvironment(name: name) }
        let count = unsafe strlen(value)
        let text = SecretBytes(count: count) { target in
            for index in 0..<count { target[index] = unsafe UInt8(bitPattern: value[index]) }
        }
        unsafe explicit_bzero(value, count)
        unsafe unsetenv(name)
        return try key(in: text, source: name)
    }

    /// The key that a text of hex is: 64 digits, optionally 0x in front and one line end behind.
    private static func key(in text: borrowing SecretBytes, source: String) throws(KeyError) -> SecretKey {
        do {
            return try SecretKey(SecretBytes(hexDigitsOf: text))
        } catch {
            throw .notAKey(source: source)
        }
    }
}
