/// What stands in one run of heads: the components of a tuple or a list of arguments, or the elements of an array.
enum ABISequence {
    /// `path` names the components by their names, where they have one.
    case components([ABIParameter])
    /// Arguments: `path` counts them, whether they have names or not.
    case arguments([ABIType])
    case elements(ABIType, count: Int)

    var count: Int {
        switch self {
        case .components(let components): components.count
        case .arguments(let types): types.count
        case .elements(_, let count): count
        }
    }

    /// - Precondition: `index` is below ``count``.
    func type(at index: Int) -> ABIType {
        switch self {
        case .components(let components): components[index].type
        case .arguments(let types): types[index]
        case .elements(let type, _): type
        }
    }

    /// - Precondition: `index` is below ``count``.
    func step(at index: Int) -> ABIPath.Step {
        guard case .components(let components) = self, let name = components[index].name else { return .index(index) }
        return .name(name)
    }

    /// How many bytes the heads take, or nil if that is beyond any memory.
    var headSize: Int? {
        switch self {
        case .components(let components): Self.sum(components.lazy.map(\.type))
        case .arguments(let types): Self.sum(types)
        case .elements(let type, let count): Self.product(type.headSize, count)
        }
    }

    private static func sum(_ types: some Sequence<ABIType>) -> Int? {
        var total = 0
        for type in types {
            guard let size = type.headSize else { return nil }
            let (sum, isOverflow) = total.addingReportingOverflow(size)
            if isOverflow { return nil }
            total = sum
        }
        return total
    }

    private static func product(_ size: Int?, _ count: Int) -> Int? {
        guard let size else { return nil }
        let (product, isOverflow) = size.multipliedReportingOverflow(by: count)
        return isOverflow ? nil : product
    }
}

extension ABIType {
    /// Whether the value stands behind the heads, with an offset in its place.
    package var isDynamic: Bool {
        switch self {
        case .bytes, .string, .array: true
        case .fixedArray(let element, _): element.isDynamic
        case .tuple(let components): components.contains(where: \.type.isDynamic)
        case .uint, .int, .address, .bool, .fixedBytes, .function: false
        }
    }

    /// How many bytes the type takes among the heads, or nil if that is beyond any memory: a dynamic type an offset
    /// of 32, a static one all of its bytes.
    package var headSize: Int? {
        if isDynamic { return 32 }
        return switch self {
        case .fixedArray(let element, let count): ABISequence.elements(element, count: Int(count)).headSize
        case .tuple(let components): ABISequence.components(components).headSize
        case .uint, .int, .address, .bool, .fixedBytes, .function, .bytes, .string, .array: 32
        }
    }
}
