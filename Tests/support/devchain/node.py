"""The chain as a whole: it accepts transactions, mines, reorganises and looks up blocks and states.

Everything that changes the chain or the pool holds one lock, and `changed` wakes those who wait for a receipt. Blocks
and states that readers get are immutable, so long calls run without the lock.
"""

import threading
import time
from dataclasses import dataclass, field

from eth.db.atomic import AtomicDB

from .accounts import fill_genesis
from .blocks import Block, next_base_fee, open_header
from .builder import BlockBuilder
from .errors import server_error
from .evm import ChainState, execution_context
from .ledger import Ledger
from .mempool import Mempool
from .transactions import decode_transaction


@dataclass
class Settings:
    chain_id: int = 31337
    base_fee: int = 10**9
    fixed_base_fee: bool = False
    gas_limit: int = 30_000_000
    call_gas_cap: int = 50_000_000
    log_range_limit: int = 0
    min_tip: int = 1
    safe_lag: int = 0
    finalized_lag: int = 0
    automine: bool = True
    block_time: float = 0.0
    simulate: bool = True
    send_sync: bool = False
    funds: dict = field(default_factory=dict)


class Node:
    def __init__(self, settings):
        self.settings = settings
        self.automine = settings.automine
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self._db = AtomicDB()
        self.ledger = Ledger(self._genesis())
        self.pool = Mempool(self._account_at_head, settings.min_tip)
        self._snapshots = {}
        self._next_base_fee = None
        self._pending = (None, None)
        self._head_state = (None, None)
        self._reorganisations = 0

    def _genesis(self):
        header = open_header(None, int(time.time()), self.settings.gas_limit, self.settings.base_fee)
        state = ChainState(self._db, execution_context(header, (), self.settings.chain_id), header.state_root)
        fill_genesis(state, self.settings.funds)
        state.persist()
        return Block(header.copy(state_root=state.state_root))

    # Reading

    @property
    def head(self):
        return self.ledger.head

    def block(self, ref):
        """The block that a BlockRef names, or None."""
        with self.lock:
            if ref.hash is not None:
                return self._block_by_hash(ref)
            if ref.number is not None:
                return self.ledger.by_number(ref.number)
            if ref.tag == "pending":
                return self._pending_block()
            return self.ledger.by_number(self._tagged_number(ref.tag))

    def existing_block(self, ref):
        block = self.block(ref)
        if block is None:
            raise server_error("header not found" if ref.hash is None else "header for hash not found")
        return block

    def _block_by_hash(self, ref):
        block = self.ledger.by_hash(ref.hash)
        if block and ref.require_canonical and not self.ledger.is_canonical(block):
            raise server_error("hash is not currently canonical")
        return block

    def _tagged_number(self, tag):
        lag = {"latest": 0, "safe": self.settings.safe_lag, "finalized": self.settings.finalized_lag}
        return 0 if tag == "earliest" else max(self.head.number - lag[tag], 0)

    def state_of(self, block, base_fee=None, header=None):
        """A scratch state after this block; `header` and `base_fee` replace what the block says of itself."""
        return self.open_state(header or block.header, block.header.state_root, base_fee)

    def open_state(self, header, state_root, base_fee=None):
        context = execution_context(header, self.ledger.ancestor_hashes(header), self.settings.chain_id, base_fee)
        return ChainState(self._db, context, state_root)

    @property
    def database(self):
        """All trie nodes and codes, by hash."""
        return self._db

    def _account_at_head(self, address):
        block, state = self._head_state
        if block is not self.head:
            state = self.state_of(self.head)
            self._head_state = (self.head, state)
        return state.get_nonce(address), state.get_balance(address)

    def pending_nonce(self, address):
        with self.lock:
            waiting = self.pool.next_nonce(address)
            return self._account_at_head(address)[0] if waiting is None else waiting

    def _pending_block(self):
        """The block that would be mined now. It is remembered until the head or the pool changes."""
        key = (self.head.hash, self.pool.version, self._next_base_fee)
        if self._pending[0] != key:
            builder = self._builder()
            builder.fill(self.pool.by_price(builder.header.base_fee_per_gas))
            self._pending = (key, builder.finish(is_pending=True))
        return self._pending[1]

    # Sending and mining

    def send(self, raw):
        transaction = decode_transaction(raw, self.settings.chain_id)
        if transaction.gas > self.settings.gas_limit:
            raise server_error("exceeds block gas limit")
        with self.lock:
            self.pool.add(transaction)
            if self.automine:
                self.mine_waiting()
        return transaction.hash

    def mine_waiting(self):
        """Mine until nothing in the pool can be mined now."""
        with self.lock:
            while self.pool.by_price(self.upcoming_base_fee()).best():
                if not self.mine().transactions:
                    break

    def mine(self, edits=(), extra_data=b"", fill=True):
        with self.lock:
            builder = self._builder(extra_data)
            builder.apply_edits(edits)
            if fill:
                builder.fill(self.pool.by_price(builder.header.base_fee_per_gas))
            block = builder.finish()
            self._next_base_fee = None
            self.ledger.append(block)
            edited = None if edits else {transaction.sender for transaction in block.transactions}
            self.pool.settle(edited)
            self.changed.notify_all()
            return block

    def _builder(self, extra_data=b""):
        timestamp = max(int(time.time()), self.head.header.timestamp + 1)
        return BlockBuilder(
            self.head,
            self.open_state,
            timestamp,
            self.settings.gas_limit,
            self.upcoming_base_fee(),
            extra_data=extra_data,
        )

    def upcoming_base_fee(self):
        if self._next_base_fee is not None:
            return self._next_base_fee
        return self.head.base_fee if self.settings.fixed_base_fee else next_base_fee(self.head.header)

    def set_next_base_fee(self, base_fee):
        with self.lock:
            self._next_base_fee = base_fee
            if self.automine:
                self.mine_waiting()

    # Disturbing

    def reorganise(self, depth, length=None, drop=False, include=False):
        """Replace the last `depth` blocks by `length` new ones (one more by default) and return both lists."""
        with self.lock:
            if not 0 < depth <= self.head.number:
                raise server_error(f"cannot undo {depth} blocks of {self.head.number}")
            removed = self.ledger.truncate(self.head.number + 1 - depth)
            self._reorganisations += 1
            self.pool.settle()
            if not drop:
                self.pool.reinsert([transaction for block in removed for transaction in block.transactions])
            edits = [edit for block in removed for edit in block.edits]
            marker = b"branch %d" % self._reorganisations
            added = []
            for _ in range(depth + 1 if length is None else length):
                added.append(self.mine(edits, marker, fill=include))
                edits = ()
            self.changed.notify_all()
            return removed, added

    def snapshot(self):
        with self.lock:
            name = len(self._snapshots) + 1
            self._snapshots[name] = (self.ledger.snapshot(), self.pool.snapshot(), self._next_base_fee)
            return name

    def revert(self, name):
        """Return to a snapshot; it and all later ones are used up. False if there is none of that name."""
        with self.lock:
            if name not in self._snapshots:
                return False
            blocks, waiting, self._next_base_fee = self._snapshots[name]
            self._snapshots = {key: kept for key, kept in self._snapshots.items() if key < name}
            self.ledger.restore(blocks)
            self.pool.restore(waiting)
            self.changed.notify_all()
            return True
