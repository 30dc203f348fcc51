package import Primitives

/// An event of a contract's interface.
package struct ABIEvent: Hashable, Sendable {
    /// What an event carries, in its topics or its data.
    package struct Parameter: Hashable, Sendable {
        /// Its name and type.
        package let parameter: ABIParameter
        /// Whether it is a topic.
        package let isIndexed: Bool

        package init(_ parameter: ABIParameter, isIndexed: Bool) {
            self.parameter = parameter
            self.isIndexed = isIndexed
        }
    }

    /// What a log has for one parameter.
    package enum Value: Hashable, Sendable {
        /// The value.
        case value(ABIValue)
        /// An indexed value that fills more than a word: the log has only its Keccak-256 hash.
        case hash(Bytes32)
    }

    /// Its name.
    package let name: String
    /// What it carries, in the order of its declaration.
    package let inputs: [Parameter]
    /// Whether its logs have no ``topic``.
    package let isAnonymous: Bool

    package init(name: String, inputs: [Parameter], isAnonymous: Bool = false) {
        self.name = name
        self.inputs = inputs
        self.isAnonymous = isAnonymous
    }

    /// The canonical signature: `Transfer(address,address,uint256)`.
    package var signature: String { name + inputs.map(\.parameter).canonicalTypes }

    /// The first topic of its logs, unless it is anonymous: the hash of the signature.
    package var topic: Bytes32 { Keccak256.hash(Array(signature.utf8)) }

    /// How many topics its logs have.
    package var topicCount: Int { inputs.count(where: \.isIndexed) + (isAnonymous ? 0 : 1) }

    /// The values of a log, in the order of the declaration.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/wrongTopic(event:)`` for another event's log.
    package func decodeLog(
        topics: [Bytes32], data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> [Value] {
        guard isAnonymous || topics.first == topic else { throw .wrongTopic(event: signature) }
        guard topics.count == topicCount else {
            throw .wrongTopicCount(event: signature, expected: topicCount, actual: topics.count)
        }
        let plain = inputs.filter { !$0.isIndexed }.map(\.parameter.type)
        var values = try ABI.decode(data, as: plain, layout: layout)[...]
        var indexed = topics.dropFirst(isAnonymous ? 0 : 1)
        var path = ABIPath(root: "topics")
        var result: [Value] = []
        for (index, input) in inputs.enumerated() {
            if input.isIndexed {
                guard let topic = indexed.popFirst() else { continue }
                path.enter(input.parameter.name.map { .name($0) } ?? .index(index))
                result.append(try Self.indexed(topic, as: input.parameter.type, at: path))
                path.leave()
            } else if let value = values.popFirst() {
                result.append(.value(value))
            }
        }
        return result
    }

    private static func indexed(_ topic: Bytes32, as type: ABIType, at path: ABIPath) throws(ABIError) -> Value {
        switch type {
        case .uint, .int, .address, .bool, .fixedBytes, .function:
            .value(try ABIValue(word: topic.bytes[...], as: type, at: path))
        case .bytes, .string, .array, .fixedArray, .tuple: .hash(topic)
        }
    }
}

/// A custom error that a contract declares, and may revert with: `error NotOwner()`.
package struct ABIRevert: Hashable, Sendable {
    /// Its name.
    package let name: String
    /// What it carries.
    package let inputs: [ABIParameter]

    package init(name: String, inputs: [ABIParameter]) {
        self.name = name
        self.inputs = inputs
    }

    /// The canonical signature: `NotOwner()`.
    package var signature: String { name + inputs.canonicalTypes }

    /// The first four bytes of revert data.
    package var selector: Selector { Selector(signature: signature) }

    /// Revert data: the selector and the values.
    ///
    /// - Throws: ``ABIError`` if a value is not of its type.
    package func encode(_ values: [ABIValue]) throws(ABIError) -> [UInt8] {
        selector.bytes + (try ABI.encode(values, as: inputs.map(\.type)))
    }

    /// The values in revert data.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/wrongSelector(signature:expected:actual:)``.
    package func decode(
        _ data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> [ABIValue] {
        let values = try selector.require(in: data, signature: signature)
        return try ABI.decode(values, as: inputs.map(\.type), layout: layout, place: "error")
    }

    /// `Error(string)`, which `require` and `revert` with a text make.
    package static let message = ABIRevert(name: "Error", inputs: [ABIParameter(.string, name: "message")])

    /// `Panic(uint256)`, which the compiler's own checks make.
    package static let panic = ABIRevert(name: "Panic", inputs: [ABIParameter(.uint(.word), name: "code")])
}
