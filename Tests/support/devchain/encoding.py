"""The hexadecimal forms of Ethereum JSON-RPC, read as strictly as geth reads them."""

import re
from dataclasses import dataclass

from eth_utils import to_checksum_address

from .errors import invalid_params

QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})\Z")
DATA = re.compile(r"0x([0-9a-fA-F]{2})*\Z")
TAGS = ("latest", "pending", "earliest", "safe", "finalized")


@dataclass(frozen=True)
class BlockRef:
    """A block as a client names it: by tag, by number or by hash (EIP-1898)."""

    tag: str | None = None
    number: int | None = None
    hash: bytes | None = None
    require_canonical: bool = False


LATEST = BlockRef(tag="latest")


def quantity(value):
    return hex(value)


def data(value):
    return "0x" + value.hex()


def word(value):
    return "0x" + value.to_bytes(32, "big").hex()


def checksummed(address):
    return to_checksum_address(address) if address else None


def lower_address(address):
    """Addresses in results are lower case, as geth writes them."""
    return data(address)


def parse_quantity(value):
    if not isinstance(value, str) or not QUANTITY.match(value):
        raise invalid_params(f"not a hex quantity: {value!r}")
    return int(value, 16)


def parse_number(value):
    """A count: a hex quantity, or a plain JSON number (development methods and fee histories)."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return parse_quantity(value)


def parse_seconds(value):
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    return float(parse_quantity(value))


def parse_data(value):
    if not isinstance(value, str) or not DATA.match(value):
        raise invalid_params(f"not hex data: {_shown(value)}")
    return bytes.fromhex(value[2:])


def parse_address(value):
    return _fixed(value, 20, "an address")


def parse_hash(value):
    return _fixed(value, 32, "a 32-byte hash")


def parse_slot(value):
    """A storage slot: a 32-byte word or any shorter hex number, as geth takes both."""
    if not isinstance(value, str) or not re.match(r"0x[0-9a-fA-F]{0,64}\Z", value):
        raise invalid_params(f"not a storage slot: {_shown(value)}")
    return int(value[2:] or "0", 16)


def parse_bool(value):
    if not isinstance(value, bool):
        raise invalid_params(f"not a boolean: {_shown(value)}")
    return value


def parse_object(value):
    if not isinstance(value, dict):
        raise invalid_params(f"not an object: {_shown(value)}")
    return value


def parse_list(value):
    if not isinstance(value, list):
        raise invalid_params(f"not an array: {_shown(value)}")
    return value


def parse_block(value):
    if isinstance(value, dict):
        return _parse_block_object(value)
    if value in TAGS:
        return BlockRef(tag=value)
    if isinstance(value, str) and len(value) == 66:
        return BlockRef(hash=parse_hash(value))
    return BlockRef(number=parse_quantity(value))


def parse_block_number(value):
    """A tag or a number; methods that are defined by number take no hash."""
    if value in TAGS:
        return BlockRef(tag=value)
    return BlockRef(number=parse_quantity(value))


def _parse_block_object(value):
    if ("blockHash" in value) == ("blockNumber" in value):
        raise invalid_params("a block object has either blockHash or blockNumber")
    if "blockNumber" in value:
        return parse_block_number(value["blockNumber"])
    required = parse_bool(value.get("requireCanonical", False))
    return BlockRef(hash=parse_hash(value["blockHash"]), require_canonical=required)


def _fixed(value, length, name):
    if not isinstance(value, str) or not DATA.match(value) or len(value) != 2 + 2 * length:
        raise invalid_params(f"not {name}: {_shown(value)}")
    return bytes.fromhex(value[2:])


def _shown(value):
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
