#!/usr/bin/env python3
"""Writes the table of providers as docs/testing.md has it: what each habit costs in each use, in requests of HTTP.

Run it on programs that were built: TEEBRIDGE_BIN=… providers_table.py > table.md
"""

import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(TESTS / "support"), str(TESTS / "contract")]

import harness  # noqa: E402  (the modules below need the path above)
import services  # noqa: E402
from harness import DONE  # noqa: E402
from provider import EVERYWHERE, FAILURES, HABITS, Provider  # noqa: E402
from provider_uses import Uses  # noqa: E402


def cell(uses: Uses, name: str, use: str) -> str:
    outcome = uses.outcome(name, use)
    status = outcome.answer.status
    if status != DONE:
        return "in vain" if use == "agent" else f"exit {status}"
    try:
        uses.check(use, outcome)
    except AssertionError:
        return "wrong"
    return str(len(outcome.sizes))


def row(*cells: str) -> None:
    print("|", " | ".join(cells), "|", flush=True)


def write(uses: Uses) -> None:
    row("habit", "known of", *EVERYWHERE)
    row(*["---"] * (2 + len(EVERYWHERE)))
    for name, habit in HABITS.items():
        if name not in FAILURES:
            row(name, habit.provider, *(cell(uses, name, use) for use in EVERYWHERE))
    print()
    row("answer", "known of", "what a program says")
    row(*["---"] * 3)
    for name in FAILURES:
        answer = uses.outcome(name, "seal", "--retry-for", "0").answer
        lines = [text.replace(uses.provider.url, "URL").replace("|", "\\|")
                 for kind in ("error", "hint") for text in answer.messages(kind)]
        row(name, HABITS[name].provider, "<br>".join(lines))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="teebridge-") as name:
        directory = Path(name)
        harness.ENVIRONMENT["XDG_RUNTIME_DIR"] = name
        with services.running_agent(directory / "agent.sock", "--preset", "cross-sdk") as agent:
            with services.dev_chain("--send-sync") as node:
                chain = services.bridge_chain(node)
                with Provider(chain.url) as provider:
                    write(Uses(chain, provider, agent, directory))


if __name__ == "__main__":
    main()
