package import Failures
package import JSON
package import Primitives

/// Why a type, a value, encoded bytes or a contract's interface is invalid.
///
/// `place` names the value by its path, such as `args[2].amount`; `type` is its type in canonical text.
package enum ABIError: UserFacingError, Equatable {
    /// Not the text of a type or of a signature; `expected` says what should have stood at `offset`, in bytes.
    case syntax(text: String, offset: Int, expected: String)
    /// No type has this name.
    case unknownType(String)
    /// `fixed` and `ufixed` types, which no compiler gives to interfaces.
    case fixedPointType(String)
    /// Arrays and tuples inside each other beyond the limit.
    case typeTooDeep(limit: Int)
    /// A type whose values are beyond any memory, such as `uint256[4000000000][4000000000]`.
    case typeTooLarge(place: String, type: String)

    /// Not as many values as the type, or the list of parameters, has.
    case wrongCount(place: String, type: String, expected: Int, actual: Int)
    /// A value of another kind than the type's.
    case wrongKind(place: String, type: String, actual: String)
    /// A number that needs more bits than the type has, or a negative one for an unsigned type.
    case outOfRange(place: String, type: String)
    /// Text that is no value of the type.
    case notAValue(place: String, type: String, text: String, expected: String)
    /// An object without a member for this component, or arguments by name without this one.
    case missingComponent(place: String, type: String, name: String)
    /// An argument that is given twice by name.
    case repeatedArgument(name: String)
    /// Arguments by name for a list whose parameters do not all have names of their own.
    case withoutNames(type: String)

    /// The data ends before the value does.
    case truncated(place: String, type: String, needed: Int, available: Int)
    /// An offset that leads out of the data.
    case offsetOutside(place: String, type: String, offset: String, available: Int)
    /// An offset that leads elsewhere than a canonical encoder's would.
    case notCanonical(place: String, type: String, offset: Int, expected: Int)
    /// A length that is more than the rest of the data holds.
    case lengthOutside(place: String, type: String, length: String, available: Int)
    /// A byte of the padding is not zero.
    case dirtyPadding(place: String, type: String)
    /// A string that is not UTF-8.
    case notUTF8(place: String)
    /// More values than data of this size can honestly hold: offsets that share their target, or empty elements.
    case tooManyValues(place: String, limit: Int)
    /// Bytes after the last value.
    case trailingBytes(count: Int)

    /// Calldata or revert data that belongs to another signature.
    case wrongSelector(signature: String, expected: Selector, actual: Selector)
    /// A log that belongs to another event.
    case wrongTopic(event: String)
    /// A log without topics, which no interface can tell the event of.
    case noTopics
    /// A log with more or fewer topics than the event has.
    case wrongTopicCount(event: String, expected: Int, actual: Int)
    /// The signature does not say what the function returns.
    case unknownResult(signature: String)

    /// The contract has no function, event or error (`item`) with this name, signature, selector or topic, or the
    /// function no argument with this name; `known` are the overloads of the name, or all names that there are, and
    /// `unusable` what the interface has besides and cannot be used.
    case unknownItem(item: String, name: String, known: [String] = [], unusable: [UnusableEntry] = [])
    /// A name that several signatures share.
    case ambiguousName(name: String, signatures: [String])
    /// An interface that is not the JSON it should be.
    case json(JSONError)
    /// A parameter in an interface whose type is none of the ABI's; `reason` goes on from the type.
    case badParameter(place: String, type: String, reason: String)
    /// An entry of the interface that was asked for and cannot be used.
    case unusable(UnusableEntry)
    /// A text in an interface that does not begin as an entry does.
    case notAnEntry(String)
    /// Definitions of more bytes than an interface may have as a text.
    case definitionsTooLong(limit: Int)
    /// A text where an ABI should be: what an explorer answers instead of one.
    case noInterface(text: String)
    /// A document without any contract.
    case noContract
    /// A document of several contracts, these, of which one must be named.
    case severalContracts([String])
    /// A document without the contract that was named; it has these.
    case unknownContract(name: String, known: [String])
    /// An artefact without bytecode.
    case noBytecode
    /// Bytecode with gaps for the addresses of these libraries.
    case unlinkedBytecode(libraries: [String])
    /// Bytecode that is no hex.
    case badBytecode(PrimitiveError)

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .syntax(let text, let offset, let expected):
            "expected \(expected) at position \(offset) of \(text.quoted())"
        case .unknownType(let name): "unknown type \(name.quoted())"
        case .fixedPointType(let name): "the fixed-point type \(name.quoted()) is not supported"
        case .typeTooDeep(let limit): "the type is nested more than \(limit) levels deep"
        case .typeTooLarge(let place, let type): "\(place.shown): values of type \(type.quoted()) are too large"
        case .wrongCount(let place, let type, let expected, let actual):
            "\(place.shown): \(type.quoted()) needs \(Self.values(expected)), but there \(Self.are(actual))"
        case .wrongKind(let place, let type, let actual): "\(place.shown): expected \(type.quoted()), got \(actual)"
        case .outOfRange(let place, let type): "\(place.shown): the number does not fit in \(type.quoted())"
        case .notAValue(let place, let type, let text, let expected):
            "\(place.shown): not a value of type \(type.quoted()): \(text.hidingKeys.quoted()): expected \(expected)"
        case .missingComponent(let place, let type, let name):
            "\(place.shown): member \(name.quoted()) of \(type.quoted()) is missing"
        case .repeatedArgument(let name): "the argument \(name.quoted()) is given twice"
        case .withoutNames(let type):
            "the arguments of \(type.quoted()) cannot be given by name: some are unnamed or share a name"
        case .truncated(let place, let type, let needed, let available):
            "\(place.shown): \(type.quoted()) needs \(needed) bytes of data, but \(available) are left"
        case .offsetOutside(let place, let type, let offset, let available):
            "\(place.shown): the offset \(offset) of \(type.quoted()) points beyond the \(available) bytes of data"
        case .notCanonical(let place, let type, let offset, let expected):
            "\(place.shown): the offset of \(type.quoted()) is \(offset), but a canonical encoding has \(expected)"
        case .lengthOutside(let place, let type, let length, let available):
            "\(place.shown): the length \(length) of \(type.quoted()) exceeds the \(available) bytes left"
        case .dirtyPadding(let place, let type): "\(place.shown): the padding of \(type.quoted()) is not zero"
        case .notUTF8(let place): "\(place.shown): the string is not UTF-8"
        case .tooManyValues(let place, let limit): "\(place.shown): more values than the limit of \(limit)"
        case .trailingBytes(let count):
            count == 1 ? "1 byte follows the last value" : "\(count) bytes follow the last value"
        case .wrongSelector(let signature, let expected, let actual):
            "the selector is \(actual), but that of \(signature.quoted()) is \(expected)"
        case .wrongTopic(let event): "the log is not of the event \(event.quoted())"
        case .noTopics: "the log has no topics, so its event is unknown"
        case .wrongTopicCount(let event, let expected, let actual):
            "a log of \(event.quoted()) has \(expected == 1 ? "1 topic" : "\(expected) topics"), but this one has \(actual)"
        case .unknownResult(let signature): "the signature \(signature.quoted()) does not declare its return types"
        case .unknownItem(let item, let name, _, _): "the interface has no \(item) \(name.quoted())"
        case .ambiguousName(let name, let signatures):
            "\(name.quoted()) is ambiguous; it may be any of \(signatures.map { $0.quoted() }.joined(separator: ", "))"
        case .json(let error): error.description
        case .badParameter(let place, let type, let reason): "\(place) has the type \(type.quoted()), \(reason)"
        case .unusable(let entry): "the \(entry.title) cannot be used: \(entry.reason)".hidingKeys
        case .notAnEntry(let text):
            "expected function, event, error or constructor, but got \(text.hidingKeys.quoted())"
        case .definitionsTooLong(let limit): "the definitions have more than \(limit) bytes"
        case .noInterface(let text): "expected an ABI, but got the text \(text.hidingKeys.quoted())"
        case .noContract: "there is no contract"
        case .severalContracts(let names): "there are several contracts: \(Self.list(names, limit: 10))"
        case .unknownContract(let name, _): "there is no contract \(name.quoted())"
        case .noBytecode: "the artefact has no bytecode"
        case .unlinkedBytecode(let libraries):
            "the bytecode is not linked: the address of \(Self.list(libraries, limit: 10)) is missing"
        case .badBytecode(let error): "the bytecode is not hex: \(error)"
        }
    }

    package var hints: [String] {
        switch self {
        case .ambiguousName: ["give the full signature, with its types"]
        case .unknownItem(_, _, let known, let unusable):
            (known.isEmpty ? [] : ["it has \(Self.list(known, limit: 20))"])
                + (unusable.first.map { ["\(Self.unusable(unusable.count)) \($0)"] } ?? [])
        case .wrongTopicCount: ["add the word indexed after the type of each value that is a topic"]
        case .unknownResult(let signature): ["add the return types: \(signature)(…)"]
        case .json(.tooManyValues): ["give the artefact of one contract, not of a whole build"]
        case .json(let error): error.hints
        case .notAnEntry: ["an interface is an ABI as JSON, a compiler's artefact, or one definition a line"]
        case .severalContracts: ["name one after the file and a colon, as in FILE:NAME"]
        case .unknownContract(let name, let known):
            (name.nearest(among: known).map { ["did you mean \($0.quoted())?"] } ?? [])
                + (known.isEmpty ? ["its contract has no name"] : ["it has \(Self.list(known, limit: 10))"])
        case .notAValue(_, "address", let text, _):
            Self.hints(for: text) { text throws(PrimitiveError) in
                _ = try Address(text)
            }
        case .notAValue(_, "bytes32", let text, _):
            Self.hints(for: text) { text throws(PrimitiveError) in
                _ = try Bytes32(hex: text)
            }
        case .syntax: ["a signature is name(type,…), as in transfer(address,uint256); put it in single quotes"]
        case .unknownType, .fixedPointType: ["types are as in Solidity: uint256, address, bytes32, string, (…), …[]"]
        case .wrongCount: ["write an array as […] and a tuple as (…), quoted for the shell"]
        case .outOfRange: ["is the type right? a negative number needs a signed type (int…)"]
        case .repeatedArgument: ["leave one of them out"]
        case .withoutNames: ["give them in order"]
        case .noBytecode: ["give the compiler's artefact of a contract, not of an interface"]
        case .unlinkedBytecode: ["link it with the compiler first"]
        case .offsetOutside, .notCanonical, .trailingBytes: ["--lenient accepts what contracts accept"]
        case .wrongSelector, .wrongTopic: ["leave the signature out to search the interface for a match"]
        default: []
        }
    }

    /// Names for one line: the first of them, and how many more there are, since a large contract has hundreds.
    private static func list(_ names: [String], limit: Int) -> String {
        names.prefix(limit).map { $0.quoted() }.joined(separator: ", ")
            + (names.count > limit ? " and \(names.count - limit) more" : "")
    }

    private static func unusable(_ count: Int) -> String {
        count == 1 ? "1 entry of it cannot be used:" : "\(count) entries of it cannot be used, such as"
    }

    /// What the reason why a text is not a value tells about it.
    private static func hints(
        for text: String, reading read: (String) throws(PrimitiveError) -> Void
    ) -> [String] {
        do throws(PrimitiveError) { try read(text) } catch { return error.hints }
        return []
    }

    private static func values(_ count: Int) -> String { count == 1 ? "1 value" : "\(count) values" }

    private static func are(_ count: Int) -> String { count == 1 ? "is 1" : "are \(count)" }
}

extension String {
    /// A path without the control characters and the length that strangers' names could bring.
    fileprivate var shown: String { String(prefix(120)).escapingControlCharacters }
}
