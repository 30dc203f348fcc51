"""Which blocks are canonical, with indexes by hash. Blocks that lost their place stay readable by hash."""

from itertools import islice

from eth.constants import MAX_PREV_HEADER_DEPTH


class Ledger:
    def __init__(self, genesis):
        self._blocks = [genesis]
        self._by_hash = {genesis.hash: genesis}
        self._positions = {}

    @property
    def head(self):
        return self._blocks[-1]

    @property
    def genesis(self):
        return self._blocks[0]

    def by_number(self, number):
        return self._blocks[number] if 0 <= number < len(self._blocks) else None

    def by_hash(self, block_hash):
        return self._by_hash.get(block_hash)

    def is_canonical(self, block):
        return self.by_number(block.number) is block

    def range(self, first, last):
        """The canonical blocks from number `first` up to and including number `last`."""
        return self._blocks[max(first, 0) : last + 1]

    def find_transaction(self, transaction_hash):
        """The block that holds the transaction and its index there, or None."""
        return self._positions.get(transaction_hash)

    def append(self, block):
        self._blocks.append(block)
        self._by_hash[block.hash] = block
        for index, transaction in enumerate(block.transactions):
            self._positions[transaction.hash] = (block, index)

    def truncate(self, length):
        """Take all blocks from number `length` on out of the chain and return them in order."""
        removed = self._blocks[length:]
        del self._blocks[length:]
        for block in removed:
            for transaction in block.transactions:
                del self._positions[transaction.hash]
        return removed

    def ancestor_hashes(self, header):
        """Hashes of the parent, its parent and so on, as far back as BLOCKHASH reaches."""
        return islice(self._walk_back(header.parent_hash), MAX_PREV_HEADER_DEPTH)

    def _walk_back(self, block_hash):
        while block := self._by_hash.get(block_hash):
            yield block_hash
            block_hash = block.header.parent_hash

    def snapshot(self):
        return list(self._blocks)

    def restore(self, blocks):
        """Return to a chain that `snapshot` gave."""
        shared = 0
        while shared < min(len(blocks), len(self._blocks)) and blocks[shared] is self._blocks[shared]:
            shared += 1
        self.truncate(shared)
        for block in blocks[shared:]:
            self.append(block)
