"""Hashes, roots and proofs computed from JSON with rlp and trie alone, to hold against what the chain says."""

import rlp
from eth_utils import keccak
from trie import HexaryTrie


def number(text):
    return int(text, 16)


def raw(text):
    return bytes.fromhex(text[2:])


def integer(text):
    """A quantity as RLP wants it."""
    value = int(text, 16)
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


HEADER_FIELDS = (
    ("parentHash", raw), ("sha3Uncles", raw), ("miner", raw), ("stateRoot", raw), ("transactionsRoot", raw),
    ("receiptsRoot", raw), ("logsBloom", raw), ("difficulty", integer), ("number", integer), ("gasLimit", integer),
    ("gasUsed", integer), ("timestamp", integer), ("extraData", raw), ("mixHash", raw), ("nonce", raw),
    ("baseFeePerGas", integer), ("withdrawalsRoot", raw), ("blobGasUsed", integer), ("excessBlobGas", integer),
    ("parentBeaconBlockRoot", raw), ("requestsHash", raw),
)  # fmt: skip


def header_hash(block):
    return "0x" + keccak(rlp.encode([encode(block[name]) for name, encode in HEADER_FIELDS])).hex()


def root_of(items):
    trie = HexaryTrie({})
    for index, item in enumerate(items):
        trie[rlp.encode(index)] = item
    return "0x" + trie.root_hash.hex()


def encoded_receipt(receipt):
    logs = [[raw(log["address"]), [raw(topic) for topic in log["topics"]], raw(log["data"])] for log in receipt["logs"]]
    body = [integer(receipt["status"]), integer(receipt["cumulativeGasUsed"]), raw(receipt["logsBloom"]), logs]
    return bytes([number(receipt["type"])]).strip(b"\0") + rlp.encode(body)


def proven(root, key, nodes):
    return HexaryTrie.get_from_proof(raw(root), keccak(key), [rlp.decode(raw(node)) for node in nodes])
