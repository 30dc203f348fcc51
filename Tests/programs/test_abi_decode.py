"""abi-encode decode: calldata, results, errors and logs, beside eth-abi, and what it refuses."""

import json
import random
import re
from contextlib import suppress

import pytest
from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_abi.tools import get_abi_strategy
from eth_utils import event_signature_to_log_topic, function_signature_to_4byte_selector, keccak, to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from abi_words import abi_types, entry, read, shown
from bridge_v1 import ARTEFACT_PATH
from harness import BAD_INPUT, DONE, NO, ROOT, hexed
from proofs import PROOFS, calldata, registration

ADDRESS = to_checksum_address("0x254057d9d92fc7f75e3d49f0c6b0be9ee2a334d5")
OTHER = to_checksum_address("0xdf463af67d15e470a363e387fd688c78c2e94146")
SPECIFICATION = json.loads((ROOT / "Tests" / "vectors" / "abi-specification.json").read_text())["vectors"]
MEMBER = "0x" + "ab" * 32


@pytest.fixture(scope="module")
def decoded(run):
    """Runs abi-encode decode."""
    return lambda *args, stdin=b"": run("abi-encode", "decode", *args, stdin=stdin)


def call(signature: str, types: list[str], values: list) -> str:
    return hexed(function_signature_to_4byte_selector(signature) + encode(types, values))


def word(number: int) -> str:
    return f"{number:064x}"


TRANSFER = call("transfer(address,uint256)", ["address", "uint256"], [OTHER, 5])
ARGUMENTS = {"to": OTHER, "amount": "0x5"}
AS_TRANSFER = {"name": "transfer", "signature": "transfer(address,uint256)", "args": ARGUMENTS}


# Values


@pytest.mark.parametrize("example", SPECIFICATION, ids=lambda example: example["signature"])
def test_the_specifications_examples(decoded, example):
    answer = decoded("calldata", example["signature"], "0x" + "".join(example["words"])).check_done()
    signature = example["signature"]
    assert answer.document == {"name": signature.split("(")[0], "signature": signature, "args": example["json"]}


@st.composite
def calls(draw) -> list[tuple[list[str], list]]:
    """Several lists of types, each with values."""
    lists = draw(st.lists(st.lists(abi_types(), max_size=4), min_size=8, max_size=8))
    return [(types, [draw(get_abi_strategy(each)) for each in types]) for types in lists]


def listed(types: list[str], values: list) -> dict | list:
    """The values as they are printed under the names a, b, c and so on."""
    return dict(zip("abcdefgh", (shown(each, value) for each, value in zip(types, values))))


@settings(max_examples=25, deadline=None)
@given(calls())
def test_calldata_decodes_as_eth_abi_has_encoded_it(decoded, tmp_path_factory, calls):
    interface = tmp_path_factory.mktemp("abi") / "Many.json"
    interface.write_text(json.dumps([entry("function", f"f{i}", types) for i, (types, _) in enumerate(calls)]))
    signatures = [f"f{i}({','.join(types)})" for i, (types, _) in enumerate(calls)]
    lines = [call(signature, *each) for signature, each in zip(signatures, calls)]
    answer = decoded("calldata", "--abi", interface, stdin="\n".join(lines)).check_done()
    assert answer.documents == [
        {"name": f"f{i}", "signature": signature, "args": listed(*each)}
        for i, (signature, each) in enumerate(zip(signatures, calls))]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_results_decode_as_eth_abi_has_encoded_them(decoded, data):
    types = data.draw(st.lists(abi_types(), max_size=6))
    many = [[data.draw(get_abi_strategy(each)) for each in types] for _ in range(4)]
    signature = f"f()({','.join(types)})"
    lines = [json.dumps({"result": hexed(encode(types, values))}) for values in many]
    answer = decoded("result", signature, stdin="\n".join(lines)).check_done()
    assert [document["returns"] for document in answer.documents] == [
        [shown(each, value) for each, value in zip(types, values)] or {} for values in many]


