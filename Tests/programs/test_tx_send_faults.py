"""tx-send against nodes and networks that fail: whatever fails, and where, the status and the records are true."""

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

import fault_proxy as faults
from fault_proxy import FaultProxy
from harness import DONE, NO, UNKNOWN, UNREACHABLE, run
from sending import check_done, check_records, transaction_of, transfers

COUNT = 5
# A machine that does much else takes its time: these end what would go on for ever.
OPTIONS = ("--retry-for", "60", "--timeout", "120")

# What goes over the wire, in this order; each transaction has a request of its own.
HAND_OVERS = ("first", "second", "third", "fourth", "last")
ORDER = ("questions", "nonce", *HAND_OVERS, "look")
STEPS = ("questions", "nonce", "first", "second", "last", "look")


def step_of(exchange) -> str:
    methods = exchange.methods
    if exchange.raws:
        [raw] = exchange.raws
        assert len(methods) == 1, "a transaction is handed over together with something else"
        return HAND_OVERS[transaction_of(raw)["nonce"]]
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
    before = dict(zip(ORDER[1:], ORDER))
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


def check_nothing_sent(ledger, account, answer, status: int = UNREACHABLE) -> None:
    assert (answer.status, answer.stdout) == (status, b""), answer
    assert ledger.nonce(account, "pending") == 0, answer


def check_sent_once(node) -> None:
    """For each nonce there is one transaction, and none comes before that of the nonce before."""
    raws = list(dict.fromkeys(node.raws))
    assert [transaction_of(raw)["nonce"] for raw in raws] == list(range(len(raws)))


def check_fault(ledger, how: str, fault, step: str, *options, **proxy) -> None:
    # Without CHAIN the nonce is asked once more, behind the lock.
    account, answer, node = send_through(ledger, fault, *options, env={"CHAIN": ""}, **proxy)
    if answer.status != DONE and how in FINAL and step in ("questions", "nonce"):
        return check_nothing_sent(ledger, account, answer)
    check_done(ledger, account, answer, transfers(COUNT))
    check_sent_once(node)


@pytest.mark.parametrize("step", STEPS)
def test_a_fault(in_sync, step):
    side_by_side(lambda how: check_fault(in_sync, how, at(step, FAULTS[how]), step), list(FAULTS))


@pytest.mark.parametrize("step", STEPS)
def test_a_cut(in_sync, certificate, step):
    def check(how):
        check_fault(in_sync, how, at(step, TLS_FAULTS[how]), step, "--cacert", certificate[0], certificate=certificate)

    side_by_side(check, list(TLS_FAULTS))


def test_connections_refused_at_each_step(in_sync):
    side_by_side(lambda step: check_fault(in_sync, "refused", down_at(step), step), STEPS[1:])


def test_several_faults_in_a_row_at_each_step(in_sync):
    def check(case):
        how, step = case
        check_fault(in_sync, how, at(step, FAULTS[how], times=3), step)

    hows = ("reset before", "reset after", "429", "502", "HTML after")
    side_by_side(check, [(how, step) for how in hows for step in STEPS])


@pytest.mark.parametrize("step", STEPS)
def test_a_fault_where_blocks_come_at_intervals(at_intervals, step):
    hows = ("reset before", "reset after", "429", "502 after", "truncated JSON", "slow")
    side_by_side(lambda how: check_fault(at_intervals, how, at(step, FAULTS[how]), step), hows)


def test_a_node_that_never_answers_questions(in_sync):
    def check(how):
        spoil = at("questions", FAULTS[how], times=1000)
        account, answer, _ = send_through(in_sync, spoil, "--retry-for", "1", "--timeout", "2")
        check_nothing_sent(in_sync, account, answer)

    side_by_side(check, ["429", "429 with a pause", "502", "reset before", "HTML", "no HTTP"])


def test_a_node_that_never_takes_the_first(in_sync):
    """What comes behind it is not sent either: it would wait for the first for ever."""
    def check(how):
        account, answer, node = send_through(in_sync, at("first", FAULTS[how], times=1000), "--timeout", "2")
        assert {transaction_of(raw)["nonce"] for raw in node.raws} == {0}
        check_nothing_sent(in_sync, account, answer)

    side_by_side(check, ["429", "rate limit"])


