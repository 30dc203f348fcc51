import Failures
import FoundationEssentials
import Glibc
import KeySources
import Primitives
import Secp256k1
import SecretMemory
import Testing

@Suite struct KeySourceTests {
    static let hex = "95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d"
    static let address = "0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72"

    static func address(_ source: KeySource) throws -> String {
        try source.load { _, _ in throw KeyError.noSource }.address.checksummed
    }

    static func withFile(_ text: String, mode: mode_t, _ body: (String) throws -> Void) throws {
        let path = "\(FileManager.default.temporaryDirectory.path)/key-\(UInt64.random(in: 0...UInt64.max))"
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, mode)
        defer {
            close(file)
            unsafe unlink(path)
        }
        let bytes = Array(text.utf8)
        #expect(unsafe write(file, bytes, bytes.count) == bytes.count)
        try body(path)
    }

    @Test(
        "sources are read as they are written",
        arguments: [
            ("file:/a/b", KeySource.file(path: "/a/b")), ("env:KEY", .environment(name: "KEY")),
            ("fd:3", .descriptor(3)),
            ("dstack:", .guestAgent(path: "/bridge", purpose: "ethereum")),
            ("dstack:/x", .guestAgent(path: "/x", purpose: "ethereum")),
            ("dstack:/x?purpose=y", .guestAgent(path: "/x", purpose: "y")),
        ])
    func forms(_ text: String, _ source: KeySource) throws { #expect(try KeySource(text) == source) }

    @Test(arguments: ["", "key", "file:", "fd:x", "fd:-1", "dstack:/x?y=z", "http://x", "raw:00"])
    func otherFormsAreRefused(_ text: String) { #expect(throws: KeyError.unknownSource(text)) { try KeySource(text) } }

    @Test(arguments: ["", "0x"])
    func aKeyInPlaceOfItsSourceIsRefusedAndNotRepeated(_ prefix: String) {
        #expect(throws: KeyError.keyAsArgument) { try KeySource(prefix + Self.hex) }
        #expect(!KeyError.keyAsArgument.description.contains("95d3"))
    }

    @Test(arguments: [hex, "0x\(hex)", "\(hex)\n", "0x\(hex)\r\n"])
    func filesOfHexAreRead(_ text: String) throws {
        try Self.withFile(text, mode: 0o600) { path throws in
            #expect(try Self.address(.file(path: path)) == Self.address)
        }
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o777] as [mode_t])
    func filesThatOthersReadAreRefused(_ mode: mode_t) throws {
        let mask = umask(0)
        defer { umask(mask) }
        try Self.withFile(Self.hex, mode: mode) { path throws in
            #expect(throws: KeyError.tooOpen(path: path, mode: UInt32(mode))) { try Self.address(.file(path: path)) }
        }
    }

    @Test(arguments: [
        "", "\n", "0x", String(hex.dropLast()), hex + "00", "\(hex)\n\n", String(repeating: "0", count: 64), "zz",
    ])
    func filesOfOtherThingsAreRefusedWithoutRepeatingThem(_ text: String) throws {
        try Self.withFile(text, mode: 0o600) { path throws in
            #expect(throws: KeyError.notAKey(source: path)) { try Self.address(.file(path: path)) }
        }
    }

    @Test(arguments: [[UInt8](repeating: 0, count: 32), [UInt8](repeating: 0xFF, count: 32), [7]])
    func whatTheGuestAgentGivesIsNotTheUsersFault(_ bytes: [UInt8]) {
        let error = #expect(throws: KeyError.notAgentsKey) {
            try KeySource.member.load { _, _ in SecretBytes(copying: bytes) }.address
        }
        #expect(error?.kind == .serviceFailed)
    }

    @Test func aVariableIsReadOnceAndRemoved() throws {
        let name = "KEY_SOURCE_TEST"
        unsafe setenv(name, Self.hex, 1)
        #expect(try Self.address(.environment(name: name)) == Self.address)
        #expect(unsafe getenv(name) == nil)
        #expect(throws: KeyError.notInEnvironment(name: name)) { try Self.address(.environment(name: name)) }
    }
}