def spoiled(dice: random.Random, data: bytes) -> bytes:
    """The data with some words or bytes changed, taken away or put in."""
    data = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(0, len(data) + 1) // 32 * 32
        number = dice.choice([0, 1, 2, 31, 32, 33, 64, 96, 2**31, 2**62, 2**63, 2**64 - 1, 2**255, 2**256 - 1])
        match dice.randrange(5):
            case 0 | 1:
                data[at:at + 32] = number.to_bytes(32)
            case 2:
                data[at:at] = number.to_bytes(32)
            case 3:
                del data[at:at + dice.choice([1, 32])]
            case 4:
                data[dice.randrange(len(data) + 1):] = dice.randbytes(dice.choice([0, 1, 32, 40]))
    return bytes(data)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_what_decodes_encodes_to_the_same_bytes(decoded, data, seed):
    """However spoiled it is, nothing else happens than that a line is refused."""
    dice = random.Random(seed)
    types = data.draw(st.lists(abi_types(), min_size=1, max_size=4))
    whole = encode(types, [data.draw(get_abi_strategy(each)) for each in types])
    many = [whole, *(spoiled(dice, whole) for _ in range(20)), dice.randbytes(dice.randrange(200))]
    for layout in ([], ["--lenient"]):
        answer = decoded("result", f"f()({','.join(types)})", *layout, stdin="\n".join(map(hexed, many)))
        refused = {int(re.match(r"line (\d+): ", error)[1]) for error in answer.messages("error")}
        assert answer.status == (NO if refused else DONE) and 1 not in refused
        taken = [each for line, each in enumerate(many, 1) if line not in refused]
        assert len(answer.documents) == len(taken)
        for each, document in zip(taken, answer.documents):
            values = [read(kind, value) for kind, value in zip(types, document["returns"])]
            if not layout:
                assert encode(types, values) == each
                continue
            with suppress(DecodingError, OverflowError):  # eth-abi refuses some layouts, such as shared tails
                assert decode(types, each, strict=False) == tupled(values)


def tupled(value):
    """As eth-abi gives it: every list a tuple, addresses in lower case. Texts that look like one are rare enough."""
    if isinstance(value, list | tuple):
        return tuple(map(tupled, value))
    return value.lower() if isinstance(value, str) and re.fullmatch("0x[0-9a-fA-F]{40}", value) else value


@pytest.mark.parametrize("signature, args", [
    ("f(uint8 a, uint8 b)", {"a": "0x1", "b": "0x2"}), ("f(uint8, uint8)", ["0x1", "0x2"]),
    ("f(uint8 a, uint8)", ["0x1", "0x2"]), ("f(uint8 a, uint8 a)", ["0x1", "0x2"]),
])
def test_no_value_is_lost_to_a_name(decoded, signature, args):
    data = call("f(uint8,uint8)", ["uint8", "uint8"], [1, 2])
    assert decoded("calldata", signature, data).check_done().document["args"] == args


def test_what_call_makes_is_read_back(run, decoded):
    signature = "f(uint256 n, int256 i, (bool ok, bytes[2] parts)[] list, string s, address to)"
    document = {"n": "0xff", "i": "-5", "list": [{"ok": True, "parts": ["0x", "0x01"]}], "s": "é\n\u2028", "to": OTHER}
    made = run("abi-encode", "call", "--to", ADDRESS, signature, "--args-json", "-", stdin=json.dumps(document))
    assert decoded("calldata", signature, stdin=made.check_done().stdout).check_done().document == {
        "name": "f", "signature": "f(uint256,int256,(bool,bytes[2])[],string,address)", "args": document}


# What does not decode


HELLO = encode(["string"], ["hello"])
NONE = "the interface has no"


