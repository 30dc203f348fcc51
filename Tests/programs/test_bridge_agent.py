"""bridge-agent with its guest agent, its node and its host. HTTPServerTests and AgentSiteTests judge its answers."""

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

    def exchange(self, data: bytes) -> bytes:
        """All that comes back for these bytes until the other side closes."""
        with self.connect() as connection:
            connection.sendall(data)
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


def refused(*arguments, env=None):
    """What a bridge-agent says that ends before it serves."""
    return run("bridge-agent", "--listen", "127.0.0.1:0", *arguments, env=env)


@pytest.fixture
def patient_site(start) -> Site:
    """One with a deadline that no test waits for."""
    return start("--deadline", LONG_DEADLINE)


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


def test_health(site):
    assert site.get()[:2] == (200, {"status": "ok", "member_id": A})


# Slow clients


def drip(connection: socket.socket, data: bytes):
    """Sends a byte ten times in a second, in a thread of its own."""
    def send():
        try:
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(0.1)
        except OSError:
            pass

    threading.Thread(target=send, daemon=True).start()


@pytest.mark.parametrize("at_once, dripping", [
    (b"", b""), (GET[:20], b""), (b"", b"GET /proof HTTP/1.1\r\nX: " + b"a" * 100),
], ids=["nothing", "half a header", "a dripping header"])
def test_what_is_no_request_ends_at_the_deadline(site, at_once, dripping):
    with site.connect() as connection:
        connection.sendall(at_once)
        drip(connection, dripping)
        assert DEADLINE - 0.1 < seconds_until_closed(connection) < DEADLINE + SLACK


