package import Primitives

// Where the interface has one definition alone, data that is not of it is refused by that definition, which says more.
extension ContractABI {
    /// The function that calldata calls, by its selector, and the arguments.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/unknownItem(item:name:near:)`` with the selector.
    package func decodeCall(
        _ calldata: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> (function: ABIFunction, arguments: [ABIValue]) {
        let selector = try Selector(leading: calldata)
        guard let function = functions.first(where: { $0.selector == selector }) ?? functions.only else {
            throw .unknownItem(item: "function with the selector", name: selector.hex)
        }
        return (function, try function.decodeCall(calldata, layout: layout))
    }

    /// The values that a call returned, by the first function whose result they can be: versions of a contract may
    /// return other values for the same call.
    ///
    /// - Throws: ``ABIError``, that of the first function if the data is the result of none.
    package func decodeResult(
        _ data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> (function: ABIFunction, values: [ABIValue]) {
        for function in functions {
            guard let values = try? function.decodeResult(data, layout: layout) else { continue }
            return (function, values)
        }
        guard let function = functions.first else { throw .unknownItem(item: "function", name: "") }
        return (function, try function.decodeResult(data, layout: layout))
    }

    /// The error that revert data is of, by its selector, and its values.
    ///
    /// - Throws: as ``decodeCall(_:layout:)``.
    package func decodeError(
        _ data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> (error: ABIRevert, values: [ABIValue]) {
        let selector = try Selector(leading: data)
        guard let error = reverts.first(where: { $0.selector == selector }) ?? reverts.only else {
            throw .unknownItem(item: "error with the selector", name: selector.hex)
        }
        return (error, try error.decode(data, layout: layout))
    }

    /// What a call that reverted says, with this contract's errors by name.
    package func decodeRevert(_ data: some Collection<UInt8>) -> RevertData { RevertData(data, declared: reverts) }

    /// The event that a log is of, by its first topic and the number of its topics, and its values.
    ///
    /// - Throws: ``ABIError``, among them ``ABIError/unknownItem(item:name:near:)`` with the topic, or ``ABIError/noTopics``.
    package func decodeLog(
        topics: [Bytes32], data: some Collection<UInt8>, layout: ABILayout = .strict
    ) throws(ABIError) -> (event: ABIEvent, values: [ABIEvent.Value]) {
        let candidates = events.filter { !$0.isAnonymous && $0.topic == topics.first }
        // Two events may differ in `indexed` alone, as the Transfer events of ERC-20 and ERC-721 do.
        let event = candidates.first { $0.topicCount == topics.count } ?? candidates.first ?? events.only
        guard let event else {
            guard let topic = topics.first else { throw .noTopics }
            throw .unknownItem(item: "event with the topic", name: topic.hex)
        }
        return (event, try event.decodeLog(topics: topics, data: data, layout: layout))
    }
}

extension Array {
    /// The element of an array that has no other.
    fileprivate var only: Element? { count == 1 ? first : nil }
}
