import Console
import Failures
import JSON
import Program

/// The one JSON value that a file holds; `-` is standard input.
///
/// - Parameter awaited: what it should hold, for hints: "arguments".
func readDocument(_ path: String, awaited: String) throws -> JSONValue {
    let input = try Input(path: path, awaited: awaited, voice: ABIEncode.voice)
    let bytes = try input.readAll(limit: documentLimit)
    do { return try JSONParser.parse(bytes) } catch { throw DocumentError(path: input.path, failure: error) }
}

/// The most bytes that an interface, an artefact or a document of arguments may have.
private let documentLimit = 16 << 20

/// What is wrong with one of the files that were named.
struct DocumentError: Failure {
    /// The file.
    let path: String
    /// What is wrong.
    let failure: any Failure

    var kind: FailureKind { failure.kind }
    var description: String { "\(path.quoted()): \(failure)" }
    var hints: [String] { failure.hints }
}
