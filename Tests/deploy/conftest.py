"""Where the tests of deploy/ find the programs; a chain and a guest agent that stand in for real ones."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(TESTS / each) for each in ("programs", "support", "contract")]

import pytest  # noqa: E402  (the modules below need the path above)

import services  # noqa: E402


@pytest.fixture(scope="session")
def chain():
    """A chain with a bridge that the published proofs are members of."""
    with services.dev_chain() as node:
        yield services.bridge_chain(node)


@pytest.fixture(scope="session")
def agent(tmp_path_factory):
    """The guest agent of the first published proof's CVM."""
    with services.running_agent(tmp_path_factory.mktemp("agent") / "socket", "--preset", "cross-sdk") as agent:
        yield agent
