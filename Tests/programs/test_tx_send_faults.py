"""tx-send against nodes and networks that fail: whatever fails, and where, the status and the records are true."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

import fault_proxy as faults
from fault_proxy import FaultProxy
from harness import DONE, UNKNOWN, UNREACHABLE, run
from sending import check_done, check_records, running_ledger, transaction_of, transfers

COUNT = 5
OPTIONS = ("--retry-for", "5", "--timeout", "15")

# What goes over the wire, in this order.
STEPS = ("questions", "nonce", "first", "rest", "look")


def step_of(exchange) -> str:
    methods = exchange.methods
    if exchange.raws:
        return "rest" if len(methods) > 1 else "first"
    if "eth_feeHistory" in methods:
        return "questions" if len(methods) > 1 else "fees"
    if methods == ["eth_getTransactionCount"]:
        return "nonce"
    return "look" if "eth_blockNumber" in methods else "other"


def at(step: str, fault, times: int = 1):
    """The fault for the first requests of a step."""
    numbers = count(1)

    def spoil(exchange) -> None:
        if step_of(exchange) == step and next(numbers) <= times:
            fault(exchange)

    return spoil


def down_at(step: str):
    """Connections are refused for a while when a step comes."""
    before = dict(zip(STEPS[1:], STEPS))
    before["first"] = "nonce"
    numbers = count(1)

    def spoil(exchange) -> None:
        if step_of(exchange) == before.get(step) and next(numbers) == 1:
            exchange.keeps_connection = False
            exchange.forward()
            exchange.proxy.down(0.4)
            exchange.pass_on()

    return spoil


FAULTS = {
    "reset before": faults.reset_before,
    "reset after": faults.reset_after,
    "closed before": faults.closed_before,
    "closed after": faults.closed_after,
    "429": faults.status(429),
    "429 with a pause": faults.status(429, Retry_After="1"),
    "rate limit": faults.error(-32005, "limit exceeded"),
    "502": faults.status(502, faults.PAGE),
    "502 after": faults.status(502, faults.PAGE, processed=True),
    "503 with a pause": faults.status(503, b"", Retry_After="1"),
    "HTML": faults.status(200, faults.PAGE),
    "HTML after": faults.status(200, faults.PAGE, processed=True),
    "truncated body": faults.truncated_body,
    "truncated JSON": faults.truncated_json,
    "empty": faults.empty_body,
    "wrong id": faults.wrong_id,
    "no HTTP": faults.no_http,
    "internal error": faults.error(-32603, "internal error"),
    "internal error after": faults.error(-32603, "internal error", processed=True),
    # Gateways that hand a transaction on twice tell what the second node said.
    "nonce too low after": faults.error(-32000, "nonce too low: next nonce 8, tx nonce 7", processed=True),
    "underpriced after": faults.error(-32000, "replacement transaction underpriced", processed=True),
    "exceeds after": faults.error(-32000, "the request exceeds the time of the upstream", processed=True),
    "slow": faults.slow(0.7),
}
TLS_FAULTS = {
    "cut before": faults.cut_before,
    "cut after": faults.cut_after,
    "cut in the answer": faults.cut_in_the_answer,
}
# A question that is answered like this is not asked again: the node is none, or says so itself.
FINAL = {
    "wrong id", "no HTTP", "internal error", "internal error after", "nonce too low after", "underpriced after",
    "exceeds after",
}


@pytest.fixture(scope="module")
def ledger():
    with running_ledger("--send-sync", accounts=400) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def slow_ledger():
    with running_ledger("--block-time", "0.3", accounts=100) as ledger:
        yield ledger


def side_by_side(function, cases) -> None:
    """Check all the cases at once, each with an account of its own: most of their time is waiting."""
    with ThreadPoolExecutor(len(cases)) as pool:
        results = {case: pool.submit(function, case) for case in cases}
    wrong = {case: result.exception() for case, result in results.items() if result.exception()}
    assert not wrong, "".join(f"\n\n{case}: {reason!r}" for case, reason in wrong.items())


def send_through(ledger, fault, *options, requests=None, env=None, **proxy):
    """Send from an account of its own through a proxy with this fault; the account, what came of it, and the proxy."""
    account = ledger.account()
    with FaultProxy(ledger.url, fault, **proxy) as node:
        settings = ledger.env(account, node.url) | (env or {})
        answer = run("tx-send", *OPTIONS, *options, stdin=requests or transfers(COUNT), env=settings)
    return account, answer, node


def check_nothing_sent(ledger, account, answer) -> None:
    assert (answer.status, answer.stdout) == (UNREACHABLE, b""), answer
    assert ledger.nonce(account, "pending") == 0, answer


def check_sent_once(node) -> None:
    """No request carries a transaction twice, and none but the last carries another for the same nonce."""
    assert len({raw for raw in node.raws}) == len({transaction_of(raw)["nonce"] for raw in node.raws})


def check_fault(ledger, how: str, fault, step: str, *options, **proxy) -> None:
    # Without CHAIN the nonce is asked once more, behind the lock.
    account, answer, node = send_through(ledger, fault, *options, env={"CHAIN": ""}, **proxy)
    if answer.status != DONE and how in FINAL and step in ("questions", "nonce"):
        return check_nothing_sent(ledger, account, answer)
    check_done(ledger, account, answer, transfers(COUNT))
    check_sent_once(node)


@pytest.mark.parametrize("step", STEPS)
def test_a_fault(ledger, step):
    side_by_side(lambda how: check_fault(ledger, how, at(step, FAULTS[how]), step), list(FAULTS))


@pytest.mark.parametrize("step", STEPS)
def test_a_cut(ledger, certificate, step):
    def check(how):
        check_fault(ledger, how, at(step, TLS_FAULTS[how]), step, "--cacert", certificate[0], certificate=certificate)

    side_by_side(check, list(TLS_FAULTS))


def test_connections_refused_at_each_step(ledger):
    side_by_side(lambda step: check_fault(ledger, "refused", down_at(step), step), STEPS[1:])


def test_several_faults_in_a_row_at_each_step(ledger):
    def check(case):
        how, step = case
        check_fault(ledger, how, at(step, FAULTS[how], times=3), step)

    hows = ("reset before", "reset after", "429", "502", "HTML after")
    side_by_side(check, [(how, step) for how in hows for step in STEPS])


@pytest.mark.parametrize("step", STEPS)
def test_a_fault_where_blocks_come_at_intervals(slow_ledger, step):
    hows = ("reset before", "reset after", "429", "502 after", "truncated JSON", "slow")
    side_by_side(lambda how: check_fault(slow_ledger, how, at(step, FAULTS[how]), step), hows)


def test_a_node_that_never_answers_questions(ledger):
    def check(how):
        spoil = at("questions", FAULTS[how], times=1000)
        account, answer, _ = send_through(ledger, spoil, "--retry-for", "1", "--timeout", "2")
        check_nothing_sent(ledger, account, answer)

    side_by_side(check, ["429", "429 with a pause", "502", "reset before", "HTML", "no HTTP"])


def test_a_node_that_never_takes_the_first(ledger):
    """What comes behind it is not sent either: it would wait for the first for ever."""
    def check(how):
        account, answer, node = send_through(ledger, at("first", FAULTS[how], times=1000), "--timeout", "2")
        assert {transaction_of(raw)["nonce"] for raw in node.raws} == {0}
        check_nothing_sent(ledger, account, answer)

    side_by_side(check, ["429", "rate limit"])


@pytest.mark.parametrize("code, message", [
    (-32000, "insufficient funds for gas * price + value"), (-32000, "transaction underpriced: gas tip cap 1"),
    (-32000, "exceeds block gas limit"), (-32602, "invalid params"),
    (-32003, "transaction rejected: gas limit too high"),
])
@pytest.mark.parametrize("step", ["first", "rest"])
def test_a_transaction_that_is_refused(ledger, code, message, step):
    account, answer, node = send_through(ledger, at(step, faults.error(code, message), times=1000))
    if step == "first":
        check_nothing_sent(ledger, account, answer)
        assert message[:20] in answer.stderr
    else:
        assert answer.status == UNKNOWN, answer
        check_records(answer, transfers(1))
        assert ledger.values(account) == [1]


def test_an_answer_that_takes_longer_than_it_may(ledger):
    def check(case):
        step, processed = case
        spoil = at(step, faults.slow(3, processed))
        account, answer, node = send_through(ledger, spoil, "--timeout", "1", "--retry-for", "0")
        if step == "questions":
            return check_nothing_sent(ledger, account, answer)
        assert answer.status in (DONE, UNKNOWN), answer
        told = [record["transactionHash"] for record in answer.documents]
        assert {each["hash"] for each in ledger.transactions(account)} <= set(told)
        assert len(told) == len(set(told))
        if processed and step == "look":
            check_done(ledger, account, answer, transfers(COUNT))

    side_by_side(check, [(step, processed) for step in ("questions", "first", "rest") for processed in (True, False)])


def test_receipts_that_come_late(ledger):
    def hide(exchange):
        if step_of(exchange) == "look" and len(exchange.proxy.requests) < 9:
            exchange.alter(lambda call, answer: answer | (
                {"result": None} if call["method"] == "eth_getTransactionReceipt" else {}))

    # Without the node's own waiting, so that there is something to look for.
    account, answer, node = send_through(ledger, hide, "--async")
    check_records(answer, transfers(COUNT), "pending")
    account, answer, node = send_through(ledger, hide, "--confirmations", "1")
    check_done(ledger, account, answer, transfers(COUNT))
    check_sent_once(node)


def test_the_second_node_helps(ledger):
    """Whatever the first one does, at whatever step, and for however long."""
    def check(case):
        how, step = case
        account = ledger.account()
        with FaultProxy(ledger.url, at(step, FAULTS[how], times=1000)) as bad:
            options = "--rpc-url", bad.url, "--rpc-url", ledger.url
            answer = run("tx-send", *OPTIONS, *options, stdin=transfers(COUNT), env=ledger.env(account))
        check_done(ledger, account, answer, transfers(COUNT))

    hows = ("reset before", "reset after", "429", "rate limit", "502", "HTML", "truncated body", "wrong id", "no HTTP")
    side_by_side(check, [(how, step) for how in hows for step in ("questions", "first", "rest", "look")])


def test_a_node_that_is_down_is_left_for_another(ledger):
    account = ledger.account()
    with FaultProxy(ledger.url, is_down=True) as bad:
        answer = run("tx-send", *OPTIONS, "--rpc-url", bad.url, "--rpc-url", ledger.url, stdin=transfers(COUNT),
                     env=ledger.env(account))
    check_done(ledger, account, answer, transfers(COUNT))


PARTIAL = {
    "busy": {"error": {"code": -32005, "message": "limit exceeded"}},
    "doubtful": {"error": {"code": -32603, "message": "internal error"}},
    "another hash": {"result": "0x" + "13" * 32},
    "null": {"result": None},
    "absent": None,
}


def spoil_one(how: str, place: int, is_processed: bool):
    """One transaction of the rest is answered like this, and taken or not."""
    numbers = count()

    def spoil(exchange) -> None:
        if step_of(exchange) != "rest" or next(numbers):
            return
        if not is_processed:
            exchange.leave_out(place)
        exchange.alter(lambda call, answer: answer if call is not exchange.calls[place] else (
            PARTIAL[how] and {"jsonrpc": "2.0", "id": call["id"]} | PARTIAL[how]))

    return spoil


def test_one_of_a_batch_fails(slow_ledger):
    """The first of the rest, one in the middle, or the last."""
    def check(case):
        account, answer, node = send_through(slow_ledger, spoil_one(*case))
        check_done(slow_ledger, account, answer, transfers(COUNT))
        check_sent_once(node)

    side_by_side(check, [(how, place, is_processed) for how in PARTIAL for place in (0, 1, -1)
                         for is_processed in (True, False)])


def test_one_of_a_batch_is_lost_by_a_node_that_waits(ledger):
    account, answer, _ = send_through(ledger, spoil_one("busy", 0, False), "--timeout", "5")
    check_done(ledger, account, answer, transfers(COUNT))


@pytest.mark.parametrize("nodes", [1, 2])
def test_everything_fails_now_and_then(slow_ledger, nodes):
    def check(seed):
        draw = random.Random(seed)
        account = slow_ledger.account()
        harmless = [FAULTS[how] for how in FAULTS if how not in FINAL]

        def spoil(exchange):
            with lock:
                fault = draw.choice(harmless) if draw.random() < 0.25 else None
            if fault:
                fault(exchange)

        lock = threading.Lock()
        requests = transfers(12)
        with FaultProxy(slow_ledger.url, spoil) as first, FaultProxy(slow_ledger.url, spoil) as second:
            urls = [word for node in (first, second)[:nodes] for word in ("--rpc-url", node.url)]
            answer = run("tx-send", "--timeout", "40", "--in-flight", str(draw.choice([2, 4, 16])), *urls,
                         stdin=requests, env=slow_ledger.env(account))
            check_done(slow_ledger, account, answer, requests)
            assert len({*first.raws, *second.raws}) == len(requests)

    side_by_side(check, range(6))


# Another machine with the same key


def test_a_nonce_that_is_taken_before_sending(ledger):
    """The loser takes the next one, however often, and at whatever step."""
    def check(case):
        step, times = case
        account = ledger.account()
        numbers = count()

        def interfere(exchange):
            if step_of(exchange) == step and next(numbers) < times:
                nonce = min(transaction_of(raw)["nonce"] for raw in exchange.raws)
                ledger.send(account, nonce, 1000 + nonce)

        with FaultProxy(ledger.url, interfere) as node:
            answer = run("tx-send", *OPTIONS, stdin=transfers(COUNT), env=ledger.env(account, node.url))
        assert answer.status == DONE, answer
        check_records(answer, transfers(COUNT))
        values = ledger.values(account)
        assert sorted(value for value in values if value < 1000) == [1, 2, 3, 4, 5]
        assert sum(value >= 1000 for value in values) == times

    side_by_side(check, [("first", 1), ("first", 3), ("rest", 1)])


def test_every_nonce_of_the_rest_is_taken(ledger):
    account = ledger.account()
    numbers = count()

    def interfere(exchange):
        if step_of(exchange) == "rest" and next(numbers) == 0:
            for raw in exchange.raws:
                nonce = transaction_of(raw)["nonce"]
                ledger.send(account, nonce, 1000 + nonce)
            ledger.send(account, nonce + 1, 1000)

    with FaultProxy(ledger.url, interfere) as node:
        answer = run("tx-send", *OPTIONS, stdin=transfers(COUNT), env=ledger.env(account, node.url))
    assert answer.status == DONE, answer
    check_records(answer, transfers(COUNT))
    assert sorted(value for value in ledger.values(account) if value < 1000) == [1, 2, 3, 4, 5]


def test_a_nonce_taken_in_the_middle_of_a_wave_costs_its_order_and_nothing_else(ledger):
    """The others of the wave are with the node already; each is sent once."""
    account = ledger.account()
    numbers = count()

    def interfere(exchange):
        if step_of(exchange) == "rest" and next(numbers) == 0:
            ledger.send(account, 1, 1001)

    with FaultProxy(ledger.url, interfere) as node:
        run("tx-send", *OPTIONS, stdin=transfers(COUNT), env=ledger.env(account, node.url))
    assert ledger.values(account) == [1, 1001, 3, 4, 5, 2]
