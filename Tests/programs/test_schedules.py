"""tx-send --journal behind gateways that lag, amid reorganisations, other machines and kills: random schedules.

Whatever happens, the same command, run until it ends with 0, has each request executed once, in order. A schedule
follows from its seed, as far as the threads' timing lets it. `make soak` has a thousand of them, with longer lags;
TEEBRIDGE_SCHEDULES says another number.
"""

import json
import os
import random
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from eth_utils import keccak

from harness import DONE, ENVIRONMENT, NO, UNKNOWN, UNREACHABLE, Result, json_lines, program_path
from lagging_gateway import Backend, History, LaggingGateway, sender_and_nonce
from sending import Ledger, running_ledger, signed, transfers

IS_LONG = bool(os.environ.get("TEEBRIDGE_SLOW_TESTS"))
# How many there are of each kind, and how many of them at a time: most of their time is waiting.
COUNT = int(os.environ.get("TEEBRIDGE_SCHEDULES", 1000 if IS_LONG else 40)) // 2
SIDE_BY_SIDE = 60 if IS_LONG else 20
LONGEST_LAG = 30 if IS_LONG else 3
# How long a run waits; it is then started again.
TIMEOUT = 40 + 4 * LONGEST_LAG
MOST_RUNS = 12
FIRST_RIVAL = 10_000
MOST_RIVALS = 2


class Chain:
    """A chain that is reorganised now and then, and the machines that send with the same keys."""

    def __init__(self, ledger: Ledger, is_reorganised: bool):
        self.ledger = ledger
        self.is_reorganised = is_reorganised
        self.rivals: list[str] = []
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._reorganise, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _reorganise(self) -> None:
        dice = random.Random(3)
        while self.is_reorganised and not self._is_over.wait(dice.uniform(0.5, 2.5)):
            how = {"drop": dice.random() < 0.5, "include": dice.random() < 0.5}
            with self._lock:
                if int(self.ledger.rpc("eth_blockNumber"), 16) > 3:
                    self.ledger.rpc("dev_reorg", dice.choice([1, 1, 2]), how)
                # The machines that sent these are still there, and hand them over again.
                for raw in self.rivals:
                    self.ledger.ask("eth_sendRawTransaction", raw)

    def rival(self, account, nonce: int) -> None:
        """Another machine that has the account's key sends a transaction of this nonce."""
        raw = signed(account, nonce, FIRST_RIVAL + nonce)
        with self._lock:
            self.rivals.append(raw)
            self.ledger.rpc("eth_sendRawTransaction", raw)


