"""The programs against the habits of public providers (Tests/support/provider.py).

A habit may cost at most twice the requests that a plain node gets, plus those that it forces.
"""

import json
import re
from collections import Counter
from dataclasses import replace

import pytest

import services
from harness import DONE, NO, UNKNOWN, UNREACHABLE
from provider import (
    FAILURES, HABITS, LACKING, LIMITS, OUTAGES, PRECONFIRMED, SYNC, ZERO, Habit, Preconfirming, Provider, answers,
    error,
)
from provider_uses import Uses

MOST_BYTES = 200
CASES = [(name, use) for name, habit in HABITS.items() if name not in FAILURES
         for use in habit.uses]
# The outages that begin with the first request.
FROM_THE_FIRST = [name for name in OUTAGES if not name.startswith(("hand", "look"))]


@pytest.fixture(scope="module")
def uses(agents, tmp_path_factory):
    with services.dev_chain("--send-sync") as node:
        chain = services.bridge_chain(node)
        with Provider(chain.url) as provider:
            yield Uses(chain, provider, agents[0], tmp_path_factory.mktemp("uses"))


@pytest.mark.parametrize("name, use", CASES, ids=[f"{use}: {name}" for name, use in CASES])
def test_a_habit(uses, name, use):
    habit = HABITS[name]
    outcome = uses.outcome(name, use)
    if use in habit.impossible:
        assert re.search(habit.impossible[use], outcome.answer.check_error(UNREACHABLE))
        assert not outcome.raws
    else:
        uses.check(use, outcome)
    assert len(outcome.sizes) <= habit.most(uses.plain(use)), outcome.sizes
    if name in LIMITS and name.startswith(("batch", "no")):
        # A refused size is not tried again, nor a larger one.
        refused = [size for size in outcome.sizes if habit.forces([size])]
        assert sorted(set(refused), reverse=True) == refused, outcome.sizes


# Limits of batches


@pytest.mark.parametrize("name, count", [(name, int(name[6])) for name in LIMITS if name.startswith("first")])
def test_only_what_was_not_answered_is_asked_again(uses, name, count):
    def asked(habit: str, most: int) -> Counter:
        with uses.playing(habit):
            assert uses.again("dry-run").answer.status == DONE
            requests = list(uses.provider.requests)
        return Counter(json.dumps([call["method"], call["params"]]) for calls in requests for call in calls[:most])

    assert asked(name, count) == asked("plain", 99)


# Outages


def lasting(habit: Habit):
    """An outage that does not pass."""
    behaviour = habit.make()
    return lambda request: behaviour(replace(request, number=0))


@pytest.mark.parametrize("name", FROM_THE_FIRST)
def test_an_outage_is_waited_out_and_told(uses, name):
    with uses.playing(name):
        uses.provider.behaviour = lasting(OUTAGES[name])
        outcome = uses.again("register", "--retry-for", "1")
    outcome.answer.check_error(UNREACHABLE)
    assert len(outcome.sizes) > 1 and not outcome.raws and not outcome.mined


@pytest.mark.parametrize("name, use", [*((name, use) for name in FROM_THE_FIRST for use in ("call", "inbox", "seal")),
                                       *((name, "register") for name in FROM_THE_FIRST[::4])])
def test_an_outage_is_left_for_the_next_node(uses, name, use):
    with uses.playing(name):
        uses.provider.behaviour = lasting(OUTAGES[name])
        outcome = uses.again(use, "--rpc-url", uses.provider.url, "--rpc-url", uses.chain.url)
        assert outcome.answer.status == DONE, outcome.answer
        assert len(outcome.mined) == (3 if use == "register" else 0)
        # The failing node may be tried once more.
        assert len(outcome.sizes) <= 2


@pytest.mark.parametrize("code, message, status", [
    (3, "execution reverted: upstream timeout", NO), (-32000, "execution reverted: temporarily overloaded", NO),
    (-32602, "invalid params: timeout", UNREACHABLE), (-32000, "out of gas: upstream", UNREACHABLE),
])
def test_an_answer_about_the_request_is_no_outage(uses, code, message, status):
    def refusal(call):
        return error(code, message, call["id"]) if call["method"] == "eth_call" else None

    with uses.playing("plain"):
        uses.provider.behaviour = lambda request: answers(request, refusal)
        outcome = uses.again("call")
    assert outcome.answer.status == status, outcome.answer
    assert len(outcome.sizes) <= len(uses.plain("call"))
    if status == UNREACHABLE:
        outcome.answer.check_error(status, "eth_call", prints=None)


