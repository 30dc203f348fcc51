"""What no input may do, whoever wrote it: every document that a program reads, and every answer that it gets.

Each ends in one error line with the status of its kind and nothing on standard output, in little memory and time.
"""

import codecs
import functools
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import BAD_INPUT, DONE, ENVIRONMENT, NO, ROOT, SANITIZER, UNREACHABLE, Result, cost, measured
from proofs import PROOFS
from services import Server

pytestmark = pytest.mark.address

MEGABYTE = 1 << 20
MEMORY_LIMIT = 64 * MEGABYTE
# What a program may take of a processor. What is linear takes a second for a hundred megabytes, what is quadratic
# minutes; a sanitizer makes it several times as much. The other bound only ends what waits for ever.
PROCESSOR_SECONDS = 30 if SANITIZER else 2
SECONDS = 60
LONG = 100_000_000

BRIDGE = "0x254057d9d92FC7F75E3D49F0c6b0be9eE2A334D5"
KEY = "0x" + "07" * 32
NODE = ("--rpc-url", "http://127.0.0.1:9", "--retry-for", "0")
PROOF = PROOFS[0]
REQUEST = {"to": BRIDGE, "data": "0x01", "chainId": "0x1", "nonce": "0x1", "gas": "0x5208", "maxFeePerGas": "0x2",
           "maxPriorityFeePerGas": "0x1"}
STATE = {"version": 1, "chainId": 1, "bridge": BRIDGE, "member_id": PROOF["member_id"], "next": 1, "waiting": [],
         "seen": [], "digests": []}
INTERFACE = [{"type": "function", "name": "f", "inputs": [{"name": "x", "type": "string"}]}]
LOG = {"address": BRIDGE, "topics": [PROOF["member_id"]], "data": "0x"}
KEYSTORES = {each["name"]: each for each in json.loads((ROOT / "Tests/vectors/keystore.json").read_text())["vectors"]}
KEYSTORE = KEYSTORES["published, pbkdf2"]["keystore"]
RECORD = {"status": "pending", "transactionHash": PROOF["member_id"]}


def limited(program: str, *args, stdin: Path | bytes = b"", env: dict | None = None, memory=MEMORY_LIMIT) -> Result:
    """Run a program within the limits of time and memory."""
    command = measured(program, *args, seconds=SECONDS)
    options = {"env": ENVIRONMENT | {"KEY": KEY} | (env or {}), "capture_output": True, "timeout": SECONDS + 20}
    if isinstance(stdin, bytes):
        done = subprocess.run(command, input=stdin, **options)
    else:
        with stdin.open("rb") as file:
            done = subprocess.run(command, stdin=file, **options)
    *lines, last = done.stderr.decode().splitlines()
    peak, seconds = cost(last)
    assert seconds < PROCESSOR_SECONDS, f"{seconds} s of a processor"
    assert SANITIZER or peak < memory, f"{peak >> 20} MiB"
    return Result(program, done.returncode, done.stdout, "\n".join(lines))


@dataclass(frozen=True)
class Reader:
    """A program that reads a document, FILE in its arguments; `valid` is one that it takes."""

    command: tuple[str, ...]
    valid: object
    stdin: bytes = b""
    # The status for what is no document at all.
    status: int = BAD_INPUT
    # The one that a valid document leads to.
    done: int = DONE
    # A member that is a number, or should be something else.
    number: str = "x"
    memory: int = MEMORY_LIMIT
    takes_stdin: bool = True

    def run(self, document: Path | bytes, **options) -> Result:
        options = {"stdin": self.stdin, "memory": self.memory} | options
        if isinstance(document, bytes):
            options["stdin"], document = document, "-"
        program, *args = (word.replace("FILE", os.fspath(document)) for word in self.command)
        return limited(program, *args, **options)

    def bytes(self, opening: bytes = b"") -> bytes:
        """The valid document, with members at the beginning of its object."""
        document = json.dumps(self.valid).encode()
        return document.replace(b"{", b"{" + opening, 1)


