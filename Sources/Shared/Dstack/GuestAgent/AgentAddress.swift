import Glibc
package import HTTP

/// Finds where the dstack guest agent listens, in the order of dstack's own clients.
package enum AgentAddress {
    /// The variable that names the agent where no option does.
    package static let variable = "DSTACK_SIMULATOR_ENDPOINT"
    /// Where the agent's socket stands in a CVM, by version.
    package static let defaultPaths = [
        "/var/run/dstack.sock", "/run/dstack.sock", "/var/run/dstack/dstack.sock", "/run/dstack/dstack.sock",
    ]

    /// The agent's endpoint: the one that was named, else the environment's, else the first default path that is
    /// there.
    ///
    /// - Parameters:
    ///   - named: an http or https URL, or a socket's path, which `unix:` or `unix://` may precede. Empty is none.
    ///   - environment: the value of a variable, or nil.
    ///   - exists: whether a file stands at a path.
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

    /// Whether a file of any kind stands at a path.
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
