"""tx-send with much to send, with others beside it, and with signals: in order, in bounded memory, and once each."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import fault_proxy as faults
from fault_proxy import FaultProxy
from harness import (
    BAD_INPUT, DONE, ENVIRONMENT, NO, UNKNOWN, UNREACHABLE, cost, finish, json_lines, measured, plain_memory, run,
    running, wait_until,
)
from sending import check_done, check_records, running_ledger, signed, transaction_of, transfers

pytestmark = pytest.mark.thread

MANY = 10_000 if os.environ.get("TEEBRIDGE_SLOW_TESTS") else 2_000
FEW = 400


def begin(ledger, account, *options, url=None, env=None, **streams):
    """A run whose input is written by the test."""
    return running("tx-send", "--timeout", "60", *options, stdin=subprocess.PIPE,
                   env=ledger.env(account, url) | (env or {}), **streams)


def write(process, requests) -> None:
    process.stdin.write(json_lines(requests).encode())
    process.stdin.flush()


def end_of_input(process) -> None:
    process.stdin.close()
    process.stdin = None


# Several at a time


@pytest.mark.parametrize("names_chain", [True, False])
@pytest.mark.parametrize("number", [2, 5])
@pytest.mark.parametrize("kind", ["at_once", "at_intervals"])
def test_several_with_one_key(request, kind, number, names_chain):
    """On one machine they do not meet: no nonce is used twice, and each request is sent once."""
    chain = request.getfixturevalue(kind)
    account = chain.account()
    env = chain.env(account) | ({} if names_chain else {"CHAIN": ""})
    parts = [transfers(8, 1 + 100 * part) for part in range(number)]
    with FaultProxy(chain.url) as node, ThreadPoolExecutor(number) as pool:
        env["ETH_RPC_URL"] = node.url
        answers = list(pool.map(lambda part: run("tx-send", stdin=part, env=env), parts))
    for answer, part in zip(answers, parts):
        assert answer.status == DONE, answer
        check_records(answer, part)
    assert sorted(chain.values(account)) == sorted(int(each["value"], 16) for part in parts for each in part)
    raws = set(node.raws)
    assert len(raws) == len({transaction_of(raw)["nonce"] for raw in raws}), "a nonce was signed twice"


def test_one_waits_as_long_as_another_has_the_key(still):
    """And says so if that takes too long; nothing of it was sent."""
    account = still.account()
    drop = faults.status(502)
    with FaultProxy(still.url, lambda exchange: exchange.raws and drop(exchange)) as node:
        with begin(still, account, url=node.url) as first:
            write(first, transfers(1))
            assert b"sending" in first.stderr.readline()
            answer = run("tx-send", "--timeout", "1", stdin=transfers(1, 2), env=still.env(account))
            answer.check_error(UNREACHABLE, account.address)
            other = still.account()
            pending = run("tx-send", "--async", stdin=transfers(1, 3), env=still.env(other))
            check_records(pending, transfers(1, 3), "pending")
    answer = run("tx-send", "--async", stdin=transfers(1, 2), env=still.env(account))
    assert answer.status == DONE


# Much to send


def peak_memory(ledger, requests, path, *options) -> int:
    """The most memory that a run had, in bytes; all its records are right."""
    account = ledger.account()
    source, target = path / f"requests-{len(requests)}", path / f"records-{len(requests)}"
    source.write_text(json_lines(requests))
    with open(target, "wb") as output, open(source, "rb") as input_:
        done = subprocess.run(
            measured("tx-send", *options, seconds=280), stdin=input_, stdout=output,
            stderr=subprocess.PIPE, env=ENVIRONMENT | ledger.env(account), text=True, timeout=300)
    assert done.returncode == DONE
    records = [json.loads(line) for line in target.read_bytes().splitlines()]
    assert [record["label"] for record in records] == [request["label"] for request in requests]
    assert {record["status"] for record in records} == {"success"}
    values = ledger.values(account)
    assert values == [int(request["value"], 16) for request in requests], "not once each and in their order"
    return cost(done.stderr.splitlines()[-1])[0]


@plain_memory
@pytest.mark.long
def test_memory_does_not_grow_with_the_input(tmp_path):
    # The chain is what takes the time: it makes few blocks, and is asked for no more than it must be.
    with running_ledger("--no-simulate", "--block-time", "0.25", accounts=2) as ledger:
        small, large = (peak_memory(ledger, transfers(count, gas="0x5208"), tmp_path, "--in-flight", "64")
                        for count in (FEW, MANY))
    assert large < 1.2 * small, (small, large)
    assert large < 128 << 20


@pytest.mark.parametrize("in_flight", [1, 3, 16])
def test_no_more_are_under_way_than_allowed(at_intervals, in_flight):
    account = at_intervals.account()
    under_way, most = set(), [0]

    def count(pairs):
        for call, answer in pairs:
            if call["method"].startswith("eth_sendRawTransaction") and isinstance(answer.get("result"), str):
                under_way.add(answer["result"])
            if call["method"] == "eth_getTransactionReceipt" and answer.get("result"):
                under_way.discard(call["params"][0])
        most[0] = max(most[0], len(under_way))

    requests = transfers(min(4 * in_flight, 24))
    with FaultProxy(at_intervals.url) as node:
        node.on_answer = count
        answer = run("tx-send", "--in-flight", str(in_flight), stdin=requests, env=at_intervals.env(account, node.url))
    check_done(at_intervals, account, answer, requests)
    assert 0 < most[0] <= in_flight


def test_records_come_as_their_transactions_are_done(at_once):
    account = at_once.account()
    with begin(at_once, account) as process:
        for number in range(1, 6):
            write(process, transfers(1, number))
            assert json.loads(process.stdout.readline())["label"] == f"request {number}"
        end_of_input(process)
        assert finish("tx-send", process, 20).status == DONE


# Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_reading_and_not_waiting(still, number):
    account = still.account()
    with begin(still, account) as process:
        write(process, transfers(3))
        wait_until(lambda: still.nonce(account, "pending") == 3)
        process.send_signal(number)
        time.sleep(0.3)
        write(process, transfers(1, 4))
        time.sleep(0.3)
        assert process.poll() is None and still.nonce(account, "pending") == 3
        still.rpc("dev_mine")
        answer = finish("tx-send", process, 20)
    assert answer.status == -number, answer
    check_records(answer, transfers(3))
    assert still.values(account) == [1, 2, 3]


def test_a_signal_after_the_last_request_changes_nothing(still):
    account = still.account()
    with begin(still, account) as process:
        write(process, transfers(2))
        end_of_input(process)
        wait_until(lambda: still.nonce(account, "pending") == 2)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        still.rpc("dev_mine")
        answer = finish("tx-send", process, 20)
    check_done(still, account, answer, transfers(2))


@pytest.mark.parametrize("first, second", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)])
def test_a_second_signal_ends_at_once(still, first, second):
    account = still.account()
    with begin(still, account) as process:
        write(process, transfers(3))
        wait_until(lambda: still.nonce(account, "pending") == 3)
        process.send_signal(first)
        time.sleep(0.3)
        process.send_signal(second)
        answer = finish("tx-send", process, 10)
    assert answer.status == UNKNOWN, answer
    check_records(answer, transfers(3), "pending")
    still.rpc("dev_mine")
    assert still.values(account) == [1, 2, 3]
    done = run("tx-send", "--wait", stdin=answer.stdout, env=still.env(account))
    check_done(still, account, done, transfers(3))


def test_a_second_signal_ends_at_once_though_the_node_is_silent(still):
    account = still.account()
    with FaultProxy(still.url) as node, begin(still, account, url=node.url) as process:
        write(process, transfers(1))
        wait_until(lambda: still.nonce(account, "pending") == 1)
        node.fault = faults.slow(30)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        answer = finish("tx-send", process, 10)
    assert answer.status == UNKNOWN, answer
    check_records(answer, transfers(1), "pending")


def test_a_signal_before_anything_was_sent(still):
    """While questions are asked, and while nothing is asked: nothing is sent."""
    account = still.account()
    with begin(still, account) as process:
        time.sleep(0.3)
        process.terminate()
        process.wait(10)
        answer = finish("tx-send", process, 10)
    assert (answer.status, answer.stdout) == (-signal.SIGTERM, b""), answer
    with FaultProxy(still.url, faults.slow(30)) as node, begin(still, account, url=node.url) as process:
        write(process, transfers(1))
        wait_until(lambda: node.requests)
        process.terminate()
        answer = finish("tx-send", process, 10)
    assert answer.stdout == b"", answer
    assert answer.status in (-signal.SIGTERM, UNREACHABLE), answer
    assert still.nonce(account, "pending") == 0


def test_a_signal_while_the_first_is_handed_over(still):
    """Whether the node has it is not known then: that is found out."""
    account = still.account()

    def stall(exchange):
        if exchange.raws and not stalled:
            stalled.append(exchange.forward())
            process.terminate()
            time.sleep(3)

    stalled = []
    with FaultProxy(still.url, stall) as node, begin(still, account, url=node.url) as process:
        write(process, transfers(1))
        wait_until(lambda: stalled)
        time.sleep(0.5)
        still.rpc("dev_mine")
        answer = finish("tx-send", process, 20)
    assert answer.status == -signal.SIGTERM, answer
    check_records(answer, transfers(1))
    assert still.values(account) == [1]


def test_a_signal_hides_no_revert(still):
    account = still.account()
    target = "0x" + "fe" * 20
    still.rpc("dev_setCode", target, "0x5f5ffd")
    with begin(still, account) as process:
        write(process, [{"label": "bad", "to": target, "data": "0x01", "gas": "0x186a0"}])
        wait_until(lambda: still.nonce(account, "pending") == 1)
        process.terminate()
        time.sleep(0.2)
        still.rpc("dev_mine")
        answer = finish("tx-send", process, 20)
    assert answer.status == NO and answer.document["status"] == "reverted", answer


# What is said


def test_nothing_is_said_but_what_is_sent(at_intervals):
    account = at_intervals.account()
    requests = transfers(20)
    answer = run("tx-send", "--in-flight", "4", stdin=requests, env=at_intervals.env(account))
    check_done(at_intervals, account, answer, requests)
    expected = [f"tx-send: sending {record['transactionHash']} ({record['label']})" for record in answer.documents]
    assert answer.stderr.splitlines() == expected


def test_a_terminal_gets_a_line_of_progress(still):
    account = still.account()
    master, slave = pty.openpty()
    with begin(still, account, stderr=slave) as process:
        os.close(slave)
        write(process, transfers(3))
        end_of_input(process)
        seen, end = b"", time.monotonic() + 20
        while b"3 waiting" not in seen and time.monotonic() < end:
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 4096)
        still.rpc("dev_mine")
        output, _ = process.communicate(timeout=20)
        assert process.returncode == DONE and len(output.splitlines()) == 3
    while select.select([master], [], [], 0.2)[0]:
        try:
            seen += os.read(master, 4096)
        except OSError:
            break
    os.close(master)
    assert re.search(rb"\r\x1b\[K3 sent, 0 done, 3 waiting, 0 ether paid for gas", seen), seen
    assert seen.endswith(b"\r\x1b[K"), "the line is left behind"


# --async and --wait


def test_what_is_only_handed_over_is_waited_for_later(still):
    account = still.account()
    requests = transfers(5, id="x")
    for number, request in enumerate(requests):
        request["id"] = f"id {number}"
    answer = run("tx-send", "--async", stdin=requests, env=still.env(account))
    assert answer.status == DONE, answer
    check_records(answer, requests, "pending")
    assert [record["id"] for record in answer.documents] == [request["id"] for request in requests]
    assert [transaction_of(record["raw"])["value"] for record in answer.documents] == [1, 2, 3, 4, 5]
    assert still.nonce(account, "pending") == 5
    pending = run("tx-send", "--wait", "--timeout", "1", stdin=answer.stdout, env=still.env(account))
    assert pending.status == UNKNOWN
    assert pending.documents[0] == answer.documents[0]
    still.rpc("dev_dropMempool")
    assert still.nonce(account, "pending") == 0
    with running("tx-send", "--wait", stdin=subprocess.PIPE, env={"ETH_RPC_URL": still.url}) as process:
        process.stdin.write(answer.stdout)
        end_of_input(process)
        wait_until(lambda: still.nonce(account, "pending") == 5)
        still.rpc("dev_mine")
        done = finish("tx-send", process, 20)
    check_done(still, account, done, requests)
    assert [record["id"] for record in done.documents] == [request["id"] for request in requests]
    again = run("tx-send", "--wait", stdin=done.stdout, env={"ETH_RPC_URL": still.url})
    assert (again.status, again.stdout, again.stderr) == (DONE, done.stdout, "")


@pytest.mark.parametrize("record, status", [
    ({"label": "a", "status": "success", "transactionHash": "0x" + "12" * 32, "x": [1, {"y": None}]}, DONE),
    ({"status": "skipped"}, DONE), ({"status": "simulated", "gasUsed": "0x5208"}, DONE),
    ({"status": "signed", "raw": "0x02"}, DONE), ({"status": "called", "result": "0x"}, DONE),
    ({"status": "reverted", "transactionHash": "0x" + "12" * 32}, NO),
    ({"status": "replaced", "transactionHash": "0x" + "12" * 32}, NO),
])
def test_records_of_what_is_done_are_passed_on(record, status):
    """No node is asked about them."""
    answer = run("tx-send", "--wait", "--rpc-url", "http://127.0.0.1:9", stdin=record)
    assert (answer.status, answer.stdout) == (status, json.dumps(record, separators=(",", ":")).encode() + b"\n")


@pytest.mark.parametrize("record", [
    {"status": "pending"}, {"status": "pending", "transactionHash": "0x12"}, {"status": "pending", "raw": "0x02"},
    {"status": "none"}, {}, {"status": "pending", "raw": "0x02", "transactionHash": "0x" + "12" * 32},
])
def test_records_that_are_none(record):
    answer = run("tx-send", "--wait", "--rpc-url", "http://127.0.0.1:9", stdin=record)
    answer.check_error(BAD_INPUT)


def test_a_record_whose_bytes_are_anothers_is_refused(still):
    account = still.account()
    record = {"status": "pending", "transactionHash": "0x" + "12" * 32, "raw": signed(account, 0, 1)}
    run("tx-send", "--wait", stdin=record, env=still.env(account)).check_error(BAD_INPUT)
    assert still.nonce(account, "pending") == 0


def test_what_became_of_pending_records(still):
    """Done, reverted, replaced, and one of which only the hash is known."""
    account = still.account()
    target = "0x" + "fe" * 20
    still.rpc("dev_setCode", target, "0x5f5ffd")
    requests = transfers(2) + [{"label": "bad", "to": target, "data": "0x01", "gas": "0x186a0"}]
    records = run("tx-send", "--async", stdin=requests, env=still.env(account)).documents
    other = still.account()
    lost = {"label": "lost", "status": "pending", "raw": signed(other, 0, 7)}
    still.send(other, 0, 8)
    still.rpc("dev_mine")
    del records[0]["raw"]
    answer = run("tx-send", "--wait", stdin=records[:2], env=still.env(account))
    check_records(answer, requests[:2])
    for record, status in ((records[2], "reverted"), (lost, "replaced")):
        answer = run("tx-send", "--wait", stdin=record, env=still.env(account))
        assert (answer.status, answer.document["status"]) == (NO, status), answer
