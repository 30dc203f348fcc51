"""--verbose tells each HTTP request on a line of standard error: exactly, and nothing that may be secret."""

import json
import re
import socket
from collections import Counter
from contextlib import contextmanager

import pytest
from eth_utils import keccak

from harness import DONE, UNREACHABLE, hexed, run, running, wait_until
from inboxes import A, KEY, fill, settings
from proofs import PROOFS
from services import Server, post

# Each part of such a URL may be a key.
USER, PASSWORD, PATH, QUERY = "userinfo1", "passw0rd2", "v2/keyInPath3", "token=keyInQuery4"
SECRETS = (USER, PASSWORD, *PATH.split("/"), *QUERY.split("="), "Authorization", "Basic")
TO = "0x" + "c0de" * 10
OWNER = hexed(keccak(text="owner()")[:4])
PAYLOAD = "what was sealed"


class Recorder(Server):
    """A node, or a web server, in front of another, whose address is full of secrets; it knows what should be told."""

    def __init__(self, url: str, replies=()):
        self.lines, waiting = [], list(replies)

        def reply(method: str, path: str, body: bytes):
            assert path.startswith(f"/{PATH}") and path.endswith(f"?{QUERY}"), path
            answer = waiting.pop(0) if waiting else (200, post(url, body))
            came = f"{answer[0]}, {len(answer[1])} bytes" if answer else "connection closed before the answer was complete"
            self.lines.append(f"{question(method, self.shown + '/…', body)} → {came}, N ms")
            return answer

        super().__init__(reply)
        self.shown = self.url
        self.url = self.url.replace("//", f"//{USER}:{PASSWORD}@") + f"/{PATH}/?{QUERY}"


def question(method: str, place: str, body: bytes) -> str:
    """How a request is told, from its bytes."""
    if method == "GET":
        return f"GET {place}"
    calls = json.loads(body)
    names = Counter(call["method"] for call in (calls if isinstance(calls, list) else [calls]))
    told = ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in names.items())
    return f"POST {place} {told} ({len(body)} bytes)"


def told(program: str, stderr: str) -> list[str]:
    """The lines that tell requests, with N for the milliseconds."""
    lines = [line.removeprefix(f"{program}: ") for line in stderr.splitlines() if " → " in line]
    assert all(re.search(r", \d{1,5} ms$", line) for line in lines), stderr
    return [re.sub(r"\d+ ms$", "N ms", line) for line in lines]


def check_no_secrets(answer) -> None:
    for secret in (*SECRETS, KEY, KEY[2:], PAYLOAD, PAYLOAD.encode().hex()):
        assert secret not in answer.stderr, secret


@contextmanager
def proof_server(agent):
    with Recorder("", [(200, json.dumps(agent).encode())] * 2) as server:
        yield server


@pytest.mark.parametrize("command", [
    ("inbox-watch", "--once"), ("tx-send", "--call"), ("tx-send", "--dry-run"), ("tx-send", "--sign-only"),
], ids=" ".join)
def test_each_request_of_a_node_is_told(chain, owner_key, command):
    """In order, and all else is as without: what is printed, the exit status, and silence."""
    fill(chain, PAYLOAD)
    program, *arguments = command
    stdin, key = "", "env:PRIVATE_KEY"
    if program == "tx-send":
        stdin, key = [{"to": chain.bridge.address, "data": OWNER}] * 3, owner_key
    with Recorder(chain.url) as node:
        env = settings(chain) | {"ETH_RPC_URL": node.url, "TEEBRIDGE_KEY": key}
        plain = run(program, *arguments, stdin=stdin, env=env).check_done()
        node.lines.clear()
        for option in ("-v", "--verbose"):
            answer = run(program, *arguments, option, stdin=stdin, env=env)
            assert (answer.status, answer.stdout) == (DONE, plain.stdout)
            assert told(program, answer.stderr) == node.lines and len(answer.stderr.splitlines()) == len(node.lines) > 0
            check_no_secrets(answer)
            node.lines.clear()


def test_what_is_sent_is_told(chain, owner_key):
    """The one request that sends, among those that ask."""
    with Recorder(chain.url) as node:
        answer = run("tx-send", "-v", "--key", owner_key, stdin={"to": TO, "value": "0x1"},
                     env=chain.env | {"ETH_RPC_URL": node.url}).check_sent()
        assert told("tx-send", answer.stderr) == node.lines
        assert sum("eth_sendRawTransaction (" in line for line in node.lines) == 1
        check_no_secrets(answer)


def test_proofs_over_HTTP():
    with proof_server(PROOFS[0]) as server:
        plain = run("proof-fetch", server.url).check_done()
        answer = run("proof-fetch", "-v", server.url)
        assert (answer.status, answer.stdout) == (DONE, plain.stdout)
        assert answer.stderr.splitlines()[0].startswith(f"proof-fetch: GET {server.shown}/… → 200, ")
        assert told("proof-fetch", answer.stderr) == server.lines[1:]
        check_no_secrets(answer)


def test_the_bare_address_has_no_path():
    """No ellipsis where nothing is hidden: a URL that ends with a slash, or with the host."""
    for tail in ("", "/"):
        answer = run("tx-send", "-v", "--call", "--retry-for", "0", stdin={"to": TO},
                     env={"ETH_RPC_URL": f"http://127.0.0.1:9{tail}"})
        assert re.fullmatch(r"POST http://127.0.0.1:9 eth_\S+( ×\d)?(, eth_\S+)* \(\d+ bytes\) → connection refused, N ms",
                            told("tx-send", answer.stderr)[0])
        assert answer.status == UNREACHABLE


