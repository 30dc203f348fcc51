"""tx-send --journal: a run may end at any instant, and the same command goes on with it; nothing is sent twice."""

import json
import os
import random
import resource
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from eth_utils import keccak

import fault_proxy as faults
from fault_proxy import FaultProxy
from harness import (
    BAD_INPUT, DONE, ENVIRONMENT, NO, UNKNOWN, UNREACHABLE, Result, finish, json_lines, program_path, run, running,
    wait_until,
)
from sending import check_done, check_records, lines_of, running_ledger, transaction_of, transfers
from services import CHAIN_ID

COUNT = 6
SEED = 20250101
# How many runs are killed in each of the five ways.
KILLS = 40 if os.environ.get("TEEBRIDGE_SLOW_TESTS") else 10


def send(ledger, account, journal, requests, *options, url=None, env=None, **more) -> Result:
    return run("tx-send", "--journal", journal, "--timeout", "20", *options, stdin=requests,
               env=ledger.env(account, url) | (env or {}), **more)


# Killed


class Kill:
    """A run that is killed at an instant that is chosen by `when`, and then the same command once more."""

    def __init__(self, ledger, path, number: int):
        self.ledger = ledger
        self.random = random.Random(SEED + number)
        self.account = ledger.account()
        self.requests = transfers(COUNT, 1 + 100 * number)
        self.path = path / f"kill-{number}"
        self.path.mkdir()
        self.journal = self.path / "journal"
        self.input = self.path / "requests"
        self.input.write_text(json_lines(self.requests))
        self.options = ["--in-flight", str(self.random.choice([1, 2, 3, 16]))]

    def start(self, url: str):
        return subprocess.Popen(
            [program_path("tx-send"), "--journal", self.journal, "--timeout", "20", *self.options, self.input],
            env=ENVIRONMENT | self.ledger.env(self.account, url), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def after_a_time(self, longest: float) -> None:
        process = self.start(self.ledger.url)
        time.sleep(self.random.uniform(0, longest))
        self.end(process)

    def around_sending(self) -> None:
        """Before or after the node got the transactions of one of the requests that hand some over."""
        number = self.random.randrange(4)
        is_before = self.random.random() < 0.5
        is_killed = threading.Event()
        started = threading.Event()
        seen = []

        def kill(exchange):
            if not exchange.raws or is_killed.is_set():
                return
            seen.append(exchange)
            if len(seen) <= number:
                return
            started.wait(5)
            if not is_before:
                exchange.forward()
            process.kill()
            is_killed.set()
            exchange.close()

        with FaultProxy(self.ledger.url, kill) as node:
            process = self.start(node.url)
            started.set()
            wait_until(lambda: is_killed.is_set() or process.poll() is not None)
            self.end(process)

    def around_writing(self) -> None:
        """As soon as the journal has grown for the n-th time."""
        wanted = self.random.randrange(1, 10)
        process = self.start(self.ledger.url)
        size, growths = 0, 0
        while growths < wanted and process.poll() is None:
            now = self.journal.stat().st_size if self.journal.exists() else 0
            growths += now > size
            size = max(now, size)
        self.end(process)

    def amid_faults(self) -> None:
        """Of the transactions some are lost on the way there, and some answers on the way back."""
        bad = [faults.reset_before, faults.reset_after, faults.status(502, processed=True), faults.status(429)]

        def spoil(exchange):
            if self.random.random() < 0.3:
                self.random.choice(bad)(exchange)

        with FaultProxy(self.ledger.url, spoil) as node:
            process = self.start(node.url)
            time.sleep(self.random.uniform(0.02, 1.2))
            self.end(process)

    @staticmethod
    def end(process) -> None:
        process.kill()
        process.communicate(timeout=10)

    def check(self) -> None:
        """Going on does all that is left, and tells everything; doing so once more tells the same."""
        answer = finish("tx-send", self.start(self.ledger.url), 30)
        assert answer.status == DONE and not answer.messages("error"), answer
        check_done(self.ledger, self.account, answer, self.requests)
        again = finish("tx-send", self.start("http://127.0.0.1:9"), 30)
        assert (again.status, again.stdout) == (DONE, answer.stdout), again


WAYS = {
    "at any time": lambda kill: kill.after_a_time(0.25),
    "over seconds": lambda kill: kill.after_a_time(3),
    "around sending": Kill.around_sending,
    "around writing": Kill.around_writing,
    "amid faults": Kill.amid_faults,
}


@pytest.mark.parametrize("way", [way for way in WAYS if way != "over seconds"])
def test_a_killed_run_is_gone_on_with(at_once, tmp_path, way):
    check_kills(at_once, tmp_path, way, KILLS)


def test_a_killed_run_is_gone_on_with_where_blocks_take_a_second(tmp_path):
    with running_ledger("--block-time", "1", accounts=KILLS) as ledger:
        check_kills(ledger, tmp_path, "over seconds", KILLS)


def check_kills(ledger, path, way: str, count: int) -> None:
    def check(number):
        kill = Kill(ledger, path, number)
        WAYS[way](kill)
        kill.check()

    with ThreadPoolExecutor(12 if way == "over seconds" else 4) as pool:
        results = {number: pool.submit(check, number) for number in range(count)}
    wrong = {number: result.exception() for number, result in results.items() if result.exception()}
    assert not wrong, "".join(f"\n\n{number}: {reason!r}" for number, reason in wrong.items())


def test_a_run_that_is_killed_again_and_again(at_once, tmp_path):
    """Each run comes a little further."""
    kill = Kill(at_once, tmp_path, 0)
    kill.options = ["--in-flight", "2"]
    for _ in range(12):
        kill.around_writing()
    kill.check()


# What is in the journal, and when


def test_each_transaction_is_noted_right_before_the_node_gets_it(at_once, journal):
    """Alone: what is behind it is not signed before its nonce is claimed."""
    seen = []

    def look(exchange):
        if exchange.raws:
            seen.append((exchange.raws, [line["raw"] for line in lines_of(journal) if "raw" in line]))

    account = at_once.account()
    with FaultProxy(at_once.url, look) as node:
        answer = send(at_once, account, journal, transfers(COUNT), url=node.url)
    check_done(at_once, account, answer, transfers(COUNT))
    noted = seen[-1][1]
    assert len(noted) == COUNT
    assert seen == [([raw], noted[:number]) for number, raw in enumerate(noted, 1)]
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


def test_done_is_done(at_once, journal):
    """A third run prints the same records, and asks the node nothing."""
    account = at_once.account()
    requests = transfers(3) + transfers(1, 4, id="four")
    first = send(at_once, account, journal, requests)
    check_done(at_once, account, first, requests)
    size = journal.stat().st_size
    for _ in range(2):
        with FaultProxy(at_once.url) as node:
            answer = send(at_once, account, journal, requests, url=node.url)
        assert (answer.status, answer.stdout, answer.stderr) == (DONE, first.stdout, "")
        assert node.requests == [] and journal.stat().st_size == size
    more = requests + transfers(2, 10)
    check_done(at_once, account, send(at_once, account, journal, more), more)


def test_a_torn_last_line_is_nothing(at_once, journal):
    """The program writes before it sends: what is cut off in the journal was not sent."""
    account = at_once.account()
    for length in (1, 40, 300):
        size = journal.stat().st_size if journal.exists() else 0
        done = send(at_once, account, journal, transfers(1, length))
        assert done.status == DONE
        whole = journal.read_bytes()
        journal.write_bytes(whole + b'{"request":"0x' + b"ab" * length)
        again = send(at_once, account, journal, transfers(1, length))
        assert (again.status, again.stdout) == (DONE, done.stdout), again
        assert journal.read_bytes() == whole and len(whole) > size
    assert at_once.values(account) == [1, 40, 300]


def test_a_torn_transaction_is_sent_anew(at_once, journal):
    account = at_once.account()
    assert send(at_once, account, journal, transfers(1)).status == DONE
    [noted, _] = journal.read_bytes().splitlines(keepends=True)
    other = at_once.account()
    torn = noted.replace(b'"raw":"', b'"raw":"')[:-20]
    journal.write_bytes(torn)
    answer = send(at_once, other, journal, transfers(1))
    check_done(at_once, other, answer, transfers(1))


@pytest.mark.parametrize("line", [
    b"{}", b"[]", b"nonsense", b'{"request":7}', b'{"request":"0x12"}', b'{"request":"0x12","raw":"0x02"}',
    b'{"request":"0x12","raw":"0xzz"}', b'{"request":"0x12","record":[]}', b'{"request":"0x12","refused":"0x12"}',
    b'{"request":"0x12","rejected":"0x12"}',
    b"\xff\xfe", b"[" * 100_000, b'{"request":"0x12","record":{"status":"success"',
])
@pytest.mark.parametrize("is_last", [False, True])
def test_a_damaged_line_is_refused(at_once, journal, line, is_last):
    account = at_once.account()
    good = send(at_once, account, journal, transfers(1))
    assert good.status == DONE
    lines = journal.read_bytes().splitlines()
    lines.insert(len(lines) if is_last else 1, line)
    journal.write_bytes(b"\n".join(lines) + b"\n")
    before = journal.read_bytes()
    answer = send(at_once, account, journal, transfers(2))
    answer.check_error(BAD_INPUT, str(journal), f"line {len(lines) if is_last else 2}")
    assert journal.read_bytes() == before and at_once.values(account) == [1]


def test_empty_lines_of_a_journal_say_nothing(at_once, journal):
    account = at_once.account()
    good = send(at_once, account, journal, transfers(1))
    journal.write_bytes(b"\n" + journal.read_bytes().replace(b"\n", b"\n\n"))
    assert send(at_once, account, journal, transfers(1)).check_done().stdout == good.stdout
    assert at_once.values(account) == [1]


def test_the_journal_of_another_key_or_chain_is_refused(at_once, journal):
    account, other = at_once.account(), at_once.account()
    assert send(at_once, account, journal, transfers(1)).status == DONE
    before = journal.read_bytes()
    send(at_once, other, journal, transfers(1)).check_error(BAD_INPUT, "another key", account.address)
    send(at_once, account, journal, transfers(1), env={"CHAIN": "1"}).check_error(BAD_INPUT, "another chain", str(CHAIN_ID))
    send(at_once, account, journal, transfers(2), "--chain", "base").check_error(BAD_INPUT, "another chain")
    assert journal.read_bytes() == before and at_once.nonce(other, "pending") == 0
    # A chain that is not named is the journal's.
    answer = send(at_once, account, journal, transfers(2), env={"CHAIN": ""})
    check_done(at_once, account, answer, transfers(2))


def test_a_node_of_another_chain_than_the_journals_is_refused(at_once, journal):
    account = at_once.account()
    assert send(at_once, account, journal, transfers(1)).status == DONE
    with running_ledger("--chain-id", "4711", accounts=1) as elsewhere:
        answer = send(elsewhere, account, journal, transfers(2), env={"CHAIN": ""})
    assert (answer.status, len(answer.documents)) == (BAD_INPUT, 1), answer
    assert "4711" in answer.messages("error")[0]


@pytest.mark.parametrize("path", ["/", "/absent/journal", "/dev/null/journal"])
def test_a_journal_that_cannot_be_opened(at_once, path):
    account = at_once.account()
    send(at_once, account, path, transfers(1)).check_error(BAD_INPUT, path)
    assert at_once.nonce(account, "pending") == 0


@pytest.mark.parametrize("room, done", [(100, 0), (400, 1), (1000, 2)])
def test_what_cannot_be_noted_is_not_sent(at_once, journal, room, done):
    account = at_once.account()
    answer = send(at_once, account, journal, transfers(5), "--in-flight", "1", restore_signals=False,
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
    assert answer.status == (UNKNOWN if done else UNREACHABLE), answer
    check_records(answer, transfers(done))
    assert at_once.nonce(account, "pending") == done
    check_done(at_once, account, send(at_once, account, journal, transfers(5)), transfers(5))


# Names


def test_two_identical_requests_are_two(at_once, journal):
    account = at_once.account()
    requests = transfers(1) + transfers(1) + transfers(1, 2) + transfers(1)
    first = send(at_once, account, journal, requests)
    assert first.status == DONE and sorted(at_once.values(account)) == [1, 1, 1, 2]
    assert len({record["transactionHash"] for record in first.documents}) == 4
    again = send(at_once, account, journal, requests)
    assert (again.status, again.stdout) == (DONE, first.stdout)
    fewer = send(at_once, account, journal, requests[:2])
    assert fewer.documents == first.documents[:2]


@pytest.mark.parametrize("in_flight", ["1", "16"])
def test_an_id_is_sent_once(at_once, journal, in_flight):
    """The same request twice in one input, and in another one."""
    account = at_once.account()
    requests = transfers(1, id="a") + transfers(1, id="a")
    answer = send(at_once, account, journal, requests, "--in-flight", in_flight)
    again = send(at_once, account, journal, requests, "--in-flight", in_flight)
    assert at_once.values(account) == [1], answer
    assert answer.status == again.status
    if answer.status == DONE:
        assert answer.documents[0] == answer.documents[1] and again.stdout == answer.stdout
    else:
        assert answer.status == BAD_INPUT


@pytest.mark.parametrize("in_flight", ["1", "16"])
def test_an_id_of_two_requests_is_refused(at_once, journal, in_flight):
    account = at_once.account()
    requests = transfers(1, id="a") + transfers(1, 2, id="a")
    answer = send(at_once, account, journal, requests, "--in-flight", in_flight)
    answer.check_error(BAD_INPUT, '"a"')
    assert at_once.nonce(account, "pending") == 0


def test_an_id_of_another_request_before_is_refused(at_once, journal):
    account = at_once.account()
    assert send(at_once, account, journal, transfers(1, id="a")).status == DONE
    for requests in (transfers(1, 2, id="a"), transfers(1, 3) + transfers(1, 2, id="a")):
        answer = send(at_once, account, journal, requests)
        answer.check_error(BAD_INPUT, '"a"')
    assert at_once.values(account) == [1]


# Beside and after others


def test_a_journal_that_another_run_uses(at_once, journal):
    account = at_once.account()
    with running("tx-send", "--journal", journal, stdin=subprocess.PIPE, env=at_once.env(account)) as process:
        wait_until(journal.exists)
        time.sleep(0.1)
        answer = send(at_once, account, journal, transfers(1))
        answer.check_error(UNREACHABLE, "in use")
        process.stdin.write(json_lines(transfers(1)).encode())
        process.stdin.close()
        process.stdin = None
        assert finish("tx-send", process, 20).status == DONE
    check_done(at_once, account, send(at_once, account, journal, transfers(1)), transfers(1))


def kill_before_sending(ledger, account, journal, requests) -> None:
    """Run, and be killed with the first transaction in the journal and in no node."""
    with FaultProxy(ledger.url) as node:
        def kill(exchange):
            if exchange.raws:
                process.kill()
                exchange.close()

        node.fault = kill
        with running("tx-send", "--journal", journal, stdin=subprocess.PIPE,
                     env=ledger.env(account, node.url)) as process:
            process.stdin.write(json_lines(requests).encode())
            process.stdin.close()
            process.stdin = None
            process.communicate(timeout=20)


def test_what_was_lost_is_handed_over_in_the_order_of_the_nonces(at_once, journal):
    """Some nodes take no transaction whose nonce is too high."""
    account = at_once.account()
    kill_before_sending(at_once, account, journal, transfers(3))
    assert len(lines_of(journal)) == 1
    with FaultProxy(at_once.url) as node:
        answer = send(at_once, account, journal, transfers(3), url=node.url)
    check_done(at_once, account, answer, transfers(3))
    nonces = [transaction_of(raw)["nonce"] for raw in node.raws]
    assert nonces == sorted(nonces)


def test_a_lost_transaction_whose_nonce_another_machine_took(at_once, journal):
    """It can never be mined: that is told, and nothing is sent in its place unasked."""
    account = at_once.account()
    kill_before_sending(at_once, account, journal, transfers(1))
    at_once.send(account, 0, 999)
    answer = send(at_once, account, journal, transfers(1))
    assert answer.status == NO, answer
    check_records(answer, transfers(1), "replaced")
    assert at_once.values(account) == [999]


@pytest.mark.parametrize("members,status", [
    (("rejected", "by"), "success"), (("refused", "by"), "success"), (("refused",), "replaced"),
], ids=["rejected", "in the words of earlier versions", "a guess of an earlier version"])
def test_a_request_whose_nonce_was_taken_is_signed_anew_if_the_journal_says_by_what(at_once, journal, members, status):
    account = at_once.account()
    kill_before_sending(at_once, account, journal, transfers(1))
    [line] = lines_of(journal)
    hashes = dict.fromkeys(members, "0x" + keccak(hexstr=line["raw"]).hex())
    hashes["by"] = at_once.send(account, 0, 999)
    noted = {name: hashes[name] for name in members}
    with journal.open("a") as file:
        file.write(json.dumps({"request": line["request"]} | noted, separators=(",", ":")) + "\n")
    answer = send(at_once, account, journal, transfers(1))
    assert answer.status == (DONE if status == "success" else NO), answer
    check_records(answer, transfers(1), status)
    assert at_once.values(account) == ([999, 1] if status == "success" else [999])


def test_a_rejected_transaction_is_made_anew(at_once, journal):
    """The node said that it will not take it: another run may use other fees."""
    account = at_once.account()
    reject = faults.error(-32000, "max fee per gas less than block base fee")
    with FaultProxy(at_once.url, lambda exchange: exchange.raws and reject(exchange)) as node:
        answer = send(at_once, account, journal, transfers(1), "--max-fee", "2gwei", url=node.url)
        assert (answer.status, answer.stdout) == (UNREACHABLE, b""), answer
        rejected = node.raws[0]
        assert [set(line) for line in lines_of(journal)] == [{"request", "raw"}, {"request", "rejected"}]
        answer = send(at_once, account, journal, transfers(1), "--min-tip", "1gwei", "--timeout", "2", url=node.url)
        assert (answer.status, answer.stdout) == (UNREACHABLE, b""), answer
        assert rejected not in node.raws[1:]
    answer = send(at_once, account, journal, transfers(1), "--min-tip", "1gwei")
    check_done(at_once, account, answer, transfers(1))


def test_nothing_follows_a_request_that_an_earlier_run_saw_reverted(at_once, journal):
    account = at_once.account()
    target = "0x" + "fd" * 20
    at_once.rpc("dev_setCode", target, "0x5f5ffd")
    requests = [{"label": "bad", "to": target, "data": "0x01", "gas": "0x186a0"}] + transfers(2)
    for _ in range(2):
        answer = send(at_once, account, journal, requests, "--in-flight", "1")
        assert (answer.status, [record["status"] for record in answer.documents]) == (NO, ["reverted"]), answer
    assert at_once.values(account) == [0]


def test_a_rejected_request_with_an_id_keeps_its_name(at_once, journal):
    """The transaction that another run signs for it names a nonce; the request does not."""
    account = at_once.account()
    requests = transfers(1, id="a")
    reject = faults.error(-32000, "max fee per gas less than block base fee")
    with FaultProxy(at_once.url, lambda exchange: exchange.raws and reject(exchange)) as node:
        assert send(at_once, account, journal, requests, url=node.url).status == UNREACHABLE
    done = send(at_once, account, journal, requests, "--min-tip", "1gwei")
    check_done(at_once, account, done, requests)
    again = send(at_once, account, journal, requests)
    assert (again.status, again.stdout) == (DONE, done.stdout), again


def test_a_journal_holds_what_was_reverted(at_once, journal):
    """Told again, and not tried again."""
    account = at_once.account()
    target = "0x" + "fe" * 20
    # PUSH0; PUSH0; REVERT
    at_once.rpc("dev_setCode", target, "0x5f5ffd")
    requests = transfers(1) + [{"label": "bad", "to": target, "data": "0x01", "gas": "0x186a0"}]
    first = send(at_once, account, journal, requests)
    assert first.status == NO and [record["status"] for record in first.documents] == ["success", "reverted"]
    with FaultProxy(at_once.url) as node:
        again = send(at_once, account, journal, requests, url=node.url)
    assert (again.status, again.stdout, node.requests) == (NO, first.stdout, [])
