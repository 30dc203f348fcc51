package import Dstack
package import Failures
import Glibc
package import HTTP
import JSON
package import KeySources
import Processes
package import ProofLog
import Secp256k1
import SecretMemory

/// Where a proof comes from: a CVM's agent over HTTP, or the dstack guest agent itself.
package enum ProofSource: Sendable {
    /// An http or https URL; the proof is at its `/proof`.
    case web(Endpoint)
    /// A guest agent; what is left out is the CVM's own, and the path and purpose that the query says.
    case agent(AgentKey)
    /// The URL of a container's log at the CVM's log endpoint: `http://HOST:8090/logs/CONTAINER`.
    case log(url: String)

    /// `http://…`, `https://…`, `dstack:` with what `AgentKey` reads, or `dstack-log:URL`.
    ///
    /// - Throws: ``ProofSourceError/notASource(reason:)``.
    package init(_ text: String) throws(ProofSourceError) {
        let logPrefix = "dstack-log:"
        if text.hasPrefix(logPrefix) {
            let url = String(text.dropFirst(logPrefix.count))
            do throws(HTTPError) { _ = try Endpoint(url: url) } catch {
                throw .notASource(reason: error.description)
            }
            self = .log(url: url)
            return
        }
        if text.hasPrefix("dstack:") {
            do throws(AgentKeyError) {
                self = .agent(try AgentKey(String(text.dropFirst("dstack:".count)), word: .socket))
            } catch { throw .agentKey(error) }
        } else {
            do throws(HTTPError) { self = .web(try Endpoint(url: text)) } catch {
                throw .notASource(reason: error.description)
            }
        }
    }

    /// What is requested, and with which time limit.
    package struct Query: Sendable {
        /// The path of the guest agent's key.
        package var path: String
        /// The purpose of the guest agent's key.
        package var purpose: String
        /// How long one attempt may take.
        package var timeout: Duration
        /// A file of PEM certificates to trust instead of the system's.
        package var caFile: String?
        /// Hears of each request.
        package var observer: HTTPObserver

        package init(
            path: String, purpose: String, timeout: Duration, caFile: String? = nil,
            observer: @escaping HTTPObserver = { _ in }
        ) {
            self.path = path
            self.purpose = purpose
            self.timeout = timeout
            self.caFile = caFile
            self.observer = observer
        }
    }

    /// The most bytes that a proof document may have.
    private static let documentLimit = 1 << 20

    /// The most bytes of a log that are taken at once.
    private static let logLimit = 64 << 20

    /// One attempt to get the proof.
    ///
    /// - Parameter since: the seconds of 1970 from which on a log is wanted; nil for all of it.
    /// - Throws: ``ProofSourceError``.
    func fetch(_ query: Query, since: Int? = nil) throws(ProofSourceError) -> Proof {
        switch self {
        case .log(let url): return try Self.search(url, since: since, query)
        case .web(let endpoint): return try Self.fetch(from: endpoint, query)
        case .agent(let key): return try Self.make(key, query)
        }
    }

    /// Searches what a container has printed (dstack: guest-agent, `/logs/<container>`).
    private static func search(_ url: String, since: Int?, _ query: Query) throws(ProofSourceError) -> Proof {
        let parts = url.split(separator: "?", maxSplits: 1)
        let own = parts.count > 1 ? parts.last?.split(separator: "&").map(String.init) ?? [] : []
        let wanted =
            [("text", "true"), ("bare", "true"), ("tail", "100000")] + (since.map { [("since", "\($0)")] } ?? [])
        let added = wanted.filter { name, _ in !own.contains { $0 == name || $0.hasPrefix(name + "=") } }
        let parameters = own + added.map { name, value in "\(name)=\(value)" }
        let limits = HTTPLimits(body: logLimit, deadline: query.timeout, connectTimeout: query.timeout)
        let client = HTTPClient(caFile: query.caFile, observer: query.observer)
        let endpoint: Endpoint
        let response: HTTPResponse
        do throws(HTTPError) {
            endpoint = try Endpoint(url: (parts.first ?? "") + "?" + parameters.joined(separator: "&"))
            response = try client.perform(HTTPRequest(endpoint, .get, limits: limits))
        } catch { throw .http(error, retryAfter: nil) }
        guard response.isSuccess else {
            throw .http(response.failure(from: endpoint), retryAfter: response.retryAfter)
        }
        do throws(ProofLogError) { return try LogSearch.lastProof(in: response.body.span) } catch {
            throw .log(source: endpoint.displayName, error)
        }
    }

    private static func fetch(from endpoint: Endpoint, _ query: Query) throws(ProofSourceError) -> Proof {
        let limits = HTTPLimits(body: documentLimit, deadline: query.timeout, connectTimeout: query.timeout)
        let request = HTTPRequest(
            endpoint, .get, path: "/proof", headers: [("Accept", "application/json")], limits: limits)
        let client = HTTPClient(caFile: query.caFile, observer: query.observer)
        let response: HTTPResponse
        do throws(HTTPError) { response = try client.perform(request) } catch {
            throw .http(error, retryAfter: nil)
        }
        guard response.isSuccess else {
            throw .http(response.failure(from: endpoint), retryAfter: response.retryAfter)
        }
        return try proof(in: response, from: endpoint)
    }

    private static func proof(
        in response: HTTPResponse, from endpoint: Endpoint
    ) throws(ProofSourceError) -> Proof {
        let source = endpoint.displayName
        let value: JSONValue
        do throws(NotJSON) { value = try response.json(from: endpoint) } catch {
            throw .notJSON(source: source, error)
        }
        guard let document = Proof.document(in: value) else {
            let text = response.explanation(from: endpoint) ?? endpoint.redacting(value.compact)
            throw .noProof(source: source, text: text)
        }
        do throws(ProofError) { return try Proof(json: document) } catch { throw .invalid(source: source, error) }
    }

    /// Makes the proof with the guest agent's key, as the CVM itself does.
    private static func make(_ source: AgentKey, _ query: Query) throws(ProofSourceError) -> Proof {
        let (path, purpose) = (source.path ?? query.path, source.purpose ?? query.purpose)
        let endpoint = try asking { () throws(GuestAgentError) in try AgentAddress.find(named: source.socket) }
        let agent = GuestAgent(at: endpoint, over: HTTPClient(observer: query.observer), deadline: query.timeout)
        let appId = try asking { () throws(GuestAgentError) in try agent.info().appId }
        let derived = try asking { () throws(GuestAgentError) in
            try agent.getKey(path: path, purpose: purpose)
        }
        let links = try asking { () throws(GuestAgentError) in try derived.signatureChain }
        let key = try key(derived.takeSecret(), from: endpoint)
        let signatures = try links.map { link throws(ProofSourceError) in try signature(link, from: endpoint) }
        do throws(ProofError) {
            let chain = try SignatureChain(
                appId: appId, purpose: purpose, derivedKey: key.publicKey, appSignature: signatures[0],
                kmsSignature: signatures[1])
            return try Proof(signedBy: key, chain: chain)
        } catch {
            throw .invalid(source: endpoint.displayName, error)
        }
    }

    private static func asking<Answer: ~Copyable>(
        _ question: () throws(GuestAgentError) -> Answer
    ) throws(ProofSourceError) -> Answer {
        do throws(GuestAgentError) { return try question() } catch { throw .agent(error) }
    }

    private static func key(
        _ secret: consuming SecretBytes, from endpoint: Endpoint
    ) throws(ProofSourceError) -> SecretKey {
        do throws(Secp256k1Error) { return try SecretKey(secret) } catch {
            throw .malformedKey(source: endpoint.displayName, reason: error.description)
        }
    }

    private static func signature(
        _ link: [UInt8], from endpoint: Endpoint
    ) throws(ProofSourceError) -> RecoverableSignature {
        do throws(Secp256k1Error) { return try RecoverableSignature(link) } catch {
            throw .malformedKey(source: endpoint.displayName, reason: error.description)
        }
    }
}

