"""eth_estimateGas: the least gas limit with which the message succeeds, by bisection (within 1.5 %, as in geth)."""

from eth.exceptions import OutOfGas

from .calls import check_call, execution_error
from .errors import server_error
from .evm import execute
from .transactions import GAS_TRANSACTION

ERROR_RATIO = 0.015
CALL_STIPEND = 2_300


class Estimator:
    def __init__(self, node, caller):
        self._node = node
        self._caller = caller

    def run(self, call, ref, state_overrides, block_overrides):
        block = self._node.existing_block(ref)

        def open_state():
            return self._caller.open_state(call, block, state_overrides, block_overrides)

        ceiling = self._ceiling(call, block, open_state())
        if ceiling < max(call.required_gas, call.floor_gas):
            raise allowance_exceeded(ceiling)
        if is_plain_transfer(call, open_state()) and _try(call, GAS_TRANSACTION, open_state()).succeeded:
            return GAS_TRANSACTION
        outcome = self._try_at_ceiling(call, ceiling, open_state())
        return _bisect(call, outcome, ceiling, open_state)

    def _ceiling(self, call, block, state):
        """The most gas that may be tried: asked for, allowed by block and node, and affordable."""
        ceiling = call.gas if call.gas and call.gas >= GAS_TRANSACTION else block.header.gas_limit
        available = state.get_balance(call.sender) - call.value
        if available < 0:
            raise server_error("insufficient funds for transfer")
        if call.price:
            ceiling = min(ceiling, available // call.price)
        return min(ceiling, self._node.settings.call_gas_cap)

    @staticmethod
    def _try_at_ceiling(call, ceiling, state):
        check_call(state, call.with_gas(ceiling), "failed with %d gas: {}" % ceiling)
        outcome = _try(call, ceiling, state)
        if outcome.succeeded:
            return outcome
        if isinstance(outcome.error, OutOfGas):
            raise allowance_exceeded(ceiling)
        raise execution_error(outcome)


def allowance_exceeded(ceiling):
    return server_error(f"gas required exceeds allowance ({ceiling})")


def is_plain_transfer(call, state):
    return bool(call.to) and not call.data and not call.access_list and not state.get_code(call.to)


def _try(call, gas, state):
    return execute(state, call.with_gas(gas))


def _bisect(call, outcome, high, open_state):
    least = max(call.required_gas, call.floor_gas)
    low = max(outcome.gas_used, least) - 1
    guess = (outcome.gas_spent + CALL_STIPEND) * 64 // 63
    if low < guess < high:
        low, high = (low, guess) if _try(call, guess, open_state()).succeeded else (guess, high)
    while low + 1 < high and (high - low) / high >= ERROR_RATIO:
        middle = min((low + high) // 2, low * 2)
        low, high = (low, middle) if _try(call, middle, open_state()).succeeded else (middle, high)
    return high
