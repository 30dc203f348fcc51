import Dstack
import ECIES
import Envelope
import Primitives
import Secp256k1
import SecretMemory
@testable import StateProofs
import Transactions

/// What is signed, sealed or proven: nothing but the one true form is taken, and no bit of it can be another.
extension FuzzTarget {
    static let signed = [
        FuzzTarget(name: "transaction", run: readTransaction), FuzzTarget(name: "signature-chain", run: followChain),
        FuzzTarget(name: "ecies", run: openMessage), FuzzTarget(name: "envelope", run: readEnvelope),
        FuzzTarget(name: "merkle-proof", floor: 1 << 20, run: proveValue),
    ]

    private static func readTransaction(_ bytes: [UInt8]) {
        guard let transaction = try? SignedTransaction(raw: bytes) else { return }
        require(transaction.raw == bytes, "a transaction has one form")
        require(transaction.hash == Keccak256.hash(bytes), "a transaction's hash is that of its bytes")
        require((transaction.transaction.to ?? .zero).bytes.count == 20, "a transaction goes to an address or nowhere")
        require(transaction.signature.isLowS, "a transaction's signature has a low s")
    }

    /// App id (20), derived key (33), the two signatures (65 each).
    private static func followChain(_ bytes: [UInt8]) {
        var rest = bytes[...]
        guard let appId = try? Address(rest.take(20)), let key = try? PublicKey(rest.take(33)),
            let appSignature = try? RecoverableSignature(rest.take(65)),
            let kmsSignature = try? RecoverableSignature(rest.take(65)),
            let chain = try? SignatureChain(
                appId: appId, purpose: String(decoding: rest, as: UTF8.self), derivedKey: key,
                appSignature: appSignature, kmsSignature: kmsSignature)
        else { return }
        require(appSignature.isLowS && kmsSignature.isLowS, "a chain's signatures have a low s")
        for signature in [appSignature, kmsSignature] {
            require((try? RecoverableSignature(signature.bytes)) == signature, "a signature comes back")
            require((try? RecoverableSignature(signature.walletBytes)) == signature, "a wallet's signature comes back")
        }
        for key in [chain.appKey, chain.kmsRoot] {
            require((try? PublicKey(key.uncompressed)) == key, "a key comes back")
        }
        let other = try? SignatureChain(
            appId: appId, purpose: chain.purpose + "!", derivedKey: key, appSignature: appSignature,
            kmsSignature: kmsSignature)
        require(other?.appKey != chain.appKey, "a chain is for one purpose")
    }

    /// The secret key of the vectors.
    private static let secret: [UInt8] =
        (try? Hex.decode("95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d", prefix: .none)) ?? []

    private static func withKey(_ body: (borrowing SecretKey) -> Void) {
        do { body(try SecretKey(SecretBytes(copying: secret))) } catch { require(false, "the key is one") }
    }

    private static func openMessage(_ bytes: [UInt8]) {
        withKey { key in
            for format in ECIES.formats {
                guard let text = try? format.open(bytes.span, with: key) else { continue }
                require(text.count + format.overhead == bytes.count, "a message is as long as its text and its parts")
                // GCM's tag is over the whole text: a bit of any part but the nonce's and the key's form counts.
                var other = bytes
                other[bytes.count - 1] ^= 1
                let opens = (try? format.open(other.span, with: key)) != nil
                require(!opens, "a message with another bit does not open")
            }
        }
    }

    /// Bytes as they come; and the same as the payload of an envelope, of which then one bit is turned.
    private static func readEnvelope(_ bytes: [UInt8]) {
        parse(bytes)
        withKey { key in
            let header = EnvelopeHeader(
                chainId: 8453, bridge: .zero, from: key.publicKey.memberId, to: .zero,
                messageId: Keccak256.hash(bytes.prefix(2)))
            var wrapped = Envelope.wrap(bytes.span, header, signedWith: key).withBytes { span in
                span.indices.map { span[$0] }
            }
            require(parse(wrapped) == header, "an envelope comes back")
            let place = bytes.prefix(2).reduce(0) { $0 << 8 | Int($1) } % wrapped.count
            wrapped[place] ^= 1 << UInt8(place % 8)
            require(parse(wrapped) == nil, "an envelope with another bit is none")
        }
    }

    @discardableResult private static func parse(_ bytes: [UInt8]) -> EnvelopeHeader? {
        do throws(EnvelopeError) {
            guard let envelope = try Envelope.parse(SecretBytes(copying: bytes)) else { return nil }
            let header = envelope.header
            let payload = envelope.takePayload()
            require(payload.count + Envelope.overhead == bytes.count, "an envelope ends with its payload")
            return header
        } catch { return nil }
    }

    /// A key (32 bytes), then the nodes, each behind its length in one byte, twice that for the high bit.
    ///
    /// No fuzzer finds the hash of a node, so 32 times `h` in a node stands for the hash of the next.
    private static func proveValue(_ bytes: [UInt8]) {
        var rest = bytes[...]
        guard let key = try? Bytes32(rest.take(32)) else { return }
        var nodes: [[UInt8]] = []
        while !rest.isEmpty, nodes.count < 70 {
            nodes.append(rest.take(Int(rest.takeByte()) * 4 + Int(rest.takeByte() % 4)))
        }
        let placeholder = [UInt8](repeating: UInt8(ascii: "h"), count: 32)
        for index in nodes.indices.dropLast().reversed() {
            let hash = Keccak256.hash(nodes[index + 1]).bytes
            while let range = nodes[index].firstRange(of: placeholder) {
                nodes[index].replaceSubrange(range, with: hash)
            }
        }
        let root = Keccak256.hash(nodes.first ?? [])
        func value(_ nodes: [[UInt8]]) -> Result<[UInt8]?, ProofFlaw> {
            Result { () throws(ProofFlaw) in try MerkleProof.value(at: key, below: root, nodes: nodes) }
        }
        guard case .success(let held) = value(nodes) else { return }
        if let held {
            require(!held.isEmpty, "a trie holds no empty value")
            _ = try? AccountState.word(rlp: held)
            _ = try? AccountState(rlp: held)
        }
        guard root != MerkleProof.emptyRoot else { return }
        require(value(nodes.dropLast()).isFailure, "a proof that is cut short is none")
        require(value(nodes + [[0x80]]).isFailure, "a proof with a node too many is none")
        for index in nodes.indices {
            var others = nodes
            others[index][others[index].count - 1] ^= 1
            require(value(others).isFailure, "a proof with another bit is none")
        }
    }
}

extension Result {
    fileprivate var isFailure: Bool { if case .failure = self { true } else { false } }
}

extension ECIES {
    /// All formats that can be asked for.
    static let formats = NonceLength.allCases.flatMap { length in
        [false, true].flatMap { ephemeral in
            [false, true].map { derivation in
                ECIES(ephemeralCompressed: ephemeral, derivationCompressed: derivation, nonceLength: length)
            }
        }
    }
}
