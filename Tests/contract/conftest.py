"""Fixtures of the contract tests: a fresh bridge, empty or with two members."""

import json
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "support"))

from bridge import OWNER, Bridge, Proof  # noqa: E402  (needs the path above)


@pytest.fixture(scope="session")
def proofs() -> list[Proof]:
    """The published proofs: of two KMS roots, an app of each."""
    document = json.loads((TESTS / "vectors" / "dstack-chains.json").read_text())
    return [Proof.from_document(entry["proof"]) for entry in document["proofs"]]


@pytest.fixture
def bridge() -> Bridge:
    """A bridge that allows no root and no code."""
    return Bridge.deploy()


@pytest.fixture
def ready(proofs) -> Bridge:
    """A bridge that allows the roots and codes of the published proofs."""
    bridge = Bridge.deploy(*(proof.kms_root for proof in proofs))
    for proof in proofs:
        assert bridge.send("addAllowedCode", proof.code_id, sender=OWNER).success
    return bridge


@pytest.fixture
def joined(ready, proofs) -> Bridge:
    """A bridge whose members are those of the published proofs."""
    for proof in proofs:
        assert ready.register(proof).success
    return ready
