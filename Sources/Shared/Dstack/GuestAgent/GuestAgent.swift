package import Failures
package import HTTP
import JSON
import Primitives
import SecretMemory

/// The dstack guest agent of this CVM (0.4.2 and later), or a simulator of it.
///
/// Whoever can open its socket can get every key of the app.
package final class GuestAgent {
    private let endpoint: Endpoint
    private let http: HTTPClient
    private let limits: HTTPLimits
    private var name: String { endpoint.displayName }

    /// - Parameters:
    ///   - endpoint: where the agent listens; see ``AgentAddress``.
    ///   - deadline: the time for each request.
    package init(at endpoint: Endpoint, over http: HTTPClient = HTTPClient(), deadline: Duration = .seconds(10)) {
        self.endpoint = endpoint
        self.http = http
        limits = HTTPLimits(body: 1 << 20, deadline: deadline, connectTimeout: deadline)
    }

    /// What the agent says of the app.
    ///
    /// - Throws: ``GuestAgentError``.
    package func info() throws(GuestAgentError) -> GuestInfo {
        let response = try ask("Info", .members([:]))
        let object = try self.object(in: response, of: "Info")
        do { return try GuestInfo(object) } catch { throw malformed("Info", "\(error)") }
    }

    /// The key that belongs to a path, the same one each time.
    ///
    /// - Parameters:
    ///   - path: taken byte for byte: `bridge` and `/bridge` are two keys.
    ///   - purpose: what the signature chain says that the key is for. It does not change the key.
    /// - Throws: ``GuestAgentError``. A key that no KMS vouches for is no error here; see
    ///   ``DerivedKey/signatureChain``.
    package func getKey(path: String, purpose: String) throws(GuestAgentError) -> DerivedKey {
        let method = "GetKey"
        var response = try ask(method, .members(["path": .string(path), "purpose": .string(purpose)]))
        defer { wipe(&response.body) }
        let secret = KeyFieldScanner.take(from: &response.body)
        let object = try self.object(in: response, of: method)
        // The digits are zeros by now: this asks whether they stood in this object and not in one inside it.
        guard let secret, let digits = object["key"]?.string, digits.allSatisfy({ $0 == "0" || $0 == "x" }) else {
            throw malformed(method, "it has no 32-byte key in hex")
        }
        // The v1 API names the public key too, and signs something else with it.
        guard object["public_key"] == nil else { throw .otherAPI(agent: name) }
        let chain = try signatureChain(in: object)
        return DerivedKey(secret: secret, appLink: chain.app, kmsLink: chain.kms, agent: name)
    }

    private func signatureChain(in object: JSONObject) throws(GuestAgentError) -> (app: [UInt8], kms: [UInt8]) {
        guard let links = object["signature_chain"]?.array, links.count == 2 else {
            throw malformed("GetKey", "its signature_chain is not an array of two")
        }
        let signatures = links.map { $0.string.flatMap { try? Hex.decode($0, prefix: .optional) } }
        guard let app = signatures[0], let kms = signatures[1], app.count == 65, kms.count == 65 || kms.isEmpty else {
            throw malformed("GetKey", "its signature_chain does not have 65 bytes of hex in each link")
        }
        return (app, kms)
    }

    private func ask(_ method: String, _ parameters: JSONValue) throws(GuestAgentError) -> HTTPResponse {
        // A connection for each request: the agent may have been restarted since the last.
        let request = HTTPRequest(
            endpoint, .post(Array(parameters.compact.utf8)), path: "/\(method)", subject: method,
            headers: [("Content-Type", "application/json"), ("Accept", "application/json")], limits: limits,
            reusesConnection: false)
        do { return try http.perform(request) } catch { throw .transport(error) }
    }

    /// The object that an answer is. Agents send errors with a status and without: both are looked at.
    private func object(in response: HTTPResponse, of method: String) throws(GuestAgentError) -> JSONObject {
        let value = try? JSONParser.parse(response.body)
        if let error = value?.object?["error"], !error.isNull {
            let reason = endpoint.redacting(error.string ?? error.compact)
            throw .refused(agent: name, method: method, reason: reason)
        }
        guard response.isSuccess else { throw .status(agent: name, method: method, code: response.status) }
        guard let object = value?.object else { throw malformed(method, "it is not a JSON object") }
        return object
    }

    private func malformed(_ method: String, _ reason: String) -> GuestAgentError {
        .malformed(agent: name, method: method, reason: reason)
    }
}