SIGN = ("tx-send", "--sign-only", "--key", "env:KEY")
READERS = {
    "proofs": Reader(("abi-encode", "register", "--bridge", BRIDGE, "--kms-root", PROOF["kms_root"], "FILE"), PROOF,
                     number="code_id"),
    "sealed messages": Reader(("abi-encode", "onboard", "--bridge", BRIDGE, "FILE"),
                              {"from_member": PROOF["member_id"], "to_member": PROOF["member_id"], "payload": "0x01"},
                              number="payload"),
    "calldata": Reader(("abi-encode", "decode", "calldata", "f()", "FILE"), {"data": "0x26121ff0"}, number="data"),
    "logs": Reader(("abi-encode", "decode", "log", "event Posted(bytes) anonymous", "FILE"), LOG, done=NO,
                   number="data"),
    "interface": Reader(("abi-encode", "call", "--to", BRIDGE, "--abi", "FILE", "f", "a"), INTERFACE,
                        number="name"),
    "artefact": Reader(("abi-encode", "deploy", "FILE"), {"abi": [], "bytecode": "0x01"}, number="bytecode"),
    "arguments": Reader(("abi-encode", "call", "--to", BRIDGE, "f((uint256 n) a)", "--args-json", "FILE"),
                        {"a": {"n": 1}}, number="a"),
    "requests": Reader((*SIGN, "FILE"), REQUEST, number="nonce"),
    "records": Reader(("tx-send", "--wait", *NODE, "--timeout", "0", "FILE"), RECORD, done=4, number="transactionHash"),
    "journal": Reader(("tx-send", "--key", "env:KEY", "--journal", "FILE", *NODE),
                      {"request": "0x01", "rejected": PROOF["member_id"]}, json.dumps(REQUEST).encode(),
                      done=UNREACHABLE, number="request", takes_stdin=False),
    # Its input may have a gigabyte, of which nothing is shown before its last byte was read: it is held.
    "sealed message": Reader(("ecies-seal", "--open", "--key", "env:KEY", "FILE"), {"payload": "0x01"}, done=NO,
                             number="payload", memory=MEMORY_LIMIT + LONG),
    "state": Reader(("inbox-watch", "--once", "--key", "env:KEY", "--bridge", BRIDGE, "--chain", "1", *NODE, "--state",
                     "FILE"), STATE, done=BAD_INPUT, number="next", takes_stdin=False),
    "keystore": Reader(("tx-send", "--sign-only", "--key", "keystore:FILE", "--password-file", "/dev/null"), KEYSTORE,
                       json.dumps(REQUEST).encode(), done=BAD_INPUT, number="version", takes_stdin=False),
}


@functools.cache
def many_members() -> bytes:
    return b"".join(b'"%x":0,' % number for number in range(1_300_000))


# What stands in front of a document's first member, or in place of a document.
SPOILED = {
    "nothing": lambda reader: b"",
    "white space": lambda reader: b" \r\n\t\n",
    "deep arrays": lambda reader: reader.bytes(b'"x":' + b"[" * 100_000 + b"]" * 100_000 + b","),
    "deep objects": lambda reader: reader.bytes(b'"x":' + b'{"x":' * 100_000 + b"0" + b"}" * 100_000 + b","),
    "many numbers": lambda reader: reader.bytes(b'"x":[' + b"0," * 8_000_000 + b"0],"),
    "many objects": lambda reader: reader.bytes(b'"x":[' + b"{}," * 5_000_000 + b"0],"),
    "many members": lambda reader: reader.bytes(many_members()),
    "open arrays": lambda reader: b"[" * 1_000_000,
    "a NUL in front": lambda reader: b"\0" + reader.bytes(),
    "a NUL in a text": lambda reader: reader.bytes(b'"x":"\0",'),
    "NULs": lambda reader: b"\0" * 1_000_000,
    "a lone surrogate": lambda reader: reader.bytes(rb'"x":"\ud800",'),
    "surrogates in a wrong order": lambda reader: reader.bytes(rb'"x":"\udc00\ud800",'),
    "no UTF-8": lambda reader: reader.bytes(b'"x":"\xff",'),
    "overlong UTF-8": lambda reader: reader.bytes(b'"x":"\xc0\x80",'),
    "two byte order marks": lambda reader: 2 * codecs.BOM_UTF8 + reader.bytes(),
    "UTF-16": lambda reader: reader.bytes().decode().encode("utf-16"),
    "UTF-16 without a mark": lambda reader: reader.bytes().decode().encode("utf-16-le"),
    "UTF-16, the other way round": lambda reader: codecs.BOM_UTF16_BE + reader.bytes().decode().encode("utf-16-be"),
    "UTF-16 of the other way round, without a mark": lambda reader: reader.bytes().decode().encode("utf-16-be"),
    "a name twice": lambda reader: reader.bytes(b'"x":1,"x":1,'),
    "a name twice, escaped": lambda reader: reader.bytes(rb'"x":1,"\u0078":1,'),
    "half a document": lambda reader: reader.bytes()[:-1],
    "two commas": lambda reader: reader.bytes(b","),
    "1e400": lambda reader: json.dumps(replaced(reader, "N")).replace('"N"', "1e400").encode(),
    "1 with many digits": lambda reader: json.dumps(replaced(reader, "N")).replace('"N"', "1" * 100_000).encode(),
    "-0.0": lambda reader: json.dumps(replaced(reader, "N")).replace('"N"', "-0.0").encode(),
}

