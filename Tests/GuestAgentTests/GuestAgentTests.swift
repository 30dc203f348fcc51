import Failures
import GuestAgent
import HTTP
import JSON
import LoopbackServer
import Primitives
import SecretMemory
import TestSupport
import Testing

/// Digits of a test key: 00 01 02 … 1f.
private let keyDigits = Hex.encode((0..<32).map { UInt8($0) }, prefixed: false)
private let appLink = String(repeating: "a1", count: 65)
private let kmsLink = String(repeating: "b2", count: 65)

/// GetKey's answer.
private func keyAnswer(key: String = keyDigits, _ links: String...) -> String {
    let chain = links.map { "\"\($0)\"" }.joined(separator: ",")
    return "{\"key\":\"\(key)\",\"signature_chain\":[\(chain)]}"
}

/// Runs `body` with an agent on a unix socket that plays these steps for each request.
private func withAgent<Result>(
    _ script: @escaping @Sendable (LoopbackServer.Request) -> [LoopbackServer.Step],
    _ body: (LoopbackServer, GuestAgent) throws -> Result
) throws -> Result {
    try withTemporaryDirectory { directory in
        let path = "\(directory)/dstack.sock"
        let server = try LoopbackServer(socketPath: path, script: script)
        defer { server.stop() }
        return try body(server, GuestAgent(at: Endpoint(socketPath: path), deadline: .seconds(5)))
    }
}

/// What GetKey throws where the agent plays this step.
private func keyError(_ step: LoopbackServer.Step) throws -> GuestAgentError? {
    try withAgent({ _ in [step] }) { _, agent in
        do throws(GuestAgentError) {
            _ = try agent.getKey(path: "/bridge", purpose: "ethereum")
            return nil
        } catch { return error }
    }
}

