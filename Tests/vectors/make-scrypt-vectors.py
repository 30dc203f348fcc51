#!/usr/bin/env python3
"""Makes scrypt.json: keys by hashlib (OpenSSL) and, where OpenSSL refuses n of 2^(16 r) or more, by pycryptodome alone.

Deterministic: the same packages write the same file.
"""

import hashlib
import json
import random
from pathlib import Path

from Crypto.Protocol.KDF import scrypt

SHAPES = [
    (2, 1, 1), (2, 1, 64), (4, 3, 2), (16, 5, 3), (64, 2, 7), (128, 17, 1), (256, 8, 2), (512, 1, 1), (1024, 4, 1),
    (2048, 8, 1), (32768, 1, 1), (65536, 1, 1), (131072, 1, 2),
]  # fmt: skip


def vectors() -> list[dict]:
    dice = random.Random(7914)
    made = []
    for n, r, p in SHAPES:
        password = dice.randbytes(dice.choice([0, 1, 63, 64, 65, 200]))
        salt = dice.randbytes(dice.choice([0, 1, 32, 300]))
        count = dice.choice([16, 32, 33, 64, 100])
        key = scrypt(password, salt, count, n, r, p)
        if n < 2 ** (16 * r):
            assert key == hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, dklen=count, maxmem=1 << 30)
        made.append({"password": password.hex(), "salt": salt.hex(), "n": n, "r": r, "p": p, "key": key.hex()})
    return made


source = "hashlib and pycryptodome, by make-scrypt-vectors.py"
document = {"source": source, "vectors": vectors()}
(Path(__file__).parent / "scrypt.json").write_text(json.dumps(document, indent=1) + "\n")
