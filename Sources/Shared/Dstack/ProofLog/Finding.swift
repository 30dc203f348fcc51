package import Dstack
package import JSON

/// Where a marker stood.
package struct Place: Equatable, Sendable {
    /// Which of the files that were read one after another, from 0.
    package var source: Int
    /// The line in that file, from 1.
    package var line: Int
    /// The bytes of that file in front of the marker.
    package var offset: Int

    package init(source: Int = 0, line: Int, offset: Int) {
        self.source = source
        self.line = line
        self.offset = offset
    }
}

/// What became of one marker.
package enum Finding: Equatable, Sendable {
    /// A proof all of whose signatures hold.
    case proof(Proof, Place)
    /// No valid proof stands there, whatever was tried to mend it.
    case refused(Refusal, Place)
}

/// Why no valid proof stands behind a marker.
package enum Refusal: Error, Equatable, Sendable {
    /// The log, or another marker, or too many other lines came before the end of the object.
    case cutOff
    /// The object does not end within `limit` bytes.
    case tooLong(limit: Int)
    /// What stands there is not JSON.
    case notJSON(JSONError)
    /// It is JSON, but not a proof, or a proof that does not hold.
    case invalid(ProofError)

    /// How far the candidate came; the further, the more its refusal tells.
    var progress: Int {
        switch self {
        case .notJSON: 0
        case .cutOff, .tooLong: 1
        case .invalid(.malformed): 2
        case .invalid: 3
        }
    }
}

/// A candidate that was refused.
package struct Refused: Equatable, Sendable {
    package let place: Place
    package let refusal: Refusal

    package init(_ place: Place, _ refusal: Refusal) {
        self.place = place
        self.refusal = refusal
    }

    /// Why it was refused, for a message that has named the line.
    package var reason: String {
        let text =
            switch refusal {
            case .cutOff: "it is cut off before its end"
            case .tooLong(let limit): "it does not end within \(limit) bytes"
            case .notJSON(let error): error.description
            case .invalid(let error): error.description
            }
        let line = "line \(place.line): "
        return text.hasPrefix(line) ? String(text.dropFirst(line.count)) : text
    }
}
