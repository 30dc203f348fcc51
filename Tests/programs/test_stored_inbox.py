"""The deployed versions of the bridge: inboxes of any length, floods, reorganisations and blocks that are chosen."""

import json
import subprocess
import time

import ecies
import pytest
from devchain.launcher import RpcFailure

from harness import BAD_INPUT, DONE, NO, run, running
from proofs import PROOFS, VECTORS
from services import method_names, relay, running_chain
from stored_bridge import StoredBridge

A, B = (proof["member_id"] for proof in PROOFS)
KEY = VECTORS["keys"]["derived"]  # of A
PUBLIC = PROOFS[0]["dstack_proof"]["derived_compressed_pubkey"]
GET_ONBOARDING = "0x762e99ca"


def sealed(text: str) -> bytes:
    return ecies.encrypt(PUBLIC, text.encode())


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def bridge(chain, request):
    """A bridge of each deployed version, whose members are those of the published proofs."""
    bridge = StoredBridge(chain, request.param)
    for proof in PROOFS:
        bridge.register(proof)
    return bridge


def watch(bridge, *args, env=None):
    return run("inbox-watch", "--once", *args, env=bridge.env | {"PRIVATE_KEY": KEY} | (env or {}))


def payloads(result) -> list[str]:
    return [document["payload"] for document in result.documents]


def test_the_call_that_gives_all_fails_and_all_is_read(bridge, chain):
    texts = ["a secret", "", "x" * 31, "y" * 4000, "z" * 20_000, "last"]
    bridge.post(B, A, *map(sealed, texts))
    with relay(chain.url, lambda call, answer: answer) as node:
        result = watch(bridge, env={"ETH_RPC_URL": node.url}).check_done()
    assert payloads(result) == texts
    assert [document["from"] for document in result.documents] == [B] * len(texts)
    assert GET_ONBOARDING not in json.dumps([body.decode() for _, _, body in node.requests])
    with pytest.raises(RpcFailure):
        chain.rpc("eth_call", {"to": bridge.address, "data": GET_ONBOARDING + A[2:]}, "latest")


def test_garbage_is_passed_over(bridge):
    garbage = [b"", b"\x04", b"x" * 31, b"x" * 32, b"\x04" + b"x" * 200, b"\xff" * 5000]
    bridge.post(B, A, *(each for text in garbage for each in (text, sealed("good"))))
    result = watch(bridge)
    assert result.status == DONE and payloads(result) == ["good"] * len(garbage)
    assert len(result.messages("warning")) == len(garbage)


def test_keys_of_members(bridge):
    for proof in PROOFS:
        seal = run("ecies-seal", "--to-member", proof["member_id"], env=bridge.env, stdin=b"text").check_done()
        assert seal.document["to_member"] == proof["member_id"]
    run("ecies-seal", "--to-member", "0x" + "57" * 32, env=bridge.env, stdin=b"text").check_error(NO, "not a member")


def test_proven_reading_is_the_same(bridge):
    bridge.post(B, A, *map(sealed, ["one", "y" * 4000, "three"]))
    result = run("inbox-watch", "--once", "--verify", env=bridge.env | {"PRIVATE_KEY": KEY})
    assert payloads(result) == payloads(watch(bridge).check_done()) == ["one", "y" * 4000, "three"]


def look_of(chain) -> tuple[float, dict]:
    """The bytes of answers and the calls of one look that finds nothing new, if each is one request."""
    chain.rpc("dev_resetStats")
    deadline = time.monotonic() + 20
    while (stats := chain.rpc("dev_stats"))["httpRequests"] < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    looks = stats["calls"]["eth_blockNumber"]
    assert stats["httpRequests"] == looks
    return stats["responseBytes"] / looks, {name: count / looks for name, count in stats["calls"].items()}


def new_messages(process, indices) -> None:
    for index in indices:
        assert json.loads(process.stdout.readline())["index"] == index


@pytest.mark.parametrize("version, count", [(1, 10), (2, 200), (1, 500)])
def test_a_look_costs_what_is_new(chain, version, count):
    bridge = StoredBridge(chain, version)
    for proof in PROOFS:
        bridge.register(proof)
    bridge.post(B, A, *[b""] * (count - 1), sealed("last"))
    env = bridge.env | {"PRIVATE_KEY": KEY}
    with running("inbox-watch", "--interval", "0.1", env=env, stderr=subprocess.DEVNULL) as process:
        new_messages(process, [count - 1])
        time.sleep(0.2)
        answered, calls = look_of(chain)
        # How many there are, and three words of the last one that was delivered.
        assert answered < 600 and calls == {"eth_blockNumber": 1, "eth_chainId": 1, "eth_getStorageAt": 4}
        chain.rpc("dev_resetStats")
        bridge.post(B, A, *[sealed("new")] * 5, first=count)
        new_messages(process, range(count, count + 5))
        # The sizes of five messages, and of each the sender, the size again and four words.
        words = chain.rpc("dev_stats")["calls"]["eth_getStorageAt"]
        assert 35 <= words < 80


