# pragma version 0.4.3
"""
@notice Stands in for the dstack verifier of the bridge's second version: reads a proof and looks up who signed the last
        link of its links. The other links are not its tests' concern.
"""

struct DstackProof:
    messageHash: bytes32
    messageSignature: Bytes[65]
    appSignature: Bytes[65]
    kmsSignature: Bytes[65]
    derivedCompressedPubkey: Bytes[33]
    appCompressedPubkey: Bytes[33]
    purpose: String[64]

event KmsRootAdded:
    root: indexed(address)

owner: address
allowedKmsRoots: public(HashMap[address, bool])


@deploy
def __init__():
    self.owner = msg.sender


@external
def addKmsRoot(root: address):
    if msg.sender != self.owner:
        raw_revert(method_id("NotOwner()"))
    self.allowedKmsRoots[root] = True
    log KmsRootAdded(root=root)


@external
@view
def verify(proof: Bytes[2048]) -> (bytes32, Bytes[33], Bytes[32]):
    codeId: bytes32 = empty(bytes32)
    links: DstackProof = empty(DstackProof)
    codeId, links = abi_decode(proof, (bytes32, DstackProof))
    digest: bytes32 = keccak256(concat(b"dstack-kms-issued:", slice(codeId, 0, 20), links.appCompressedPubkey))
    v: uint256 = convert(slice(links.kmsSignature, 64, 1), uint256)
    if v < 27:
        v += 27
    root: address = ecrecover(
        digest, v, extract32(links.kmsSignature, 0, output_type=uint256),
        extract32(links.kmsSignature, 32, output_type=uint256),
    )
    if root == empty(address) or not self.allowedKmsRoots[root]:
        raw_revert(method_id("InvalidDstackSignature()"))
    return codeId, links.derivedCompressedPubkey, b"quote"
