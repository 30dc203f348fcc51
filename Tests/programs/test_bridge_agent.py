"""bridge-agent as clients meet it, good ones and bad ones, and as its guest agent, its node and its host treat it."""

import fcntl
import http.client
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager

import ecies
import pytest
from eth_abi import encode

from harness import BAD_INPUT, ENVIRONMENT, UNREACHABLE, hexed, program_path, run
from proofs import PROOFS
from services import Manager, Server, relay, running_agent

pytestmark = pytest.mark.thread

A, B = (proof["member_id"] for proof in PROOFS)
PUBLIC = PROOFS[0]["dstack_proof"]["derived_compressed_pubkey"]
DEADLINE = 1.5
# How late a busy machine may be; what waits in vain does so for longer.
SLACK = 8.0
LONG_DEADLINE = "60"


def sealed(plaintext: bytes) -> bytes:
    return ecies.encrypt(PUBLIC, plaintext)


def eventually(condition, seconds: float = 60):
    """What the condition gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
    return value


class Site:
    """A running bridge-agent."""

    def __init__(self, process: subprocess.Popen, directory):
        self.process = process
        self._directory = directory
        line = eventually(lambda: re.search(r"listening on (\S+):(\d+)\n", self.stderr) or process.poll() is not None)
        assert line is not True, self.stderr
        self.host, self.port = line[1].strip("[]"), int(line[2])

    @property
    def stdout(self) -> str:
        return (self._directory / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self._directory / "stderr").read_text()

    @property
    def proofs(self) -> list[dict]:
        lines = self.stdout.splitlines()
        assert all(line.startswith("PROOF_JSON=") for line in lines)
        return [json.loads(line.removeprefix("PROOF_JSON=")) for line in lines]

    def connect(self, host: str = "127.0.0.1", receive_buffer: int | None = None) -> socket.socket:
        connection = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        connection.settimeout(20)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect((host, self.port))
        return connection

    def exchange(self, data: bytes, half_close: bool = False) -> bytes:
        """All that comes back for these bytes until the other side closes."""
        with self.connect() as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return read_all(connection)

    def get(self, path: str = "/healthz", method: str = "GET", at: str = "127.0.0.1", headers: dict | None = None,
            timeout: float = 10):
        """(status, document, headers)"""
        connection = http.client.HTTPConnection(at, self.port, timeout=timeout)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            body = response.read()
            return response.status, json.loads(body) if body else None, response.headers
        finally:
            connection.close()

    def status(self, path: str = "/healthz", **options) -> int:
        return self.get(path, **options)[0]

    def end(self, number=signal.SIGTERM, timeout: float = 15) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout)


@contextmanager
def bridge_agent(directory, *arguments, env=None, listen="127.0.0.1:0", **options):
    directory.mkdir(exist_ok=True)
    command = [program_path("bridge-agent"), "--listen", listen, *map(os.fspath, arguments)]
    with open(directory / "stdout", "wb") as out, open(directory / "stderr", "wb") as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=ENVIRONMENT | (env or {}),
                                   **({"stdout": out, "stderr": err} | options))
    try:
        yield Site(process, directory)
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture
def start(tmp_path, agents):
    """Starts a bridge-agent of the first member, with a short deadline; it ends with the test."""
    with ExitStack() as stack:
        count = iter(range(100))

        def start(*arguments, env=None, **options) -> Site:
            site = stack.enter_context(bridge_agent(
                tmp_path / f"site{next(count)}", "--deadline", str(DEADLINE), *arguments,
                env=agents[0].env | (env or {}), **options))
            eventually(lambda: "PROOF_JSON" in site.stdout)
            return site

        yield start


@pytest.fixture
def site(start) -> Site:
    return start()


@pytest.fixture
def watching(start, chain):
    """Starts one that watches the chain's inbox, and waits until it was read."""

    def watching(*arguments, env=None, **options) -> Site:
        site = start("--interval", "0.2", *arguments, env=chain.env | (env or {}), **options)
        eventually(lambda: site.status("/onboarding") == 200)
        return site

    return watching


def read_all(connection: socket.socket) -> bytes:
    data = b""
    while block := connection.recv(65536):
        data += block
    return data


