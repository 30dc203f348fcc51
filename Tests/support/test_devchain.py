"""The development chain, judged from outside: web3.py as client, eth-account as signer, rlp and trie as oracles."""

import http.client
import json
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
import rlp
from devchain.launcher import PROGRAM, RpcFailure
from devchain.testing.bench import ETHER, GWEI, STRANGER, Bench, hash_of, raw_of
from devchain.testing.oracles import encoded_receipt, header_hash, integer, number, proven, raw, root_of
from eth_utils import keccak
from web3.exceptions import ContractLogicError

JSON_HEADERS = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def shared():
    """One automining chain for all tests that only add to it."""
    bench = Bench("--send-sync")
    yield bench
    assert bench.chain.stop() == 0


@pytest.fixture
def start():
    """Start chains of one's own."""
    benches = []

    def starter(*options):
        benches.append(Bench(*options))
        return benches[-1]

    yield starter
    for bench in benches:
        bench.chain.stop()


@pytest.fixture(scope="module")
def contract(shared):
    return shared.deploy()


# Blocks, receipts, proofs


def test_transfer_of_each_type_arrives(shared):
    before = number(shared.rpc("eth_getBalance", STRANGER))
    fees = [{"gasPrice": 5 * GWEI}, {"gasPrice": 5 * GWEI, "accessList": [], "type": 1}, {}]
    for type_id, fee in enumerate(fees):
        transaction_hash = shared.send(value=10, **fee)
        receipt = shared.web3.eth.get_transaction_receipt(transaction_hash)
        transaction = shared.web3.eth.get_transaction(transaction_hash)
        assert (receipt.status, receipt.gasUsed, receipt.type, transaction.type) == (1, 21_000, type_id, type_id)
        assert transaction.hash == receipt.transactionHash
        assert receipt.effectiveGasPrice == transaction.gasPrice
    assert number(shared.rpc("eth_getBalance", STRANGER)) == before + 30


def test_headers_hash_and_roots_match(shared, contract):
    shared.rpc("dev_setAutomine", False)
    signed = [shared.sign(signer, value=1) for signer in (0, 1)]
    signed.append(shared.sign(2, to=contract.address, gas=200_000, data=contract.encode_abi("store", [1, 2])))
    for transaction in signed:
        shared.send_signed(transaction)
    shared.rpc("dev_setAutomine", True)
    block = shared.rpc("eth_getBlockByNumber", "latest", True)
    receipts = shared.rpc("eth_getBlockReceipts", "latest")
    raws = {hash_of(item): bytes(item.raw_transaction) for item in signed}
    assert header_hash(block) == block["hash"]
    assert root_of([raws[transaction["hash"]] for transaction in block["transactions"]]) == block["transactionsRoot"]
    assert root_of([encoded_receipt(receipt) for receipt in receipts]) == block["receiptsRoot"]
    assert number(block["gasUsed"]) == sum(number(receipt["gasUsed"]) for receipt in receipts)
    genesis = shared.rpc("eth_getBlockByNumber", "earliest", False)
    assert header_hash(genesis) == genesis["hash"]
    assert shared.rpc("eth_getBlockByHash", block["hash"], True) == block


def test_proofs_verify_against_state_root(shared, contract):
    shared.invoke(contract, "store", 5, 600)
    slot = number(keccak((0).to_bytes(32, "big") + (5).to_bytes(32, "big")).hex())
    slots = [hex(1), "0x" + slot.to_bytes(32, "big").hex(), hex(999)]
    root = shared.rpc("eth_getBlockByNumber", "latest", False)["stateRoot"]
    proof = shared.rpc("eth_getProof", contract.address, slots, "latest")
    account = rlp.decode(proven(root, raw(contract.address), proof["accountProof"]))
    assert [proof["nonce"], proof["balance"]] == ["0x1", "0x0"]
    assert account == [b"\x01", b"", raw(proof["storageHash"]), raw(proof["codeHash"])]
    assert keccak(raw(shared.rpc("eth_getCode", contract.address))) == account[3]
    values = []
    for item, wanted in zip(proof["storageProof"], slots):
        assert item["key"] == wanted
        found = proven(proof["storageHash"], number(wanted).to_bytes(32, "big"), item["proof"])
        assert (rlp.decode(found) if found else b"") == integer(item["value"])
        values.append(number(item["value"]))
    assert values == [7, 600, 0]
    absent = shared.rpc("eth_getProof", "0x" + "77" * 20, [], "latest")
    assert proven(root, b"\x77" * 20, absent["accountProof"]) == b""


