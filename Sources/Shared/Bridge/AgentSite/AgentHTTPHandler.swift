import Dstack
package import HTTP
package import HTTPServer
import JSON
package import Primitives
import Secp256k1

/// What a member's CVM tells over HTTP: its proof, who it is, how it is, and, to few, the messages that it got.
///
/// Every answer comes from memory: no request makes the CVM contact a node or another server.
package struct AgentHTTPHandler: Sendable {
    /// What is told.
    package let state: AgentState
    /// The contract whose inbox is watched; nil for none.
    package let bridge: Address?
    /// The nodes that the inbox is read from.
    package let nodes: [Endpoint]
    /// Who may see messages.
    package let access: SecretsAccessPolicy
    /// For how long the inbox may not have been read before that is a failure.
    package let maxStaleness: Duration

    package init(
        _ state: AgentState, bridge: Address?, nodes: [Endpoint], access: SecretsAccessPolicy, maxStaleness: Duration
    ) {
        self.state = state
        self.bridge = bridge
        self.nodes = nodes
        self.access = access
        self.maxStaleness = maxStaleness
    }

    /// The answer to a GET.
    package func answer(_ request: ServerRequest) -> ServerResponse {
        switch request.path {
        case "/proof": withProof { .ok($0.json) }
        case "/info": withProof { .ok(Self.info($0)) }
        case "/healthz": health()
        case "/onboarding": onboarding(request)
        default: .error(404, "there is only /proof, /info, /onboarding and /healthz")
        }
    }

    private func withProof(_ answer: (Proof) -> ServerResponse) -> ServerResponse {
        guard let proof = state.proof else { return Self.notYet("the guest agent has not provided a key yet") }
        return answer(proof)
    }

    private static func notYet(_ sentence: String) -> ServerResponse {
        .error(503, sentence, headers: [("Retry-After", "1")])
    }

    private static func info(_ proof: Proof) -> JSONValue {
        let chain = proof.chain
        return .members([
            "app_id": .string(Hex.encode(chain.appId.bytes, prefixed: false)),
            "member_id": .string(proof.memberId.hex),
            "derived_address": .string(chain.derivedKey.address.checksummed),
            "derived_pubkey": .string(chain.derivedKey.compressed.hex),
            "code_id": .string(proof.codeId.hex),
            "kms_root": .string(proof.kmsRoot.checksummed),
        ])
    }

    /// Whether all is well: there is a key, and the inbox, if one is watched, was read lately.
    private func health() -> ServerResponse {
        func failing(_ sentence: String) -> ServerResponse {
            .document(.members(["status": .string("failing"), "error": .string(sentence)]), status: 503)
        }
        guard let proof = state.proof else { return failing("the guest agent has not provided a key yet") }
        let age = state.inboxAge
        guard bridge == nil || age <= maxStaleness else {
            return failing("the inbox has not been read for \(age.components.seconds) seconds")
        }
        return .ok(.members(["status": .string("ok"), "member_id": .string(proof.memberId.hex)]))
    }

    /// The messages, to those who may see them.
    ///
    /// `bridge` and `rpc` are those of the reference agent, which read any contract through any URL on anybody's
    /// word. Here they can but name what this agent watches; what is said is the same with them and without.
    private func onboarding(_ request: ServerRequest) -> ServerResponse {
        if let reason = access.refusal(of: request) { return .error(403, reason) }
        let (bridges, urls) = (request.values(of: "bridge"), request.values(of: "rpc"))
        guard bridges.count <= 1, urls.count <= 1 else {
            return .error(400, "bridge and rpc may each appear only once")
        }
        guard let bridge else {
            return .error(404, "no inbox is being watched: the agent was started without a bridge")
        }
        if let text = bridges.first {
            guard let named = try? Address(text) else { return .error(400, "bridge is not a contract's address") }
            guard named == bridge else {
                return .error(404, "the agent watches the inbox of another bridge: \(bridge)")
            }
        }
        if let url = urls.first {
            guard let named = try? Endpoint(url: url), nodes.contains(named) else {
                return .error(403, "rpc is not one of the nodes the agent was started with")
            }
        }
        guard let messages = state.inboxDocument else { return Self.notYet("the inbox has not been read yet") }
        return ServerResponse(status: 200, body: messages)
    }
}
