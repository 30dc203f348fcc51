# pragma version 0.4.3
"""
@notice Stands in for the bridge's second version, as far as members are concerned.
"""

interface Verifier:
    def verify(proof: Bytes[2048]) -> (bytes32, Bytes[33], Bytes[32]): view

struct Member:
    codeId: bytes32
    verifier: address
    pubkey: Bytes[33]
    userData: Bytes[32]
    registeredAt: uint256

event MemberRegistered:
    memberId: indexed(bytes32)
    codeId: indexed(bytes32)
    verifier: indexed(address)
    pubkey: Bytes[33]
    userData: Bytes[32]

event VerifierAdded:
    verifier: indexed(address)

event VerifierRemoved:
    verifier: indexed(address)

event AllowedCodeAdded:
    codeId: indexed(bytes32)

owner: address
allowedVerifiers: public(HashMap[address, bool])
allowedCode: public(HashMap[bytes32, bool])
members: HashMap[bytes32, Member]


@deploy
def __init__():
    self.owner = msg.sender


@external
def addVerifier(verifier: address):
    self._checkOwner()
    self.allowedVerifiers[verifier] = True
    log VerifierAdded(verifier=verifier)


@external
def removeVerifier(verifier: address):
    self._checkOwner()
    self.allowedVerifiers[verifier] = False
    log VerifierRemoved(verifier=verifier)


@external
def addAllowedCode(codeId: bytes32):
    self._checkOwner()
    self.allowedCode[codeId] = True
    log AllowedCodeAdded(codeId=codeId)


@external
def register(verifier: address, proof: Bytes[2048]) -> bytes32:
    if not self.allowedVerifiers[verifier]:
        raw_revert(method_id("VerifierNotAllowed()"))
    codeId: bytes32 = empty(bytes32)
    pubkey: Bytes[33] = b""
    userData: Bytes[32] = b""
    codeId, pubkey, userData = staticcall Verifier(verifier).verify(proof)
    if not self.allowedCode[codeId]:
        raw_revert(method_id("CodeNotAllowed()"))
    memberId: bytes32 = keccak256(pubkey)
    if self.members[memberId].registeredAt != 0:
        raw_revert(method_id("AlreadyRegistered()"))
    self.members[memberId] = Member(
        codeId=codeId, verifier=verifier, pubkey=pubkey, userData=userData, registeredAt=block.timestamp
    )
    log MemberRegistered(memberId=memberId, codeId=codeId, verifier=verifier, pubkey=pubkey, userData=userData)
    return memberId


@external
@view
def getMember(memberId: bytes32) -> (bytes32, address, Bytes[33], Bytes[32], uint256):
    member: Member = self.members[memberId]
    return member.codeId, member.verifier, member.pubkey, member.userData, member.registeredAt


@external
@view
def isMember(memberId: bytes32) -> bool:
    return self.members[memberId].registeredAt != 0


@internal
@view
def _checkOwner():
    if msg.sender != self.owner:
        raw_revert(method_id("NotOwner()"))
