# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title TEEBridge
@license MIT
@notice A registry of programs that run in trusted execution environments of
        different dstack KMS ecosystems, and an inbox for each of them.
        A program becomes a member by showing a dstack key chain that ends in a
        KMS root which the owner allows; anybody may then leave sealed messages
        between members.
@dev    Speaks version 1 of the TEEBridge ABI: same functions, events, errors and
        order of checks, so every client of version 1 works unchanged. Added:
        `onboardingCount` and `onboardingMessage`, which read an inbox of any
        length piece by piece.

        Errors have no arguments and revert with exactly their four-byte selector:
        NotOwner 30cd7471, CodeNotAllowed dd04bd0d, AlreadyRegistered 3a81d6fc,
        MemberNotFound 1fdd7d63, InvalidDstackSignature 8de52096.

        Gas, Prague rules, in brackets what solc made of version 1: deploy 1,407,783
        (1,180,023), addKmsRoot 47,100 (47,289), addAllowedCode 46,998 (47,223),
        registerDstack 166,350 (191,545), onboard with a sealed payload of 111 bytes
        189,466 into an empty inbox, then 172,366 (186,497). getOnboarding of such
        messages: 117,000 when empty, 228,000 for 8, 12,454,000 from 96 on.

        Storage layout. HASH(s, k) = keccak256(s || k), both as 32-byte words:
        Vyper hashes the slot FIRST and the key second, Solidity the other way.

          slot 0  owner
          slot 1  allowedKmsRoots[address]      HASH(1, root)
          slot 2  allowedCode[bytes32]          HASH(2, codeId)
          slot 3  members[memberId]             M = HASH(3, memberId)
                    M + 0  codeId
                    M + 1  length of pubkey (33)
                    M + 2  pubkey, bytes 0 to 31
                    M + 3  pubkey, byte 32, then 31 unused bytes
                    M + 4  registeredAt
          slot 4  inbox[memberId][index]        I = HASH(HASH(4, memberId), index)
                    I + 0  fromMember
                    I + 1  length of encryptedPayload
                    I + 2  encryptedPayload, 32 bytes in each slot; what follows
                           its last byte within the last slot is zero
          slot 5  inboxSize[memberId]           HASH(5, memberId)
