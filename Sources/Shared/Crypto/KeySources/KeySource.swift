import Console
import Failures
import Glibc
import JSON
import Primitives
package import Secp256k1
package import SecretMemory

/// Where a secret key comes from; the key itself never appears on a command line.
package enum KeySource: Equatable, Sendable {
    /// A file of hex that only its owner can read.
    case file(path: String)
    /// A keystore file (Web3 Secret Storage), with its password in a file or from a prompt on the terminal.
    case keystore(path: String, passwordFile: String?)
    /// An environment variable of hex, which is removed once it was read.
    case environment(name: String)
    /// An open file descriptor of hex.
    case descriptor(Int32)
    /// A key of the dstack guest agent; what is left out is the member's.
    case guestAgent(AgentKey)

    /// The key that makes a CVM a member.
    package static let member = KeySource.guestAgent(AgentKey())

    /// What the texts of sources begin with.
    package static let prefixes = ["file:", "keystore:", "env:", "fd:", "dstack:"]

    /// A source as options and TEEBRIDGE_KEY name it: `file:PATH`, `keystore:PATH`, `env:NAME`, `fd:N`, or `dstack:` with
    /// what ``AgentKey`` reads.
    ///
    /// - Parameter passwordFile: where a keystore's password is; nil asks for it on the terminal.
    /// - Throws: ``KeyError/unknownSource(_:)``, ``KeyError/keyAsArgument``, ``KeyError/agentKey(_:)``.
    package init(_ text: String, passwordFile: String? = nil) throws(KeyError) {
        guard let colon = text.firstIndex(of: ":") else {
            throw Self.looksLikeKey(text) ? .keyAsArgument : .unknownSource(text)
        }
        let value = String(text[text.index(after: colon)...])
        guard !Self.looksLikeKey(value) else { throw .keyAsArgument }
        switch text[..<colon] {
        case "file" where !value.isEmpty: self = .file(path: value)
        case "keystore" where !value.isEmpty: self = .keystore(path: value, passwordFile: passwordFile)
        case "env" where !value.isEmpty: self = .environment(name: value)
        case "fd": self = try Self.descriptor(value)
        case "dstack":
            do throws(AgentKeyError) { self = .guestAgent(try AgentKey(value, word: .path)) } catch {
                if case .unknown = error { throw .unknownSource(text) }
                throw .agentKey(error)
            }
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

    /// The key.
    ///
    /// - Parameter guestAgent: asks the guest agent, at a socket if one is named, for the key of a path and a purpose.
    /// - Throws: ``KeyError``, and what `guestAgent` throws.
    package func load(
        guestAgent: (_ socket: String?, _ path: String, _ purpose: String) throws -> SecretBytes
    ) throws -> SecretKey {
        switch self {
        case .file(let path): return try Self.key(inFile: path)
        case .keystore(let path, let passwordFile):
            return try KeystoreSource(path: path, passwordFile: passwordFile).load()
        case .environment(let name): return try Self.key(inEnvironment: name)
        case .descriptor(let number):
            let source = "fd:\(number)"
            // What this program has opened itself is closed in others.
            let flags = fcntl(number, F_GETFD)
            guard flags >= 0, flags & FD_CLOEXEC == 0, fcntl(number, F_GETFL) & O_ACCMODE != O_WRONLY else {
                throw KeyError.notOpen(descriptor: number)
            }
            return try Self.key(in: SecretFile.read(Descriptor(number: number), source: source), source: source)
        case .guestAgent(let key):
            let (path, purpose) = (key.path ?? AgentKey.memberPath, key.purpose ?? AgentKey.memberPurpose)
            do { return try SecretKey(guestAgent(key.socket, path, purpose)) } catch is Secp256k1Error {
                throw KeyError.notAgentsKey
            }
        }
    }

    private static func key(inFile path: String) throws(KeyError) -> SecretKey {
        let text = try SecretFile.read(path)
        // What begins as a document may be copied: a keystore's secret is its password.
        let isKeystore = text.withBytes { bytes in
            bytes.indices.prefix(1).contains { bytes[$0] == UInt8(ascii: "{") }
                && (try? JSONParser.parse(bytes.indices.map { bytes[$0] }))?.object.flatMap(DocumentKind.of)?.name
                    == DocumentKind.keystore.name
        }
        guard !isKeystore else { throw .keystoreAsFile(path: path) }
        return try key(in: text, source: path)
    }

    /// Reads the variable, wipes it in place and removes it: no child and no /proc/PID/environ shows it then.
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

    /// The key in a hex text: 64 digits, with an optional 0x before and one optional newline after them.
    ///
    /// - Throws: ``KeyError/quotedKey(source:)``, ``KeyError/notAKey(source:)``.
    private static func key(in text: borrowing SecretBytes, source: String) throws(KeyError) -> SecretKey {
        do {
            return try SecretKey(SecretBytes(hexDigitsOf: text))
        } catch {
            let first = text.withBytes { $0.isEmpty ? nil : $0[0] }
            let isQuoted = first == UInt8(ascii: "\"") || first == UInt8(ascii: "'")
            throw isQuoted ? .quotedKey(source: source) : .notAKey(source: source)
        }
    }
}

/// A keystore file and where its password is.
struct KeystoreSource {
    let path: String
    /// The file of the password; nil asks for it on the terminal.
    let passwordFile: String?

    /// The most bytes that a keystore may have.
    private static let limit = 64 * 1024

    /// - Throws: ``KeyError``, `KeystoreError`, `ConsoleError`, `JSONError`.
    func load() throws -> SecretKey {
        let awaited = DocumentKind.keystore.name
        let input = try Input(path: path, awaited: awaited, diagnostics: Diagnostics(program: ""))
        let text = try input.readText(limit: Self.limit)
        guard !DocumentKind.isKey(text) else { throw KeyError.fileAsKeystore(path: path) }
        let value: JSONValue
        do { value = try JSONParser.parse(text) } catch {
            throw WrongDocument(text: text, in: input.file, awaited: awaited) ?? error
        }
        guard let json = value.object else { throw JSONError.notAnObject(line: 1) }
        let keystore: Keystore
        do { keystore = try Keystore(json: json) } catch {
            throw WrongDocument(json, in: input.file, awaited: awaited) ?? error
        }
        return try keystore.key(password: password())
    }

    /// The password, without the one newline that may follow it in a file.
    private func password() throws -> SecretBytes {
        guard let passwordFile else { return try Terminal.readPassword(prompt: "password of the keystore") }
        return try SecretFile.read(passwordFile).withoutLineEnd()
    }
}

/// Files that hold a secret and that only their owner may read.
package enum SecretFile {
    /// The most bytes that such a file may have.
    private static let limit = 4096

    /// What the file holds, at most 4096 bytes, without a byte order mark.
    ///
    /// - Throws: ``KeyError/tooOpen(path:mode:)`` if its group or others have any right to a regular file;
    ///   ``KeyError/unreadable(source:reason:)``, ``KeyError/utf16(source:)``.
    package static func read(_ path: String) throws(KeyError) -> SecretBytes {
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
        return try read(Descriptor(number: file), source: path)
    }

    /// - Throws: ``KeyError/unreadable(source:reason:)``, ``KeyError/utf16(source:)``.
    static func read(_ descriptor: Descriptor, source: String) throws(KeyError) -> SecretBytes {
        let text: SecretBytes
        do throws(ConsoleError) { text = try descriptor.readSecret(limit: limit, path: source) } catch {
            throw .unreadable(source: source, reason: error.description)
        }
        switch text.withBytes({ TextEncoding(leading: $0) }) {
        case .utf8: return text
        case .markedUTF8:
            return text.withBytes { SecretBytes(copying: $0.extracting(TextEncoding.leadingByteCount...)) }
        case .utf16: throw .utf16(source: source)
        }
    }
}

extension SecretBytes {
    /// Without the one newline that may end a file.
    package consuming func withoutLineEnd() -> SecretBytes {
        withBytes { bytes in
            var end = bytes.count
            if end > 0, bytes[end - 1] == UInt8(ascii: "\n") { end -= 1 }
            if end > 0, end < bytes.count, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            return SecretBytes(copying: bytes.extracting(0..<end))
        }
    }
}
