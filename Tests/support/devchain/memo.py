"""Spares py-evm what takes most of its time: its tries decode every node on the way to each account, each time.

What is remembered follows from bytes alone, or from a root hash and a key.
"""

from functools import lru_cache, wraps

import rlp
from eth.db.account import AccountDB
from eth.rlp.accounts import Account
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth_hash.auto import keccak
from trie import hexary
from trie.utils import nibbles, nodes

MOST = 1 << 15
remembered = lru_cache(MOST)


@remembered
def _plain_node(encoded):
    """The members of a node; None where one is a node itself, which a trie may change in place."""
    node = rlp.decode(encoded)
    return tuple(node) if all(isinstance(member, bytes) for member in node) else None


def _decode_node(encoded):
    if isinstance(encoded, list) or not encoded:
        return encoded
    node = _plain_node(encoded)
    return rlp.decode(encoded) if node is None else list(node)


@remembered
def _hash_of_plain_node(members):
    """As HexaryTrie has it: the hash and the bytes of a node, or None if it is so small that it stands for itself."""
    key, encoded = hexary.HexaryTrie._create_node_to_db_mapping(None, list(members))
    return encoded and (key, encoded)


def _node_to_db_mapping(trie, node):
    if isinstance(node, list) and all(isinstance(member, bytes) for member in node):
        return _hash_of_plain_node(tuple(node)) or (node, None)
    return trie._create_node_to_db_mapping(node)


@remembered
def account_of(encoded):
    return rlp.decode(encoded, sedes=Account)


def _remembering_values(get):
    values = {}

    @wraps(get)
    def remembering(trie, root_hash, key):
        found = values.get((root_hash, key))
        if found is None:
            if len(values) >= MOST:
                values.clear()
            found = values[root_hash, key] = get(trie, root_hash, key)
        return found

    return remembering


def _copy(record, **changes):
    """As Serializable.copy, which makes deep copies of numbers and bytes."""
    return type(record)(**(record.as_dict() | changes))


class RememberingAccounts(AccountDB):
    def _get_account(self, address, from_journal=True):
        if from_journal and address in self._account_cache:
            return self._account_cache[address]
        encoded = self._get_encoded_account(address, from_journal)
        account = account_of(encoded) if encoded else Account()
        if from_journal:
            self._account_cache[address] = account
        return account


keccak(b"")  # chooses the library
_keccak_of_bytes = remembered(keccak.hasher)
keccak.hasher = lambda data: _keccak_of_bytes(bytes(data))
hexary.decode_node = _decode_node
hexary.HexaryTrie._node_to_db_mapping = _node_to_db_mapping
Account.copy = PragueBlockHeader.copy = _copy
hexary.HexaryTrie._get = _remembering_values(hexary.HexaryTrie._get)
for name in ("bytes_to_nibbles", "decode_nibbles", "remove_nibbles_terminator", "add_nibbles_terminator"):
    function = remembered(getattr(nibbles, name))
    for module in (nibbles, nodes, hexary):
        if hasattr(module, name):
            setattr(module, name, function)
