"""Registration: which key chains make a member, and what the others revert with."""

from dataclasses import replace

import pytest
from eth_abi import encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_keys import keys
from eth_utils import keccak

from bridge import OWNER, PUBKEY_FIELDS, SIGNATURE_FIELDS, Bridge, Proof

CODE_NOT_ALLOWED = bytes.fromhex("dd04bd0d")
ALREADY_REGISTERED = bytes.fromhex("3a81d6fc")
INVALID_SIGNATURE = bytes.fromhex("8de52096")
MEMBER_REGISTERED = "d3c1f175f923383bd4f79981304ad1d2b1e3bfa901d4a684c51bf6a51dcbad33"

FIELD_PRIME = 2**256 - 2**32 - 977
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ZERO_ADDRESS = "0x" + "00" * 20

# The published secrets behind the first published proof.
CROSS_SDK_ROOT = keys.PrivateKey(b"KMS-root-test-key-do-not-use!!!\x01")
CROSS_SDK_APP = keys.PrivateKey(bytes.fromhex(
    "2ae51b5c23b22c9b9dc0b8263a8b0b5f003e6d6fbc60c7ebb88696136a4dac0b"))


def error_string(text: str) -> bytes:
    return bytes.fromhex("08c379a0") + encode(["string"], [text])


def allowing(*proofs: Proof) -> Bridge:
    """A bridge that allows these proofs' roots and codes."""
    bridge = Bridge.deploy(*(proof.kms_root for proof in proofs))
    for proof in proofs:
        assert bridge.send("addAllowedCode", proof.code_id, sender=OWNER).success
    return bridge


def flipped(data: bytes, index: int, mask: int = 0x01) -> bytes:
    return data[:index] + bytes([data[index] ^ mask]) + data[index + 1:]


def high_s(signature: bytes) -> bytes:
    """The other signature of the same signer on the same digest."""
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    v = {0: 1, 1: 0, 27: 28, 28: 27}[signature[64]]
    return signature[:32] + s.to_bytes(32, "big") + bytes([v])


def test_published_proofs_register(ready, proofs):
    for proof in proofs:
        result = ready.register(proof)
        assert result.success and result.output == proof.member_id
        [log] = result.logs
        assert log.topics == [bytes.fromhex(MEMBER_REGISTERED), proof.member_id, proof.code_id]
        assert log.data == encode(["bytes"], [proof.derived_pubkey])
        assert ready.read("isMember", proof.member_id)
        assert ready.read("getMember", proof.member_id) == (
            proof.code_id, proof.derived_pubkey, ready.evm.timestamp
        )


def test_absent_member_is_all_zeros(bridge):
    assert bridge.read("isMember", keccak(text="nobody")) is False
    assert bridge.read("getMember", keccak(text="nobody")) == (bytes(32), b"", 0)


@pytest.mark.parametrize("seed", range(24))
def test_made_up_chains_register(seed):
    proof = Proof.made_up(seed, purpose="p" * (seed * 11))
    assert allowing(proof).register(proof).output == proof.member_id


def test_message_signature_of_a_wallet_registers(proofs):
    message_hash = keccak(text="any message will do")
    wallet = Account.from_key("7b286f85a71632fa602f62e02f4871c16d05de666a93e6820457ad7ec5198009")
    signature = wallet.sign_message(encode_defunct(message_hash)).signature
    proof = replace(proofs[0], message_hash=message_hash, message_signature=bytes(signature))
    assert allowing(proof).register(proof).success


def test_checks_come_in_order(proofs):
    proof = proofs[0]
    bridge = Bridge.deploy()
    assert bridge.register(proof).output == INVALID_SIGNATURE
    assert bridge.send("addKmsRoot", proof.kms_root, sender=OWNER).success
    assert bridge.register(proof).output == CODE_NOT_ALLOWED
    assert bridge.send("addAllowedCode", proof.code_id, sender=OWNER).success
    assert bridge.register(proof).success
    assert bridge.register(proof).output == ALREADY_REGISTERED
    assert bridge.send("removeAllowedCode", proof.code_id, sender=OWNER).success
    assert bridge.register(proof).output == CODE_NOT_ALLOWED
    assert bridge.send("removeKmsRoot", proof.kms_root, sender=OWNER).success
    assert bridge.register(proof).output == INVALID_SIGNATURE
    assert bridge.read("isMember", proof.member_id)


@pytest.mark.parametrize("field", ("message_hash", "code_id", *SIGNATURE_FIELDS, *PUBKEY_FIELDS))
def test_each_flipped_byte_fails(ready, proofs, field):
    for proof in proofs:
        data = getattr(proof, field)
        for index in range(20 if field == "code_id" else len(data)):
            result = ready.register(replace(proof, **{field: flipped(data, index)}))
            assert (result.success, result.output) == (False, INVALID_SIGNATURE), index


def test_lower_bytes_of_code_id_are_left_to_the_allow_list(ready, proofs):
    for index in range(20, 32):
        proof = replace(proofs[0], code_id=flipped(proofs[0].code_id, index))
        assert ready.register(proof).output == CODE_NOT_ALLOWED