@pytest.mark.parametrize("kind, signature, data, error", [
    ("calldata", "transfer(address)", TRANSFER, 'the selector is 0xa9059cbb, but that of "transfer(address)" is'),
    ("calldata", "transfer(address,uint256)", TRANSFER + "00", "1 byte follows the last value"),
    ("calldata", "transfer(address,uint256)", TRANSFER + "00" * 32, "32 bytes follow the last value"),
    ("calldata", "transfer(address,uint256)", TRANSFER[:-2], 'needs 64 bytes of data, but 63 are left'),
    ("calldata", "transfer(address,uint256)", "0xa9059c", "but 3 are left"),
    ("calldata", "transfer(address,uint256)", "0x", "but 0 are left"),
    ("result", "f()(bool)", "0x" + word(2), 'result[0]: the number does not fit in "bool"'),
    ("result", "f()(uint8)", "0x" + word(256), 'result[0]: the number does not fit in "uint8"'),
    ("result", "f()(int8)", "0x" + word(255), 'result[0]: the number does not fit in "int8"'),
    ("result", "f()(address)", "0x" + "f" * 64, 'result[0]: the padding of "address" is not zero'),
    ("result", "f()(bytes4)", "0x" + word(1), 'result[0]: the padding of "bytes4" is not zero'),
    ("result", "f()(bool)", "0x", "but 0 are left"), ("result", "f()", "0x", "does not declare its return types"),
    ("result", "f()(string)", "0x" + word(32) + word(1) + "ff" + "00" * 31, "result[0]: the string is not UTF-8"),
    ("result", "f()(string)", "0x" + word(32) + word(1) + "6161" + "00" * 30, "padding"),
    ("result", "f()((bool ok, uint8[] list) t)", "0x" + word(32) + word(1) + word(64) + word(1) + word(256),
     'result[0].list[0]: the number does not fit in "uint8"'),
    ("result", "f()(string)", "0x" + word(64) + word(0) + word(0), "is 64, but a canonical encoding has 32"),
    ("result", "f()(string)", "0x" + word(2**255), "points beyond the 32 bytes"),
    ("result", "f()(uint256[])", "0x" + word(32) + word(2**64), "exceeds the 0 bytes left"),
    ("error", "NotOwner()", "0x30cd747100", "1 byte follows"),
    ("error", "Foo()", "0x30cd7471", 'but that of "Foo()" is 0xbfb4ebcf'),
    ("log", "Said(bool)", "0x" + word(1), 'the log is not of the event "Said(bool)"'),
])
def test_what_does_not_decode(decoded, kind, signature, data, error):
    status = BAD_INPUT if "does not declare" in error else NO
    decoded(kind, signature, data).check_error(status, error)


@pytest.mark.parametrize("kind, data", [("calldata", "0x01020304"), ("error", "0x01020304"), ("log", "0x")])
def test_what_the_interface_has_not(decoded, kind, data):
    arguments = ["--topic", MEMBER] if kind == "log" else []
    answer = decoded(kind, data, *arguments)
    answer.check_error(NO, NONE)
    assert "--abi" in " ".join(answer.messages("hint"))
    answer = decoded(kind, "--abi", ARTEFACT_PATH, data, *arguments)
    answer.check_error(NO, NONE)
    assert answer.messages("hint") == []


@pytest.mark.parametrize("data", [
    word(64) + word(0) + word(1) + "61" + "00" * 31,  # a gap before the tail
    word(32) + word(1) + "61" + "00" * 31 + "dead",  # bytes behind it
])
def test_lenient_takes_other_layouts(decoded, data):
    decoded("result", "f()(string)", "0x" + data).check_error(NO)
    answer = decoded("result", "--lenient", "f()(string)", "0x" + data).check_done()
    assert answer.document["returns"] == ["a"] and decode(["string"], bytes.fromhex(data), strict=False) == ("a",)


def test_what_does_not_decode_stops_no_other(decoded):
    lines = "\n".join([TRANSFER, TRANSFER + "00", "", TRANSFER[:-2], TRANSFER]) + "\n"
    answer = decoded("calldata", "transfer(address to, uint256 amount)", stdin=lines)
    assert answer.status == NO and answer.documents == [AS_TRANSFER, AS_TRANSFER]
    assert [error.split(":")[0] for error in answer.messages("error")] == ["line 2", "line 4"]


# Where the input stands


