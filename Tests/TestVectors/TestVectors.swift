import FoundationEssentials
package import JSON
import Primitives

/// The files of known answers in Tests/vectors.
package enum TestVectors {
    /// What a file of vectors holds.
    package static func bytes(_ name: String, from file: StaticString = #filePath) throws -> [UInt8] {
        let folder = URL(filePath: "\(file)").deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: folder.appending(path: "vectors").appending(path: name)))
    }

    /// The object that a file of vectors holds.
    package static func load(_ name: String) throws -> JSONObject {
        guard let object = try JSONParser.parse(bytes(name)).object else { throw JSONError.notAnObject(line: 1) }
        return object
    }

    /// The objects in a member that is an array of them.
    package static func load(_ name: String, member: String) throws -> [JSONObject] {
        try load(name).array(member).compactMap(\.object)
    }

    /// The vectors of a suite made elsewhere (Tests/vectors/suites), neither fewer nor more than its file counts.
    package static func suite(_ name: String) throws -> [JSONObject] {
        let document = try load("suites/\(name)")
        let vectors = try document.array("vectors").compactMap(\.object)
        guard !vectors.isEmpty, document["count"] == .number(String(vectors.count)) else {
            throw document.illTyped("count", expected: "the number of vectors")
        }
        return vectors
    }
}

extension JSONObject {
    /// The bytes of a member that is hex, with or without 0x.
    package func bytes(_ name: String) throws -> [UInt8] { try Hex.decode(string(name), prefix: .optional) }

    /// A member that is a small whole number.
    package func integer(_ name: String) throws -> Int {
        guard case .number(let digits) = try required(name), let number = Int(digits) else {
            throw illTyped(name, expected: "a whole number")
        }
        return number
    }

    /// Whether a suite says that the vector is to be accepted, with or without hesitation.
    package var isValid: Bool { self["result"] != .string("invalid") }
}