# Those that are tried on standard input too, which is read by the same code.
BY_STDIN = ("nothing", "white space", "NULs", "deep arrays", "half a document", "UTF-16", "two byte order marks")

# The files that programs write for themselves.
OWN_FILES = ("journal", "state")

# What is unusual, and taken.
TAKEN = {
    "as it is": lambda reader: reader.bytes(),
    "a byte order mark": lambda reader: codecs.BOM_UTF8 + reader.bytes(),
    "CR LF": lambda reader: json.dumps(reader.valid).replace(" ", "\r\n").encode() + b"\r\n",
    "a number that nobody reads": lambda reader: reader.bytes(b'"x":-1e400,'),
    "a pair of surrogates": lambda reader: reader.bytes(rb'"x":"\ud83d\ude00\u0000",'),
}


def replaced(reader: Reader, value) -> object:
    """The valid document with another value of its member that is no such number."""
    document = json.loads(reader.bytes())
    inner = document[0] if isinstance(document, list) else document
    assert reader.number in inner
    inner[reader.number] = value
    return document


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "document"


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_document(name, how, path):
    reader = READERS[name]
    # An empty journal is a new one.
    if name == "journal" and how in ("nothing", "white space"):
        return
    content = SPOILED[how](reader)
    path.write_bytes(content)
    saying = (f'"{path}" is UTF-16, and UTF-8 is needed',) if "UTF-16" in how and name not in OWN_FILES else ()
    reader.run(path).check_error(reader.status, *saying)
    assert path.read_bytes() == content, "the file was changed"
    if reader.takes_stdin and how in BY_STDIN:
        reader.run(content).check_error(reader.status)


@pytest.mark.parametrize("how", TAKEN)
@pytest.mark.parametrize("name", READERS)
def test_what_is_one(name, how, path):
    reader = READERS[name]
    path.write_bytes(TAKEN[how](reader) + (b"\n" if name == "journal" else b""))
    if name == "journal" and how == "CR LF":
        path.write_bytes(reader.bytes() + b"\r\n")
    answer = reader.run(path)
    if name in OWN_FILES and how == "a byte order mark":
        answer.check_error(BAD_INPUT, "not JSON")
    elif name == "requests" and b'"x"' in path.read_bytes():
        answer.check_error(BAD_INPUT, '"x"')  # a request is carried out whole, or not at all
    else:
        assert answer.status == reader.done, answer


@pytest.mark.parametrize("name", READERS)
def test_a_folder(name, tmp_path):
    READERS[name].run(tmp_path).check_error(BAD_INPUT)


