"""Encodes registerDstack for each proof of a file with eth-abi, from parsed documents; prints the seconds it took."""

import json
import sys
import time

from eth_abi import encode
from eth_utils import keccak

TYPES = ["bytes32", "(bytes32,bytes,bytes,bytes,bytes,bytes,string)"]
LINKS = ("message_hash", "message_signature", "app_signature", "kms_signature", "derived_compressed_pubkey",
         "app_compressed_pubkey")


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


with open(sys.argv[1]) as file:
    proofs = [json.loads(line) for line in file]
start = time.monotonic()
selector = keccak(text=f"registerDstack({','.join(TYPES)})")[:4]
for proof in proofs:
    links = proof["dstack_proof"]
    data = selector + encode(TYPES, [raw(proof["code_id"]), (*(raw(links[link]) for link in LINKS), links["purpose"])])
    json.dumps({"to": sys.argv[2], "data": "0x" + data.hex()})
print(time.monotonic() - start)
