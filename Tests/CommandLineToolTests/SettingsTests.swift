import ArgumentParser
import CommandLineTool
import Console
import Failures
import Glibc
import Primitives
import Testing

/// Of the EIP-55 examples.
private let address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
private let other = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
private let phala = "0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51"
/// Of the secret key 1: the generator of the group.
private let compressed = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
private let uncompressed =
    "04\(compressed.dropFirst(2))483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
private let addressOfKey = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
private let quiet = Diagnostics(program: "test")

@Suite struct OptionTests {
    @Test("the bridge option takes an address", arguments: [address, address.lowercased()])
    func bridge(text: String) throws {
        #expect(try BridgeOption.parse(["--bridge", text]).address().checksummed == address)
    }

    @Test(
        "a bridge that is no address, or one with a wrong checksum, is refused",
        arguments: [
            "", "0x", "bridge.eth", String(address.dropLast()), address.replacing("aA", with: "Aa"), address + "00",
        ])
    func badBridge(text: String) { #expect(throws: (any Error).self) { try BridgeOption.parse(["--bridge", text]) } }

    @Test func `the KMS roots are a list of addresses and names`() throws {
        let roots = try KMSRootOptions.parse(["--kms-root", address, "--kms-root", "phala-base"]).trusted(quiet)
        #expect(Set(roots.map(\.checksummed)) == [address, phala])
        let list = try KMSRootOptions.parse(["--kms-root", "\(address), phala-base,", "--kms-root", other]).trusted(
            quiet)
        #expect(Set(list.map(\.checksummed)) == [address, phala, other])
    }

    @Test(
        "a KMS root is named by its public key as well",
        arguments: [compressed, "0x" + compressed, uncompressed, "0x" + uncompressed.uppercased()])
    func kmsRootKey(text: String) throws {
        #expect(try KMSRoot(text).address(quiet).checksummed == addressOfKey)
        let roots = try KMSRootOptions.parse(["--kms-root", "\(text),phala-base"]).trusted(quiet)
        #expect(Set(roots.map(\.checksummed)) == [addressOfKey, phala])
    }

    @Test(
        "what is no KMS root is refused, and so is no root at all",
        arguments: [
            "", ",", " , ", "phala", "phala-base,x", address + "," + address.replacing("aA", with: "Aa"), "0x12",
            String(address.dropFirst(2)), "0x" + String(repeating: "11", count: 32), "05" + compressed.dropFirst(2),
            compressed + "00", "06" + uncompressed.dropFirst(2), "03" + String(repeating: "ff", count: 32),
            uncompressed.dropLast() + "9",
        ])
    func noKMSRoot(text: String) {
        #expect(throws: (any Error).self) { try KMSRootOptions.parse(["--kms-root", text]) }
        #expect(throws: (any Error).self) { try KMSRoot.list(text) }
    }

    @Test(
        "a time is a number of seconds, or of the unit behind it",
        arguments: [
            ("0", 0), ("1", 1000), ("0.25", 250), ("86400", 86_400_000), ("1s", 1000), ("1.5m", 90_000),
            ("2h", 7_200_000),
            ("24h", 86_400_000), ("0m", 0),
        ])
    func timeout(text: String, milliseconds: Int) throws {
        #expect(try TimeoutOption.duration(text) == .milliseconds(milliseconds))
    }

    @Test(
        "anything but a time up to a day is refused",
        arguments: [
            "", "x", "nan", "inf", "86400.1", " 1", "1e400", "24.1h", "1d", "s", "m", "1 m", "1ms", "-1s", "1mm",
        ])
    func badTimeout(text: String) {
        #expect(throws: DurationError.self) { try TimeoutOption.duration(text) }
    }

    @Test("an age is a time of any length", arguments: [("0", 0), ("1.9", 1), ("15m", 900), ("1000h", 3_600_000)])
    func age(text: String, seconds: UInt64) throws { #expect(try TimeoutOption.age(text) == seconds) }

    @Test("anything else is no age", arguments: ["", "-1", "nan", "inf", "1e30", "1d"])
    func badAge(text: String) { #expect(throws: DurationError.self) { try TimeoutOption.age(text) } }
}

/// What the environment says: each test in a process of its own, since a process has but one.
@Suite(.timeLimit(.minutes(1)))
struct EnvironmentTests {
    @Test func `the first variable that is set and not empty counts`() async {
        await #expect(processExitsWith: .success) { () throws in
            unsafe setenv("A", "", 1)
            unsafe setenv("B", "b", 1)
            #expect(Environment.value("A") == nil)
            #expect(Environment.value("B") == "b")
            #expect(Environment.value("NONE") == nil)
            #expect(try Environment.parsed("NONE", "A", "B", "C", by: { $0 }) == "b")
            #expect(try Environment.parsed("NONE", "A", by: { $0 }) == nil)
        }
    }

    @Test func `an invalid variable is an error that names it, and no other variable is tried`() async {
        await #expect(processExitsWith: .success) { () throws in
            struct Bad: Error, CustomStringConvertible { var description: String { "it is bad" } }
            unsafe setenv("A", "x", 1)
            unsafe setenv("B", "b", 1)
            let expected = SettingError.invalid(environment: "A", reason: "it is bad")
            let error = #expect(throws: expected) { try Environment.parsed("A", "B") { _ in throw Bad() } }
            #expect(error?.kind == .badInput)
            #expect(error?.description == "the environment variable A cannot be used: it is bad")
        }
    }

    @Test func `the bridge comes from the option, then from the environment`() async {
        await #expect(processExitsWith: .success) { () throws in
            unsafe unsetenv("BRIDGE_CONTRACT")
            let error = #expect(throws: SettingError.self) { try BridgeOption.parse([]).address() }
            #expect(error?.description == "the bridge address is not set")
            #expect(error?.hints == ["use --bridge, or set BRIDGE_CONTRACT in the environment"])
            unsafe setenv("BRIDGE_CONTRACT", other, 1)
            #expect(try BridgeOption.parse([]).address().checksummed == other)
            #expect(try BridgeOption.parse(["--bridge", address]).address().checksummed == address)
            unsafe setenv("BRIDGE_CONTRACT", "0x12", 1)
            #expect(throws: SettingError.self) { try BridgeOption.parse([]).address() }
            // What an option says is not looked up.
            #expect(try BridgeOption.parse(["--bridge", address]).address().checksummed == address)
        }
    }

