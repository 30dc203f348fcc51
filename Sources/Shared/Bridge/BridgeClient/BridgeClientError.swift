package import EthereumNode
package import Failures
package import Primitives
package import StateProofs

/// Why a bridge could not be read, or its answer is not used.
package enum BridgeClientError: UserFacingError, Equatable {
    /// There is no contract at the address.
    case noContract(Address)
    /// The node is of another chain than the one that was named.
    case wrongChain(expected: UInt64, actual: UInt64)
    /// No such member is registered.
    case notAMember(Bytes32)
    /// The key that the node gives for a member is not the member's: its hash is not the member id.
    case foreignKey(member: Bytes32)
    /// An answer that is not of the contract's interface, or a revert where there should be none.
    case unexpectedAnswer(function: String, reason: String)
    /// A contract whose storage is proven and is not laid out like that of a known TEEBridge.
    case unknownLayout(Address)
    /// A message that is longer than the limit.
    case payloadTooLarge(count: UInt64, limit: UInt64)
    /// Another message is in the place of one that was read: the chain was reorganised.
    case replaced(index: UInt64)
    /// An inbox has fewer messages than were read from it: the node is behind, or the chain was reorganised.
    case shorter(count: UInt64, read: UInt64)
    /// A message that was there a moment ago is not, or not as it was: the chain is being reorganised.
    case changedMeanwhile(index: UInt64)
    /// The node gave no answer.
    case node(NodeError)
    /// The nodes' answers are not proven.
    case unproven(ProvenStateError)

    /// Whether a node said what its own proof does not show, or gave another block than was asked for.
    package var isOfCaughtNode: Bool {
        switch self {
        case .unproven(.caught), .unproven(.otherBlock): true
        default: false
        }
    }

    /// Whether a node understood a question and would not answer it.
    var isRefusal: Bool { if case .node(.methodFailed) = self { true } else { false } }

    package var kind: ErrorCategory {
        switch self {
        case .noContract, .wrongChain, .unknownLayout: .badInput
        case .notAMember, .foreignKey, .payloadTooLarge: .negativeResult
        case .unexpectedAnswer, .replaced, .shorter, .changedMeanwhile: .serviceFailed
        case .node(let error): error.kind
        case .unproven(let error): error.kind
        }
    }

    package var description: String {
        switch self {
        case .noContract(let address): "there is no contract at \(address)"
        case .wrongChain(let expected, let actual): "the node is on chain \(actual), not on chain \(expected)"
        case .notAMember(let member): "\(member) is not a member of the bridge"
        case .foreignKey(let member):
            "the node returned a public key for member \(member) whose hash does not match the member id"
        case .unexpectedAnswer(let function, let reason): "the bridge's answer to \(function) is unusable: \(reason)"
        case .unknownLayout(let address):
            "the contract at \(address) does not have the storage layout of a TEEBridge"
        case .payloadTooLarge(let count, let limit): "its payload is \(count) bytes, more than the limit of \(limit)"
        case .replaced(let index): "the chain was reorganised: message \(index) is no longer the one that was read"
        case .shorter(let count, let read):
            "the inbox has \(count) messages, but \(read) were read before: the node lags behind, or the chain was reorganised"
        case .changedMeanwhile(let index): "message \(index) changed while it was being read"
        case .node(let error): error.description
        case .unproven(let error): error.description
        }
    }

    package var hints: [String] {
        switch self {
        case .noContract: ["are the address and the chain right?"]
        case .wrongChain(let expected, let actual):
            ["name a node on chain \(expected) with --rpc-url, or chain \(actual) with --chain"]
        case .notAMember:
            ["are the id and the bridge right? abi-encode register makes a proof's CVM a member"]
        case .unexpectedAnswer, .unknownLayout: ["is there a TEEBridge at the address, and is the chain right?"]
        case .payloadTooLarge: ["--max-payload raises the limit"]
        case .replaced, .shorter, .changedMeanwhile: ["try again later, or use another node"]
        case .foreignKey: ["the node is lying or broken: use another"]
        case .node(let error): error.hints
        case .unproven(let error): error.hints
        }
    }
}
