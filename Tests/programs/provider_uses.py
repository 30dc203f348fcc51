"""The uses of the programs that `provider.EVERYWHERE` names, with a provider between program and chain."""

import functools
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_utils import keccak
from guestagent.chain import make_proof
from hexbytes import HexBytes

from harness import DONE, Result, hexed, json_lines, run
from inboxes import A, B, KEY, fill
from provider import HABITS, Preconfirming, Provider
from services import Agent, Chain
from test_bridge_agent import bridge_agent

# A new member, whose KMS root and code the bridge does not allow yet.
NEW = make_proof(bytes(31) + b"\1", bytes(19) + b"\5")
# Ends a program early that cannot succeed.
PATIENCE = ("--retry-for", "8")
SECONDS = 6
# The age in seconds from which the chain gets a new block.
YOUNG = 20

SENDING = ("register", "journal", "wait", "onboard", "answer")


@dataclass
class Outcome:
    answer: Result
    # The number of calls in each HTTP request.
    sizes: list[int]
    # The transactions that the provider received, and those of the owner in new blocks.
    raws: list[str]
    mined: list[dict]

    def check_sent(self, requests: list[dict]) -> None:
        """Assert that each request has exactly one transaction, named in its record."""
        assert [record["status"] for record in self.answer.documents] == ["success"] * len(requests), self.answer
        wanted = [(request["to"].lower(), request["data"]) for request in requests]
        assert [(each["to"].lower(), each["input"]) for each in self.mined] == wanted, "not each transaction once"
        assert [record["transactionHash"] for record in self.answer.documents] == [each["hash"] for each in self.mined]
        assert {hexed(keccak(HexBytes(raw))) for raw in self.raws} <= {each["hash"] for each in self.mined}


