import ArgumentParser
import CommandLineTool
import EthereumNode
import Failures
import FakeNode
import Glibc
import GuestAgent
import KeySources
import LoopbackServer
import NetworkOptions
import Primitives
import Secp256k1
import Testing

private let keyDigits = "95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d"
private let keyAccount = "0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72"

@Suite(.timeLimit(.minutes(1)))
struct RPCOptionsTests {
    @Test(
        "a chain is named or numbered",
        arguments: [
            ("base", 8453), ("base-sepolia", 84532), ("sepolia", 11_155_111), ("mainnet", 1), ("31337", 31337),
        ])
    func chain(text: String, id: UInt64) throws { #expect(try RPCOptions.parse(["--chain", text]).chainId() == id) }

    @Test("what is neither is refused", arguments: ["", "Base", "-1", "0x1", "1.0", "18446744073709551616"])
    func badChain(text: String) { #expect(throws: (any Error).self) { try RPCOptions.parse(["--chain=\(text)"]) } }

    @Test func `URLs are asked in their order, the next where one fails`() throws {
        try withFakeNode({ _ in .text("0x1") }) { fake, _ throws in
            let closed = "http://127.0.0.1:\(try LoopbackServer.closedPort())"
            let options = try RPCOptions.parse(["--rpc-url", closed, "--rpc-url", fake.server.url])
            #expect(try options.node().ask(.chainId) == 1)
        }
    }

    @Test(
        "a URL that is none is refused, and what may be a key in it not repeated",
        arguments: ["ftp://node.example/APIKEY-1", "https:///APIKEY-1", "https://a b/APIKEY-1", "APIKEY-1"])
    func badURL(url: String) throws {
        let error = try #require(#expect(throws: (any Error).self) { try RPCOptions.parse(["--rpc-url", url]) })
        let message = RPCOptions.message(for: error)
        #expect(!message.uppercased().contains("APIKEY"))
        #expect(message.hasPrefix("the value of --rpc-url cannot be used: "))
    }

    @Test func `what names no node and no chain comes from the environment`() async {
        await #expect(processExitsWith: .success) { () throws in
            for name in ["CHAIN", "ETH_RPC_URL", "RPC_URL"] { unsafe unsetenv(name) }
            #expect(try RPCOptions.parse([]).chainId() == nil)
            let missing = #expect(throws: SettingError.self) { try RPCOptions.parse([]).node() }
            #expect(missing?.hints == ["use --rpc-url, or set ETH_RPC_URL in the environment"])
            unsafe setenv("CHAIN", "sepolia", 1)
            #expect(try RPCOptions.parse([]).chainId() == 11_155_111)
            #expect(try RPCOptions.parse(["--chain", "base"]).chainId() == 8453)
            unsafe setenv("CHAIN", "moon", 1)
            let bad = #expect(throws: SettingError.self) { try RPCOptions.parse([]).chainId() }
            #expect(bad?.description.contains("CHAIN") == true)

            let one = try FakeNode { _ in .text("0x1") }
            let two = try FakeNode { _ in .text("0x2") }
            unsafe setenv("RPC_URL", two.server.url, 1)
            #expect(try RPCOptions.parse([]).node().ask(.chainId) == 2)
            unsafe setenv("ETH_RPC_URL", one.server.url, 1)
            #expect(try RPCOptions.parse([]).node().ask(.chainId) == 1)
            #expect(try RPCOptions.parse(["--rpc-url", two.server.url]).node().ask(.chainId) == 2)
            unsafe setenv("ETH_RPC_URL", "ftp://node.example/APIKEY-1", 1)
            let badURL = #expect(throws: SettingError.self) { try RPCOptions.parse([]).node() }
            #expect(badURL?.description.contains("ETH_RPC_URL") == true)
            #expect(badURL?.description.contains("APIKEY") == false)
        }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct KeyOptionsTests {
    @Test func `a key in place of its source is refused, and not repeated`() throws {
        for text in [keyDigits, "0x" + keyDigits] {
            let error = try #require(throws: (any Error).self) { try KeyOptions.parse(["--key", text]) }
            #expect(KeyOptions.message(for: error) == KeyError.keyAsArgument.description)
            #expect(!KeyOptions.fullMessage(for: error).contains(keyDigits.prefix(6)))
        }
    }

    @Test func `the key's source is the option's, then the environment's in its order, then the program's`() async {
        await #expect(processExitsWith: .success) { () throws in
            for name in ["TEEBRIDGE_KEY", "ETH_KEYSTORE", "ETH_PASSWORD", "PRIVATE_KEY"] { unsafe unsetenv(name) }
            func source(_ words: String..., fallback: KeySource? = nil) throws -> KeySource {
                try KeyOptions.parse(words).source(fallback: fallback)
            }
            #expect(throws: KeyError.noSource) { try source() }
            #expect(try source(fallback: .member) == .member)
            unsafe setenv("PRIVATE_KEY", keyDigits, 1)
            #expect(try source(fallback: .member) == .environment(name: "PRIVATE_KEY"))
            unsafe setenv("ETH_KEYSTORE", "/k", 1)
            #expect(try source() == .keystore(path: "/k", passwordFile: nil))
            unsafe setenv("ETH_PASSWORD", "/p", 1)
            #expect(try source() == .keystore(path: "/k", passwordFile: "/p"))
            #expect(try source("--password-file", "/o") == .keystore(path: "/k", passwordFile: "/o"))
            unsafe setenv("TEEBRIDGE_KEY", "fd:9", 1)
            #expect(try source() == .descriptor(9))
            #expect(try source("--key", "file:/x") == .file(path: "/x"))
            #expect(try source("--key", "keystore:/x") == .keystore(path: "/x", passwordFile: "/p"))
            unsafe setenv("TEEBRIDGE_KEY", keyDigits, 1)
            #expect(throws: KeyError.keyAsArgument) { try source() }
        }
    }

    @Test func `PRIVATE_KEY is the key itself, and is gone once it was read`() async {
        await #expect(processExitsWith: .success) { () throws in
            for name in ["TEEBRIDGE_KEY", "ETH_KEYSTORE"] { unsafe unsetenv(name) }
            unsafe setenv("PRIVATE_KEY", "0x" + keyDigits, 1)
            let account = try KeyOptions.parse([]).load(observer: { _ in }).address.checksummed
            #expect(account == keyAccount)
            #expect(unsafe getenv("PRIVATE_KEY") == nil)
        }
    }

    @Test func `the guest agent is asked for the path and the purpose that the source names`() throws {
        let links = "[\"\(String(repeating: "a1", count: 65))\",\"\"]"
        let agent = try LoopbackServer { _ in [.answer("{\"key\":\"\(keyDigits)\",\"signature_chain\":\(links)}")] }
        defer { agent.stop() }
        let options = try KeyOptions.parse(["--key", "dstack:/a?purpose=b", "--dstack", agent.url])
        let account = try options.load(observer: { _ in }).address.checksummed
        #expect(account == keyAccount)
        #expect(agent.requests.first?.body == Array(#"{"path":"/a","purpose":"b"}"#.utf8))
    }

    @Test func `an agent that is not there is told with the paths that were looked at`() throws {
        let options = try KeyOptions.parse(["--key", "dstack:", "--dstack", "/nonexistent/dstack.sock"])
        #expect(throws: GuestAgentError.noSocket(paths: ["/nonexistent/dstack.sock"])) {
            _ = try options.load(observer: { _ in })
        }
    }
}
