import CommandLineTool
import Console
import Failures
import JSON

/// What the JSON value that a file holds is; `-` is standard input.
///
/// - Parameters:
///   - awaited: what it should be, for hints: "arguments".
///   - make: makes it of the value.
/// - Throws: ``DocumentError``, among others.
func readDocument<Document>(
    _ path: String, awaited: String, as make: (JSONValue) throws -> Document
) throws -> Document {
    let input = try Input(path: path, awaited: awaited, voice: ABIEncode.voice)
    let bytes = try input.readAll(limit: documentLimit)
    do { return try make(JSONParser.parse(bytes)) } catch let failure as any Failure {
        throw DocumentError(path: input.path, failure: failure)
    }
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
    var description: String { "\(path.quotedPath): \(failure)" }
    var hints: [String] { failure.hints }
}
