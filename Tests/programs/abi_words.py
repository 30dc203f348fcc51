"""Random types of the contract ABI, and random ways to write their values on a command line."""

import json

from eth_abi.grammar import parse
from eth_utils import to_checksum_address
from hypothesis import strategies as st

SIZES = range(8, 257, 8)
ELEMENTARY = st.one_of(
    st.sampled_from(["address", "bool", "bytes", "string", "function"]),
    st.sampled_from([f"{kind}{size}" for kind in ("uint", "int") for size in SIZES]),
    st.sampled_from([f"bytes{size}" for size in range(1, 33)]),
)


def abi_types() -> st.SearchStrategy[str]:
    """Types in canonical text, with arrays and tuples inside each other."""
    return st.recursive(ELEMENTARY, lambda inner: st.one_of(
        inner.map("{}[]".format),
        st.builds("{}[{}]".format, inner, st.integers(1, 3)),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({','.join(parts)})"),
    ), max_leaves=5)


@st.composite
def written(draw, type_text: str, value) -> str:
    """One of the ways to write a value of this type as an argument."""
    kind = parse(type_text)
    if kind.is_array or hasattr(kind, "components"):
        return draw(_inside(kind, value))
    if kind.base == "string":
        # No argument can hold a NUL; the value is drawn before, so it has to go without.
        return value if "\0" not in value else draw(st.nothing())
    return draw(_word(kind, value))


@st.composite
def _inside(draw, kind, value) -> str:
    """The same inside brackets, where strings stand in quotes and white space may stand around everything."""
    if kind.is_array:
        words = "[" + ",".join(draw(_inside(kind.item_type, each)) for each in value) + "]"
    elif hasattr(kind, "components"):
        words = "(" + ",".join(draw(_inside(part, each)) for part, each in zip(kind.components, value)) + ")"
    elif kind.base == "string":
        words = json.dumps(value, ensure_ascii=draw(st.booleans()))
    else:
        words = draw(_word(kind, value))
        words = draw(st.sampled_from([words, f'"{words}"']))
    space = st.sampled_from(["", "", "", " ", "\n\t"])
    return draw(space) + words + draw(space)


@st.composite
def _word(draw, kind, value) -> str:
    if kind.base in ("uint", "int"):
        return draw(st.sampled_from([str(value), ("-" if value < 0 else "") + hex(abs(value))]))
    if kind.base == "bool":
        return "true" if value else "false"
    if kind.base == "address":
        return draw(st.sampled_from([value, value.lower()]))
    digits = value.hex()
    return "0x" + draw(st.sampled_from([digits, digits.upper()]))


def shown(type_text: str, value):
    """A value as the programs print it in JSON: unsigned integers in hex, signed ones in decimal."""
    return _shown(parse(type_text), value)


def _shown(kind, value):
    if kind.is_array:
        return [_shown(kind.item_type, each) for each in value]
    if hasattr(kind, "components"):
        # Components without names; of an empty tuple all have one.
        return [_shown(part, each) for part, each in zip(kind.components, value)] or {}
    match kind.base:
        case "uint":
            return hex(value)
        case "int":
            return str(value)
        case "address":
            return to_checksum_address(value)
        case "bool" | "string":
            return value
        case _:
            return "0x" + value.hex()


def read(type_text: str, document):
    """The value that a program printed."""
    return _read(parse(type_text), document)


def _read(kind, document):
    if kind.is_array:
        return [_read(kind.item_type, each) for each in document]
    if hasattr(kind, "components"):
        return tuple(_read(part, each) for part, each in zip(kind.components, document))
    match kind.base:
        case "uint" | "int":
            return int(document, 0)
        case "address" | "bool" | "string":
            return document
        case _:
            return bytes.fromhex(document.removeprefix("0x"))


def entry(kind: str, name: str, inputs: list[str], outputs: list[str] = (), names: str = "abcdefgh", **rest) -> dict:
    """A function, event or error in the JSON of an interface; the parameters are called a, b, c and so on."""
    return {"type": kind, "name": name, "inputs": _parameters(inputs, names), "stateMutability": "view",
            "outputs": _parameters(outputs, names)} | rest


def _parameters(types: list[str], names: str) -> list[dict]:
    return [_parameter(text, name) for text, name in zip(types, names, strict=False)]


def _parameter(text: str, name: str) -> dict:
    kind = parse(text)
    if not hasattr(kind, "components"):
        inner = kind
        while inner.is_array and not hasattr(inner, "components"):
            inner = inner.item_type
        if not hasattr(inner, "components"):
            return {"name": name, "type": text}
        kind = inner
    suffix = text[text.rindex(")") + 1:]
    return {"name": name, "type": f"tuple{suffix}",
            "components": [_parameter(part.to_type_str(), "") for part in kind.components]}