def test_history_stays_readable(shared, contract):
    blocks = []
    for amount in (0, 11, 22):
        receipt = shared.receipt(shared.invoke(contract, "store", 77, amount))
        blocks.append((receipt["blockNumber"], receipt["blockHash"], amount))
    data = contract.encode_abi("amounts", [77])
    for block_number, block_hash, amount in blocks:
        for reference in (block_number, {"blockNumber": block_number}, {"blockHash": block_hash}):
            assert number(shared.rpc("eth_call", {"to": contract.address, "data": data}, reference)) == amount
    with pytest.raises(RpcFailure, match="header not found"):
        shared.rpc("eth_getBalance", STRANGER, hex(10**6))
    assert shared.rpc("eth_getBlockByNumber", hex(10**6), False) is None


# Calls


def test_reverts_carry_reason_and_data(shared, contract):
    with pytest.raises(ContractLogicError, match="not today"):
        contract.functions.refuse().call()
    for name, message, data in (
        ("refuse_by_name", "execution reverted", "0x" + keccak(text="NotToday()")[:4].hex()),
        ("panic", "execution reverted: arithmetic underflow or overflow", "0x4e487b71" + "11".zfill(64)),
    ):
        request = {"to": contract.address, "data": contract.encode_abi(name)}
        for method in ("eth_call", "eth_estimateGas"):
            with pytest.raises(RpcFailure) as caught:
                shared.rpc(method, request, "latest")
            assert (caught.value.code, caught.value.message, caught.value.data) == (3, message, data)
    receipt = shared.receipt(shared.invoke(contract, "refuse"))
    assert (receipt["status"], receipt["logs"]) == ("0x0", [])


def test_call_sees_block_and_overrides(shared, contract):
    head = shared.rpc("eth_getBlockByNumber", "latest", False)
    assert "0x" + contract.functions.parent_hash().call().hex() == head["parentHash"]
    assert contract.functions.base_fee().call() == 0
    priced = {"to": contract.address, "data": contract.encode_abi("base_fee"), "gasPrice": hex(9 * GWEI)}
    sender = shared.signers[0].address
    assert shared.rpc("eth_call", {**priced, "from": sender}) == "0x" + head["baseFeePerGas"][2:].zfill(64)
    word = "0x" + "33".zfill(64)
    size = {"to": contract.address, "data": contract.encode_abi("size")}
    slot = "0x" + "01".zfill(64)
    assert shared.rpc("eth_call", size, "latest", {contract.address: {"stateDiff": {slot: word}}}) == word
    assert number(shared.rpc("eth_call", size, "latest", {contract.address: {"state": {}}})) == 0
    code = shared.rpc("eth_getCode", contract.address)
    assert number(shared.rpc("eth_call", {**size, "to": STRANGER}, "latest", {STRANGER: {"code": code}})) == 0
    poor = {"from": "0x" + "99" * 20, "to": STRANGER, "value": "0x1"}
    with pytest.raises(RpcFailure, match="insufficient funds for gas"):
        shared.rpc("eth_call", poor, "latest")
    assert shared.rpc("eth_call", poor, "latest", {poor["from"]: {"balance": "0x1"}}) == "0x"


def test_failures_other_than_reverts(shared, contract):
    with pytest.raises(RpcFailure) as caught:
        shared.rpc("eth_call", {"to": contract.address, "data": contract.encode_abi("waste"), "gas": hex(900_000)})
    assert (caught.value.code, caught.value.message) == (-32000, "out of gas")
    with pytest.raises(RpcFailure, match="gas required exceeds allowance"):
        shared.rpc(
            "eth_estimateGas", {"to": contract.address, "data": contract.encode_abi("waste"), "gas": hex(900_000)}
        )
    with pytest.raises(RpcFailure):
        shared.rpc("eth_call", {"to": contract.address, "data": contract.encode_abi("dive"), "gas": hex(30_000_000)})