@pytest.mark.parametrize("code, message", [
    (-32000, "insufficient funds for gas * price + value"), (-32000, "transaction underpriced: gas tip cap 1"),
    (-32000, "exceeds block gas limit"), (-32602, "invalid params"),
    (-32003, "transaction rejected: gas limit too high"),
])
@pytest.mark.parametrize("step", ["first", "second", "last"])
def test_a_transaction_that_is_rejected(in_sync, code, message, step):
    """Nothing that is behind it is sent."""
    account, answer, node = send_through(in_sync, at(step, faults.error(code, message), times=1000))
    assert message[:20] in answer.stderr
    before = HAND_OVERS.index(step)
    if before == 0:
        check_nothing_sent(in_sync, account, answer, NO if "funds" in message else UNREACHABLE)
    else:
        assert answer.status == UNKNOWN, answer
        check_records(answer, transfers(before))
    assert in_sync.values(account) == list(range(1, before + 1))
    assert {transaction_of(raw)["nonce"] for raw in node.raws} == set(range(before + 1))


def test_an_answer_that_takes_longer_than_it_may(in_sync):
    def check(case):
        step, processed = case
        spoil = at(step, faults.slow(6, processed))
        account, answer, node = send_through(in_sync, spoil, "--timeout", "3", "--retry-for", "0")
        if step == "questions":
            return check_nothing_sent(in_sync, account, answer)
        assert answer.status in (DONE, UNKNOWN), answer
        told = [record["transactionHash"] for record in answer.documents]
        assert {each["hash"] for each in in_sync.transactions(account)} <= set(told)
        assert len(told) == len(set(told))
        if processed and step == "look":
            check_done(in_sync, account, answer, transfers(COUNT))

    steps = ("questions", "first", "second", "last")
    side_by_side(check, [(step, processed) for step in steps for processed in (True, False)])


def test_receipts_that_come_late(in_sync):
    def hide(exchange):
        if step_of(exchange) == "look" and len(exchange.proxy.requests) < 9:
            exchange.alter(lambda call, answer: answer | (
                {"result": None} if call["method"] == "eth_getTransactionReceipt" else {}))

    # Without the node's own waiting, so that there is something to look for.
    account, answer, node = send_through(in_sync, hide, "--async")
    check_records(answer, transfers(COUNT), "pending")
    account, answer, node = send_through(in_sync, hide, "--confirmations", "1")
    check_done(in_sync, account, answer, transfers(COUNT))
    check_sent_once(node)


def test_the_second_node_helps(in_sync):
    """Whatever the first one does, at whatever step, and for however long."""
    def check(case):
        how, step = case
        account = in_sync.account()
        with FaultProxy(in_sync.url, at(step, FAULTS[how], times=1000)) as bad:
            options = "--rpc-url", bad.url, "--rpc-url", in_sync.url
            answer = run("tx-send", *OPTIONS, *options, stdin=transfers(COUNT), env=in_sync.env(account))
        check_done(in_sync, account, answer, transfers(COUNT))

    hows = ("reset before", "reset after", "429", "rate limit", "502", "HTML", "truncated body", "wrong id", "no HTTP")
    side_by_side(check, [(how, step) for how in hows for step in ("questions", "first", "second", "look")])


def test_a_node_that_is_down_is_left_for_another(in_sync):
    account = in_sync.account()
    with FaultProxy(in_sync.url, is_down=True) as bad:
        answer = run("tx-send", *OPTIONS, "--rpc-url", bad.url, "--rpc-url", in_sync.url, stdin=transfers(COUNT),
                     env=in_sync.env(account))
    check_done(in_sync, account, answer, transfers(COUNT))


ANSWERS = {
    "busy": {"error": {"code": -32005, "message": "limit exceeded"}},
    "doubtful": {"error": {"code": -32603, "message": "internal error"}},
    "another hash": {"result": "0x" + "13" * 32},
    "null": {"result": None},
    "absent": {},
}


def spoil_one(how: str, step: str, is_processed: bool):
    """One transaction is answered like this, and taken or not."""
    def fault(exchange) -> None:
        if is_processed:
            exchange.forward()
        exchange.reply(200, json.dumps({"jsonrpc": "2.0", "id": exchange.calls[0]["id"]} | ANSWERS[how]).encode())

    return at(step, fault)


