"""inbox-watch on inboxes that web3 and eciespy filled: secrets, garbage, and many of both."""

import json
import os
import subprocess

import ecies
import pytest
from ecies.config import Config

from harness import BAD_INPUT, BROKEN_PIPE, DONE, UNREACHABLE, finish, hexed, run, running
from proofs import PROOFS, VECTORS
from services import method_names, relay, running_chain
from stored_bridge import StoredBridge

A, B = (proof["member_id"] for proof in PROOFS)
KEY = VECTORS["keys"]["derived"]  # of the first proof
PUBLIC = PROOFS[0]["dstack_proof"]["derived_compressed_pubkey"]


def sealed(plaintext: bytes) -> bytes:
    return ecies.encrypt(PUBLIC, plaintext)


@pytest.fixture
def watch(chain):
    """Runs inbox-watch --once with the first member's key."""

    def watch(*args, env=None, **options):
        return run("inbox-watch", "--once", *args, env=chain.env | {"PRIVATE_KEY": KEY} | (env or {}), **options)

    return watch


def message(index: int, payload: str, sender: str = B) -> dict:
    return {"id": f"{A}:{index}", "member_id": A, "index": index, "from": sender, "payload": payload,
            "authenticated": False}


TEXTS = ["a secret", "", "two\nlines\r\n", 'a "quoted" \\ one', "geheim 🤐", "\0", "x" * 20_000, "{}", "\u2028\u202e"]


def test_messages_are_opened_in_order(chain, watch):
    chain.onboard(B, A, *(sealed(text.encode()) for text in TEXTS))
    chain.onboard(A, A, sealed(b"to myself"))
    answer = watch().check_done()
    assert answer.documents == [
        *(message(index, text) for index, text in enumerate(TEXTS)), message(len(TEXTS), "to myself", A)]
    assert list(answer.documents[0]) == ["id", "member_id", "index", "from", "payload", "authenticated"]


def test_bytes_that_are_no_text(chain, watch):
    payloads = [b"\xff\xfe", b"ab\x80", bytes(range(256)), b"\xc0\x80", b"\xed\xa0\x80"]
    chain.onboard(B, A, *map(sealed, payloads))
    documents = watch().check_done().documents
    assert [document["payload_hex"] for document in documents] == list(map(hexed, payloads))
    assert not any("payload" in document for document in documents)


def test_text_format(chain, watch):
    chain.onboard(B, A, sealed(b"a secret"), sealed("geheim 🤐".encode()), sealed(b""))
    assert watch("--format", "text").check_done().stdout.decode().splitlines() == [
        f"ONBOARDING from={B[2:]} payload={text}" for text in ("a secret", "geheim 🤐", "")]


def test_text_format_is_one_line_for_each_message(chain, watch):
    """No message may look like two, or move the terminal's cursor."""
    forged = f"x\nONBOARDING from={A[2:]} payload=forged\r\x1b[2J\x9b".encode("latin-1").decode("latin-1").encode()
    chain.onboard(B, A, sealed(forged), sealed(b"\xff\n\x1b"))
    text = watch("--format", "text").check_done().stdout
    lines = text.decode().splitlines()
    assert len(lines) == 2 and all(line.startswith(f"ONBOARDING from={B[2:]} ") for line in lines)
    assert not any(control in text for control in (b"\x1b", b"\r", b"\xc2\x9b"))


GARBAGE = [b"", b"\x04", b"hello", os.urandom(97), b"\x04" + os.urandom(200), b"\xff" * 5000]


def test_what_does_not_open_is_a_warning(chain, watch):
    for_another = ecies.encrypt(PROOFS[1]["dstack_proof"]["derived_compressed_pubkey"], b"not for you")
    other_settings = ecies.encrypt(PUBLIC, b"x", Config(symmetric_nonce_length=12))
    damaged = sealed(b"damaged")[:-1]
    bad = [*GARBAGE, for_another, other_settings, damaged]
    for index, payload in enumerate(bad):
        chain.onboard(B, A, payload, sealed(f"good {index}".encode()))
    answer = watch()
    assert (answer.status, answer.messages("error")) == (DONE, [])
    assert [document["payload"] for document in answer.documents] == [f"good {index}" for index in range(len(bad))]
    assert [document["index"] for document in answer.documents] == list(range(1, 2 * len(bad), 2))
    warnings = answer.messages("warning")
    assert len(warnings) == len(bad)
    assert all(f" {2 * index} " in warning for index, warning in enumerate(warnings))


def test_an_inbox_of_garbage_alone(chain, watch):
    chain.onboard(B, A, *GARBAGE)
    answer = watch()
    assert (answer.status, answer.stdout, len(answer.messages("warning"))) == (DONE, b"", len(GARBAGE))


def test_an_empty_inbox(watch):
    assert watch().check_done().stdout == b""
    assert watch("--format", "text").check_done().stdout == b""


def test_many_messages(chain, watch):
    count = 60
    chain.onboard(B, A, *(sealed(f"message {index}".encode()) for index in range(count)))
    with relay(chain.url, lambda call, answer: answer) as node:
        answer = watch(env={"ETH_RPC_URL": node.url}).check_done()
    assert [document["payload"] for document in answer.documents] == [f"message {index}" for index in range(count)]
    assert len(node.requests) < 20, "one request for each message"