REQUEST = {"label": "transfer", "to": ADDRESS, "data": TRANSFER, "value": "0x0"}
INPUTS = [
    TRANSFER, f"{TRANSFER}\n", f"\n  {TRANSFER}\r\n", json.dumps(TRANSFER), json.dumps(REQUEST),
    json.dumps([REQUEST], indent=2), json.dumps([TRANSFER]), json.dumps({"input": TRANSFER}),
]


@pytest.mark.parametrize("text", INPUTS)
def test_the_input_is_an_argument_a_file_or_standard_input(decoded, tmp_path, text):
    signature = "function transfer(address to, uint256 amount) external returns (bool)"
    file = tmp_path / "input"
    file.write_text(text)
    for arguments, stdin in (([signature], text), ([signature, "-"], text), ([signature, file], b"")):
        assert decoded("calldata", *arguments, stdin=stdin).check_done().document == AS_TRANSFER
    if text == TRANSFER:
        assert decoded("calldata", signature, text).check_done().document == AS_TRANSFER


def test_a_word_alone_is_the_input_unless_it_has_a_parenthesis(decoded, tmp_path):
    file = tmp_path / "getMember"
    file.write_text(call("getMember(bytes32)", ["bytes32"], [bytes.fromhex(MEMBER[2:])]))
    for arguments, stdin in (([file], b""), (["getMember(bytes32)"], file.read_bytes()), ([], file.read_bytes()),
                             (["getMember", "-"], file.read_bytes()), (["getMember", file], b"")):
        assert decoded("calldata", *arguments, stdin=stdin).check_done().document["name"] == "getMember"
    decoded("calldata", "getMember").check_error(BAD_INPUT, 'cannot open "getMember"')


@pytest.mark.parametrize("kind, arguments, text, error", [
    ("calldata", [], "", "nothing came in"), ("log", [], "\n", "nothing came in"),
    ("calldata", ["0xabc"], "", "odd number"), ("calldata", ["0xzz"], "", "not a hex digit"),
    ("calldata", [], "0x30cd7471\n0x3", "line 2: hex has an odd number"),
    ("calldata", [], "0x30cd7471 0x30cd7471", "line 1: hex has"), ("calldata", [], "30cd7471", "not JSON"),
    ("calldata", [], "{}", 'line 1: member "data" is missing'), ("calldata", [], "7", "line 1: not a JSON object"),
    ("calldata", [], '{"data":"12"}', 'member "data" is not hex'), ("calldata", [], '"12"', "must begin with 0x"),
    ("calldata", [], '\n{"data":"0x"', "line 2: the input ends inside"), ("calldata", [], "[[]]", "not a JSON object"),
    ("result", ["isMember"], '{"status":"success"}', 'member "result" is missing'),
    ("error", [], '{"revert":{}}', 'member "revert.data" is missing'),
    ("error", [], '{"revert":"0x"}', 'member "revert" is not an object'),
    ("log", [], "{}", 'member "topics" is missing'), ("log", [], '{"topics":[]}', 'member "data" is missing'),
    ("log", [], '{"topics":["0x12"],"data":"0x"}', 'member "topics" is not an array of words'),
    ("log", [], '{"events":[7]}', 'member "events" is not an array of objects'),
    ("log", [], '{"logs":[{"address":"0x1"}]}', 'member "logs.0.address" is not an address'),
    ("log", ["--topic", "0x12", "0x"], "", "32 bytes are needed"),
    ("calldata", ["f(", "0x"], "", "expected a type"), ("calldata", ["getMemberr", "0x"], "", NONE),
    ("error", ["NotOner", "0x"], "", NONE), ("log", ["KmsRootAded", "0x"], "", NONE),
    ("result", [], "", "missing expected argument"), ("nonsense", ["0x"], "", "unknown command"),
])
def test_input_that_is_not_what_it_should_be(decoded, kind, arguments, text, error):
    decoded(kind, *arguments, stdin=text).check_error(BAD_INPUT, error)


# TEEBridge's own interface, and those of files


@pytest.mark.parametrize("proof", PROOFS)
def test_the_bridges_calldata(decoded, proof):
    document = decoded("calldata", calldata(proof)).check_done().document
    code_id, chain = registration(proof)
    assert document["signature"].startswith("registerDstack(bytes32,(bytes32,bytes,")
    assert document["args"]["codeId"] == hexed(code_id)
    assert list(document["args"]["dstackProof"].values()) == [
        part if isinstance(part, str) else hexed(part) for part in chain]


