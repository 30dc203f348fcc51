"""The gateway plays each habit of its table, and forwards what the habit does not concern."""

import http.client
import json
import zlib

import pytest
from devchain.testing.bench import Bench, hash_of, raw_of

from provider import (
    FAILURES, FORMS, HABITS, HISTORY, LACKING, LIMITS, LOOKS, OUTAGES, PRECONFIRMED, PROOF, SIMULATE, STORAGE, SYNC,
    ZERO, Provider,
)

CHAIN = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
NOBODY = "0x" + 40 * "1"
# A call for each kind of missing method.
ASKING = {
    "no sync": (SYNC, ["0x02"]), "no simulation": (SIMULATE, [{"blockStateCalls": []}, "latest"]),
    "no history": (HISTORY, ["0x1", "latest", []]), "history": (HISTORY, ["0x1", "latest", [50]]),
    "no fees": ("eth_gasPrice", []), "no proofs": (PROOF, [NOBODY, [], "latest"]),
    "no storage": (STORAGE, [NOBODY, "0x0", "latest"]), "no finality": ("eth_getBalance", [NOBODY, "finalized"]),
}


@pytest.fixture(scope="module")
def bench():
    bench = Bench("--send-sync")
    yield bench
    bench.chain.stop()


@pytest.fixture(scope="module")
def node(bench):
    with Provider(bench.chain.url) as node:
        yield node


def post(node, content) -> tuple[int, bytes, str]:
    """The status, body and content type of the answer."""
    connection = http.client.HTTPConnection(node.url.removeprefix("http://"), timeout=20)
    connection.request("POST", "/", json.dumps(content), {"Content-Type": "application/json"})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body, response.headers["Content-Type"]


def read(node, content):
    return json.loads(post(node, content)[1])


def call(method: str, *parameters, number: int = 1) -> dict:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}


def batch(count: int) -> list[dict]:
    return [CHAIN | {"id": number} for number in range(1, count + 1)]


def is_answered(node, content) -> bool:
    """Whether every call has a result."""
    status, body, _ = post(node, content)
    try:
        found = json.loads(body)
    except ValueError:
        return False
    found = found if isinstance(found, list) else [found]
    return status == 200 and all(isinstance(each, dict) and "result" in each for each in found)


def test_requests_are_logged(node):
    node.play("plain")
    assert is_answered(node, batch(3)) and is_answered(node, CHAIN)
    assert [len(calls) for calls in node.requests] == [3, 1]
    node.play("plain")
    assert not node.requests and not node.raws


def test_the_table_is_whole():
    assert all(habit.provider and (habit.uses or habit.failure) for habit in HABITS.values())
    assert len(HABITS) > 80


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit(node, name):
    habit = node.play(name)
    if "second" in name:
        assert [is_answered(node, CHAIN) for _ in range(4)] == [True] * 3 + [False]
        return
    limit = next(size for size in range(1, 20) if habit.forces([size + 1]))
    assert is_answered(node, batch(limit) if limit > 1 else CHAIN)
    assert not is_answered(node, batch(limit + 1))
    if name.startswith("first"):
        answers = read(node, batch(limit + 1))
        assert ["result" in each for each in answers] == [True] * limit + [False]


@pytest.mark.parametrize("name", OUTAGES)
def test_an_outage(node, name):
    habit = node.play(name)
    first = {"hand": 1, "look": 4}.get(name[:4], 0)
    spoilt = range(first, first + habit.forces([]))
    for number in range(first + habit.forces([]) + 2):
        assert is_answered(node, batch(2)) == (number not in spoilt), number


def test_an_outage_may_hide_a_processed_transaction(bench, node):
    node.play("handed over, 504")
    signed = bench.sign()
    read(node, CHAIN)
    assert post(node, call("eth_sendRawTransaction", raw_of(signed)))[0] == 504
    assert bench.chain.rpc("eth_getTransactionReceipt", hash_of(signed)) and node.raws == [raw_of(signed)]


@pytest.mark.parametrize("name", LACKING)
def test_a_missing_method(node, name):
    method, parameters = next(ASKING[kind] for kind in ASKING if name.startswith(kind))
    asked = call(method, *parameters, number=2)
    node.play("plain")
    plain = read(node, asked)
    node.play(name)
    status, body, _ = post(node, asked)
    assert status != 200 or json.loads(body) != plain
    others = read(node, [CHAIN, asked])
    assert "result" in others[0] and others[1] != plain


@pytest.mark.parametrize("name", PRECONFIRMED)
def test_a_preconfirmation(bench, node, name):
    habit = node.play(name)
    snapshot = bench.chain.rpc("evm_snapshot")
    signed, head = bench.sign(), int(bench.chain.rpc("eth_blockNumber"), 16)
    sent = read(node, call(SYNC, raw_of(signed)))["result"]
    look = call("eth_getTransactionReceipt", hash_of(signed))
    for receipt in (sent, *(read(node, look)["result"] for _ in range(LOOKS - 1))):
        assert int(receipt["blockNumber"], 16) == head + 1 and receipt["status"] == "0x1"
        assert (receipt["blockHash"] == ZERO) == ("no hash" in name)
        assert bench.chain.rpc("eth_getBlockByHash", receipt["blockHash"], False) is None
        assert int(bench.chain.rpc("eth_blockNumber"), 16) == head
    assert read(node, look)["result"] == bench.chain.rpc("eth_getTransactionReceipt", hash_of(signed))
    bench.chain.rpc("evm_revert", snapshot)
    bench.chain.rpc("dev_setAutomine", True)


@pytest.mark.parametrize("name", FORMS)
def test_a_form(bench, node, name):
    snapshot = bench.chain.rpc("evm_snapshot")
    signed = bench.sign()
    bench.chain.rpc("eth_sendRawTransaction", raw_of(signed))
    asked = [call("eth_getTransactionReceipt", hash_of(signed)),
             call("eth_getBlockByNumber", "latest", False, number=2)]
    node.play("plain")
    plain = read(node, asked)
    node.play(name)
    if name in ("gzip", "deflate"):
        assert json.loads(zlib.decompress(post(node, asked)[1], zlib.MAX_WBITS | 32)) == plain
    else:
        assert read(node, asked) != plain
    bench.chain.rpc("evm_revert", snapshot)


@pytest.mark.parametrize("name", FAILURES)
def test_an_answer_without_a_result(node, name):
    node.play(name)
    assert post(node, CHAIN) == post(node, batch(2))
    assert not is_answered(node, CHAIN)
    status = HABITS[name].failure.status
    assert post(node, CHAIN)[0] == (status or 200)
