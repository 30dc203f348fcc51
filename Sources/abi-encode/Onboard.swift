import ABI
import ArgumentParser
import CommandLineTool
import Console
import Failures
import JSON
import TEEBridge
import Transactions

struct Onboard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "onboard",
        abstract: "Requests that post sealed messages to members' inboxes.",
        discussion: """
            EXAMPLE
              ecies-seal --to-member 0x… secret | abi-encode onboard | tx-send
            """)

    @OptionGroup var bridge: BridgeOption

    @Argument(help: "A file of sealed messages, as ecies-seal prints them; standard input if absent or -.")
    var file: String?

    func run() throws {
        let requests = try BridgeRequests(bridge: bridge.address())
        let limit = PayloadLimit(of: requests.bridge)
        let input = try Input(
            path: file, awaited: DocumentKind.sealedMessage.plural, diagnostics: ABIEncode.diagnostics)
        try input.forEachObject(limit: inputLimit) { json in
            try Self.request(SealedMessage(json: json), of: json, requests, limit).json.compact
        } _: {
            try Descriptor.standardOutput.writeLine($0)
        }
    }

    /// The request for a message, which must name its sender and recipient and be short enough for the bridge.
    private static func request(
        _ message: SealedMessage, of object: JSONObject, _ requests: BridgeRequests, _ limit: PayloadLimit
    ) throws -> TransactionRequest {
        guard let from = message.from else {
            throw JSONError.missingMember(line: object.line, member: "from_member")
        }
        guard let to = message.to else { throw JSONError.missingMember(line: object.line, member: "to_member") }
        try limit.check(message.payload.count, line: object.line)
        return try requests.onboard(from: from, to: to, payload: message.payload)
    }
}

/// What a file holds; `-` is standard input.
///
/// - Parameters:
///   - awaited: what it should be, for hints: "arguments".
///   - make: makes it of the bytes.
/// - Throws: ``DocumentError``, among others.
func readDocument<Document>(
    _ path: String, awaited: String, as make: ([UInt8]) throws -> Document
) throws -> Document {
    let input = try Input(path: path, awaited: awaited, diagnostics: ABIEncode.diagnostics)
    let bytes = try input.readText(limit: documentLimit)
    do { return try make(bytes) } catch let failure as any UserFacingError {
        let object = try? JSONParser.parse(bytes).object
        let other =
            object.flatMap { WrongDocument($0, in: input.file, awaited: awaited) }
            ?? WrongDocument(text: bytes.prefix(4096), in: input.file, awaited: awaited)
        throw other ?? DocumentError(path: input.path, failure: failure)
    }
}

/// The most bytes that an interface, an artefact or a document of arguments may have.
private let documentLimit = 16 << 20

/// What is wrong with one of the files that were named.
struct DocumentError: UserFacingError {
    /// The file.
    let path: String
    /// What is wrong.
    let failure: any UserFacingError

    var kind: ErrorCategory { failure.kind }
    var description: String { "\(path.quotedPath): \(failure)" }
    var hints: [String] { failure.hints }
}