@pytest.mark.parametrize("purpose", ("", "Ethereum", "ethereum ", "ethereum:", "e" * 256))
def test_other_purpose_fails(ready, proofs, purpose):
    result = ready.register(replace(proofs[0], purpose=purpose))
    assert result.output == INVALID_SIGNATURE


@pytest.mark.parametrize("field", SIGNATURE_FIELDS)
@pytest.mark.parametrize("size", (0, 1, 64, 66, 128))
def test_signature_of_another_length_fails(ready, proofs, field, size):
    data = (getattr(proofs[0], field) + bytes(63))[:size]
    result = ready.register(replace(proofs[0], **{field: data}))
    assert (result.success, result.output) == (False, error_string("bad sig len"))


@pytest.mark.parametrize("field", PUBKEY_FIELDS)
@pytest.mark.parametrize("size", (0, 32, 34, 65, 128))
def test_pubkey_of_another_length_fails(ready, proofs, field, size):
    data = (getattr(proofs[0], field) + bytes(95))[:size]
    result = ready.register(replace(proofs[0], **{field: data}))
    assert (result.success, result.output) == (False, error_string("need compressed pubkey"))


@pytest.mark.parametrize("field", PUBKEY_FIELDS)
@pytest.mark.parametrize("prefix", (0, 1, 4, 5, 0x82))
def test_pubkey_with_another_prefix_fails(ready, proofs, field, prefix):
    data = bytes([prefix]) + getattr(proofs[0], field)[1:]
    result = ready.register(replace(proofs[0], **{field: data}))
    assert (result.success, result.output) == (False, error_string("invalid prefix"))


def test_allowed_things_can_be_removed(ready, proofs):
    first, second = proofs
    assert ready.send("removeAllowedCode", first.code_id, sender=OWNER).success
    assert ready.register(first).output == CODE_NOT_ALLOWED
    assert ready.send("removeKmsRoot", second.kms_root, sender=OWNER).success
    assert ready.register(second).output == INVALID_SIGNATURE


@pytest.mark.parametrize("field", SIGNATURE_FIELDS)
def test_recovery_id_is_0_or_1_or_27_or_28(ready, proofs, field):
    for proof in proofs:
        data = getattr(proof, field)
        for v in (*range(5), *range(25, 31), *range(53, 57), 127, 128, 254, 255):
            changed = replace(proof, **{field: data[:64] + bytes([v])})
            result = ready.try_to_register(changed)
            if v in (data[64] % 27, data[64] % 27 + 27):
                assert result.success, v
            else:
                assert result.output == INVALID_SIGNATURE, v


@pytest.mark.parametrize("field", SIGNATURE_FIELDS)
def test_high_s_registers_the_same_member_once(ready, proofs, field):
    proof = proofs[0]
    twin = replace(proof, **{field: high_s(getattr(proof, field))})
    assert ready.register(twin).output == proof.member_id
    assert ready.register(proof).output == ALREADY_REGISTERED


@pytest.mark.parametrize("r, s", ((0, 1), (1, 0), (CURVE_ORDER, 1), (1, CURVE_ORDER), (5, 1)))
@pytest.mark.parametrize("field", SIGNATURE_FIELDS)
def test_signature_that_recovers_nobody_fails(ready, proofs, field, r, s):
    assert ready.send("addKmsRoot", ZERO_ADDRESS, sender=OWNER).success
    nobody = r.to_bytes(32, "big") + s.to_bytes(32, "big") + b"\x1b"
    result = ready.register(replace(proofs[0], **{field: nobody}))
    assert result.output == INVALID_SIGNATURE


# Neither 5 is the x of a point, nor FIELD_PRIME + 1 that of the point whose x is 1.
@pytest.mark.parametrize("x", (5, FIELD_PRIME, FIELD_PRIME + 1, 2**256 - 1))
def test_derived_key_off_the_curve_matches_no_failed_recovery(ready, proofs, x):
    pubkey = b"\x02" + x.to_bytes(32, "big")
    claim = keccak(text=f"ethereum:{pubkey.hex()}")
    proof = replace(proofs[0], derived_pubkey=pubkey, message_signature=bytes(65),
                    app_signature=CROSS_SDK_APP.sign_msg_hash(claim).to_bytes())
    assert ready.register(proof).output == INVALID_SIGNATURE


@pytest.mark.parametrize("x", (5, FIELD_PRIME, FIELD_PRIME + 1, 2**256 - 1))
def test_app_key_off_the_curve_matches_no_failed_recovery(ready, proofs, x):
    pubkey = b"\x02" + x.to_bytes(32, "big")
    issue = keccak(b"dstack-kms-issued:" + proofs[0].code_id[:20] + pubkey)
    proof = replace(proofs[0], app_pubkey=pubkey, app_signature=bytes(65),
                    kms_signature=CROSS_SDK_ROOT.sign_msg_hash(issue).to_bytes())
    assert ready.register(proof).output == INVALID_SIGNATURE


def test_zero_address_as_root_lets_nothing_through(proofs):
    bridge = Bridge.deploy(ZERO_ADDRESS)
    assert bridge.read("allowedKmsRoots", ZERO_ADDRESS)
    assert bridge.send("addAllowedCode", proofs[0].code_id, sender=OWNER).success
    assert bridge.register(replace(proofs[0], kms_signature=bytes(65))).output == INVALID_SIGNATURE
