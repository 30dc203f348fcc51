"""What waits in the pool, as txpool_status and txpool_content show it."""

from .encoding import checksummed, quantity
from .views import transaction_view


def pool_status(node):
    with node.lock:
        pending, queued = node.pool.content()
    return {
        "pending": quantity(sum(map(len, pending.values()))),
        "queued": quantity(sum(map(len, queued.values()))),
    }


def pool_content(node):
    with node.lock:
        pending, queued = node.pool.content()
    return {"pending": _by_sender(pending), "queued": _by_sender(queued)}


def _by_sender(waiting):
    return {
        checksummed(sender): {str(transaction.nonce): transaction_view(transaction) for transaction in transactions}
        for sender, transactions in waiting.items()
    }