/// Gets proofs from several sources side by side, trying again where that can help.
package struct ProofFetcher: Sendable {
    /// The key, the limits and the observer of each request.
    package let query: ProofSource.Query
    /// For how long a source is tried again, from the first attempt on; zero for one attempt.
    package let retryFor: Duration
    /// Told of an attempt that failed and of the pause before the next.
    package let onRetry: @Sendable (ProofSourceError, Duration) -> Void

    package init(
        query: ProofSource.Query, retryFor: Duration,
        onRetry: @escaping @Sendable (ProofSourceError, Duration) -> Void
    ) {
        self.query = query
        self.retryFor = retryFor
        self.onRetry = onRetry
    }

    /// The proof of one source.
    ///
    /// - Throws: ``ProofSourceError`` of the last attempt.
    package func fetch(from source: ProofSource) throws(ProofSourceError) -> Proof {
        var backoff = Backoff(budget: retryFor)
        let start = ContinuousClock.now
        var since: Int?
        while true {
            // The clocks of two machines may differ, and what comes twice does no harm.
            let time = Glibc.time(nil) - 3600
            do throws(ProofSourceError) { return try source.fetch(query, since: since) } catch {
                if case .log = error { since = time }
                guard error.isTransient,
                    let pause = backoff.pause(elapsed: ContinuousClock.now - start, atLeast: error.retryAfter)
                else { throw error }
                onRetry(error, pause)
                HTTPClient(observer: query.observer).rest(for: pause, after: error.description)
            }
        }
    }

    /// The proofs of several sources, all fetched at once and delivered in the order of the sources.
    ///
    /// - Throws: what `body` throws, which ends the fetching.
    package func fetchAll(
        from sources: [ProofSource], _ body: (Result<Proof, ProofSourceError>) throws -> Void
    ) throws {
        // One needs no thread, nor the memory and the files that threads take.
        if sources.count == 1, let source = sources.first { return try body(result(from: source)) }
        try sources.mapAtOnce(limit: Self.sourceLimit, { result(from: $0) }, body)
    }

    /// The number of sources queried at once.
    private static let sourceLimit = 64

    private func result(from source: ProofSource) -> Result<Proof, ProofSourceError> {
        do throws(ProofSourceError) { return .success(try fetch(from: source)) } catch { return .failure(error) }
    }
}

