package import Failures
package import Files
package import JSON
import Primitives
package import Transactions

/// What was signed for each request, and what became of it, on disk: a run that was stopped is gone on with, and
/// nothing is sent a second time.
///
/// A file of JSON Lines that only grows:
///
///     {"request":"0x…","raw":"0x…"}        signed, before it is sent
///     {"request":"0x…","refused":"0x…"}    this transaction was not taken, and its nonce is another's
///     {"request":"0x…","record":{…}}       the outcome
///
/// A request's name in it is `id:` and its own id, or the Keccak-256 of its document, with `#2` and so on behind it
/// for the second of the same in an input.
package final class Journal {
    private var file: AppendFile
    private let path: String
    private var entries: [String: Entry] = [:]
    /// Whose transactions these are.
    private var first: (sender: Address, chainId: UInt64)?
    /// The documents of the ids that have come in this input.
    private var contents: [String: String] = [:]
    /// How often each document without an id has come in this input.
    private var counts: [Bytes32: Int] = [:]

    /// What the journal holds of a request.
    package struct Entry {
        /// The transactions that were signed for it and may have been sent, oldest first; all of one nonce.
        package var versions: [SignedTransaction] = []
        /// The document of its outcome.
        package var record: JSONObject?
        /// The Keccak-256 of the document of a request with an id.
        var content: String?
    }

    /// How many bytes a line of a journal may have: a request may have 16 MiB.
    private static let lineLimit = 32 << 20

    /// Opens a journal, or begins one. No other program can open it meanwhile.
    ///
    /// - Throws: `FileError`; ``JournalError`` for a file that is none.
    package init(_ path: String) throws {
        self.path = path
        file = try AppendFile(path, lineLimit: Self.lineLimit)
        var lineNumber = 1
        while let line = try file.nextLine() {
            do { if !line.isEmpty { try read(line) } } catch {
                throw JournalError.damaged(path: path, line: lineNumber, reason: "\(error)")
            }
            lineNumber += 1
        }
        guard Self.lineStart.starts(with: file.unfinished.prefix(Self.lineStart.count)) else {
            throw JournalError.damaged(path: path, line: lineNumber, reason: "it is no line of a journal")
        }
        try file.removeUnfinished()
    }

    /// What each line begins with. A file that ends in the middle of another one is not this program's to cut.
    private static let lineStart = Array(#"{"request":""#.utf8)

    private func read(_ line: [UInt8]) throws {
        guard let json = try JSONParser.parse(line).object else { throw JSONError.notAnObject(line: 1) }
        let request = try json.string("request")
        var entry = entries[request] ?? Entry()
        if let raw = try json.optionalParsed("raw", as: "hex", Self.bytes) {
            let signed = try SignedTransaction(raw: raw)
            first = first ?? (signed.sender, signed.transaction.chainId)
            entry.versions.append(signed)
            entry.content = try json.optionalString("content")
        } else if let refused = try json.optionalParsed(
            "refused", as: "32 bytes of hex", { text throws(PrimitiveError) in try Bytes32(hex: text) })
        {
            entry.versions.removeAll { $0.hash == refused }
        } else {
            entry.record = try json.object("record")
            entry.versions = []
        }
        entries[request] = entry
    }

    private static func bytes(_ text: String) throws(PrimitiveError) -> [UInt8] { try Hex.decode(text) }

    /// The chain that the journal's transactions are of; nil for none yet.
    ///
    /// - Throws: ``JournalError/foreign(path:what:)`` if they are of another sender, or of another chain than is
    ///   expected, if one is.
    func chainId(of sender: Address, expected: UInt64?) throws(JournalError) -> UInt64? {
        guard let first else { return nil }
        guard first.sender == sender else { throw .foreign(path: path, what: "key: \(first.sender)") }
        if let expected, expected != first.chainId { throw .foreign(path: path, what: "chain: \(first.chainId)") }
        return first.chainId
    }

    /// A request's name in the journal. The input's requests must be named in their order.
    ///
    /// - Throws: ``JournalError/otherRequest(id:)`` for an id that another request had, in the journal or in this input.
    package func name(of request: TransactionRequest) throws(JournalError) -> String {
        let content = Keccak256.hash(Array(request.json.compact.utf8))
        guard let id = request.id else {
            let count = (counts[content] ?? 0) + 1
            counts[content] = count
            return count == 1 ? content.hex : "\(content.hex)#\(count)"
        }
        let name = "id:\(id)"
        let known = entries[name]?.content ?? contents[name] ?? content.hex
        guard known == content.hex else { throw .otherRequest(id: id) }
        contents[name] = known
        return name
    }

    /// What the journal holds of a request; nil for nothing that may have been sent.
    package subscript(name: String) -> Entry? {
        entries[name].flatMap { $0.versions.isEmpty && $0.record == nil ? nil : $0 }
    }

    /// Notes transactions, which may be sent once this returns.
    ///
    /// - Throws: `FileError`: none of them must be sent.
    package func note(_ signed: [(name: String, request: TransactionRequest?, SignedTransaction)]) throws(FileError) {
        try file.append(
            signed.map { name, request, transaction in
                let content = request.flatMap { $0.id == nil ? nil : Keccak256.hash(Array($0.json.compact.utf8)).hex }
                entries[name, default: Entry()].content = content ?? entries[name]?.content
                return JSONValue.members([
                    "request": .string(name), "raw": .string(transaction.raw.hex),
                    "content": entries[name]?.content.map(JSONValue.string),
                ]).compact
            })
        for (name, _, transaction) in signed { entries[name, default: Entry()].versions.append(transaction) }
    }

    /// Notes that a transaction was not taken and never will be.
    package func noteRefusal(of transaction: SignedTransaction, for name: String) throws(FileError) {
        try file.append([
            JSONValue.members(["request": .string(name), "refused": .string(transaction.hash.hex)]).compact
        ])
        entries[name]?.versions.removeAll { $0.hash == transaction.hash }
    }

    /// Notes the outcome of a request.
    package func note(_ record: JSONValue, for name: String) throws(FileError) {
        try file.append([JSONValue.members(["request": .string(name), "record": record]).compact])
        entries[name]?.record = record.object
        entries[name]?.versions = []
    }
}

/// Why a journal cannot be used.
package enum JournalError: Failure, Equatable {
    /// A line that this program did not write.
    case damaged(path: String, line: Int, reason: String)
    /// A journal of another account's or another chain's transactions.
    case foreign(path: String, what: String)
    /// A request whose id another request had before.
    case otherRequest(id: String)

    package var kind: FailureKind { .badInput }

    package var description: String {
        switch self {
        case .damaged(let path, let line, let reason):
            "the journal \(path.quotedPath) cannot be used: line \(line): \(reason)"
        case .foreign(let path, let what): "the journal \(path.quotedPath) is of another \(what)"
        case .otherRequest(let id): "the id \(id.quoted()) is another request's, in the journal or in the input"
        }
    }

    package var hints: [String] {
        switch self {
        case .damaged, .otherRequest: []
        case .foreign: ["use a journal for each key and chain"]
        }
    }
}
