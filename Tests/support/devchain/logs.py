"""eth_getLogs: which logs of which blocks."""

from eth_bloom import BloomFilter

from .encoding import LATEST, parse_address, parse_block_number, parse_hash, parse_object
from .errors import LIMIT_EXCEEDED, RpcError, invalid_params, server_error
from .views import log_view

MAX_TOPICS = 4


class LogFilter:
    """The conditions on a log: an address out of a set, and for each topic position a set or anything."""

    def __init__(self, request):
        self._addresses = _parse_choice(request.get("address"), parse_address)
        topics = request.get("topics") or []
        if not isinstance(topics, list) or len(topics) > MAX_TOPICS:
            raise invalid_params("exceed max topics" if isinstance(topics, list) else "topics is not an array")
        self._topics = [_parse_choice(topic, parse_hash) for topic in topics]

    def may_match(self, bloom):
        """False only if no log under this bloom filter can match."""
        bloom = BloomFilter(bloom)
        choices = [choice for choice in (self._addresses, *self._topics) if choice]
        return all(any(item in bloom for item in choice) for choice in choices)

    def matches(self, log):
        if self._addresses and log.address not in self._addresses:
            return False
        if len(self._topics) > len(log.topics):
            return False
        return all(not choice or topic in choice for choice, topic in zip(self._topics, log.topics))


def _parse_choice(value, parser):
    """A single item, or a list of alternatives whose members may be null (anything); empty means anything."""
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        return frozenset([parser(value)])
    return frozenset() if None in value else frozenset(parser(item) for item in value)


class Logs:
    def __init__(self, node):
        self._node = node

    def find(self, value):
        request = parse_object(value)
        wanted = LogFilter(request)
        return [view for block in self._blocks(request) for view in self._in_block(block, wanted)]

    @staticmethod
    def _in_block(block, wanted):
        if not wanted.may_match(block.header.bloom):
            return
        index = 0
        for position, receipt in enumerate(block.receipts):
            for log in receipt.logs:
                if wanted.matches(log):
                    yield log_view(log, block, position, index)
                index += 1

    def _blocks(self, request):
        if request.get("blockHash") is not None:
            if request.get("fromBlock") is not None or request.get("toBlock") is not None:
                raise invalid_params("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
            block = self._node.ledger.by_hash(parse_hash(request["blockHash"]))
            if block is None:
                raise server_error("unknown block")
            return [block]
        return self._range(*(_parse_bound(request.get(key)) for key in ("fromBlock", "toBlock")))

    def _number(self, ref):
        return self._node.block(ref).number if ref.number is None else ref.number

    def _range(self, first_ref, last_ref):
        first, last = self._number(first_ref), self._number(last_ref)
        if first > last and first_ref.number is not None and last_ref.number is not None:
            raise invalid_params("invalid block range params")
        limit = self._node.settings.log_range_limit
        if limit and last - first + 1 > limit:
            raise RpcError(LIMIT_EXCEEDED, f"query exceeds max block range {limit}")
        with self._node.lock:
            return self._node.ledger.range(first, last)


def _parse_bound(value):
    ref = LATEST if value is None else parse_block_number(value)
    if ref.tag == "pending":
        raise server_error("pending logs are not supported")
    return ref
