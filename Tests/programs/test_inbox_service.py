"""inbox-watch as a service: signals, the service manager, and what it depends on being away for a while."""

import json
import os
import signal
import time

import pytest

from harness import UNREACHABLE, finish, run, running
from inboxes import A, fill, is_running, next_line, numbers, script, settings, state, wait_until
from services import Manager, Server, post, relay, running_agent


# Less than a request may take, and far less than what is longer.
SOON = 25
LONG = "1000"


def ended_by(process) -> int:
    """The signal that ends the process, long before what it waits for."""
    return -process.wait(SOON)


def wait_for_request(server, count: int = 1) -> None:
    wait_until(lambda: len(server.requests) >= count, "the node was not asked")


# Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_pause_at_once(chain, number):
    with relay(chain.url, lambda call, answer: answer) as node:
        with running("inbox-watch", "--interval", LONG, env=settings(chain) | {"ETH_RPC_URL": node.url}) as process:
            wait_for_request(node)
            time.sleep(0.3)
            process.send_signal(number)
            assert ended_by(process) == number


@pytest.mark.parametrize("arguments, number", [
    ([], signal.SIGTERM), (["--once"], signal.SIGTERM), (["--once"], signal.SIGHUP), (["--once"], signal.SIGINT)])
def test_a_signal_ends_a_request_that_hangs(chain, arguments, number):
    with hanging_node() as node:
        with running("inbox-watch", *arguments, env=settings(chain) | {"ETH_RPC_URL": node.url}) as process:
            wait_for_request(node)
            process.send_signal(number)
            assert ended_by(process) == number
            assert process.stderr.read() == b""


def hanging_node() -> Server:
    return Server(lambda *_: time.sleep(120))


def test_a_signal_ends_a_request_to_the_guest_agent(chain):
    with hanging_node() as agent:
        env = chain.env | {"DSTACK_SIMULATOR_ENDPOINT": agent.url}
        with running("inbox-watch", env=env) as process:
            wait_for_request(agent)
            process.terminate()
            assert ended_by(process) == signal.SIGTERM


@pytest.mark.parametrize("last", ["exit 1", "exit 0"])
def test_a_signal_ends_the_handler_and_the_message_stays(chain, tmp_path, last):
    fill(chain, "one", "two")
    log = tmp_path / "log"
    handler = script(tmp_path / "handler", f"trap 'echo $TEEBRIDGE_INDEX >> {log}; {last}' TERM",
                     f"echo $$ > {tmp_path}/pid", "for _ in $(seq 200); do sleep 0.05; done")
    arguments = ["--state", tmp_path / "inbox.json", "--exec", handler]
    with running("inbox-watch", *arguments, env=settings(chain)) as process:
        wait_until(lambda: len(numbers(tmp_path / "pid")) == 1, "the handler was not run")
        process.terminate()
        assert ended_by(process) == signal.SIGTERM
    assert numbers(log) == [0] and state(tmp_path / "inbox.json")["next"] == 0
    assert not is_running(numbers(tmp_path / "pid")[0])
    answer = run("inbox-watch", "--once", "--state", tmp_path / "inbox.json", env=settings(chain)).check_done()
    assert [document["index"] for document in answer.documents] == [0, 1]


def test_sighup_looks_at_once(chain):
    with relay(chain.url, lambda call, answer: answer) as node:
        arguments = ["--interval", LONG]
        with running("inbox-watch", *arguments, env=settings(chain) | {"ETH_RPC_URL": node.url}) as process:
            wait_for_request(node)
            time.sleep(0.5)
            for index, text in enumerate(("one", "two")):
                fill(chain, text)
                process.send_signal(signal.SIGHUP)
                assert json.loads(next_line(process.stdout))["index"] == index
            assert process.poll() is None


@pytest.mark.parametrize("arguments", [[], ["--once"]])
def test_a_signal_ends_a_write_that_nobody_reads(chain, tmp_path, arguments):
    """The pipe is full, and its reader hangs; what was not written whole is delivered again."""
    fill(chain, *["x" * 8000] * 12)
    arguments = [*arguments, "--state", tmp_path / "inbox.json"]
    with running("inbox-watch", *arguments, env=settings(chain)) as process:
        wait_until(lambda: (tmp_path / "inbox.json").exists() and state(tmp_path / "inbox.json")["next"] >= 5,
                   "the first messages were not written")
        process.terminate()
        assert ended_by(process) == signal.SIGTERM
    next_index = state(tmp_path / "inbox.json")["next"]
    assert next_index < 12
    answer = run("inbox-watch", "--once", "--state", tmp_path / "inbox.json", env=settings(chain)).check_done()
    assert [document["index"] for document in answer.documents] == list(range(next_index, 12))