# Missing methods


@pytest.mark.parametrize("name", [name for name in LACKING if name.startswith("no sync")])
def test_a_refused_method_is_replaced_at_once(uses, name):
    """The node is not asked to wait again, and nothing comes in between."""
    with uses.playing(name):
        assert uses.again("onboard").answer.status == DONE
        methods = uses.provider.methods
        assert methods.count(SYNC) == 1 and methods[methods.index(SYNC) + 1] == "eth_sendRawTransaction"


# Preconfirmed receipts


@pytest.mark.parametrize("name", PRECONFIRMED)
@pytest.mark.parametrize("use", ["register", "journal"])
def test_success_means_that_the_block_is_there(uses, name, use):
    """Requests that depend on it can then be sent."""
    with uses.playing(name):
        outcome = uses.again(use)
        outcome.check_sent(uses.registration)
        for record in outcome.answer.documents:
            receipt = uses.chain.rpc("eth_getTransactionReceipt", record["transactionHash"])
            assert receipt["blockNumber"] == record["blockNumber"] and not record.get("preconfirmed")
        uses.again("answer").check_sent(uses.answer)


@pytest.mark.parametrize("block_hash", [ZERO, "0x" + 32 * "fb"])
@pytest.mark.parametrize("use", ["register", "onboard"])
def test_no_confirmation_is_needed(uses, block_hash, use):
    """A preconfirmation suffices, and the record marks it."""
    with uses.playing("plain"):
        uses.provider.behaviour = Preconfirming(block_hash, None)
        first = uses.head + 1
        outcome = uses.again(use, "--confirmations", "0")
        assert outcome.answer.status == DONE and not outcome.mined, outcome.answer
        for record in outcome.answer.documents:
            assert (record["status"], record["preconfirmed"]) == ("success", True)
        uses.chain.rpc("dev_mine")
        replace(outcome, mined=uses.transactions(first)).check_sent(uses.requests_of(use))


def test_a_promise_is_no_outcome_in_the_journal(uses):
    """The next run looks for the transactions that were promised, and sends no other."""
    with uses.playing("plain"):
        uses.provider.behaviour = Preconfirming(ZERO, None)
        first, journalled = uses.head + 1, uses.arranged("journal", "--confirmations", "0")
        promised = journalled().check_sent().documents
        uses.chain.rpc("dev_mine")
        uses.provider.play("plain")
        found = journalled().check_sent().documents
        mined = [(each["hash"], each["blockNumber"]) for each in uses.transactions(first)]
        assert [(each["transactionHash"], each["blockNumber"]) for each in found] == mined
        assert [each["transactionHash"] for each in promised] == [name for name, _ in mined]
        assert all(each["preconfirmed"] for each in promised) and not any("preconfirmed" in each for each in found)


def test_a_block_is_more_than_a_preconfirmation(uses):
    outcome = uses.outcome("plain", "register", "--confirmations", "0")
    outcome.check_sent(uses.registration)
    assert not any(record.get("preconfirmed") for record in outcome.answer.documents)


@pytest.mark.parametrize("use", ["register", "onboard"])
def test_a_preconfirmation_without_a_block_is_no_success(uses, use):
    with uses.playing("plain"):
        uses.provider.behaviour = Preconfirming(ZERO, None)
        outcome = uses.again(use, "--timeout", "2")
        assert outcome.answer.status == UNKNOWN, outcome.answer
        assert {record["status"] for record in outcome.answer.documents} == {"pending"}


# Answers without a result


@pytest.mark.parametrize("use", ["register", "inbox", "seal"])
@pytest.mark.parametrize("name", FAILURES)
def test_the_node_is_quoted(uses, name, use):
    """The error quotes the first line of the node's message, escaped and limited, and a hint follows."""
    failure = HABITS[name].failure
    outcome = uses.outcome(name, use, "--retry-for", "0")
    line = outcome.answer.check_error(UNREACHABLE, failure.sentence)
    assert not outcome.raws and not outcome.mined
    if failure.status:
        assert str(failure.status) in line
    assert all(each.isprintable() for each in line)
    assert "and there" not in line and "see the documentation" not in line
    words = re.match('[^"]*', line[line.index(failure.sentence):])[0]
    assert len(words.encode()) <= MOST_BYTES
    if failure.hint:
        [hint] = outcome.answer.messages("hint")
        assert re.search(failure.hint, hint), hint
