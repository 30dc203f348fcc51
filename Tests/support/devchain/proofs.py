"""eth_getProof (EIP-1186): Merkle-Patricia proofs of an account and of its storage."""

import rlp
from eth.rlp.accounts import Account
from eth_utils import keccak
from trie import HexaryTrie

from .encoding import data, lower_address, parse_list, parse_slot, quantity
from .errors import invalid_params

MAX_KEYS = 1024


def parse_storage_keys(value):
    """Pairs of the key as the client wrote it and the slot it means."""
    keys = parse_list(value)
    if len(keys) > MAX_KEYS:
        raise invalid_params(f"too many slots (max {MAX_KEYS})")
    return [(key, parse_slot(key)) for key in keys]


def account_proof(node, address, keys, ref):
    block = node.existing_block(ref)
    accounts = HexaryTrie(node.database, block.header.state_root)
    encoded = accounts[keccak(address)]
    account = rlp.decode(encoded, sedes=Account) if encoded else Account()
    storage = HexaryTrie(node.database, account.storage_root)
    return {
        "address": lower_address(address),
        "accountProof": _proof(accounts, keccak(address)),
        "balance": quantity(account.balance),
        "codeHash": data(account.code_hash),
        "nonce": quantity(account.nonce),
        "storageHash": data(account.storage_root),
        "storageProof": [_storage_proof(storage, key, slot) for key, slot in keys],
    }


def _storage_proof(storage, key, slot):
    path = keccak(slot.to_bytes(32, "big"))
    encoded = storage[path]
    value = rlp.decode(encoded, sedes=rlp.sedes.big_endian_int) if encoded else 0
    shown = data(slot.to_bytes(32, "big")) if len(key) == 66 else quantity(slot)
    return {"key": shown, "value": quantity(value), "proof": _proof(storage, path)}


def _proof(trie, path):
    """The nodes on the way, from the root on; short nodes are part of their parent and not listed again."""
    nodes = [rlp.encode(node) for node in trie.get_proof(path)]
    return [data(node) for index, node in enumerate(nodes) if index == 0 or len(node) >= 32]
