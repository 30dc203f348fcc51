"""An inbox on a chain that replaces its newest blocks: a delivered message that no longer stands is said."""

import json
import time

import pytest

from harness import DONE, run, running
from inboxes import A, B, next_line, sealed, settings, state
from proofs import PROOFS
from services import running_chain
from stored_bridge import StoredBridge
from test_bridge_agent import bridge_agent, eventually
from test_envelope import Envelope

LENGTHS = {"ours": None, "v1": 1, "v2": 2}


class Inbox:
    """The first member's inbox on a chain of its own, at a bridge of any kind."""

    def __init__(self, chain, version: int | None, directory):
        self._chain, self._path = chain, directory / "inbox.json"
        # Stand-ins have messages that no transaction posted; a reorganisation would post them again.
        self._is_stored = version is not None
        self._count = 0
        if version:
            self._bridge = StoredBridge(chain, version)
            for proof in PROOFS:
                self._bridge.register(proof)
            self._post = lambda *payloads: self._bridge.post(B, A, *payloads, first=self._count)
            self.env = settings(chain) | self._bridge.env
        else:
            chain.deploy()
            for proof in PROOFS:
                chain.register(proof)
            self._post = lambda *payloads: chain.onboard(B, A, *payloads)
            self.env = settings(chain)

    def post(self, *texts: str) -> None:
        """Post messages, each in blocks of its own."""
        for text in texts:
            self.post_raw(sealed(text))

    def post_raw(self, *payloads: bytes) -> None:
        """Post what need not open, all together where no transactions are needed for it."""
        self._post(*payloads)
        self._count += len(payloads)

    def here(self):
        """The block that is the newest now, for `undo`."""
        return self._chain.rpc("eth_blockNumber"), self._chain.rpc("evm_snapshot"), self._count

    def undo(self, block) -> None:
        """Take back all blocks behind that one; where messages are transactions, others take their places."""
        number, snapshot, self._count = block
        behind = int(self._chain.rpc("eth_blockNumber"), 16) - int(number, 16)
        if self._is_stored:
            self._chain.rpc("evm_revert", snapshot)
            # A chain takes another's place because it is longer.
            self.mine(behind + 1)
        else:
            self._chain.rpc("dev_reorg", behind, {"drop": True})

    def mine(self, count: int = 1) -> None:
        self._chain.rpc("dev_mine", count)

    def fall_behind(self, block) -> None:
        """Show the chain as it was, as a node does that has not heard of the newest blocks."""
        _, snapshot, self._count = block
        self._chain.rpc("evm_revert", snapshot)

    def watch(self, *options):
        return run("inbox-watch", "--once", "--state", self._path, *options, env=self.env)

    @property
    def next(self) -> int:
        return state(self._path)["next"]


@pytest.fixture(params=LENGTHS.values(), ids=LENGTHS)
def inbox(request, tmp_path):
    with running_chain() as chain:
        yield Inbox(chain, request.param, tmp_path)


def delivered(answer) -> list[tuple[int, str]]:
    return [(document["index"], document["payload"]) for document in answer.documents]


def test_a_message_that_was_replaced_is_said_and_the_new_one_delivered(inbox):
    inbox.post("one", "two")
    before = inbox.here()
    inbox.post("three", "four")
    assert delivered(inbox.watch().check_done()) == [(0, "one"), (1, "two"), (2, "three"), (3, "four")]
    inbox.undo(before)
    inbox.post("other", "another", "new")
    answer = inbox.watch()
    assert answer.status == DONE
    assert delivered(answer) == [(2, "other"), (3, "another"), (4, "new")]
    [third, fourth] = answer.messages("warning")
    assert "message 2" in third and "message 3" in fourth and "reorganised" in third
    assert delivered(inbox.watch().check_done()) == []


def test_an_inbox_that_became_shorter_is_said_and_what_follows_is_read(inbox):
    inbox.post("one")
    before = inbox.here()
    inbox.post("two", "three")
    inbox.watch().check_done()
    inbox.undo(before)
    answer = inbox.watch()
    assert (answer.status, delivered(answer)) == (DONE, [])
    [warning] = answer.messages("warning")
    assert "1 messages" in warning and "3 were read" in warning
    inbox.post("other")
    answer = inbox.watch()
    assert (answer.status, delivered(answer)) == (DONE, [(1, "other")])
    inbox.post("yet another", "new")
    answer = inbox.watch()
    assert (answer.status, delivered(answer)) == (DONE, [(2, "yet another"), (3, "new")])
    assert delivered(inbox.watch().check_done()) == []
    assert inbox.next == 4


def test_a_reorganisation_that_changes_no_message_says_nothing(inbox):
    inbox.post("one", "two")
    inbox.watch().check_done()
    before = inbox.here()
    inbox.mine(3)
    inbox.undo(before)
    assert inbox.watch().check_done().stdout == b""


