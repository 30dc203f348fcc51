"""The stand-in guest agent: its answers beside published vectors, its manners, its faults."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("guest-agent")
VECTORS = json.loads((PROGRAM.parents[1] / "vectors" / "dstack-chains.json").read_text())
CROSS_SDK = ("--app-id", VECTORS["proofs"][0]["proof"]["app_id"],
             "--kms-root", VECTORS["keys"]["kms_root"])
BRIDGE = {"path": "/bridge", "purpose": "ethereum"}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("anything", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class RunningAgent:
    def __init__(self, path: Path, *options: str):
        command = [sys.executable, PROGRAM, "--socket", path, "--exit-with-stdin", *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.connection = UnixConnection(self.ready["socket"])

    def post(self, method: str, body, **headers) -> tuple[int, str]:
        body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        self.connection.request("POST", f"/{method}", body,
                                {"Content-Type": "application/json"} | headers)
        return self._response()

    def get(self, path: str, **headers) -> tuple[int, str]:
        self.connection.request("GET", path, headers=headers)
        return self._response()

    def _response(self) -> tuple[int, str]:
        response = self.connection.getresponse()
        return response.status, response.read().decode()

    def key(self, **request) -> dict:
        status, body = self.post("GetKey", request)
        assert status == 200, body
        return json.loads(body)


@pytest.fixture
def start(tmp_path):
    """Starts agents, and ends them with the test."""
    agents = []

    def start(*options: str) -> RunningAgent:
        agents.append(RunningAgent(tmp_path / f"{len(agents)}.sock", *options))
        return agents[-1]

    yield start
    for agent in agents:
        agent.connection.close()
        _, errors = agent.process.communicate(timeout=5)
        assert (agent.process.returncode, errors) == (0, "")
        assert not os.path.exists(agent.ready["socket"])


# The agent's answers

def test_simulator_keys_are_the_default(start):
    agent, simulator = start(), VECTORS["simulator"]
    assert agent.ready == {
        "socket": agent.ready["socket"], "appId": simulator["app_id"],
        "kmsRoot": VECTORS["proofs"][1]["proof"]["kms_root"],
    }
    for known in simulator["get_key"]:
        assert agent.key(path=known["path"], purpose=known["purpose"]) == {
            "key": known["key"],
            "signature_chain": [known["link0"], simulator["k256_signature"]],
        }


def test_keys_can_be_named_in_three_ways(start):
    known, simulator = VECTORS["proofs"][0]["proof"]["dstack_proof"], VECTORS["simulator"]
    for options in (("--preset", "cross-sdk"), CROSS_SDK):
        answer = start(*options).key(**BRIDGE)
        assert answer == {
            "key": VECTORS["keys"]["derived"],
            "signature_chain": [known["app_signature"][2:], known["kms_signature"][2:]],
        }
    agent = start("--app-key", "0x" + simulator["k256_key"], "--app-id", simulator["app_id"],
                  "--kms-signature", simulator["k256_signature"])
    assert agent.key(**BRIDGE) == start().key(**BRIDGE)


def test_requests_in_every_form_over_one_connection(start):
    agent = start()
    expected = agent.key(**BRIDGE)
    connection = agent.connection.sock
    assert agent.key(**BRIDGE, algorithm="k256", unknown={"a": 1}) == expected
    chunks = iter([b'{"path":"/bridge",', b'"purpose":"ethereum"}'])
    agent.connection.request("POST", "/GetKey", chunks, {"Content-Type": "application/json"},
                             encode_chunked=True)
    assert json.loads(agent._response()[1]) == expected
    for url in ("/GetKey?path=/bridge&purpose=ethereum", "/GetKey?path=%2Fbridge&purpose=ethereum"):
        assert json.loads(agent.get(url)[1]) == expected
    assert agent.key() == json.loads(agent.post("GetKey", b"")[1]) != expected
    assert agent.connection.sock is connection


def test_version_and_info(start):
    agent = start()
    status, body = agent.get("/Version")
    assert status == 200 and set(json.loads(body)) == {"version", "rev"}
    assert agent.post("Version", "{}") == (status, body)
    status, body = agent.post("Info", "{}")
    info = json.loads(body)
    assert (status, info["app_id"]) == (200, VECTORS["simulator"]["app_id"])
    assert json.loads(info["key_provider_info"])["name"] == "kms"
    tcb_info = json.loads(info["tcb_info"])
    assert tcb_info["compose_hash"] == info["compose_hash"]
    assert tcb_info["event_log"] and json.loads(tcb_info["app_compose"])


def test_errors(start):
    agent = start()
    assert agent.post("GetKeys", "{}") == (400, '{\n  "error": "Service not found: GetKeys"\n}')
    assert agent.post("GetKey", {"algorithm": "rsa"}) == (
        400, '{\n  "error": "Unsupported algorithm"\n}'
    )
    for wrong in ("{", "[]", '{"path": null}', b"\xff"):
        status, body = agent.post("GetKey", wrong)
        assert status == 400 and "\n" not in json.loads(body)["error"]
    assert agent.get("/prpc/GetKey")[0] == 404
    assert json.loads(agent.get("/a/b", Accept="application/json")[1])["error"]["code"] == 404


def test_request_that_does_not_say_json_gets_protobuf(start):
    agent = start()
    agent.connection.request("POST", "/GetKey", "{}")
    response = agent.connection.getresponse()
    body = response.read()
    assert (response.status, response.getheader("Content-Type")) == (
        400, "application/octet-stream"
    )
    assert body[:2] == bytes([0x0A, len(body) - 2])
    assert agent.post("GetKey?json", "{}", **{"Content-Type": "text/plain"})[0] == 200


# Variants

def test_old_agent(start):
    agent, modern = start("--old"), start()
    assert agent.key(**BRIDGE, algorithm="ed25519") == modern.key(**BRIDGE)
    assert modern.key(**BRIDGE, algorithm="ed25519") != modern.key(**BRIDGE)
    assert json.loads(agent.post("Version", "{}")[1]) == {"error": "Service not found: Version"}
    error = json.loads(agent.post("GetKey", "{")[1])["error"]
    assert "\n\nCaused by:\n    0: " in error and "\n    1: " in error


def test_no_kms(start):
    agent = start("--no-kms")
    assert agent.ready["kmsRoot"] is None
    assert agent.key(**BRIDGE)["signature_chain"] == [VECTORS["simulator"]["get_key"][0]["link0"],
                                                      ""]


def test_prefix_0x(start):
    answer, plain = start("--prefix-0x").key(**BRIDGE), start().key(**BRIDGE)
    assert answer["key"] == "0x" + plain["key"]
    assert answer["signature_chain"] == ["0x" + link for link in plain["signature_chain"]]


# Faults

def test_chunked(start):
    agent = start("--chunked")
    assert agent.key(**BRIDGE) == start().key(**BRIDGE)
    assert agent.key(**BRIDGE)


@pytest.mark.parametrize("also", ((), ("--chunked",)))
def test_close_mid_body(start, also):
    agent = start("--close-mid-body", *also)
    with pytest.raises(http.client.IncompleteRead):
        agent.key(**BRIDGE)


def test_hang(start):
    agent = start("--hang")
    agent.connection.timeout = 0.5
    with pytest.raises(TimeoutError):
        agent.key(**BRIDGE)


def test_slow(start):
    began = time.monotonic()
    start("--slow", "0.4").key(**BRIDGE)
    assert time.monotonic() - began > 0.4


def test_html(start):
    status, body = start("--html").post("GetKey", BRIDGE)
    assert status == 200 and body.startswith("<!doctype html>")


# The proof server

def test_proof_over_http(start):
    agent = start(*CROSS_SDK, "--http", "0")
    host, port = agent.ready["http"].removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    for _ in range(2):
        connection.request("GET", "/proof")
        body = connection.getresponse().read()
        proof = VECTORS["proofs"][0]["proof"]
        assert body.decode() == json.dumps(proof, sort_keys=True, separators=(",", ":")) + "\n"
    connection.request("GET", "/other")
    assert connection.getresponse().status == 404
    connection.close()


# Life and death of the process

def test_sigterm_ends_it_even_while_it_hangs(tmp_path):
    agent = RunningAgent(tmp_path / "socket", "--hang")
    agent.connection.request("POST", "/Info", "{}", {"Content-Type": "application/json"})
    agent.process.send_signal(signal.SIGTERM)
    assert agent.process.wait(timeout=5) == 0
    assert not (tmp_path / "socket").exists()
    assert agent.process.stderr.read() == ""
    agent.connection.close()
    agent.process.communicate()


def test_stale_socket_is_replaced(start, tmp_path):
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "0.sock"))
    assert start().key(**BRIDGE)


def test_living_socket_and_other_files_are_left_alone(start, tmp_path):
    agent = start()
    (tmp_path / "file").write_text("precious")
    for path in (agent.ready["socket"], tmp_path / "file"):
        second = subprocess.run([sys.executable, PROGRAM, "--socket", path], text=True,
                                capture_output=True, timeout=5)
        assert second.returncode == 1 and second.stderr.startswith("guest-agent: error: ")
    assert agent.key(**BRIDGE)


@pytest.mark.parametrize("options", (
    (), ("--socket", "s", "--app-id", "00" * 20), ("--socket", "s", "--kms-root", "11" * 32),
    ("--socket", "s", "--app-id", "00" * 19, "--kms-root", "11" * 32),
    ("--socket", "s", "--kms-signature", "11" * 65), (*CROSS_SDK, "--preset", "simulator"),
))
def test_usage_errors(options):
    command = [sys.executable, PROGRAM, *options]
    assert subprocess.run(command, stderr=subprocess.DEVNULL, timeout=5).returncode == 2
