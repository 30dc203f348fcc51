import Primitives

extension ABIValue {
    /// The value that a word of a command line is.
    ///
    /// Integers are decimal or 0x-hex, or amounts as `1ether` and `1.5 gwei`; truth values `true` and `false`;
    /// addresses and bytes 0x-hex of the exact length; a string is the word as it is. Arrays are `[a,b]`, tuples
    /// `(a,b)`; strings inside them must be in double quotes with JSON's escapes, and other values may be.
    /// - Parameter place: what an error calls the word.
    /// - Throws: ``ABIError``, among them ``ABIError/notAValue(place:type:text:expected:)`` and
    ///   ``ABIError/outOfRange(place:type:)``.
    package init(argument: String, as type: ABIType, place: String = "argument") throws(ABIError) {
        try self.init(argument: argument, as: type, at: ABIPath(root: place))
    }

    /// The value of a type, from an argument on a command line: JSON or Solidity's notation for arrays and tuples.
    ///
    /// - Throws: ``ABIError`` if it is not a value of the type.
    init(argument: String, as type: ABIType, at path: ABIPath) throws(ABIError) {
        switch type {
        case .array, .fixedArray, .tuple:
            var reader = ArgumentReader(argument, path: path)
            self = try reader.whole(type)
        default: try self.init(text: argument, as: type, at: path)
        }
    }

    /// The value of a type that is neither array nor tuple, from its text.
    ///
    /// - Throws: ``ABIError`` if it is not a value of the type.
    init(text: String, as type: ABIType, at path: ABIPath) throws(ABIError) {
        switch type {
        case .uint(let width):
            let number = try Self.integer(text, as: type, at: path)
            guard !number.isNegative || number.magnitude == 0, number.magnitude.bitCount <= width.bits else {
                throw .outOfRange(place: "\(path)", type: "\(type)")
            }
            self = .uint(number.magnitude)
        case .int(let width):
            let number = try Self.integer(text, as: type, at: path)
            guard let number = Int256(magnitude: number.magnitude, isNegative: number.isNegative), number.fits(width)
            else { throw .outOfRange(place: "\(path)", type: "\(type)") }
            self = .int(number)
        case .bool:
            guard text == "true" || text == "false" else {
                throw path.notAValue(text, of: type, expected: "true or false")
            }
            self = .bool(text == "true")
        case .address:
            do { self = .address(try path.names[text] ?? Address(text)) } catch {
                throw path.notAValue(text, of: type, expected: "0x and 40 hex digits: \(error)")
            }
        case .fixedBytes(let width): self = .fixedBytes(try Self.bytes(text, count: width.bytes, as: type, at: path))
        case .function:
            let count = WordWidth.externalFunction.bytes
            self = .fixedBytes(try Self.bytes(text, count: count, as: type, at: path))
        case .bytes: self = .bytes(try Self.bytes(text, count: nil, as: type, at: path))
        case .string: self = .string(text)
        case .array, .fixedArray, .tuple: throw path.notAValue(text, of: type, expected: "a list")
        }
    }

    private static func integer(_ text: String, as type: ABIType, at path: ABIPath) throws(ABIError) -> IntegerText {
        do { return try IntegerText(text) } catch {
            switch error {
            case .malformed: throw path.notAValue(text, of: type, expected: "a whole number, decimal or 0x-hex")
            case .fractionOfWei: throw path.notAValue(text, of: type, expected: "no fraction of a wei")
            case .tooLarge: throw .outOfRange(place: "\(path)", type: "\(type)")
            }
        }
    }

    private static func bytes(
        _ text: String, count: Int?, as type: ABIType, at path: ABIPath
    ) throws(ABIError) -> [UInt8] {
        do throws(PrimitiveError) {
            let bytes = try Hex.decode(text)
            if let count, bytes.count != count { throw .wrongLength(expected: count, actual: bytes.count) }
            return bytes
        } catch {
            let expected = count.map { "0x and \($0 * 2) hex digits" } ?? "0x and hex digits"
            throw path.notAValue(text, of: type, expected: "\(expected): \(error)")
        }
    }
}

extension ABIPath {
    /// The error for a text that is not a value of a type.
    ///
    /// - Parameter expected: what the text should be.
    func notAValue(_ text: String, of type: ABIType, expected: String) -> ABIError {
        .notAValue(place: "\(self)", type: "\(type)", text: text, expected: expected)
    }
}
