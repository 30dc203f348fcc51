#!/usr/bin/env python3
"""Makes abi-eth-abi.json: random types and values, and the bytes that eth-abi encodes them to.

Deterministic: the same eth-abi writes the same file. Run it with the test environment's Python.
A value is text (integers in decimal, bytes in hex), a truth value, or for an array or a tuple an array.
"""

import json
import random
import string
from pathlib import Path

import eth_abi

SEED = 20260
CASES = 400
LEAVES = ["uint", "int", "address", "bool", "bytesN", "bytes", "string", "function"]
TEXT = string.ascii_letters + " \"\\\n,[]()é€😀"


def random_type(dice, depth):
    kind = dice.random()
    if depth > 0 and kind < 0.25:
        return random_type(dice, depth - 1) + "[]"
    if depth > 0 and kind < 0.4:
        return f"{random_type(dice, depth - 1)}[{dice.randint(1, 3)}]"
    if depth > 0 and kind < 0.6:
        return f"({','.join(random_type(dice, depth - 1) for _ in range(dice.randint(1, 4)))})"
    leaf = dice.choice(LEAVES)
    if leaf in ("uint", "int"):
        return f"{leaf}{8 * dice.randint(1, 32)}"
    return f"bytes{dice.randint(1, 32)}" if leaf == "bytesN" else leaf


def components(text):
    """The types between the commas outside of any parentheses."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return parts + [text[start:]] if text else []


def random_integer(dice, low, high):
    edges = [low, high, 0, min(1, high)]
    return dice.choice(edges) if dice.random() < 0.4 else dice.randint(low, high)


def random_value(dice, kind):
    if kind.endswith("]"):
        element, _, count = kind[:-1].rpartition("[")
        return [random_value(dice, element) for _ in range(int(count) if count else dice.randint(0, 3))]
    if kind.startswith("("):
        return tuple(random_value(dice, part) for part in components(kind[1:-1]))
    if kind.startswith("uint"):
        return random_integer(dice, 0, 2 ** int(kind[4:]) - 1)
    if kind.startswith("int"):
        bits = int(kind[3:])
        return random_integer(dice, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if kind == "bool":
        return dice.random() < 0.5
    if kind == "string":
        return "".join(dice.choice(TEXT) for _ in range(dice.choice([0, 1, 8, 31, 32, 33, 70])))
    sizes = {"address": 20, "function": 24, "bytes": dice.choice([0, 1, 31, 32, 33, 64, 100])}
    return dice.randbytes(sizes.get(kind) if kind in sizes else int(kind[5:]))


def written(value):
    if isinstance(value, (list, tuple)):
        return [written(element) for element in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value if isinstance(value, (str, bool)) else str(value)


def vectors(dice):
    for _ in range(CASES):
        types = [random_type(dice, 3) for _ in range(dice.randint(1, 4))]
        values = [random_value(dice, kind) for kind in types]
        encoding = "0x" + eth_abi.encode(types, values).hex()
        yield json.dumps({"types": types, "values": written(values), "encoding": encoding})


def main():
    lines = ",\n".join(vectors(random.Random(SEED)))
    document = f'{{"source": "eth-abi, by make-abi-vectors.py", "vectors": [\n{lines}\n]}}\n'
    Path(__file__).with_name("abi-eth-abi.json").write_text(document)


main()
