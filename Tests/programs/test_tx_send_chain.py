"""Chains that drop, undo and replace what tx-send has sent, want more for it, and take fees of their own."""

import random
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import count

import pytest

import fault_proxy as faults
from fault_proxy import FaultProxy
from harness import BAD_INPUT, DONE, NO, UNKNOWN, finish, json_lines, run, running, wait_until
from sending import (
    GWEI, TO, check_done, check_records, dear_blocks, mine_until_end, running_ledger, sending, transaction_of,
    transfers,
)
from test_tx_send_faults import FAULTS, side_by_side

ETHER = 10**18


def all_pending(ledger, account, number: int) -> None:
    wait_until(lambda: ledger.nonce(account, "pending") == number)


# Undone and dropped


@pytest.mark.parametrize("depth, how", [
    (1, {"drop": True}), (1, {}), (2, {"include": True}), (3, {}), (4, {"drop": True}), (5, {}), (5, {"drop": True}),
])
def test_blocks_that_are_undone(still, depth, how):
    """What is not confirmed is looked for again, and handed over again if it was lost."""
    account = still.account()
    with FaultProxy(still.url) as node:
        with sending(still, account, transfers(3), "--confirmations", str(depth + 1), url=node.url) as process:
            all_pending(still, account, 3)
            still.rpc("dev_mine", depth)
            seen = len(node.requests)
            wait_until(lambda: len(node.requests) > seen + 1)
            assert process.poll() is None
            still.rpc("dev_reorg", depth, how)
            answer = mine_until_end(still, process)
    check_done(still, account, answer, transfers(3))
    for record, transaction in zip(answer.documents, still.transactions(account)):
        assert record["blockNumber"] == transaction["blockNumber"]


def test_blocks_that_are_undone_again_and_again():
    """Meanwhile transactions are sent, lost, and confirmed in the end."""
    with running_ledger("--block-time", "0.2", accounts=3) as ledger:
        accounts = [ledger.account() for _ in range(3)]
        draw = random.Random(7)
        over = threading.Event()

        def undo():
            while not over.wait(draw.uniform(0.2, 0.8)):
                if int(ledger.rpc("eth_blockNumber"), 16) > 6:
                    ledger.rpc("dev_reorg", draw.randrange(1, 6), {"drop": draw.random() < 0.5})

        def send(account):
            return run("tx-send", "--confirmations", "7", "--in-flight", "4", "--timeout", "40",
                       stdin=transfers(12), env=ledger.env(account))

        thread = threading.Thread(target=undo)
        thread.start()
        try:
            with ThreadPoolExecutor(3) as pool:
                begun = [pool.submit(send, account) for account in accounts]
                time.sleep(6)
                over.set()
                answers = [each.result(60) for each in begun]
        finally:
            over.set()
            thread.join()
        ledger.look_again()
        for account, answer in zip(accounts, answers):
            check_done(ledger, account, answer, transfers(12))


def test_a_nonce_that_another_uses_after_blocks_were_undone(still):
    account = still.account()
    with sending(still, account, transfers(1), "--confirmations", "3") as process:
        all_pending(still, account, 1)
        still.rpc("dev_mine", 2)
        time.sleep(0.3)
        still.rpc("dev_reorg", 2, {"drop": True})
        still.send(account, 0, 999)
        answer = mine_until_end(still, process)
    assert answer.status == NO, answer
    check_records(answer, transfers(1), "replaced")
    assert still.values(account) == [999]


@pytest.mark.parametrize("which", [[0], [1], [2], [0, 1, 2]])
def test_transactions_that_a_node_forgets(still, which):
    account = still.account()
    with FaultProxy(still.url) as node, sending(still, account, transfers(3), url=node.url) as process:
        all_pending(still, account, 3)
        for index in which:
            pool = still.rpc("txpool_content")
            waiting = {nonce: each for kind in ("pending", "queued") for sender, mine in pool[kind].items()
                       if sender.lower() == account.address.lower() for nonce, each in mine.items()}
            assert still.rpc("dev_dropTransaction", waiting[str(index)]["hash"])
        answer = mine_until_end(still, process)
    check_done(still, account, answer, transfers(3))
    assert len(set(node.raws)) == 3


# Replaced