    @Test func `the KMS roots come from the options, then from the environment, and may be missing`() async {
        await #expect(processExitsWith: .success) { () throws in
            unsafe unsetenv("KMS_ROOTS")
            #expect(try KMSRootOptions.parse([]).trusted(quiet).isEmpty)
            unsafe setenv("KMS_ROOTS", " \(address) ,phala-base,, \(address.lowercased())", 1)
            #expect(try Set(KMSRootOptions.parse([]).trusted(quiet).map(\.checksummed)) == [address, phala])
            // Roots that the option names stand alone: the environment adds none to those that are trusted.
            let named = try KMSRootOptions.parse(["--kms-root", other]).trusted(quiet)
            #expect(named.map(\.checksummed) == [other])
            unsafe setenv("KMS_ROOTS", "\(compressed), \(address)", 1)
            #expect(try Set(KMSRootOptions.parse([]).trusted(quiet).map(\.checksummed)) == [addressOfKey, address])
            unsafe setenv("KMS_ROOTS", "\(address),x", 1)
            #expect(throws: SettingError.self) { try KMSRootOptions.parse([]).trusted(quiet) }
        }
    }

    @Test func `the time comes from the option, then from the environment, then from the program`() async {
        await #expect(processExitsWith: .success) { () throws in
            unsafe unsetenv("ETH_TIMEOUT")
            #expect(try TimeoutOption.duration(nil, default: .seconds(7)) == .seconds(7))
            unsafe setenv("ETH_TIMEOUT", "3", 1)
            #expect(try TimeoutOption.duration(nil, default: .seconds(7)) == .seconds(3))
            #expect(try TimeoutOption.duration(.seconds(5), default: .seconds(7)) == .seconds(5))
            unsafe setenv("ETH_TIMEOUT", "soon", 1)
            #expect(throws: SettingError.self) { try TimeoutOption.duration(nil, default: .seconds(7)) }
        }
    }
}
