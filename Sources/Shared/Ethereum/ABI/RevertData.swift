import JSON
package import Primitives

/// What a call that reverted says about it.
package enum RevertData: Hashable, Sendable, CustomStringConvertible {
    /// Nothing.
    case empty
    /// The text of `require` or `revert`: `Error(string)`.
    case message(String)
    /// The code of one of the compiler's own checks: `Panic(uint256)`; see ``panicMeaning(_:)``.
    case panic(UInt256)
    /// An error that the interface declares, and its values.
    case declared(ABIRevert, [ABIValue])
    /// Anything else.
    case unknown([UInt8])

    /// Reads revert data; never fails, since what a contract reverts with is a stranger's bytes.
    ///
    /// - Parameter reverts: the errors that the contract may revert with.
    package init(_ data: some Collection<UInt8>, declared reverts: [ABIRevert] = []) {
        if data.isEmpty {
            self = .empty
        } else if case .string(let text)? = try? ABIRevert.message.decode(data, layout: .lenient).first {
            self = .message(text)
        } else if case .uint(let code)? = try? ABIRevert.panic.decode(data, layout: .lenient).first {
            self = .panic(code)
        } else {
            for revert in reverts {
                guard let values = try? revert.decode(data, layout: .lenient) else { continue }
                self = .declared(revert, values)
                return
            }
            self = .unknown(Array(data))
        }
    }

    /// One line about it: `NotOwner()`, `Error("bad sig len")`, `Panic(0x12): division by zero`.
    package var description: String {
        switch self {
        case .empty: "no reason given"
        case .message(let text): "Error(\(JSONValue.string(text).compact))"
        case .panic(let code):
            "Panic(\(code.quantity))" + (Self.panicMeaning(code).map { ": \($0)" } ?? "")
        case .declared(let revert, let values):
            revert.name + "("
                + zip(revert.inputs, values).map { $1.json(as: $0.type).compact }
                .joined(separator: ",") + ")"
        case .unknown(let data): data.hex
        }
    }

    /// What a code of `Panic(uint256)` means, or nil for one that Solidity does not know.
    package static func panicMeaning(_ code: UInt256) -> String? {
        switch code {
        case 0x00: "a panic that the compiler inserted"
        case 0x01: "an assertion failed"
        case 0x11: "arithmetic overflow or underflow"
        case 0x12: "division by zero"
        case 0x21: "a number that is not a case of the enum"
        case 0x22: "a byte array in storage is encoded wrongly"
        case 0x31: "pop from an empty array"
        case 0x32: "an array index out of bounds"
        case 0x41: "too much memory was allocated"
        case 0x51: "a call of an internal function that was never set"
        default: nil
        }
    }
}