/// Why the guest agent gave no key or no description of the app. `agent` names where it was asked.
package enum GuestAgentError: UserFacingError, Equatable {
    /// Nothing is at any of these paths.
    case noSocket(paths: [String])
    /// There is a file in place of a socket, or a directory without one.
    case notASocket(path: String, isDirectory: Bool)
    /// The agent's address is neither a URL nor the path of a socket. `reason` is a clause.
    case invalidAddress(reason: String)
    /// No HTTP answer came.
    case transport(HTTPError)
    /// The agent refused the request, with its own text.
    case refused(agent: String, method: String, reason: String)
    /// An HTTP status other than success, without an explanation.
    case status(agent: String, method: String, code: Int)
    /// An answer that is not what the method answers. `reason` is a clause without a byte of a secret.
    case malformed(agent: String, method: String, reason: String)
    /// It answers with its v1 API, of which the contract knows no key.
    case otherAPI(agent: String)
    /// The app's key comes from no KMS, so no chain of signatures leads to one.
    case notKMSIssued(agent: String)

    package var kind: ErrorCategory {
        switch self {
        case .invalidAddress: .badInput
        case .notKMSIssued, .otherAPI: .negativeResult
        case .noSocket, .notASocket, .transport, .refused, .status, .malformed: .serviceFailed
        }
    }

    /// Whether the agent may well answer a little later: it starts after the container, or is being restarted.
    package var isTransient: Bool {
        switch self {
        case .noSocket, .notASocket: true
        case .transport(let error): error.isTransient
        case .status(_, _, let code): HTTPResponse.isTransient(status: code)
        case .invalidAddress, .refused, .malformed, .notKMSIssued, .otherAPI: false
        }
    }

    package var description: String {
        switch self {
        case .noSocket(let paths):
            "no dstack guest agent socket at " + paths.map { $0.quoted(limit: 120) }.joined(separator: ", ")
        case .notASocket(let path, let isDirectory):
            "\(path.quoted(limit: 120)) is not the socket of the dstack guest agent, but a "
                + (isDirectory ? "directory without \(AgentAddress.socketName)" : "file")
        case .invalidAddress(let reason): "not the address of a dstack guest agent: \(reason)"
        case .transport(let error): "the dstack guest agent at \(error)"
        case .refused(let agent, let method, let reason):
            "the dstack guest agent at \(agent) answered \(method) with an error: \(Self.onOneLine(reason).quoted(limit: 300))"
        case .status(let agent, let method, let code):
            "the dstack guest agent at \(agent) answered \(method) with HTTP status \(code)"
        case .malformed(let agent, let method, let reason):
            "the dstack guest agent at \(agent) gave an invalid answer to \(method): \(reason)"
        case .otherAPI(let agent):
            "the dstack guest agent at \(agent) gave a key of its v1 API, which the contract does not accept"
        case .notKMSIssued(let agent):
            "the dstack guest agent at \(agent) holds an app key that no KMS has signed"
        }
    }

    package var hints: [String] {
        switch self {
        case .noSocket(let paths) where paths.first?.tildeHint != nil: paths.compactMap(\.tildeHint)
        case .noSocket:
            [
                "inside a CVM, mount the socket into the container: /var/run/dstack.sock:/var/run/dstack.sock",
                "elsewhere, name it in DSTACK_SIMULATOR_ENDPOINT",
            ]
        case .notASocket(_, isDirectory: true):
            [
                "docker makes a directory where the socket to be mounted is absent: remove it on the host, mount the agent's "
                    + "socket, /var/run/dstack.sock, and create the container again"
            ]
        case .notASocket: ["is this the path of its socket?"]
        case .transport(.connectionRefused(let endpoint)) where endpoint.hasPrefix("\""):
            [
                "the socket file exists, but nothing listens on it: the agent may have been restarted after the container "
                    + "mounted it; restart the container"
            ]
        case .transport(let error): error.hints
        case .status(_, _, 404): ["the agent is older than 0.4.2, or this is another service's address"]
        case .otherAPI: ["leave /v1 out of its address"]
        case .notKMSIssued: ["deploy the app with a KMS as its key provider"]
        case .invalidAddress: ["give the path of its socket, or an http:// URL"]
        case .refused: ["the agent's message says why; its log in the CVM may say more"]
        case .status, .malformed: ["is this the address of a dstack guest agent, of 0.4.2 or later?"]
        }
    }

    /// Agents before 0.5.6 send their errors in Debug form, on many lines.
    private static func onOneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
