import Failures
import Glibc
import JSON
import Primitives
import Secp256k1
import SecretMemory
import TestSupport
import Testing

@testable import KeySources

@Suite struct KeySourceTests {
    static let hex = "95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d"
    static let address = "0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72"
    /// Texts that are not a key, from any source.
    static let notKeys = [
        "", "\n", "0x", String(hex.dropLast()), hex + "00", "\(hex)\n\n", " \(hex)",
        String(repeating: "0", count: 64), String(repeating: "f", count: 64), "zz",
    ]

    static func address(_ source: KeySource) throws -> String {
        try source.load { _, _, _ in throw KeyError.noSource }.address.checksummed
    }

    /// Expects an error that shows nothing of ``hex``.
    private func expect<Failure: UserFacingError & Equatable>(
        _ expected: Failure, from source: KeySource, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: expected, sourceLocation: sourceLocation) { try Self.address(source) }
        let text = ([error?.description ?? ""] + (error?.hints ?? [])).joined()
        #expect(!text.contains("95d3c5"), sourceLocation: sourceLocation)
    }

    // MARK: - Names of sources

    @Test(arguments: [
        ("file:/a/b", KeySource.file(path: "/a/b")), ("file:a:b", .file(path: "a:b")),
        ("keystore:/a", .keystore(path: "/a", passwordFile: "/password")),
        ("env:KEY", .environment(name: "KEY")), ("fd:3", .descriptor(3)), ("fd:0", .descriptor(0)),
        ("dstack:", .guestAgent(AgentKey())), ("dstack:/x", .guestAgent(AgentKey(path: "/x"))),
        ("dstack:/x?purpose=y", .guestAgent(AgentKey(path: "/x", purpose: "y"))),
        ("dstack:?purpose=y", .guestAgent(AgentKey(purpose: "y"))),
        ("dstack:?socket=/a.sock&path=/x.sock", .guestAgent(AgentKey(path: "/x.sock", socket: "/a.sock"))),
        ("dstack:/x?socket=http://h:1/v?a=b", .guestAgent(AgentKey(path: "/x", socket: "http://h:1/v?a=b"))),
    ])
    func `a source is named by its kind and its place`(text: String, source: KeySource) throws {
        #expect(try KeySource(text, passwordFile: "/password") == source)
    }

    @Test(arguments: [
        "", "key", ":", "file", "file:", "keystore:", "env:", "fd:", "fd:x", "fd:-1", "fd:4294967296", "dstack:/x?y=z",
        "http://x", "raw:00", "FILE:/a",
    ])
    func `other names are refused`(text: String) {
        #expect(throws: KeyError.unknownSource(text)) { try KeySource(text) }
    }

    @Test(arguments: ["/var/run/dstack.sock", "a.sock", "http://h:1", "https://h", "unix:/a", "/a.sock?purpose=x"])
    func `a word that may be a socket is no path of a key`(word: String) {
        let name = String(word.prefix { $0 != "?" })
        let error = #expect(throws: KeyError.agentKey(.ambiguous(word: name))) { try KeySource("dstack:\(word)") }
        #expect(error?.hints == ["write dstack:?path=\(name) or dstack:?socket=\(name)"])
    }

    @Test func `a path of a key is one unless a socket is there`() throws {
        #expect(try AgentKey("/x", word: .path) { _ in false } == AgentKey(path: "/x"))
        #expect(throws: AgentKeyError.ambiguous(word: "/x")) { try AgentKey("/x", word: .path) { $0 == "/x" } }
    }

    @Test(arguments: [
        ("", AgentKey()), ("/a/dstack.sock", AgentKey(socket: "/a/dstack.sock")), ("/a/b", AgentKey(socket: "/a/b")),
        ("http://h:1/v", AgentKey(socket: "http://h:1/v")), ("unix:/a", AgentKey(socket: "unix:/a")),
        ("a.sock?path=/x&purpose=y", AgentKey(path: "/x", purpose: "y", socket: "a.sock")),
        ("?socket=/bridge", AgentKey(socket: "/bridge")), ("?path=", AgentKey(path: "")),
    ])
    func `a word alone is the socket where a proof is fetched`(text: String, key: AgentKey) throws {
        #expect(try AgentKey(text, word: .socket) { _ in false } == key)
    }

    @Test(arguments: ["/bridge", "/bridge?purpose=ethereum", "/x?path=/y"])
    func `a word that may be the path of a key is no socket, unless one is there`(text: String) throws {
        let word = String(text.prefix { $0 != "?" })
        #expect(throws: AgentKeyError.ambiguous(word: word)) { try AgentKey(text, word: .socket) { _ in false } }
        #expect(try AgentKey(text, word: .socket) { _ in true }.socket == word)
    }

    @Test(arguments: ["?", "?x=y", "?purpose", "?path=/a&path=/b", "?socket=", "a.sock?socket=/b", "?purpose=x&"])
    func `other parameters are refused`(text: String) {
        #expect(throws: AgentKeyError.unknown(text)) { try AgentKey(text, word: .socket) { _ in false } }
    }

    @Test(arguments: ["", "0x", "env:", "file:", "fd:", "raw:0x"])
    func `a key in place of its source is refused and not repeated`(prefix: String) {
        #expect(throws: KeyError.keyAsArgument) { try KeySource(prefix + Self.hex) }
        #expect(!KeyError.keyAsArgument.description.contains("95d3"))
    }

    @Test func `an unknown source that holds a key is shown without it`() {
        let error = #expect(throws: KeyError.self) { try KeySource("raw=\(Self.hex):x") }
        #expect(error?.description.contains("95d3c5") == false)
    }

    // MARK: - Files

    @Test(arguments: [hex, "0x\(hex)", "\(hex)\n", "0x\(hex)\r\n", hex.uppercased()])
    func `a file holds 64 hex digits, with 0x in front and a line end behind if need be`(text: String) throws {
        try withTemporaryFile(text.utf8) { path throws in
            #expect(try Self.address(.file(path: path)) == Self.address)
        }
    }

    @Test(arguments: [0o400, 0o600, 0o700] as [mode_t])
    func `a file for its owner alone is read`(mode: mode_t) throws {
        try withTemporaryFile(Self.hex.utf8, mode: mode) { path throws in
            #expect(try Self.address(.file(path: path)) == Self.address)
        }
    }

    @Test(arguments: [0o640, 0o604, 0o610, 0o601, 0o620, 0o602, 0o660, 0o777] as [mode_t])
    func `a file to which others have any right is refused`(mode: mode_t) throws {
        try withTemporaryFile(Self.hex.utf8, mode: mode) { path throws in
            expect(KeyError.tooOpen(path: path, mode: UInt32(mode)), from: .file(path: path))
        }
    }

    @Test(arguments: notKeys)
    func `a file of anything but a key is refused and not repeated`(text: String) throws {
        try withTemporaryFile(text.utf8) { path throws in
            expect(KeyError.notAKey(source: path), from: .file(path: path))
        }
    }

    @Test(arguments: ["\"\(hex)\"", "'0x\(hex)'\n", "\"\(hex)", "'"])
    func `quotes round a key are named`(text: String) throws {
        try withTemporaryFile(text.utf8) { path throws in
            expect(KeyError.quotedKey(source: path), from: .file(path: path))
        }
    }

    @Test func `a byte order mark is no part of a key, and UTF-16 is named`() throws {
        try withTemporaryFile([0xEF, 0xBB, 0xBF] + Self.hex.utf8) { path throws in
            #expect(try Self.address(.file(path: path)) == Self.address)
        }
        let padded: [[UInt8]] = Self.hex.utf8.map { [$0, 0] }
        for text in [padded.joined().map(\.self), [0xFF, 0xFE] + padded.joined(), [0] + padded.joined().dropLast()] {
            try withTemporaryFile(text) { path throws in
                expect(KeyError.utf16(source: path), from: .file(path: path))
            }
        }
    }

    @Test func `a file that is missing, a directory or too large cannot be read`() throws {
        expect(
            KeyError.unreadable(source: "/absent", reason: "no such file or directory"), from: .file(path: "/absent"))
        try withTemporaryDirectory { path throws in
            let reason = "cannot read \"\(path)\": is a directory"
            expect(KeyError.unreadable(source: path, reason: reason), from: .file(path: path))
        }
        try withTemporaryFile([UInt8](repeating: 0x39, count: 4097)) { path throws in
            #expect(throws: KeyError.self) { try Self.address(.file(path: path)) }
        }
    }

    // MARK: - Environment variables and descriptors

    /// In processes of their own, since the environment is the process's.
    @Test func `a variable is read once, wiped and removed`() async {
        await #expect(processExitsWith: .success) { () throws in
            unsafe setenv("KEY_SOURCE_TEST", Self.hex, 1)
            let value = unsafe getenv("KEY_SOURCE_TEST")
            #expect(try Self.address(.environment(name: "KEY_SOURCE_TEST")) == Self.address)
            #expect(unsafe getenv("KEY_SOURCE_TEST") == nil)
            let length = unsafe value.map { unsafe strlen($0) }
            #expect(length == 0)
            #expect(throws: KeyError.notInEnvironment(name: "KEY_SOURCE_TEST")) {
                try Self.address(.environment(name: "KEY_SOURCE_TEST"))
            }
        }
    }

    @Test func `a variable of anything but a key is refused and removed`() async {
        await #expect(processExitsWith: .success) {
            for text in Self.notKeys {
                unsafe setenv("KEY_SOURCE_TEST", text, 1)
                #expect(throws: KeyError.notAKey(source: "KEY_SOURCE_TEST")) {
                    try Self.address(.environment(name: "KEY_SOURCE_TEST"))
                }
                #expect(unsafe getenv("KEY_SOURCE_TEST") == nil)
            }
        }
    }

    @Test func `a descriptor is read to its end`() throws {
        try withPipe { pipe throws in
            let text = Self.hex + "\n"
            #expect(unsafe write(pipe.writer, text, text.utf8.count) == text.utf8.count)
            pipe.closeWriter()
            // One that the program has opened itself is no key source.
            expect(KeyError.notOpen(descriptor: pipe.reader), from: .descriptor(pipe.reader))
            #expect(fcntl(pipe.reader, F_SETFD, 0) == 0)
            #expect(try Self.address(.descriptor(pipe.reader)) == Self.address)
            expect(KeyError.notAKey(source: "fd:\(pipe.reader)"), from: .descriptor(pipe.reader))
        }
    }

    @Test func `a descriptor that is not open cannot be read`() {
        expect(KeyError.notOpen(descriptor: .max), from: .descriptor(.max))
    }

    // MARK: - Keystores

    @Test(arguments: ["", "\n", "\r\n"])
    func `a keystore is opened with the password of a file, without its line end`(lineEnd: String) throws {
        let (keystore, password) = try KeystoreTests.cheap()
        try withTemporaryFile(JSONValue.object(keystore).compact.utf8, mode: 0o644) { path throws in
            try withTemporaryFile((password + lineEnd).utf8) { passwordPath throws in
                let source = KeySource.keystore(path: path, passwordFile: passwordPath)
                #expect(try Self.address(source) == KeystoreTests.address(keystore, password).checksummed)
            }
        }
    }

    @Test func `a keystore's password is a secret like a key`() throws {
        let (keystore, password) = try KeystoreTests.cheap()
        try withTemporaryFile(JSONValue.object(keystore).compact.utf8) { path throws in
            try withTemporaryFile(password.utf8, mode: 0o640) { other throws in
                expect(
                    KeyError.tooOpen(path: other, mode: 0o640), from: .keystore(path: path, passwordFile: other))
            }
            try withTemporaryFile("\(password)\n\n".utf8) { other throws in
                expect(KeystoreError.wrongPassword, from: .keystore(path: path, passwordFile: other))
            }
        }
    }

    @Test(arguments: [("[]", JSONError.notAnObject(line: 1)), (hex, .notAnObject(line: 1))])
    func `a file that is not a keystore is refused and not repeated`(text: String, error: JSONError) throws {
        try withTemporaryFile(text.utf8) { path throws in
            #expect(throws: (any Error).self) { try Self.address(.keystore(path: path, passwordFile: "/absent")) }
        }
    }

    // MARK: - The guest agent

    @Test func `the guest agent is asked for the path and the purpose`() throws {
        let key = try KeySource("dstack:/x?purpose=y&socket=/s").load { socket, path, purpose in
            #expect(socket == "/s")
            #expect([path, purpose] == ["/x", "y"])
            return SecretBytes(copying: try Hex.decode(Self.hex, prefix: .optional))
        }
        #expect(key.address.checksummed == Self.address)
    }

    @Test(arguments: [[UInt8](repeating: 0, count: 32), [UInt8](repeating: 0xFF, count: 32), [7]])
    func `an invalid key from the guest agent is a failure of the service`(bytes: [UInt8]) {
        let error = #expect(throws: KeyError.notAgentsKey) {
            try KeySource.member.load { _, _, _ in SecretBytes(copying: bytes) }.address
        }
        #expect(error?.kind == .serviceFailed)
    }
}
