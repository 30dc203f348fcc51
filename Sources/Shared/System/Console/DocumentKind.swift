package import Failures
package import JSON

/// A kind of document that programs of this package print, read or keep: how one is recognised, and what takes it.
package struct DocumentKind: Sendable {
    /// What one is called: "a proof".
    package let name: String
    /// What several are called: "proofs".
    package let plural: String
    /// Names of members; an object that has all of one of these lists is of the kind.
    private let marks: [[String]]
    /// The names of other kinds that are read in place of one.
    private let alternatives: [String]
    /// What to do with one: a purpose, and a command with FILE for the file's name where standard input will do, and PATH
    /// where it will not.
    private let uses: [(purpose: String, command: String)]

    private init(
        _ name: String, _ plural: String, marks: [[String]] = [], alternatives: [String] = [],
        _ uses: (purpose: String, command: String)...
    ) {
        (self.name, self.plural, self.marks, self.alternatives, self.uses) = (name, plural, marks, alternatives, uses)
    }

    fileprivate func isMarked(_ object: JSONObject) -> Bool {
        marks.contains { $0.allSatisfy { object[$0] != nil } }
    }

    /// What to type, for a file of this name; nil for standard input.
    fileprivate func hints(file: String?) -> [String] {
        uses.map { purpose, command in
            guard let file = file?.shellWord else {
                let piped = command.replacing(" FILE", with: "")
                return "\(purpose): \(piped == command ? "" : "… | ")\(piped)"
            }
            return "\(purpose): \(command.replacing("FILE", with: file).replacing("PATH", with: file))"
        }
    }
}

extension DocumentKind {
    /// The proof that makes a CVM a member, alone or as servers wrap it.
    package static let proof = DocumentKind(
        "a proof", "proofs", marks: [["dstack_proof"], ["code_id", "kms_root"], ["proof"]],
        ("to register it", "abi-encode register FILE | tx-send"))
    /// What ecies-seal prints.
    package static let sealedMessage = DocumentKind(
        "a sealed message", "sealed messages",
        marks: [["payload", "from_member"], ["payload", "to_member"], ["payload"]],
        ("to post it", "abi-encode onboard FILE | tx-send"), ("to open it", "ecies-seal --open FILE"))
    /// What abi-encode prints for tx-send.
    package static let request = DocumentKind(
        "a transaction request", "transaction requests",
        marks: [["to", "data"], ["to", "input"], ["to", "value"], ["data", "value"]], ("to send it", "tx-send FILE"))
    /// What tx-send prints of a request.
    package static let record = DocumentKind(
        "a record of tx-send", "records of tx-send",
        marks: [["status", "label"], ["status", "transactionHash"], ["status", "raw"]],
        ("to wait for a pending one", "tx-send --wait FILE"))
    /// What `ecies-seal --recipients` reads; a proof is one too.
    package static let recipient = DocumentKind("a recipient", "recipients", alternatives: [proof.name])
    /// A key under a password, as wallets and geth write it.
    package static let keystore = DocumentKind(
        "a keystore", "keystores", marks: [["crypto", "version"], ["Crypto", "version"]],
        ("to use its key", "--key keystore:PATH"))
    /// What a compiler writes: a contract's interface with its code.
    package static let artefact = DocumentKind(
        "an artefact", "artefacts", marks: [["abi"]], ("to deploy it", "abi-encode deploy FILE | tx-send"))
    /// A contract's ABI, alone or in an artefact.
    package static let interface = DocumentKind(
        "an interface", "interfaces", marks: [["type", "inputs"]], alternatives: [artefact.name],
        ("to make a request by it", "abi-encode call --to ADDRESS --abi PATH FUNCTION"))
    /// What `tx-send --journal` keeps.
    package static let journal = DocumentKind(
        "a journal of tx-send", "journals of tx-send",
        marks: [["request", "raw"], ["request", "record"], ["request", "rejected"]],
        ("to resume its run", "tx-send --journal PATH REQUESTS"))
    /// What `inbox-watch --state` keeps.
    package static let inboxState = DocumentKind(
        "the state of inbox-watch", "states of inbox-watch", marks: [["version", "next", "member_id"]],
        ("to go on from it", "inbox-watch --state PATH"))
    private static let inboxMessage = DocumentKind(
        "an opened message", "opened messages",
        marks: [["index", "from", "payload"], ["index", "from", "payload_hex"], ["messages", "dropped"]],
        ("to pass each to a program", "inbox-watch --exec PROGRAM"))
    private static let receipt = DocumentKind(
        "a receipt", "receipts", marks: [["transactionHash", "logs"]],
        ("to decode its logs", "abi-encode decode log FILE"))
    private static let answer = DocumentKind(
        "a node's answer", "nodes' answers", marks: [["jsonrpc", "result"], ["jsonrpc", "error"]],
        ("to decode it", "abi-encode decode result FUNCTION FILE"))
    private static let agentInfo = DocumentKind(
        "a CVM's description", "CVMs' descriptions", marks: [["app_id", "derived_pubkey"]],
        ("to get its proof", "proof-fetch URL"))
    private static let log = DocumentKind(
        "a log with a proof", "logs", ("to register it", "proof-extract FILE | abi-encode register | tx-send"))
    private static let hex = DocumentKind("hex", "hex", ("to open it, if it is sealed", "ecies-seal --open FILE"))
    private static let bytes = DocumentKind(
        "bytes", "bytes", ("to open them, if they are sealed", "ecies-seal --open FILE"))
    private static let digits = DocumentKind("32 bytes of hex", "hex", ("if they are a key", "--key file:PATH"))
    private static let pem = DocumentKind("a certificate or key in PEM", "PEM")
    private static let page = DocumentKind("a web page", "web pages")

