"""What the tests of deploy/ share: its files, and a command of theirs at work as a member of the bridge."""

import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

import ecies

from harness import BIN, ENVIRONMENT, ROOT, unhex
from proofs import PROOFS, VECTORS

DEPLOY = ROOT / "deploy"
MEMBER, SENDER = (proof["member_id"] for proof in PROOFS)
KEY = VECTORS["keys"]["derived"]
PATH = f"{BIN}:{DEPLOY}:{os.environ['PATH']}"


def post(chain, secret: bytes) -> Path:
    """Seal a secret for the member and post it; where on-secret puts it, below its directory."""
    index = len(chain.bridge.functions.getOnboarding(MEMBER).call())
    chain.onboard(SENDER, MEMBER, ecies.encrypt(unhex(PROOFS[0]["dstack_proof"]["derived_compressed_pubkey"]), secret))
    return Path("unsigned") / SENDER / str(index)


@contextmanager
def running(command: list[str], environment: dict[str, str], **options):
    """A command of deploy/ at work, ended with the `with` statement."""
    process = subprocess.Popen(command, env=ENVIRONMENT | {"PATH": PATH} | environment, stdin=subprocess.DEVNULL,
                               **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions, each with what stands behind its name."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile, flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]
