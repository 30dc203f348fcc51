"""Signed transactions of types 0 (with EIP-155), 1 and 2: decoding, sender, gas floor.

py-evm has transaction classes too, but they recover the sender at each use and say little about what is wrong.
`Transaction` offers the attributes that py-evm's executor asks for.
"""

from dataclasses import dataclass
from functools import cached_property

import rlp
from eth_keys import keys
from eth_keys.exceptions import BadSignature
from eth_utils import ValidationError, keccak
from eth_utils import int_to_big_endian as compact

from .errors import server_error

SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
MAX_TRANSACTION_BYTES = 128 * 1024
MAX_INITCODE_BYTES = 49_152
MAX_NONCE = 2**64 - 2
TYPE_LEGACY, TYPE_ACCESS_LIST, TYPE_DYNAMIC_FEE = 0, 1, 2
FIELD_COUNTS = {TYPE_ACCESS_LIST: 11, TYPE_DYNAMIC_FEE: 12}
GAS_TRANSACTION, GAS_CREATE = 21_000, 32_000
GAS_ZERO_BYTE, GAS_BYTE, GAS_INITCODE_WORD, GAS_FLOOR_PER_TOKEN = 4, 16, 2, 10
GAS_LISTED_ADDRESS, GAS_LISTED_SLOT = 2_400, 1_900


