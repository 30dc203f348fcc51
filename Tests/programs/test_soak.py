"""Programs that go on for long, amid faults: everything arrives as promised, and neither memory nor files grow.

Short in `make test`; `make soak MINUTES=10` takes as long as one says.
"""

import http.client
import json
import os
import random
import re
import socket
import statistics
import subprocess
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import fault_proxy as faults
from fault_proxy import FaultProxy
from harness import ENVIRONMENT, SANITIZER, program_path, wait_until
from inboxes import A, B, sealed, settings
from proofs import PROOFS
from services import running_agent, running_chain

pytestmark = pytest.mark.long

# For how long each of the programs is watched.
SECONDS = float(os.environ.get("TEEBRIDGE_SOAK_MINUTES", "0.25")) * 60
# What a program's memory may grow by, once it is warm: allocators keep some, and so does what is remembered.
GROWTH = 4 << 20

FAULTS = [
    faults.reset_before, faults.reset_after, faults.closed_before, faults.closed_after, faults.cut_in_the_answer,
    faults.status(502, faults.PAGE), faults.status(429, retry_after="0"), faults.truncated_body, faults.truncated_json,
    faults.empty_body, faults.no_http, faults.wrong_id, faults.error(-32000, "header not found"), faults.slow(0.3),
]


class Watch:
    """What /proc says of a process, from time to time."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.memory: list[int] = []
        self.files: list[int] = []

    def look(self) -> None:
        assert self.process.poll() is None, "the program ended"
        proc = Path(f"/proc/{self.process.pid}")
        self.memory.append(int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
        self.files.append(len(list((proc / "fd").iterdir())))

    def check(self, name: str) -> None:
        """The middle of the last third is no higher than that of the second, but for a little."""
        third = len(self.memory) // 3
        warm, last = statistics.median(self.memory[third:2 * third]), statistics.median(self.memory[2 * third:])
        print(f"{name}: {len(self.memory)} looks, {max(self.memory) >> 10} KiB at most, "
              f"{(last - warm) / 1024:+.0f} KiB from the second third to the last, "
              f"{min(self.files)} to {max(self.files)} files, {self.files[-1]} at the end")
        # A sanitizer keeps what is freed for a while.
        assert SANITIZER or last - warm < GROWTH, self.memory
        # The fewest: connections come and go, and what is never closed stays.
        assert min(self.files[2 * third:]) <= min(self.files[third:2 * third]) + 1, self.files
        assert max(self.files) < 64, self.files


@pytest.fixture
def bridge():
    """A chain of its own, with a bridge that both are members of."""
    with running_chain() as chain:
        chain.deploy()
        for proof in PROOFS:
            chain.register(proof)
        yield chain


@contextmanager
def spoilt(url: str, share: float):
    """A node of which this share of the answers is spoilt."""
    dice = random.Random(11)
    lock = threading.Lock()

    def spoil(exchange) -> None:
        with lock:
            fault = dice.choice(FAULTS) if dice.random() < share else None
        if fault:
            fault(exchange)

    with FaultProxy(url, spoil) as node:
        yield node


@contextmanager
def service(tmp_path, program: str, *arguments, env: dict):
    """A program whose output goes to files, since nobody reads pipes for so long."""
    with open(tmp_path / "stdout", "wb") as output, open(tmp_path / "stderr", "wb") as errors:
        process = subprocess.Popen([program_path(program), *map(str, arguments)], env=ENVIRONMENT | env,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def restarting_agent(path: Path):
    """A guest agent that goes away and comes back whenever the iterator's time has come; its settings, and that."""
    with ExitStack() as current:
        agent = current.enter_context(running_agent(path, "--preset", "cross-sdk"))

        def restarts():
            due = time.monotonic() + SECONDS / 5
            while True:
                if time.monotonic() >= due:
                    current.close()
                    path.unlink(missing_ok=True)
                    time.sleep(0.5)
                    current.enter_context(running_agent(path, "--preset", "cross-sdk"))
                    due = time.monotonic() + SECONDS / 5
                yield

        yield agent, restarts()


