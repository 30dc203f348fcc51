import Dstack
import Failures
import Glibc
import GuestAgent
import HTTP
import JSON
import LoopbackServer
import Primitives
import Synchronization
import TestSupport
import TestVectors
import Testing

/// The published proof, and what its CVM's guest agent answers.
private enum Published {
    static func document() throws -> JSONObject {
        try #require(TestVectors.load("dstack-chains.json", member: "proofs").first).object("proof")
    }

    /// The answer to GetKey; `kms` is the second link where it is another than the published one.
    static func key(kms: String? = nil) throws -> String {
        let proof = try document().object("dstack_proof")
        let links = [try proof.string("app_signature"), try kms ?? proof.string("kms_signature")]
        let key = try TestVectors.load("dstack-chains.json").object("keys").string("derived")
        return JSONValue.members([
            "key": .string(key), "signature_chain": .array(links.map(JSONValue.string)),
        ]).compact
    }

    static func info(appId: String? = nil) throws -> String {
        JSONValue.members(["app_id": .string(try appId ?? document().string("app_id"))]).compact
    }
}

private let query = ProofSource.Query(path: "/bridge", purpose: "ethereum", timeout: .seconds(20))

/// What came of fetching, and the requests and retries that it took.
private struct Fetching {
    var proof: Proof?
    var error: ProofSourceError?
    var targets: [String] = []
    var retries: [ProofSourceError] = []
}

/// Fetches from a server that plays these steps, one to a request, the last again and again.
private func fetch(
    _ steps: LoopbackServer.Step..., retryFor: Duration = .zero, path: String = "", query: ProofSource.Query = query
) throws -> Fetching {
    let count = Mutex(0)
    let server = try LoopbackServer { _ in
        let ordinal = count.withLock { count in
            count += 1
            return count - 1
        }
        return [steps[min(ordinal, steps.count - 1)]]
    }
    defer { server.stop() }
    var fetching = try fetch(from: ProofSource(server.url + path), retryFor: retryFor, query: query)
    fetching.targets = server.requests.map(\.target)
    return fetching
}

private func fetch(from source: ProofSource, retryFor: Duration = .zero, query: ProofSource.Query = query) -> Fetching {
    let retries = Retries()
    let fetcher = ProofFetcher(query: query, retryFor: retryFor) { error, _ in
        retries.errors.withLock { $0.append(error) }
    }
    var fetching = Fetching()
    do throws(ProofSourceError) { fetching.proof = try fetcher.fetch(from: source) } catch { fetching.error = error }
    fetching.retries = retries.errors.withLock { $0 }
    return fetching
}

private final class Retries: Sendable {
    let errors = Mutex<[ProofSourceError]>([])
}

@Suite(.timeLimit(.minutes(1)))
struct WebSourceTests {
    @Test("the proof is at the URL's /proof", arguments: [("", "/proof"), ("/", "/proof"), ("/cvm/1", "/cvm/1/proof")])
    func fetches(path: String, target: String) throws {
        let document = try Published.document()
        let fetching = try fetch(.answer(JSONValue.object(document).compact), path: path)
        #expect(fetching.proof?.json == .object(document))
        #expect(fetching.targets == [target])
    }

