"""Messages that are only tried: eth_call, with overrides of the state and of the block (as geth has them)."""

from dataclasses import dataclass

from eth_abi import decode
from eth_abi.exceptions import DecodingError

from .encoding import checksummed, data, parse_address, parse_data, parse_hash, parse_list, parse_object, parse_quantity
from .errors import EXECUTION_REVERTED, RpcError, invalid_params, server_error
from .evm import execute
from .transactions import MAX_INITCODE_BYTES, TYPE_DYNAMIC_FEE, GasSchedule

ERROR_SELECTOR = bytes.fromhex("08c379a0")
PANIC_SELECTOR = bytes.fromhex("4e487b71")
PANICS = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}
BLOCK_OVERRIDES = {
    "number": ("block_number", parse_quantity),
    "time": ("timestamp", parse_quantity),
    "gasLimit": ("gas_limit", parse_quantity),
    "feeRecipient": ("coinbase", parse_address),
    "coinbase": ("coinbase", parse_address),
    "prevRandao": ("mix_hash", parse_hash),
    "random": ("mix_hash", parse_hash),
    "baseFeePerGas": ("base_fee_per_gas", parse_quantity),
    "baseFee": ("base_fee_per_gas", parse_quantity),
}


@dataclass(frozen=True, repr=False, eq=False)
class Call(GasSchedule):
    """An unsigned message. `gas` None means as much as the node allows; `price` None means free of charge."""

    sender: bytes
    to: bytes
    value: int
    data: bytes
    gas: int | None
    price: int | None
    max_priority_fee_per_gas: int
    access_list: tuple
    nonce: int | None = None

    type_id = TYPE_DYNAMIC_FEE

    @property
    def max_fee_per_gas(self):
        return self.price or 0

    def with_gas(self, gas):
        return Call(
            self.sender, self.to, self.value, self.data, gas, self.price,
            self.max_priority_fee_per_gas, self.access_list, self.nonce,
        )  # fmt: skip


