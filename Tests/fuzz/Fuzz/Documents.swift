import BridgeClient
import Dstack
import JSON
import KeySources
import Primitives
import ProofLog
import Secp256k1
import SecretMemory
import StateProofs
import TEEBridge
import Transactions

@testable import ABI
@testable import Inbox

/// JSON, what is read from it, and logs.
extension FuzzTarget {
    static let documents = [
        FuzzTarget(name: "json", run: readJSON, compare: compareJSON),
        FuzzTarget(name: "documents", floor: 1 << 20, run: readDocuments),
        FuzzTarget(name: "keystore", floor: 4 << 20, run: openKeystore),
        // Its memory is bounded for logs of any length; what is left for each byte is the list of the findings.
        FuzzTarget(name: "log", floor: 1 << 20, factor: 64, run: searchLog),
        FuzzTarget(name: "container", floor: 1 << 20, factor: 64, run: searchContainer),
    ]

    private static func readJSON(_ bytes: [UInt8]) {
        let value = try? JSONParser.parse(bytes)
        if let value {
            let again = try? JSONParser.parse(value.compact)
            require(again == value, "JSON comes back")
            require(value.depth <= JSONParser.depthLimit, "JSON is no deeper than the limit")
            // Swift's == takes letters for the same that are written with other bytes.
            require(again?.compact.utf8.elementsEqual(value.compact.utf8) ?? false, "JSON comes back as it was written")
        }
        let whole = elements(of: bytes, pieceCount: 1)
        require(whole == elements(of: bytes, pieceCount: 7), "a stream is the same in pieces")
        if let value, !bytes.isEmpty {
            require(whole == (value.array ?? [value]), "a stream of one value is the value, or the array's")
        }
    }

    private static func compareJSON(_ bytes: [UInt8]) {
        guard let value = try? JSONParser.parse(bytes) else { return }
        require(FoundationJSON(bytes).map { $0 == value } ?? false, "Foundation reads the same JSON")
    }

    private static func elements(of bytes: [UInt8], pieceCount: Int) -> [JSONValue]? {
        var stream = JSONStream(limit: 4096)
        var values: [JSONValue] = []
        let pieceSize = bytes.count / pieceCount + 1
        do throws(JSONError) {
            for start in stride(from: 0, to: bytes.count, by: pieceSize) {
                values += try stream.feed(bytes[start..<min(start + pieceSize, bytes.count)]).map(\.value)
            }
            return values + (try stream.finish()).map(\.value)
        } catch { return nil }
    }

    private static func readDocuments(_ bytes: [UInt8]) {
        for contract in (try? ContractArtefact.list(in: bytes)) ?? [] {
            _ = try? contract.bytecode()
            guard let interface = try? contract.interface() else { continue }
            for function in interface.functions {
                require(
                    (try? ABIFunction(function.signature))?.selector == function.selector, "a function has a signature")
            }
            for event in interface.events {
                require((try? ABIEvent(event.signature))?.topic == event.topic, "an event has a signature")
            }
        }
        guard let object = try? JSONParser.parse(bytes).object else { return }
        requireComesBack(object, { try TransactionRequest(json: $0) }, \.json)
        requireComesBack(object, { try SealedMessage(json: $0) }, \.json)
        requireComesBack(object, { try Proof(json: $0) }, \.json)
        requireComesBack(object, { try InboxStateDocument($0) }, \.json)
        if let header = try? BlockHeader(json: object) {
            require(object["hash"]?.string?.lowercased() == header.hash.hex, "a header has the hash that it claims")
        }
        _ = try? MinedTransaction(json: object)
        _ = try? ProvenAccount(json: object, of: .zero, slots: [.zero], stateRoot: MerkleProof.emptyRoot)
    }

