"""The methods that only a development chain has: mining on request, edits of the state, disturbances, counters."""

from .arguments import Method, Parameter
from .encoding import (
    data,
    parse_address,
    parse_bool,
    parse_data,
    parse_hash,
    parse_number,
    parse_object,
    parse_quantity,
    parse_seconds,
    parse_slot,
    quantity,
)
from .errors import invalid_params


class DevMethods:
    def __init__(self, node, timer, stats):
        self._node = node
        self._timer = timer
        self._stats = stats

    def table(self):
        return {
            "dev_mine": Method(self._mine, Parameter(parse_number, 1)),
            "dev_setAutomine": Method(self._set_automine, parse_bool),
            "dev_setBlockTime": Method(self._set_block_time, parse_seconds),
            "dev_setNextBaseFee": Method(self._set_next_base_fee, parse_number),
            "dev_setBalance": Method(self._set_balance, parse_address, parse_number),
            "dev_setNonce": Method(self._set_nonce, parse_address, parse_number),
            "dev_setCode": Method(self._set_code, parse_address, parse_data),
            "dev_setStorageAt": Method(self._set_storage, parse_address, parse_slot, parse_slot),
            "dev_setStorage": Method(self._set_words, parse_address, parse_object),
            "dev_dropTransaction": Method(self._drop_transaction, parse_hash),
            "dev_dropMempool": Method(self._drop_mempool),
            "dev_reorg": Method(self._reorganise, Parameter(parse_number, 1), Parameter(parse_object, {})),
            "dev_stats": Method(self._stats.as_json),
            "dev_resetStats": Method(self._stats.reset),
            "evm_snapshot": Method(lambda: quantity(self._node.snapshot())),
            "evm_revert": Method(self._node.revert, parse_quantity),
        }

    def _mine(self, count):
        return [data(self._node.mine().hash) for _ in range(count)]

    def _set_automine(self, enabled):
        with self._node.lock:
            self._node.automine = enabled
            if enabled:
                self._node.mine_waiting()
        return True

    def _set_block_time(self, seconds):
        if seconds:
            self._node.automine = False
        self._timer.set_interval(seconds)
        return True

    def _set_next_base_fee(self, base_fee):
        self._node.set_next_base_fee(base_fee)
        return True

    def _set_balance(self, address, balance):
        return self._edit(lambda state: state.set_balance(address, balance))

    def _set_nonce(self, address, nonce):
        return self._edit(lambda state: state.set_nonce(address, nonce))

    def _set_code(self, address, code):
        return self._edit(lambda state: state.set_code(address, code))

    def _set_storage(self, address, slot, value):
        return self._edit(lambda state: state.set_storage(address, slot, value))

    def _set_words(self, address, words):
        parsed = [(parse_slot(slot), parse_slot(value)) for slot, value in words.items()]

        def edit(state):
            for slot, value in parsed:
                state.set_storage(address, slot, value)

        return self._edit(edit)

    def _edit(self, edit):
        """Every state belongs to a block, so an edit is mined at once in a block of its own."""
        self._node.mine([edit], fill=False)
        return True

    def _drop_transaction(self, transaction_hash):
        with self._node.lock:
            return self._node.pool.drop(transaction_hash)

    def _drop_mempool(self):
        with self._node.lock:
            return self._node.pool.clear()

    def _reorganise(self, depth, options):
        unknown = options.keys() - {"drop", "include", "blocks"}
        if unknown:
            raise invalid_params(f"unknown option: {sorted(unknown)[0]}")
        length = parse_number(options["blocks"]) if "blocks" in options else None
        drop, include = (parse_bool(options.get(key, False)) for key in ("drop", "include"))
        removed, added = self._node.reorganise(depth, length, drop, include)
        return {
            "removed": [data(block.hash) for block in removed],
            "added": [data(block.hash) for block in added],
        }