def test_results_by_name(decoded):
    true = {"name": "isMember", "signature": "isMember(bytes32)", "returns": [True]}
    for signature in ("isMember", "isMember(bytes32)(bool)", "function isMember(bytes32) view returns (bool)"):
        assert decoded("result", signature, "0x" + word(1)).check_done().document == true
    decoded("result", "isMember(bytes32)", "0x" + word(1)).check_error(BAD_INPUT, "does not declare its return types")
    assert decoded("result", "isMember", stdin={"status": "called", "result": "0x" + word(1)}).document == true
    named = decoded("result", "f()(uint8 count, string)", hexed(encode(["uint8", "string"], [1, "a"]))).check_done()
    assert named.document["returns"] == ["0x1", "a"]


@pytest.mark.parametrize("types, values, names", [
    (["bytes32", "bytes", "uint256"], [b"\1" * 32, b"\2" * 33, 7], ["codeId", "pubkey", "registeredAt"]),
    (["bytes32", "address", "bytes", "bytes", "uint256"], [b"\1" * 32, OTHER, b"\2" * 33, b"", 7],
     ["codeId", "verifier", "pubkey", "userData", "registeredAt"]),
])
def test_a_result_of_either_version_of_the_bridge(decoded, types, values, names):
    answer = decoded("result", "getMember", hexed(encode(types, values))).check_done()
    assert list(answer.document["returns"]) == names


@pytest.mark.parametrize("data, document", [
    ("0x30cd7471", {"name": "NotOwner", "signature": "NotOwner()", "args": {}}),
    (call("Error(string)", ["string"], ["no\n"]), {"name": "Error", "signature": "Error(string)",
                                                  "args": {"message": "no\n"}}),
    (call("Panic(uint256)", ["uint256"], [0x11]), {
        "name": "Panic", "signature": "Panic(uint256)", "args": {"code": "0x11"},
        "meaning": "arithmetic overflow or underflow"}),
    (call("Panic(uint256)", ["uint256"], [0x99]), {"name": "Panic", "signature": "Panic(uint256)",
                                                  "args": {"code": "0x99"}}),
])
def test_errors(decoded, data, document):
    record = {"label": "f", "status": "reverted", "revert": {"data": data}}
    for stdin in (data, record, {"code": 3, "message": "execution reverted", "data": data}):
        assert decoded("error", stdin=stdin).check_done().document == document
    if "NotOwner" not in str(document):
        assert decoded("error", "--abi", ARTEFACT_PATH, data).check_done().document == document


TOPICS = {signature: hexed(event_signature_to_log_topic(signature))
          for signature in ("KmsRootAdded(address)", "Transfer(address,address,uint256)", "Said(string,uint8[])")}
LOG = {"address": ADDRESS, "topics": [TOPICS["KmsRootAdded(address)"], "0x" + word(int(OTHER, 16))], "data": "0x"}
AS_LOG = {"name": "KmsRootAdded", "signature": "KmsRootAdded(address)", "address": ADDRESS, "args": {"root": OTHER}}


@pytest.mark.parametrize("document, printed", [
    (LOG, [AS_LOG]), ([LOG, LOG], [AS_LOG, AS_LOG]), ({"events": [LOG]}, [AS_LOG]),
    ({"status": "0x1", "logs": [LOG, LOG]}, [AS_LOG, AS_LOG]), ({"status": "0x1", "logs": []}, []),
    ({"status": "success"}, []),
    ({"status": "success", "events": [{"name": "Other", "address": OTHER, "args": {"a": 1}}, LOG]},
     [{"name": "Other", "address": OTHER, "args": {"a": 1}}, AS_LOG]),
])
def test_logs(decoded, document, printed):
    assert decoded("log", stdin=json.dumps(document)).check_done().documents == printed


# What nodes answer, and what tools print of it: the place in the chain is kept


