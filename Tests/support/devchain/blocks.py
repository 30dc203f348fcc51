"""Blocks and receipts as values, the tries over them, and the rule that moves the base fee (EIP-1559)."""

from dataclasses import dataclass

import rlp
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth_bloom import BloomFilter
from eth_utils import keccak
from eth_utils import int_to_big_endian as compact
from trie import HexaryTrie

ELASTICITY = 2
BASE_FEE_CHANGE_DENOMINATOR = 8
COINBASE = keccak(text="teebridge development block producer")[:20]


@dataclass(frozen=True)
class Receipt:
    type_id: int
    succeeded: bool
    gas_used: int
    cumulative_gas_used: int
    effective_gas_price: int
    logs: tuple
    bloom: int
    contract_address: bytes | None

    def encode(self):
        logs = [[log.address, list(log.topics), log.data] for log in self.logs]
        status = b"\x01" if self.succeeded else b""
        body = rlp.encode([status, compact(self.cumulative_gas_used), self.bloom.to_bytes(256, "big"), logs])
        return bytes([self.type_id]) + body if self.type_id else body


@dataclass(frozen=True)
class Block:
    """A finished block. `edits` are changes of state that a test ordered and that a reorganisation must keep."""

    header: PragueBlockHeader
    transactions: tuple = ()
    receipts: tuple = ()
    edits: tuple = ()
    is_pending: bool = False

    @property
    def hash(self):
        return self.header.hash

    @property
    def number(self):
        return self.header.block_number

    @property
    def base_fee(self):
        return self.header.base_fee_per_gas

    def encoded_size(self):
        transactions = [t.raw if t.type_id else rlp.decode(t.raw) for t in self.transactions]
        return len(rlp.encode([rlp.decode(rlp.encode(self.header)), transactions, [], []]))


def ordered_trie_root(items):
    """Root of the trie that maps each index (in RLP) to its item: transactions and receipts of a block."""
    trie = HexaryTrie({})
    for index, item in enumerate(items):
        trie[rlp.encode(index)] = item
    return trie.root_hash


def logs_bloom(logs):
    bloom = BloomFilter()
    for log in logs:
        bloom.add(log.address)
        bloom.extend(log.topics)
    return int(bloom)


def next_base_fee(parent):
    target = parent.gas_limit // ELASTICITY
    surplus = parent.gas_used - target
    step = parent.base_fee_per_gas * abs(surplus) // target // BASE_FEE_CHANGE_DENOMINATOR
    if surplus > 0:
        return parent.base_fee_per_gas + max(step, 1)
    return parent.base_fee_per_gas - step


def open_header(parent, timestamp, gas_limit, base_fee):
    """The header of a block that follows `parent` (None for genesis), before anything was executed in it."""
    number = parent.number + 1 if parent else 0
    return PragueBlockHeader(
        difficulty=0,
        block_number=number,
        gas_limit=gas_limit,
        timestamp=timestamp,
        coinbase=COINBASE,
        parent_hash=parent.hash if parent else bytes(32),
        mix_hash=keccak(b"randao" + number.to_bytes(8, "big")),
        nonce=bytes(8),
        base_fee_per_gas=base_fee,
        parent_beacon_block_root=keccak(b"beacon" + number.to_bytes(8, "big")) if parent else bytes(32),
    )


def closed_header(header, state_root, transactions, receipts):
    """The header with everything in it that execution has determined."""
    bloom = 0
    for receipt in receipts:
        bloom |= receipt.bloom
    return header.copy(
        state_root=state_root,
        transaction_root=ordered_trie_root([transaction.raw for transaction in transactions]),
        receipt_root=ordered_trie_root([receipt.encode() for receipt in receipts]),
        bloom=bloom,
        gas_used=receipts[-1].cumulative_gas_used if receipts else 0,
    )
