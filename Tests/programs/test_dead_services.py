"""A node or a web server that is dead is told of: after a second to a person at a terminal, and with -v at each try."""

import json
import os
import pty
import select
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

from harness import ENVIRONMENT, program_path, running
from inboxes import KEY
from proofs import PROOFS
from sending import TO
from services import Server, post

A = PROOFS[0]["member_id"]
BRIDGE = "0x" + "11" * 20
# More than the second after which it is told, since curl looks up once in a second, and machines are busy.
SOON = 4.5


@contextmanager
def refusing():
    """Nobody listens."""
    yield "http://127.0.0.1:9", "connection refused"


@contextmanager
def hanging():
    """Takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", "no answer yet"


@contextmanager
def unreachable():
    """Takes no connection, and refuses none: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(listener.getsockname())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", "no answer yet"
        finally:
            for each in waiting:
                each.close()


DEAD = pytest.mark.parametrize("dead", [refusing, hanging, unreachable], ids=lambda dead: dead.__name__)

# What each program that talks to the network does with a dead one, behind whose option its URL stands.
RUNS = pytest.mark.parametrize("program, words", [
    ("proof-fetch", ["--retry-for", "20"]),
    ("ecies-seal", ["--to-member", A, "--bridge", BRIDGE, "--rpc-url"]),
    ("ecies-seal", ["--to-member", A, "--bridge", BRIDGE, "--verify", "--rpc-url"]),
    ("tx-send", ["--rpc-url"]), ("tx-send", ["--call", "--rpc-url"]), ("tx-send", ["--dry-run", "--rpc-url"]),
    ("inbox-watch", ["--once", "--bridge", BRIDGE, "--rpc-url"]),
    ("inbox-watch", ["--bridge", BRIDGE, "--rpc-url"]),
    ("inbox-watch", ["--key", "dstack:", "--bridge", BRIDGE, "--rpc-url", "http://127.0.0.1:9", "--dstack"]),
    ("bridge-agent", ["--listen", "127.0.0.1:0", "--bridge", BRIDGE, "--rpc-url"]),
    ("bridge-agent", ["--listen", "127.0.0.1:0", "--dstack"]),
], ids=lambda value: " ".join(word for word in value if word.startswith("--")) if isinstance(value, list) else value)
INPUT = json.dumps({"to": TO, "data": "0x01"}).encode()


def told(program: str, *words, env: dict, texts: list[str], reads: bytes = INPUT) -> float:
    """After how many seconds a terminal shows all these texts; the program is ended then."""
    master, slave = pty.openpty()
    start = time.monotonic()
    process = subprocess.Popen(
        [program_path(program), *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=slave,
        env=ENVIRONMENT | env)
    os.close(slave)
    seen = b""
    try:
        process.stdin.write(reads)
        process.stdin.close()
        while time.monotonic() < start + 30:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    seen += os.read(master, 65536)
                except OSError:
                    break
            if all(text.encode() in seen for text in texts):
                return time.monotonic() - start
        raise AssertionError(f"not told in {time.monotonic() - start:.1f} s: {texts}\n{seen.decode()}")
    finally:
        process.kill()
        process.wait(10)
        os.close(master)


@DEAD
@RUNS
def test_a_person_is_told(agents, dead, program, words):
    env = {"PRIVATE_KEY": KEY} | (agents[0].env if program == "bridge-agent" else {})
    with dead() as (url, _):
        assert told(program, *words, url, env=env, texts=[url]) < SOON


@DEAD
@RUNS
def test_verbose_tells_each_try(agents, dead, program, words):
    """At once where it is refused, and a second later where nothing comes."""
    env = {"PRIVATE_KEY": KEY} | (agents[0].env if program == "bridge-agent" else {})
    once = "--verify" in words or "dstack:" in words
    with dead() as (url, outcome), running(
            program, "-v", *words, url, env=env, stdin=subprocess.PIPE) as process:
        process.stdin.write(INPUT)
        process.stdin.close()
        process.stdin = None
        wanted = 2 if outcome == "connection refused" and not once else 1
        lines = []
        while sum(url in line and f"→ {outcome}, " in line for line in lines) < wanted:
            line = process.stderr.readline().decode()
            assert line, lines
            lines.append(line)


def test_a_node_that_dies_while_a_transaction_waits(still):
    """It is told beside how many wait."""
    account, dead = still.account(), []

    def reply(_method, _path, body):
        answer = None if dead else (200, post(still.url, body))
        if b"eth_sendRawTransaction" in body:
            dead.append(True)
        return answer

    with Server(reply) as node:
        request = json.dumps({"to": TO, "value": "0x1"}).encode()
        texts = ["1 sent, 0 done, 1 waiting", f"{node.url}: connection closed before the answer was complete"]
        assert told("tx-send", env=still.env(account, node.url), texts=texts, reads=request) < 2 * SOON
