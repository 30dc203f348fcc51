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
        let secret = KeyMember.take(from: &response.body)
        let object = try self.object(in: response, of: method)
        // The digits are zeros by now: this asks whether they stood in this object and not in one inside it.
        guard let secret, let digits = object["key"]?.string, digits.allSatisfy({ $0 == "0" || $0 == "x" }) else {
            throw malformed(method, "it has no key of 32 bytes of hex")
        }
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
        guard let object = value?.object else { throw malformed(method, "it is no JSON object") }
        return object
    }

    private func malformed(_ method: String, _ reason: String) -> GuestAgentError {
        .malformed(agent: name, method: method, reason: reason)
    }
}
