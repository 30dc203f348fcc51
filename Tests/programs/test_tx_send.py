"""tx-send beside eth-account and web3: what it signs, what it sends, and when it does not."""

import codecs
import json
import os
import socket
import subprocess

import pytest
from eth_abi import encode
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from eth_keys import keys
from eth_utils import keccak, to_checksum_address
from hexbytes import HexBytes
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_v1 import ARTEFACT, CONTRACT
from harness import (
    BAD_INPUT, DONE, NO, UNKNOWN, UNREACHABLE, finish, hexed, json_lines, run, running, unhex, wait_until,
)
from proofs import PROOFS, calldata
from services import CHAIN_ID, method_names, relay

pytestmark = pytest.mark.thread

A, B = (proof["member_id"] for proof in PROOFS)
NOBODY = hexed(b"\x77" * 32)
TO = to_checksum_address("0x" + "c0de" * 10)
KEY = "0x" + "4c" * 32


@pytest.fixture
def send(chain, owner_key):
    """Runs tx-send with the owner's key on the shared chain."""

    def send(*args, stdin=b"", env=None, key=owner_key, **options):
        return run("tx-send", *args, stdin=stdin, env=chain.env | {"TEEBRIDGE_KEY": key} | (env or {}), **options)

    return send


@pytest.fixture
def ask(chain):
    """What a function of the bridge is told, as a request."""

    def request(name: str, *arguments, **members) -> dict:
        data = CONTRACT.encode_abi(name, list(arguments))
        return {"label": name, "to": chain.bridge.address, "data": data} | members

    return request


@pytest.fixture
def send_through(chain, send):
    """Sends through a node that spoils its answers (services.relay); what came of it, and the methods it was asked."""

    def send_through(spoil, *args, **options):
        with relay(chain.url, spoil) as node:
            answer = send("--rpc-url", node.url, *args, **options)
        return answer, method_names(node.requests)

    return send_through


def allow_code(ask, number: int, **members) -> dict:
    return ask("addAllowedCode", number.to_bytes(32, "big"), **members)


def transaction_in(record: dict) -> dict:
    """What the signed bytes of a record say, by eth-account."""
    raw = unhex(record["raw"])
    assert record["transactionHash"] == hexed(keccak(raw))
    return TypedTransaction.from_bytes(HexBytes(raw)).as_dict()


def signer_of(record: dict) -> str:
    return Account.recover_transaction(record["raw"])


# Signing alone


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_sign_offline(run, tmp_path_factory, data):
    word = st.integers(0, 2**256 - 1)
    key = data.draw(st.integers(1, 2**250).map(lambda number: number.to_bytes(32, "big")), label="key")
    fees = sorted(data.draw(st.tuples(word, word), label="fees"))
    fields = {
        "chainId": data.draw(st.integers(1, 2**63)), "nonce": data.draw(st.integers(0, 2**64 - 2)),
        "gas": data.draw(st.integers(0, 2**64 - 1)), "maxPriorityFeePerGas": fees[0], "maxFeePerGas": fees[1],
        "value": data.draw(word),
    }
    calldata_ = data.draw(st.binary(max_size=300), label="data")
    to = data.draw(st.one_of(st.none(), st.binary(min_size=20, max_size=20)), label="to")
    request = {name: hex(value) for name, value in fields.items()} | {"data": hexed(calldata_)}
    if to is not None:
        request["to"] = hexed(to)
    elif not calldata_:
        return  # neither a receiver nor a contract to create
    accounts = data.draw(st.lists(st.tuples(st.binary(min_size=20, max_size=20), st.lists(
        st.binary(min_size=32, max_size=32), max_size=3)), max_size=3), label="access list")
    if accounts:
        request["accessList"] = [
            {"address": hexed(account), "storageKeys": [hexed(word) for word in words]} for account, words in accounts]
    answer = run("tx-send", "--sign-only", stdin=request, env={"PRIVATE_KEY": key.hex()}).check_done()
    record = answer.document
    assert record["status"] == "signed"
    assert signer_of(record) == keys.PrivateKey(key).public_key.to_checksum_address()
    signed = transaction_in(record)
    assert {name: signed[name] for name in fields} == fields
    assert (signed["type"], signed["data"]) == (2, calldata_)
    assert [(bytes(entry["address"]), list(entry["storageKeys"])) for entry in signed["accessList"]] == [
        (account, [int.from_bytes(word, "big") for word in words]) for account, words in accounts]
    assert signed["to"] == (to if to is not None else b"")


COMPLETE = {"to": TO, "data": "0x", "value": "0x1", "nonce": "0x0", "gas": "0x5208",
            "maxFeePerGas": "0x2", "maxPriorityFeePerGas": "0x1"}


@pytest.mark.parametrize("options, number", [
    (["--chain", "base"], 8453), (["--chain", "base-sepolia"], 84532), (["--chain", "sepolia"], 11155111),
    (["--chain", "mainnet"], 1), (["--chain", "31337"], 31337),
])
def test_chains_have_names(options, number):
    key = {"PRIVATE_KEY": KEY}
    for settings_, env in ((options, key), ([], key | {"CHAIN": options[1]})):
        answer = run("tx-send", "--sign-only", *settings_, stdin=COMPLETE, env=env).check_done()
        assert transaction_in(answer.document)["chainId"] == number
    other = COMPLETE | {"chainId": "0x2"}
    run("tx-send", "--sign-only", *options, stdin=other, env=key).check_error(BAD_INPUT, str(number))


def test_many_requests_are_signed_in_their_order():
    many = [COMPLETE | {"chainId": "0x1", "nonce": hex(index * 7919 % 300), "id": str(index)} for index in range(300)]
    records = run("tx-send", "--sign-only", stdin=many, env={"PRIVATE_KEY": KEY}).check_done().documents
    assert [record["id"] for record in records] == [request["id"] for request in many]
    assert [transaction_in(record)["nonce"] for record in records] == [int(request["nonce"], 16) for request in many]
    assert {signer_of(record) for record in records} == {Account.from_key(KEY).address}


