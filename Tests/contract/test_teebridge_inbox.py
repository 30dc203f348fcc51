"""The inbox: who may post what, what each reading function returns, what it costs.

Also the storage layout that the contract's documentation promises to readers of
Merkle proofs, checked word by word.
"""

import pytest
from eth_abi import encode
from eth_utils import keccak, to_canonical_address

from bridge import OWNER, STRANGER, Bridge

MEMBER_NOT_FOUND = bytes.fromhex("1fdd7d63")
ONBOARDING_POSTED = "dd4724f3d8b4ef052c612776a50440b006f54d58753a5c2abdbc28fbb015f87b"
NOBODY = keccak(text="nobody")
RETURNED = 96
FEW = 8
LARGEST_PAYLOAD = 24576


@pytest.fixture
def ids(proofs) -> tuple[bytes, bytes]:
    return proofs[0].member_id, proofs[1].member_id


def payload(index: int, size: int = 111) -> bytes:
    """A payload of no zero bytes, different for each index."""
    return (f"message {index:05}." * (size // 14 + 1)).encode()[:size]


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def slot_of(*path: bytes | int) -> int:
    """The slot of a mapping's entry, as Vyper hashes it: slot first, then each key."""
    slot, *keys = path
    for key in keys:
        slot = int.from_bytes(keccak(word(slot) + (key if isinstance(key, bytes) else word(key))),
                              "big")
    return slot


def post(bridge: Bridge, ids: tuple[bytes, bytes], count: int) -> None:
    for index in range(count):
        assert bridge.send("onboard", *ids, payload(index)).success


# Posting

def test_anyone_may_post_in_any_members_name(joined, ids):
    result = joined.send("onboard", *ids, b"sealed", sender=STRANGER)
    assert result.success and result.output == b""
    [log] = result.logs
    assert log.topics == [bytes.fromhex(ONBOARDING_POSTED), ids[1], ids[0]]
    assert log.data == b""
    assert joined.read("getOnboarding", ids[1]) == ((ids[0], b"sealed"),)
    assert joined.read("getOnboarding", ids[0]) == ()


def test_member_may_post_to_itself(joined, ids):
    assert joined.send("onboard", ids[0], ids[0], b"note").success
    assert joined.read("getOnboarding", ids[0]) == ((ids[0], b"note"),)


def test_both_ends_must_be_members(joined, ids):
    for ends in ((NOBODY, ids[1]), (ids[0], NOBODY), (NOBODY, NOBODY), (bytes(32), ids[1])):
        result = joined.send("onboard", *ends, b"sealed")
        assert (result.success, result.output, result.logs) == (False, MEMBER_NOT_FOUND, [])
    assert joined.read("onboardingCount", ids[1]) == 0


def test_members_stay_when_their_root_and_code_go(joined, proofs, ids):
    assert joined.send("removeKmsRoot", proofs[1].kms_root, sender=OWNER).success
    assert joined.send("removeAllowedCode", proofs[1].code_id, sender=OWNER).success
    assert joined.send("onboard", *ids, b"sealed").success


@pytest.mark.parametrize("size", (0, 1, 31, 32, 33, 111, 1000, 16384, LARGEST_PAYLOAD))
def test_payload_comes_back_whole(joined, ids, size):
    assert joined.send("onboard", *ids, payload(7, size)).success
    message = (ids[0], payload(7, size))
    assert joined.read("onboardingMessage", ids[1], 0) == message
    assert joined.read("getOnboarding", ids[1]) == (message,)


def test_payload_beyond_the_largest_is_refused(joined, ids):
    assert not joined.send("onboard", *ids, payload(0, LARGEST_PAYLOAD + 1)).success
    assert joined.read("onboardingCount", ids[1]) == 0


# Reading

def test_absent_inbox_is_empty(bridge):
    assert bridge.read("onboardingCount", NOBODY) == 0
    assert bridge.read("getOnboarding", NOBODY) == ()


@pytest.mark.parametrize("count", (1, FEW, FEW + 1, RETURNED))
def test_whole_inbox_is_returned_in_order(joined, ids, count):
    post(joined, ids, count)
    expected = tuple((ids[0], payload(index)) for index in range(count))
    assert joined.read("getOnboarding", ids[1]) == expected
    assert joined.read("onboardingCount", ids[1]) == count


def test_newest_of_300_messages_are_returned_and_all_can_be_read(joined, ids):
    post(joined, ids, 300)
    assert joined.read("onboardingCount", ids[1]) == 300
    expected = [(ids[0], payload(index)) for index in range(300)]
    assert list(joined.read("getOnboarding", ids[1])) == expected[-RETURNED:]
    assert [joined.read("onboardingMessage", ids[1], i) for i in range(300)] == expected


@pytest.mark.parametrize("index", (2, 3, 2**64, 2**256 - 1))
def test_message_out_of_range(joined, ids, index):
    post(joined, ids, 2)
    result = joined.ask("onboardingMessage", ids[1], index)
    reason = bytes.fromhex("08c379a0") + encode(["string"], ["no such message"])
    assert (result.success, result.output) == (False, reason)


# Cost

def test_gas(proofs, ready, ids):
    assert ready.deployment.gas_used < 1_500_000
    assert all(ready.register(proof).gas_used < 170_000 for proof in proofs)
    assert ready.ask("getOnboarding", ids[1]).gas_used < 120_000
    assert ready.send("onboard", *ids, payload(0)).gas_used < 190_000
    assert ready.send("onboard", *ids, payload(1)).gas_used < 175_000
    post(ready, ids, RETURNED)
    assert ready.ask("getOnboarding", ids[1]).gas_used < 13_000_000


def test_one_transaction_cannot_pay_for_the_largest_payload(joined, ids):
    """The bound binds nobody: the protocol's limit on a transaction's gas is lower, at some 23,500 bytes."""
    assert joined.send("onboard", *ids, payload(0, LARGEST_PAYLOAD)).gas_used > 2**24
    assert joined.send("onboard", *ids, payload(0, 23_552)).gas_used < 2**24


# Storage layout

def test_layout_of_allow_lists_and_owner(ready, proofs):
    assert ready.slot(0)[12:] == to_canonical_address(OWNER)
    for proof in proofs:
        root = bytes(12) + to_canonical_address(proof.kms_root)
        assert ready.slot(slot_of(1, root)) == word(1)
        assert ready.slot(slot_of(2, proof.code_id)) == word(1)


def test_layout_of_member(joined, proofs):
    for proof in proofs:
        base = slot_of(3, proof.member_id)
        assert [joined.slot(base + i) for i in (0, 1, 2)] == [
            proof.code_id, word(33), proof.derived_pubkey[:32]
        ]
        assert joined.slot(base + 3)[:1] == proof.derived_pubkey[32:]
        assert joined.slot(base + 4) == word(joined.evm.timestamp)


@pytest.mark.parametrize("size", (0, 1, 31, 32, 33, 111, 16384))
def test_layout_of_inbox(joined, ids, size):
    assert joined.send("onboard", *ids, payload(0)).success
    assert joined.send("onboard", *ids, payload(1, size)).success
    assert joined.slot(slot_of(5, ids[1])) == word(2)
    base = slot_of(4, ids[1], 1)
    assert joined.slot(base) == ids[0]
    assert joined.slot(base + 1) == word(size)
    words = -(-size // 32)
    stored = b"".join(joined.slot(base + 2 + i) for i in range(words))
    assert stored == payload(1, size).ljust(32 * words, b"\0")
    assert joined.slot(base + 2 + words) == bytes(32)


def test_padding_of_calldata_is_not_stored(joined, ids):
    selector = bytes.fromhex("983895bf")
    arguments = encode(["bytes32", "bytes32", "bytes"], [*ids, b"sealed"])
    dirty = selector + arguments[:-26] + b"\xff" * 26
    assert joined.evm.send(STRANGER, joined.address, dirty).success
    assert joined.slot(slot_of(4, ids[1], 0) + 2) == b"sealed".ljust(32, b"\0")