def parse_call(value):
    request = {key: item for key, item in parse_object(value).items() if item is not None}

    def read(key, parser, default):
        return parser(request[key]) if key in request else default

    if "gasPrice" in request and ("maxFeePerGas" in request or "maxPriorityFeePerGas" in request):
        raise invalid_params("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    payload, old_payload = (read(key, parse_data, None) for key in ("input", "data"))
    if payload is not None and old_payload is not None and payload != old_payload:
        raise invalid_params('both "data" and "input" are set and not equal')
    price = read("gasPrice", parse_quantity, None)
    tip = read("maxPriorityFeePerGas", parse_quantity, price or 0)
    price = read("maxFeePerGas", parse_quantity, price)
    if price is not None and tip > price:
        raise server_error(f"max priority fee per gas higher than max fee per gas: {tip} > {price}")
    return Call(
        sender=read("from", parse_address, bytes(20)),
        to=read("to", parse_address, b""),
        value=read("value", parse_quantity, 0),
        data=payload if payload is not None else old_payload or b"",
        gas=read("gas", parse_quantity, None),
        price=price or None,
        max_priority_fee_per_gas=tip if price else 0,
        access_list=read("accessList", _parse_access_list, ()),
        nonce=read("nonce", parse_quantity, None),
    )


def _parse_access_list(value):
    entries = (parse_object(entry) for entry in parse_list(value))
    return tuple(
        (
            parse_address(entry.get("address")),
            tuple(int.from_bytes(parse_hash(key), "big") for key in parse_list(entry.get("storageKeys", []))),
        )
        for entry in entries
    )


def parse_state_overrides(value):
    """Checked overrides: address to (balance, nonce, code, replaced storage, changed storage), None where absent."""
    parsed = {}
    for address, fields in parse_object(value).items():
        fields = {key: item for key, item in parse_object(fields).items() if item is not None}
        unknown = fields.keys() - {"balance", "nonce", "code", "state", "stateDiff"}
        if unknown:
            raise invalid_params(f"unsupported state override: {sorted(unknown)[0]}")
        if "state" in fields and "stateDiff" in fields:
            raise server_error(f"account {address} has both 'state' and 'stateDiff'")
        parsed[parse_address(address)] = (
            *(parse_quantity(fields[key]) if key in fields else None for key in ("balance", "nonce")),
            parse_data(fields["code"]) if "code" in fields else None,
            *(_parse_storage(fields[key]) if key in fields else None for key in ("state", "stateDiff")),
        )
    return parsed


def _parse_storage(value):
    return {
        int.from_bytes(parse_hash(slot), "big"): int.from_bytes(parse_hash(word), "big")
        for slot, word in parse_object(value).items()
    }


def apply_state_overrides(state, overrides):
    for address, (balance, nonce, code, storage, changes) in overrides.items():
        if balance is not None:
            state.set_balance(address, balance)
        if nonce is not None:
            state.set_nonce(address, nonce)
        if code is not None:
            state.set_code(address, code)
        if storage is not None:
            state.delete_storage(address)
        for slot, word in (storage or changes or {}).items():
            state.set_storage(address, slot, word)
    state.lock_changes()


def parse_block_overrides(value):
    changes = {}
    for key, item in parse_object(value).items():
        if key in BLOCK_OVERRIDES and item is not None:
            field, parser = BLOCK_OVERRIDES[key]
            changes[field] = parser(item)
    return changes


class Caller:
    """Tries messages on the states of a node."""

    def __init__(self, node):
        self._node = node

    def open_state(self, call, block, state_overrides, block_overrides):
        """A scratch state for this call. A call that names no price sees a base fee of zero, as in geth."""
        header = block.header.copy(**block_overrides)
        base_fee = header.base_fee_per_gas if call.price else 0
        state = self._node.state_of(block, base_fee, header)
        apply_state_overrides(state, state_overrides)
        return state

    def capped(self, call):
        """The call with a definite gas limit within the cap of this node."""
        cap = self._node.settings.call_gas_cap
        return call.with_gas(min(call.gas, cap) if call.gas is not None else cap)

    def run(self, call, ref, state_overrides, block_overrides):
        """The return data of eth_call; a failure of the message is an RpcError."""
        block = self._node.existing_block(ref)
        state = self.open_state(call, block, state_overrides, block_overrides)
        call = self.capped(call)
        check_call(state, call, "err: {} (supplied gas %d)" % call.gas)
        outcome = execute(state, call)
        if not outcome.succeeded:
            raise execution_error(outcome)
        return data(outcome.output)


def check_call(state, call, wrapper="{}"):
    """Refuse what the protocol would refuse before the first instruction; `wrapper` frames the message."""
    base_fee = state.base_fee
    address = checksummed(call.sender)
    needed, have = call.gas * call.max_fee_per_gas + call.value, state.get_balance(call.sender)
    if call.price and call.max_fee_per_gas < base_fee:
        problem = (
            f"max fee per gas less than block base fee: address {address}, "
            f"maxFeePerGas: {call.max_fee_per_gas}, baseFee: {base_fee}"
        )
    elif needed > have:
        problem = f"insufficient funds for gas * price + value: address {address} have {have} want {needed}"
    elif call.gas < call.required_gas:
        problem = f"intrinsic gas too low: have {call.gas}, want {call.required_gas}"
    elif call.gas < call.floor_gas:
        problem = f"insufficient gas for floor data gas cost: have {call.gas}, want {call.floor_gas}"
    elif not call.to and len(call.data) > MAX_INITCODE_BYTES:
        problem = f"max initcode size exceeded: code size {len(call.data)} limit {MAX_INITCODE_BYTES}"
    else:
        return
    raise server_error(wrapper.format(problem))


def execution_error(outcome):
    """The RpcError for a message that failed while it was executed."""
    if not outcome.reverted:
        return server_error(outcome.error_text)
    reason = revert_reason(outcome.output)
    message = outcome.error_text + (f": {reason}" if reason is not None else "")
    return RpcError(EXECUTION_REVERTED, message, data(outcome.output))


def revert_reason(output):
    """The text of Error(string) or the meaning of Panic(uint256), None for anything else."""
    selector, arguments = output[:4], output[4:]
    try:
        if selector == ERROR_SELECTOR:
            return decode(["string"], arguments)[0]
        if selector == PANIC_SELECTOR:
            code = decode(["uint256"], arguments)[0]
            return PANICS.get(code, f"unknown panic code: {code:#x}")
    except (DecodingError, UnicodeDecodeError):
        pass
    return None