HASH, BLOCK_HASH = "0x" + "1a" * 32, "0x" + "2b" * 32
WHERE = {"blockNumber": "0x10", "transactionHash": HASH, "logIndex": "0x2"}
# As eth_getLogs of go-ethereum and ethers' toJSON() print one.
MINED_LOG = {**LOG, **WHERE, "blockHash": BLOCK_HASH, "transactionIndex": "0x0", "removed": False}
ETHERS_LOG = {"_type": "log", **LOG, "blockNumber": 16, "transactionHash": HASH, "index": 2, "blockHash": BLOCK_HASH}
RECEIPT = {"transactionHash": HASH, "blockNumber": "0x10", "status": "0x1", "from": OTHER, "to": ADDRESS}
RECORD = {"status": "success", "transactionHash": HASH, "blockNumber": "0x10"}
AS_MINED = {**AS_LOG, **WHERE}
AS_EVENT = {"name": "Other", "address": OTHER, "args": {"a": 1}}


def answer(result, **members):
    """A node's answer."""
    return {"jsonrpc": "2.0", "id": 1, "result": result, **members}


@pytest.mark.parametrize("document, printed", [
    (MINED_LOG, [AS_MINED]), ([MINED_LOG, LOG], [AS_MINED, AS_LOG]), (ETHERS_LOG, [AS_MINED]),
    (answer([MINED_LOG, MINED_LOG]), [AS_MINED, AS_MINED]), (answer([]), []), (answer(MINED_LOG), [AS_MINED]),
    (answer({**RECEIPT, "logs": [MINED_LOG]}), [AS_MINED]), ({**RECEIPT, "logs": [MINED_LOG]}, [AS_MINED]),
    ([answer({**RECEIPT, "logs": [MINED_LOG]}), answer({**RECEIPT, "logs": []})], [AS_MINED]),
    (answer([{**RECEIPT, "logs": [MINED_LOG]}, {**RECEIPT, "logs": [MINED_LOG]}]), [AS_MINED, AS_MINED]),
    # Etherscan's getLogs, web3.py's receipt, and a log of a block that is still being made.
    ({"status": "1", "message": "OK", "result": [MINED_LOG]}, [AS_MINED]),
    ({**RECEIPT, "blockNumber": 16, "logs": [{**LOG, "logIndex": 2}]}, [AS_MINED]),
    ({**LOG, "blockNumber": None, "transactionHash": HASH, "logIndex": None}, [{**AS_LOG, "transactionHash": HASH}]),
    # A record's events have no place of their own.
    ({**RECORD, "events": [AS_EVENT, LOG]},
     [{**event, "blockNumber": "0x10", "transactionHash": HASH} for event in (AS_EVENT, AS_LOG)]),
    ({"jsonrpc": "2.0", "id": 1, "result": [MINED_LOG], "error": None}, [AS_MINED]),
    ({"result": [MINED_LOG]}, [AS_MINED]),
    # A block's hash is none of a transaction, and a log of a block that was undone says so.
    ({"number": "0x10", "hash": BLOCK_HASH, "blockNumber": "0x10", "logs": [LOG]}, [{**AS_LOG, "blockNumber": "0x10"}]),
    ({**MINED_LOG, "removed": True}, [{**AS_MINED, "removed": True}]),
    ({**MINED_LOG, "logIndex": "0x"}, [{**AS_MINED, "logIndex": "0x0"}]),
])
def test_logs_in_answers_keep_their_place(decoded, document, printed):
    assert decoded("log", stdin=json.dumps(document)).check_done().documents == printed


TRANSACTION = {"hash": HASH, "blockNumber": "0x10", "blockHash": BLOCK_HASH, "from": OTHER.lower(),
               "to": ADDRESS.lower(), "input": TRANSFER, "value": "0x0", "nonce": "0x0", "type": "0x2"}
AS_MADE = {**AS_TRANSFER, "from": OTHER, "to": ADDRESS}
AS_SENT = {**AS_MADE, "blockNumber": "0x10", "transactionHash": HASH}