class Schedule:
    """What happens to one account's requests."""

    def __init__(self, seed: int, chain: Chain, history: History, path):
        self.seed, self.chain, self.history = seed, chain, history
        self.dice = dice = random.Random(seed)
        self.account = chain.ledger.account()
        self.requests = transfers(dice.randrange(3, 7))
        self.backends = [self.backend() for _ in range(dice.choice([1, 2, 2, 3]))]
        self.has_rivals = dice.random() < 0.5
        self.kills = dice.randrange(1, 4) if not self.has_rivals or dice.random() < 0.3 else 0
        self.path = path / str(seed)
        self.path.mkdir()
        self.journal = self.path / "journal"
        self.input = self.path / "requests"
        self.input.write_text(json_lines(self.requests))
        self.options = ["--in-flight", str(dice.choice([1, 2, 16])), "--confirmations", "3", "--timeout", str(TIMEOUT)]
        if dice.random() < 0.25:
            self.options += ["--bump-after", "1"]
        self.first_seen: set[int] = set()
        self.taken: set[int] = set()
        self.process: subprocess.Popen | None = None
        self.kill_at: int | None = None
        self.results: list[Result] = []

    def backend(self) -> Backend:
        dice = self.dice

        def lag(share: float, otherwise=0.0):
            return round(dice.uniform(0, LONGEST_LAG), 1) if dice.random() < share else otherwise

        return Backend(
            head=lag(0.6), count=lag(0.3, None), receipts=lag(0.5, None), mempool=lag(0.5),
            holds=lag(0.2) / 2, drops=dice.choice([0, 0, 0.3]), repeats=dice.choice([0, 0, 0.5]),
            says=dice.choice([None, "nonce too low", "already known", "replacement transaction underpriced"]))

    def intercept(self, exchange) -> None:
        for raw in exchange.raws:
            nonce = sender_and_nonce(raw)[1]
            if nonce in self.first_seen:
                continue
            self.first_seen.add(nonce)
            if len(self.taken) < MOST_RIVALS and self.has_rivals and self.dice.random() < 0.3:
                self.taken.add(nonce)
                self.node.faithful_nonces.add(nonce)
                self.chain.rival(self.account, nonce)
        if self.kill_at is not None and len(self.node.requests) >= self.kill_at:
            self.kill_at = None
            self.process.kill()
            if self.dice.random() < 0.5:
                exchange.close()

    def run(self) -> None:
        """Start the command, kill it some times, and start it again until it is done."""
        split = not self.chain.is_reorganised and self.dice.random() < 0.3
        with LaggingGateway(self.history, *self.backends, seed=self.seed, is_random=self.dice.random() < 0.5,
                            splits_batches=split, intercept=self.intercept) as self.node:
            env = ENVIRONMENT | self.chain.ledger.env(self.account, self.node.url)
            command = [program_path("tx-send"), "--journal", self.journal, *self.options, self.input]
            for number in range(MOST_RUNS):
                is_killed = number < self.kills
                if is_killed and self.dice.random() < 0.6:
                    self.kill_at = len(self.node.requests) + self.dice.randrange(1, 14)
                with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as self.process:
                    # Each request has the whole time, and again after each lost nonce.
                    longest = TIMEOUT * (len(self.requests) + MOST_RIVALS)
                    seconds = self.dice.uniform(0, LONGEST_LAG + 3) if is_killed else longest
                    try:
                        stdout, stderr = self.process.communicate(timeout=seconds)
                    except subprocess.TimeoutExpired:
                        self.process.kill()
                        assert is_killed, "it does not end"
                        stdout, stderr = self.process.communicate()
                self.results.append(Result("tx-send", self.process.returncode, stdout, stderr.decode()))
                if self.process.returncode in (DONE, NO):
                    return
                assert self.process.returncode in (-9, UNKNOWN, UNREACHABLE), self.results[-1]
        raise AssertionError("it is never done")

    def check(self) -> None:
        """On the chain is what the journal and the records say: each request once, in order."""
        answer = self.results[-1]
        wanted = [int(request["value"], 16) for request in self.requests]
        chain = self.chain.ledger.transactions(self.account)
        mined = {each["hash"]: each for each in chain}
        ours = [int(each["value"], 16) for each in chain if int(each["value"], 16) < FIRST_RIVAL]
        records = answer.documents
        held = [json.loads(line) for line in self.journal.read_text().splitlines()]
        nonces = {f"0x{keccak(hexstr=line['raw']).hex()}": sender_and_nonce(line["raw"])[1]
                  for line in held if "raw" in line}
        assert {each["hash"] for each in chain if int(each["value"], 16) < FIRST_RIVAL} <= set(nonces)
        if answer.status == DONE:
            assert ours == wanted, f"on the chain: {ours}"
            assert [record["status"] for record in records] == ["success"] * len(wanted)
        else:
            # Of what an earlier run signed nobody knows whether a node has accepted it: it is not signed again.
            assert len(self.results) > 1, "the nonce was lost before any node accepted the transaction"
            assert ours == sorted(set(ours)), f"on the chain: {ours}"
            assert [record["status"] for record in records[:-1]] == ["success"] * (len(records) - 1)
            assert records[-1]["status"] == "replaced"
        for record in [*records, *(line["record"] for line in held if "record" in line)]:
            transaction = mined.get(record["transactionHash"])
            if record["status"] == "replaced":
                assert transaction is None and nonces[record["transactionHash"]] in self.taken
                continue
            assert transaction is not None and record["status"] == "success", record
            assert f"request {int(transaction['value'], 16)}" == record["label"]
            assert transaction["blockNumber"] == record["blockNumber"]

    def __str__(self) -> str:
        runs = "".join(f"\n  {result.status}: {result.stderr}" for result in self.results)
        return (f"seed {self.seed}: {len(self.requests)} requests, {self.kills} kills, taken {sorted(self.taken)}, "
                f"{self.options}{''.join(f'{chr(10)}  {backend}' for backend in self.backends)}{runs}")


@contextmanager
def running_chain(is_reorganised: bool):
    with running_ledger("--block-time", "0.4", accounts=COUNT) as ledger, History(ledger.url) as history:
        yield Chain(ledger, is_reorganised), history


@pytest.mark.long
@pytest.mark.parametrize("is_reorganised", [False, True], ids=["blocks stay", "reorganisations"])
def test_each_request_once_and_in_order(tmp_path, is_reorganised):
    with running_chain(is_reorganised) as (chain, history):
        schedules = [Schedule(seed, chain, history, tmp_path) for seed in range(COUNT)]
        with chain, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            running = [pool.submit(schedule.run) for schedule in schedules]
            wrong = {schedule: each.exception() for schedule, each in zip(schedules, running)}
        chain.ledger.look_again()
        for schedule in schedules:
            if not wrong[schedule]:
                try:
                    schedule.check()
                except AssertionError as error:
                    wrong[schedule] = error
    found = [f"\n\n{schedule}\n  {error}" for schedule, error in wrong.items() if error]
    assert not found, f"{len(found)} of {COUNT}{''.join(found)}"
