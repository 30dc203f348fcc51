"""eth_simulateV1: blocks that are made out of unsigned calls and thrown away.

Left out: traces of plain transfers, and filling gaps between block numbers.
"""

from dataclasses import dataclass

import rlp
from eth_utils import int_to_big_endian as compact

from .blocks import next_base_fee
from .builder import BlockBuilder
from .calls import (
    apply_state_overrides,
    check_call,
    execution_error,
    parse_block_overrides,
    parse_call,
    parse_state_overrides,
)
from .encoding import data, parse_bool, parse_list, parse_object, quantity
from .errors import RpcError, invalid_params
from .transactions import TYPE_DYNAMIC_FEE, Transaction
from .views import block_view, log_view

MAX_BLOCKS = 256
SECONDS_PER_BLOCK = 12
NONCE_TOO_LOW, NONCE_TOO_HIGH = -38010, -38011
NUMBERS_OUT_OF_ORDER, TIMES_OUT_OF_ORDER = -38020, -38021
VM_ERROR = -32015


@dataclass(frozen=True)
class BlockPlan:
    header_fields: dict
    state_overrides: dict
    calls: list


class Simulator:
    def __init__(self, node):
        self._node = node

    def run(self, value, ref):
        request = parse_object(value)
        validation, full = (parse_bool(request.get(key, False)) for key in ("validation", "returnFullTransactions"))
        if request.get("traceTransfers"):
            raise invalid_params("traceTransfers is not supported")
        plans = [_parse_plan(item) for item in parse_list(request.get("blockStateCalls"))]
        if not 0 < len(plans) <= MAX_BLOCKS:
            raise invalid_params("empty input" if not plans else "too many blocks")
        parent, results = self._node.existing_block(ref), []
        for plan in plans:
            parent, calls = self._run_block(plan, parent, validation)
            results.append({**block_view(parent, full), "calls": calls(parent)})
        return results

    def _run_block(self, plan, parent, validation):
        """The simulated block, and a function that shows its calls once its hash is known."""
        builder = self._open_block(plan, parent, validation)
        outcomes = []
        for call in plan.calls:
            transaction = self._prepare(call, builder, validation)
            outcomes.append(builder.add(transaction))
        return builder.finish(), lambda block: [_call_view(block, i, outcome) for i, outcome in enumerate(outcomes)]

    def _open_block(self, plan, parent, validation):
        fields = dict(plan.header_fields)
        if fields.pop("block_number", parent.number + 1) != parent.number + 1:
            raise RpcError(NUMBERS_OUT_OF_ORDER, "block numbers must be in order, without gaps")
        timestamp = fields.pop("timestamp", parent.header.timestamp + SECONDS_PER_BLOCK)
        if timestamp <= parent.header.timestamp:
            raise RpcError(TIMES_OUT_OF_ORDER, "block timestamps must be in order")
        base_fee = fields.pop("base_fee_per_gas", next_base_fee(parent.header) if validation else 0)
        gas_limit = fields.pop("gas_limit", parent.header.gas_limit)
        builder = BlockBuilder(parent, self._node.open_state, timestamp, gas_limit, base_fee, **fields)
        apply_state_overrides(builder.state, plan.state_overrides)
        return builder

    def _prepare(self, call, builder, validation):
        call = call.with_gas(builder.gas_left if call.gas is None else call.gas)
        if call.gas > builder.gas_left:
            raise RpcError(-38015, "block gas limit reached")
        nonce = builder.state.get_nonce(call.sender)
        if validation and call.nonce is not None and call.nonce != nonce:
            code, text = (NONCE_TOO_LOW, "low") if call.nonce < nonce else (NONCE_TOO_HIGH, "high")
            raise RpcError(code, f"nonce too {text}: next nonce {nonce}, tx nonce {call.nonce}")
        if validation and call.max_fee_per_gas < builder.header.base_fee_per_gas:
            raise RpcError(-38012, "max fee per gas less than block base fee")
        check_call(builder.state, call)
        return _unsigned_transaction(call, nonce, self._node.settings.chain_id)


def _parse_plan(value):
    plan = parse_object(value)
    return BlockPlan(
        parse_block_overrides(plan.get("blockOverrides") or {}),
        parse_state_overrides(plan.get("stateOverrides") or {}),
        [parse_call(call) for call in parse_list(plan.get("calls") or [])],
    )


def _unsigned_transaction(call, nonce, chain_id):
    """The call as a transaction with an empty signature, so that the block around it has a well-formed hash."""
    listed = [[address, [slot.to_bytes(32, "big") for slot in slots]] for address, slots in call.access_list]
    prices = [call.max_priority_fee_per_gas, call.max_fee_per_gas]
    head = [compact(number) for number in (chain_id, nonce, *prices, call.gas)]
    raw = b"\x02" + rlp.encode([*head, call.to, compact(call.value), call.data, listed, b"", b"", b""])
    return Transaction(
        raw, TYPE_DYNAMIC_FEE, chain_id, nonce, *prices, call.gas, call.to, call.value, call.data,
        call.access_list, 0, 0, 0, call.sender,
    )  # fmt: skip


def _call_view(block, index, outcome):
    first_log = sum(len(earlier.logs) for earlier in block.receipts[:index])
    view = {
        "status": "0x1" if outcome.succeeded else "0x0",
        "returnData": data(outcome.output),
        "gasUsed": quantity(outcome.gas_used),
        "logs": [log_view(log, block, index, first_log + offset) for offset, log in enumerate(outcome.logs)],
    }
    if not outcome.succeeded:
        error = execution_error(outcome)
        view["error"] = {**error.as_json(), "code": error.code if outcome.reverted else VM_ERROR}
    return view
