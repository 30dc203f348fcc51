"""What fees to expect: eth_feeHistory, eth_maxPriorityFeePerGas and eth_gasPrice."""

from .blocks import next_base_fee
from .encoding import quantity
from .errors import server_error

MAX_HISTORY = 1024
MAX_PERCENTILES = 100
SAMPLE_BLOCKS = 20
SAMPLES_PER_BLOCK = 3
SAMPLE_PERCENTILE = 60
SMALLEST_SAMPLE = 2
DEFAULT_TIP = 10**6


class Fees:
    def __init__(self, node):
        self._node = node

    def suggested_tip(self):
        """The 60th percentile of the smallest tips of the last blocks; a constant while nobody has paid any."""
        with self._node.lock:
            number = self._node.head.number
            blocks = self._node.ledger.range(number - SAMPLE_BLOCKS + 1, number)
        samples = []
        for block in blocks:
            tips = sorted(transaction.tip_at(block.base_fee) for transaction in block.transactions)
            samples += [tip for tip in tips if tip >= SMALLEST_SAMPLE][:SAMPLES_PER_BLOCK]
        samples.sort()
        return samples[(len(samples) - 1) * SAMPLE_PERCENTILE // 100] if samples else DEFAULT_TIP

    def gas_price(self):
        return self.suggested_tip() + self._node.head.base_fee

    def history(self, count, newest_ref, percentiles):
        _check_percentiles(percentiles)
        with self._node.lock:
            newest = self._newest(newest_ref)
            oldest = max(newest.number - min(count, MAX_HISTORY) + 1, 0)
            blocks = self._node.ledger.range(oldest, newest.number) if count else []
            if newest.is_pending and count:
                blocks.append(newest)
            following = self._following_base_fee(newest)
        if not blocks:
            return {"oldestBlock": "0x0", "gasUsedRatio": None}
        return _history(blocks, following, percentiles)

    def _newest(self, ref):
        block = self._node.block(ref)
        if block is None:
            raise server_error(
                f"request beyond head block: requested {ref.number}, head {self._node.head.number}"
            )
        return block

    def _following_base_fee(self, newest):
        if newest is self._node.head:
            return self._node.upcoming_base_fee()
        child = self._node.ledger.by_number(newest.number + 1)
        if child:
            return child.base_fee
        return newest.base_fee if self._node.settings.fixed_base_fee else next_base_fee(newest.header)


def _history(blocks, following, percentiles):
    result = {
        "oldestBlock": quantity(blocks[0].number),
        "baseFeePerGas": [quantity(fee) for fee in (*(block.base_fee for block in blocks), following)],
        "gasUsedRatio": [block.header.gas_used / block.header.gas_limit for block in blocks],
        "baseFeePerBlobGas": ["0x1"] * (len(blocks) + 1),
        "blobGasUsedRatio": [0] * len(blocks),
    }
    if percentiles:
        result["reward"] = [[quantity(tip) for tip in rewards(block, percentiles)] for block in blocks]
    return result


def rewards(block, percentiles):
    """The tips at these percentiles of the gas that the block used, zeros for an empty block."""
    spent = sorted(
        (transaction.tip_at(block.base_fee), receipt.gas_used)
        for transaction, receipt in zip(block.transactions, block.receipts)
    )
    if not spent:
        return [0] * len(percentiles)
    found, position, reached = [], 0, spent[0][1]
    for percentile in percentiles:
        threshold = int(block.header.gas_used * percentile / 100)
        while reached < threshold and position < len(spent) - 1:
            position += 1
            reached += spent[position][1]
        found.append(spent[position][0])
    return found


def _check_percentiles(percentiles):
    if len(percentiles) > MAX_PERCENTILES:
        raise server_error(f"invalid reward percentile: over the query limit {MAX_PERCENTILES}")
    previous = 0
    for index, percentile in enumerate(percentiles):
        if isinstance(percentile, bool) or not isinstance(percentile, (int, float)) or not 0 <= percentile <= 100:
            raise server_error(f"invalid reward percentile: {percentile}")
        if percentile < previous:
            raise server_error(f"invalid reward percentile: #{index - 1}:{previous} >= #{index}:{percentile}")
        previous = percentile