def test_a_transaction_that_another_replaces(still, tmp_path):
    """It was accepted, and then another machine's took its place: that is told, and not sent anew unasked."""
    account = still.account()
    # A tip that another's exceeds, whatever was paid in earlier blocks.
    requests = transfers(3, maxPriorityFeePerGas=hex(GWEI // 1000))
    journal = tmp_path / "journal"
    options = "--journal", journal
    with sending(still, account, requests, *options) as process:
        all_pending(still, account, 3)
        still.send(account, 1, 999)
        answer = mine_until_end(still, process)
    assert answer.status == NO, answer
    assert [record["status"] for record in answer.documents] == ["success", "replaced", "success"]
    assert "request 2" in answer.messages("error")[0]
    assert still.values(account) == [1, 999, 3]
    again = run("tx-send", *options, stdin=requests, env=still.env(account))
    assert (again.status, again.stdout) == (NO, answer.stdout)


# Higher fees


def check_raised(raws: list[str]) -> None:
    versions = [transaction_of(raw) for raw in dict.fromkeys(raws)]
    assert len({each["nonce"] for each in versions}) == 1
    for old, new in zip(versions, versions[1:]):
        for fee in ("maxFeePerGas", "maxPriorityFeePerGas"):
            assert new[fee] >= old[fee] * 1.125, (old, new)


def test_a_transaction_that_is_stuck(still, tmp_path):
    """One with higher fees takes its place, and gets through; the journal has both."""
    account = still.account()
    # The fees are raised to ten times the first offer at most.
    with dear_blocks(still, GWEI):
        pass
    journal = tmp_path / "journal"
    with FaultProxy(still.url) as node:
        options = "--bump-after", "1", "--journal", journal
        with sending(still, account, transfers(1), *options, url=node.url) as process:
            all_pending(still, account, 1)
            with dear_blocks(still, 10 * GWEI):
                # Each block is cheaper than the one before: with many of them the lower version would get through.
                wait_until(lambda: len(set(node.raws)) >= 2)
                answer = mine_until_end(still, process)
    check_done(still, account, answer, transfers(1))
    check_raised(node.raws)
    held = journal.read_text()
    assert all(raw in held for raw in node.raws)
    [mined] = still.transactions(account)
    assert int(mined["maxFeePerGas"], 16) > 8 * GWEI
    again = run("tx-send", "--journal", journal, stdin=transfers(1), env=still.env(account, "http://127.0.0.1:9"))
    assert (again.status, again.stdout) == (DONE, answer.stdout)


@pytest.mark.parametrize("which", ["first", "last"])
def test_either_version_may_be_the_one(still, which):
    """The node took the higher one, or did not: what is in the block counts."""
    account = still.account()
    underpriced = faults.error(-32000, "replacement transaction underpriced")

    def reject(exchange):
        if which == "first" and exchange.raws and transaction_of(exchange.raws[0])["maxFeePerGas"] > first[0]:
            underpriced(exchange)

    first = [10**30]
    with FaultProxy(still.url, reject) as node:
        with sending(still, account, transfers(1), "--bump-after", "1", url=node.url) as process:
            all_pending(still, account, 1)
            first[0] = transaction_of(node.raws[0])["maxFeePerGas"]
            wait_until(lambda: len(set(node.raws)) >= 2)
            time.sleep(0.3)
            answer = mine_until_end(still, process)
    check_done(still, account, answer, transfers(1))
    [mined] = still.transactions(account)
    assert (int(mined["maxFeePerGas"], 16) == first[0]) == (which == "first")


@pytest.mark.parametrize("options, members", [
    (["--max-fee", "2500000000"], {}), ([], {"maxFeePerGas": hex(2_500_000_000)}),
], ids=["option", "request"])
def test_the_limit_of_what_gas_may_cost_holds_for_higher_fees_too(still, options, members):
    """And it is said once that it does."""
    account = still.account()
    [request] = transfers(1)
    with FaultProxy(still.url) as node:
        options = "--bump-after", "1", *options
        with sending(still, account, [request | members], *options, url=node.url) as process:
            all_pending(still, account, 1)
            with dear_blocks(still, 40 * GWEI):
                time.sleep(2.5)
                assert process.poll() is None
            answer = mine_until_end(still, process)
    check_done(still, account, answer, transfers(1))
    assert max(transaction_of(raw)["maxFeePerGas"] for raw in node.raws) <= 2_500_000_000
    check_raised(node.raws)
    assert len([text for text in answer.messages("warning") if "--max-fee" in text]) == 1


def test_a_run_that_is_killed_after_it_raised_the_fees(still, tmp_path):
    account = still.account()
    journal = tmp_path / "journal"
    options = "--bump-after", "1", "--journal", journal
    with FaultProxy(still.url) as node:
        with sending(still, account, transfers(2), *options, url=node.url) as process:
            wait_until(lambda: len(set(node.raws)) >= 3)
            process.kill()
        with sending(still, account, transfers(2), *options, url=node.url) as process:
            answer = mine_until_end(still, process)
    check_done(still, account, answer, transfers(2))


def test_a_fault_when_fees_are_raised(still):
    """When the fees are asked, and when the transaction is handed over with more."""
    def check(case):
        how, step = case
        account = still.account()
        numbers = count()

        def spoil(exchange):
            is_step = exchange.methods == ["eth_feeHistory"] if step == "fees" else len(exchange.proxy.raws) > 1
            if is_step and (exchange.raws or step == "fees") and next(numbers) == 0:
                FAULTS[how](exchange)
                faulty.append(case)

        with FaultProxy(still.url, spoil) as node:
            with sending(still, account, transfers(1), "--bump-after", "1", url=node.url) as process:
                answer = finish("tx-send", process, 30)
        check_raised(node.raws)
        answers[case] = account, answer

    faulty, answers = [], {}
    hows = ("reset before", "reset after", "429", "502 after", "HTML", "wrong id", "slow")
    cases = [(how, step) for how in hows for step in ("fees", "bump")]

    def mine():
        wait_until(lambda: len(faulty) == len(cases))
        time.sleep(0.5)
        while len(answers) < len(cases) and not over.wait(0.3):
            still.rpc("dev_mine")

    over = threading.Event()
    miner = threading.Thread(target=mine)
    miner.start()
    try:
        side_by_side(check, cases)
    finally:
        over.set()
        miner.join()
    still.look_again()
    for account, answer in answers.values():
        check_done(still, account, answer, transfers(1))


# What it costs


@pytest.mark.parametrize("tip", [1, 3 * GWEI, 60 * GWEI])
def test_the_least_tip(at_once, tip):
    account = at_once.account()
    answer = run("tx-send", "--min-tip", str(tip), stdin=transfers(1), env=at_once.env(account))
    check_done(at_once, account, answer, transfers(1))
    [transaction] = at_once.transactions(account)
    assert int(transaction["maxPriorityFeePerGas"], 16) >= tip
    asked = run("tx-send", "--min-tip", str(tip), stdin=transfers(1, 2, maxPriorityFeePerGas="0x7"),
                env=at_once.env(account))
    assert asked.status == DONE
    assert int(at_once.transactions(account)[-1]["maxPriorityFeePerGas"], 16) == 7, "the request's own tip counts"


ORACLE = "0x420000000000000000000000000000000000000F"


@pytest.fixture
def rollup(at_once):
    """A chain that takes a fee for its parent chain, as those of the OP stack do."""
    fee = ETHER // 4
    # PUSH32 fee; PUSH0; MSTORE; PUSH1 32; PUSH0; RETURN
    at_once.rpc("dev_setCode", ORACLE, "0x7f" + fee.to_bytes(32, "big").hex() + "5f5260205ff3")
    yield at_once, fee
    at_once.rpc("dev_setCode", ORACLE, "0x")


def test_what_a_rollup_takes_is_counted(rollup):
    ledger, fee = rollup
    account = ledger.account()
    records = run("tx-send", "--dry-run", stdin=transfers(2, gas="0x5208", maxFeePerGas=hex(3 * GWEI)),
                  env=ledger.env(account)).check_done().documents
    for value, record in enumerate(records, 1):
        assert int(record["l1Fee"], 16) == fee
        assert int(record["maxCost"], 16) == value + 21000 * 3 * GWEI + fee
    answer = run("tx-send", stdin=transfers(2), env=ledger.env(account))
    check_done(ledger, account, answer, transfers(2))
    assert all("l1Fee" not in record for record in answer.documents)


def test_what_a_rollup_takes_must_be_there(rollup):
    ledger, fee = rollup
    account = ledger.account()
    balance = int(ledger.rpc("eth_getBalance", account.address, "latest"), 16)
    gas = 21000 * 3 * GWEI
    members = {"gas": "0x5208", "maxFeePerGas": hex(3 * GWEI)}
    for mode in ([], ["--dry-run"]):
        answer = run("tx-send", *mode, stdin=transfers(1, balance - gas - fee + 1, **members), env=ledger.env(account))
        error = answer.check_error(NO, account.address, prints=None)
        assert [record["shortfall"] for record in answer.documents] == (["0x1"] if mode else [])
        has, needs = (Decimal(word.split()[0]) for word in (error.split(" has ")[1], error.split(" may cost ")[1]))
        assert (has * ETHER, needs * ETHER) == (balance, balance + 1)
    assert ledger.nonce(account, "pending") == 0
    request = transfers(1, balance - gas - fee, **members)
    check_done(ledger, account, run("tx-send", stdin=request, env=ledger.env(account)), request)


def test_the_sum_of_what_is_sent_must_be_there(at_once):
    account = at_once.account()
    requests = [{"to": TO, "value": hex(4000 * ETHER), "label": str(number)} for number in range(3)]
    answer = run("tx-send", "--dry-run", stdin=requests, env=at_once.env(account))
    assert answer.status == NO and len(answer.documents) == 2, answer
    assert "10000 ether" in answer.messages("error")[0] and "may cost 12000" in answer.messages("error")[0]


# Nodes that wait for the block themselves


@pytest.fixture(scope="module")
def waiting_node():
    with running_ledger("--block-time", "0.5", "--send-sync", accounts=20) as ledger:
        yield ledger


def sync_calls(node) -> int:
    return node.methods.count("eth_sendRawTransactionSync")


@pytest.mark.parametrize("number, calls", [(1, 1), (2, 1), (5, 0)])
def test_a_node_that_waits_is_asked_to(waiting_node, number, calls):
    """With a transaction that is handed over alone and is the last: others before it may be lost."""
    account = waiting_node.account()
    with FaultProxy(waiting_node.url) as node:
        answer = run("tx-send", stdin=transfers(number), env=waiting_node.env(account, node.url))
    check_done(waiting_node, account, answer, transfers(number))
    assert sync_calls(node) == calls and len(node.raws) == number


@pytest.mark.parametrize("options", [["--async"], ["--confirmations", "2"]])
def test_a_node_is_not_asked_to_wait_in_vain(waiting_node, options):
    account = waiting_node.account()
    with FaultProxy(waiting_node.url) as node:
        answer = run("tx-send", *options, stdin=transfers(2), env=waiting_node.env(account, node.url))
    assert answer.status == DONE and sync_calls(node) == 0


def test_a_node_that_does_not_wait_is_asked_once(at_once):
    account = at_once.account()
    requests = transfers(3)
    with FaultProxy(at_once.url) as node:
        with running("tx-send", stdin=subprocess.PIPE, env=at_once.env(account, node.url)) as process:
            for request in requests:
                process.stdin.write(json_lines(request).encode())
                process.stdin.flush()
                process.stdout.readline()
            process.stdin.close()
            process.stdin = None
            assert finish("tx-send", process, 20).status == DONE
    assert at_once.values(account) == [1, 2, 3] and sync_calls(node) <= 1


@pytest.mark.parametrize("number", [1, 2])
def test_a_node_that_waited_in_vain(waiting_node, number):
    """The transaction was sent: it is looked for, and not sent again."""
    hows = {
        "error 4": faults.error(4, "The transaction was added to the pool but wasn't processed", processed=True),
        "internal error": faults.error(-32603, "timeout", processed=True),
        "reset": faults.reset_after,
        "slow": faults.slow(0.7),
    }

    def check(how):
        account = waiting_node.account()
        spoilt = []

        def spoil(exchange):
            if "eth_sendRawTransactionSync" in exchange.methods and not spoilt:
                spoilt.append(exchange)
                hows[how](exchange)

        with FaultProxy(waiting_node.url, spoil) as node:
            answer = run("tx-send", stdin=transfers(number), env=waiting_node.env(account, node.url))
        check_done(waiting_node, account, answer, transfers(number))
        assert spoilt and len(node.raws) == number

    side_by_side(check, hows)


def test_a_node_that_waits_in_vain_itself():
    """No block comes for as long as it waits."""
    with running_ledger("--manual", "--send-sync", accounts=1) as ledger:
        account = ledger.account()
        answer = run("tx-send", "--timeout", "2", stdin=transfers(1), env=ledger.env(account))
        assert answer.status == UNKNOWN, answer
        check_records(answer, transfers(1), "pending")
        ledger.rpc("dev_mine")
        assert ledger.values(account) == [1]
