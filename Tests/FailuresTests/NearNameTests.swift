import Failures
import Testing

@Suite struct NearNameTests {
    private static let names = ["--rpc-url", "--retry-for", "--key", "--to", "--call"]

    @Test(
        "a slip of the pen has the names with the fewest changes",
        arguments: [
            ("--rpc-ulr", ["--rpc-url"]), ("--RPC-URL", ["--rpc-url"]), ("--kei", ["--key"]), ("--too", ["--to"]),
            ("--cal", ["--call"]), ("--rpc-url", ["--rpc-url"]), ("--nothing", []), ("", []), ("-k", []),
        ])
    func near(text: String, expected: [String]) {
        #expect(text.nearest(in: Self.names) == expected)
    }

    @Test func `names that are as near as each other are all named, once`() {
        #expect("ab".nearest(in: ["abc", "abd", "abc"]) == ["abc", "abd"])
        #expect(String.asking(for: ["a", "b"]) == [#"did you mean "a" or "b"?"#])
        #expect(String.asking(for: []) == [])
    }

    @Test func `a name too long to be one costs no time`() {
        #expect(String(repeating: "a", count: 100_000).nearest(in: [String(repeating: "a", count: 100_000)]) == [])
    }
}
