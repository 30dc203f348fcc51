package import Failures
import Glibc

/// Why there is no server.
package enum HTTPServerError: Failure, Equatable {
    /// Not an address and a port.
    case notAnAddress(String)
    /// Not an IP address, or not one with the length of a network's prefix.
    case notANetwork(String)
    /// The system does not let it listen there.
    case cannotListen(address: ListenAddress, errno: Int32)

    package var kind: FailureKind { .badInput }

    package var description: String {
        switch self {
        case .notAnAddress(let text): "not an address and a port, as in 0.0.0.0:8080 or [::]:8080: \(text.quoted())"
        case .notANetwork(let text): "not an IP address or network, as in 10.0.0.0/8 or fd00::/8: \(text.quoted())"
        case .cannotListen(let address, let code):
            "cannot listen on \(address): \(unsafe String(cString: strerror(code)).lowercased())"
        }
    }

    package var hints: [String] {
        switch self {
        case .notAnAddress, .notANetwork: []
        case .cannotListen(_, EADDRINUSE): ["another program listens there: choose another port, or 0 for any"]
        case .cannotListen(_, EACCES): ["ports below 1024 are root's: choose another"]
        case .cannotListen: ["is the address one of this machine's?"]
        }
    }
}