@pytest.mark.parametrize("name, arguments", [("store", (9, 9)), ("clear", (9,)), ("needs_reserve", ())])
def test_estimate_suffices_and_is_tight(shared, contract, name, arguments):
    request = {"to": contract.address, "from": shared.signers[0].address, "data": contract.encode_abi(name, arguments)}
    estimate = number(shared.rpc("eth_estimateGas", request))
    with pytest.raises(RpcFailure):
        shared.rpc("eth_call", {**request, "gas": hex(int(estimate * 0.98))})
    receipt = shared.receipt(shared.invoke(contract, name, *arguments, gas=estimate))
    assert receipt["status"] == "0x1"


def test_estimate_of_plain_transfer(shared):
    assert shared.web3.eth.estimate_gas({"to": STRANGER, "value": 0}) == 21_000


def test_estimate_of_what_cannot_be_paid(shared):
    with pytest.raises(RpcFailure, match="insufficient funds for transfer"):
        shared.rpc("eth_estimateGas", {"from": "0x" + "12" * 20, "to": STRANGER, "value": "0x1"})


def test_simulation_agrees_with_execution(shared, contract):
    sender = shared.signers[3].address
    calls = [
        {"from": sender, "to": contract.address, "data": contract.encode_abi(name, arguments)}
        for name, arguments in (("store", [31, 5]), ("amounts", [31]), ("refuse", []))
    ]
    (block,) = shared.rpc("eth_simulateV1", {"blockStateCalls": [{"calls": calls}]}, "latest")
    stored, read, refused = block["calls"]
    assert header_hash(block) == block["hash"]
    assert number(read["returnData"]) == 5
    assert (refused["status"], refused["error"]["message"]) == ("0x0", "execution reverted: not today")
    receipt = shared.receipt(shared.invoke(contract, "store", 31, 5, signer=3))
    assert receipt["gasUsed"] == stored["gasUsed"]
    assert [log["topics"] for log in receipt["logs"]] == [log["topics"] for log in stored["logs"]]


# Logs and fees


def test_log_filters(shared, contract):
    first = shared.receipt(shared.invoke(contract, "store", 100, 1))
    second = shared.receipt(shared.invoke(contract, "store", 101, 2, signer=1))
    event = contract.events.Stored()
    decoded = [event.process_log(log) for log in shared.web3.eth.get_logs({"fromBlock": number(first["blockNumber"])})]
    assert [log.args.key for log in decoded] == [100, 101]
    stored, key = first["logs"][0]["topics"][:2]
    second_key, second_sender = second["logs"][0]["topics"][1:]

    def found(**conditions):
        span = {"fromBlock": first["blockNumber"], "toBlock": "latest"}
        return [number(log["topics"][1]) for log in shared.rpc("eth_getLogs", {**span, **conditions})]

    assert found(topics=[stored, [key, second_key]]) == [100, 101]
    assert found(topics=[None, None, second_sender]) == [101]
    assert found(topics=[None, None, None, stored]) == []
    assert shared.rpc("eth_getLogs", {"fromBlock": hex(10**6)}) == []
    with pytest.raises(RpcFailure, match="invalid block range"):
        shared.rpc("eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x1"})
    assert found(topics=[key]) == found(address=STRANGER) == []
    assert found(address=[STRANGER, contract.address.lower()], topics=[stored, key]) == [100]
    in_block = shared.rpc("eth_getLogs", {"blockHash": second["blockHash"]})
    assert in_block == second["logs"]


def test_log_range_limit(start):
    bench = start("--log-range-limit", "5")
    bench.mine(10)
    assert bench.rpc("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x5"}) == []
    with pytest.raises(RpcFailure) as caught:
        bench.rpc("eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x6"})
    assert caught.value.code == -32005


