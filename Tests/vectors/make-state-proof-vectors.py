#!/usr/bin/env python3
"""Makes state-proofs.json with the packages trie, rlp and py-evm: headers, tries and accounts with proofs of them.

Deterministic: the same packages write the same file. Run it from this folder with the test environment's Python.
"""

import json
from pathlib import Path

import rlp
from eth.chains.mainnet import MAINNET_GENESIS_HEADER
from eth.rlp.accounts import Account
from eth.rlp.headers import BlockHeader
from eth.vm.forks.cancun.blocks import CancunBlockHeader
from eth.vm.forks.london.blocks import LondonBlockHeader
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.forks.shanghai.blocks import ShanghaiBlockHeader
from eth_utils import keccak
from trie import HexaryTrie

HERE = Path(__file__).parent
NAMES = {  # of py-evm, and of JSON-RPC
    "parent_hash": "parentHash", "uncles_hash": "sha3Uncles", "coinbase": "miner", "state_root": "stateRoot",
    "transaction_root": "transactionsRoot", "receipt_root": "receiptsRoot", "bloom": "logsBloom",
    "difficulty": "difficulty", "block_number": "number", "gas_limit": "gasLimit", "gas_used": "gasUsed",
    "timestamp": "timestamp", "extra_data": "extraData", "mix_hash": "mixHash", "nonce": "nonce",
    "base_fee_per_gas": "baseFeePerGas", "withdrawals_root": "withdrawalsRoot", "blob_gas_used": "blobGasUsed",
    "excess_blob_gas": "excessBlobGas", "parent_beacon_block_root": "parentBeaconBlockRoot",
    "requests_hash": "requestsHash",
}  # fmt: skip
FORKS = [
    (LondonBlockHeader, ["base_fee_per_gas"]),
    (ShanghaiBlockHeader, ["withdrawals_root"]),
    (CancunBlockHeader, ["blob_gas_used", "excess_blob_gas", "parent_beacon_block_root"]),
    (PragueBlockHeader, ["requests_hash"]),
]