/// What Info throws where the agent answers with this text.
private func infoError(_ text: String) throws -> GuestAgentError? {
    try withAgent({ _ in [.answer(text)] }) { _, agent in
        do throws(GuestAgentError) {
            _ = try agent.info()
            return nil
        } catch { return error }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct GetKeyTests {
    @Test(
        "the key and both links come back, with 0x or without",
        arguments: [
            keyAnswer(appLink, kmsLink), keyAnswer(key: "0x" + keyDigits, "0x" + appLink, "0x" + kmsLink),
            keyAnswer(key: keyDigits.uppercased(), appLink, kmsLink),
            "{ \"unknown\": {}, \"signature_chain\" : [\"\(appLink)\", \"\(kmsLink)\"], \n \"key\" : \"\(keyDigits)\" }",
        ])
    func key(answer: String) throws {
        try withAgent({ _ in [.answer(answer)] }) { server, agent throws in
            let key = try agent.getKey(path: "/bridge", purpose: "ethereum")
            #expect(try key.signatureChain == [Hex.decode(appLink, prefix: .none), Hex.decode(kmsLink, prefix: .none)])
            let bytes = key.takeSecret().withBytes { span in span.indices.map { span[$0] } }
            #expect(bytes == (0..<32).map { UInt8($0) })
            let request = try #require(server.requests.first)
            #expect(request.head.hasPrefix("POST /GetKey HTTP/1.1\r\n"))
            #expect(request.head.contains("Content-Type: application/json"))
            #expect(request.body == Array(#"{"path":"/bridge","purpose":"ethereum"}"#.utf8))
        }
    }

    @Test func `an empty second link leaves the key, but there is no chain`() throws {
        try withAgent({ _ in [.answer(keyAnswer(appLink, ""))] }) { _, agent throws in
            let key = try agent.getKey(path: "/bridge", purpose: "ethereum")
            let isKMSIssued = key.isKMSIssued
            #expect(!isKMSIssued)
            var thrown: GuestAgentError?
            do throws(GuestAgentError) { _ = try key.signatureChain } catch { thrown = error }
            guard case .notKMSIssued = thrown else {
                Issue.record("not refused")
                return
            }
            #expect(thrown?.kind == .negativeResult)
            let count = key.takeSecret().count
            #expect(count == 32)
        }
    }

    @Test(
        "an answer without a whole key and chain is malformed, and shows nothing of the key",
        arguments: [
            keyAnswer(key: "", appLink, kmsLink), keyAnswer(key: keyDigits + "00", appLink, kmsLink),
            keyAnswer(key: String(keyDigits.dropLast()), appLink, kmsLink), keyAnswer(key: "zz", appLink, kmsLink),
            keyAnswer(), keyAnswer(appLink), keyAnswer(appLink, kmsLink, kmsLink), keyAnswer("", kmsLink),
            keyAnswer(appLink, "00"), keyAnswer(appLink, "x"), "{\"key\":\"\(keyDigits)\"}",
            "{\"inner\":{\"key\":\"\(keyDigits)\"},\"signature_chain\":[\"\(appLink)\",\"\(kmsLink)\"]}",
            "{\"inner\":{\"key\":\"\(keyDigits)\"},\"key\":\"\(keyDigits)\",\"signature_chain\":[\"\(appLink)\",\"\(kmsLink)\"]}",
            "{\"key\":\"\(keyDigits)\",\"signature_chain\":[1,2]}", "{\"key\":7}", "[]", "", "<html>",
            "{\"key\":\"\(keyDigits)",
            "{\"key\"", "{\"key\":", "{\"key\":\"", "null",
        ])
    func malformed(answer: String) throws {
        let error = try keyError(.answer(answer))
        guard case .malformed = error else { return unexpected(error) }
        #expect(error?.description.contains("0001") == false)
    }

    @Test(
        "the agent's own error is shown on one line, with a status or without",
        arguments: ["200 OK", "400 Bad Request", "500 Internal Server Error"])
    func agentError(status: String) throws {
        let text = "{\n  \"error\": \"no\\u001b key\\n\\nCaused by:\\n    0: a\\n    1: b\"\n}"
        let error = try keyError(.answer(status: status, text))
        guard case .refused(let agent, "GetKey", _) = error else { return unexpected(error) }
        #expect(
            error?.description
                == "the dstack guest agent at \(agent) answered GetKey with an error: \"no\\u{1b} key Caused by: 0: a 1: b\""
        )
    }

    @Test func `a long error is cut`() throws {
        let error = try keyError(
            .answer(status: "400 Bad Request", "{\"error\":\"\(String(repeating: "x", count: 9000))\"}"))
        #expect(error.map { $0.description.count < 500 } == true)
    }

    @Test("a status without an error text is told", arguments: ["404 Not Found", "400 Bad Request", "503 Unavailable"])
    func status(status: String) throws {
        let error = try keyError(.answer(status: status, "<!DOCTYPE html>"))
        guard case .status(_, "GetKey", let code) = error else { return unexpected(error) }
        #expect(error?.description.hasSuffix("HTTP status \(code)") == true)
    }

    @Test func `a dead socket is hinted at as a stale mount`() throws {
        try withTemporaryDirectory { directory throws in
            let path = "\(directory)/s"
            try LoopbackServer.makeDeadSocket(atPath: path)
            let agent = GuestAgent(at: try Endpoint(socketPath: path))
            let error = #expect(throws: GuestAgentError.transport(.connectionRefused(endpoint: "\"\(path)\""))) {
                _ = try agent.info()
            }
            #expect(error?.hints.first?.contains("restart") == true)
            #expect(error?.isTransient == true)
        }
    }

    @Test func `an answer above 1 MiB and one that does not come are errors`() throws {
        guard
            case .transport(.responseTooLarge(_, .body, 1_048_576)) = try keyError(
                .answer(String(repeating: " ", count: 1_048_577)))
        else {
            Issue.record("not too large")
            return
        }
        let silent = try LoopbackServer { _ in [.pause(milliseconds: 20_000)] }
        defer { silent.stop() }
        let endpoint = try Endpoint(url: silent.url)
        let expected = HTTPError.timedOut(endpoint: silent.url, .exchanging, limit: .milliseconds(200))
        #expect(throws: GuestAgentError.transport(expected)) {
            _ = try GuestAgent(at: endpoint, deadline: .milliseconds(200)).info()
        }
    }

    @Test func `each request gets a connection of its own`() throws {
        try withAgent({ _ in [.answer("{\"app_id\":\"\(String(repeating: "1", count: 40))\"}")] }) {
            server, agent throws in
            _ = try agent.info()
            _ = try agent.info()
            #expect(server.connectionCount == 2)
        }
    }

    @Test func `an agent behind a URL is asked below its path`() throws {
        let server = try LoopbackServer { _ in [.answer(keyAnswer(appLink, kmsLink))] }
        defer { server.stop() }
        let agent = GuestAgent(at: try Endpoint(url: "\(server.url)/v0/"))
        let key = try agent.getKey(path: "", purpose: "")
        let isKMSIssued = key.isKMSIssued
        #expect(isKMSIssued)
        #expect(server.requests.first?.target == "/v0/GetKey")
    }
}