@pytest.fixture(scope="module")
def long_files(tmp_path_factory):
    """Files of 100 MB: one word of hex digits, a text in an object, brackets, and white space."""
    folder = tmp_path_factory.mktemp("long")
    for name, opening, byte, end in (("word", b"0x", b"a", b""), ("text", b'{"x":"', b"a", b'"}'),
                                     ("brackets", b"", b"[", b""), ("space", b"", b" ", b"")):
        with (folder / name).open("wb") as file:
            file.write(opening)
            for _ in range(LONG // MEGABYTE + 1):
                file.write(byte * MEGABYTE)
            file.write(end)
    yield folder
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.parametrize("name, what", [(name, "text") for name in READERS] + [
    ("requests", "word"), ("requests", "brackets"), ("requests", "space"), ("calldata", "word"), ("arguments", "brackets"),
    ("sealed message", "brackets"), ("sealed message", "space")])
def test_a_hundred_megabytes(name, what, long_files):
    reader = READERS[name]
    reader.run(long_files / what).check_error(BAD_INPUT)
    assert (long_files / what).stat().st_size > LONG, "the file was changed"


@pytest.mark.parametrize("what", ["word", "text", "brackets"])
def test_a_log_of_a_hundred_megabytes(what, long_files):
    limited("proof-extract", stdin=long_files / what).check_error(NO)


# Encoded data


def word(number: int) -> str:
    return f"{number:064x}"


LENGTHS = [10**9, 2**32, 2**63 - 1, 2**63 - 32, 2**64, 2**256 - 1]


@pytest.mark.parametrize("types", ["bytes", "uint256[]", "()[]", "(uint8[2][2],bytes)[]"])
@pytest.mark.parametrize("number", LENGTHS, ids=hex)
def test_lengths_and_offsets_beyond_the_data(number, types):
    for data in (word(32) + word(number), word(number) + word(0), word(32) + word(number) + word(0) * 100):
        for options in ((), ("--lenient",)):
            answer = limited("abi-encode", "decode", "result", *options, f"f()({types})", "-",
                              stdin=f"0x{data}".encode())
            answer.check_error(NO)


@pytest.mark.parametrize("types", ["uint8[4294967295]", "uint8[4294967295][4294967295][4294967295]",
                                   "()[4294967295]", "(" * 17 + ")" * 17, "uint8" + "[1]" * 17, "uint8[4294967296]",
                                   "(" * 10_000, "bytes" + "[" * 10_000])
def test_types_beyond_memory(types):
    answer = limited("abi-encode", "decode", "result", f"f()({types})", "0x" + word(0))
    assert answer.status in (NO, BAD_INPUT)
    answer.check_error(answer.status)


# Keys


@pytest.mark.parametrize("content", [
    b"", b"\0" * 64, b"0x", b"07" * 31, b"07" * 33, b"\xff" * 64, 2 * codecs.BOM_UTF8 + b"07" * 32, b"07" * 32 + b"\n\n",
    b"07" * 10_000_000, b"00" * 32, b"ff" * 32,
], ids=["empty", "NULs", "0x", "31 bytes", "33 bytes", "no UTF-8", "byte order marks", "two line ends", "20 MB", "zero",
        "too large"])
def test_key_files(content, path):
    path.touch(0o600)
    path.write_bytes(content)
    limited("tx-send", "--sign-only", "--key", f"file:{path}", stdin=json.dumps(REQUEST).encode()) \
        .check_error(BAD_INPUT)


@pytest.mark.parametrize("parameters", [
    {"n": 1 << 62}, {"n": 1 << 30, "r": 8}, {"r": 1 << 62}, {"p": 1 << 62}, {"n": 0}, {"n": -2}, {"r": 0}, {"p": 0},
    {"dklen": 1 << 62}, {"dklen": 0}, {"n": 10**400}, {"n": 3}, {"n": 1 << 21, "r": 8},
], ids=str)
def test_keystores_that_cost_too_much(parameters, path):
    keystore = json.loads(json.dumps(KEYSTORES["published, scrypt"]["keystore"]))
    keystore["crypto"]["kdfparams"].update(parameters)
    path.touch(0o600)
    path.write_text(json.dumps(keystore))
    answer = limited("tx-send", "--sign-only", "--key", f"keystore:{path}", "--password-file", "/dev/null",
                      stdin=json.dumps(REQUEST).encode())
    answer.check_error(BAD_INPUT)


# Services


ANSWERS = {
    "nothing": b"", "NULs": b"\0" * 1000, "deep": b"[" * 100_000 + b"]" * 100_000,
    "open": b'{"x":' * 100_000, "no UTF-8": b'{"jsonrpc":"2.0","id":1,"result":"\xff"}',
    "a lone surrogate": rb'{"jsonrpc":"2.0","id":1,"result":"\ud800"}', "a byte order mark": b"\xef\xbb\xbf{}",
    "1e400": b'{"jsonrpc":"2.0","id":1e400,"result":1e400}', "a name twice": b'{"id":1,"id":1}', "an array": b"[]",
    "an object": b"{}", "a number": b"1" * 100_000, "17 MB": b'"' + b"a" * 17_000_000 + b'"', "HTML": b"<html>",
    "no errors": b'{"error":{}}', "an error of errors": b'{"error":{"code":{"code":1e400},"message":["\\u0000"]}}',
    "a key": json.dumps({"key": "ff" * 40, "signature_chain": ["", ""], "app_id": "00"}).encode(),
    "no key": json.dumps({"key": "00" * 32, "signature_chain": ["00" * 65] * 2, "app_id": "00" * 20}).encode(),
}
AGENT = "dstack:/bridge?purpose=ethereum"
ASKING = {
    "tx-send": ("tx-send", "--key", "env:KEY", "--retry-for", "0"),
    "tx-send --call": ("tx-send", "--call", "--retry-for", "0"),
    "tx-send --dry-run": ("tx-send", "--dry-run", "--key", "env:KEY", "--retry-for", "0"),
    "ecies-seal": ("ecies-seal", "--bridge", BRIDGE, "--to-member", PROOF["member_id"], "--retry-for", "0"),
    "ecies-seal --verify": ("ecies-seal", "--verify", "--bridge", BRIDGE, "--to-member", PROOF["member_id"],
                            "--retry-for", "0"),
    "inbox-watch": ("inbox-watch", "--once", "--bridge", BRIDGE, "--key", "env:KEY", "--retry-for", "0"),
    "inbox-watch --verify": ("inbox-watch", "--verify", "--once", "--bridge", BRIDGE, "--key", "env:KEY",
                             "--retry-for", "0"),
}
OPEN = json.dumps({"to": BRIDGE, "data": "0x01"}).encode()


@pytest.mark.parametrize("how", ANSWERS)
@pytest.mark.parametrize("name", ASKING)
def test_what_nodes_answer(name, how):
    with Server(lambda *_: (200, ANSWERS[how])) as node:
        answer = limited(*ASKING[name], "--timeout", "5", env={"ETH_RPC_URL": node.url}, stdin=OPEN)
    answer.check_error(UNREACHABLE)


@pytest.mark.parametrize("result", [
    "0x" + "f" * 16, "0x" + "f" * 64, "0x1" + "0" * 64, "0x" + word(32) + word(10**9), "0x" + word(2**256 - 1) * 3,
    "0x" + "ff" * 1_000_000, "0x", "", "\0", None, 10**400, [], {}, [[]] * 1000,
    {"baseFeePerGas": ["0x" + "f" * 64] * 9, "reward": [["0x" + "f" * 64]] * 9, "gasUsedRatio": [1e308] * 9},
    {"number": "0x" + "f" * 16, "timestamp": "0x" + "f" * 16, "hash": "0x" + "ff" * 32},
], ids=lambda result: json.dumps(result)[:24])
@pytest.mark.parametrize("name", ASKING)
def test_results_of_nodes(name, result):
    """Every call has the same result, whatever was asked."""

    def reply(method, path, body):
        calls = json.loads(body)
        answers = [{"jsonrpc": "2.0", "id": call["id"], "result": result}
                   for call in (calls if isinstance(calls, list) else [calls])]
        return 200, json.dumps(answers if isinstance(calls, list) else answers[0]).encode()

    with Server(reply) as node:
        answer = limited(*ASKING[name], "--timeout", "5", env={"ETH_RPC_URL": node.url}, stdin=OPEN)
    if name == "tx-send --call" and isinstance(result, str) and answer.status == DONE:
        assert answer.document["result"] == result
    elif answer.status == DONE:
        assert name == "inbox-watch" and answer.stdout == b"", answer
    else:
        # That a node contradicts itself is an answer; what it says of funds and code is about the input.
        assert answer.status in (NO, BAD_INPUT, UNREACHABLE), answer
        answer.check_error(answer.status)


@pytest.mark.parametrize("how", ANSWERS)
@pytest.mark.parametrize("command", [
    ("proof-fetch", "dstack:{}"), ("proof-fetch", "{}"),
    ("tx-send", "--sign-only", "--dstack", "{}", "--key", AGENT),
    ("ecies-seal", "--open", "--dstack", "{}", "--key", AGENT),
    ("inbox-watch", "--once", "--bridge", BRIDGE, *NODE, "--dstack", "{}"),
    ("bridge-agent", "--listen", "127.0.0.1:0", "--timeout", "0.5", "--dstack", "{}"),
], ids=lambda command: " ".join(command[:2]))
def test_what_agents_and_sites_answer(command, how):
    with Server(lambda *_: (200, ANSWERS[how])) as agent:
        program, *args = (each.format(agent.url) for each in command)
        answer = limited(program, *args, stdin=json.dumps(REQUEST).encode())
    # A proof that does not hold is an answer, wherever it comes from.
    statuses = (NO, UNREACHABLE) if program in ("proof-fetch", "bridge-agent") else (UNREACHABLE,)
    assert answer.status in statuses, answer
    if program != "bridge-agent":
        answer.check_error(answer.status)
    assert answer.stdout == b""