def replies(data: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


def seconds_until_closed(connection: socket.socket, *answers: int) -> float:
    """How long it takes until the server ends a connection, and has given these answers."""
    begin, data = time.monotonic(), b""
    try:
        while block := connection.recv(65536):
            data += block
    except ConnectionResetError:
        pass
    assert replies(data) == list(answers)
    return time.monotonic() - begin


def cpu_seconds(process) -> float:
    fields = open(f"/proc/{process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


GET = b"GET /proof HTTP/1.1\r\nHost: localhost\r\n\r\n"

# Routes


def test_proof_is_the_whole_document(site):
    status, document, headers = site.get("/proof")
    assert (status, document) == (200, PROOFS[0])
    assert list(document) == list(PROOFS[0])
    assert headers["Content-Type"] == "application/json"
    assert run("proof-fetch", f"http://127.0.0.1:{site.port}").check_done().document == PROOFS[0]


def test_info_is_what_the_reference_agent_gives(site):
    status, document, _ = site.get("/info")
    proof = PROOFS[0]
    assert (status, document) == (200, {
        "app_id": proof["app_id"], "member_id": proof["member_id"], "derived_address": proof["derived_address"],
        "derived_pubkey": proof["dstack_proof"]["derived_compressed_pubkey"], "code_id": proof["code_id"],
        "kms_root": proof["kms_root"]})


def test_health(site):
    assert site.get()[:2] == (200, {"status": "ok", "member_id": A})


@pytest.mark.parametrize("path", ["/proof", "/info", "/healthz", "/onboarding", "/nowhere"])
def test_head_is_get_without_the_body(site, path):
    status, body, headers = site.get(path, "HEAD")
    full_status, document, full_headers = site.get(path)
    assert (status, body) == (full_status, None)
    assert document and headers.items() == full_headers.items()
    assert site.exchange(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/", "/proof/", "/Proof", "//proof", "/proof/..", "/.env", "/proof%00", "/%2Fproof",
                                  "/proof%2f..%2finfo", "/a" * 1000])
def test_other_paths_are_not_found(site, path):
    status, document, _ = site.get(path)
    assert status == 404 and list(document) == ["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"])
