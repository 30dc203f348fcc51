"""Stand-ins for the deployed versions of the bridge: their storage, as Solidity lays it out, and what reads members.

Messages and members are written straight into the storage, so that an inbox of any length is filled in one block.
As with an inbox that was flooded, no call has gas enough for getOnboarding.
"""

from eth_utils import keccak

from harness import hexed, unhex
from services import Chain

ADDRESSES = {1: "0x" + 20 * "51", 2: "0x" + 20 * "52"}
VERIFIER = "0x" + 20 * "5e"
MEMBERS, INBOXES = 3, 4
REGISTERED_AT = 1_700_000_000

OPCODES = {
    "ADD": 0x01, "EQ": 0x14, "ISZERO": 0x15, "SHR": 0x1C, "KECCAK256": 0x20, "CALLDATALOAD": 0x35, "MLOAD": 0x51,
    "MSTORE": 0x52, "SLOAD": 0x54, "JUMPI": 0x57, "JUMPDEST": 0x5B, "DUP1": 0x80, "RETURN": 0xF3, "REVERT": 0xFD,
    "INVALID": 0xFE,
}  # fmt: skip


def assemble(*parts: str | int) -> bytes:
    """Machine code: numbers are pushed, `:name` is a place to jump to, and `@name` pushes it."""
    code, places, gaps = b"", {}, []
    for part in parts:
        if isinstance(part, int):
            digits = part.to_bytes((part.bit_length() + 7) // 8 or 1, "big")
            code += bytes([0x5F + len(digits)]) + digits
        elif part.startswith(":"):
            places[part[1:]] = len(code)
            code += bytes([OPCODES["JUMPDEST"]])
        elif part.startswith("@"):
            gaps.append((len(code) + 1, part[1:]))
            code += b"\x61\0\0"
        else:
            code += bytes([OPCODES[part]])
    for gap, name in gaps:
        code = code[:gap] + places[name].to_bytes(2, "big") + code[gap + 2 :]
    return code


# The place of the argument's entry in the members' mapping, left on the stack.
MEMBER = [4, "CALLDATALOAD", 0, "MSTORE", MEMBERS, 32, "MSTORE", 64, 0, "KECCAK256"]
OUT = 0x80


def _put(place: int, *value: str | int) -> list[str | int]:
    """Writes a value, made with the entry's place on the stack, to a word of the answer."""
    return [*value, OUT + 32 * place, "MSTORE"]


def _field(offset: int) -> list[str | int]:
    return ["DUP1", offset, "ADD", "SLOAD"]


def code(version: int) -> bytes:
    """The contract: isMember, getMember, and a getOnboarding that uses up its gas; anything else reverts."""
    key, time = (1, 2) if version == 1 else (2, 4)
    if version == 1:
        head = [*_put(0, *_field(0)), *_put(1, 0x60), *_put(2, *_field(time))]
        length, absent, present = 3, [], []
    else:
        head = [*_put(0, *_field(0)), *_put(1, *_field(1)), *_put(2, 0xA0), *_put(4, *_field(time))]
        length, absent, present = 5, _put(3, 0xC0), _put(3, 0x100)
    trailing = version - 1  # the length of the user data, which are none
    return assemble(
        0, "CALLDATALOAD", 0xE0, "SHR",
        "DUP1", 0x511BCEE5, "EQ", "@isMember", "JUMPI",
        "DUP1", 0xDC4B93A1, "EQ", "@getMember", "JUMPI",
        "DUP1", 0x762E99CA, "EQ", "@getOnboarding", "JUMPI",
        0, 0, "REVERT",
        ":isMember", *MEMBER, time, "ADD", "SLOAD", "ISZERO", "ISZERO", 0, "MSTORE", 32, 0, "RETURN",
        ":getMember", *MEMBER, *head, *_field(key), "@present", "JUMPI",
        *absent, 32 * (length + 1 + trailing), OUT, "RETURN",
        ":present", *present, *_put(length, 33),
        "DUP1", key, "ADD", 0, "MSTORE", 32, 0, "KECCAK256",
        *_put(length + 1, "DUP1", "SLOAD"), *_put(length + 2, "DUP1", 1, "ADD", "SLOAD"),
        32 * (length + 3 + trailing), OUT, "RETURN",
        ":getOnboarding", "INVALID",
    )  # fmt: skip


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def place(*words: bytes) -> int:
    return int.from_bytes(keccak(b"".join(words)), "big")


def stored_bytes(slot: int, content: bytes) -> dict[int, bytes]:
    """The words in which Solidity keeps bytes."""
    if len(content) < 32:
        return {slot: content.ljust(31, b"\0") + bytes([2 * len(content)])}
    first = place(word(slot))
    chunks = {first + index: content[32 * index : 32 * index + 32].ljust(32, b"\0")
              for index in range((len(content) + 31) // 32)}
    return {slot: word(2 * len(content) + 1), **chunks}


class StoredBridge:
    """A bridge of the first or the second version on a chain, without members."""

    def __init__(self, chain: Chain, version: int):
        self._chain, self._version = chain, version
        self.address = ADDRESSES[version]
        assert chain.rpc("dev_setCode", self.address, hexed(code(version)))

    @property
    def env(self) -> dict[str, str]:
        return self._chain.env | {"BRIDGE_CONTRACT": self.address}

    def _write(self, words: dict[int, bytes]) -> None:
        entries = {hexed(word(slot % 2**256)): hexed(value) for slot, value in words.items()}
        assert self._chain.rpc("dev_setStorage", self.address, entries)

    def register(self, proof: dict) -> None:
        entry = place(unhex(proof["member_id"]), word(MEMBERS))
        key = unhex(proof["dstack_proof"]["derived_compressed_pubkey"])
        words = {entry: unhex(proof["code_id"])}
        if self._version == 1:
            words |= stored_bytes(entry + 1, key) | {entry + 2: word(REGISTERED_AT)}
        else:
            words |= {entry + 1: unhex(VERIFIER).rjust(32, b"\0"), entry + 4: word(REGISTERED_AT)}
            words |= stored_bytes(entry + 2, key)
        self._write(words)

    def post(self, sender: str, recipient: str, *payloads: bytes, first: int = 0) -> None:
        """Put messages at an index and those behind it, the last of them at the end of the inbox."""
        size = place(unhex(recipient), word(INBOXES))
        words = {size: word(first + len(payloads))}
        for index, payload in enumerate(payloads, first):
            begin = place(word(size)) + 2 * index
            words |= {begin: unhex(sender)} | stored_bytes(begin + 1, payload)
        self._write(words)