@pytest.mark.parametrize("first", [0, 1, 60])
def test_the_first_of_several_faults_is_named_and_nothing_signed(tmp_path, first):
    file = tmp_path / "requests"
    good = COMPLETE | {"chainId": "0x1"}
    file.write_text(json_lines([good] * first + [good | {"gas": "much"}] + [good | {"value": "much"}] * (99 - first)))
    answer = run("tx-send", "--sign-only", file, env={"PRIVATE_KEY": KEY})
    answer.check_error(BAD_INPUT, f"line {first + 1}: ", "gas")


def test_many_requests_without_nonces_get_one_after_the_other(chain, send, ask):
    """Though they are prepared some at a time, and signed side by side."""
    given_ = {"gas": "0x186a0", "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x1"}
    many = [allow_code(ask, 10_000 + index, **given_) for index in range(250)]
    first = chain.nonce()
    records = send("--sign-only", stdin=many).check_done().documents
    assert [transaction_in(record)["nonce"] for record in records] == list(range(first, first + 250))


def test_signing_with_gaps_needs_a_node():
    for gap in ("nonce", "gas", "maxFeePerGas", "maxPriorityFeePerGas"):
        request = COMPLETE | {"chainId": "0x1"}
        del request[gap]
        answer = run("tx-send", "--sign-only", stdin=request, env={"PRIVATE_KEY": KEY})
        answer.check_error(BAD_INPUT)
        assert "ETH_RPC_URL" in answer.stderr


def test_sign_only_fills_the_gaps_and_sends_nothing(chain, send, ask):
    request = allow_code(ask, 1)
    estimate = chain.web3.eth.estimate_gas(
        {"from": chain.owner.address, "to": request["to"], "data": request["data"]})
    base_fee = chain.web3.eth.get_block("pending")["baseFeePerGas"]
    nonce = chain.nonce()
    with chain.nothing_sent():
        records = send("--sign-only", stdin=[request, allow_code(ask, 2)]).check_done().documents
    for step, record in enumerate(records):
        signed = transaction_in(record)
        assert signer_of(record) == chain.owner.address
        assert (signed["chainId"], signed["nonce"], signed["value"]) == (CHAIN_ID, nonce + step, 0)
        assert estimate < signed["gas"] <= 2 * estimate
        assert base_fee + signed["maxPriorityFeePerGas"] < signed["maxFeePerGas"] < 10 * base_fee
    for record in records:
        chain.web3.eth.send_raw_transaction(record["raw"])
    assert all(chain.bridge.functions.allowedCode(number.to_bytes(32, "big")).call() for number in (1, 2))


def test_the_nonce_counts_what_waits(chain, send, ask):
    chain.rpc("dev_setAutomine", False)
    nonce = chain.nonce()
    chain.bridge.functions.addAllowedCode(b"\1" * 32).transact()
    assert transaction_in(send("--sign-only", stdin=allow_code(ask, 1)).check_done().document)["nonce"] == nonce + 1


@pytest.mark.parametrize("given_, expected", [
    ({"nonce": "0x63"}, {"nonce": 99}), ({"gas": "0x186a0"}, {"gas": 100_000}),
    ({"maxFeePerGas": "0x77359400"}, {"maxFeePerGas": 2 * 10**9}),
    ({"maxPriorityFeePerGas": "0x7"}, {"maxPriorityFeePerGas": 7}), ({"value": "0x0"}, {"value": 0}),
])
def test_what_the_request_says_is_kept(send, ask, given_, expected):
    signed = transaction_in(send("--sign-only", stdin=allow_code(ask, 1, **given_)).check_done().document)
    assert expected.items() <= signed.items()
    assert signed["maxPriorityFeePerGas"] <= signed["maxFeePerGas"]


# Sending


def test_send_waits_for_the_block(chain, send, ask):
    answer = send(stdin=allow_code(ask, 1, id="first")).check_sent()
    record = answer.document
    receipt = chain.web3.eth.get_transaction_receipt(record["transactionHash"])
    assert record["transactionHash"] in answer.stderr
    assert record == {
        "label": "addAllowedCode", "id": "first", "status": "success",
        "transactionHash": receipt["transactionHash"].to_0x_hex(), "blockNumber": hex(receipt["blockNumber"]),
        "gasUsed": hex(receipt["gasUsed"]), "effectiveGasPrice": hex(receipt["effectiveGasPrice"]),
        "events": [{"name": "AllowedCodeAdded", "address": chain.bridge.address,
                    "args": {"codeId": hexed((1).to_bytes(32, "big"))}}],
    }
    assert list(record) == ["label", "id", "status", "transactionHash", "blockNumber", "gasUsed",
                            "effectiveGasPrice", "events"]


def test_several_requests_go_in_order(chain, send, ask):
    requests = [allow_code(ask, number, label=f"code {number}") for number in range(5)]
    nonce = chain.nonce()
    for layout in (requests, json.dumps(requests, indent=2)):
        records = send(stdin=layout).check_sent().documents
        sent = [chain.web3.eth.get_transaction(record["transactionHash"]) for record in records]
        assert [record["label"] for record in records] == [request["label"] for request in requests]
        assert [each["nonce"] for each in sent] == list(range(nonce, nonce + 5))
        assert [each["input"].to_0x_hex() for each in sent] == [request["data"] for request in requests]
        nonce += 5


