import Failures
import Glibc
import GuestAgent
import HTTP
import LoopbackServer
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AgentAddressTests {
    /// Where the agent is found, given what is named, what the environment says, and what is at which path.
    private func find(
        _ named: String?, _ variable: String?, _ places: [String: AgentAddress.FileKind], dead: Set<String> = []
    ) throws(GuestAgentError) -> String {
        try AgentAddress.find(
            named: named, environment: { $0 == "DSTACK_SIMULATOR_ENDPOINT" ? variable : nil },
            kind: { places[$0] ?? .nothing }, listens: { !dead.contains($0) }
        ).displayName
    }

    private func find(_ named: String?, _ variable: String?, _ sockets: Set<String>) throws(GuestAgentError) -> String {
        try find(named, variable, Dictionary(uniqueKeysWithValues: sockets.map { ($0, .socket) }))
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

    private static let first = "/var/run/dstack.sock"
    private static let second = "/run/dstack.sock"
    private static let third = "/var/run/dstack/dstack.sock"

    @Test(
        "a default path that is dead does not hide a live one behind it",
        arguments: [
            ([first: .directory, third: .socket], [], third), ([first: .file, second: .socket], [], second),
            ([first: .socket, second: .socket], [first], second), ([first: .socket, third: .socket], [first], third),
            ([first: .socket, second: .directory], [first], first),
            ([first: .socket, second: .socket], [first, second], first),
        ] as [([String: AgentAddress.FileKind], Set<String>, String)])
    func dead(places: [String: AgentAddress.FileKind], dead: Set<String>, expected: String) throws {
        #expect(try find(nil, nil, places, dead: dead) == "\"\(expected)\"")
    }

    @Test(
        "a directory is looked into",
        arguments: [
            ("/d", [("/d", .directory), ("/d/dstack.sock", .socket)], "/d/dstack.sock"),
            ("unix:/d/", [("/d/", .directory), ("/d/dstack.sock", .socket)], "/d/dstack.sock"),
            (nil, [(first, .directory), (first + "/dstack.sock", .socket)], first + "/dstack.sock"),
        ] as [(String?, [(String, AgentAddress.FileKind)], String)])
    func directory(named: String?, places: [(String, AgentAddress.FileKind)], expected: String) throws {
        #expect(try find(named, nil, Dictionary(uniqueKeysWithValues: places)) == "\"\(expected)\"")
    }

    @Test(
        "what is there in place of a socket is named, with what to do about it",
        arguments: [
            ("/d", ["/d": .directory], "/d", true), ("/f", ["/f": .file], "/f", false),
            ("/d", ["/d": .directory, "/d/dstack.sock": .file], "/d", true),
            (nil, [first: .directory], first, true), (nil, [second: .file, third: .directory], second, false),
        ] as [(String?, [String: AgentAddress.FileKind], String, Bool)])
    func obstacle(
        named: String?, places: [String: AgentAddress.FileKind], path: String, isDirectory: Bool
    ) throws {
        let error = #expect(throws: GuestAgentError.notASocket(path: path, isDirectory: isDirectory)) {
            try find(named, nil, places)
        }
        #expect(error?.kind == .serviceFailed)
        #expect(error?.description.contains("\"\(path)\"") == true)
        #expect(error?.description.contains("directory") == isDirectory)
        #expect(error?.hints.isEmpty == false)
        #expect(error?.hints.first?.contains("docker") == isDirectory)
    }

    @Test func `what is at a path is seen on disk, behind links too`() throws {
        try withTemporaryDirectory { directory throws in
            try LoopbackServer.makeDeadSocket(atPath: "\(directory)/socket")
            unsafe symlink("\(directory)/socket", "\(directory)/link")
            unsafe symlink("\(directory)/absent", "\(directory)/broken")
            unsafe close(creat("\(directory)/file", 0o600))
            let places = ["", "/socket", "/link", "/broken", "/file", "/absent"].map {
                AgentAddress.FileKind(at: directory + $0)
            }
            #expect(places == [.directory, .socket, .socket, .nothing, .file, .nothing])
        }
    }
}
