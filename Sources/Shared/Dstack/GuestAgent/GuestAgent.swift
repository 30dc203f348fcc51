import Glibc
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

/// Finds where the dstack guest agent listens, in the order of dstack's own clients.
package enum AgentAddress {
    /// The variable that names the agent where no option does.
    package static let variable = "DSTACK_SIMULATOR_ENDPOINT"
    /// Where the agent's socket is in a CVM, by version.
    package static let defaultPaths = [
        "/var/run/dstack.sock", "/run/dstack.sock", "/var/run/dstack/dstack.sock", "/run/dstack/dstack.sock",
    ]

    /// The agent's endpoint: the one that was named, else the environment's, else the first default path that is
    /// there.
    ///
    /// - Parameters:
    ///   - named: an http or https URL, or a socket's path, which `unix:` or `unix://` may precede. Empty is none.
    ///   - environment: the value of a variable, or nil.
    ///   - exists: whether a path has a file.
    /// - Throws: ``GuestAgentError/noSocket(paths:)`` with the paths that were looked at;
    ///   ``GuestAgentError/invalidAddress(reason:)``.
    package static func find(
        named: String? = nil, environment: (String) -> String? = variable(_:), exists: (String) -> Bool = fileExists(_:)
    ) throws(GuestAgentError) -> Endpoint {
        let candidates = [named, environment(variable)].compactMap { $0 }.filter { !$0.isEmpty }
        if let address = candidates.first, ["http://", "https://"].contains(where: address.lowercased().hasPrefix) {
            return try endpoint { () throws(HTTPError) in try Endpoint(url: address) }
        }
        let paths = candidates.first.map { [withoutScheme($0)] } ?? defaultPaths
        guard let path = paths.first(where: exists) else { throw .noSocket(paths: paths) }
        return try endpoint { () throws(HTTPError) in try Endpoint(socketPath: path) }
    }

    /// The value of an environment variable of this process.
    package static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Whether a path has a file of any kind.
    package static func fileExists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    private static func endpoint(_ make: () throws(HTTPError) -> Endpoint) throws(GuestAgentError) -> Endpoint {
        do { return try make() } catch .invalidEndpoint(let reason) {
            throw .invalidAddress(reason: reason)
        } catch { throw .transport(error) }
    }

    private static func withoutScheme(_ path: String) -> String {
        for scheme in ["unix://", "unix:"] where path.hasPrefix(scheme) { return String(path.dropFirst(scheme.count)) }
        return path
    }
}