"""

struct DstackProof:
    messageHash: bytes32
    messageSignature: Bytes[MAX_SIGNATURE]
    appSignature: Bytes[MAX_SIGNATURE]
    kmsSignature: Bytes[MAX_SIGNATURE]
    derivedCompressedPubkey: Bytes[MAX_PUBKEY]
    appCompressedPubkey: Bytes[MAX_PUBKEY]
    purpose: String[MAX_PURPOSE]

struct Member:
    codeId: bytes32
    pubkey: Bytes[33]
    registeredAt: uint256

struct OnboardMsg:
    fromMember: bytes32
    encryptedPayload: Bytes[MAX_PAYLOAD]

event MemberRegistered:
    memberId: indexed(bytes32)
    codeId: indexed(bytes32)
    pubkey: Bytes[33]

event OnboardingPosted:
    toMember: indexed(bytes32)
    fromMember: indexed(bytes32)

event AllowedCodeAdded:
    codeId: indexed(bytes32)

event AllowedCodeRemoved:
    codeId: indexed(bytes32)

event KmsRootAdded:
    root: indexed(address)

event KmsRootRemoved:
    root: indexed(address)

# Signatures have 65 bytes and keys 33. The bounds are wider so that a wrong length
# reaches the check that names it instead of failing in the argument decoder.
MAX_SIGNATURE: constant(uint256) = 128
MAX_PUBKEY: constant(uint256) = 128
MAX_PURPOSE: constant(uint256) = 256

# More than a transaction of 2**24 gas, the protocol's limit, can pay to store.
MAX_PAYLOAD: constant(uint256) = 24576

# How many messages `getOnboarding` returns. Vyper reserves memory for the longest
# payload of each, and memory costs the square of its size; so an inbox of few
# messages is answered from a small reserve, a hundredth of the price.
MAX_RETURNED: constant(uint256) = 96
FEW: constant(uint256) = 8

MAX_INITIAL_ROOTS: constant(uint256) = 64

MODEXP: constant(address) = 0x0000000000000000000000000000000000000005

# The field prime of secp256k1, 2**256 - 2**32 - 977, and the exponent that gives
# square roots modulo it, (FIELD_PRIME + 1) / 4.
FIELD_PRIME: constant(uint256) = max_value(uint256) - 2**32 - 976
SQUARE_ROOT: constant(uint256) = FIELD_PRIME // 4 + 1

# ALL_BITS // (2**n + 1) has every other group of n bits set, the lowest among them.
# EACH_BYTE is a word of 32 bytes 01.
ALL_BITS: constant(uint256) = max_value(uint256)
EACH_BYTE: constant(uint256) = ALL_BITS // 255

owner: public(address)
allowedKmsRoots: public(HashMap[address, bool])
allowedCode: public(HashMap[bytes32, bool])
members: HashMap[bytes32, Member]
inbox: HashMap[bytes32, HashMap[uint256, OnboardMsg]]
inboxSize: HashMap[bytes32, uint256]


@deploy
def __init__(kmsRoots: DynArray[address, MAX_INITIAL_ROOTS]):
    """
    @notice Make the sender the owner and allow the given KMS roots.
    @param kmsRoots Addresses of the KMS root signing keys to trust at first.
    """
    self.owner = msg.sender
    for root: address in kmsRoots:
        self._addKmsRoot(root)


@external
def registerDstack(codeId: bytes32, proof: DstackProof) -> bytes32:
    """
    @notice Make the holder of a dstack-derived key a member. Anyone may send it.
    @dev Reverts, in this order: Error("bad sig len"), Error("need compressed pubkey")
         or Error("invalid prefix") for a malformed link and InvalidDstackSignature
         for a false one, CodeNotAllowed, AlreadyRegistered.
         The chain covers the upper 20 bytes of codeId alone; the allow-list covers
         all 32. Message hash and purpose are not pinned.
    @param codeId The app id followed by twelve zero bytes.
    @param proof The key chain: message signed by the derived key, derived key signed
           by the app key, app key signed by the KMS root.
    @return keccak256 of the compressed derived public key.
    """
    self._checkDstackProof(codeId, proof)
    if not self.allowedCode[codeId]:
        raw_revert(method_id("CodeNotAllowed()"))
    memberId: bytes32 = keccak256(proof.derivedCompressedPubkey)
    if self._isMember(memberId):
        raw_revert(method_id("AlreadyRegistered()"))

    pubkey: Bytes[33] = slice(proof.derivedCompressedPubkey, 0, 33)
    self.members[memberId] = Member(
        codeId=codeId, pubkey=pubkey, registeredAt=block.timestamp
    )
    log MemberRegistered(memberId=memberId, codeId=codeId, pubkey=pubkey)
    return memberId


@external
def onboard(
    fromMemberId: bytes32,
    toMemberId: bytes32,
    encryptedPayload: Bytes[MAX_PAYLOAD],
):
    """
    @notice Leave a message in a member's inbox. Anyone may, in any member's name:
            what vouches for a message is inside its payload or nowhere.
    @dev Reverts with MemberNotFound unless both are members.
    @param fromMemberId The member the message says it comes from.
    @param toMemberId The member whose inbox receives it.
    @param encryptedPayload The sealed message, up to 24 KiB, possibly empty.
    """
    if not (self._isMember(fromMemberId) and self._isMember(toMemberId)):
        raw_revert(method_id("MemberNotFound()"))
    index: uint256 = self.inboxSize[toMemberId]
    self.inboxSize[toMemberId] = index + 1
    self.inbox[toMemberId][index].fromMember = fromMemberId
    self.inbox[toMemberId][index].encryptedPayload = encryptedPayload
    log OnboardingPosted(toMember=toMemberId, fromMember=fromMemberId)


@external
@view
def getMember(memberId: bytes32) -> (bytes32, Bytes[33], uint256):
    """
    @notice What is known of a member: its code id, its compressed public key and
            the time of its registration. Zeros and no key if there is none.
    @param memberId keccak256 of the member's compressed public key.
    @return codeId, pubkey, registeredAt (Unix time in seconds).
    """
    member: Member = self.members[memberId]
    return member.codeId, member.pubkey, member.registeredAt


@external
@view
def isMember(memberId: bytes32) -> bool:
    """
    @notice Whether there is such a member.
    @param memberId keccak256 of the member's compressed public key.
    """
    return self._isMember(memberId)


@external
@view
def getOnboarding(memberId: bytes32) -> DynArray[OnboardMsg, MAX_RETURNED]:
    """
    @notice The newest 96 messages of an inbox, or all if it has no more. The oldest
            of them comes first, so the last one always has the index
            `onboardingCount(memberId) - 1`.
    @param memberId The member whose inbox is read.
    """
    size: uint256 = self.inboxSize[memberId]
    if size <= FEW:
        few: DynArray[OnboardMsg, FEW] = []
        for index: uint256 in range(size, bound=FEW):
            few.append(self.inbox[memberId][index])
        return few

    first: uint256 = size - min(size, MAX_RETURNED)
    messages: DynArray[OnboardMsg, MAX_RETURNED] = []
    for index: uint256 in range(first, size, bound=MAX_RETURNED):
        messages.append(self.inbox[memberId][index])
    return messages


@external
@view
def onboardingCount(memberId: bytes32) -> uint256:
    """
    @notice How many messages an inbox holds. It never shrinks.
    @param memberId The member whose inbox is counted.
    """
    return self.inboxSize[memberId]


@external
@view
def onboardingMessage(
    memberId: bytes32, index: uint256
) -> (bytes32, Bytes[MAX_PAYLOAD]):
    """
    @notice One message of an inbox. What an index holds never changes.
    @dev Reverts with Error("no such message") from `onboardingCount` on.
    @param memberId The member whose inbox is read.
    @param index The place of the message, 0 being the oldest.
    @return fromMember, encryptedPayload.
    """
    assert index < self.inboxSize[memberId], "no such message"
    return (
        self.inbox[memberId][index].fromMember,
        self.inbox[memberId][index].encryptedPayload,
    )


@external
def addKmsRoot(root: address):
    """
    @notice Trust a KMS root. Owner only, else NotOwner.
    @param root The address of its signing key. The zero address signs nothing.
    """
    self._onlyOwner()
    self._addKmsRoot(root)


@external
def removeKmsRoot(root: address):
    """
    @notice Trust a KMS root no longer; its members stay. Owner only, else NotOwner.
    @param root The address of its signing key.
    """
    self._onlyOwner()
    self.allowedKmsRoots[root] = False
    log KmsRootRemoved(root=root)


@external
def addAllowedCode(codeId: bytes32):
    """
    @notice Let an app register members. Owner only, else NotOwner.
    @param codeId The app id followed by twelve zero bytes.
    """
    self._onlyOwner()
    self.allowedCode[codeId] = True
    log AllowedCodeAdded(codeId=codeId)


@external
def removeAllowedCode(codeId: bytes32):
    """
    @notice Let an app register no more members. Owner only, else NotOwner.
    @param codeId The code id given to `addAllowedCode`.
    """
    self._onlyOwner()
    self.allowedCode[codeId] = False
    log AllowedCodeRemoved(codeId=codeId)


@internal
@view
def _onlyOwner():
    if msg.sender != self.owner:
        raw_revert(method_id("NotOwner()"))


@internal
def _addKmsRoot(root: address):
    self.allowedKmsRoots[root] = True
    log KmsRootAdded(root=root)


@internal
@view
def _isMember(memberId: bytes32) -> bool:
    return self.members[memberId].registeredAt != 0


@internal
@view
def _checkDstackProof(codeId: bytes32, proof: DstackProof):
    """
    @dev Revert unless the three links of the chain hold: the message is signed by
         the derived key (EIP-191), the derived key by the app key, and the app key
         by an allowed KMS root.
    """
    derived: address = self._addressOf(proof.derivedCompressedPubkey)
    app: address = self._addressOf(proof.appCompressedPubkey)
    messageSigner: address = self._recover(
        keccak256(concat(b"\x19Ethereum Signed Message:\n32", proof.messageHash)),
        proof.messageSignature,
    )
    appSigner: address = self._recover(
        self._derivedKeyClaim(proof.purpose, proof.derivedCompressedPubkey),
        proof.appSignature,
    )
    kmsSigner: address = self._recover(
        keccak256(
            concat(
                b"dstack-kms-issued:",
                slice(codeId, 0, 20),
                proof.appCompressedPubkey,
            )
        ),
        proof.kmsSignature,
    )
    # Zero stands for a key or a signature that is none; it must match nothing.
    if (
        empty(address) in [derived, app, messageSigner, appSigner, kmsSigner]
        or messageSigner != derived
        or appSigner != app
        or not self.allowedKmsRoots[kmsSigner]
    ):
        raw_revert(method_id("InvalidDstackSignature()"))


@internal
@pure
def _recover(digest: bytes32, signature: Bytes[MAX_SIGNATURE]) -> address:
    """
    @dev The signer of a 65-byte r, s, v signature; zero if there is none. The
         recovery id v may be 0 or 1 as dstack writes it, or 27 or 28. High s is
         accepted: members are known by their keys, not by their signatures.
    """
    assert len(signature) == 65, "bad sig len"
    r: uint256 = extract32(signature, 0, output_type=uint256)
    s: uint256 = extract32(signature, 32, output_type=uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    if v < 27:
        v += 27
    return ecrecover(digest, v, r, s)


@internal
@view
def _addressOf(pubkey: Bytes[MAX_PUBKEY]) -> address:
    """
    @dev The address of a compressed public key; zero if no point of the curve has
         its x coordinate.
    """
    assert len(pubkey) == 33, "need compressed pubkey"
    prefix: uint256 = convert(slice(pubkey, 0, 1), uint256)
    assert prefix == 2 or prefix == 3, "invalid prefix"
    x: uint256 = extract32(pubkey, 1, output_type=uint256)
    if x >= FIELD_PRIME:
        return empty(address)

    cube: uint256 = uint256_mulmod(uint256_mulmod(x, x, FIELD_PRIME), x, FIELD_PRIME)
    ySquared: uint256 = uint256_addmod(cube, 7, FIELD_PRIME)
    y: uint256 = self._power(ySquared, SQUARE_ROOT)
    if uint256_mulmod(y, y, FIELD_PRIME) != ySquared:
        return empty(address)
    if y % 2 != prefix % 2:
        y = FIELD_PRIME - y
    return convert(
        convert(keccak256(abi_encode(x, y)), uint256) & convert(max_value(uint160), uint256),
        address,
    )


@internal
@view
def _power(base: uint256, exponent: uint256) -> uint256:
    """
    @dev base ** exponent modulo the field prime, by the modexp precompile.
    """
    size: uint256 = 32
    answer: Bytes[32] = raw_call(
        MODEXP,
        abi_encode(size, size, size, base, exponent, FIELD_PRIME),
        max_outsize=32,
        is_static_call=True,
    )
    return convert(answer, uint256)


@internal
@pure
def _derivedKeyClaim(purpose: String[MAX_PURPOSE], pubkey: Bytes[MAX_PUBKEY]) -> bytes32:
    """
    @dev What the app key signs for a derived key, which has passed `_addressOf`:
         keccak256 of the purpose, a colon and the key in lower-case hex.
    """
    x: uint256 = extract32(pubkey, 1, output_type=uint256)
    prefix: Bytes[2] = b"02"
    if slice(pubkey, 0, 1) == b"\x03":
        prefix = b"03"
    return keccak256(
        concat(
            convert(purpose, Bytes[MAX_PURPOSE]),
            b":",
            prefix,
            self._lowerHex(x >> 128),
            self._lowerHex(x & convert(max_value(uint128), uint256)),
        )
    )


@internal
@pure
def _lowerHex(number: uint256) -> bytes32:
    """
    @dev The 32 lower-case hex digits of a number below 2**128, all at once: spread
         its nibbles over the bytes of a word, then add "0", or "a" - 10 from ten on.
    """
    n: uint256 = number
    n = (n | n << 64) & (ALL_BITS // (2**64 + 1))
    n = (n | n << 32) & (ALL_BITS // (2**32 + 1))
    n = (n | n << 16) & (ALL_BITS // (2**16 + 1))
    n = (n | n << 8) & (ALL_BITS // (2**8 + 1))
    n = (n | n << 4) & (ALL_BITS // (2**4 + 1))
    letters: uint256 = (n + 6 * EACH_BYTE) >> 4 & EACH_BYTE
    return convert(n + 48 * EACH_BYTE + 39 * letters, bytes32)
