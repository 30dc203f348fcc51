"""The published proofs, what must be sent to register them, and ways to spoil them."""

import copy
import json
from collections.abc import Iterator

from bridge_v1 import CONTRACT
from harness import ROOT, hexed, unhex

VECTORS = json.loads((ROOT / "Tests" / "vectors" / "dstack-chains.json").read_text())
# Of two KMS roots: first the one of the preset cross-sdk of guest-agent, then that of the preset simulator.
PROOFS = [entry["proof"] for entry in VECTORS["proofs"]]
LINKS = ("message_hash", "message_signature", "app_signature", "kms_signature",
         "derived_compressed_pubkey", "app_compressed_pubkey")
CLAIMS = ("kms_root", "member_id", "app_id", "derived_address")


def registration(proof: dict) -> list:
    """The arguments of registerDstack."""
    chain = proof["dstack_proof"]
    links = tuple(unhex(chain[link]) for link in LINKS)
    return [unhex(proof["code_id"]), (*links, chain["purpose"])]


def calldata(proof: dict) -> str:
    """What registers a proof, as web3 encodes it."""
    return CONTRACT.encode_abi("registerDstack", registration(proof))


def changed(document: dict, path: str, value) -> dict:
    """A copy with another value of the member at this path, of which dots separate the names."""
    result = copy.deepcopy(document)
    *parents, name = path.split(".")
    inner = result
    for parent in parents:
        inner = inner[parent]
    inner[name] = value
    return result


def without(document: dict, *paths: str) -> dict:
    """A copy without these members."""
    result = copy.deepcopy(document)
    for path in paths:
        *parents, name = path.split(".")
        inner = result
        for parent in parents:
            inner = inner[parent]
        del inner[name]
    return result


def bit_flips(proof: dict) -> Iterator[tuple[str, dict]]:
    """Copies of a proof, for each byte of its members, in which one bit of it is flipped; each has a name."""
    fields = {"code_id": proof["code_id"]} | {name: proof[name] for name in CLAIMS}
    fields |= {f"dstack_proof.{link}": proof["dstack_proof"][link] for link in LINKS}
    for path, text in fields.items():
        prefixed = text.startswith("0x")
        data = unhex(text if prefixed else "0x" + text)
        for place in range(len(data)):
            flipped = bytearray(data)
            flipped[place] ^= 1 << place % 8
            yield f"{path} byte {place}", changed(proof, path, hexed(flipped)[0 if prefixed else 2 :])