class GasSchedule:
    """Gas that is due before the first instruction, for anything with `to`, `data` and `access_list`."""

    @cached_property
    def intrinsic_gas(self):
        """As py-evm means it: without the words of the init code, which it charges while it executes."""
        zeros = self.data.count(0)
        gas = GAS_TRANSACTION + GAS_ZERO_BYTE * zeros + GAS_BYTE * (len(self.data) - zeros)
        if not self.to:
            gas += GAS_CREATE
        for _, slots in self.access_list:
            gas += GAS_LISTED_ADDRESS + GAS_LISTED_SLOT * len(slots)
        return gas

    @property
    def required_gas(self):
        """The intrinsic gas of the yellow paper (EIP-3860 included)."""
        words = 0 if self.to else -(-len(self.data) // 32)
        return self.intrinsic_gas + GAS_INITCODE_WORD * words

    @property
    def floor_gas(self):
        """The least that a transaction with this data pays (EIP-7623)."""
        zeros = self.data.count(0)
        return GAS_TRANSACTION + GAS_FLOOR_PER_TOKEN * (zeros + 4 * (len(self.data) - zeros))


@dataclass(frozen=True, repr=False, eq=False)
class Transaction(GasSchedule):
    raw: bytes
    type_id: int
    chain_id: int | None
    nonce: int
    max_priority_fee_per_gas: int
    max_fee_per_gas: int
    gas: int
    to: bytes
    value: int
    data: bytes
    access_list: tuple
    v: int
    r: int
    s: int
    sender: bytes

    @cached_property
    def hash(self):
        return keccak(self.raw)

    @property
    def cost(self):
        """The most that the sender can lose by it."""
        return self.gas * self.max_fee_per_gas + self.value

    def price_at(self, base_fee):
        return min(self.max_fee_per_gas, base_fee + self.max_priority_fee_per_gas)

    def tip_at(self, base_fee):
        return self.price_at(base_fee) - base_fee


def decode_transaction(raw, chain_id):
    """The transaction in `raw`, its signature checked for this chain; an RpcError says what is wrong."""
    if len(raw) > MAX_TRANSACTION_BYTES:
        raise server_error(f"oversized data: transaction size {len(raw)}, limit {MAX_TRANSACTION_BYTES}")
    if not raw:
        raise server_error("typed transaction too short")
    if raw[0] >= 0xC0:
        return _decode_legacy(raw, chain_id)
    if raw[0] not in FIELD_COUNTS:
        raise server_error("transaction type not supported")
    return _decode_typed(raw, chain_id)


def _decode_legacy(raw, chain_id):
    fields = _decode_fields(raw, 9)
    nonce, price, gas = _integers(fields[:3])
    to, value, data = fields[3], *_integers(fields[4:5]), fields[5]
    v, r, s = _integers(fields[6:9])
    if v in (27, 28):
        raise server_error("only replay-protected (EIP-155) transactions allowed over RPC")
    signed_for, parity = divmod(v - 35, 2)
    _check_chain(signed_for, chain_id)
    digest = keccak(rlp.encode([*fields[:6], compact(chain_id), b"", b""]))
    sender = _recover(digest, parity, r, s)
    return _checked(
        Transaction(raw, TYPE_LEGACY, chain_id, nonce, price, price, gas, to, value, data, (), v, r, s, sender)
    )


def _decode_typed(raw, chain_id):
    type_id = raw[0]
    fields = _decode_fields(raw[1:], FIELD_COUNTS[type_id])
    unsigned, signature = fields[:-3], _integers(fields[-3:])
    to, value, data, listed = unsigned[-4], *_integers(unsigned[-3:-2]), unsigned[-2], unsigned[-1]
    signed_for, nonce, *prices, gas = _integers(unsigned[:-4])
    tip, cap = prices if type_id == TYPE_DYNAMIC_FEE else (prices[0], prices[0])
    _check_chain(signed_for, chain_id)
    sender = _recover(keccak(bytes([type_id]) + rlp.encode(unsigned)), *signature)
    listed = _access_list(listed)
    return _checked(
        Transaction(raw, type_id, chain_id, nonce, tip, cap, gas, to, value, data, listed, *signature, sender)
    )


def _decode_fields(encoded, count):
    try:
        fields = rlp.decode(encoded)
    except rlp.exceptions.RLPException as error:
        raise server_error(f"rlp: {error}") from error
    if not isinstance(fields, list) or len(fields) != count:
        raise server_error(f"rlp: expected a list of {count} items")
    return fields


def _integers(items):
    for item in items:
        if not isinstance(item, bytes) or len(item) > 32 or item[:1] == b"\0":
            raise server_error("rlp: non-canonical integer in transaction")
    return [int.from_bytes(item, "big") for item in items]


def _access_list(listed):
    try:
        entries = tuple((address, tuple(slots)) for address, slots in listed)
    except (TypeError, ValueError) as error:
        raise server_error("rlp: malformed access list") from error
    for address, slots in entries:
        sizes = [(address, 20), *((slot, 32) for slot in slots)]
        if not all(isinstance(item, bytes) and len(item) == size for item, size in sizes):
            raise server_error("rlp: malformed access list")
    return tuple((address, tuple(int.from_bytes(slot, "big") for slot in slots)) for address, slots in entries)


def _check_chain(signed_for, chain_id):
    if signed_for != chain_id:
        raise server_error(f"invalid sender: invalid chain id for signer: have {signed_for} want {chain_id}")


def _recover(digest, parity, r, s):
    if parity not in (0, 1) or not 0 < r < SECP256K1_N or not 0 < s <= SECP256K1_N // 2:
        raise server_error("invalid sender: invalid transaction v, r, s values")
    try:
        key = keys.Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError) as error:
        raise server_error("invalid sender: recovery failed") from error
    return key.to_canonical_address()


def _checked(transaction):
    """What can be said without a state, in the order in which geth says it."""
    texts = (transaction.to, transaction.data)
    if not all(isinstance(text, bytes) for text in texts) or len(transaction.to) not in (0, 20):
        raise server_error("rlp: malformed transaction")
    if not transaction.to and len(transaction.data) > MAX_INITCODE_BYTES:
        raise server_error(
            f"max initcode size exceeded: code size {len(transaction.data)}, limit {MAX_INITCODE_BYTES}"
        )
    if transaction.max_fee_per_gas < transaction.max_priority_fee_per_gas:
        raise server_error(
            "max priority fee per gas higher than max fee per gas: "
            f"maxPriorityFeePerGas: {transaction.max_priority_fee_per_gas}, maxFeePerGas: {transaction.max_fee_per_gas}"
        )
    if transaction.nonce > MAX_NONCE:
        raise server_error("nonce has max value")
    if transaction.gas < transaction.required_gas:
        raise server_error(
            f"intrinsic gas too low: gas {transaction.gas}, minimum needed {transaction.required_gas}"
        )
    if transaction.gas < transaction.floor_gas:
        raise server_error(
            f"insufficient gas for floor data gas cost: gas {transaction.gas}, minimum needed {transaction.floor_gas}"
        )
    return transaction