def test_a_watcher_says_it_once(tmp_path):
    with running_chain() as chain:
        inbox = Inbox(chain, None, tmp_path)
        before = inbox.here()
        inbox.post("one")
        with running("inbox-watch", "--interval", "0.05", bufsize=0, env=inbox.env) as process:
            assert json.loads(next_line(process.stdout))["payload"] == "one"
            inbox.undo(before)
            assert b"0 messages" in next_line(process.stderr)
            inbox.post("other")
            assert b"message 0 is no longer the one" in next_line(process.stderr)
            assert json.loads(next_line(process.stdout))["payload"] == "other"
            inbox.post("second")
            assert json.loads(next_line(process.stdout))["payload"] == "second"


def test_a_node_that_is_behind_changes_nothing(inbox):
    inbox.post("one")
    before = inbox.here()
    inbox.post("two", "three")
    inbox.watch().check_done()
    inbox.fall_behind(before)
    inbox.watch().check_done()
    assert inbox.next == 3
    # Where it was merely behind, the same comes again; here others come, in their places.
    inbox.post("second", "third", "fourth")
    answer = inbox.watch()
    assert (answer.status, delivered(answer)) == (DONE, [(1, "second"), (2, "third"), (3, "fourth")])


def test_a_message_in_the_place_of_one_that_could_not_be_read_is_delivered(inbox):
    inbox.post("one")
    before = inbox.here()
    inbox.post_raw(b"x" * 3000)
    answer = inbox.watch("--max-payload", "2000")
    assert (answer.status, delivered(answer)) == (DONE, [(0, "one")])
    [warning] = answer.messages("warning")
    assert "message 1" in warning and "3000 bytes" in warning
    inbox.watch("--max-payload", "2000").check_done()
    inbox.undo(before)
    inbox.post("real")
    answer = inbox.watch("--max-payload", "2000")
    assert (answer.status, delivered(answer)) == (DONE, [(1, "real")])
    inbox.watch("--max-payload", "2000").check_done()


@pytest.mark.parametrize("inbox", [1], ids=["v1"], indirect=True)
@pytest.mark.parametrize("count", [70, 200])
def test_all_is_delivered_behind_a_reorganisation_of_many_messages(inbox, count):
    """More than are known again one by one; and none is delivered twice."""
    inbox.post("one")
    before = inbox.here()
    inbox.post_raw(*[b""] * count)
    answer = inbox.watch()
    assert (answer.status, delivered(answer), len(answer.messages("warning"))) == (DONE, [(0, "one")], 11)
    inbox.undo(before)
    inbox.post_raw(*(sealed(str(index)) for index in range(1, count + 2)))
    assert delivered(inbox.watch()) == [(index, str(index)) for index in range(1, count + 2)]
    inbox.watch().check_done()


# What bridge-agent serves


@pytest.fixture
def agent(inbox, agents, tmp_path):
    with bridge_agent(tmp_path / "site", "--interval", "0.1", env=inbox.env | agents[0].env) as site:
        eventually(lambda: "PROOF_JSON" in site.stdout and site.status("/onboarding") == 200)
        yield site


def served(site) -> list[tuple[int, str]]:
    return [(message["index"], message["payload"]) for message in site.get("/onboarding")[1]["messages"]]


def test_what_no_longer_stands_is_not_served(inbox, agent):
    inbox.post("one", "two")
    before = inbox.here()
    inbox.post("three", "four")
    eventually(lambda: served(agent) == [(0, "one"), (1, "two"), (2, "three"), (3, "four")])
    inbox.undo(before)
    eventually(lambda: served(agent) == [(0, "one"), (1, "two")])
    inbox.post("other", "another", "new")
    eventually(lambda: served(agent) == [(0, "one"), (1, "two"), (2, "other"), (3, "another"), (4, "new")])
    ids = [message["id"] for message in agent.get("/onboarding")[1]["messages"]]
    assert len(set(ids)) == len(ids) == 5
    assert "reorganised" in agent.stderr


def test_a_node_that_is_behind_takes_nothing_from_what_is_served(inbox, agent):
    inbox.post("one")
    before = inbox.here()
    inbox.post("two")
    eventually(lambda: served(agent) == [(0, "one"), (1, "two")])
    inbox.fall_behind(before)
    for _ in range(20):
        assert served(agent) == [(0, "one"), (1, "two")]
        time.sleep(0.02)
    assert "reorganised" not in agent.stderr


def test_a_signed_message_that_moved_is_served_in_its_new_place(inbox, agent):
    """It is no replay: where it was delivered, it no longer stands."""
    before = inbox.here()
    envelope = Envelope(inbox.env["BRIDGE_CONTRACT"]).sealed()
    inbox.post_raw(envelope)
    eventually(lambda: [index for index, _ in served(agent)] == [0])
    inbox.undo(before)
    inbox.post("first")
    inbox.post_raw(envelope)
    eventually(lambda: [index for index, _ in served(agent)] == [0, 1])