def test_fee_history_and_base_fee_rule(start):
    bench = start("--manual", "--gas-limit", "1000000")
    for signer, tip in ((0, 1), (1, 2), (2, 3)):
        for nonce in range(10):
            bench.send(signer, nonce=nonce, maxPriorityFeePerGas=tip * GWEI)
    bench.mine(2)
    history = bench.web3.eth.fee_history(3, "latest", [0, 50, 100])
    blocks = [bench.web3.eth.get_block(index) for index in range(3)]
    assert history.oldestBlock == 0
    assert history.baseFeePerGas[:3] == [block.baseFeePerGas for block in blocks]
    assert history.gasUsedRatio == [0.0, 0.63, 0.0]
    assert history.reward == [[0, 0, 0], [GWEI, 2 * GWEI, 3 * GWEI], [0, 0, 0]]
    expected = [GWEI]
    for used in (0, 630_000, 0):
        expected.append(expected[-1] + expected[-1] * (used - 500_000) // 500_000 // 8)
    assert history.baseFeePerGas == pytest.approx(expected, abs=1)
    assert bench.web3.eth.max_priority_fee == GWEI
    assert bench.web3.eth.gas_price == GWEI + blocks[2].baseFeePerGas
    with pytest.raises(RpcFailure, match="request beyond head block"):
        bench.rpc("eth_feeHistory", "0x1", "0x9", [])
    with pytest.raises(RpcFailure, match="invalid reward percentile"):
        bench.rpc("eth_feeHistory", 1, "latest", [50, 10])


def test_fixed_base_fee(start):
    bench = start("--fixed-base-fee", "--base-fee", "7")
    bench.mine(3)
    assert bench.web3.eth.get_block("latest").baseFeePerGas == 7


# The pool


def test_refused_transactions(shared):
    signed = shared.sign(4, value=1)
    shared.send_signed(signed)
    nonce = number(shared.rpc("eth_getTransactionCount", shared.signers[4].address))
    assert shared.refusal(signed) == f"nonce too low: next nonce {nonce}, tx nonce {nonce - 1}"
    waiting = shared.sign(4, nonce=nonce + 5)
    shared.send_signed(waiting)
    assert shared.refusal(waiting) == "already known"
    assert "insufficient funds for gas * price + value" in shared.refusal(shared.sign(4, nonce=nonce, value=10**24))
    assert "intrinsic gas too low" in shared.refusal(shared.sign(4, nonce=nonce, gas=20_999))
    assert "floor data gas" in shared.refusal(shared.sign(4, nonce=nonce, gas=60_999, data=b"\1" * 1000))
    assert "exceeds block gas limit" in shared.refusal(shared.sign(4, nonce=nonce, gas=30_000_001))
    assert "invalid chain id" in shared.refusal(shared.sign(4, nonce=nonce, chainId=1))
    assert "invalid chain id" in shared.refusal(shared.sign(4, nonce=nonce, chainId=1, gasPrice=GWEI))
    assert "underpriced" in shared.refusal(shared.sign(4, nonce=nonce, maxPriorityFeePerGas=0))
    account = shared.signers[4]
    fields = {"to": STRANGER, "value": 0, "gas": 21_000, "gasPrice": GWEI, "nonce": nonce}
    unprotected = account.sign_transaction(fields)
    assert "replay-protected" in shared.refusal(unprotected)
    for garbage in ("0x", "0x02", "0x03c0", "0xc0", "0xff"):
        with pytest.raises(RpcFailure) as caught:
            shared.rpc("eth_sendRawTransaction", garbage)
        assert caught.value.code == -32000


def test_nonce_gap_waits(start):
    bench = start()
    address = bench.signers[0].address
    late = bench.send(nonce=2)
    assert bench.receipt(late) is None
    assert bench.rpc("eth_getTransactionByHash", late)["blockHash"] is None
    assert bench.rpc("eth_getTransactionCount", address, "pending") == "0x0"
    assert bench.rpc("txpool_status") == {"pending": "0x0", "queued": "0x1"}
    bench.send(nonce=0)
    assert bench.receipt(late) is None
    bench.send(nonce=1)
    assert bench.receipt(late)["status"] == "0x1"
    assert bench.rpc("eth_getTransactionCount", address, "latest") == "0x3"


def test_many_from_one_sender_in_one_block_and_pending_state(start):
    bench = start("--manual")
    hashes = [bench.send(value=ETHER, nonce=nonce) for nonce in (1, 0, 2)]
    address = bench.signers[0].address
    counts = [bench.rpc("eth_getTransactionCount", address, tag) for tag in ("latest", "pending", "0x0")]
    assert counts == ["0x0", "0x3", "0x0"]
    assert number(bench.rpc("eth_getBalance", STRANGER, "pending")) == 3 * ETHER
    pending = bench.rpc("eth_getBlockByNumber", "pending", False)
    assert (pending["hash"], pending["number"], len(pending["transactions"])) == (None, "0x1", 3)
    spend = {"from": STRANGER, "to": address, "value": hex(2 * ETHER)}
    assert bench.rpc("eth_call", spend, "pending") == "0x"
    with pytest.raises(RpcFailure, match="insufficient funds"):
        bench.rpc("eth_call", spend, "latest")
    bench.mine()
    assert [bench.receipt(item)["transactionIndex"] for item in hashes] == ["0x1", "0x0", "0x2"]


def test_replacement_needs_ten_percent_of_both_fees(start):
    bench = start("--manual")
    old = bench.send(nonce=0, maxFeePerGas=10 * GWEI, maxPriorityFeePerGas=GWEI)
    for cap, tip in ((11 * GWEI, GWEI), (10 * GWEI, 2 * GWEI), (10 * GWEI + 9, GWEI + 9), (11 * GWEI - 1, 2 * GWEI)):
        signed = bench.sign(nonce=0, maxFeePerGas=cap, maxPriorityFeePerGas=tip)
        assert bench.refusal(signed) == "replacement transaction underpriced"
    new = bench.send(nonce=0, maxFeePerGas=11 * GWEI, maxPriorityFeePerGas=11 * GWEI // 10)
    assert bench.rpc("eth_getTransactionByHash", old) is None
    bench.mine()
    assert bench.receipt(new)["status"] == "0x1"
    assert bench.receipt(old) is None


def test_fee_below_base_fee_waits_until_it_falls(start):
    bench = start("--base-fee", str(10 * GWEI))
    low = bench.send(maxFeePerGas=8 * GWEI)
    assert bench.rpc("txpool_status") == {"pending": "0x1", "queued": "0x0"}
    assert bench.receipt(low) is None
    bench.mine(2)
    assert bench.receipt(low)["status"] == "0x1"
    waiting = bench.send(maxFeePerGas=2 * GWEI)
    bench.rpc("dev_setNextBaseFee", GWEI)
    assert number(bench.receipt(waiting)["effectiveGasPrice"]) == 2 * GWEI


def test_best_tip_first(start):
    bench = start("--manual")
    poor, rich = (bench.send(signer, maxPriorityFeePerGas=tip * GWEI) for signer, tip in ((0, 1), (1, 2)))
    bench.mine()
    assert bench.rpc("eth_getBlockByNumber", "latest", False)["transactions"] == [rich, poor]


def test_send_sync(shared, start):
    signed = shared.sign()
    receipt = shared.rpc("eth_sendRawTransactionSync", raw_of(signed))
    assert receipt["transactionHash"] == hash_of(signed)
    bench = start("--manual", "--send-sync", "--no-simulate")
    signed = bench.sign()
    with pytest.raises(RpcFailure) as caught:
        bench.rpc("eth_sendRawTransactionSync", raw_of(signed), 50)
    assert (caught.value.code, caught.value.data) == (4, hash_of(signed))
    with pytest.raises(RpcFailure) as caught:
        bench.rpc("eth_simulateV1", {"blockStateCalls": []})
    assert caught.value.code == -32601


# Disturbances


def test_reorganisation_returns_transactions(start):
    bench = start()
    kept, lost = bench.send(value=1), bench.send(value=2)
    old = bench.receipt(lost)
    changed = bench.rpc("dev_reorg", 1)
    assert changed["removed"] == [old["blockHash"]] and len(changed["added"]) == 2
    assert bench.receipt(kept)["status"] == "0x1" and bench.receipt(lost) is None
    assert bench.rpc("eth_getTransactionByHash", lost)["blockHash"] is None
    assert bench.rpc("eth_blockNumber") == "0x3"
    head = bench.rpc("eth_getBlockByNumber", "latest", False)
    assert header_hash(head) == head["hash"] == changed["added"][-1]
    assert bench.rpc("eth_getBlockByHash", old["blockHash"], False)["hash"] == old["blockHash"]
    with pytest.raises(RpcFailure, match="not currently canonical"):
        bench.rpc("eth_getBalance", STRANGER, {"blockHash": old["blockHash"], "requireCanonical": True})
    bench.mine()
    assert bench.receipt(lost)["blockNumber"] == "0x4"
    bench.rpc("dev_reorg", 1, {"drop": True})
    assert bench.rpc("eth_getTransactionByHash", lost) is None
    again = bench.send(value=3, nonce=1)
    bench.rpc("dev_reorg", 1, {"include": True, "blocks": 1})
    assert bench.receipt(again)["status"] == "0x1"


def test_edits_keep_proofs_valid_and_survive_reorganisations(start):
    bench = start()
    bench.rpc("dev_setBalance", STRANGER, hex(5 * ETHER))
    bench.rpc("dev_setCode", STRANGER, "0x60015460005260206000f3")
    bench.rpc("dev_setStorageAt", STRANGER, "0x1", "0x2a")
    before = number(bench.rpc("eth_blockNumber"))
    bench.rpc("dev_setStorage", STRANGER, {"0x2": "0x7", "0x" + "ff" * 32: "0x8"})
    assert number(bench.rpc("eth_blockNumber")) == before + 1
    assert number(bench.rpc("eth_getStorageAt", STRANGER, "0x" + "ff" * 32)) == 8
    bench.rpc("dev_reorg", 4)
    assert number(bench.rpc("eth_call", {"to": STRANGER})) == 42
    root = bench.rpc("eth_getBlockByNumber", "latest", False)["stateRoot"]
    proof = bench.rpc("eth_getProof", STRANGER, ["0x1"], "latest")
    account = rlp.decode(proven(root, raw(STRANGER), proof["accountProof"]))
    assert int.from_bytes(account[1], "big") == 5 * ETHER
    assert proof["storageProof"][0]["value"] == "0x2a"


def test_snapshot_and_revert(start):
    bench = start()
    bench.send(value=1)
    name = bench.rpc("evm_snapshot")
    head = bench.rpc("eth_getBlockByNumber", "latest", False)
    later = bench.send(value=2)
    assert bench.rpc("evm_revert", name) is True
    assert bench.rpc("eth_getBlockByNumber", "latest", False) == head
    assert bench.receipt(later) is None and number(bench.rpc("eth_getBalance", STRANGER)) == 1
    assert bench.rpc("evm_revert", name) is False


def test_dropped_transactions_are_forgotten(start):
    bench = start("--manual")
    first, second = bench.send(), bench.send()
    assert bench.rpc("dev_dropTransaction", first) is True
    assert bench.rpc("txpool_status") == {"pending": "0x0", "queued": "0x1"}
    assert bench.rpc("dev_dropMempool") == 1
    bench.mine()
    assert bench.receipt(second) is None


def test_block_time(start):
    bench = start("--block-time", "3600")
    transaction_hash = bench.send()
    assert bench.receipt(transaction_hash) is None
    bench.rpc("dev_setBlockTime", 0.2)
    assert bench.web3.eth.wait_for_transaction_receipt(transaction_hash, timeout=60, poll_latency=0.05).status == 1
    bench.rpc("dev_setBlockTime", 0)
    time.sleep(0.3)
    head = bench.rpc("eth_blockNumber")
    time.sleep(0.5)
    assert bench.rpc("eth_blockNumber") == head


def test_lagging_tags(start):
    bench = start("--safe-lag", "2", "--finalized-lag", "4")
    bench.mine(3)
    tags = ("earliest", "finalized", "safe", "latest")
    assert [bench.web3.eth.get_block(tag).number for tag in tags] == [0, 0, 1, 3]


# The protocol and the process


def test_envelopes(shared):
    def answer(request):
        body = shared.chain.post(request if isinstance(request, bytes) else json.dumps(request))
        return json.loads(body) if body else None

    call = {"jsonrpc": "2.0", "method": "eth_chainId"}
    batch = answer([{**call, "id": "x"}, call, {**call, "id": 7, "method": "eth_nothing"}, 5])
    assert [(item["id"], item.get("result"), item.get("error", {}).get("code")) for item in batch] == [
        ("x", "0x7a69", None),
        (7, None, -32601),
        (None, None, -32600),
    ]
    assert answer(call) is None and answer([call]) is None
    assert answer([])["error"]["code"] == -32600
    assert answer(b"{")["error"]["code"] == -32700
    for params in ([], ["0x12"], [STRANGER, "0x01"], [STRANGER, "latest", 1], {}):
        assert answer({**call, "id": 1, "method": "eth_getBalance", "params": params})["error"]["code"] == -32602


def test_http_refusals_and_keep_alive(shared):
    connection = http.client.HTTPConnection(shared.chain.url.removeprefix("http://"))
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"})

    def status(method="POST", content_type="application/json", content=body):
        connection.request(method, "/", content, {"Content-Type": content_type})
        response = connection.getresponse()
        response.read()
        return response.status

    assert status() == status(content_type="application/json; charset=utf-8") == 200
    socket = connection.sock
    assert status() == 200 and connection.sock is socket
    assert [status("GET"), status(content_type="text/plain")] == [405, 415]
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", "5300000")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_readers_do_not_disturb_writers(start):
    bench = start()
    requests = [
        {"jsonrpc": "2.0", "id": 1, "method": "eth_getBalance", "params": [STRANGER, "pending"]},
        {"jsonrpc": "2.0", "id": 2, "method": "eth_getBlockByNumber", "params": ["latest", True]},
        {"jsonrpc": "2.0", "id": 3, "method": "eth_call", "params": [{"to": STRANGER}, "pending"]},
    ]

    def read(_):
        call = urllib.request.Request(bench.chain.url, json.dumps(requests).encode(), JSON_HEADERS)
        with urllib.request.urlopen(call) as response:
            return all("result" in answer for answer in json.loads(response.read()))

    with ThreadPoolExecutor(4) as readers:
        answers = readers.map(read, range(60))
        for nonce in range(30):
            bench.send(value=1, nonce=nonce)
        assert all(answers)
    assert number(bench.rpc("eth_getBalance", STRANGER)) == 30


def test_counters(start):
    bench = start()
    bench.rpc("dev_resetStats")
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
    size = len(bench.chain.post(json.dumps([call, call]))) + len(bench.chain.post(json.dumps(call)))
    expected = {"httpRequests": 2, "responseBytes": size, "calls": {"eth_chainId": 3}}
    stats = bench.rpc("dev_stats")
    assert stats == bench.rpc("dev_stats") and 0 < stats.pop("seconds") < 20
    assert stats == expected


def test_funding_chain_id_and_announcement(start, tmp_path):
    announced = tmp_path / "ready.json"
    bench = start("--fund", f"{STRANGER}=1.5", "--chain-id", "8453", "--announce", str(announced))
    assert bench.web3.eth.chain_id == 8453 and bench.rpc("net_version") == "8453"
    assert bench.web3.eth.get_balance(STRANGER) == 15 * ETHER // 10
    assert json.loads(announced.read_text())["rpc"] == bench.chain.url
    assert bench.send() and bench.rpc("eth_accounts") == [] and bench.rpc("eth_syncing") is False


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_quietly(signal_number):
    process = subprocess.Popen(
        [sys.executable, PROGRAM], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    ready = process.stdout.readline()
    process.send_signal(signal_number)
    rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, b"", b"") and json.loads(ready)["chainId"] == 31337


def test_thousands_of_transactions(start):
    bench = start("--manual", "--fixed-base-fee")
    raws = [raw_of(bench.sign(nonce=nonce, value=1)) for nonce in range(2_000)]
    calls = [{"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [item]} for item in raws]
    for first in range(0, len(calls), 500):
        answers = json.loads(bench.chain.post(json.dumps(calls[first : first + 500])))
        assert all("result" in answer for answer in answers)
    bench.mine(2)
    assert number(bench.rpc("eth_getBalance", STRANGER)) == 2_000