def test_one_of_several_fails(at_intervals):
    """The first, one in the middle, or the last."""
    def check(case):
        account, answer, node = send_through(at_intervals, spoil_one(*case))
        check_done(at_intervals, account, answer, transfers(COUNT))
        check_sent_once(node)

    side_by_side(check, [(how, step, is_processed) for how in ANSWERS for step in ("first", "third", "last")
                         for is_processed in (True, False)])


def test_one_of_several_is_lost_by_a_node_that_waits(in_sync):
    account, answer, _ = send_through(in_sync, spoil_one("busy", "second", False), "--timeout", "5")
    check_done(in_sync, account, answer, transfers(COUNT))


@pytest.mark.parametrize("nodes", [1, 2])
def test_everything_fails_now_and_then(at_intervals, nodes):
    def check(seed):
        draw = random.Random(seed)
        account = at_intervals.account()
        harmless = [FAULTS[how] for how in FAULTS if how not in FINAL]

        def spoil(exchange):
            with lock:
                fault = draw.choice(harmless) if draw.random() < 0.25 else None
            if fault:
                fault(exchange)

        lock = threading.Lock()
        requests = transfers(12)
        with FaultProxy(at_intervals.url, spoil) as first, FaultProxy(at_intervals.url, spoil) as second:
            urls = [word for node in (first, second)[:nodes] for word in ("--rpc-url", node.url)]
            answer = run("tx-send", "--timeout", "120", "--in-flight", str(draw.choice([2, 4, 16])), *urls,
                         stdin=requests, env=at_intervals.env(account))
            check_done(at_intervals, account, answer, requests)
            assert len({*first.raws, *second.raws}) == len(requests)

    side_by_side(check, range(6))


# Another machine with the same key


def losing(ledger, account, times: dict[int, int]):
    """Requests of these values lose so many nonces, each right before a transaction of theirs is handed over."""
    left = dict(times)

    def interfere(exchange) -> None:
        for transaction in map(transaction_of, exchange.raws):
            value, nonce = transaction["value"], transaction["nonce"]
            if left.get(value, 0) and nonce == ledger.nonce(account, "pending"):
                left[value] -= 1
                ledger.send(account, nonce, 1000 + nonce)

    return interfere


@pytest.mark.parametrize("times, wanted", [
    ({1: 1}, [1000, 1, 2, 3, 4, 5]), ({1: 3}, [1000, 1001, 1002, 1, 2, 3, 4, 5]), ({2: 1}, [1, 1001, 2, 3, 4, 5]),
    ({5: 1}, [1, 2, 3, 4, 1004, 5]), ({2: 2, 4: 1}, [1, 1001, 1002, 2, 3, 1005, 4, 5]),
    ({value: 1 for value in range(2, 6)}, [1, 1001, 2, 1003, 3, 1005, 4, 1007, 5]),
])
@pytest.mark.parametrize("kind", ["in_sync", "at_intervals"])
def test_a_nonce_that_is_taken_before_sending(request, kind, times, wanted):
    """The loser takes the next one, however often, and all that is behind it follows in its order."""
    chain = request.getfixturevalue(kind)
    account = chain.account()
    with FaultProxy(chain.url, losing(chain, account, times)) as node:
        answer = run("tx-send", *OPTIONS, stdin=transfers(COUNT), env=chain.env(account, node.url))
    assert answer.status == DONE, answer
    check_records(answer, transfers(COUNT))
    assert chain.values(account) == wanted


def test_the_search_for_the_other_transaction_takes_few_requests(in_sync):
    """It is looked for in all blocks at once, however many there are."""
    in_sync.rpc("dev_mine", 300)
    account = in_sync.account()
    with FaultProxy(in_sync.url, losing(in_sync, account, {2: 1})) as node:
        answer = run("tx-send", *OPTIONS, stdin=transfers(2), env=in_sync.env(account, node.url))
    assert answer.status == DONE and in_sync.values(account) == [1, 1001, 2], answer
    asked = [calls for calls in node.requests if calls[0]["method"] == "eth_getTransactionCount"]
    read = [call for calls in node.requests for call in calls if call["method"] == "eth_getBlockByNumber"]
    assert len(asked) <= 8 and 1 <= len(read) <= 4
