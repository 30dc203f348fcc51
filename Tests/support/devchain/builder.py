"""Making a block out of a parent block and the transactions that wait.

What the protocol itself writes into system contracts at the start of each block (EIP-4788 and EIP-2935) is left out:
nothing here reads it, and it would be a third of what a block costs.
"""

from .blocks import Block, Receipt, closed_header, logs_bloom, open_header
from .evm import execute
from .transactions import GAS_TRANSACTION


class BlockBuilder:
    """One block under construction. Call `apply_edits` and `fill` as needed, then `finish` once."""

    def __init__(self, parent, open_state, timestamp, gas_limit, base_fee, **fields):
        """`open_state(header, state_root)` gives the state to execute in; `fields` replace others of the header."""
        self.header = open_header(parent, timestamp, gas_limit, base_fee).copy(**fields)
        self.state = open_state(self.header, parent.header.state_root)
        self.gas_left = self.header.gas_limit
        self._transactions = []
        self._receipts = []
        self._edits = ()

    def apply_edits(self, edits):
        for edit in edits:
            edit(self.state)
        self.state.lock_changes()
        self._edits += tuple(edits)

    def fill(self, order):
        """Take transactions from a PriceOrder until none is left or the block is full."""
        while (transaction := order.best()) and self.gas_left >= GAS_TRANSACTION:
            if self._admits(transaction):
                self.add(transaction)
                order.shift()
            else:
                order.pop()

    def _admits(self, transaction):
        return (
            transaction.gas <= self.gas_left
            and transaction.max_fee_per_gas >= self.header.base_fee_per_gas
            and self.state.get_nonce(transaction.sender) == transaction.nonce
            and self.state.get_balance(transaction.sender) >= transaction.cost
        )

    def add(self, transaction):
        outcome = execute(self.state, transaction)
        self.gas_left -= outcome.gas_used
        self._transactions.append(transaction)
        self._receipts.append(
            Receipt(
                type_id=transaction.type_id,
                succeeded=outcome.succeeded,
                gas_used=outcome.gas_used,
                cumulative_gas_used=self.header.gas_limit - self.gas_left,
                effective_gas_price=transaction.price_at(self.header.base_fee_per_gas),
                logs=outcome.logs,
                bloom=logs_bloom(outcome.logs),
                contract_address=outcome.created,
            )
        )
        return outcome

    def finish(self, is_pending=False):
        self.state.persist()
        header = closed_header(self.header, self.state.state_root, self._transactions, self._receipts)
        return Block(header, tuple(self._transactions), tuple(self._receipts), self._edits, is_pending)
