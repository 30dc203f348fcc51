"""Comparisons on the development chain of the tests: what a pipeline asks of a node, and how long it takes beside it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache

from measure import BUILT, ENVIRONMENT, PROGRAMS, REFERENCE, ROOT, Cost, Row

os.environ["TEEBRIDGE_BIN"] = str(PROGRAMS)
sys.path[1:1] = [str(ROOT / "Tests" / name) for name in ("programs", "support", "contract")]

import ecies  # noqa: E402  (needs the path above)
from eth_abi import encode  # noqa: E402
from harness import running  # noqa: E402
from proofs import PROOFS, VECTORS  # noqa: E402
from services import running_chain  # noqa: E402
from stored_bridge import StoredBridge  # noqa: E402

MESSAGES = 10_000


class Registration:
    """Registers a proof on a bridge of its own that allows nothing yet: three transactions."""

    def __init__(self, words: list, shell_line: str | None = None):
        self._words = words
        self._line = shell_line
        self.requests = 0

    def __call__(self) -> Cost:
        """The wall time outside the node."""
        with running_chain() as chain:
            chain.deploy()
            proof = BUILT / "member.json"
            proof.write_text(json.dumps(PROOFS[0]))
            places = {"url": chain.url, "bridge": chain.bridge.address, "proof": proof}
            environment = ENVIRONMENT | chain.env | {
                "PRIVATE_KEY": chain.owner.key.hex(), "KMS_ROOTS": PROOFS[0]["kms_root"]}
            chain.rpc("dev_resetStats")
            start = time.monotonic()
            subprocess.run([str(word).format(**places) for word in self._words], check=True, env=environment,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wall = time.monotonic() - start
            stats = chain.rpc("dev_stats")
            assert chain.bridge.functions.isMember(PROOFS[0]["member_id"]).call()
        self.requests = stats["httpRequests"]
        return Cost(wall - stats["seconds"])

    def count(self) -> Cost:
        """The requests of the last run, as if they were seconds: a ratio is a ratio."""
        return Cost(self.requests)


@cache
def idle_look() -> tuple[int, int]:
    """The requests of a poll of an inbox with nothing new in it, and the bytes of their answers."""
    with running_chain() as chain:
        bridge = StoredBridge(chain, 1)
        for proof in PROOFS:
            bridge.register(proof)
        recipient, sender = (proof["member_id"] for proof in PROOFS)
        public = PROOFS[0]["dstack_proof"]["derived_compressed_pubkey"]
        bridge.post(sender, recipient, *[b""] * (MESSAGES - 1), ecies.encrypt(public, b"last"))
        environment = bridge.env | {"PRIVATE_KEY": VECTORS["keys"]["derived"]}
        with running("inbox-watch", "--interval", "0.1", env=environment, stderr=subprocess.DEVNULL) as process:
            process.stdout.readline()
            time.sleep(1)
            chain.rpc("dev_resetStats")
            time.sleep(2)
            stats = chain.rpc("dev_stats")
    looks = stats["calls"]["eth_blockNumber"]
    return stats["httpRequests"] // looks, stats["responseBytes"] // looks


def all_messages() -> int:
    """The bytes of getOnboarding's answer with these messages, as hex in JSON."""
    messages = [(b"\1" * 32, b"")] * (MESSAGES - 1) + [(b"\1" * 32, bytes(101))]
    return 2 * len(encode(["(bytes32,bytes)[]"], [messages])) + len('{"jsonrpc":"2.0","id":1,"result":"0x"}')


def chain_rows() -> Iterator[Row]:
    ours = Registration(["sh", "-c", "abi-encode register --allow '{proof}' | tx-send"])
    theirs = Registration([sys.executable, "-B", REFERENCE / "web3_register.py", "{url}", "{bridge}", "{proof}"])
    yield Row("`abi-encode register --allow | tx-send`, outside the node", "a script with web3.py", 0.1, ours, theirs, 5)
    yield Row("its HTTP requests", "the script's", 0.25, ours.count, theirs.count, 1)
    yield Row(f"`inbox-watch`, a poll of {MESSAGES} messages, none of them new: requests", "one request", 1.0,
              lambda: Cost(idle_look()[0]), lambda: Cost(1), 1)
    yield Row("the bytes of their answers", "getOnboarding's answer", 1000 / all_messages(),
              lambda: Cost(idle_look()[1]), lambda: Cost(all_messages()), 1)
