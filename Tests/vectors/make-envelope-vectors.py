#!/usr/bin/env python3
"""Makes envelope.json: signed messages, whose hash and signature are eth-account's (EIP-712, RFC 6979).

The layout is written here a second time, from man/teebridge.7. Deterministic: the same packages write the same file.
"""

import hashlib
import json
from pathlib import Path

from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from eth_keys import keys
from eth_utils import keccak, to_checksum_address

TYPES = {
    "EIP712Domain": [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ],
    "OnboardingMessage": [
        {"name": "fromMember", "type": "bytes32"},
        {"name": "toMember", "type": "bytes32"},
        {"name": "messageId", "type": "bytes32"},
        {"name": "payload", "type": "bytes"},
    ],
}
# The first is the published member key in dstack-chains.json, the second a made-up key of eciesjs's tests.
KEYS = [
    "7b286f85a71632fa602f62e02f4871c16d05de666a93e6820457ad7ec5198009",
    "95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d",
    "01".rjust(64, "0"),
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
]
BRIDGES = ["254057d9d92FC7F75E3D49F0c6B0be9eE2A334D5", "00" * 20, "ff" * 20, "00" * 19 + "01"]
CHAINS = [8453, 1, 31337, 2**64 - 1, 0]
PAYLOADS = [
    b"a secret", b"", b"\0", "geheim 🤐\n".encode(), bytes(range(256)), b"teebenv\x01", b"x" * 135, b"x" * 136, b"x" * 137,
    b"teebenv\x02 inside", b'{"a":1}', bytes(5000),
]


def member_id(key: str) -> bytes:
    return keccak(keys.PrivateKey(bytes.fromhex(key)).public_key.to_compressed_bytes())


def vector(index: int) -> dict:
    sender, recipient = KEYS[index % 4], KEYS[(index + 1 + index // 4) % 4]
    chain_id, bridge = CHAINS[index % len(CHAINS)], bytes.fromhex(BRIDGES[index // 2 % len(BRIDGES)])
    message_id = hashlib.sha256(b"envelope %d" % index).digest()
    payload = PAYLOADS[index % len(PAYLOADS)]
    parts = {"fromMember": member_id(sender), "toMember": member_id(recipient), "messageId": message_id}
    typed = {
        "types": TYPES,
        "primaryType": "OnboardingMessage",
        "domain": {
            "name": "TEEBridge", "version": "1", "chainId": chain_id, "verifyingContract": to_checksum_address(bridge),
        },
        "message": parts | {"payload": payload},
    }
    signable = encode_typed_data(full_message=typed)
    signed = Account.sign_message(signable, sender)
    assert len(signed.signature) == 65 and signed.signature[64] in (27, 28)
    envelope = (
        b"teebenv\x01" + chain_id.to_bytes(32, "big") + bridge + b"".join(parts.values()) + signed.signature + payload
    )
    assert len(envelope) == 221 + len(payload)
    return {
        "secret_key": sender,
        "recipient_secret_key": recipient,
        "chain_id": hex(chain_id),
        "bridge": to_checksum_address(bridge),
        "from_member": parts["fromMember"].hex(),
        "to_member": parts["toMember"].hex(),
        "message_id": message_id.hex(),
        "payload": payload.hex(),
        "domain_separator": signable.header.hex(),
        "struct_hash": signable.body.hex(),
        "digest": _hash_eip191_message(signable).hex(),
        "signature": signed.signature.hex(),
        "envelope": envelope.hex(),
    }


if __name__ == "__main__":
    path = Path(__file__).parent / "envelope.json"
    vectors = [vector(index) for index in range(24)]
    source = "eth-account's EIP-712 hashes and signatures, by make-envelope-vectors.py"
    path.write_text(json.dumps({"source": source, "vectors": vectors}, indent=1) + "\n")
