"""What a poll of an inbox may take: of messages, of warnings, of time, whatever a node says."""

import json
import os
import re
import time
from contextlib import contextmanager

import pytest
from eth_abi import encode
from eth_utils import keccak

from harness import BAD_INPUT, DONE, UNREACHABLE, run, running
from inboxes import B, KEY, fill, next_line, settings, state
from services import CHAIN_ID, Server
from test_bridge_agent import bridge_agent, eventually

BRIDGE = "0x" + "b1" * 20
COUNT, MESSAGE = (keccak(text=text).hex()[:8] for text in ("onboardingCount(bytes32)",
                                                           "onboardingMessage(bytes32,uint256)"))


@contextmanager
def endless_node():
    """A node whose bridge has as many messages as can be counted, all of them junk; it shows no storage."""

    def answer(call: dict) -> dict:
        data = call["params"][0]["data"][2:] if call["method"] == "eth_call" else ""
        if call["method"] == "eth_chainId":
            result = hex(CHAIN_ID)
        elif call["method"] == "eth_blockNumber":
            result = "0x64"
        elif data.startswith(COUNT):
            result = "0x" + (2**64 - 1).to_bytes(32, "big").hex()
        elif data.startswith(MESSAGE):
            junk = keccak(text=data[-64:])
            result = "0x" + encode(["bytes32", "bytes"], [bytes.fromhex(B[2:]), junk]).hex()
        else:
            error = {"code": 3, "message": "execution reverted", "data": "0x"}
            return {"jsonrpc": "2.0", "id": call["id"], "error": error}
        return {"jsonrpc": "2.0", "id": call["id"], "result": result}

    def reply(method, path, body):
        return 200, json.dumps([answer(call) for call in json.loads(body)]).encode()

    with Server(reply) as node:
        yield node


def lied_to(node) -> dict[str, str]:
    return {"ETH_RPC_URL": node.url, "BRIDGE_CONTRACT": BRIDGE, "CHAIN": str(CHAIN_ID), "PRIVATE_KEY": KEY}


def test_an_endless_inbox_holds_nobody(tmp_path):
    path = tmp_path / "inbox.json"
    with endless_node() as node:
        for run_count in (1, 2):
            answer = run("inbox-watch", "--once", "--state", path, env=lied_to(node), timeout=120)
            assert (answer.status, answer.stdout) == (DONE, b"")
            warnings = answer.messages("warning")
            assert len(warnings) == 11 and "9990 more" in warnings[-1]
            assert "there are more" in answer.stderr
            assert state(path)["next"] == 10_000 * run_count
        assert len(state(path)["digests"]) < 100


def test_without_a_state_more_messages_than_the_bound_are_an_error(tmp_path):
    with endless_node() as node:
        answer = run("inbox-watch", "--once", env=lied_to(node))
        answer.check_error(BAD_INPUT, "10000")
        [hint] = answer.messages("hint")
        assert "--max-messages" in hint and "--state" in hint


def test_the_bound_is_the_users(chain, tmp_path):
    fill(chain, *"abcde")
    options = ["--once", "--state", tmp_path / "inbox.json", "--max-messages", "2"]
    indices = []
    for _ in range(3):
        answer = run("inbox-watch", *options, env=settings(chain))
        assert answer.status == DONE and not answer.messages("warning")
        indices.append([document["index"] for document in answer.documents])
    assert indices == [[0, 1], [2, 3], [4]]
    run("inbox-watch", "--once", "--max-messages", "4", env=settings(chain)).check_error(BAD_INPUT, "5 messages")
    assert len(run("inbox-watch", "--once", "--max-messages", "5", env=settings(chain)).check_done().documents) == 5
    run("inbox-watch", "--once", "--max-messages", "0", env=settings(chain)).check_error(BAD_INPUT)


def test_a_watch_goes_on_at_the_next_look(chain):
    fill(chain, *"abcde")
    with running("inbox-watch", "--interval", "0.05", "--max-messages", "2", env=settings(chain)) as process:
        assert [json.loads(next_line(process.stdout))["index"] for _ in range(5)] == list(range(5))


def test_an_endless_inbox_does_not_flood_the_agents_log(agents, tmp_path):
    with endless_node() as node:
        env = lied_to(node) | agents[0].env
        options = ["--interval", "1000", "--max-messages", "500"]
        with bridge_agent(tmp_path / "site", *options, env=env) as site:
            eventually(lambda: "490 more" in site.stderr)
            assert site.stderr.count("warning: ") == 11


def test_opened_messages_are_noted_ten_at_a_time(chain, agents, tmp_path):
    fill(chain, *map(str, range(13)))
    with bridge_agent(tmp_path / "site", "--interval", "1000", env=chain.env | agents[0].env) as site:
        eventually(lambda: "3 more messages were opened" in site.stderr)
        assert len(re.findall("message [0-9]+ from", site.stderr)) == 10
        assert len(site.get("/onboarding")[1]["messages"]) == 13


# Another run that does not get on


def test_a_run_that_hangs_is_told_by_the_next(chain, tmp_path):
    path = tmp_path / "inbox.json"
    lock = tmp_path / "inbox.json.lock"
    hangs = Server(lambda *_: time.sleep(30))
    watch = ["inbox-watch", "--once", "--state", path]
    with hangs, running(*watch, env=settings(chain) | {"ETH_RPC_URL": hangs.url}) as process:
        eventually(lambda: hangs.requests)
        run(*watch, env=settings(chain)).check_done()
        moment = 1_790_000_000  # 2026-09-21T14:13:20Z
        os.utime(lock, (moment, moment))
        answer = run(*watch, env=settings(chain))
        answer.check_error(UNREACHABLE, "2026-09-21T14:13:20Z", str(lock))
        process.kill()
    run(*watch, env=settings(chain)).check_done()


def test_each_look_touches_the_lock(chain, tmp_path):
    path = tmp_path / "inbox.json"
    lock = tmp_path / "inbox.json.lock"
    with running("inbox-watch", "--interval", "0.05", "--state", path, env=settings(chain)):
        eventually(path.exists)
        os.utime(lock, (0, 0))
        eventually(lambda: time.time() - lock.stat().st_mtime < 60)


def test_a_long_pause_does_not_look_like_a_run_that_hangs(chain, tmp_path):
    """There is one poll: the lock is touched in the pause, again and again."""
    path = tmp_path / "inbox.json"
    lock = tmp_path / "inbox.json.lock"
    with running("inbox-watch", "--interval", "1000", "--state", path, env=settings(chain)):
        eventually(path.exists)
        for _ in range(3):
            os.utime(lock, (0, 0))
            eventually(lambda: time.time() - lock.stat().st_mtime < 60)


# Lengths


@pytest.mark.parametrize("verify", [[], ["--verify"]], ids=["believed", "proven"])
def test_the_hint_to_allow_longer_messages_is_right(chain, verify):
    fill(chain, "x" * 1000)
    short = run("inbox-watch", "--once", *verify, "--max-payload", "500", env=settings(chain))
    assert (short.status, short.stdout) == (DONE, b"") and "1097 bytes" in short.messages("warning")[-1]
    answer = run("inbox-watch", "--once", *verify, "--max-payload", "1097", env=settings(chain))
    assert answer.document["payload"] == "x" * 1000