def soak(chain, watch: Watch, meanwhile=lambda: None) -> list[str]:
    """Posts messages at intervals that are now and then long, looks at the program, and gives what was posted."""
    dice = random.Random(12)
    posted: list[str] = []
    end, next_post = time.monotonic() + SECONDS, 0.0
    while time.monotonic() < end:
        if time.monotonic() >= next_post:
            for _ in range(dice.choice([1, 1, 2, 5])):
                posted.append(f"message {len(posted)} of the soak")
                chain.onboard(B, A, sealed(posted[-1]))
            next_post = time.monotonic() + dice.uniform(0, SECONDS / 60)
        meanwhile()
        watch.look()
        time.sleep(0.1)
    return posted


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_inbox_watch_goes_on(bridge, tmp_path):
    state = tmp_path / "inbox.json"
    with spoilt(bridge.url, 0.02) as node, service(
            tmp_path, "inbox-watch", "--interval", "0.01", "--timeout", "5", "--state", state,
            env=settings(bridge) | {"ETH_RPC_URL": node.url}) as process:
        watch = Watch(process)
        posted = soak(bridge, watch)
        printed = tmp_path / "stdout"
        wait_until(lambda: printed.read_bytes().count(b"\n") >= len(posted), "messages are missing", 90)
        time.sleep(0.5)
        messages = lines_of(printed)
        # Each once, in their order: nobody killed the program.
        assert [message["index"] for message in messages] == list(range(len(posted)))
        assert [message["payload"] for message in messages] == posted
        print(f"\ninbox-watch: {len(node.requests)} requests, {len(posted)} messages")
        wait_until(lambda: json.loads(state.read_text())["next"] == len(posted))
        watch.check("inbox-watch")


def test_bridge_agent_goes_on(bridge, tmp_path):
    with spoilt(bridge.url, 0.02) as node:
        with restarting_agent(tmp_path / "agent.sock") as (agent, restarts):
            environment = bridge.env | agent.env | {"ETH_RPC_URL": node.url}
            arguments = ["--listen", "127.0.0.1:0", "--interval", "0.05", "--timeout", "5", "--deadline", "1"]
            with service(tmp_path, "bridge-agent", *arguments, env=environment) as process:
                errors = tmp_path / "stderr"
                wait_until(lambda: "listening on" in errors.read_text() or process.poll() is not None)
                host, port = re.search(r"listening on (\S+):(\d+)\n", errors.read_text()).groups()
                asked = ask_in_turn(host, int(port))
                watch = Watch(process)
                posted = soak(bridge, watch, lambda: (next(asked), next(restarts)))
                opened = re.compile(r"message (\d+) from \S+, not signed, was opened")
                wait_until(lambda: len(opened.findall(errors.read_text())) >= len(posted), "messages are missing", 90)
                found = Counter(map(int, opened.findall(errors.read_text())))
                assert found == Counter(range(len(posted))), "each once"
                asked.close()
                print(f"\nbridge-agent: {len(node.requests)} requests, {len(posted)} messages")
                watch.check("bridge-agent")


def ask_in_turn(host: str, port: int):
    """Clients of all kinds, one at a time: good ones, one that hangs up, one that says nothing, one that is rude."""
    silent: list[socket.socket] = []
    try:
        while True:
            for path in ("/healthz", "/proof", "/onboarding", "/nothing"):
                connection = http.client.HTTPConnection(host, port, timeout=10)
                connection.request("GET", path)
                response = connection.getresponse()
                body = response.read()
                connection.close()
                assert response.status in (200, 404, 503), (path, response.status)
                if path == "/proof" and response.status == 200:
                    assert json.loads(body) == PROOFS[0]
                yield
            with socket.create_connection((host, port), 10) as rude:
                rude.sendall(b"\x00\xff" * 100)
            yield
            with socket.create_connection((host, port), 10) as hasty:
                hasty.sendall(b"GET /proof HTTP/1.1\r\nHost: localhost\r\n\r\n")
            yield
            silent.append(socket.create_connection((host, port), 10))
            if len(silent) > 20:
                silent.pop(0).close()
            yield
    finally:
        for each in silent:
            each.close()