/// Why no proof came from a source. `source` names it without the path of its URL.
package enum ProofSourceError: UserFacingError, Equatable {
    /// The text names no source.
    case notASource(reason: String)
    /// What follows `dstack:` names no guest agent.
    case agentKey(AgentKeyError)
    /// No usable HTTP answer.
    case http(HTTPError, retryAfter: Duration?)
    /// The answer is not JSON: a gateway's page, most likely.
    case notJSON(source: String, NotJSON)
    /// The answer is JSON without a proof. `text` is the server's explanation, or the answer itself.
    case noProof(source: String, text: String)
    /// No proof is in a container's log.
    case log(source: String, ProofLogError)
    /// The guest agent gave no key.
    case agent(GuestAgentError)
    /// The document or the chain does not hold.
    case invalid(source: String, ProofError)
    /// The guest agent's key or signatures are none.
    case malformedKey(source: String, reason: String)

    package var kind: ErrorCategory {
        switch self {
        case .notASource, .agentKey: .badInput
        case .http(let error, _): error.kind
        case .notJSON, .noProof, .malformedKey: .serviceFailed
        case .agent(let error): error.kind
        case .log(_, .noMarker): .serviceFailed
        case .log(_, let error): error.kind
        case .invalid: .negativeResult
        }
    }

    package var description: String {
        switch self {
        case .notASource(let reason): "not a source of proofs: \(reason)"
        case .agentKey(let error): error.description
        case .http(let error, _): error.description
        case .notJSON(let source, let what): "\(source): \(what)"
        case .noProof(let source, let text): "\(source): answered JSON that is not a proof: \(text.quoted(limit: 196))"
        case .log(let source, let error): "\(source): \(error)"
        case .agent(let error): error.description
        case .invalid(let source, let error): "the proof from \(source) is invalid: \(error)"
        case .malformedKey(let source, let reason): "\(source) returned an unusable key: \(reason)"
        }
    }

    package var hints: [String] {
        switch self {
        case .notASource:
            ["sources are http://HOST:PORT, https://HOST, dstack:SOCKET and dstack-log:http://HOST:8090/logs/CONTAINER"]
        case .log(_, .noMarker): ["is it the container that prints PROOF_JSON=?"]
        case .log(_, let error): error.hints
        case .agentKey(let error): error.hints
        case .http(let error, _): error.hints
        case .agent(let error): error.hints
        case .invalid(_, let error): error.hints
        case .notJSON, .noProof: ["is this the URL of a running bridge-agent, which serves /proof?"]
        case .malformedKey: ["is this the address of a dstack guest agent, of 0.4.2 or later?"]
        }
    }

    /// Whether asking again a little later may well help.
    var isTransient: Bool {
        switch self {
        case .http(let error, _): error.isTransient
        case .agent(let error): error.isTransient
        // A gateway, or whatever else stands in for a CVM that is not up yet.
        case .notJSON, .noProof, .log: true
        case .notASource, .agentKey, .invalid, .malformedKey: false
        }
    }

    /// The pause that the server requested.
    var retryAfter: Duration { if case .http(_, let pause?) = self { pause } else { .zero } }
}