    /// All kinds of objects, the more particular ones first.
    private static let objects = [
        proof, inboxState, inboxMessage, journal, keystore, answer, receipt, record, artefact, interface, sealedMessage,
        agentInfo, request,
    ]

    /// The kind of an object; nil if it is of none.
    package static func of(_ object: JSONObject) -> DocumentKind? { objects.first { $0.isMarked(object) } }

    /// The kind of a text that is no JSON, by how it begins; nil if it is of none.
    package static func of(_ text: some Collection<UInt8>) -> DocumentKind? {
        guard let first = text.first else { return nil }
        if 0x02...0x04 ~= first { return .bytes }
        let text = String(decoding: text, as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        let number = words.first.map { $0.hasPrefix("0x") ? $0.dropFirst(2) : $0[...] } ?? ""
        if !number.isEmpty, words.count == 1, number.allSatisfy(\.isHexDigit) { return isKey(text.utf8) ? digits : hex }
        if text.contains("PROOF_JSON=") { return log }
        if text.hasPrefix("-----BEGIN ") { return pem }
        return words.first?.hasPrefix("<") == true ? page : nil
    }

    /// Whether a text is 64 hex digits, as a key is.
    package static func isKey(_ text: some Collection<UInt8>) -> Bool {
        let text = String(decoding: text, as: UTF8.self)
        let word = text.filter { !$0.isWhitespace }
        let digits = word.hasPrefix("0x") ? word.dropFirst(2) : word[...]
        return digits.count == 64 && digits.allSatisfy(\.isHexDigit)
    }

    /// Whether one is read where errors call what was awaited so.
    fileprivate func serves(as awaited: String) -> Bool {
        let kind = (Self.objects + [Self.recipient]).first { $0.name == awaited || $0.plural == awaited }
        return kind.map { $0.name == name || $0.alternatives.contains(name) } ?? false
    }
}

/// A document of another kind than the one that is needed.
package struct WrongDocument: UserFacingError, Equatable {
    /// The file; nil for standard input.
    private let file: String?
    private let line: Int
    private let awaited: String
    private let name: String
    package let hints: [String]

    package var kind: ErrorCategory { .badInput }

    package var description: String {
        let place = file?.quotedPath ?? "standard input"
        return "\(line > 1 ? "line \(line) of " : "")\(place) holds \(name) instead of \(awaited)"
    }

    /// What is wrong with an object that could not be read; nil if it is no known kind of document, or the one that
    /// was awaited.
    ///
    /// - Parameters:
    ///   - file: where it stood; nil is standard input.
    ///   - awaited: what was needed, as ``DocumentKind/name`` or ``DocumentKind/plural`` says it.
    package init?(_ object: JSONObject, in file: String?, awaited: String) {
        guard let kind = DocumentKind.of(object), !kind.serves(as: awaited) else { return nil }
        self.init(kind, line: object.line, in: file, awaited: awaited)
    }

    /// What is wrong with a text that is no JSON; nil if it is no known kind of text.
    package init?(text: some Collection<UInt8>, in file: String?, awaited: String) {
        guard let kind = DocumentKind.of(text) else { return nil }
        self.init(kind, line: 1, in: file, awaited: awaited)
    }

    private init(_ kind: DocumentKind, line: Int, in file: String?, awaited: String) {
        (self.file, self.line, self.awaited, name) = (file, line, awaited, kind.name)
        hints = kind.hints(file: file)
    }
}
