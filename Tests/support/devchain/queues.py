"""How waiting transactions are ordered: by nonce within one sender, by price among senders."""

import heapq


class SenderQueue:
    """The waiting transactions of one sender: `first` is its nonce on chain, `next_nonce` the first gap."""

    def __init__(self, nonce):
        self.first = nonce
        self.next_nonce = nonce
        self.cost = 0
        self._entries = {}

    def __bool__(self):
        return bool(self._entries)

    def get(self, nonce):
        entry = self._entries.get(nonce)
        return entry[0] if entry else None

    def arrival(self, nonce):
        return self._entries[nonce][1]

    def put(self, transaction, arrival):
        previous = self.get(transaction.nonce)
        self.cost += transaction.cost - (previous.cost if previous else 0)
        self._entries[transaction.nonce] = (transaction, arrival)
        while self.next_nonce in self._entries:
            self.next_nonce += 1

    def advance(self, nonce):
        """Start from another nonce on chain, lower ones after a reorganisation included."""
        self.first = self.next_nonce = nonce
        while self.next_nonce in self._entries:
            self.next_nonce += 1

    def settle(self, nonce, balance):
        """Start from this nonce and return the transactions that leave: those below it and those beyond the balance."""
        leaving = [passed for passed in range(self.first, nonce) if passed in self._entries]
        if self.cost > balance:
            entries = self._entries.items()
            leaving += [n for n, (transaction, _) in entries if n >= nonce and transaction.cost > balance]
        gone = [self._remove(n) for n in leaving]
        self.advance(nonce)
        return gone

    def drop(self, nonce):
        self._remove(nonce)
        self.advance(self.first)

    def _remove(self, nonce):
        transaction, _ = self._entries.pop(nonce)
        self.cost -= transaction.cost
        return transaction

    def split(self):
        ordered = [self._entries[nonce][0] for nonce in sorted(self._entries)]
        executable = [transaction for transaction in ordered if transaction.nonce < self.next_nonce]
        return executable, ordered[len(executable) :]


class PriceOrder:
    """The executable transactions of many senders, the best tip first, each sender's in nonce order."""

    def __init__(self, senders, base_fee):
        self._base_fee = base_fee
        self._heap = []
        for sender in senders:
            self._offer(sender, sender.first)

    def best(self):
        """The transaction to try next, None at the end."""
        return self._heap[0][-1] if self._heap else None

    def shift(self):
        """Go on after the best one was taken."""
        *_, sender, transaction = heapq.heappop(self._heap)
        self._offer(sender, transaction.nonce + 1)

    def pop(self):
        """Go on without the best one, hence without all later ones of its sender."""
        heapq.heappop(self._heap)

    def _offer(self, sender, nonce):
        transaction = sender.get(nonce)
        if transaction and transaction.max_fee_per_gas >= self._base_fee:
            rank = (-transaction.tip_at(self._base_fee), sender.arrival(nonce))
            heapq.heappush(self._heap, (*rank, sender, transaction))
