"""Random types of the contract ABI, and random ways to write their values on a command line."""

import json

from eth_abi.grammar import parse
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