def test_of_a_contract_without_counts(chain, watch):
    """The first version of the contract has getOnboarding alone."""
    known = {chain.web3.keccak(text=f"{name}(bytes32)").hex()[:8] for name in ("getOnboarding", "getMember", "isMember")}

    def spoil(call, answer):
        if call["method"] == "eth_call" and call["params"][0]["data"][2:10] not in known:
            return {"jsonrpc": "2.0", "id": call["id"],
                    "error": {"code": 3, "message": "execution reverted", "data": "0x"}}
        return answer

    chain.onboard(B, A, sealed(b"one"), b"garbage", sealed(b"two"))
    with relay(chain.url, spoil) as node:
        answer = watch(env={"ETH_RPC_URL": node.url})
    assert (answer.status, answer.documents) == (DONE, [message(0, "one"), message(2, "two")])
    assert "eth_call" in method_names(node.requests)


def test_the_member_is_that_of_the_key(chain, watch, agents):
    chain.onboard(A, B, ecies.encrypt(PROOFS[1]["dstack_proof"]["derived_compressed_pubkey"], b"for B"))
    assert watch().check_done().stdout == b""
    of_b = run("inbox-watch", "--once", env=chain.env | agents[1].env).check_done().document
    assert (of_b["member_id"], of_b["payload"]) == (B, "for B")


# The key


def test_the_guest_agent_is_asked_for_the_key(chain, agents):
    chain.onboard(B, A, sealed(b"a secret"))
    for arguments, env in (
        (["--key", "dstack:", "--dstack", agents[0].socket], {}), (["--dstack", agents[0].socket], {}),
        ([], agents[0].env),
    ):
        answer = run("inbox-watch", "--once", *arguments, env=chain.env | env).check_done()
        assert answer.documents == [message(0, "a secret")]
    assert run("inbox-watch", "--once", env=chain.env | agents[1].env).check_done().stdout == b""


def test_no_guest_agent(chain, tmp_path):
    run("inbox-watch", "--once", "--dstack", tmp_path / "absent", env=chain.env).check_error(UNREACHABLE)


def test_no_secret_is_said(chain, watch):
    """Neither the key nor a message is on standard error, whatever happens."""
    chain.onboard(B, A, sealed(b"the secret itself"), b"garbage")
    answer = watch()
    assert (answer.status, answer.document["payload"]) == (DONE, "the secret itself") and answer.messages("warning")
    assert "secret" not in answer.stderr and KEY not in answer.stderr
    assert KEY.encode() not in answer.stdout


# Nodes and settings


@pytest.mark.parametrize("change, status", [
    ({"ETH_RPC_URL": "http://127.0.0.1:9"}, UNREACHABLE), ({"ETH_RPC_URL": ""}, BAD_INPUT),
    ({"BRIDGE_CONTRACT": ""}, BAD_INPUT), ({"CHAIN": "8453"}, BAD_INPUT), ({"PRIVATE_KEY": "12"}, BAD_INPUT),
    ({"BRIDGE_CONTRACT": "0x" + "00" * 19 + "01"}, BAD_INPUT),
])
def test_settings_that_cannot_be_used(watch, change, status):
    watch("--retry-for", "0", env=change).check_error(status)


@pytest.mark.parametrize("result", ["0x", "0x00", "0x" + "ff" * 32, "0x" + "ff" * 64, None, 7, {}])
def test_a_node_that_answers_nonsense(chain, watch, result):
    chain.onboard(B, A, sealed(b"a secret"))

    def spoil(call, answer):
        return answer | {"result": result} if call["method"] == "eth_call" else answer

    with relay(chain.url, spoil) as node:
        answer = watch(env={"ETH_RPC_URL": node.url}, timeout=20)
    answer.check_error(UNREACHABLE)


def test_usage(watch):
    watch("--format", "xml").check_error(BAD_INPUT)
    watch("extra").check_error(BAD_INPUT)
    answer = watch("--key", KEY)
    answer.check_error(BAD_INPUT)
    assert KEY not in answer.stderr


def test_a_closed_pipe_ends_it_quietly(chain):
    bridge = StoredBridge(chain, 2)
    bridge.register(PROOFS[0])
    # More than a pipe takes.
    bridge.post(B, A, *[sealed(b"x" * 5000)] * 20)
    with running("inbox-watch", "--once", env=bridge.env | {"PRIVATE_KEY": KEY}, stdout=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["index"] == 0
        process.stdout.close()
        process.stdout = None
        ended = finish("inbox-watch", process)
    assert (ended.status, ended.stderr) == (BROKEN_PIPE, "")


def test_a_chain_that_lost_its_blocks(agents):
    """A node that begins anew, without the contract, is not an empty inbox."""
    with running_chain() as chain:
        chain.deploy()
        for proof in PROOFS:
            chain.register(proof)
        address = chain.bridge.address
        with running_chain() as other:
            env = other.env | {"BRIDGE_CONTRACT": address} | agents[0].env
            run("inbox-watch", "--once", env=env).check_error(BAD_INPUT, address)


def test_watching_prints_each_message_once(chain):
    """Without --once it goes on, through an inbox that grows and a node that is away for a while."""
    outages = iter([False] * 3 + [True] * 3)
    with relay(chain.url, lambda call, answer: (503, b"") if next(outages, False) else answer) as node:
        env = chain.env | {"PRIVATE_KEY": KEY, "ETH_RPC_URL": node.url}
        with running("inbox-watch", "--interval", "0.2", env=env) as process:
            for index, text in enumerate(("one", "two", "three")):
                chain.onboard(B, A, sealed(text.encode()))
                assert json.loads(process.stdout.readline()) == message(index, text)
            assert process.poll() is None