    /// What was read from a document is read again, the same, from the document that it writes.
    private static func requireComesBack<Document: Equatable>(
        _ object: JSONObject, _ read: (JSONObject) throws -> Document, _ write: (Document) -> JSONValue
    ) {
        guard let document = try? read(object) else { return }
        let written = write(document)
        let again = (try? JSONParser.parse(written.compact)).flatMap { $0.object }.flatMap { try? read($0) }
        require(again == document, "a document comes back: \(written.compact)")
    }

    /// Derives a key only where that costs next to nothing, with the password that the published vectors have.
    private static func openKeystore(_ bytes: [UInt8]) {
        guard let object = try? JSONParser.parse(bytes).object, let keystore = try? Keystore(json: object) else {
            return
        }
        let crypto = object["Crypto"] ?? object["crypto"]
        guard let parameters = crypto?.object?["kdfparams"]?.object else { return }
        let cost = ["n", "r", "p", "c"].map { name in
            if case .number(let digits)? = parameters[name] { Int(digits) ?? .max } else { 1 }
        }.reduce(1) { $0.multipliedReportingOverflow(by: $1).overflow ? .max : $0 * $1 }
        guard cost <= 1 << 12 else { return }
        do throws(KeystoreError) {
            let key = try keystore.key(password: SecretBytes(copying: Array("testpassword".utf8)))
            let address = object["address"]?.string.flatMap { try? Address(hex: $0, prefix: .optional) }
            require(address == nil || address == key.address, "a keystore's key is that of its address")
        } catch {}
    }

    /// What stands in front of a proof in each way in which logs are written, up to the end of the marker.
    private static let openings: [StaticString] = [
        "", "PROOF_JSON=", "{\"log\":\"PROOF_JSON=", "2025-11-20T10:00:00Z stdout P PROOF_JSON=",
        "[1.0,\"o\",\"PROOF_JSON=", "PROOF_JSON = ", "P\0R\0O\0O\0F\0_\0J\0S\0O\0N\0=\0",
        "\0P\0R\0O\0O\0F\0_\0J\0S\0O\0N\0=", "{\"channel\":\"stdout\",\"message\":\"UFJPT0ZfSlNPTj",
        "{\"message\":\"xBST09GX0pTT049", "{\"message\":\"xyQUk9PRl9KU09OP",
        "{\"MESSAGE\":[80,82,79,79,70,95,74,83,79,78,61",
    ]

    /// The first byte chooses what the others follow.
    private static func searchContainer(_ bytes: [UInt8]) {
        guard let choice = bytes.first else { return }
        let opening = openings[Int(choice) % openings.count].withUTF8Buffer { unsafe Array($0) }
        searchLog(opening + bytes.dropFirst())
    }

    private static func searchLog(_ bytes: [UInt8]) {
        let findings = findings(in: bytes, pieceSize: .max)
        // The first byte says how the log comes in pieces.
        require(
            findings == self.findings(in: bytes, pieceSize: Int(bytes.first ?? 0) + 1), "a log is the same in pieces")
        for case .proof(let proof, _) in findings {
            let again = (try? JSONParser.parse(proof.json.compact)).flatMap { $0.object }.flatMap {
                try? Proof(json: $0)
            }
            require(again == proof, "a proof that was found is one")
        }
    }

    private static func findings(in bytes: [UInt8], pieceSize: Int) -> [ScanResult] {
        var scanner = ProofScanner()
        var findings: [ScanResult] = []
        let span = bytes.span
        var start = 0
        while start < span.count {
            let piece = span.extracting(start..<min(span.count - start, pieceSize) + start)
            scanner.feed(piece) { findings.append($0) }
            start += piece.count
        }
        scanner.finish { findings.append($0) }
        return findings
    }
}

extension JSONValue {
    fileprivate var depth: Int {
        switch self {
        case .array(let elements): 1 + (elements.map(\.depth).max() ?? 0)
        case .object(let object): 1 + (object.members.map(\.value.depth).max() ?? 0)
        case .null, .bool, .number, .string: 1
        }
    }
}
