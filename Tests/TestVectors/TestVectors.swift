import FoundationEssentials
package import JSON
import Primitives

/// The files of known answers in Tests/vectors.
package enum TestVectors {
    /// The object that a file of vectors holds.
    package static func load(_ name: String, from file: StaticString = #filePath) throws -> JSONObject {
        let folder = URL(filePath: "\(file)").deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appending(path: "vectors").appending(path: name))
        guard let object = try JSONParser.parse(data).object else { throw JSONError.notAnObject(line: 1) }
        return object
    }

    /// The objects in a member that is an array of them.
    package static func load(_ name: String, member: String) throws -> [JSONObject] {
        try load(name).array(member).compactMap(\.object)
    }
}

extension JSONObject {
    /// The bytes of a member that is hex, with or without 0x.
    package func bytes(_ name: String) throws -> [UInt8] { try Hex.decode(string(name), prefix: .optional) }
}
