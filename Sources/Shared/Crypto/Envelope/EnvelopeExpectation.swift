package import Primitives

/// What a reader knows of a message before opening it, and what its envelope must therefore say.
package struct EnvelopeExpectation: Hashable, Sendable {
    /// The reader.
    package let to: Bytes32
    /// The member that the message is said to come from; nil if nothing is said.
    package let from: Bytes32?
    /// The contract that the message came through; nil if that is not known.
    package let bridge: Address?
    /// That contract's chain; nil if it is not known.
    package let chainId: UInt64?

    package init(to: Bytes32, from: Bytes32?, bridge: Address?, chainId: UInt64?) {
        self.to = to
        self.from = from
        self.bridge = bridge
        self.chainId = chainId
    }

    /// Checks that a message was made for this reader, this way, by the one it is said to come from.
    ///
    /// - Throws: ``EnvelopeError/otherRecipient(named:expected:)``, ``EnvelopeError/otherBridge(named:expected:)``,
    ///   ``EnvelopeError/otherChain(named:expected:)``, ``EnvelopeError/otherSender(signed:said:)``.
    package func check(_ header: EnvelopeHeader) throws(EnvelopeError) {
        guard header.to == to else { throw .otherRecipient(named: header.to, expected: to) }
        if let chainId, header.chainId != chainId { throw .otherChain(named: header.chainId, expected: chainId) }
        if let bridge, header.bridge != bridge { throw .otherBridge(named: header.bridge, expected: bridge) }
        if let from, header.from != from { throw .otherSender(signed: header.from, said: from) }
    }
}
