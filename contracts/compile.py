#!/usr/bin/env python3
"""Compile TEEBridge.vy into the committed artefact TEEBridge.json.

The artefact spares deployers a compiler. It holds the ABI, the creation bytecode
and what made them, so `--check` can prove that it still belongs to the source.
Vyper's metadata footer, which hashes the source text, is left out: the bytecode
then changes only when the behaviour may.
"""

import argparse
import difflib
import json
import re
import sys
from pathlib import Path

try:
    import vyper
    from vyper.compiler.settings import OptimizationLevel, Settings
except ImportError:
    print("compile.py: error: the vyper package is missing\n"
          "compile.py: hint: pip install vyper==0.4.3", file=sys.stderr)
    sys.exit(2)

SOURCE = Path(__file__).with_name("TEEBridge.vy")
ARTEFACT = SOURCE.with_suffix(".json")
EVM_VERSION = "cancun"
OPTIMIZE = "gas"


def custom_errors(source: str) -> list[dict]:
    """ABI entries of the errors the source raises by selector, unknown to Vyper."""
    names = re.findall(r'raw_revert\(method_id\("(\w+)\(\)"\)\)', source)
    return [{"inputs": [], "name": name, "type": "error"} for name in sorted(set(names))]


def build(source: str) -> str:
    """The artefact's text: stable, so that equal sources give equal files."""
    settings = Settings(
        evm_version=EVM_VERSION, optimize=OptimizationLevel.from_string(OPTIMIZE)
    )
    output = vyper.compile_code(
        source,
        output_formats=["abi", "bytecode"],
        settings=settings,
        no_bytecode_metadata=True,
    )
    artefact = {
        "abi": output["abi"] + custom_errors(source),
        "bytecode": output["bytecode"],
        "compiler": {
            "name": "vyper",
            "version": vyper.__version__,
            "evm_version": EVM_VERSION,
            "optimize": OPTIMIZE,
            "bytecode_metadata": False,
        },
    }
    return json.dumps(artefact, indent=2) + "\n"


def check(expected: str) -> int:
    """Exit status of comparing the committed artefact with the expected one."""
    committed = ARTEFACT.read_text() if ARTEFACT.exists() else ""
    if committed == expected:
        return 0
    difference = difflib.unified_diff(
        committed.splitlines(), expected.splitlines(), "committed", "compiled", lineterm="", n=1
    )
    for line in difference:
        print(line[:120], file=sys.stderr)
    print(f"compile.py: error: {ARTEFACT.name} is not what {SOURCE.name} compiles to",
          file=sys.stderr)
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true",
        help="write nothing; exit 1 if the committed artefact differs",
    )
    options = parser.parse_args()
    artefact = build(SOURCE.read_text())
    if options.check:
        return check(artefact)
    ARTEFACT.write_text(artefact)
    return 0


if __name__ == "__main__":
    sys.exit(main())
