"""tx-send behind load balancers whose nodes lag, and nodes that lie: nothing is paid twice, and order is kept."""

import json
import re
import signal
import subprocess
import time
from itertools import count

import pytest
from eth_account import Account
from eth_utils import keccak

import fault_proxy as faults
from fault_proxy import FaultProxy
from harness import BAD_INPUT, DONE, ENVIRONMENT, NO, UNKNOWN, UNREACHABLE, json_lines, program_path, run, wait_until
from lagging_gateway import Backend, History, LaggingGateway
from proofs import PROOFS
from sending import (
    GWEI, TO, check_done, check_records, dear_blocks, lines_of, mine_until_end, running_ledger, sending, signed,
    transaction_of, transfers,
)
from services import CHAIN_ID, running_chain

# A run ends so long after its --timeout at most.
GRACE = 5


@pytest.fixture(scope="module")
def history(at_once):
    with History(at_once.url) as history:
        yield history


def send(ledger, account, journal, requests, *options, url=None):
    return run("tx-send", "--journal", journal, *options, stdin=requests, env=ledger.env(account, url))


def taking(nonce: int, take):
    """An interceptor: another machine takes this nonce right before a transaction of ours would."""
    numbers = count()

    def intercept(exchange) -> None:
        if any(transaction_of(raw)["nonce"] == nonce for raw in exchange.raws) and next(numbers) == 0:
            take()

    return intercept


# Backends that lag


@pytest.mark.parametrize("says", [None, "replacement transaction underpriced", "already known"])
def test_a_transaction_that_another_backend_took_is_not_signed_again(at_once, history, journal, says):
    """The gateway hands on twice and tells the second answer; for three seconds nobody shows the transaction."""
    account = at_once.account()
    backend = Backend(mempool=3, receipts=3, repeats=1, says=says)
    with LaggingGateway(history, backend, backend) as node:
        answer = send(at_once, account, journal, transfers(2), url=node.url)
    check_done(at_once, account, answer, transfers(2))
    assert at_once.values(account) == [1, 2]


@pytest.mark.parametrize("lags", [{"receipts": 8}, {"receipts": 8, "mempool": 8}, {"head": 5, "count": 0}])
def test_a_count_that_is_ahead_of_its_receipt_is_no_verdict(at_once, history, journal, lags):
    account = at_once.account()
    with LaggingGateway(history, Backend(**lags), Backend(**lags)) as node:
        answer = send(at_once, account, journal, transfers(1), url=node.url)
    check_done(at_once, account, answer, transfers(1))
    assert lines_of(journal)[-1]["record"]["status"] == "success"
    again = send(at_once, account, journal, transfers(1), url="http://127.0.0.1:9")
    assert (again.status, again.stdout) == (DONE, answer.stdout)


def test_a_second_run_does_not_use_the_nonces_of_the_first(at_once, history, journal):
    """The journal knows them, where a backend that lags shows a count of before, and takes what is too old."""
    account = at_once.account()
    backend = Backend(head=5, holds=0.3)
    with LaggingGateway(history, backend) as node:
        check_done(at_once, account, send(at_once, account, journal, transfers(3)), transfers(3))
        answer = send(at_once, account, journal, transfers(5), url=node.url)
    check_done(at_once, account, answer, transfers(5))
    assert at_once.values(account) == [1, 2, 3, 4, 5]
    assert {transaction_of(raw)["nonce"] for raw in node.raws} == {3, 4}


# Another machine with the same key


@pytest.mark.parametrize("nonce", [0, 1, 4])
def test_requests_keep_their_order_when_a_nonce_is_lost(at_once, history, journal, nonce):
    account = at_once.account()
    rival = taking(nonce, lambda: at_once.send(account, nonce, 1001))
    with LaggingGateway(history, Backend(), Backend(head=1), intercept=rival) as node:
        answer = send(at_once, account, journal, transfers(5), url=node.url)
    wanted = [1, 2, 3, 4, 5]
    wanted.insert(nonce, 1001)
    assert at_once.values(account) == wanted, answer
    assert answer.status == DONE
    check_records(answer, transfers(5))
    [lost] = [line for line in lines_of(journal) if "by" in line]
    taken = at_once.rpc("eth_getTransactionByHash", lost["by"])
    ours = next(line["raw"] for line in lines_of(journal) if line["request"] == lost["request"])
    assert int(taken["value"], 16) == 1001
    assert lost == {"request": lost["request"], "rejected": "0x" + keccak(hexstr=ours).hex(), "by": lost["by"]}


