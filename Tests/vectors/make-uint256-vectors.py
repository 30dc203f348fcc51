#!/usr/bin/env python3
"""Makes uint256.json: what Python's integers, which have no limit, make of numbers of 256 bits.

Deterministic. null stands for a result that 256 bits do not hold.
"""

import itertools
import json
import random
from pathlib import Path

TOP = 2**256
EDGES = [0, 1, 9, 10, 2**64 - 1, 2**64, 2**64 + 1, 10**18, 10**36 - 1, 2**127, 2**128 - 1, 2**128, 2**128 + 1, 2**192]
EDGES += [10**77, 2**255 - 1, 2**255, 2**255 + 1, TOP - 2**128, TOP - 2**64, TOP - 2, TOP - 1]
FACTORS = [0, 1, 2, 8, 10, 10**18, 2**32, 2**63, 2**64 - 1]


def held(number: int) -> str | None:
    return hex(number) if 0 <= number < TOP else None


def shape(number: int) -> dict:
    return {
        "quantity": hex(number),
        "decimal": str(number),
        "word": number.to_bytes(32).hex(),
        "minimal": number.to_bytes((number.bit_length() + 7) // 8).hex(),
        "bits": number.bit_length(),
        "inverted": hex(TOP - 1 - number),
        "signed": str(number - TOP if number >= TOP // 2 else number),
    }


def pair(left: int, right: int) -> dict:
    return {
        "left": hex(left),
        "right": hex(right),
        "sum": held(left + right),
        "wrapped": hex((left + right) % TOP),
        "difference": held(left - right),
    }


def scaled(number: int, factor: int) -> dict:
    quotient, remainder = divmod(number, factor or 1)
    return {
        "number": hex(number),
        "factor": hex(factor),
        "product": held(number * factor),
        "quotient": hex(quotient),
        "remainder": hex(remainder),
    }


dice = random.Random(256)
numbers = EDGES + [dice.getrandbits(bits) for bits in (7, 63, 65, 100, 127, 129, 190, 193, 250, 255, 256, 256)]
pairs = [*itertools.product(EDGES[::2], repeat=2), *((number, TOP - number) for number in EDGES[1:])]
pairs += [(dice.choice(numbers), dice.choice(numbers)) for _ in range(100)]
factors = [(number, factor) for number in EDGES for factor in FACTORS]
factors += [(number, dice.getrandbits(dice.randrange(1, 65))) for number in numbers for _ in range(4)]
# The last product that 256 bits hold, and the first that they do not.
factors += [(TOP // factor + more, factor) for factor in (*FACTORS[2:], 3, 2**64 - 59) for more in (0, 1)]
document = {
    "source": "Python's integers, by make-uint256-vectors.py",
    "numbers": [shape(number) for number in numbers],
    "pairs": [pair(left, right) for left, right in pairs],
    "scaled": [scaled(number, factor) for number, factor in factors],
}
(Path(__file__).parent / "uint256.json").write_text(json.dumps(document, indent=1) + "\n")