@pytest.mark.parametrize("count", [10, 60])
def test_a_look_at_our_contract_costs_what_is_new(chain, count):
    chain.onboard(B, A, *[b""] * (count - 1), sealed("last"))
    env = chain.env | {"PRIVATE_KEY": KEY}
    with running("inbox-watch", "--interval", "0.1", env=env, stderr=subprocess.DEVNULL) as process:
        new_messages(process, [count - 1])
        time.sleep(0.2)
        answered, calls = look_of(chain)
        assert answered < 600
        assert calls == {"eth_blockNumber": 1, "eth_chainId": 1, "eth_call": 1, "eth_getStorageAt": 3}


@pytest.mark.parametrize("kind", ["ours", "stored"])
def test_a_run_that_finds_nothing_new_is_one_small_request(chain, tmp_path, kind):
    """As cron starts them: nothing is known but the state."""
    env = chain.env
    if kind == "stored":
        bridge = StoredBridge(chain, 2)
        for proof in PROOFS:
            bridge.register(proof)
        bridge.post(B, A, *[b""] * 999, sealed("last"))
        env = bridge.env
    else:
        chain.onboard(B, A, *[sealed("text")] * 20)
    watch = ["inbox-watch", "--once", "--state", tmp_path / "inbox.json"]
    assert run(*watch, env=env | {"PRIVATE_KEY": KEY}).documents
    chain.rpc("dev_resetStats")
    assert run(*watch, env=env | {"PRIVATE_KEY": KEY}).check_done().stdout == b""
    stats = chain.rpc("dev_stats")
    assert stats["httpRequests"] == 1 and stats["responseBytes"] < 1000


def test_the_first_look_at_an_empty_inbox_is_one_small_request(chain, bridge):
    for env in (bridge.env, chain.env):
        chain.rpc("dev_resetStats")
        assert run("inbox-watch", "--once", env=env | {"PRIVATE_KEY": KEY}).check_done().stdout == b""
        stats = chain.rpc("dev_stats")
        assert stats["httpRequests"] == 1 and stats["responseBytes"] < 1000


def test_messages_are_read_when_they_are_deep_enough(bridge, chain):
    bridge.post(B, A, sealed("one"))
    bridge.post(B, A, sealed("two"), first=1)
    assert payloads(watch(bridge).check_done()) == ["one", "two"]
    assert payloads(watch(bridge, "--confirmations", "1").check_done()) == ["one", "two"]
    assert payloads(watch(bridge, "--confirmations", "2").check_done()) == ["one"]
    assert payloads(watch(bridge, "--confirmations", "3").check_done()) == []
    assert payloads(watch(bridge, "--confirmations", str(2**64 - 1)).check_done()) == []
    chain.rpc("dev_mine", 1)
    assert payloads(watch(bridge, "--confirmations", "2").check_done()) == ["one", "two"]


def test_the_block_is_chosen_by_its_name():
    with running_chain("--safe-lag", "1", "--finalized-lag", "2") as chain:
        chain.deploy()
        for bridge in (StoredBridge(chain, 1), None):
            if bridge:
                for proof in PROOFS:
                    bridge.register(proof)
                for index in range(3):
                    bridge.post(B, A, sealed(str(index)), first=index)
            else:
                for proof in PROOFS:
                    chain.register(proof)
                chain.onboard(B, A, *(sealed(str(index)) for index in range(3)))
            found = {tag: payloads(watch(bridge or chain, "--block", tag).check_done())
                     for tag in ("latest", "safe", "finalized")}
            assert found == {"latest": ["0", "1", "2"], "safe": ["0", "1"], "finalized": ["0"]}
            assert payloads(watch(bridge or chain, "--confirmations", "3").check_done()) == ["0"]


@pytest.mark.parametrize("options", [
    ["--block", "pending"], ["--block", "7"], ["--confirmations", "0"], ["--confirmations", "-1"],
    ["--confirmations", "x"], ["--block", "safe", "--confirmations", "2"], ["--verify", "--block", "safe"],
    ["--verify", "--confirmations", "2"],
])
def test_blocks_that_cannot_be_chosen(chain, options):
    run("inbox-watch", "--once", *options, env=chain.env | {"PRIVATE_KEY": KEY}).check_error(BAD_INPUT)


def test_a_node_that_shows_no_storage_is_asked_for_the_whole_inbox(chain):
    def spoil(call, answer):
        hidden = call["method"] == "eth_getStorageAt" or (
            call["method"] == "eth_call" and call["params"][0]["data"][2:10] not in ("762e99ca", "511bcee5"))
        error = {"code": 3, "message": "execution reverted", "data": "0x"}
        return {"jsonrpc": "2.0", "id": call["id"], "error": error} if hidden else answer

    chain.onboard(B, A, sealed("one"), b"", sealed("two"))
    with relay(chain.url, spoil) as node:
        result = run("inbox-watch", "--once", env=chain.env | {"PRIVATE_KEY": KEY, "ETH_RPC_URL": node.url})
    assert (result.status, payloads(result)) == (DONE, ["one", "two"])
    assert method_names(node.requests).count("eth_call") == 3
