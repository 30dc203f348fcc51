import GuestAgent
import HTTP
import LoopbackServer
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AgentAddressTests {
    /// Where the agent is found, given what is named, what the environment says and which files are there.
    private func find(_ named: String?, _ variable: String?, _ files: Set<String>) throws(GuestAgentError) -> String {
        try AgentAddress.find(
            named: named, environment: { $0 == "DSTACK_SIMULATOR_ENDPOINT" ? variable : nil },
            exists: { files.contains($0) }
        ).displayName
    }

    @Test(
        "the option comes before the environment, and that before the default paths in their order",
        arguments: [
            ("/o", "/e", ["/o", "/e", "/var/run/dstack.sock"], "\"/o\""),
            (nil, "/e", ["/e", "/var/run/dstack.sock"], "\"/e\""),
            ("", "", ["/run/dstack.sock"], "\"/run/dstack.sock\""),
            (nil, nil, ["/run/dstack.sock", "/var/run/dstack.sock"], "\"/var/run/dstack.sock\""),
            (nil, nil, ["/run/dstack/dstack.sock", "/var/run/dstack/dstack.sock"], "\"/var/run/dstack/dstack.sock\""),
            (nil, nil, ["/run/dstack/dstack.sock"], "\"/run/dstack/dstack.sock\""),
            ("unix:/o", nil, ["/o"], "\"/o\""), (nil, "unix:///e", ["/e"], "\"/e\""),
            ("http://127.0.0.1:8090/x", "/e", [], "http://127.0.0.1:8090"),
            (nil, "https://agent.example", [], "https://agent.example"),
        ] as [(String?, String?, Set<String>, String)])
    func order(named: String?, variable: String?, files: Set<String>, expected: String) throws {
        #expect(try find(named, variable, files) == expected)
    }

    @Test(
        "a missing socket names the paths that were looked at, and no other is taken in its place",
        arguments: [
            ("/o", "/e", ["/o"]), (nil, "unix:/e", ["/e"]),
            (
                nil, nil,
                ["/var/run/dstack.sock", "/run/dstack.sock", "/var/run/dstack/dstack.sock", "/run/dstack/dstack.sock"]
            ),
        ] as [(String?, String?, [String])])
    func missing(named: String?, variable: String?, paths: [String]) throws {
        let files: Set<String> = named == nil && variable == nil ? [] : ["/var/run/dstack.sock"]
        let error = #expect(throws: GuestAgentError.noSocket(paths: paths)) { try find(named, variable, files) }
        for path in paths { #expect(error?.description.contains("\"\(path)\"") == true) }
        #expect(error?.hints.isEmpty == false)
    }

    @Test(
        "a bad URL or path is bad input",
        arguments: ["http://", "http://a b", "/" + String(repeating: "x", count: 108)])
    func invalid(named: String) throws {
        let error = #expect(throws: GuestAgentError.self) { try find(named, nil, [named]) }
        guard case .invalidAddress = error else { return unexpected(error) }
    }

    @Test func `a file is seen on disk`() throws {
        try withTemporaryDirectory { directory throws in
            #expect(!AgentAddress.fileExists("\(directory)/s"))
            try LoopbackServer.makeDeadSocket(atPath: "\(directory)/s")
            #expect(AgentAddress.fileExists("\(directory)/s"))
        }
    }
}