def test_a_registration_never_runs_before_what_allows_it(journal):
    with running_chain() as chain:
        chain.deploy()
        env = chain.env | {"PRIVATE_KEY": chain.owner.key.hex(), "KMS_ROOTS": PROOFS[0]["kms_root"]}
        requests = run("abi-encode", "register", "--allow", stdin=PROOFS[0], env=env).check_done().stdout
        wanted = [json.loads(line)["data"] for line in requests.splitlines()]
        second = chain.nonce() + 1
        rival = taking(second, lambda: chain.rpc("eth_sendRawTransaction", signed(chain.owner, second, 999)))
        with History(chain.url) as history, LaggingGateway(history, Backend(), intercept=rival) as node:
            answer = run("tx-send", "--journal", journal, stdin=requests, env=env | {"ETH_RPC_URL": node.url})
        sent = []
        for number in range(1, chain.web3.eth.block_number + 1):
            sent += chain.web3.eth.get_block(number, True)["transactions"]
        ours = [each for each in sent if each["from"] == chain.owner.address and each["nonce"] >= second - 1]
        data = [each["input"].to_0x_hex() for each in ours]
        assert data == [wanted[0], "0x", wanted[1], wanted[2]], answer
        assert all(chain.web3.eth.get_transaction_receipt(each["hash"])["status"] == 1 for each in ours)
        assert answer.status == DONE


def test_a_nonce_is_lost_only_once_the_other_transaction_is_confirmed(still, journal):
    """A reorganisation may take it back, and then the first transaction for the request may be mined after all."""
    account = still.account()
    rival = taking(0, lambda: still.send(account, 0, 999))
    with FaultProxy(still.url, rival) as node:
        options = "--confirmations", "3", "--journal", journal
        with sending(still, account, transfers(2), *options, url=node.url) as process:
            # The other one's: ours is rejected.
            wait_until(lambda: still.nonce(account, "pending") == 1)
            still.rpc("dev_mine", 2)
            seen = len(node.requests)
            wait_until(lambda: len(node.requests) > seen + 4)
            assert len(set(node.raws)) == 1, "signed anew, with the other one in two blocks"
            still.rpc("dev_reorg", 2, {"drop": True})
            answer = mine_until_end(still, process)
    check_done(still, account, answer, transfers(2))
    assert still.values(account) == [1, 2]


