import Failures
import Primitives

/// Why a setting is wrong, where no other module says so.
enum DoctorError: UserFacingError, Equatable {
    /// No setting names anything that could be checked.
    case nothingIsSet
    /// A contract that answers none of the bridge's questions.
    case notABridge(Address)
    /// Something that a list of the bridge, or of its verifier, does not have.
    case notAllowed(what: String, by: Address, command: String)
    /// The clock is ahead of the node's server by so many seconds, or behind it.
    case otherClock(ahead: Int)
    /// The newest block is so many seconds old, or in the future; the server's clock agrees with this one, if it shows
    /// its own.
    case oddBlock(age: Int, isClockRight: Bool)

    var kind: ErrorCategory { self == .nothingIsSet ? .badInput : .negativeResult }

    var description: String {
        switch self {
        case .nothingIsSet: "nothing is set, so nothing was checked"
        case .notABridge(let address): "the contract at \(address) is no TEEBridge"
        case .notAllowed(let what, let address, _): "\(what) is not allowed by \(address)"
        case .otherClock(let ahead):
            "this clock is \(ahead.magnitude) s \(ahead > 0 ? "ahead of" : "behind") that of the node's server"
        case .oddBlock(let age, let isClockRight):
            "the newest block is \(age.magnitude) s "
                + (age > 0 ? "old: the node lags behind" : "in the future: the node's chain has a wrong time")
                + (isClockRight ? "" : ", or this clock is \(age > 0 ? "ahead" : "behind")")
        }
    }

    var hints: [String] {
        switch self {
        case .nothingIsSet: ["set -a; . ./teebridge.env; set +a reads settings from a file"]
        case .notABridge: ["are the address and the chain right?"]
        case .notAllowed(_, _, let command): ["the bridge's owner can allow it: \(command) | tx-send"]
        case .otherClock: ["set the clock: timedatectl set-ntp true"]
        case .oddBlock(_, let isClockRight):
            [isClockRight ? "try another node" : "try another node, and check the clock"]
        }
    }
}
