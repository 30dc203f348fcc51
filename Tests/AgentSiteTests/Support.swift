import Dstack
import JSON
import NIOHTTP1
import TestVectors

@testable import HTTPServer

/// A request as it comes from a client.
///
/// - Parameters:
///   - peer: the address at the other end of the connection.
///   - host: the Host header.
func request(
    _ target: String = "/onboarding", from peer: String = "127.0.0.1", host: String = "localhost",
    _ headers: (String, String)...
) throws -> ServerRequest {
    let head = HTTPRequestHead(
        version: .http1_1, method: .GET, uri: target, headers: HTTPHeaders([("Host", host)] + headers))
    return try ServerRequest(head, from: IPAddress(peer))
}

/// The published proofs.
func proofs() throws -> [Proof] {
    try TestVectors.load("dstack-chains.json", member: "proofs").map { try Proof(json: $0.object("proof")) }
}