@pytest.mark.parametrize("path", ["/proof", "/nowhere"])
def test_other_methods_are_refused(site, method, path):
    answer = site.exchange(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc".encode())
    assert replies(answer) == [405] and b"\r\nAllow: GET, HEAD\r\n" in answer and b'{"error":' in answer


@pytest.mark.parametrize("query", ["bridge=%zz", "bridge=%e", "bridge=%ff", "%f=1", "bridge=0x1", "bridge=", "bridge",
                                   "bridge={bridge}&bridge={bridge}", "rpc=a&rpc=a", "bridge={wrong}"])
def test_bad_queries(watching, chain, query):
    site = watching()
    wrong = chain.bridge.address.swapcase().replace("0X", "0x")
    status, document, _ = site.get("/onboarding?" + query.format(bridge=chain.bridge.address, wrong=wrong))
    assert status == 400 and list(document) == ["error"]


def test_unknown_parameters_are_ignored(watching):
    site = watching()
    assert site.status("/proof?x=1&&y") == 200
    assert site.status("/onboarding?x=1&x=2") == 200


# What is no request, or several

HOST = b"Host: localhost\r\n"
SHAPES = {
    "length and encoding": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
                            b"\r\n0\r\n\r\n", 400),
    "encoding and length": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"
                            b"\r\n0\r\n\r\n", 400),
    "two lengths": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nabcde", 400),
    "list of lengths": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Content-Length: 0, 0\r\n\r\n", 400),
    "signed length": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nabcde", 400),
    "chunked body": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413),
    "strange encoding": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n", 413),
    "identity": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: identity\r\n\r\n", 413),
    "body": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Content-Length: 40\r\n\r\n" + GET, 413),
    "body of HEAD": (b"HEAD /proof HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc", 413),
    "no body, said so": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n", 200),
    "folded header": (b"GET /proof HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n", 400),
    "folded encoding": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "bare line feeds": (b"GET /proof HTTP/1.1\nHost: localhost\n\n", 400),
    "one bare line feed": (b"GET /proof HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n", 400),
    "bare return": (b"GET /proof HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n", 400),
    "NUL in a value": (b"GET /proof HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400),
    "NUL in a name": (b"GET /proof HTTP/1.1\r\n" + HOST + b"X\0: a\r\n\r\n", 400),
    "NUL in the target": (b"GET /pro\0of HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "space before the colon": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Content-Length : 5\r\n\r\n", 400),
    "space in the target": (b"GET /pr oof HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no name": (b"GET /proof HTTP/1.1\r\n" + HOST + b": a\r\n\r\n", 400),
    "no Host": (b"GET /proof HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET /proof HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "HTTP/1.0": (b"GET /proof HTTP/1.0\r\n\r\n", 200),
    "HTTP/2.0": (b"GET /proof HTTP/2.0\r\n" + HOST + b"\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/1.1 with a sign": (b"GET /proof HTTP/+1.1\r\n" + HOST + b"\r\n", 400),
    "unknown method": (b"FETCH /proof HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "lower-case method": (b"get /proof HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "TLS": (bytes.fromhex("16030100c8010000c40303") + bytes(200), 400),
    "no target": (b"GET HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "asterisk": (b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "fragment": (b"GET /proof#x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "absolute target": (b"GET http://localhost/proof HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "absolute target without a path": (b"GET http://localhost?a HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "another scheme": (b"GET file:///proof HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "escaped path": (b"GET /%70roo%66 HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "escape that is none": (b"GET /%zzproof HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "escape cut": (b"GET /proof%6 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "escape of no text": (b"GET /proof%ff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "empty lines first": (b"\r\n\r\n" + GET, 200),
    "expectation": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\n\r\n", 200),
    "upgrade": (b"GET /proof HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\nrest", 200),
    "long target": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431),
    "long header": (b"GET /proof HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n", 431),
    "long name": (b"GET /proof HTTP/1.1\r\n" + HOST + b"X" * 9000 + b": a\r\n\r\n", 431),
    "long headers": (b"GET /proof HTTP/1.1\r\n" + HOST + (b"X: " + b"a" * 4000 + b"\r\n") * 5 + b"\r\n", 431),
    "64 headers": (b"GET /proof HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 63 + b"\r\n", 200),
    "65 headers": (b"GET /proof HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 64 + b"\r\n", 431),
    "long white space": (b"GET /proof HTTP/1.1\r\n" + HOST + b"X:" + b" " * 20_000, 431),
    "endless empty lines": (b"\r\n" * 10_000, 431),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("in_pieces", [False, True], ids=["at once", "in pieces"])
def test_shapes_of_requests_have_one_answer(site, shape, in_pieces):
    request, expected = SHAPES[shape]
    with site.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(request), size := 97 if in_pieces else len(request)):
            connection.sendall(request[start : start + size])
        answer = read_all(connection)
    assert replies(answer) == [expected], answer
    assert b"\r\nConnection: close\r\n" in answer
    if expected != 200 and not request.startswith(b"HEAD"):
        assert list(json.loads(answer.partition(b"\r\n\r\n")[2])) == ["error"]
    assert site.status() == 200


def test_a_request_behind_another_is_not_answered(site):
    for rest in (GET, b"garbage\0", GET * 100):
        assert replies(site.exchange(GET + rest)) == [200]


def test_a_request_in_a_body_is_not_answered(site):
    """However the bytes arrive; and the one answer is not lost to a reset, since what comes is still taken."""
    body = GET + bytes(3 * 2**20 - len(GET))
    head = b"GET /proof HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    for pieces in ([head + body], [head, body], [head, GET, bytes(1000)], [head[:-1], head[-1:] + GET, GET]):
        with site.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.05)
            assert replies(read_all(connection)) == [413]


def test_a_client_that_closes_its_side_is_answered(site):
    assert replies(site.exchange(GET, half_close=True)) == [200]
    assert replies(site.exchange(b"", half_close=True)) == []
    assert replies(site.exchange(GET[:-2], half_close=True)) in ([], [400])


# Slow clients


def test_a_silent_connection_ends_at_the_deadline(site):
    with site.connect() as connection:
        assert DEADLINE - 0.1 < seconds_until_closed(connection) < DEADLINE + SLACK


def test_half_a_header_ends_at_the_deadline(site):
    with site.connect() as connection:
        connection.sendall(GET[:20])
        assert DEADLINE - 0.1 < seconds_until_closed(connection) < DEADLINE + SLACK


def drip(connection: socket.socket, data: bytes, pause: float):
    def send():
        try:
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(pause)
        except OSError:
            pass

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def test_a_dripping_header_ends_at_the_deadline(site):
    with site.connect() as connection:
        drip(connection, b"GET /proof HTTP/1.1\r\nX: " + b"a" * 100, 0.1)
        assert DEADLINE - 0.1 < seconds_until_closed(connection) < DEADLINE + SLACK


def test_a_dripping_body_is_not_waited_for(start):
    site = start("--deadline", LONG_DEADLINE)
    with site.connect() as connection:
        connection.sendall(b"GET /proof HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        drip(connection, b"a" * 100, 0.1)
        assert seconds_until_closed(connection, 413) < SLACK


def test_a_connection_is_not_kept_alive(start):
    site = start("--deadline", LONG_DEADLINE)
    with site.connect() as connection:
        connection.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"))
        assert seconds_until_closed(connection, 200) < SLACK
        # Nor is the server's end of it there for ever if the client stays.
        assert eventually(lambda: sockets(site) == 0, DEADLINE + SLACK)


def sockets(site: Site) -> int:
    """How many connections on its port the agent has not closed: the inode of others is 0."""
    lines = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
    client_inodes = {line[9] for line in lines if int(line[2].partition(":")[2], 16) == site.port}
    return sum(int(line[1].partition(":")[2], 16) == site.port and line[3] != "0A" and line[9] != "0"
               and line[9] not in client_inodes for line in lines)


@pytest.mark.parametrize("size", [16_384, 65_536, 200 * 1024, 4 * 2**20])
def test_a_long_header_line_costs_nothing(start, size):
    site = start("--deadline", LONG_DEADLINE)
    before, begin = cpu_seconds(site.process), time.monotonic()
    assert replies(site.exchange(b"GET /proof HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * size)) == [431]
    assert time.monotonic() - begin < SLACK
    assert cpu_seconds(site.process) - before < 0.3


# Many clients


def test_idle_connections_keep_nobody_out(start):
    site = start("--deadline", LONG_DEADLINE)
    idlers = [site.connect() for _ in range(300)]
    try:
        assert site.status(timeout=SLACK) == 200
    finally:
        for idler in idlers:
            idler.close()


def test_one_connection_more_ends_the_oldest_that_waits(start):
    site = start("--max-connections", "3")
    first, second, third = (site.connect() for _ in range(3))
    second.sendall(GET[:20])
    time.sleep(0.1)
    with first, second, third, site.connect() as fourth:
        assert seconds_until_closed(first) < 1
        fourth.sendall(GET)
        assert replies(read_all(fourth)) == [200]
        second.sendall(GET[20:])
        assert replies(read_all(second)) == [200]
        third.sendall(GET)
        assert replies(read_all(third)) == [200]


def test_running_out_of_files_is_survived(start):
    site = start("--deadline", "5", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48)))
    before = cpu_seconds(site.process)
    idlers = [site.connect() for _ in range(80)]
    try:
        assert site.status(timeout=8) == 200
        time.sleep(0.5)
        assert cpu_seconds(site.process) - before < 0.5
    finally:
        for idler in idlers:
            idler.close()
    assert eventually(lambda: site.status() == 200)
    assert site.process.poll() is None


@contextmanager
def large_inbox(chain, count: int = 8, size: int = 200_000):
    """A node whose bridge has messages that are larger than it pays to post; the JSON of each has six times `size`."""
    chain.onboard(B, A, *[b"small"] * count)
    payload = sealed(bytes(size))
    large = hexed(encode(["bytes32", "bytes"], [bytes.fromhex(B[2:]), payload]))
    selector = chain.web3.keccak(text="onboardingMessage(bytes32,uint256)").hex()[:8]
    # The words of storage that a look asks for are those of the large messages as well.
    words = {hexed((5).to_bytes(32)): hexed(len(payload).to_bytes(32)), hexed(b"small".ljust(32, b"\0")): hexed(payload[:32])}

    def spoil(call, answer):
        if call["method"] == "eth_getStorageAt":
            return answer | {"result": words.get(answer["result"], answer["result"])}
        if call["method"] == "eth_call" and call["params"][0]["data"][2:10] == selector:
            return answer | {"result": large}
        return answer

    with relay(chain.url, spoil) as node:
        yield node


def test_a_slow_reader_ends_at_the_deadline(watching, chain):
    with large_inbox(chain) as node:
        site = watching("--max-payload", "1000000", env={"ETH_RPC_URL": node.url})
        with site.connect(receive_buffer=4096) as connection:
            connection.sendall(b"GET /onboarding HTTP/1.1\r\nHost: localhost\r\n\r\n")
            start = time.monotonic()
            assert replies(connection.recv(1024)) == [200]
            assert site.status() == 200, "one slow reader keeps others from being answered"
            with pytest.raises(ConnectionResetError):
                while connection.recv(4096):
                    time.sleep(0.01)
            assert DEADLINE - 0.1 < time.monotonic() - start < DEADLINE + SLACK


def test_while_all_are_being_answered_a_newcomer_is_turned_away(watching, chain):
    with large_inbox(chain) as node:
        site = watching("--max-connections", "1", "--max-payload", "1000000", env={"ETH_RPC_URL": node.url})
        with site.connect(receive_buffer=4096) as connection:
            connection.sendall(b"GET /onboarding HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert replies(connection.recv(1024)) == [200]
            with site.connect() as newcomer:
                assert seconds_until_closed(newcomer) < 1
            assert eventually(lambda: sockets(site) == 0, DEADLINE + SLACK)
            assert site.status() == 200


def test_a_large_answer_reaches_a_client_that_closes_its_side(watching, chain):
    """Whole, and alone, although a second request came with the first."""
    with large_inbox(chain, count=3) as node:
        site = watching("--deadline", "10", "--max-payload", "1000000", env={"ETH_RPC_URL": node.url})
        request = b"GET /onboarding HTTP/1.1\r\nHost: localhost\r\n\r\n"
        whole = site.exchange(request)
        assert len(whole) > 3 * 6 * 200_000
        with site.connect(receive_buffer=4096) as connection:
            connection.sendall(request * 2)
            connection.shutdown(socket.SHUT_WR)
            time.sleep(0.3)
            assert read_all(connection) == whole


def test_a_client_that_resets_ends_nothing(watching, chain):
    with large_inbox(chain) as node:
        site = watching("--max-payload", "1000000", env={"ETH_RPC_URL": node.url})
        for _ in range(5):
            with site.connect(receive_buffer=4096) as connection:
                connection.sendall(b"GET /onboarding HTTP/1.1\r\nHost: localhost\r\n\r\n")
                connection.recv(100)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert site.status() == 200
        assert site.get("/onboarding")[1]["messages"][0]["payload"] == "\0" * 200_000


# The end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(start, number):
    site = start("--deadline", LONG_DEADLINE)
    with site.connect(), site.connect() as answered:
        answered.sendall(GET)
        read_all(answered)
        assert site.end(number, SLACK) == 0


def test_a_request_that_has_begun_is_answered_after_the_signal(start):
    site = start("--deadline", LONG_DEADLINE)
    with site.connect() as connection:
        connection.sendall(GET[:20])
        time.sleep(0.2)
        site.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            site.connect()
        assert site.process.poll() is None
        connection.sendall(GET[20:])
        assert replies(read_all(connection)) == [200]
    assert site.process.wait(SLACK) == 0


def test_the_end_waits_one_deadline_at_most(site):
    with site.connect() as connection:
        connection.sendall(GET[:20])
        time.sleep(0.5)
        start = time.monotonic()
        assert site.end() == 0
        assert time.monotonic() - start < DEADLINE + SLACK


def test_an_answer_that_is_being_read_is_finished_after_the_signal(watching, chain):
    with large_inbox(chain, count=2) as node:
        site = watching("--deadline", "10", "--max-payload", "1000000", env={"ETH_RPC_URL": node.url})
        whole = site.exchange(b"GET /onboarding HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with site.connect(receive_buffer=4096) as connection:
            connection.sendall(b"GET /onboarding HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = connection.recv(100)
            site.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            assert answer + read_all(connection) == whole
        assert site.process.wait(12) == 0


def test_a_signal_while_the_guest_agent_is_waited_for(tmp_path):
    with bridge_agent(tmp_path / "site", "--dstack", tmp_path / "no.sock") as site:
        assert site.end(timeout=SLACK) == 0


def test_a_signal_while_a_node_does_not_answer(start, chain):
    released = threading.Event()
    with Server(lambda *_: released.wait(20) and None) as node:
        site = start(env=chain.env | {"ETH_RPC_URL": node.url})
        eventually(lambda: node.requests)
        assert site.end(timeout=SLACK) == 0
        released.set()


# The guest agent


def test_the_guest_agent_is_waited_for(tmp_path, chain):
    socket_path = tmp_path / "late.sock"
    with bridge_agent(tmp_path / "site", "--dstack", socket_path, "--timeout", "30") as site:
        for path in ("/proof", "/info", "/healthz"):
            status, document, _ = site.get(path)
            assert status == 503 and "guest agent" in document["error"]
        assert site.get("/proof")[2]["Retry-After"] == "1"
        time.sleep(0.3)
        with running_agent(socket_path, "--preset", "cross-sdk"):
            eventually(lambda: site.status("/proof") == 200)
            assert site.proofs == PROOFS[:1]


def test_a_guest_agent_that_does_not_come(tmp_path):
    answer = run("bridge-agent", "--listen", "127.0.0.1:0", "--dstack", tmp_path / "no.sock", "--timeout", "0.5")
    assert answer.status == UNREACHABLE and answer.stdout == b"" and len(answer.messages("error")) == 1


def test_a_restarted_guest_agent_is_asked_again(tmp_path, chain):
    """Its old socket is dead and its new one has another inode; what it proved holds meanwhile."""
    path = tmp_path / "agent.sock"
    public_of_b = PROOFS[1]["dstack_proof"]["derived_compressed_pubkey"]
    chain.onboard(B, A, sealed(b"for A"))
    chain.onboard(A, B, ecies.encrypt(public_of_b, b"for B"))

    def inbox(site):
        document = site.get("/onboarding")[1]
        return document.get("member_id"), [each["payload"] for each in document.get("messages", [])]

    with running_agent(path, "--preset", "cross-sdk"):
        with ExitStack() as stack:
            site = stack.enter_context(bridge_agent(
                tmp_path / "site", "--dstack", path, "--interval", "0.2", env=chain.env))
            eventually(lambda: inbox(site) == (A, ["for A"]))
            site_stack = stack.pop_all()
    with site_stack:
        eventually(lambda: "going on with the proof from before" in site.stderr)
        time.sleep(0.5)
        assert site.get("/proof")[1] == PROOFS[0] and inbox(site) == (A, ["for A"])
        assert site.status() == 200
        assert site.stderr.count("going on with") == 1, "each asking of an outage is a warning"
        with running_agent(path, "--preset", "simulator"):
            eventually(lambda: site.get("/proof")[1] == PROOFS[1])
            eventually(lambda: inbox(site) == (B, ["for B"]))
            assert site.proofs == PROOFS


def test_the_proof_is_printed_again(start):
    site = start("--repeat-proof", "0.1")
    eventually(lambda: len(site.proofs) >= 3)
    assert all(proof == PROOFS[0] for proof in site.proofs)


def test_the_proof_is_printed_once_if_that_is_asked(start):
    site = start("--repeat-proof", "0", "--interval", "0.05")
    time.sleep(0.5)
    assert site.proofs == PROOFS[:1]


@pytest.mark.parametrize("output", ["full", "closed"])
def test_the_server_outlives_its_log(tmp_path, agents, output):
    if output == "full":
        stream = open("/dev/full", "wb")
    else:
        read, write = os.pipe()
        os.close(read)
        stream = open(write, "wb")
    with stream, bridge_agent(tmp_path / "site", env=agents[0].env, stdout=stream) as site:
        eventually(lambda: site.status() == 200)
        eventually(lambda: "the proof could not be printed" in site.stderr)


@pytest.mark.parametrize("options", [["--no-kms"], ["--close-mid-body"]])
def test_a_guest_agent_without_a_proof(tmp_path, options):
    with running_agent(tmp_path / "a.sock", *options):
        answer = run("bridge-agent", "--listen", "127.0.0.1:0", "--dstack", tmp_path / "a.sock", "--timeout", "0.5")
    assert answer.status == (1 if options == ["--no-kms"] else UNREACHABLE) and len(answer.messages("error")) == 1


# The inbox


def test_messages(watching, chain):
    site = watching()
    assert site.get("/onboarding")[1] == {"member_id": A, "dropped": 0, "messages": []}
    chain.onboard(B, A, sealed("geheim 🤐".encode()), b"garbage", sealed(b"\xff\x00"))
    document = eventually(lambda: (found := site.get("/onboarding")[1])["messages"][1:] and found)
    assert document["messages"] == [
        {"id": f"{A}:0", "member_id": A, "index": 0, "from": B, "payload": "geheim 🤐", "authenticated": False},
        {"id": f"{A}:2", "member_id": A, "index": 2, "from": B, "payload_hex": "0xff00", "authenticated": False}]
    time.sleep(0.5)
    assert len(site.get("/onboarding")[1]["messages"]) == 2
    assert site.stderr.count("message 0 ") == site.stderr.count("message 2 ") == 1
    assert len(re.findall("warning: message 1 ", site.stderr)) == 1


def test_no_payload_is_printed(watching, chain):
    chain.onboard(B, A, sealed(b"a-plaintext-secret"))
    site = watching()
    assert site.get("/onboarding")[1]["messages"][0]["payload"] == "a-plaintext-secret"
    assert "a-plaintext-secret" not in site.stdout + site.stderr
    assert b"a-plaintext-secret".hex() not in site.stdout + site.stderr


def test_only_authenticated_messages(start, chain):
    chain.onboard(B, A, sealed(b"anybody's"))
    site = start("--interval", "0.2", "--require-authenticated", env=chain.env)
    eventually(lambda: site.status("/onboarding") == 200)
    assert site.get("/onboarding")[1]["messages"] == [] and "warning: message 0 " in site.stderr


def test_onboarding_asks_nobody(start, chain):
    with relay(chain.url, lambda call, answer: answer) as node:
        site = start("--interval", "1000", env=chain.env | {"ETH_RPC_URL": node.url})
        eventually(lambda: site.status("/onboarding") == 200)
        count = len(node.requests)
        for _ in range(20):
            assert site.status(f"/onboarding?bridge={chain.bridge.address}&rpc={node.url}") == 200
        assert len(node.requests) == count


def test_the_bridge_in_the_query(watching, chain):
    site = watching()
    for name in (chain.bridge.address, chain.bridge.address.lower()):
        assert site.status(f"/onboarding?bridge={name}") == 200
    status, document, _ = site.get("/onboarding?bridge=0x" + "11" * 20)
    assert status == 404 and chain.bridge.address in document["error"]


def test_no_url_but_the_operators_is_taken(watching, chain):
    site = watching()
    with Server(lambda *_: (200, b"{}")) as stranger:
        for url in (stranger.url, chain.url + "/x", "file:///etc/passwd", "", "x"):
            status, document, _ = site.get(f"/onboarding?rpc={url}")
            assert status == 403 and url not in document["error"] or not url
        assert not stranger.requests
    assert site.status(f"/onboarding?rpc={chain.url}") == 200


def test_without_a_bridge_there_is_no_inbox(site):
    assert site.status("/onboarding") == 404
    assert site.status() == 200


def test_a_node_that_hangs_stalls_nobody(start, chain):
    released = threading.Event()
    with Server(lambda *_: released.wait(20) and None) as node:
        site = start("--interval", "0.1", env=chain.env | {"ETH_RPC_URL": node.url})
        eventually(lambda: node.requests)
        for path, expected in (("/proof", 200), ("/onboarding", 503)):
            assert site.status(path, timeout=SLACK) == expected
        eventually(lambda: site.status() == 503)
        assert "inbox" in site.get()[1]["error"]
        released.set()


def test_health_follows_the_node(watching, chain):
    down = threading.Event()
    with relay(chain.url, lambda call, answer: (500, b"") if down.is_set() else answer) as node:
        site = watching(env={"ETH_RPC_URL": node.url})
        assert site.status() == 200
        down.set()
        eventually(lambda: site.status() == 503)
        assert site.status("/onboarding") == 200 and site.status("/proof") == 200
        down.clear()
        eventually(lambda: site.status() == 200, 30)


# Who may see messages


@pytest.fixture(scope="session")
def own_address():
    """An address of this machine that is not loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return probe.getsockname()[0]


def forbidden(answer) -> bool:
    status, document, _ = answer
    return status == 403 and list(document) == ["error"]


def test_others_get_no_messages(watching, chain, own_address):
    site = watching(listen="0.0.0.0:0")
    assert forbidden(site.get("/onboarding", at=own_address))
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP"):
        assert forbidden(site.get("/onboarding", at=own_address, headers={header: "127.0.0.1"}))
    assert forbidden(site.get("/onboarding", at=own_address, headers={"Host": "localhost"}))
    assert site.status("/proof", at=own_address) == 200
    assert site.status("/healthz", at=own_address) == 200
    assert site.status("/onboarding") == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For: 127.0.0.1", "x-forwarded-proto: https", "X-Real-IP: ::1", "VIA: 1.1 proxy",
                                    "Forwarded: for=127.0.0.1", "X-Forwarded-For:"])
def test_a_proxy_on_this_machine_is_not_this_machine(watching, key_file, header):
    token = "0123456789abcdef-a-token"
    site = watching("--serve-secrets-to", f"token-file:{key_file(token)}", "--serve-secrets-to", "127.0.0.0/8",
                    listen="[::]:0")

    def get(path, *lines, at="127.0.0.1"):
        request = "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", "Host: localhost", *lines, ""))
        with site.connect(at) as connection:
            connection.sendall(request.encode())
            return read_all(connection)

    for at in ("127.0.0.1", "::1"):
        assert replies(get("/onboarding", at=at)) == [200]
        refusal = get("/onboarding", header, at=at)
        assert replies(refusal) == [403] and b"a proxy on this machine" in refusal
        assert replies(get("/onboarding", header, f"Authorization: Bearer {token}", at=at)) == [200]
        assert replies(get("/proof", header, at=at)) == [200]


def test_networks_that_may_see_messages(watching, own_address):
    assert watching("--serve-secrets-to", own_address + "/32", listen="0.0.0.0:0").status(
        "/onboarding", at=own_address) == 200
    other = watching("--serve-secrets-to", "198.51.100.0/24", "--serve-secrets-to", "fd00::/8", listen="0.0.0.0:0")
    assert forbidden(other.get("/onboarding", at=own_address))


def test_addresses_that_ipv6_maps(watching, own_address):
    """A listener on :: sees IPv4 clients as ::ffff:a.b.c.d."""
    site = watching("--serve-secrets-to", own_address, listen="[::]:0")
    assert site.status("/onboarding") == 200
    assert site.status("/onboarding", at="::1") == 200
    assert site.status("/onboarding", at=own_address) == 200
    assert forbidden(watching(listen="[::]:0").get("/onboarding", at=own_address))


def test_a_token_opens_the_messages(watching, key_file, own_address):
    token = "0123456789abcdef-a-token"
    site = watching("--serve-secrets-to", f"token-file:{key_file(token + chr(10))}", listen="0.0.0.0:0")

    def get(*values):
        request = "GET /onboarding HTTP/1.1\r\nHost: cvm.example.org\r\n"
        request += "".join(f"Authorization: {value}\r\n" for value in values) + "\r\n"
        with site.connect(own_address) as connection:
            connection.sendall(request.encode())
            return replies(read_all(connection))

    assert get(f"Bearer {token}") == get(f"bearer {token}") == [200]
    for wrong in (token, "Bearer", "Bearer ", f"Basic {token}", f"Bearer {token}x", f"Bearer {token[:-1]}",
                  f"Bearer {token[:-1]}x", f"Bearer {token.upper()}", "Bearer " + "x" * len(token)):
        assert get(wrong) == [403], wrong
    assert get(f"Bearer {token}", f"Bearer {token}") == [403]
    assert site.status("/onboarding") == 200, "this machine needs no token"


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]:8080", "[::1]"])
def test_a_name_that_is_this_machines(watching, host):
    assert watching().status("/onboarding", headers={"Host": host}) == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil",
                                  "127.0.0.1@evil", "", "[evil]", "[::1"])
def test_a_name_that_a_web_page_brought(watching, host):
    site = watching()
    assert forbidden(site.get("/onboarding", headers={"Host": host}))
    assert site.status("/proof", headers={"Host": host}) == 200


def test_the_target_stands_above_the_host_header(watching):
    site = watching()
    answer = site.exchange(b"GET http://evil.example/onboarding HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert replies(answer) == [403]


# How it is called wrongly


@pytest.mark.parametrize("listen", ["8080", ":8080", "localhost:8080", "127.0.0.1", "127.0.0.1:65536", "::1:80",
                                    "[127.0.0.1]:80", "[::1]", "[::1]x80", "1.2.3:80", "127.0.0.1:-1", ""])
def test_addresses_that_are_none(listen):
    run("bridge-agent", "--listen", listen).check_error(BAD_INPUT)


def test_an_address_that_is_taken(site, agents):
    answer = run("bridge-agent", "--listen", f"127.0.0.1:{site.port}", env=agents[0].env)
    answer.check_error(BAD_INPUT, f"cannot listen on 127.0.0.1:{site.port}", "in use")


@pytest.mark.parametrize("who", ["10.0.0.1/8", "10.0.0.0/33", "fd00::/129", "example.org", "10.0.0.0/", "", "/8",
                                 "10.0.0.0/-1", "10.0.0.0/8/8", "::ffff:10.0.0.0/90", "token-file:/nonexistent"])
def test_networks_that_are_none(agents, who):
    run("bridge-agent", "--listen", "127.0.0.1:0", "--serve-secrets-to", who, env=agents[0].env).check_error(BAD_INPUT)


def test_a_token_that_others_can_read_or_guess(agents, key_file):
    for text, mode, word in (("0123456789abcdef", 0o640, "read by others"), ("short", 0o600, "less than")):
        path = key_file(text, mode)
        answer = run("bridge-agent", "--listen", "127.0.0.1:0", "--serve-secrets-to", f"token-file:{path}",
                     env=agents[0].env)
        answer.check_error(BAD_INPUT, word)
        assert "0123456789abcdef" not in answer.stderr
        path.unlink()


@pytest.mark.parametrize("arguments", [["--interval", "0"], ["--deadline", "0"], ["--max-connections", "0"],
                                       ["--repeat-proof", "-1"], ["--purpose", "x"], ["extra"]])
def test_options_that_make_no_sense(agents, arguments):
    answer = run("bridge-agent", "--listen", "127.0.0.1:0", *arguments, env=agents[0].env)
    assert answer.status in (BAD_INPUT, 1) and len(answer.messages("error")) == 1


def test_a_bridge_without_a_node(agents, chain):
    answer = run("bridge-agent", "--listen", "127.0.0.1:0", "--bridge", chain.bridge.address, env=agents[0].env)
    answer.check_error(BAD_INPUT, "node's URL")


# The service manager


@pytest.fixture
def manager(tmp_path):
    return Manager(str(tmp_path / "notify"))


def starting(notice: str) -> bool:
    return re.fullmatch(r"EXTEND_TIMEOUT_USEC=\d{8}", notice) is not None


def test_the_service_manager_hears_of_start_life_and_end(start, manager):
    site = start(env=manager.env | {"WATCHDOG_USEC": "200000"})
    assert starting(manager.hear())
    heard = [manager.hear() for _ in range(4)]
    assert heard == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]
    site.process.terminate()
    eventually(lambda: manager.hear() == "STOPPING=1")
    assert site.process.wait(10) == 0


def test_the_time_for_the_start_is_extended_while_the_guest_agent_is_waited_for(tmp_path, manager):
    with bridge_agent(tmp_path / "site", "--dstack", tmp_path / "agent", env=manager.env):
        assert starting(manager.hear()) and starting(manager.hear()) and starting(manager.hear())
        with running_agent(tmp_path / "agent"):
            eventually(lambda: manager.hear() == "READY=1")


def test_a_node_that_hangs_is_no_reason_to_start_anew(start, chain, manager):
    """Each request has a deadline of its own, and /healthz tells of the inbox."""
    with socket.create_server(("127.0.0.1", 0)) as node:
        url = f"http://127.0.0.1:{node.getsockname()[1]}"
        site = start(env=chain.env | {"ETH_RPC_URL": url} | manager.env | {"WATCHDOG_USEC": "5000000"})
        eventually(lambda: manager.hear() == "READY=1")
        begin = time.monotonic()
        while time.monotonic() - begin < 11:
            assert manager.hear(5) == "WATCHDOG=1"
        assert site.status("/proof") == 200 and site.status("/onboarding") == 503


def test_a_thread_that_hangs_ends_the_signs_of_life(tmp_path, agents, manager):
    """Nobody takes what the agent prints: a serial console that the host has stopped."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with open(reading, "rb") as log, open(writing, "wb") as stream, bridge_agent(
            tmp_path / "site", "--interval", "0.02", "--repeat-proof", "0.02", env=agents[0].env | manager.env
            | {"WATCHDOG_USEC": "1000000"}, stdout=stream) as site:
        assert starting(manager.hear()) and manager.hear() == "READY=1"

        def is_silent() -> bool:
            try:
                return manager.hear(2) != "WATCHDOG=1"
            except TimeoutError:
                return True

        eventually(is_silent, 20)
        assert site.status("/proof") == 200, "the server is not what hangs"
        os.set_blocking(reading, False)
        # What it printed is taken, as often as the pipe is full again.
        eventually(lambda: (log.read(), not is_silent())[1])