    @Test(
        "an answer that is no proof is told in the server's words, and asked for again",
        arguments: [
            ("<html>no</html>", "HTML"), (" \r\n\t<!DOCTYPE html><title>Soon</title>", #": "Soon""#), ("", "empty"),
            ("starting up", #": "starting up""#), ("{", "truncated"), ("[]", #": "[]""#), ("7", #": "7""#),
            (#"{"a":1,"a":1}"#, "twice"), (#"{"error":"no key yet"}"#, #": "no key yet""#),
            (#"{"status":"ok"}"#, #": "{"status":"ok"}""#), (#"{"proof":{"member_id":"0x"}}"#, "member_id"),
            (#"{"error":"\u001b[2J"}"#, #""\u{1b}[2J""#),
        ])
    func noProof(body: String, words: String) throws {
        let proof = JSONValue.object(try Published.document()).compact
        let fetching = try fetch(.answer(body), .answer(proof), retryFor: .seconds(20))
        #expect(fetching.proof != nil)
        let error = try #require(fetching.retries.first)
        #expect(error.description.hasPrefix("http://127.0.0.1:"))
        #expect(error.description.contains(words))
        #expect(error.description.utf8.count < 300)
        #expect(error.kind == .serviceFailed)
        #expect(error.hints.contains { $0.contains("/proof") })
        #expect(fetching.retries.count == 1)
    }

    @Test func `a long answer is cut`() throws {
        let error = try fetch(.answer("{\"a\":\"\(String(repeating: "x", count: 9999))\"}")).error
        #expect((error?.description.utf8.count ?? 0) < 300)
    }

    @Test("a proof that is wrapped once is read", arguments: [#"{"proof":*}"#, #"{"status":"ok","data":*}"#, "[*]"])
    func wrapped(form: String) throws {
        let document = JSONValue.object(try Published.document())
        let fetching = try fetch(.answer(form.replacing("*", with: document.compact)))
        #expect(fetching.proof?.json == document)
    }

    @Test("what looks like a proof and is not one is an answer: no", arguments: ["*", #"{"proof":*}"#, "[*]"])
    func looksLikeProof(form: String) throws {
        for text in [#"{"code_id":7}"#, #"{"dstack_proof":{}}"#] {
            let fetching = try fetch(.answer(form.replacing("*", with: text)), retryFor: .seconds(20))
            guard case .invalid(_, .malformed) = fetching.error else { return unexpected(fetching.error) }
            #expect(fetching.error?.kind == .negativeResult)
            #expect(fetching.error?.description.contains("code_id") == true)
            #expect(fetching.targets.count == 1)
        }
    }

    @Test("a status that does not pass is not tried again", arguments: [("404 Not Found", 404), ("302 Found", 302)])
    func status(line: String, code: Int) throws {
        let fetching = try fetch(.answer(status: line, "<html>"), retryFor: .seconds(20))
        guard case .http(.status(_, code, nil), retryAfter: nil) = fetching.error else {
            return unexpected(fetching.error)
        }
        #expect(fetching.targets.count == 1)
        #expect(fetching.retries.isEmpty)
    }

    @Test(
        "what passes is tried again, and told",
        arguments: [
            .answer(status: "500 Internal Server Error", ""), .answer(status: "503 Busy", "<html>"), .reset, .close,
        ]
            as [LoopbackServer.Step])
    func retries(step: LoopbackServer.Step) throws {
        let body = JSONValue.object(try Published.document()).compact
        let fetching = try fetch(step, .answer(body), retryFor: .seconds(20))
        #expect(fetching.proof != nil)
        #expect(fetching.targets == ["/proof", "/proof"])
        #expect(fetching.retries.count == 1)
    }

    @Test func `without time for it nothing is tried again`() throws {
        let fetching = try fetch(.answer(status: "500 Internal Server Error", ""))
        guard case .http(.status(_, 500, _), _) = fetching.error else { return unexpected(fetching.error) }
        #expect(fetching.targets.count == 1)
    }

    @Test func `a pause that the server asks for is kept, or the fetching ends`() throws {
        let busy = LoopbackServer.Step.answer(status: "503 Busy", headers: ["Retry-After: 60"], "")
        let fetching = try fetch(busy, retryFor: .seconds(20))
        guard case .http(.status(_, 503, _), retryAfter: .seconds(60)) = fetching.error else {
            return unexpected(fetching.error)
        }
        #expect(fetching.targets.count == 1)
    }

    @Test func `a proof that does not hold is an answer: no`() throws {
        let document = try Published.document()
        let forged = JSONValue.object(document).compact.replacing("\"ethereum\"", with: "\"signing\"")
        let fetching = try fetch(.answer(forged), retryFor: .seconds(20))
        guard case .invalid(_, .wrongPurpose(actual: "signing")) = fetching.error else {
            return unexpected(fetching.error)
        }
        #expect(fetching.error?.kind == .negativeResult)
        #expect(fetching.targets.count == 1)
    }

    @Test func `an answer beyond 1 MiB and one that does not come are errors`() throws {
        let large = try fetch(.answer(String(repeating: " ", count: (1 << 20) + 1)))
        guard case .http(.responseTooLarge(_, .body, _), _) = large.error else { return unexpected(large.error) }
        let brief = ProofSource.Query(path: "", purpose: "", timeout: .milliseconds(100))
        let late = try fetch(.pause(milliseconds: 20_000), query: brief)
        guard case .http(.timedOut, _) = late.error else { return unexpected(late.error) }
        #expect(late.error?.kind == .serviceFailed)
    }

    @Test func `messages show no path of a URL`() throws {
        for step in [.answer("<html>"), .answer("x"), .answer("{}"), .answer(status: "404 Not Found", ""), .reset]
            as [LoopbackServer.Step]
        {
            let error = try #require(try fetch(step, path: "/APIKEY-1").error)
            #expect(!error.description.contains("APIKEY"))
            #expect(error.description.contains("http://127.0.0.1:"))
        }
    }

    @Test("what names no source is refused", arguments: ["", "cvm.example", "ftp://a", "http://", "/run/dstack.sock"])
    func noSource(text: String) {
        let error = #expect(throws: ProofSourceError.self) { try ProofSource(text) }
        guard case .notASource = error else { return unexpected(error) }
        #expect(error?.kind == .badInput)
        #expect(error?.hints.isEmpty == false)
    }

    @Test func `sources are fetched side by side and handed over in their order`() throws {
        let body = JSONValue.object(try Published.document()).compact
        let isAsked = Mutex(false)
        // The first answers once the second was asked: one after the other would meet the timeout.
        let first = try LoopbackServer { _ in
            while !isAsked.withLock({ $0 }) { usleep(1000) }
            return [.answer(body)]
        }
        let second = try LoopbackServer { _ in
            isAsked.withLock { $0 = true }
            return [.answer("<html>")]
        }
        defer {
            first.stop()
            second.stop()
        }
        let fetcher = ProofFetcher(query: query, retryFor: .zero) { _, _ in }
        var isSuccess: [Bool] = []
        try fetcher.fetchAll(from: [ProofSource(first.url), ProofSource(second.url)]) { result in
            if case .success = result { isSuccess.append(true) } else { isSuccess.append(false) }
        }
        #expect(isSuccess == [true, false])
    }
}

@Suite(.timeLimit(.minutes(1)))
struct AgentSourceTests {
    /// Makes the proof with a guest agent that answers so.
    private func make(
        info: LoopbackServer.Step, key: LoopbackServer.Step, query: ProofSource.Query = query
    ) throws -> (Fetching, [LoopbackServer.Request]) {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/dstack.sock"
            let server = try LoopbackServer(socketPath: path) { $0.target == "/Info" ? [info] : [key] }
            defer { server.stop() }
            return (fetch(from: try ProofSource("dstack:\(path)"), query: query), server.requests)
        }
    }

    @Test func `the proof is made from the agent's key as the CVM makes it`() throws {
        let (fetching, requests) = try make(info: .answer(Published.info()), key: .answer(Published.key()))
        #expect(try fetching.proof?.json == .object(Published.document()))
        let bodies = requests.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(bodies == ["{}", #"{"path":"/bridge","purpose":"ethereum"}"#])
    }

    @Test func `an app without a KMS has no proof`() throws {
        let (fetching, _) = try make(info: .answer(Published.info()), key: .answer(Published.key(kms: "")))
        guard case .agent(.notKMSIssued) = fetching.error else { return unexpected(fetching.error) }
        #expect(fetching.error?.kind == .negativeResult)
        #expect(fetching.error?.hints.isEmpty == false)
    }

    @Test func `a chain that is another app's does not pass for a proof of this one`() throws {
        let other = String(repeating: "00", count: 20)
        let (fetching, _) = try make(info: .answer(Published.info(appId: other)), key: .answer(Published.key()))
        // The KMS signature over another app id recovers another root: the proof names it, and it is not trusted.
        let published = try Proof(json: Published.document())
        #expect(fetching.proof?.kmsRoot != published.kmsRoot)
    }

    @Test func `another purpose than the bridge's makes no proof`() throws {
        let signing = ProofSource.Query(path: "/bridge", purpose: "signing", timeout: .seconds(20))
        let (fetching, _) = try make(
            info: .answer(Published.info()), key: .answer(Published.key()), query: signing)
        guard case .invalid = fetching.error else { return unexpected(fetching.error) }
        #expect(fetching.error?.kind == .negativeResult)
    }

    @Test func `a signature that is none is told`() throws {
        let zeros = String(repeating: "00", count: 65)
        let (fetching, _) = try make(info: .answer(Published.info()), key: .answer(Published.key(kms: zeros)))
        #expect(fetching.proof == nil)
        #expect(fetching.error != nil)
    }

    @Test func `a refusal is the agent's own, and its absence may pass`() throws {
        let refusal = LoopbackServer.Step.answer(status: "400 Bad Request", #"{"error":"no"}"#)
        let (fetching, _) = try make(info: refusal, key: refusal)
        guard case .agent(.refused(_, "Info", "no")) = fetching.error else { return unexpected(fetching.error) }
        let absent = fetch(from: try ProofSource("dstack:/nonexistent/dstack.sock"), retryFor: .milliseconds(50))
        #expect(absent.error == .agent(.noSocket(paths: ["/nonexistent/dstack.sock"])))
        #expect(absent.retries.first == absent.error)
    }
}
