import Glibc
package import HTTP
import Processes

/// Finds where the dstack guest agent listens, in the order of dstack's own clients.
package enum AgentAddress {
    /// The variable that names the agent where no option does.
    package static let variable = "DSTACK_SIMULATOR_ENDPOINT"
    /// Where the agent's socket is in a CVM, by version.
    package static let defaultPaths = [
        "/var/run/dstack.sock", "/run/dstack.sock", "/var/run/dstack/dstack.sock", "/run/dstack/dstack.sock",
    ]
    /// The socket's name in a directory of its own.
    static let socketName = "dstack.sock"

    /// What is at a path.
    package enum FileKind: Sendable {
        /// Nothing, or nothing that may be seen.
        case nothing
        /// A socket, whether or not anything listens on it.
        case socket
        /// A directory.
        case directory
        /// Anything else.
        case file

        /// Looks at a path, and where its symbolic links lead.
        package init(at path: String) {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else {
                self = .nothing
                return
            }
            self =
                switch status.st_mode & S_IFMT {
                case S_IFSOCK: .socket
                case S_IFDIR: .directory
                default: .file
                }
        }
    }

    /// The agent's endpoint: the one that was named, or the environment's, or the first of the default paths on which
    /// something listens. In place of a directory, the socket in it is taken.
    ///
    /// - Parameters:
    ///   - named: an http or https URL, or a socket's path, which `unix:` or `unix://` may precede. Empty is none.
    ///   - environment: the value of a variable, or nil.
    ///   - kind: what is at a path.
    ///   - listens: whether something listens on a socket; not called where there is but one.
    /// - Throws: ``GuestAgentError/noSocket(paths:)`` with the paths that were looked at;
    ///   ``GuestAgentError/notASocket(path:isDirectory:)``, ``GuestAgentError/invalidAddress(reason:)``.
    package static func find(
        named: String? = nil, environment: (String) -> String? = variable(_:),
        kind: (String) -> FileKind = FileKind.init(at:),
        listens: (String) -> Bool = { UnixSocketAddress($0)?.isListening == true }
    ) throws(GuestAgentError) -> Endpoint {
        let candidates = [named, environment(variable)].compactMap { $0 }.filter { !$0.isEmpty }
        if let address = candidates.first, ["http://", "https://"].contains(where: address.lowercased().hasPrefix) {
            return try endpoint { () throws(HTTPError) in try Endpoint(url: address) }
        }
        let paths = candidates.first.map { [withoutScheme($0)] } ?? defaultPaths
        var sockets: [String] = []
        var obstacle: GuestAgentError?
        for path in paths {
            switch kind(path) {
            case .nothing: break
            case .socket: sockets.append(path)
            case .directory:
                let inner = path + (path.hasSuffix("/") ? "" : "/") + socketName
                if case .socket = kind(inner) {
                    sockets.append(inner)
                } else {
                    obstacle = obstacle ?? .notASocket(path: path, isDirectory: true)
                }
            case .file: obstacle = obstacle ?? .notASocket(path: path, isDirectory: false)
            }
        }
        guard let first = sockets.first else { throw obstacle ?? .noSocket(paths: paths) }
        let path = sockets.count == 1 ? first : sockets.first(where: listens) ?? first
        return try endpoint { () throws(HTTPError) in try Endpoint(socketPath: path) }
    }

    /// The value of an environment variable of this process.
    package static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

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
