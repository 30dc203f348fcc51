package import Console
import Failures
package import Primitives
import Secp256k1

/// A KMS root as an operator names it: by its address or its name, or by its public key, which the KMS itself gives.
package struct KMSRoot: Sendable {
    private let address: Address
    /// The key that it was named by.
    private let key: PublicKey?

    /// The roots known by name.
    private static let named = [
        // The signer behind Phala's KMS contract on Base, 0x2f83172A49584C017F2B256F0FB2Dca14126Ba9C.
        "phala-base": "0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51"
    ]

    /// The names of known roots.
    package static var names: [String] { named.keys.sorted() }

    /// The addresses of the roots known by name.
    package static var addresses: [String: Address] { named.compactMapValues { try? Address($0) } }

    /// - Parameter text: a name, an address with 0x, or a public key of 33 or 65 bytes, with 0x or without.
    /// - Throws: `PrimitiveError`, `Secp256k1Error`, ``UnknownName``.
    package init(_ text: String) throws {
        let text = Self.named[text] ?? text
        let digits = text.trimmingPrefix("0x")
        guard text.hasPrefix("0x") || (!digits.isEmpty && digits.allSatisfy(\.isHexDigit)) else {
            throw UnknownName(what: "a KMS root's address, public key or name", text: text, names: Self.named.keys)
        }
        if digits.count > 2 * Bytes32.byteCount {
            let key = try PublicKey(hex: text)
            self.key = key
            address = key.address
        } else {
            key = nil
            address = try Address(text)
        }
    }

    /// The roots in a list with commas between them.
    ///
    /// - Throws: as ``init(_:)``. No root at all is an error: whoever trusts none says nothing.
    package static func list(_ text: String) throws -> [KMSRoot] {
        let texts = text.split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
        return try (texts.isEmpty ? [text] : texts).map(KMSRoot.init)
    }

    /// The address, which is what a bridge lists.
    ///
    /// - Parameter diagnostics: says it where the root was named by its public key.
    package func address(_ diagnostics: Diagnostics) -> Address {
        if let key { diagnostics.note("the KMS root with the public key \(key) has the address \(address)") }
        return address
    }
}
