"""Transactions that wait: pending (executable one after another) and queued (behind a gap of nonces).

The rules of admission and their texts follow geth's pool. What only a header or a raw transaction can tell was checked
before; this module knows nonces, balances and replacement. The account of a sender comes from `account_of`, which
returns its nonce and balance in the head state.
"""

from itertools import count

from .errors import server_error
from .queues import PriceOrder, SenderQueue

PRICE_BUMP_PERCENT = 10


class Mempool:
    def __init__(self, account_of, min_tip):
        self._account_of = account_of
        self._min_tip = min_tip
        self._by_hash = {}
        self._senders = {}
        self._arrivals = count()
        self.version = 0

    def __len__(self):
        return len(self._by_hash)

    def get(self, transaction_hash):
        return self._by_hash.get(transaction_hash)

    def add(self, transaction):
        """Admit a transaction or say why not; a replaced one leaves."""
        if transaction.hash in self._by_hash:
            raise server_error("already known")
        if transaction.max_priority_fee_per_gas < self._min_tip:
            raise server_error(
                f"transaction underpriced: gas tip cap {transaction.max_priority_fee_per_gas}, "
                f"minimum needed {self._min_tip}"
            )
        nonce, balance = self._account_of(transaction.sender)
        if transaction.nonce < nonce:
            raise server_error(f"nonce too low: next nonce {nonce}, tx nonce {transaction.nonce}")
        sender = self._senders.get(transaction.sender) or SenderQueue(nonce)
        replaced = sender.get(transaction.nonce)
        _check_funds(transaction, balance, sender.cost - (replaced.cost if replaced else 0))
        if replaced:
            _check_bump(replaced, transaction)
            del self._by_hash[replaced.hash]
        self._senders[transaction.sender] = sender
        self._insert(sender, transaction)

    def reinsert(self, transactions):
        """Take back transactions of blocks that were undone; those that became impossible vanish."""
        for transaction in transactions:
            nonce, _ = self._account_of(transaction.sender)
            sender = self._senders.setdefault(transaction.sender, SenderQueue(nonce))
            sender.advance(nonce)
            if transaction.nonce >= nonce and not sender.get(transaction.nonce):
                self._insert(sender, transaction)
        self._forget_empty()

    def _insert(self, sender, transaction):
        sender.put(transaction, next(self._arrivals))
        self._by_hash[transaction.hash] = transaction
        self.version += 1

    def drop(self, transaction_hash):
        """Forget one transaction as a node does that runs out of room; later nonces of its sender stay queued."""
        transaction = self._by_hash.pop(transaction_hash, None)
        if transaction is None:
            return False
        self._senders[transaction.sender].drop(transaction.nonce)
        self._forget_empty()
        self.version += 1
        return True

    def clear(self):
        dropped = len(self._by_hash)
        self._by_hash.clear()
        self._senders.clear()
        self.version += 1
        return dropped

    def settle(self, addresses=None):
        """Follow a new head: drop what was mined, overtaken, or cannot be paid any more (all senders by default)."""
        for address in list(self._senders) if addresses is None else addresses:
            sender = self._senders.get(address)
            if sender:
                nonce, balance = self._account_of(address)
                for gone in sender.settle(nonce, balance):
                    del self._by_hash[gone.hash]
        self._forget_empty()
        self.version += 1

    def _forget_empty(self):
        for address in [address for address, sender in self._senders.items() if not sender]:
            del self._senders[address]

    def next_nonce(self, address):
        """The nonce after the last pending transaction of this sender, None if it has none waiting."""
        sender = self._senders.get(address)
        return sender.next_nonce if sender else None

    def by_price(self, base_fee):
        return PriceOrder(self._senders.values(), base_fee)

    def content(self):
        """(pending, queued) as mappings from sender to the transactions in nonce order."""
        pending, queued = {}, {}
        for address, sender in self._senders.items():
            executable, waiting = sender.split()
            pending.update({address: executable} if executable else {})
            queued.update({address: waiting} if waiting else {})
        return pending, queued

    def snapshot(self):
        return list(self._by_hash.values())

    def restore(self, transactions):
        self.clear()
        self.reinsert(transactions)


def _check_funds(transaction, balance, queued_cost):
    if transaction.cost > balance:
        raise server_error(
            f"insufficient funds for gas * price + value: balance {balance}, tx cost {transaction.cost}, "
            f"overshot {transaction.cost - balance}"
        )
    if queued_cost + transaction.cost > balance:
        raise server_error(
            f"insufficient funds for gas * price + value: balance {balance}, queued cost {queued_cost}, "
            f"tx cost {transaction.cost}, overshot {queued_cost + transaction.cost - balance}"
        )


def _check_bump(old, new):
    def least(fee):
        return fee * (100 + PRICE_BUMP_PERCENT) // 100

    raised_cap = new.max_fee_per_gas > old.max_fee_per_gas and new.max_fee_per_gas >= least(old.max_fee_per_gas)
    raised_tip = (
        new.max_priority_fee_per_gas > old.max_priority_fee_per_gas
        and new.max_priority_fee_per_gas >= least(old.max_priority_fee_per_gas)
    )
    if not (raised_cap and raised_tip):
        raise server_error("replacement transaction underpriced")