def shown(value) -> str:
    return hex(value) if isinstance(value, int) else "0x" + value.hex()


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def some(label: str, size: int = 32) -> bytes:
    """Bytes that mean nothing."""
    return (keccak(text=label) * (size // 32 + 1))[:size]


def header_vector(name: str, header) -> dict:
    fields = {NAMES[field]: getattr(header, field) for field, _ in header._meta.fields}
    fields["logsBloom"] = fields["logsBloom"].to_bytes(256, "big")
    return {"name": name, "block": {"hash": shown(header.hash)} | {key: shown(value) for key, value in fields.items()}}


def header_vectors() -> list[dict]:
    fields = {
        "parent_hash": some("parent"), "uncles_hash": some("uncles"), "coinbase": some("miner", 20),
        "state_root": some("state"), "transaction_root": some("transactions"), "receipt_root": some("receipts"),
        "bloom": int.from_bytes(some("bloom", 256), "big"), "difficulty": 2**70 + 5, "block_number": 12_965_000,
        "gas_limit": 30_000_000, "gas_used": 12_345_678, "timestamp": 1_700_000_000, "extra_data": b"an honest miner",
        "mix_hash": some("mix"), "nonce": some("nonce", 8),
    }  # fmt: skip
    later = {
        "base_fee_per_gas": 7 * 10**9, "withdrawals_root": some("withdrawals"), "blob_gas_used": 0x60000,
        "excess_blob_gas": 0, "parent_beacon_block_root": some("beacon"), "requests_hash": some("requests"),
    }  # fmt: skip
    vectors = [
        header_vector("mainnet's genesis", MAINNET_GENESIS_HEADER),
        header_vector("before London", BlockHeader(**fields)),
    ]
    for make, added in FORKS:
        fields |= {name: later[name] for name in added}
        vectors.append(header_vector(make.__name__.removesuffix("BlockHeader"), make(**fields)))
    return vectors


def proof(trie: HexaryTrie, key: bytes) -> list[str]:
    """The nodes on the way, from the root on; short nodes are part of their parent and not listed again."""
    nodes = [rlp.encode(node) for node in trie.get_proof(key)]
    return [shown(node) for index, node in enumerate(nodes) if index == 0 or len(node) >= 32]


def trie_of(pairs: dict[bytes, bytes]) -> HexaryTrie:
    trie = HexaryTrie({})
    for key, value in pairs.items():
        trie[key] = value
    return trie


def trie_vectors() -> list[dict]:
    """Tries whose keys are no hashes, so that every kind of node and of end of the way can be had."""
    base = some("base")

    def key(nibbles: str) -> bytes:
        return bytes.fromhex(nibbles + base.hex()[len(nibbles):])

    def last(nibbles: str) -> bytes:
        return bytes.fromhex(base.hex()[:-len(nibbles)] + nibbles)

    wide = {key(f"{index:03x}"): some(str(index)) for index in range(0, 4096, 37)}
    long = {last("00"): b"\1", last("01"): b"\2", last("f0"): b"\3"}
    mixed = wide | long | {key("00500"): b"\5", key("00501"): some("long", 60)}
    cases = [
        ("one leaf", {base: b"\1"}, [base, last("00"), key("000")]),
        ("two leaves under the root", {key("0"): some("0"), key("1"): some("1")}, [key("0"), key("1"), key("2")]),
        ("many ways", wide, [key("000"), key("025"), key("026"), key("fff"), last("77")]),
        ("an extension and embedded nodes", long, [*long, last("f1"), last("02"), last("e0"), key("0"), last("01f0")]),
        ("all of it", mixed, [*long, key("00500"), key("00501"), key("00502"), key("00510"), key("000"), last("02")]),
        ("nothing", {}, [base]),
    ]
    vectors = []
    for name, pairs, keys in cases:
        trie = trie_of(pairs)
        for each in keys:
            value = pairs.get(each)
            vectors.append(
                {"name": name, "root": shown(trie.root_hash), "key": shown(each), "nodes": proof(trie, each)}
                | ({} if value is None else {"value": shown(value)})
            )
    return vectors


def colliding_slots() -> list[int]:
    """Two slots whose hashes share their first four bytes: deep enough for leaves that are embedded in their parent."""
    seen: dict[bytes, int] = {}
    slot = 0
    while (prefix := keccak(word(slot))[:4]) not in seen:
        seen[prefix] = slot
        slot += 1
    return [seen[prefix], slot]


def account_vectors() -> list[dict]:
    address = some("contract", 20)
    twins = colliding_slots()
    storages = {
        "no storage": {},
        "one word": {0: 1},
        "many words": {slot: int.from_bytes(some(f"word {slot}"), "big") >> slot % 240 for slot in range(300)},
        "embedded leaves": {twins[0]: 1, twins[1]: 0x7F, 5: 2**255},
    }
    asked = {
        "no storage": [0, 2**255],
        "one word": [0, 1, 7],
        "many words": [0, 1, 255, 299, 300, 1000, 2**256 - 1],
        "embedded leaves": [*twins, 5, 6, 7],
    }
    vectors = []
    for name, words in storages.items():
        storage = trie_of({keccak(word(slot)): rlp.encode(value) for slot, value in words.items()})
        account = Account(1, 10**20, storage.root_hash, keccak(b"\x5f") if words else keccak(b""))
        others = {keccak(some(f"account {index}", 20)): rlp.encode(Account(index, 2**index)) for index in range(100)}
        state = trie_of(others | {keccak(address): rlp.encode(account)})
        slots = asked[name]
        vectors.append({
            "name": name, "state_root": shown(state.root_hash), "address": shown(address),
            "slots": [shown(word(slot)) for slot in slots],
            "words": [shown(word(words.get(slot, 0))) for slot in slots],
            "answer": answer(state, address, account, storage, {slot: words.get(slot, 0) for slot in slots}),
        })  # fmt: skip
    vectors.append({
        "name": "no account", "state_root": shown(state.root_hash), "address": shown(some("nobody", 20)),
        "slots": [shown(word(3))], "words": [shown(word(0))], "absent": True,
        "answer": answer(state, some("nobody", 20), Account(), trie_of({}), {3: 0}),
    })  # fmt: skip
    return vectors


def answer(state: HexaryTrie, address: bytes, account: Account, storage: HexaryTrie, words: dict[int, int]) -> dict:
    """What eth_getProof (EIP-1186) says."""
    return {
        "address": shown(address), "accountProof": proof(state, keccak(address)),
        "balance": shown(account.balance), "codeHash": shown(account.code_hash),
        "nonce": shown(account.nonce), "storageHash": shown(account.storage_root),
        "storageProof": [
            {"key": shown(word(slot)), "value": shown(value), "proof": proof(storage, keccak(word(slot)))}
            for slot, value in words.items()
        ],
    }  # fmt: skip


if __name__ == "__main__":
    document = {
        "source": "trie, rlp and py-evm, by make-state-proof-vectors.py",
        "headers": header_vectors(), "tries": trie_vectors(), "accounts": account_vectors(),
    }  # fmt: skip
    (HERE / "state-proofs.json").write_text(json.dumps(document, indent=1) + "\n")
