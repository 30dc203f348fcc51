"""The key chains and proofs that tests are made of, beside published vectors.

eth-account and eth-keys judge the signatures.
"""

import json
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_keys import keys as eth_keys
from eth_utils import keccak

from guestagent.chain import PRESETS, AppKeys, make_proof, proof_document

VECTORS = json.loads(
    Path(__file__).parents[1].joinpath("vectors", "dstack-chains.json").read_text()
)


def test_proof_documents_are_the_published_ones():
    for preset, entry in zip(("cross-sdk", "simulator"), VECTORS["proofs"]):
        proof = proof_document(PRESETS[preset])
        assert json.dumps(proof) == json.dumps(entry["proof"])
    secret = bytes.fromhex(VECTORS["keys"]["kms_root"])
    app_id = bytes.fromhex(VECTORS["proofs"][0]["proof"]["app_id"])
    assert make_proof(secret, app_id) == VECTORS["proofs"][0]["proof"]


@pytest.mark.parametrize("seed", range(8))
def test_outside_judges_accept_a_made_up_proof(seed):
    root, app_id = keccak(text=f"root {seed}"), keccak(text=f"app {seed}")[:20]
    proof = make_proof(root, app_id, path=f"/{seed}", purpose="a test")
    links = proof["dstack_proof"]
    data = {name: bytes.fromhex(value[2:]) for name, value in links.items() if name != "purpose"}
    assert proof["derived_address"] == Account.recover_message(
        encode_defunct(data["message_hash"]), signature=data["message_signature"]
    )
    claim = keccak(text="a test:" + data["derived_compressed_pubkey"].hex())
    app = eth_keys.Signature(data["app_signature"]).recover_public_key_from_msg_hash(claim)
    assert app.to_compressed_bytes() == data["app_compressed_pubkey"]
    issue = keccak(b"dstack-kms-issued:" + app_id + data["app_compressed_pubkey"])
    signature = eth_keys.PrivateKey(root).sign_msg_hash(issue)
    assert data["kms_signature"] == signature.to_bytes()
    assert proof["kms_root"] == eth_keys.PrivateKey(root).public_key.to_checksum_address()


def test_ed25519_link_is_the_published_one():
    derived = PRESETS["cross-sdk"].get_key("vms", "signing", "ed25519")
    assert derived.public.hex() == (
        "f2c761dfee96542500c1ca5460bb0e327b4acb67d882f5846e21baa8d55d2f5b"
    )
    assert derived.signature_chain[0].hex() == (
        "181498cdcebe6cae41fe1474b3d8af53c7969a2fb20f9f20a5cdcc9d92f5596d"
        "500cf9605996ec2e55406666fee630d5882e5e97c2417e079c6f074ca6c7c57301"
    )


def test_app_without_kms_has_no_root():
    app = AppKeys(bytes(20), b"\x01" * 32, b"")
    proof = proof_document(app)
    assert (proof["kms_root"], proof["dstack_proof"]["kms_signature"]) == (None, "0x")
