"""What takes more than a second is told to a person at a terminal, on a line that is gone afterwards; to nobody else."""

import json
import os
import pty
import re
import subprocess
import threading
import time

import pytest

from harness import DONE, ENVIRONMENT, UNREACHABLE, Result, program_path, run
from inboxes import A, KEY, PUBLIC, fill, settings
from proofs import PROOFS
from services import Server, post

BODY = json.dumps(PROOFS[0]).encode()
DRAWN = re.compile(r"\x1b\[\?7l\r\x1b\[K(.*?)\x1b\[\?7h")
ERASED = "\r\x1b[K"


class Seen(Result):
    """A result whose standard error is all that a terminal was sent."""

    @property
    def lines(self) -> list[str]:
        """The texts that stood there for a while, each once."""
        return list(dict.fromkeys(DRAWN.findall(self.stderr)))

    @property
    def left(self) -> str:
        """What the terminal shows at the end."""
        rows = [""]
        for part in re.findall(r"\x1b\[\?7[lh]|\x1b\[K|\r|\n|[^\x1b\r\n]+", self.stderr):
            if part == "\n":
                rows.append("")
            elif part == "\r":
                here = 0
            elif part == "\x1b[K":
                assert here == 0
                rows[-1] = ""
            elif not part.startswith("\x1b"):
                rows[-1] += part
                here = len(rows[-1])
        return "\n".join(rows)


def watched(program: str, *args, env=None, stdin=(), printed_there: bool = False, seconds: float = 60,
            seen: bytearray | None = None) -> Seen:
    """Run a program at a terminal. `stdin`: pieces of its input; a number is a pause. `seen` has what is shown so far."""
    master, slave = pty.openpty()
    seen = bytearray() if seen is None else seen

    def read() -> None:
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                return
            seen.extend(piece)

    process = subprocess.Popen(
        [program_path(program), *map(str, args)], stdin=subprocess.PIPE, stderr=slave,
        stdout=slave if printed_there else subprocess.PIPE, env=ENVIRONMENT | (env or {}))
    os.close(slave)
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        for piece in stdin:
            if isinstance(piece, bytes):
                process.stdin.write(piece)
                process.stdin.flush()
            else:
                time.sleep(piece)
        stdout, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
        process.wait(10)
        reader.join(10)
        os.close(master)
    return Seen(program, process.returncode, stdout or b"", seen.decode().replace("\r\n", "\n"))


def slow(pause: float, reply) -> Server:
    def answer(*request):
        time.sleep(pause)
        return reply(*request)

    return Server(answer)


def test_an_answer_that_lets_wait():
    """The seconds go on, and nothing is left of them."""
    with slow(3.3, lambda *_: (200, BODY)) as server:
        answer = watched("proof-fetch", server.url)
        assert (answer.status, answer.document, answer.left) == (DONE, PROOFS[0], "")
        assert answer.lines[-2:] == [f"waiting for {server.url} ({seconds} s)" for seconds in (2, 3)]
        assert answer.stderr.endswith(ERASED)


def test_nothing_in_the_first_second():
    with slow(0.6, lambda *_: (200, BODY)) as server:
        answer = watched("proof-fetch", server.url, server.url)
    assert (answer.status, answer.stderr) == (DONE, "") and len(answer.documents) == 2
    log = watched("proof-extract", stdin=[b"booting\r\n", 0.3, b"PROOF_JSON=", BODY])
    assert (log.status, log.stderr, log.document) == (DONE, "", PROOFS[0])


def test_nothing_where_nobody_sits():
    with slow(2.5, lambda *_: (200, BODY)) as server:
        assert run("proof-fetch", server.url).check_done().document == PROOFS[0]


def test_what_is_printed_takes_its_place():
    """Results and messages stand on the terminal alone."""
    replies = [(200, BODY), (404, b"")]
    with slow(2.4, lambda *_: replies.pop(0)) as server:
        found = watched("proof-fetch", server.url, printed_there=True)
        assert json.loads(found.left) == PROOFS[0] and len(found.lines) > 0
        failed = watched("proof-fetch", server.url)
    assert failed.status == UNREACHABLE and len(failed.lines) > 0
    assert failed.left == f"proof-fetch: error: {server.url}: answered HTTP status 404\n" \
        "proof-fetch: hint: the server has nothing at this path: check the URL\n"


