#!/usr/bin/env python3
"""Makes keccak256.json (with pycryptodome) and eip1559.json (with eth-account): answers by outside judges.

Deterministic: the same packages write the same files. Run it from this folder with the test environment's Python.
"""

import json
import random
from pathlib import Path

from Crypto.Hash import keccak
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction

HERE = Path(__file__).parent


def keccak_vectors() -> list[dict]:
    """Every length around the block size of 136 bytes, and some long ones."""
    lengths = [*range(0, 8), *range(130, 142), *range(268, 276), 1000, 4096]
    vectors = []
    for length in lengths:
        message = bytes((7 * i + length) & 0xFF for i in range(length))
        digest = keccak.new(digest_bits=256, data=message).hexdigest()
        vectors.append({"message": message.hex(), "hash": digest})
    return vectors


def transaction_vectors() -> list[dict]:
    """Transactions of every shape: zero and huge numbers, creation, long data."""
    dice = random.Random(1559)
    numbers = [0, 1, 127, 128, 255, 256, 2**63, 2**64 - 1]
    vectors = []
    for index in range(60):
        key = dice.randbytes(31) + b"\x01"
        pick = lambda: dice.choice([*numbers, dice.getrandbits(dice.randrange(1, 64))])
        wide = lambda: dice.choice([pick(), dice.getrandbits(200)])
        transaction = {
            "type": 2,
            "chainId": dice.choice([1, 8453, 84532, 31337]),
            "nonce": min(pick(), 2**64 - 2),
            "maxPriorityFeePerGas": pick(),
            "maxFeePerGas": pick(),
            "gas": pick(),
            "value": wide(),
            "data": "0x" + dice.randbytes(dice.choice([0, 1, 31, 55, 56, 300])).hex(),
        }
        if index % 5:
            transaction["to"] = Account.from_key(dice.randbytes(32)).address
        signed = Account.sign_transaction(transaction, key)
        unsigned = TypedTransaction.from_dict({**transaction, "to": transaction.get("to", b"")})
        vectors.append(
            {
                "secret_key": key.hex(),
                "sender": Account.from_key(key).address,
                "transaction": {
                    name: hex(value) if isinstance(value, int) and name != "type" else value
                    for name, value in transaction.items()
                    if name != "type"
                },
                "prehash": "0x" + unsigned.hash().hex(),
                "raw": "0x" + signed.raw_transaction.hex(),
                "hash": "0x" + signed.hash.hex(),
            }
        )
    return vectors


def write(name: str, source: str, vectors: list[dict]) -> None:
    document = {"source": source, "vectors": vectors}
    (HERE / name).write_text(json.dumps(document, indent=1) + "\n")


write("keccak256.json", "pycryptodome, by make-vectors.py", keccak_vectors())
write("eip1559.json", "eth-account, by make-vectors.py", transaction_vectors())
