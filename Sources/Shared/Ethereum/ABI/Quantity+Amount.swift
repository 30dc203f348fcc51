package import Primitives

extension Quantity {
    /// An amount as people write it: wei, in decimal or hex, or with a unit, as `0.1ether` or `2gwei`.
    ///
    /// - Throws: ``ABIError``; a fraction of a wei is no amount.
    package init(amount text: String) throws(ABIError) {
        let value = try ABIValue(argument: text, as: .uint(.word), place: "amount")
        guard case .uint(let number) = value, let amount = try? Quantity(number) else {
            throw .outOfRange(place: "amount", type: "uint256")
        }
        self = amount
    }
}