@pytest.mark.parametrize("option", [[], ["-v"]], ids=["quiet", "verbose"])
def test_a_node_that_fails_for_a_while(chain, option):
    """What it answered stands there between the tries."""
    seen = bytearray()

    def reply(_method, _path, body):
        return (200, post(chain.url, body)) if DRAWN.search(seen.decode()) else (503, b"")

    with Server(reply) as node:
        answer = watched("ecies-seal", "--to-member", A, "--retry-for", "60", *option, stdin=[b"x"], seen=seen,
                         env=chain.env | {"ETH_RPC_URL": node.url})
        assert answer.status == DONE and answer.document["to_member"] == A
        assert set(answer.lines) <= {f"{node.url}: answered HTTP status 503{rest}" for rest in ("", "; trying again")}
        assert answer.lines
        told = answer.left.splitlines()
        assert all(line.startswith(f"ecies-seal: POST {node.url} ") for line in told)
        assert len(told) == (len(node.requests) if option else 0)


def test_a_node_that_is_away():
    answer = watched("ecies-seal", "--to-member", A, "--retry-for", "2.5", stdin=[b"x"],
                     env={"ETH_RPC_URL": "http://127.0.0.1:9", "BRIDGE_CONTRACT": "0x" + "11" * 20})
    assert answer.status == UNREACHABLE and answer.lines[0] == "http://127.0.0.1:9: connection refused; trying again"
    assert answer.left == "ecies-seal: error: http://127.0.0.1:9: connection refused\n" \
        "ecies-seal: hint: is the service running, and are the URL's host and port right?\n"


def test_a_large_log():
    megabyte = b"booting\r\n" * (1 << 17)
    proof = b"PROOF_JSON=" + BODY + b"\r\n"
    answer = watched("proof-extract", stdin=[megabyte, 0.7, megabyte, 0.7, megabyte, 0.7, proof])
    assert (answer.status, answer.document, answer.left) == (DONE, PROOFS[0], "")
    assert answer.lines == ["2 MiB read", "3 MiB read"]


def test_results_between():
    """A proof that is printed on the way stands on a line of its own."""
    megabyte = b"booting\r\n" * (1 << 17)
    proof = b"PROOF_JSON=" + BODY + b"\r\n"
    answer = watched("proof-extract", "--all", stdin=[megabyte, 1.2, megabyte, proof, 0.2, megabyte], printed_there=True)
    assert answer.status == DONE and "2 MiB read" in answer.lines
    [found, end] = answer.left.split("\n")
    assert (json.loads(found), end) == (PROOFS[0], "")


@pytest.mark.parametrize("is_file", [False, True], ids=["pipe", "file"])
def test_a_log_that_does_not_grow(is_file, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"booting\r\n")
    args = [path] if is_file else []
    answer = watched("proof-extract", "--follow", "--timeout", "2.5", *args, stdin=[b"booting\r\n", 3])
    assert answer.status == UNREACHABLE and answer.lines == ["0 MiB read, waiting for a proof"]
    assert answer.left.startswith("proof-extract: error: ") and answer.left.count("error") == 1


def test_a_large_secret():
    answer = watched("ecies-seal", "--to-pubkey", PUBLIC, stdin=[b"x" * (1 << 20), 1.2, b"x" * (1 << 20)])
    assert (answer.status, answer.left) == (DONE, "")
    assert len(answer.document["payload"]) > 4 << 20
    assert answer.lines[-1] == "sealing 2 MiB" and "1 MiB read" in answer.lines


def test_a_sealed_message_that_comes_slowly(key_file):
    sealed = run("ecies-seal", "--to-pubkey", PUBLIC, stdin="a secret").check_done().stdout
    key = key_file(KEY)
    answer = watched("ecies-seal", "--open", "--key", f"file:{key}", stdin=[sealed[:9], 1.3, sealed[9:]])
    assert (answer.status, answer.stdout, answer.left) == (DONE, b"a secret", "")
    assert answer.lines == ["opening 0 MiB"]


def test_a_large_inbox(chain):
    """The first reading of an inbox: how many messages there were so far."""
    count = 120
    fill(chain, *(f"message {number}" for number in range(count)))
    with slow(0.6, lambda _method, _path, body: (200, post(chain.url, body))) as node:
        answer = watched("inbox-watch", "--once", env=settings(chain) | {"ETH_RPC_URL": node.url})
    assert (answer.status, len(answer.documents), answer.left) == (DONE, count, "")
    assert answer.lines[-1] == f"{count} messages read" and len(answer.lines) > 1


def test_requests_that_are_only_tried(chain, owner_key):
    """tx-send without sending: how many were done."""
    request = {"to": chain.bridge.address, "data": "0x8da5cb5b"}
    with slow(0.4, lambda _method, _path, body: (200, post(chain.url, body))) as node:
        answer = watched("tx-send", "--call", stdin=[(json.dumps(request) + "\n").encode()] * 6,
                         env=chain.env | {"ETH_RPC_URL": node.url})
    assert (answer.status, len(answer.documents), answer.left) == (DONE, 6, "")
    assert answer.lines[-1] == "6 requests done"
