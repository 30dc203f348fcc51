import Console
package import Failures
import Files
import JSON
package import Primitives
import Transactions

/// What was signed for each request, and its outcome, on disk: a run that was stopped is resumed, and nothing is sent a
/// second time.
///
/// A file of JSON Lines that only grows:
///
///     {"request":"0x…","raw":"0x…"}                    signed, before it is sent
///     {"request":"0x…","rejected":"0x…","by":"0x…"}    no node took this one, and a block has the other with its nonce
///     {"request":"0x…","rejected":"0x…"}               a node's rule forbids this one; its nonce stays the request's
///     {"request":"0x…","record":{…}}                   the outcome
///
/// A request's name in it is `id:` and its own id, or the Keccak-256 of its document, followed by `#2` and so on for the
/// second of the same in an input. An outcome "replaced" is checked again by the next run. Journals of earlier versions
/// say "refused" where "rejected" stands with "by".
package final class Journal {
    private var file: AppendFile
    private let path: String
    private(set) var entries: [String: Entry] = [:]
    /// The nonce after those that the journal shows in blocks: a node that lags may not count them yet.
    private(set) var nextNonce: UInt64 = 0
    private var account: (sender: Address, chainId: UInt64)?
    /// How often each document without an id has come in this input.
    private var counts: [Bytes32: Int] = [:]

    /// What the journal holds of a request.
    struct Entry {
        /// All the transactions that were signed for it, oldest first.
        private(set) var versions: [SignedTransaction] = []
        /// The document of its outcome.
        private(set) var record: JSONObject?
        /// The last transaction that no node took, and the one that has its nonce in a block; nil if a rule forbade it.
        var (rejected, rival): (Bytes32?, Bytes32?)
        /// The Keccak-256 of the document of a request with an id.
        var content: String?

        /// A new transaction opens the request again.
        mutating func take(_ signed: SignedTransaction) {
            versions.append(signed)
            record = nil
        }

        /// Only a verdict against the transactions is checked again.
        mutating func take(_ record: JSONObject?) {
            self.record = record
            if record?["status"] != .string("replaced") { versions = [] }
        }

        /// What an earlier run left to do.
        enum Leftover {
            /// Nothing: this is its record.
            case done(JSONObject)
            /// Watching what was signed or, where a rule forbade that, signing again with the same nonce.
            case resume(TransactionState)
        }

        /// What is left to do before a transaction may be prepared and signed; nil for nothing.
        var leftover: Leftover? {
            if let record, versions.isEmpty { return .done(record) }
            guard let newest = versions.last?.hash else { return nil }
            return newest != rejected ? .resume(.resumed) : rival == nil ? .resume(.rejected) : nil
        }
    }

    /// What each line begins with. A file that ends in the middle of another one is not this program's to cut.
    private static let lineStart = Array(#"{"request":""#.utf8)
    /// In bytes: a request may have 16 MiB.
    private static let lineLimit = 32 << 20

    /// Opens a journal, or begins one. No other program can open it meanwhile. Throws `FileError`, ``JournalError``.
    package init(_ path: String) throws {
        self.path = path
        file = try AppendFile(path, lineLimit: Self.lineLimit)
        var lineNumber = 1
        while let line = try file.nextLine() {
            do { if !line.isEmpty { try read(line) } } catch {
                throw Self.fault(of: line, lineNumber, path: path, "\(error)")
            }
            lineNumber += 1
        }
        guard Self.lineStart.starts(with: file.unfinished.prefix(Self.lineStart.count)) else {
            throw Self.fault(of: Array(file.unfinished), lineNumber, path: path, "not a journal entry")
        }
        try file.removeUnfinished()
    }

    /// Why a line is none of a journal's.
    private static func fault(of line: [UInt8], _ number: Int, path: String, _ reason: String) -> any Error {
        let object = (try? JSONParser.parse(line, line: number))?.object
        return object.flatMap { WrongDocument($0, in: path, awaited: DocumentKind.journal.name) }
            ?? JournalError.damaged(path: path, line: number, reason: reason)
    }

    private func read(_ line: [UInt8]) throws {
        guard let json = try JSONParser.parse(line).object else { throw JSONError.notAnObject(line: 1) }
        let request = try json.string("request")
        var entry = entries[request] ?? Entry()
        func hash(_ name: String) throws(JSONError) -> Bytes32? {
            try json.optionalParsed(name, as: "32 bytes of hex") { text throws(PrimitiveError) in
                try Bytes32(hex: text)
            }
        }
        if let raw = try json.optionalParsed("raw", as: "hex", { text throws(PrimitiveError) in try Hex.decode(text) })
        {
            let signed = try SignedTransaction(raw: raw)
            let (sender, chainId) = (signed.sender, signed.transaction.chainId)
            guard (account ?? (sender, chainId)) == (sender, chainId) else {
                throw JournalError.otherAccount(sender, chainId: chainId)
            }
            account = (sender, chainId)
            entry.content = try json.optionalString("content")
            entry.take(signed)
        } else if let rejected = try hash("rejected") ?? hash("refused") {
            let rival = try hash("by")
            // What earlier versions refused without the other one was a guess, and the chain is asked again.
            if rival != nil || json["refused"] == nil { (entry.rejected, entry.rival) = (rejected, rival) }
        } else {
            let record = try json.object("record")
            let mined = record["blockNumber"] == nil ? nil : record["transactionHash"]?.string
            for version in entry.versions where version.hash.hex == mined {
                nextNonce = max(nextNonce, version.transaction.nonce &+ 1)
            }
            entry.take(record)
        }
        entries[request] = entry
    }

    /// The chain that the journal's transactions are of; nil for none yet. Throws ``JournalError/foreign(path:what:)`` if
    /// they are of another sender or chain than is expected.
    func chainId(of sender: Address, expected: UInt64?) throws(JournalError) -> UInt64? {
        guard let account else { return nil }
        guard account.sender == sender else { throw .foreign(path: path, what: "key: \(account.sender)") }
        if let expected, expected != account.chainId { throw .foreign(path: path, what: "chain: \(account.chainId)") }
        return account.chainId
    }

    /// A request's name in the journal. The input's requests must be named in their order. Throws
    /// ``JournalError/otherRequest(id:)`` for an id that another request had, in the journal or in this input.
    func name(of request: TransactionRequest) throws(JournalError) -> String {
        var document = request
        // Whoever signs it is the journal's sender.
        document.from = nil
        let content = Keccak256.hash(Array(document.json.compact.utf8))
        guard let id = request.id else {
            let count = (counts[content] ?? 0) + 1
            counts[content] = count
            return count == 1 ? content.hex : "\(content.hex)#\(count)"
        }
        let name = "id:\(id)"
        guard entries[name]?.content ?? content.hex == content.hex else { throw .otherRequest(id: id) }
        entries[name, default: Entry()].content = content.hex
        return name
    }

    /// Notes a transaction, which may be sent once this returns, and must not if it throws.
    func note(_ signed: SignedTransaction, for name: String) throws(FileError) {
        let content = entries[name]?.content.map(JSONValue.string)
        try append(name, ["raw": .string(signed.raw.hex), "content": content])
        entries[name, default: Entry()].take(signed)
    }

    /// Notes that no node took a transaction: a rule forbids it or, in a block, a rival has its nonce. Throws `FileError`.
    func noteRejected(_ hash: Bytes32, by rival: Bytes32?, for name: String) throws(FileError) {
        try append(name, ["rejected": .string(hash.hex), "by": (rival?.hex).map(JSONValue.string)])
        entries[name]?.rejected = hash
        entries[name]?.rival = rival
    }

    /// Notes the outcome of a request. Throws `FileError`.
    func note(_ record: JSONValue, for name: String) throws(FileError) {
        // What is in a block is the last word: the same request may have been watched twice.
        if let known = entries[name]?.record, known == record.object || known["blockNumber"] != nil { return }
        try append(name, ["record": record])
        entries[name, default: Entry()].take(record.object)
    }

    private func append(_ name: String, _ members: KeyValuePairs<String, JSONValue?>) throws(FileError) {
        let all = [("request", JSONValue.string(name))] + members.compactMap { name, value in value.map { (name, $0) } }
        try file.append([JSONValue.object(JSONObject(members: all)).compact])
    }
}

/// Why a journal cannot be used.
package enum JournalError: UserFacingError, Equatable {
    /// A line that this program did not write.
    case damaged(path: String, line: Int, reason: String)
    /// A line with a transaction of another account or chain than those before it.
    case otherAccount(Address, chainId: UInt64)
    /// A journal of another account's or another chain's transactions.
    case foreign(path: String, what: String)
    /// A request whose id another request had before.
    case otherRequest(id: String)

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        switch self {
        case .damaged(let path, let line, let reason):
            "the journal \(path.quotedPath) cannot be used: line \(line): \(reason)"
        case .otherAccount(let sender, let chainId):
            "its transaction is from \(sender) on chain \(chainId), unlike those before it"
        case .foreign(let path, let what): "the journal \(path.quotedPath) belongs to another \(what)"
        case .otherRequest(let id):
            "the id \(id.quoted()) already belongs to another request, in the journal or in the input"
        }
    }

    package var hints: [String] {
        if case .foreign = self { ["use a separate journal for each key and chain"] } else { [] }
    }
}