def test_events_and_creation(chain, send):
    creation = {"label": "deploy", "data": ARTEFACT["bytecode"] + encode(["address[]"], [[TO]]).hex()}
    [record] = send(stdin=creation).check_sent().documents
    bridge = chain.web3.eth.contract(address=record["contractAddress"], abi=CONTRACT.abi)
    assert bridge.functions.owner().call() == chain.owner.address
    assert bridge.functions.allowedKmsRoots(TO).call() is True
    assert [event["args"] for event in record["events"] if event["name"] == "KmsRootAdded"] == [{"root": TO}]

    proof = PROOFS[0]

    def to_new(name, *arguments):
        return {"to": bridge.address, "data": bridge.encode_abi(name, list(arguments))}

    records = send(stdin=[
        to_new("addKmsRoot", proof["kms_root"]), to_new("addAllowedCode", proof["code_id"]),
        {"to": bridge.address, "data": calldata(proof)},
        to_new("onboard", A, A, b"sealed"), to_new("removeAllowedCode", proof["code_id"]),
        to_new("removeKmsRoot", proof["kms_root"]),
    ]).check_sent().documents
    [*_, registered, posted, _, _] = events = [event for record in records for event in record["events"]]
    assert [event["name"] for event in events] == [
        "KmsRootAdded", "AllowedCodeAdded", "MemberRegistered", "OnboardingPosted", "AllowedCodeRemoved",
        "KmsRootRemoved"]
    assert registered["args"] == {
        "memberId": A, "codeId": proof["code_id"],
        "pubkey": proof["dstack_proof"]["derived_compressed_pubkey"]}
    assert posted["args"] == {"toMember": A, "fromMember": A}
    assert "label" not in records[0]


def test_other_contracts_events_are_shown_as_they_are(chain, send):
    # LOG1 of the word 7 with the topic 9
    code = bytes.fromhex("60075f52600960205fa1")
    assert chain.rpc("dev_setCode", TO, hexed(code))
    [event] = send(stdin={"to": TO, "data": "0x01"}).check_sent().document["events"]
    assert event == {"address": TO, "topics": [hexed((9).to_bytes(32, "big"))], "data": hexed((7).to_bytes(32, "big"))}


def test_value_transfer(chain, send):
    before = chain.web3.eth.get_balance(TO)
    record = send(stdin={"to": TO, "value": hex(10**18)}).check_sent().document
    assert chain.web3.eth.get_balance(TO) - before == 10**18
    assert int(record["gasUsed"], 16) == 21000 and "events" not in record


def test_confirmations(chain, send, ask):
    chain.rpc("dev_setAutomine", False)
    request, nonce = allow_code(ask, 1), chain.nonce()
    with running("tx-send", "--confirmations", "3", "--timeout", "30", stdin=subprocess.PIPE,
                 env=chain.env | {"PRIVATE_KEY": chain.owner.key.hex()}) as process:
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
        process.stdin = None
        assert b"sending" in process.stderr.readline()
        wait_until(lambda: chain.nonce() > nonce)
        for _ in range(2):
            chain.rpc("dev_mine")
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.7)
        chain.rpc("dev_mine")
        assert finish("tx-send", process, 10).document["status"] == "success"