def test_the_guest_agent(chain, agents):
    """Its requests stand in the order of their names, with the socket's path; no byte of a key."""
    answer = run("proof-fetch", "-v", f"dstack:{agents[0].socket}")
    assert (answer.status, answer.document) == (DONE, PROOFS[0])
    info, key = told("proof-fetch", answer.stderr)
    assert re.fullmatch(rf'POST "{agents[0].socket}" Info \(2 bytes\) → 200, \d+ bytes, N ms', info)
    asked = len('{"path":"/bridge","purpose":"ethereum"}')
    assert re.fullmatch(rf'POST "{agents[0].socket}" GetKey \({asked} bytes\) → 200, \d+ bytes, N ms', key)
    check_no_secrets(answer)
    with Server(lambda *_: (200, b"{}")) as server:
        answer = run("proof-fetch", "-v", f"dstack:{server.url}")
        assert told("proof-fetch", answer.stderr) == [f"POST {server.url}/… Info (2 bytes) → 200, 2 bytes, N ms"]

    fill(chain, PAYLOAD)
    answer = run("inbox-watch", "-v", "--once", env=chain.env | agents[0].env)
    assert answer.document["payload"] == PAYLOAD
    assert told("inbox-watch", answer.stderr)[0] == key
    check_no_secrets(answer)


@pytest.mark.parametrize("arguments", [("--to-member", A), ("--sign-with", "dstack:", "--to-member", A)], ids=len)
def test_sealing(chain, agents, arguments):
    with Recorder(chain.url) as node:
        answer = run("ecies-seal", "-v", *arguments, stdin=PAYLOAD,
                     env=chain.env | agents[0].env | {"ETH_RPC_URL": node.url})
        assert answer.status == DONE and list(answer.document)[-1] == "payload"
        lines = told("ecies-seal", answer.stderr)
        assert [line for line in lines if "GetKey" not in line] == node.lines
        assert len(lines) - len(node.lines) == ("dstack:" in arguments)
        check_no_secrets(answer)
    answer = run("ecies-seal", "-v", "--open", "--key", "dstack:", env=chain.env | agents[0].env, stdin=answer.stdout)
    assert answer.stdout.decode() == PAYLOAD and "GetKey" in told("ecies-seal", answer.stderr)[0]


def test_another_node_and_another_try(chain):
    """Each round asks both nodes, beginning with the one that was asked last."""
    busy = [None, (503, b"not now"), (429, b"")]
    with Recorder(chain.url, busy) as node:
        answer = run("inbox-watch", "-v", "--once", "--rpc-url", "http://127.0.0.1:9", "--rpc-url", node.url,
                     env={key: value for key, value in settings(chain).items() if key != "ETH_RPC_URL"})
        assert answer.status == DONE
        lines = told("inbox-watch", answer.stderr)
        assert [line for line in lines if ":9 " not in line] == node.lines
        assert [line.split(" → ")[1] for line in lines] == [
            "connection refused, N ms", "connection closed before the answer was complete, N ms",
            "503, 7 bytes, N ms", "connection refused, N ms", "connection refused, N ms", "429, 0 bytes, N ms", node.lines[-1].split(" → ")[1]]
        check_no_secrets(answer)


def test_one_byte_is_not_bytes(chain):
    with Recorder(chain.url, [(200, b"x")]) as node:
        answer = run("inbox-watch", "-v", "--once", "--retry-for", "0", env=settings(chain) | {"ETH_RPC_URL": node.url})
        assert answer.status == UNREACHABLE
        assert told("inbox-watch", answer.stderr)[0].endswith(" → 200, 1 byte, N ms")


def test_a_request_without_an_answer():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        answer = run("proof-fetch", "-v", "--timeout", "0.4", f"{url}/{PATH}")
        [line] = told("proof-fetch", answer.stderr)
        assert line.startswith(f"GET {url}/… → timed out before the answer was complete")
        assert 400 <= int(re.search(r"(\d+) ms$", answer.stderr.splitlines()[0])[1]) < 5000
        check_no_secrets(answer)
        assert answer.status == UNREACHABLE


def test_an_answer_that_is_too_large():
    with Server(lambda *_: (200, b"x" * (2 << 20))) as server:
        answer = run("proof-fetch", "-v", server.url)
    [line] = told("proof-fetch", answer.stderr)
    assert line == f"GET {server.url}/… → the response body is larger than 1048576 bytes, N ms"


def test_the_agent_in_the_CVM(chain, agents, tmp_path):
    """Its log has the requests of the guest agent and of the node; the line of the proof stays alone on its stream."""
    fill(chain, PAYLOAD)
    with Recorder(chain.url) as node, (tmp_path / "log").open("wb") as log:
        env = chain.env | agents[0].env | {"ETH_RPC_URL": node.url}
        with running("bridge-agent", "-v", "--listen", "127.0.0.1:0", env=env, stderr=log) as process:
            path = tmp_path / "log"
            wait_until(lambda: "was opened" in path.read_text(), path.read_text())
            process.terminate()
            stdout, _ = process.communicate(timeout=20)
        lines = told("bridge-agent", path.read_text())
        assert [line for line in lines if "POST http" in line] == node.lines[:len(lines) - 3] and len(lines) > 3
        assert [line.split()[2] for line in lines if "POST http" not in line] == ["Info", "GetKey", "GetKey"]
    assert stdout.startswith(b"PROOF_JSON=") and stdout.count(b"\n") == 1
    for secret in (*SECRETS, KEY, PAYLOAD, hexed(PAYLOAD.encode())):
        assert secret not in path.read_text()


@pytest.mark.parametrize("program", ["abi-encode", "proof-extract"])
def test_what_makes_no_requests_has_no_such_option(program):
    run(program, "--verbose").check_error(2, "--verbose")
