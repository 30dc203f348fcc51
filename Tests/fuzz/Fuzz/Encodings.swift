import ABI
import JSON
import Primitives
import Transactions

/// The encodings that have one form for each value: what is read is written again with the same bytes.
extension FuzzTarget {
    static let encodings = [
        FuzzTarget(name: "hex", run: readHex), FuzzTarget(name: "rlp", run: readRLP),
        FuzzTarget(name: "abi-type", floor: 1 << 20, factor: 1024, run: readTypes),
        // A decoder may make 64 values of a word.
        FuzzTarget(name: "abi-decode", floor: 4 << 20, factor: 1024, run: decodeValues),
    ]

    private static func readHex(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        for prefix in [Hex.Prefix.required, .optional, .none] {
            guard let decoded = try? Hex.decode(text, prefix: prefix) else { continue }
            let digits = text.hasPrefix("0x") && prefix != .none ? String(text.dropFirst(2)) : text
            require(Hex.encode(decoded, prefixed: false) == digits.lowercased(), "hex comes back")
        }
        if let address = try? Address(text) {
            require(address.checksummed.lowercased() == text.lowercased(), "an address comes back")
            require((try? Address(address.checksummed)) == address, "an address reads its own checksum")
        }
        if let quantity = try? UInt256(quantity: text) {
            require(quantity.quantity == text.lowercased(), "a quantity comes back")
            require(UInt256(quantity.word) == quantity, "a quantity comes back from its word")
            require((try? UInt64(quantity: text)) == quantity.uint64, "a quantity is one number")
        }
    }

    private static func readRLP(_ bytes: [UInt8]) {
        guard let item = try? RLP(decoding: bytes) else { return }
        require(item.encoded == bytes, "RLP has one form")
    }

    private static func readTypes(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let type = try? ABIType(text) {
            require((try? ABIType(type.description))?.description == type.description, "a type reads its own text")
            require(type.depth <= ABIType.depthLimit, "a type is no deeper than the limit")
            require(type.isDynamic || type.headSize.map { $0 >= 0 } ?? true, "a type's size is none below 0")
        }
        if let function = try? ABIFunction(text) {
            require(
                (try? ABIFunction(function.signature))?.selector == function.selector, "a function is its signature")
        }
        if let event = try? ABIEvent(text) {
            require((try? ABIEvent(event.signature))?.topic == event.topic, "an event is its signature")
        }
        if let revert = try? ABIRevert(text) {
            require((try? ABIRevert(revert.signature))?.signature == revert.signature, "an error is its signature")
        }
        if let constructor = try? ABIConstructor(text) {
            let types = constructor.inputs.canonicalTypes
            require((try? ABIConstructor(types))?.inputs.canonicalTypes == types, "a constructor is its types")
        }
    }

    /// A line with types in parentheses, then the data.
    private static func decodeValues(_ bytes: [UInt8]) {
        var data = bytes[...]
        guard let parameters = try? ABIConstructor(data.takeLine()).inputs else { return }
        let types = parameters.map(\.type)
        if let values = try? ABI.decode(data, as: types) {
            require((try? ABI.encode(values, as: types)) == Array(data), "values have one layout")
            let json = parameters.json(values)
            require((try? JSONParser.parse(json.compact)) == json, "values are JSON")
            for (parameter, value) in zip(parameters, values) {
                let read = try? ABIValue(json: value.json(as: parameter.type), as: parameter.type)
                require(read == value, "a value comes back from its JSON")
            }
        }
        if let values = try? ABI.decode(data, as: types, layout: .lenient) {
            guard let encoding = try? ABI.encode(values, as: types) else {
                return require(false, "what was decoded can be encoded")
            }
            do throws(ABIError) {
                require(try ABI.decode(encoding, as: types) == values, "values come back in their one layout")
            } catch {
                // Of values that take no bytes, as () does, fewer are believed where there are fewer bytes.
                guard case .tooManyValues = error else { return require(false, "one layout is read: \(error)") }
            }
        }
        _ = RevertData(data, declared: [])
    }
}