@pytest.mark.parametrize("document, printed", [
    (TRANSACTION, [AS_SENT]), (answer(TRANSACTION), [AS_SENT]), ([answer(TRANSACTION)] * 2, [AS_SENT] * 2),
    (answer({"number": "0x10", "hash": BLOCK_HASH, "transactions": [TRANSACTION] * 2}), [AS_SENT] * 2),
    (answer({"number": "0x10", "hash": BLOCK_HASH, "transactions": []}), []),
    ({**TRANSACTION, "blockNumber": 16}, [AS_SENT]),
    (answer({**TRANSACTION, "blockNumber": None}), [{**AS_MADE, "transactionHash": HASH}]),
    (REQUEST, [AS_TRANSFER]), ({**TRANSACTION, "data": TRANSFER}, [AS_SENT]), ({**TRANSACTION, "data": None}, [AS_SENT]),
])
def test_calldata_of_transactions_keeps_its_place(decoded, document, printed):
    answered = decoded("calldata", "transfer(address to, uint256 amount)", stdin=json.dumps(document))
    assert answered.check_done().documents == printed


def test_a_nodes_errors_and_results(decoded):
    reverted = {"code": 3, "message": "execution reverted", "data": "0x30cd7471"}
    as_error = {"name": "NotOwner", "signature": "NotOwner()", "args": {}}
    for data in (reverted, {**reverted, "data": {"message": "reverted", "data": "0x30cd7471"}}):
        assert decoded("error", stdin={"jsonrpc": "2.0", "id": 1, "error": data}).check_done().document == as_error
    record = {**RECORD, "status": "reverted", "revert": {"data": "0x30cd7471"}}
    assert decoded("error", stdin=record).document == {
        **as_error, "blockNumber": "0x10", "transactionHash": HASH}
    answered = decoded("result", "isMember", stdin=json.dumps([answer("0x" + word(1)), answer("0x" + word(0))]))
    assert [each["returns"] for each in answered.check_done().documents] == [[True], [False]]


REVERTED = {"jsonrpc": "2.0", "id": 1, "error": {"code": 3, "message": "execution reverted\n", "data": "0x30cd7471"}}


@pytest.mark.parametrize("kind, document, error", [
    ("log", answer(None), "line 1: the node answered null: it has no such transaction, block or receipt"),
    ("calldata", answer(None), "the node answered null"), ("result", answer(None), "the node answered null"),
    ("log", REVERTED, 'line 1: the node answered with error 3: "execution reverted\\u{a}"'),
    ("calldata", {"id": 1, "error": "no such method"}, 'the node answered with error: "no such method"'),
    ("result", REVERTED, 'the node answered with error 3'),
    ("error", answer("0x"), "the node's result has no revert data"),
    ("log", answer("0x"), "the node's result has no logs"), ("calldata", answer(7), "the node's result has no calldata"),
    ("result", answer([]), "the node's result has no results"),
])
def test_an_answer_without_what_is_decoded(decoded, kind, document, error):
    """It is reported, and those beside it are decoded."""
    names = ["isMember"] if kind == "result" else ["transfer(address to, uint256 amount)"] if kind == "calldata" else []
    decoded(kind, *names, stdin=json.dumps(document)).check_error(NO, error)
    good = {"log": answer([LOG]), "calldata": answer(TRANSACTION), "result": answer("0x" + word(1)), "error": REVERTED}
    answered = decoded(kind, *names, stdin=json.dumps([document, good[kind]]))
    assert answered.status == NO and error in answered.stderr and len(answered.documents) == 1


@pytest.mark.parametrize("kind, document, error", [
    ("log", answer({**MINED_LOG, "blockNumber": "16"}), 'member "result.blockNumber" is not a quantity'),
    ("log", answer([{**MINED_LOG, "transactionHash": "0x1"}]), 'transactionHash" is not 32 bytes of hex'),
    ("log", {**MINED_LOG, "logIndex": 1.5}, 'member "logIndex" is not a whole number'),
    ("calldata", {**TRANSACTION, "from": "me"}, 'member "from" is not an address'),
    ("calldata", answer({"transactions": [HASH]}), 'transactions" is not an array of whole transactions'),
    ("log", answer([7]), "not a JSON object"),
])
def test_a_malformed_place_is_an_error(decoded, kind, document, error):
    names = ["transfer(address to, uint256 amount)"] if kind == "calldata" else []
    decoded(kind, *names, stdin=json.dumps(document)).check_error(BAD_INPUT, error)