def test_each_record_comes_when_its_transaction_is_done(chain, ask):
    """The requests of a pipe are not collected first."""
    with running("tx-send", stdin=subprocess.PIPE, env=chain.env | {"PRIVATE_KEY": chain.owner.key.hex()}) as process:
        for number in range(2):
            process.stdin.write(json.dumps(allow_code(ask, number)).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["status"] == "success"


# Preconditions


def precondition(chain, question: str, argument, answer: bool) -> dict:
    return {"to": chain.bridge.address, "data": CONTRACT.encode_abi(question, [argument]),
            "equals": hexed(encode(["bool"], [answer]))}


def test_what_is_done_already_is_skipped(chain, send, ask):
    root = PROOFS[0]["kms_root"]
    needless = ask("addKmsRoot", root, unless=precondition(chain, "allowedKmsRoots", root, True))
    # Though it would revert: the question comes first.
    member = {"label": "again", "to": chain.bridge.address, "data": calldata(PROOFS[0]),
              "unless": precondition(chain, "isMember", A, True)}
    with chain.nothing_sent():
        records = send(stdin=[needless, member]).check_done().documents
    assert records == [{"label": "addKmsRoot", "status": "skipped"}, {"label": "again", "status": "skipped"}]


def test_what_is_not_done_yet_is_sent(chain, send, ask):
    code = b"\x05" * 32
    unlesses = [
        precondition(chain, "allowedCode", code, True),
        # It reverts, and so says nothing:
        {"to": chain.reverting(b""), "data": "0x01", "equals": "0x"},
    ]
    for unless in unlesses:
        sent = send(stdin=ask("addAllowedCode", code, unless=unless)).check_sent()
        assert sent.document["status"] == "success"


# Reverts


def test_a_request_that_would_revert_is_not_sent(chain, send, ask):
    first = allow_code(ask, 1)
    nonce = chain.nonce()
    answer = send(stdin=[first, ask("onboard", A, NOBODY, b"x"), allow_code(ask, 2)])
    assert answer.status == NO
    [done, reverted] = answer.documents
    assert done["status"] == "success"
    assert reverted == {"label": "onboard", "status": "reverted",
                        "revert": {"name": "MemberNotFound", "args": {}, "data": "0x1fdd7d63"}}
    assert "MemberNotFound" in answer.messages("error")[0]
    assert chain.nonce() == nonce + 1


def test_a_transaction_that_reverts(chain, send, ask):
    answer = send("--in-flight", "1", stdin=[ask("onboard", A, NOBODY, b"x", gas="0x30d40"), allow_code(ask, 2)])
    assert answer.status == NO
    record = answer.document
    receipt = chain.web3.eth.get_transaction_receipt(record["transactionHash"])
    assert receipt["status"] == 0
    assert (record["status"], record["blockNumber"]) == ("reverted", hex(receipt["blockNumber"]))
    assert record["revert"]["name"] == "MemberNotFound"
    assert "MemberNotFound" in answer.messages("error")[0]


def error_data(signature: str, types: list[str], values: list) -> bytes:
    return keccak(text=signature)[:4] + encode(types, values)


@pytest.mark.parametrize("data, name, arguments, shown", [
    (error_data("NotOwner()", [], []), "NotOwner", {}, "NotOwner"),
    (error_data("Error(string)", ["string"], ["bad sig len"]), "Error", {"message": "bad sig len"}, "bad sig len"),
    (error_data("Panic(uint256)", ["uint256"], [0x11]), "Panic", {"code": "0x11"}, ""),
    (error_data("OwnableUnauthorizedAccount(address)", ["address"], [TO]), "OwnableUnauthorizedAccount",
     {"account": TO}, "OwnableUnauthorizedAccount"),
    (b"", None, None, ""), (b"\x12\x34\x56\x78", None, None, "12345678"), (b"\x08\xc3\x79\xa0", None, None, ""),
    (error_data("Error(string)", ["string"], ["\x1b[31m\x07\n"]), "Error", {"message": "\x1b[31m\x07\n"}, ""),
])
def test_reverts_have_names(chain, send, data, name, arguments, shown):
    for options in ([], ["--dry-run"], ["--sign-only"], ["--call"]):
        with chain.nothing_sent():
            answer = send(*options, stdin={"to": chain.reverting(data), "data": "0x01"})
        record = answer.document
        assert (answer.status, record["status"]) == (NO, "reverted")
        assert (record["revert"].get("name"), record["revert"].get("args")) == (name, arguments)
        assert record["revert"]["data"] == hexed(data)
        [error] = answer.messages("error")
        assert shown in error and "\x1b" not in answer.stderr and "\x07" not in answer.stderr


# Without sending


def test_dry_run(chain, send, ask):
    request = allow_code(ask, 1, value="0x0")
    estimate = chain.web3.eth.estimate_gas(
        {"from": chain.owner.address, "to": request["to"], "data": request["data"]})
    skipped = allow_code(ask, 2, unless=precondition(chain, "isMember", A, True))
    with chain.nothing_sent():
        [simulated, needless] = send("--dry-run", stdin=[request, skipped]).check_done().documents
    assert (simulated["status"], needless["status"]) == ("simulated", "skipped")
    assert estimate <= int(simulated["gasUsed"], 16) <= 2 * estimate
    assert "transactionHash" not in simulated and "raw" not in simulated


def test_call_needs_no_key(chain, ask):
    for name, arguments, types, values in (
        ("owner", [], ["address"], [chain.owner.address.lower()]),
        ("isMember", [A], ["bool"], [True]), ("isMember", [NOBODY], ["bool"], [False]),
    ):
        answer = run("tx-send", "--call", stdin=ask(name, *arguments), env=chain.env).check_done()
        assert answer.document == {"label": name, "status": "called", "result": hexed(encode(types, values))}


# Refusals: nothing is sent


@pytest.mark.parametrize("mode", [[], ["--dry-run"], ["--sign-only"], ["--call"]])
@pytest.mark.parametrize("options, env, request_", [
    (["--chain", "1"], {}, {}), (["--chain", "base"], {}, {}), ([], {"CHAIN": "8453"}, {}),
    (["--chain", str(CHAIN_ID)], {}, {"chainId": "0x1"}), ([], {"CHAIN": str(CHAIN_ID)}, {"chainId": "0x1"}),
])
def test_another_chain_is_refused(chain, send, ask, mode, options, env, request_):
    with chain.nothing_sent():
        answer = send(*mode, *options, env=env, stdin=allow_code(ask, 1, **request_))
    answer.check_error(BAD_INPUT, str(CHAIN_ID))


def test_no_contract_at_the_address(chain, send):
    empty = to_checksum_address("0x" + "ee" * 20)
    for mode in ([], ["--call"], ["--dry-run"]):
        with chain.nothing_sent():
            send(*mode, stdin={"to": empty, "data": "0x8da5cb5b"}).check_error(BAD_INPUT, empty)


@pytest.mark.parametrize("missing", [1, 21000, 10**18, 2**255])
def test_insufficient_funds(chain, send, missing):
    """Too little for the value and the gas, for the gas alone, or by far."""
    balance = chain.web3.eth.get_balance(chain.owner.address)
    with chain.nothing_sent():
        send(stdin={"to": TO, "value": hex(balance - 21000 + missing)}).check_error(NO, "ether")


def test_no_funds(chain, send, key_file):
    for request in ({"to": TO, "value": "0x1"}, {"to": chain.bridge.address, "data": "0x8da5cb5b"}):
        with chain.nothing_sent():
            send(stdin=request, key=f"file:{key_file('7e' * 32, name='poor')}").check_error(NO, "has 0 ether")


def test_a_dry_run_tells_what_is_lacking(chain, send, ask):
    """All records come, with what the sender lacks for each and those before it; then the answer is no."""
    poor = Account.from_key("0x" + "7d" * 32).address
    requests = [ask("isMember", bytes([number]) * 32) for number in range(3)]
    plenty = send("--dry-run", "--from", chain.owner.address, stdin=requests).check_done().documents
    assert not any("shortfall" in record for record in plenty)
    costs = [int(record["maxCost"], 16) for record in plenty]
    balance = costs[0] + costs[1] // 2
    assert chain.rpc("dev_setBalance", poor, hex(balance))
    with chain.nothing_sent():
        answer = send("--dry-run", "--from", poor, stdin=requests)
    answer.check_error(NO, f"{poor} has ", "but the transactions may cost ", prints=None)
    assert [record["status"] for record in answer.documents] == ["simulated"] * 3
    total = 0
    for record in answer.documents:
        total += int(record["maxCost"], 16)
        assert int(record.get("shortfall", "0x0"), 16) == max(0, total - balance)
    assert list(answer.documents[-1])[-1] == "shortfall"


# In another's name, without a key


def without_a_key(chain, *words, **options):
    return run("tx-send", *words, env=chain.env, **options)


def test_a_call_in_the_owners_name(chain, ask):
    request = ask("addKmsRoot", TO)
    answer = without_a_key(chain, "--call", stdin=request)
    answer.check_error(NO, '"addKmsRoot" reverted: NotOwner()', prints=None)
    assert answer.messages("hint") == [
        "only the owner may do this: --from ADDRESS calls in the owner's name, and needs no key"]
    called = without_a_key(chain, "--call", "--from", chain.owner.address, stdin=request).check_done()
    assert called.document["status"] == "called"
    answer = without_a_key(chain, "--call", "--from", chain.stranger.address, stdin=request)
    assert answer.messages("hint") == ["only the owner may do this: is --from the owner, and the contract the right one?"]
    # As the request itself may say.
    without_a_key(chain, "--call", stdin=request | {"from": chain.owner.address}).check_done()
    without_a_key(chain, "--call", "--from", TO, stdin=request | {"from": chain.owner.address}).check_error(
        BAD_INPUT, f"is from {chain.owner.address}, but the key or --from names {TO}")


def test_an_app_contracts_owner_too(chain):
    """dstack's app contract says so by an error of OpenZeppelin's."""
    data = unhex("0x118cdaa7") + encode(["address"], [TO])
    request = {"label": "addComposeHash", "to": chain.reverting(data), "data": "0x12"}
    answer = without_a_key(chain, "--call", stdin=request)
    answer.check_error(NO, "OwnableUnauthorizedAccount", prints=None)
    assert "--from ADDRESS" in answer.messages("hint")[0]


def test_a_dry_run_in_the_owners_name(chain, ask):
    request = ask("addKmsRoot", TO)
    with chain.nothing_sent():
        record = without_a_key(chain, "--dry-run", "--from", chain.owner.address, stdin=request).check_done().document
        assert record["status"] == "simulated" and int(record["maxCost"], 16) > 0
        answer = without_a_key(chain, "--dry-run", "--from", chain.stranger.address, stdin=request)
    answer.check_error(NO, '"addKmsRoot" would revert: NotOwner()', prints=None)
    assert "is --from the owner" in answer.messages("hint")[0]


def test_who_sends_is_said_once(chain, ask, owner_key):
    request = ask("addKmsRoot", TO)
    for mode in ([], ["--send"], ["--sign-only"], ["--wait"]):
        without_a_key(chain, *mode, "--from", TO, stdin=request).check_error(BAD_INPUT, "--from applies only to")
    without_a_key(chain, "--dry-run", "--from", TO, "--key", owner_key, stdin=request).check_error(
        BAD_INPUT, "--from and --key both name the sender")
    # A key of the environment is for sending.
    run("tx-send", "--dry-run", "--from", chain.owner.address, stdin=request,
        env=chain.env | {"TEEBRIDGE_KEY": "file:/nowhere"}).check_done()
    without_a_key(chain, "--call", "--from", "0x12", stdin=request).check_error(BAD_INPUT, "--from <address>")


# More gas than there is


def test_gas_that_no_block_holds(chain, send, ask):
    """The chain's blocks hold 30 million."""
    for mode in ([], ["--dry-run"], ["--sign-only"]):
        with chain.nothing_sent():
            send(*mode, stdin=ask("addKmsRoot", TO, gas=hex(30_000_001))).check_error(
                NO, '"addKmsRoot" takes 30000001 gas, but a block holds at most 30000000')
    # PUSH0; PUSH4 0xffffffff; MSTORE: more memory than any gas pays for.
    greedy = to_checksum_address("0x" + "1f" * 20)
    assert chain.rpc("dev_setCode", greedy, "0x5f63ffffffff52")
    for mode in ([], ["--dry-run"]):
        with chain.nothing_sent():
            answer = send(*mode, stdin={"label": "greedy", "to": greedy, "data": "0x01"})
            answer.check_error(NO, '"greedy" takes more gas than it can have: the node allows at most 30000000')
            assert answer.messages("hint") == [
                "do less in one transaction; for a large secret, see LARGE SECRETS in teebridge(7)"]


def test_the_cap_on_the_gas_price(chain, send, ask):
    base_fee = chain.web3.eth.get_block("pending")["baseFeePerGas"]
    for cap in (str(base_fee // 2), "1wei"):
        with chain.nothing_sent():
            answer = send("--gas-price-cap", cap, stdin=allow_code(ask, 1))
        answer.check_error(answer.status, str(base_fee))
        assert answer.status in (NO, BAD_INPUT)
    sent = send("--gas-price-cap", str(base_fee + 10), stdin=allow_code(ask, 1)).check_sent().document
    assert int(sent["effectiveGasPrice"], 16) <= base_fee + 10
    transaction = chain.web3.eth.get_transaction(sent["transactionHash"])
    assert transaction["maxFeePerGas"] <= base_fee + 10


@pytest.mark.parametrize("text", [
    "", "[]", "\n", "{}", '{"label":"x"}', '{"value":"0x1"}', '{"to":"0x12"}', '{"to":null,"data":"0x"}',
    '{"to":7,"data":"0x"}', json.dumps({"to": TO, "data": "1"}), json.dumps({"to": TO, "data": "0x1"}),
    json.dumps({"to": TO, "value": 1.5}), json.dumps({"to": TO, "value": "1"}), json.dumps({"to": TO, "value": "0x01"}),
    json.dumps({"to": TO, "value": "0x"}), json.dumps({"to": TO, "value": "0x1" + "0" * 64}),
    json.dumps({"to": TO, "nonce": hex(2**64)}), json.dumps({"to": TO, "gas": -1}),
    json.dumps({"to": TO, "unless": {}}), json.dumps({"to": TO, "unless": True}),
    json.dumps({"to": TO, "unless": {"to": TO, "data": "0x"}}), json.dumps({"to": TO, "label": 7}),
    json.dumps({"to": TO})[:-1], json.dumps({"to": TO})[:-1] + f',"to":"{TO}"}}', "[1]", '"0x"',
    json.dumps({"to": TO.replace("C", "c").replace("D", "d"), "data": "0xE"}),
])
def test_bad_requests(chain, send, text):
    with chain.nothing_sent():
        send(stdin=text).check_error(BAD_INPUT)


@pytest.mark.parametrize("member, value, words", [
    ("imput", "0x01", ['"imput"']), ("comment", "x", ['"comment"']),
    ("gasPrice", "0x5", ['"gasPrice"', "maxFeePerGas"]), ("type", "0x0", ['"type"', "0x2"]),
    ("r", "0x1", ['"r"', "signed"]), ("blockHash", "0x1", ['"blockHash"', "block"]),
    ("transactions", [], ['"transactions"', "jq -c"]), ("authorizationList", [], ['"authorizationList"', "7702"]),
    ("input", "0x02", ['"input"', "data"]), ("gasLimit", "0x1", ['"gasLimit"', "gas"]),
    ("from", "0x" + "52" * 20, ["0x" + "52" * 20, "key"]),
])
@pytest.mark.parametrize("mode", [[], ["--dry-run"], ["--sign-only"]])
def test_nothing_of_a_request_is_dropped(chain, send, mode, member, value, words):
    """What is not carried out as it is written is refused by its name, in every mode."""
    request = {"to": TO, "data": "0x01", "gas": "0x5208", member: value}
    with chain.nothing_sent():
        send(*mode, stdin=json.dumps(request)).check_error(BAD_INPUT, *words)


def test_the_near_member_is_named(send):
    assert 'did you mean "input"?' in send("--sign-only", stdin=json.dumps({"to": TO, "imput": "0x"})).stderr


def test_other_names_and_an_access_list_are_carried(chain, send, ask):
    request = allow_code(ask, 7)
    words = ["0x" + "00" * 31 + "07", "0x" + "ab" * 32]
    request |= {
        "input": request["data"], "gasLimit": 200_000, "from": chain.owner.address.lower(), "type": "0x2",
        "accessList": [{"address": chain.bridge.address, "storageKeys": words}]}
    del request["data"]
    record = send(stdin=request).check_sent().document
    sent = chain.web3.eth.get_transaction(record["transactionHash"])
    assert (sent["gas"], sent["from"]) == (200_000, chain.owner.address)
    assert [(entry["address"], [HexBytes(word).to_0x_hex() for word in entry["storageKeys"]])
            for entry in sent["accessList"]] == [(chain.bridge.address, words)]


def test_a_bad_request_stops_those_beside_it(chain, send, ask):
    requests = [allow_code(ask, 1), {"to": "?"}, allow_code(ask, 2)]
    for layout in (requests, json.dumps(requests)):
        with chain.nothing_sent():
            send(stdin=layout).check_error(BAD_INPUT, "line")


def test_an_array_is_taken_whole(chain, send, ask):
    """Even one of many blocks: nothing of it is sent until its end has come."""
    many = json.dumps([allow_code(ask, number) for number in range(2000)])
    with chain.nothing_sent():
        send(stdin=many[:-1]).check_error(BAD_INPUT, "line 1")


# Keys


@pytest.mark.parametrize("text", [KEY, KEY[2:], KEY + "\n", KEY[2:].upper() + "\n", KEY + "\r\n"])
def test_key_files(run, key_file, text):
    signed = sign(run, f"file:{key_file(text)}")
    assert signed == Account.from_key(KEY).address


def sign(run, *sources: str, env: dict | None = None, **options) -> str:
    """Sign something with the key of a source; the address of whoever signed."""
    arguments = [word for source in sources for word in ("--key", source)]
    request = COMPLETE | {"chainId": "0x1"}
    return signer_of(run("tx-send", "--sign-only", *arguments, stdin=request, env=env, **options).check_done().document)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666, 0o620, 0o602])
def test_a_key_file_for_all_to_read_is_refused(chain, key_file, mode):
    key = key_file(chain.owner.key.hex(), mode)
    with chain.nothing_sent():
        answer = run("tx-send", "--key", f"file:{key}", stdin={"to": TO, "value": "0x1"}, env=chain.env)
    answer.check_error(BAD_INPUT, str(key))
    assert any("chmod" in hint for hint in answer.messages("hint"))


@pytest.mark.parametrize("text", [
    "", "\n", "0x", KEY[:-1], KEY + "0", KEY + " ", " " + KEY, KEY + "\n\n", "0X" + KEY[2:] + "g", "0x" + "00" * 32,
    "0x" + "ff" * 32, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", "g" * 64, KEY * 2,
    "A" * 100_000,
])
def test_bad_keys_are_refused_and_not_shown(key_file, text):
    source = f"file:{key_file(text)}"
    for arguments, env in ((["--key", source], {}), ([], {"TEEBRIDGE_KEY": source}), ([], {"PRIVATE_KEY": text})):
        if "PRIVATE_KEY" in env and ("\0" in text or len(text) > 90_000 or not text):
            continue
        answer = run("tx-send", "--sign-only", *arguments, stdin=COMPLETE | {"chainId": "0x1"}, env=env)
        answer.check_error(BAD_INPUT)
        assert "4c4c4c4c" not in answer.stderr and "ffffffff" not in answer.stderr


def test_key_sources(run, key_file):
    mine = Account.from_key(KEY).address
    assert sign(run, env={"PRIVATE_KEY": KEY}) == mine
    assert sign(run, "env:MY_KEY", env={"MY_KEY": KEY[2:], "PRIVATE_KEY": "0x" + "11" * 32}) == mine
    assert sign(run, env={"TEEBRIDGE_KEY": f"file:{key_file(KEY)}", "PRIVATE_KEY": "0x" + "11" * 32}) == mine
    assert sign(run, f"file:{key_file(KEY)}", env={"TEEBRIDGE_KEY": "file:/absent"}) == mine
    reader, writer = os.pipe()
    os.write(writer, KEY.encode() + b"\n")
    os.close(writer)
    assert sign(run, f"fd:{reader}", pass_fds=[reader]) == mine
    os.close(reader)


def test_the_guest_agents_key(run, agents):
    """A CVM can send with the key of its own: of any path and purpose."""
    first, second = agents
    assert sign(run, "dstack:", env=first.env) == PROOFS[0]["derived_address"]
    assert sign(run, "dstack:/bridge?purpose=ethereum", env=second.env) == PROOFS[1]["derived_address"]
    for source in (f"dstack:?socket={second.socket}", f"dstack:/bridge?socket={second.socket}&purpose=ethereum"):
        assert sign(run, source, env=first.env) == PROOFS[1]["derived_address"]
    others = {sign(run, source, env=first.env) for source in ("dstack:/gas", "dstack:/gas?purpose=gas")}
    assert PROOFS[0]["derived_address"] not in others


@pytest.mark.parametrize("kdf, iterations", [("scrypt", 2**12), ("pbkdf2", 5000)])
@pytest.mark.parametrize("password", ["a password", "", "geheim 🤐 "])
def test_keystores(run, key_file, kdf, iterations, password):
    """As eth-account writes them."""
    keystore = key_file(json.dumps(Account.encrypt(KEY, password, kdf, iterations)), name="keystore")
    secret = key_file(password + "\n", name="password")
    mine = Account.from_key(KEY).address
    source = f"keystore:{keystore}"
    assert sign(run, source, env={"ETH_PASSWORD": str(secret)}) == mine
    assert sign(run, env={"ETH_KEYSTORE": str(keystore), "ETH_PASSWORD": str(secret)}) == mine
    request = COMPLETE | {"chainId": "0x1"}
    options = "--sign-only", "--key", source, "--password-file", secret
    assert signer_of(run("tx-send", *options, stdin=request).check_done().document) == mine
    secret.write_bytes(codecs.BOM_UTF8 + password.encode() + b"\r\n")
    run("tx-send", *options, stdin=request).check_done()
    secret.write_text(password + "x", encoding="utf-16")
    run("tx-send", *options, stdin=request).check_error(BAD_INPUT, f'"{secret}" is UTF-16, and UTF-8 is needed')
    secret.write_text(password + "x")
    run("tx-send", *options, stdin=request).check_error(BAD_INPUT, "password")
    run("tx-send", "--sign-only", "--key", source, stdin=request).check_error(BAD_INPUT)


@pytest.mark.parametrize("text", ["", "{}", "[]", KEY, '{"version": 3, "crypto": {}}', '{"version": 4}'])
def test_keystores_that_are_none(run, key_file, text):
    keystore, password = key_file(text, name="keystore"), key_file("x", name="password")
    run("tx-send", "--sign-only", "--key", f"keystore:{keystore}", "--password-file", password,
        stdin=COMPLETE | {"chainId": "0x1"}).check_error(BAD_INPUT)


@pytest.mark.parametrize("source", [
    "file:/absent", "file:", "file:/", "env:ABSENT", "env:", "fd:99", "fd:-1", "fd:x", "", "key.txt", "ledger:0",
    "dstack:?purpose", "dstack:/bridge?porpoise=x",
])
def test_key_sources_that_are_none(source):
    run("tx-send", "--sign-only", "--key", source, stdin=COMPLETE | {"chainId": "0x1"}).check_error(BAD_INPUT)


def test_no_key_is_named(chain):
    answer = run("tx-send", stdin={"to": TO, "value": "0x1"}, env=chain.env)
    answer.check_error(BAD_INPUT)
    assert "--key" in answer.stderr


@pytest.mark.parametrize("key", [KEY, KEY[2:], KEY.upper(), "file:" + KEY, KEY + KEY])
def test_a_raw_key_as_an_argument_is_refused_and_not_shown(key):
    for option in (["--key", key], [f"--key={key}"]):
        answer = run("tx-send", "--sign-only", *option, stdin=COMPLETE | {"chainId": "0x1"})
        answer.check_error(BAD_INPUT)
        assert answer.messages("hint")
        assert "4c4c4c4c" not in answer.stderr.lower()


# Nodes that cannot be used: nothing was sent


def test_no_node_is_named(key_file):
    answer = run("tx-send", "--key", f"file:{key_file(KEY)}", stdin=COMPLETE)
    answer.check_error(BAD_INPUT)
    assert "--rpc-url" in answer.stderr and "ETH_RPC_URL" in answer.stderr


@pytest.mark.parametrize("url", ["localhost:8545", "ftp://localhost", "http://", "http:// x", "", "http://[::1"])
def test_urls_that_are_none(url):
    answer = run("tx-send", "--call", f"--rpc-url={url}", stdin=COMPLETE)
    assert answer.status == BAD_INPUT and answer.stdout == b""


SECRET_PATH = "/v2/S3cretApiKey"


@pytest.mark.parametrize("mode", [[], ["--dry-run"], ["--sign-only"], ["--call"]])
def test_a_node_that_is_down(send, mode):
    url = "http://127.0.0.1:9" + SECRET_PATH
    answer = send(*mode, "--retry-for", "0", stdin={"to": TO, "value": "0x1"}, env={"ETH_RPC_URL": url})
    answer.check_error(UNREACHABLE, "http://127.0.0.1:9")
    assert "S3cret" not in answer.stderr


def altered(**members):
    return lambda call, answer: {"jsonrpc": "2.0", "id": answer["id"]} | members


OTHER_HASH = hexed(b"\x13" * 32)
SEND, RECEIPT = "eth_sendRawTransaction", "eth_getTransactionReceipt"
PAGE = b"<!doctype html><title>502 Bad Gateway</title>"
SPOILED = {
    "HTML": lambda call, answer: (200, PAGE),
    "HTML with an error": lambda call, answer: (502, PAGE),
    "rate limit": lambda call, answer: (429, b"slow down"),
    "forbidden": lambda call, answer: (403, b'{"error":"origin not allowed"}'),
    "redirect": lambda call, answer: (302, b"", {"Location": "http://127.0.0.1:9/"}),
    "empty": lambda call, answer: (200, b""),
    "half": lambda call, answer: (200, json.dumps([answer]).encode()[:-9]),
    "no JSON-RPC": lambda call, answer: (200, b'"hello"'),
    "nothing": lambda call, answer: None,
    "less than promised": lambda call, answer: (200, b"[", {"Content-Length": "10", "Connection": "close"}),
    "wrong id": lambda call, answer: answer | {"id": 10**6 + answer["id"]},
    "text for an id": lambda call, answer: answer | {"id": f"x{answer['id']}"},
    "node's error": altered(error={"code": -32603, "message": "internal error"}),
    "null": altered(result=None),
    "number": altered(result=31337),
    "no quantity": altered(result="31337"),
    "too large": altered(result="0x1" + "0" * 70),
    "object": altered(result={}),
    "neither": altered(),
    "endless": lambda call, answer: (200, b"[" * 100_000),
}


def of(method: str, change):
    """Spoils the answers of one method."""
    return lambda call, answer: change(call, answer) if call["method"] == method else answer


@pytest.mark.parametrize("method", ["eth_chainId", "eth_estimateGas", "eth_getTransactionCount"])
@pytest.mark.parametrize("how", SPOILED)
def test_bad_answers_before_sending(send_through, ask, how, method):
    answer, methods = send_through(of(method, SPOILED[how]), "--retry-for", "0", stdin=allow_code(ask, 1))
    answer.check_error(UNREACHABLE)
    assert SEND not in methods


def test_a_node_that_hangs(send, ask):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        answer = send("--timeout", "1", stdin=allow_code(ask, 1), env={"ETH_RPC_URL": url}, timeout=20)
    answer.check_error(UNREACHABLE, "timed out")


def test_a_node_without_batches(chain, send, ask):
    def single(call, answer):
        return answer

    with relay(chain.url, single) as node:
        inner = node._reply

        def refuse_batches(method, path, body):
            if body.lstrip().startswith(b"["):
                return 200, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch not supported"}}'
            return inner(method, path, body)

        node._reply = refuse_batches
        answer = send(stdin=allow_code(ask, 1), env={"ETH_RPC_URL": node.url})
    assert (answer.status, answer.document["status"]) == (DONE, "success")


def test_failover(chain, send, ask):
    with relay(chain.url, lambda call, answer: (503, b"")) as down:
        for bad in ("http://127.0.0.1:9", down.url):
            answer = send("--rpc-url", bad, "--rpc-url", chain.url, stdin=allow_code(ask, 1))
            assert (answer.status, answer.document["status"]) == (DONE, "success")


def test_rpc_url_settings(chain, owner_key, ask):
    env = {"TEEBRIDGE_KEY": owner_key, "RPC_URL": chain.url}
    down = "http://127.0.0.1:9"
    request = ask("owner")
    assert run("tx-send", "--call", stdin=request, env=env).check_done()
    answer = run("tx-send", "--call", "--retry-for", "0", stdin=request, env=env | {"ETH_RPC_URL": down})
    assert answer.status == UNREACHABLE
    assert run("tx-send", "--call", "--rpc-url", chain.url, stdin=request, env=env | {"ETH_RPC_URL": down}).check_done()


# Sent, and then?


def test_time_is_up_after_sending(chain, send, ask):
    chain.rpc("dev_setAutomine", False)
    answer = send("--timeout", "1", "--in-flight", "1", stdin=[allow_code(ask, 1), allow_code(ask, 2)])
    assert answer.status == UNKNOWN
    record = answer.document
    assert record["status"] == "pending" and record["transactionHash"] in answer.messages("error")[0]
    chain.rpc("dev_mine")
    assert chain.web3.eth.get_transaction_receipt(record["transactionHash"])["status"] == 1


LOST = {name: SPOILED[name] for name in ("HTML", "HTML with an error", "empty", "half", "nothing", "wrong id", "null")}


@pytest.mark.parametrize("how", LOST)
def test_a_lost_answer_to_sending(chain, send_through, ask, how):
    """The node took the transaction, whatever it said: the chain tells how it ended, and it is not sent twice."""
    answer, methods = send_through(of(SEND, LOST[how]), "--rpc-url", chain.url, stdin=allow_code(ask, 1))
    assert (answer.status, answer.document["status"]) == (DONE, "success"), answer
    assert methods.count(SEND) == 1
    assert chain.bridge.functions.allowedCode((1).to_bytes(32, "big")).call()


@pytest.mark.parametrize("message", ["already known", "Known transaction: 0x12", "transaction already imported"])
def test_a_node_that_has_it_already(send_through, ask, message):
    known = altered(error={"code": -32000, "message": message})
    answer, _ = send_through(of(SEND, known), stdin=allow_code(ask, 1))
    assert (answer.status, answer.document["status"]) == (DONE, "success")


def test_a_lost_transaction(send_through, ask):
    """The answer is lost, and the node has forgotten the transaction as well."""
    forgets = {SEND: SPOILED["nothing"], RECEIPT: SPOILED["null"]}
    answer, _ = send_through(lambda call, answer: forgets.get(call["method"], lambda _, same: same)(call, answer),
                             "--timeout", "1", stdin=allow_code(ask, 1))
    assert answer.status == UNKNOWN
    assert answer.document["status"] == "pending" and answer.document["transactionHash"] in answer.stderr


def test_a_node_that_rejects_it(chain, send, ask):
    request = allow_code(ask, 1, maxFeePerGas="0x1", maxPriorityFeePerGas="0x0", gas="0x186a0")
    answer = send("--timeout", "2", stdin=[request, allow_code(ask, 2)])
    assert (answer.status, answer.stdout) == (UNREACHABLE, b"")
    [error] = answer.messages("error")
    assert "underpriced" in error


def test_a_nonce_that_a_request_names_and_another_transaction_has(chain, send, ask):
    """It is not signed with another one."""
    before = chain.nonce()
    answer = send(stdin=[allow_code(ask, 1, nonce="0x0", gas="0x186a0"), allow_code(ask, 2)])
    assert (answer.status, answer.document["status"]) == (NO, "replaced")
    [error] = answer.messages("error")
    assert "nonce" in error and chain.nonce() == before


def test_a_node_that_gives_another_hash(chain, send_through, ask):
    answer, _ = send_through(of(SEND, altered(result=OTHER_HASH)), "--timeout", "2", stdin=allow_code(ask, 1))
    assert answer.status in (DONE, UNKNOWN)
    real = chain.web3.eth.get_block("latest")["transactions"][0].to_0x_hex()
    assert real in answer.stderr


def test_a_receipt_of_another_transaction(send_through, ask):
    def of_another(call, answer):
        return answer | {"result": answer["result"] and answer["result"] | {"transactionHash": OTHER_HASH}}

    answer, _ = send_through(of(RECEIPT, of_another), "--timeout", "2", stdin=allow_code(ask, 1))
    assert answer.status == UNKNOWN


def test_the_node_fails_while_waiting(send_through, ask):
    """An outage of the node after sending is outlived, as long as the time allows."""
    outages = iter([True] * 5)
    answer, methods = send_through(of(RECEIPT, lambda call, answer: (503, b"") if next(outages, False) else answer),
                                   stdin=allow_code(ask, 1))
    assert (answer.status, answer.document["status"]) == (DONE, "success")
    assert methods.count(SEND) == 1