def test_a_dripping_body_is_not_waited_for(patient_site):
    with patient_site.connect() as connection:
        connection.sendall(b"GET /proof HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        drip(connection, b"a" * 100)
        assert seconds_until_closed(connection, 413) < SLACK


def test_a_connection_is_not_kept_alive(patient_site):
    with patient_site.connect() as connection:
        connection.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"))
        assert seconds_until_closed(connection, 200) < SLACK
        # Nor is the server's end of it there for ever if the client stays.
        assert eventually(lambda: sockets(patient_site) == 0, DEADLINE + SLACK)


def sockets(site: Site) -> int:
    """How many connections on its port the agent has not closed: the inode of others is 0."""
    lines = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
    client_inodes = {line[9] for line in lines if int(line[2].partition(":")[2], 16) == site.port}
    return sum(int(line[1].partition(":")[2], 16) == site.port and line[3] != "0A" and line[9] != "0"
               and line[9] not in client_inodes for line in lines)


@pytest.mark.parametrize("size", [16_384, 65_536, 200 * 1024, 4 * 2**20])
def test_a_long_header_line_costs_nothing(patient_site, size):
    before, begin = cpu_seconds(patient_site.process), time.monotonic()
    assert replies(patient_site.exchange(b"GET /proof HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * size)) == [431]
    assert time.monotonic() - begin < SLACK
    assert cpu_seconds(patient_site.process) - before < 0.3


# Many clients


def test_idle_connections_keep_nobody_out(patient_site):
    idlers = [patient_site.connect() for _ in range(300)]
    try:
        assert patient_site.status(timeout=SLACK) == 200
    finally:
        for idler in idlers:
            idler.close()


def test_one_connection_more_ends_the_oldest_that_waits(start):
    site = start("--max-connections", "3", "--deadline", LONG_DEADLINE)
    connections = [site.connect() for _ in range(4)]
    assert seconds_until_closed(connections[0]) < SLACK
    for connection in connections[1:]:
        connection.sendall(GET)
        assert replies(read_all(connection)) == [200]
        connection.close()


def test_running_out_of_files_is_survived(start):
    site = start("--deadline", "5", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48)))
    before = cpu_seconds(site.process)
    idlers = [site.connect() for _ in range(80)]
    try:
        assert site.status(timeout=60) == 200
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
def test_a_signal_ends_it_in_order(patient_site, number):
    with patient_site.connect(), patient_site.connect() as answered:
        answered.sendall(GET)
        read_all(answered)
        assert patient_site.end(number, SLACK) == 0


def test_a_request_that_has_begun_is_answered_after_the_signal(patient_site):
    with patient_site.connect() as connection:
        connection.sendall(GET[:20])
        time.sleep(0.2)
        patient_site.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            patient_site.connect()
        assert patient_site.process.poll() is None
        connection.sendall(GET[20:])
        assert replies(read_all(connection)) == [200]
    assert patient_site.process.wait(SLACK) == 0


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
        assert site.process.wait(60) == 0


def test_a_signal_while_the_guest_agent_is_waited_for(tmp_path):
    with bridge_agent(tmp_path / "site", "--dstack", tmp_path / "no.sock") as site:
        assert site.end(timeout=SLACK) == 0


@pytest.fixture
def silent_node(chain):
    """A node that takes longer to answer than any test waits."""
    over = threading.Event()
    with Server(lambda *_: over.wait(120) and None) as node:
        node.env = chain.env | {"ETH_RPC_URL": node.url}
        yield node
        over.set()


def test_a_signal_while_a_node_does_not_answer(start, silent_node):
    site = start(env=silent_node.env)
    eventually(lambda: silent_node.requests)
    assert site.end(timeout=SLACK) == 0


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
    answer = refused("--dstack", tmp_path / "no.sock", "--timeout", "0.5")
    assert answer.status == UNREACHABLE and answer.stdout == b"" and len(answer.messages("error")) == 1


def test_a_guest_agent_that_is_not_mounted(tmp_path):
    """Docker makes a directory in its place; the socket may also come to be in one that was mounted for it."""
    path = tmp_path / "dstack.sock"
    path.mkdir()
    answer = refused("--dstack", path, "--timeout", "0.5")
    assert answer.status == UNREACHABLE and answer.stdout == b""
    assert answer.messages("error") == [
        f'"{path}" is not the socket of the dstack guest agent, but a directory without dstack.sock']
    assert answer.messages("hint")[0].startswith("docker makes a directory where the socket to be mounted is absent")
    with bridge_agent(tmp_path / "site", "--dstack", tmp_path, "--timeout", "30") as site:
        path.rmdir()
        with running_agent(path, "--preset", "cross-sdk"):
            eventually(lambda: site.status("/proof") == 200)


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
        eventually(lambda: "keeping the previous proof" in site.stderr)
        time.sleep(0.5)
        assert site.get("/proof")[1] == PROOFS[0] and inbox(site) == (A, ["for A"])
        assert site.status() == 200
        assert site.stderr.count("keeping the previous") == 1, "each asking of an outage is a warning"
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
        answer = refused("--dstack", tmp_path / "a.sock", "--timeout", "0.5")
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


def test_a_node_that_hangs_stalls_nobody(start, silent_node):
    site = start("--interval", "0.1", env=silent_node.env)
    eventually(lambda: silent_node.requests)
    for path, expected in (("/proof", 200), ("/onboarding", 503)):
        assert site.status(path, timeout=SLACK) == expected
    eventually(lambda: site.status() == 503)
    assert "inbox" in site.get()[1]["error"]


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

    assert get(f"Bearer {token}") == [200]
    assert get(f"Bearer {token}x") == get() == [403]
    assert site.status("/onboarding") == 200, "this machine needs no token"


# How it is called wrongly


def test_an_address_that_is_taken(site, agents):
    answer = run("bridge-agent", "--listen", f"127.0.0.1:{site.port}", env=agents[0].env)
    answer.check_error(BAD_INPUT, f"cannot listen on 127.0.0.1:{site.port}", "in use")


@pytest.mark.parametrize("text, mode, word", [("0123456789abcdef", 0o640, "read by others"),
                                              ("short", 0o600, "fewer than")])
def test_a_token_that_others_can_read_or_guess(agents, key_file, text, mode, word):
    answer = refused("--serve-secrets-to", f"token-file:{key_file(text, mode)}", env=agents[0].env)
    answer.check_error(BAD_INPUT, word)
    assert "0123456789abcdef" not in answer.stderr


@pytest.mark.parametrize("arguments", [["--interval", "0"], ["--deadline", "0"], ["--max-connections", "0"],
                                       ["--repeat-proof", "-1"], ["--purpose", "x"], ["extra"], ["--listen", "8080"],
                                       ["--serve-secrets-to", "10.0.0.1/8"],
                                       ["--serve-secrets-to", "token-file:/nonexistent"]])
def test_options_that_make_no_sense(agents, arguments):
    answer = refused(*arguments, env=agents[0].env)
    assert answer.status in (BAD_INPUT, 1) and len(answer.messages("error")) == 1


def test_a_bridge_without_a_node(agents, chain):
    answer = refused("--bridge", chain.bridge.address, env=agents[0].env)
    answer.check_error(BAD_INPUT, "node URL")


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
    assert site.process.wait(60) == 0


def test_the_time_for_the_start_is_extended_while_the_guest_agent_is_waited_for(tmp_path, manager):
    with bridge_agent(tmp_path / "site", "--dstack", tmp_path / "agent", env=manager.env):
        assert starting(manager.hear()) and starting(manager.hear()) and starting(manager.hear())
        with running_agent(tmp_path / "agent"):
            eventually(lambda: manager.hear() == "READY=1")


def test_a_node_that_hangs_is_no_reason_to_start_anew(start, chain, manager):
    """Each request has a deadline of its own, and /healthz tells of the inbox."""
    with socket.create_server(("127.0.0.1", 0)) as node:
        url = f"http://127.0.0.1:{node.getsockname()[1]}"
        site = start(env=chain.env | {"ETH_RPC_URL": url} | manager.env | {"WATCHDOG_USEC": "1000000"})
        eventually(lambda: manager.hear() == "READY=1")
        # All of them while the first request waits.
        end = time.monotonic() + 25
        assert [manager.hear(end - time.monotonic()) for _ in range(5)] == ["WATCHDOG=1"] * 5
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