def test_a_log_of_words(decoded):
    words = [word for topic in LOG["topics"] for word in ("--topic", topic)]
    expected = {name: value for name, value in AS_LOG.items() if name != "address"}
    assert decoded("log", *words, "0x").check_done().document == expected
    assert decoded("log", *words, "KmsRootAdded", "0x").check_done().document == expected


def test_events_that_differ_in_what_is_indexed(decoded, tmp_path):
    def event(*indexed: bool) -> dict:
        made = entry("event", "Transfer", ["address", "address", "uint256"], anonymous=False)
        for parameter, is_indexed in zip(made["inputs"], indexed):
            parameter["indexed"] = is_indexed
        return made

    file = tmp_path / "Tokens.json"
    file.write_text(json.dumps({"abi": [event(True, True, False), event(True, True, True)]}))
    topics = [TOPICS["Transfer(address,address,uint256)"], *["0x" + word(int(each, 16)) for each in (ADDRESS, OTHER)]]
    args = {"a": ADDRESS, "b": OTHER, "c": "0x7"}
    for log in ({"topics": topics, "data": "0x" + word(7)}, {"topics": [*topics, "0x" + word(7)], "data": "0x"}):
        for name in ([], ["Transfer", "-"], ["Transfer(address,address,uint256)"]):
            assert decoded("log", "--abi", file, *name, stdin=log).check_done().document["args"] == args
    answer = decoded("log", "Transfer(address,address,uint256)", stdin={"topics": topics, "data": "0x"})
    answer.check_error(NO, "has 1 topic, but this one has 3")
    assert "indexed" in " ".join(answer.messages("hint"))


def test_a_hash_is_told_from_a_value(decoded):
    hashes = [hexed(keccak(b"text")), hexed(keccak(b""))]
    log = {"topics": [TOPICS["Said(string,uint8[])"], *hashes], "data": "0x"}
    answer = decoded("log", "event Said(string indexed text, uint8[] indexed list)", stdin=log).check_done()
    assert answer.document["args"] == {"text": {"hash": hashes[0]}, "list": {"hash": hashes[1]}}


def test_a_log_without_topics(decoded):
    decoded("log", "0x").check_error(NO, "the log has no topics")


def test_an_anonymous_event(decoded):
    log = {"topics": ["0x" + word(7)], "data": "0x" + word(1)}
    answer = decoded("log", "event Said(uint8 indexed n, bool ok) anonymous", stdin=log).check_done()
    assert answer.document["args"] == {"n": "0x7", "ok": True}


def test_overloads_are_found_by_the_selector(decoded, tmp_path):
    file = tmp_path / "Token.json"
    file.write_text(json.dumps([entry("function", "mint", ["uint256"]), entry("function", "mint", ["address"])]))
    data = call("mint(address)", ["address"], [OTHER])
    for name in ([], ["mint", "-"], ["mint(address)"]):
        answer = decoded("calldata", "--abi", file, *name, stdin=data).check_done()
        assert answer.document == {"name": "mint", "signature": "mint(address)", "args": {"a": OTHER}}
    decoded("result", "--abi", file, "mint", "0x").check_error(BAD_INPUT, '"mint" is ambiguous; it may be any of')
    decoded("calldata", "--abi", file, "mnt", data).check_error(BAD_INPUT, 'no function "mnt"')


def test_strangers_text_cannot_drive_the_terminal(decoded):
    data = hexed(encode(["string"], ["\x1b[31mred\x07\x9b\x7f"]))
    answer = decoded("result", "f()(string)", data).check_done()
    assert not any(control in answer.stdout.decode() for control in "\x1b\x07\x9b\x7f")
    assert answer.document["returns"] == ["\x1b[31mred\x07\x9b\x7f"]