def test_a_replaced_transaction_is_asked_for_again(still, journal):
    """A reorganisation takes back the one that had its nonce, and it is mined after all."""
    account = still.account()
    # A tip that another's exceeds, whatever was paid in earlier blocks.
    requests = transfers(1, maxPriorityFeePerGas=hex(GWEI // 1000))
    with FaultProxy(still.url) as node:
        with sending(still, account, requests, "--journal", journal, url=node.url) as process:
            wait_until(lambda: still.nonce(account, "pending") == 1)
            first = int(still.rpc("eth_blockNumber"), 16)
            still.send(account, 0, 999)
            answer = mine_until_end(still, process)
    assert answer.status == NO, answer
    check_records(answer, requests, "replaced")
    assert still.values(account) == [999]
    again = send(still, account, journal, requests)
    assert (again.status, again.stdout) == (NO, answer.stdout), again
    still.rpc("dev_reorg", int(still.rpc("eth_blockNumber"), 16) - first, {"drop": True})
    still.rpc("eth_sendRawTransaction", node.raws[0])
    still.rpc("dev_mine")
    still.look_again()
    check_done(still, account, send(still, account, journal, requests), requests)


# Nodes that lie


def made_up(account, nonce: int, forger=None) -> dict:
    """A transaction that claims to be the account's and has no signature of it."""
    forged = (forger or Account.from_key(keccak(text="a forger"))).sign_transaction({
        "type": 2, "chainId": CHAIN_ID, "nonce": nonce, "to": TO, "value": 999, "gas": 21000,
        "maxPriorityFeePerGas": GWEI, "maxFeePerGas": 50 * GWEI, "data": b"",
    })
    return {
        "hash": forged.hash.to_0x_hex(), "from": account.address.lower(), "nonce": hex(nonce), "to": TO.lower(),
        "value": hex(999), "input": "0x", "type": "0x2", "chainId": hex(CHAIN_ID), "gas": hex(21000),
        "gasPrice": hex(3 * GWEI), "maxFeePerGas": hex(50 * GWEI), "maxPriorityFeePerGas": hex(GWEI),
        "accessList": [], "v": hex(forged.v), "yParity": hex(forged.v), "r": hex(forged.r), "s": hex(forged.s),
        "blockHash": "0x" + "b1" * 32, "blockNumber": "0x1", "transactionIndex": "0x0",
    }


class Liar:
    """What a node says once it got a transaction, which it keeps to itself: the truth, but for some lies."""

    def __init__(self, account, lies: set[str]):
        self.account, self.lies = account, lies
        self.is_lying = False

    def __call__(self, exchange) -> None:
        if exchange.raws:
            self.is_lying = True
            message = "already known" if "taken" in self.lies else "nonce too low: next nonce 7, tx nonce 0"
            faults.error(-32000, message)(exchange)
        elif self.is_lying:
            exchange.alter(self.answer)

    def answer(self, call: dict, answer: dict) -> dict:
        method = call["method"]
        if method == "eth_getTransactionCount" and self.lies & {"high", "low"}:
            return answer | {"result": "0x7" if "high" in self.lies else "0x0"}
        if method == "eth_getTransactionReceipt" and "receipt" in self.lies:
            other = {"transactionHash": "0x" + "07" * 32, "blockNumber": "0x1", "blockHash": "0x" + "b1" * 32,
                     "transactionIndex": "0x0", "status": "0x1", "gasUsed": "0x5208", "cumulativeGasUsed": "0x5208",
                     "effectiveGasPrice": hex(GWEI), "logs": [], "contractAddress": None, "type": "0x2",
                     "from": self.account.address.lower(), "to": TO.lower(), "logsBloom": "0x" + "00" * 256}
            return answer | {"result": other}
        if method.startswith("eth_getBlockBy") and "block" in self.lies and answer.get("result"):
            forged = made_up(self.account, 0)
            full = len(call["params"]) > 1 and call["params"][1]
            return answer | {"result": answer["result"] | {"transactions": [forged if full else forged["hash"]]}}
        return answer


@pytest.mark.parametrize("lies", [
    "high", "low", "receipt", "high receipt", "high block", "high block receipt", "high taken",
    "high taken block receipt",
])
def test_a_node_that_lies_gets_no_second_transaction_for_a_request(at_once, journal, lies):
    account = at_once.account()
    with FaultProxy(at_once.url, Liar(account, set(lies.split()))) as node:
        for _ in range(2):
            answer = send(at_once, account, journal, transfers(2), "--timeout", "4", url=node.url)
            assert answer.status in (UNREACHABLE, UNKNOWN), answer
            assert all(record["status"] == "pending" for record in answer.documents), answer
    given = {}
    for raw in node.raws:
        given.setdefault(transaction_of(raw)["value"], set()).add(raw)
    assert all(len(raws) == 1 for raws in given.values()), given
    # A node that is honest shows what is so: the same command finishes.
    check_done(at_once, account, send(at_once, account, journal, transfers(2)), transfers(2))
    assert at_once.values(account) == [1, 2]


# Higher fees


@pytest.mark.parametrize("seconds", ["0", "0.5", "0.999"])
def test_fees_are_not_raised_more_often_than_once_a_second(at_once, seconds):
    account = at_once.account()
    answer = run("tx-send", "--bump-after", seconds, stdin=transfers(1), env=at_once.env(account))
    answer.check_error(BAD_INPUT, "--bump-after")
    assert at_once.nonce(account, "pending") == 0


def versions(node) -> list[str]:
    return list(dict.fromkeys(node.raws))


def fees(raw: str) -> tuple[int, int]:
    transaction = transaction_of(raw)
    return transaction["maxFeePerGas"], transaction["maxPriorityFeePerGas"]


def check_bounded(node, times: dict[str, float], process) -> None:
    """Wait until nothing more is raised; this is said once, and there were neither too many nor too high fees."""
    first = fees(node.raws[0])
    bound = re.compile(rb"tx-send: warning: .*\bfees?\b")
    said = b""
    while not bound.search(said):
        line = process.stderr.readline()
        assert line, said
        said += line
        assert len(versions(node)) <= 20, "more than twenty versions"
    known = versions(node)
    time.sleep(2.5)
    assert versions(node) == known, "raised after the bound"
    assert len(known) <= 20
    for raw in known:
        assert all(fee <= 10 * offer for fee, offer in zip(fees(raw), first))
    # One may be slower than the next on its way here.
    for place, raw in enumerate(known):
        assert times[raw] - times[known[0]] > place - 0.4


@pytest.mark.long
@pytest.mark.parametrize("base_fee", [None, 100 * GWEI], ids=["twenty versions", "ten times the first offer"])
def test_raising_fees_has_a_bound(base_fee, journal):
    with running_ledger("--manual", accounts=1) as still:
        account = still.account()
        times: dict[str, float] = {}

        def note(exchange):
            for raw in exchange.raws:
                times.setdefault(raw, time.monotonic())

        with FaultProxy(still.url, note) as node:
            options = "--bump-after", "1", "--journal", journal, "--timeout", "60"
            with sending(still, account, transfers(1), *options, url=node.url) as process:
                wait_until(lambda: still.nonce(account, "pending") == 1)
                if base_fee:
                    with dear_blocks(still, base_fee):
                        check_bounded(node, times, process)
                else:
                    check_bounded(node, times, process)
                answer = mine_until_end(still, process)
        assert not answer.messages("warning"), "said again"
        check_done(still, account, answer, transfers(1))


# A reader that goes away


@pytest.mark.parametrize("in_flight", ["1", "2", "16"])
def test_a_closed_pipe_is_no_success(at_once, journal, tmp_path, in_flight):
    account = at_once.account()
    requests = tmp_path / "six.jsonl"
    requests.write_text(json_lines(transfers(6)))
    command = [program_path("tx-send"), "--journal", journal, "--in-flight", in_flight, requests]
    env = ENVIRONMENT | at_once.env(account)
    pipeline = ["bash", "-c", '"$@" | head -n 1; exit "${PIPESTATUS[0]}"', "-", *map(str, command)]
    first = subprocess.run(pipeline, env=env, capture_output=True, timeout=60)
    assert json.loads(first.stdout)["label"] == "request 1"
    sent = {each["hash"] for each in at_once.transactions(account)}
    held = {f"0x{keccak(hexstr=line['raw']).hex()}" for line in lines_of(journal) if "raw" in line}
    assert sent <= held
    if len(sent) < 6 or in_flight == "1":
        assert first.returncode in (128 + signal.SIGPIPE, UNKNOWN), first
    answer = run("tx-send", *command[1:], env=at_once.env(account))
    check_done(at_once, account, answer, transfers(6))
    assert at_once.values(account) == [1, 2, 3, 4, 5, 6]


# Journals


@pytest.mark.parametrize("is_of_another_chain", [False, True])
def test_a_journal_of_two_senders_or_chains_is_refused(at_once, journal, is_of_another_chain):
    account, other = at_once.account(), at_once.account()
    check_done(at_once, account, send(at_once, account, journal, transfers(1)), transfers(1))
    foreign = account.sign_transaction({
        "type": 2, "chainId": CHAIN_ID + 1000, "nonce": 1, "to": TO, "value": 2, "gas": 21000,
        "maxPriorityFeePerGas": GWEI, "maxFeePerGas": 50 * GWEI, "data": b"",
    }).raw_transaction.to_0x_hex() if is_of_another_chain else signed(other, 0, 2)
    with journal.open("a") as file:
        file.write(json.dumps({"request": "id:another", "raw": foreign}, separators=(",", ":")) + "\n")
    before = journal.read_bytes()
    named = str(CHAIN_ID + 1000) if is_of_another_chain else other.address
    for requests in (transfers(1), transfers(2)):
        send(at_once, account, journal, requests).check_error(BAD_INPUT, str(journal), named)
    assert journal.read_bytes() == before and at_once.nonce(account, "pending") == 1


# Time


def hanging_after(polls: int):
    """The node answers so many looks at a transaction, and hangs from then on."""
    numbers = count()

    def hang(exchange) -> None:
        if not exchange.raws and "eth_getTransactionReceipt" in exchange.methods and next(numbers) >= polls:
            time.sleep(20)
            exchange.close()

    return hang


@pytest.mark.parametrize("polls", [None, 0, 1, 3, 5, 7])
def test_a_run_ends_when_its_time_is_over(still, journal, polls):
    """Whether its node shows no block, or hangs in whatever look."""
    account = still.account()
    timeout = 3
    first = []

    def fault(exchange):
        if exchange.raws:
            first.append(time.monotonic())
        if hang:
            hang(exchange)

    hang = None if polls is None else hanging_after(polls)
    with FaultProxy(still.url, fault) as node:
        answer = send(still, account, journal, transfers(2), "--timeout", str(timeout), url=node.url)
        took = time.monotonic() - first[0]
    assert answer.status == UNKNOWN, answer
    check_records(answer, transfers(len(answer.documents)), "pending")
    assert took <= timeout + GRACE + 0.2 * len(set(node.raws)), f"it took {took:.1f} s"
