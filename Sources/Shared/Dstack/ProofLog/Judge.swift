import Dstack
import JSON

/// Says whether a text is a proof, and remembers the last that was, since logs repeat themselves.
struct Judge: Sendable {
    private var text: [UInt8] = []
    private var proof: Proof?

    /// The proof that the text is.
    ///
    /// - Parameter line: where the text stands, for the refusal.
    mutating func judge(_ text: [UInt8], line: Int) -> Result<Proof, Refusal> {
        if let proof, text == self.text { return .success(proof) }
        do throws(Refusal) {
            let proof = try Self.proof(text, line: line)
            self.text = text
            self.proof = proof
            return .success(proof)
        } catch {
            return .failure(error)
        }
    }

    private static func proof(_ text: [UInt8], line: Int) throws(Refusal) -> Proof {
        guard text.first == UInt8(ascii: "{") else { throw .notJSON(.notAnObject(line: line)) }
        let value: JSONValue
        do throws(JSONError) { value = try JSONParser.parse(text, line: line) } catch { throw .notJSON(error) }
        guard let object = value.object else { throw .notJSON(.notAnObject(line: line)) }
        do throws(ProofError) { return try Proof(json: object) } catch { throw .invalid(error) }
    }
}