@Suite(.timeLimit(.minutes(1)))
struct InfoTests {
    @Test func `the app is described, and the whole answer is kept`() throws {
        let text = """
            {"app_id":"5bb4ff9a3837357f19dc176407a5709c62eb6c56","instance_id":"1691ed1b47506cad7d08834668691d88246f5b1f",
            "app_name":"guest-agent","compose_hash":"c143116fef3940e7f776bfc0919c256232ae5338a6e948c96b711e0b2383483a",
            "tcb_info":"{}","later":1}
            """
        try withAgent({ _ in [.answer(text)] }) { server, agent throws in
            let info = try agent.info()
            #expect(info.appId.hex == "0x5bb4ff9a3837357f19dc176407a5709c62eb6c56")
            #expect(info.appName == "guest-agent")
            #expect(info.composeHash?.hex == "0xc143116fef3940e7f776bfc0919c256232ae5338a6e948c96b711e0b2383483a")
            #expect(info.instanceId.hex == "0x1691ed1b47506cad7d08834668691d88246f5b1f")
            #expect(info.raw["later"] == .number(1))
            #expect(server.requests.first?.target == "/Info")
            #expect(server.requests.first?.body == Array("{}".utf8))
        }
    }

    @Test(
        "what older agents leave out or leave empty is nil",
        arguments: [
            "{\"app_id\":\"0x5bb4ff9a3837357f19dc176407a5709c62eb6c56\"}",
            "{\"app_id\":\"5bb4ff9a3837357f19dc176407a5709c62eb6c56\",\"compose_hash\":\"\",\"instance_id\":\"\",\"app_name\":\"\"}",
        ])
    func older(text: String) throws {
        try withAgent({ _ in [.answer(text)] }) { _, agent throws in
            let info = try agent.info()
            #expect(info.composeHash == nil)
            #expect(info.instanceId.isEmpty)
            #expect(info.appName.isEmpty)
        }
    }

    @Test(
        "an ill-typed member is named",
        arguments: [
            ("{}", "app_id"), ("{\"app_id\":1}", "app_id"), ("{\"app_id\":\"00\"}", "app_id"),
            ("{\"app_id\":\"5bb4ff9a3837357f19dc176407a5709c62eb6c56\",\"compose_hash\":\"00\"}", "compose_hash"),
            ("{\"app_id\":\"5bb4ff9a3837357f19dc176407a5709c62eb6c56\",\"instance_id\":\"0\"}", "instance_id"),
            ("[]", "not a JSON object"),
        ])
    func illTyped(text: String, named: String) throws {
        let error = try infoError(text)
        guard case .malformed(_, "Info", let reason) = error else { return unexpected(error) }
        #expect(reason.contains(named))
    }
}