# The service manager


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    return Manager(str(tmp_path / "notify") if request.param == "path" else f"@teebridge-test-{os.getpid()}-{time.time()}")


def test_the_manager_hears_of_the_start_and_the_end(chain, manager):
    with running("inbox-watch", env=settings(chain) | manager.env) as process:
        assert manager.hear() == "READY=1"
        process.terminate()
        assert manager.hear() == "STOPPING=1"
        assert ended_by(process) == signal.SIGTERM


@pytest.mark.parametrize("busy", ["pause", "request", "handler"])
def test_the_watchdog_hears_of_it_whatever_it_does(chain, tmp_path, busy):
    """Each takes far longer than all that is heard."""
    manager = Manager(str(tmp_path / "notify"))
    env = settings(chain) | manager.env | {"WATCHDOG_USEC": "400000"}
    arguments = ["--interval", LONG]
    if busy == "handler":
        fill(chain, "one")
        arguments += ["--exec", "sleep", "--exec-arg", LONG, "--exec-timeout", LONG]
    with hanging_node() as node:
        if busy == "request":
            env["ETH_RPC_URL"] = node.url
        with running("inbox-watch", *arguments, env=env) as process:
            end = time.monotonic() + SOON
            heard = [manager.hear(end - time.monotonic()) for _ in range(5)]
            assert heard == ["READY=1"] + ["WATCHDOG=1"] * 4
            assert len(node.requests) == (busy == "request")
            process.terminate()
            wait_until(lambda: manager.hear() == "STOPPING=1")


# What is away for a while


def test_a_node_that_is_away_is_waited_for(chain):
    """It is said once, however long it lasts; the watch goes on when the node is back."""
    with Server(lambda *_: (200, b"")) as server:
        port = int(server.url.rpartition(":")[2])
    url = f"http://127.0.0.1:{port}"
    arguments = ["--interval", "0.1"]
    with running("inbox-watch", *arguments, env=settings(chain) | {"ETH_RPC_URL": url}) as process:
        assert b"trying again" in next_line(process.stderr)
        fill(chain, "one")
        # Three tries, the pauses between which are about 0.4 and 0.8 seconds.
        time.sleep(1.5)
        with relaying(chain, port):
            assert json.loads(next_line(process.stdout))["index"] == 0
            assert process.poll() is None
        process.kill()
        assert process.stderr.read().count(b"connection refused") <= 1


def relaying(chain, port: int) -> Server:
    return Server(lambda method, path, body: (200, post(chain.url, body), {"Connection": "close"}), port)


def test_another_node_is_asked_meanwhile(chain):
    fill(chain, "one")
    arguments = ["--rpc-url", "http://127.0.0.1:9", "--rpc-url", chain.url]
    with running("inbox-watch", *arguments, env=settings(chain)) as process:
        assert json.loads(next_line(process.stdout))["index"] == 0
        process.kill()
        assert process.stderr.read() == b""


def test_a_guest_agent_that_starts_later_is_waited_for(chain, tmp_path):
    fill(chain, "one")
    arguments = ["--dstack", tmp_path / "agent.sock", "--timeout", "20"]
    with running("inbox-watch", *arguments, env=chain.env) as process:
        time.sleep(0.5)
        assert process.poll() is None
        with running_agent(tmp_path / "agent.sock", "--preset", "cross-sdk"):
            assert json.loads(next_line(process.stdout))["member_id"] == A
        # It has the key: the agent is not needed any more.
        fill(chain, "two")
        process.send_signal(signal.SIGHUP)
        assert json.loads(next_line(process.stdout))["index"] == 1


def test_a_guest_agent_that_never_starts(chain, tmp_path):
    with running("inbox-watch", "--dstack", tmp_path / "absent", "--timeout", "1", env=chain.env) as process:
        ended = finish("inbox-watch", process, 10)
    ended.check_error(UNREACHABLE, "absent")


def test_once_waits_for_nothing(chain, tmp_path):
    """Whoever runs it again in a minute need not wait in it."""
    run("inbox-watch", "--once", "--dstack", tmp_path / "absent", env=chain.env, timeout=8).check_error(UNREACHABLE)
    env = settings(chain) | {"ETH_RPC_URL": "http://127.0.0.1:9"}
    run("inbox-watch", "--once", "--retry-for", "0", env=env, timeout=8).check_error(UNREACHABLE)
