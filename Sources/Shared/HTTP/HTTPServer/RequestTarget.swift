/// What the second word of a request asks for.
struct RequestTarget: Equatable {
    /// Decoded, as UTF-8.
    let path: String
    /// Names and values, decoded, in their order.
    let query: [Parameter]
    /// The host, and the port, of a target that is a whole URL; it stands above the Host header (RFC 9112, 3.2.2).
    let authority: String?

    struct Parameter: Equatable {
        let name: String
        let value: String
    }

    /// `/path?name=value`, alone or behind `http://host`; nil for anything else, and where an escape is none.
    init?(_ text: String) {
        var rest = text[...]
        if rest.lowercased().hasPrefix("http://") {
            rest = rest.dropFirst("http://".count)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            authority = String(rest[..<end])
            rest = rest[end...]
            if rest.first != "/" { rest = "/" + rest }
        } else {
            authority = nil
        }
        guard rest.first == "/", !rest.contains("#") else { return nil }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let encodedPath = parts.first, let path = Self.decode(encodedPath, plusIsSpace: false) else { return nil }
        self.path = path
        var query: [Parameter] = []
        for pair in parts.dropFirst().joined().split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first.flatMap({ Self.decode($0, plusIsSpace: true) }),
                let value = Self.decode(parts.dropFirst().first ?? "", plusIsSpace: true)
            else { return nil }
            query.append(Parameter(name: name, value: value))
        }
        self.query = query
    }

    /// The text without its percent escapes; nil where one is cut, or the bytes are not UTF-8.
    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(Self.digit), let low = rest.popFirst().flatMap(Self.digit)
                else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8(truncatingIfNeeded: $0) }
    }
}