class Uses:
    """Runs the programs on a chain with two members; the inbox of the first holds one message."""

    def __init__(self, chain: Chain, provider: Provider, agent: Agent, directory: Path):
        self.chain, self.provider, self.agent, self._directory = chain, provider, agent, directory
        fill(chain, "a message")
        self._state = directory / "state"
        self._run("inbox-watch", "--once", "--state", self._state, key=KEY).check_done()
        self._read = self._state.read_bytes()
        self.registration = self._run("abi-encode", "register", "--allow", stdin=NEW).check_done().documents
        self.message, self.answer = (self._onboarding(sender) for sender in (B, NEW["member_id"]))
        self._question = self._run("abi-encode", "call", "--to", chain.bridge.address, "owner()").check_done().documents
        self._plain: dict[str, list[int]] = {}
        self._mined = time.monotonic()

    def _onboarding(self, sender: str) -> list[dict]:
        sealed = self._run("ecies-seal", "--from-member", sender, "--to-member", A, stdin=b"another").check_done()
        return self._run("abi-encode", "onboard", stdin=sealed.document).check_done().documents

    def _run(self, program: str, *words, key: str | None = None, url: str | None = None, **options) -> Result:
        env = self.chain.env | {"PRIVATE_KEY": key or self.chain.owner.key.hex(), "KMS_ROOTS": NEW["kms_root"],
                                "ETH_RPC_URL": url or self.chain.url}
        return run(program, *words, env=env, **options)

    def plain(self, use: str) -> list[int]:
        """The batch sizes that this use sends to a plain node."""
        if use not in self._plain:
            outcome = self.outcome("plain", use)
            assert outcome.answer.status == DONE, outcome.answer
            self._plain[use] = outcome.sizes
        return self._plain[use]

    def outcome(self, name: str, use: str, *options: str) -> Outcome:
        """Run a use against a habit, then undo its effects on the chain."""
        with self.playing(name):
            return self.again(use, *(HABITS[name].options if use in SENDING else ()), *options)

    @contextmanager
    def playing(self, name: str):
        """Play a habit; what happens on the chain meanwhile is undone."""
        self._keep_young()
        snapshot = self.chain.rpc("evm_snapshot")
        self.provider.play(name)
        try:
            yield
        finally:
            self.provider.play("plain")
            self.chain.rpc("evm_revert", snapshot)
            self.chain.rpc("dev_setAutomine", True)

    def _keep_young(self) -> None:
        """Mine a block if the last one is old, since programs warn of that."""
        if time.monotonic() - self._mined > YOUNG:
            self.chain.rpc("dev_mine")
            self._mined = time.monotonic()

    def arranged(self, use: str, *options: str) -> Callable[[], Result]:
        """What runs a use, as often as it is called."""
        return getattr(self, f"_{use.replace('-', '_')}")(*options)

    def again(self, use: str, *options: str) -> Outcome:
        """Run a use against the habit being played."""
        first = self.head + 1
        do = self.arranged(use, *options)
        before, handed = len(self.provider.requests), len(self.provider.raws)
        answer = do()
        sizes = [len(calls) for calls in self.provider.requests[before:]]
        return Outcome(answer, sizes, self.provider.raws[handed:], self.transactions(first))

    def check(self, use: str, outcome: Outcome) -> None:
        """Assert that the use succeeded and sent exactly its transactions."""
        answer = outcome.answer
        assert answer.status == DONE and not answer.messages("error"), answer
        if use in SENDING:
            return outcome.check_sent(self.requests_of(use))
        assert not outcome.raws and not outcome.mined, "something was sent"
        match use:
            case "dry-run":
                assert [record["status"] for record in answer.documents] == ["simulated"] * 3, answer
            case "call":
                assert answer.document["result"].endswith(self.chain.owner.address.lower()[2:])
            case "inbox":
                assert answer.stdout == b""
            case "seal":
                assert answer.document["to_member"] == A
            case "verify" | "finalized":
                assert answer.document["payload"] == "a message"
            case "agent":
                assert len(answer.document["messages"]) == 1

    @property
    def head(self) -> int:
        return int(self.chain.rpc("eth_blockNumber"), 16)

    def transactions(self, first: int) -> list[dict]:
        """The owner's transactions, in this block and later ones."""
        blocks = (self.chain.rpc("eth_getBlockByNumber", hex(number), True) for number in range(first, self.head + 1))
        owner = self.chain.owner.address.lower()
        return [each for block in blocks for each in block["transactions"] if each["from"].lower() == owner]

    def requests_of(self, use: str) -> list[dict]:
        return {"onboard": self.message, "answer": self.answer}.get(use, self.registration)

    # Each method below prepares a use and gives the function that runs it.

    def _send(self, *options, **rest) -> Callable[[], Result]:
        return functools.partial(self._run, "tx-send", "--timeout", "8", *PATIENCE, *options, url=self.provider.url,
                                 **rest)

    def _register(self, *options):
        return self._send(*options, stdin=self.registration)

    def _onboard(self, *options):
        return self._send(*options, stdin=self.message)

    def _answer(self, *options):
        """A message from the new member, valid only once it is registered."""
        return self._send(*options, stdin=self.answer)

    def _journal(self, *options):
        journal = self._directory / "journal"
        journal.unlink(missing_ok=True)
        return self._send("--journal", journal, *options, stdin=self.registration)

    def _dry_run(self, *options):
        return self._send("--dry-run", *options, stdin=self.registration)

    def _call(self, *options):
        return self._send("--call", *options, stdin=self._question)

    def _wait(self, *options):
        if isinstance(self.provider.behaviour, Preconfirming):
            self.chain.rpc("dev_setAutomine", False)
        pending = self._run("tx-send", "--async", stdin=self.registration).stdout
        return self._send("--wait", *options, stdin=pending)

    def _inbox(self, *options):
        self._state.write_bytes(self._read)
        return self._watch("--state", self._state, *options)

    def _verify(self, *options):
        return self._watch("--verify", *options)

    def _finalized(self, *options):
        return self._watch("--block", "finalized", *options)

    def _watch(self, *words):
        return functools.partial(self._run, "inbox-watch", "--once", *PATIENCE, *words, key=KEY, url=self.provider.url)

    def _seal(self, *options):
        return functools.partial(self._run, "ecies-seal", "--to-member", A, *PATIENCE, *options, stdin=b"a secret",
                                 url=self.provider.url)

    def _agent(self, *_):
        return self._serve

    def _serve(self) -> Result:
        """Run an agent until it has read the inbox, or for some seconds; its status is then -1."""
        env = self.chain.env | self.agent.env | {"ETH_RPC_URL": self.provider.url}
        with bridge_agent(self._directory / "agent", *PATIENCE, env=env) as site:
            deadline = time.monotonic() + SECONDS
            while (found := site.get("/onboarding"))[0] != 200 and time.monotonic() < deadline:
                time.sleep(0.02)
            status = site.end()
            if found[0] != 200:
                status = -1
            return Result("bridge-agent", status, json_lines(found[1]).encode(), site.stderr)
