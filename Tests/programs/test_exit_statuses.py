"""The table of exit statuses in teebridge(7): each program ends so in each situation that the table has for it."""

import fcntl
import json
import re
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import BIN, DONE, PROGRAMS, ROOT, Result, finish, run, running
from inboxes import KEY, PUBLIC, fill, settings
from manual import PAGES
from proofs import PROOFS, changed
from sending import TO, transfers
from services import Agent, Chain, Server, relay, running_agent

A, B = PROOFS
ADDRESS = "0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72"
STRANGER = "0x" + "57" * 32
DEAD = "http://127.0.0.1:9"
RETRIED = ("--retry-for", "0")


def rows() -> list[tuple[int, str, str]]:
    found = []
    for line in PAGES["teebridge(7)"].section("Situations").lines:
        if row := re.fullmatch(r"\.It (\d) Ta (.+) Ta (.+)", line):
            programs = PROGRAMS if row[3] == "every program" else row[3].split(", ")
            found += [(int(row[1]), row[2], program) for program in programs]
    return found


@dataclass
class Place:
    """What the cases use; what they begin ends with the test."""

    chain: Chain
    agent: Agent
    directory: Path
    owner: str
    stack: ExitStack

    @property
    def reader(self) -> str:
        """The key source of the first member."""
        return f"file:{self.file('reader.key', KEY)}"

    def file(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def run(self, program: str, *words, stdin=b"", env=None, key: str | None = None, **options) -> Result:
        """With the chain and its bridge, and whose key fits the program."""
        fits = key or (self.owner if program == "tx-send" else self.reader)
        return run(program, *words, stdin=stdin, env=self.chain.env | {"TEEBRIDGE_KEY": fits} | (env or {}), **options)

    def into_full(self, program: str, *words, stdin: bytes = b"") -> Result:
        """With a standard output that takes nothing."""
        source = self.directory / "input"
        source.write_bytes(stdin)
        key = self.owner if program == "tx-send" else self.reader
        with source.open() as text, open("/dev/full", "w") as full, running(
                program, *words, stdin=text, stdout=full, env=self.chain.env | {"TEEBRIDGE_KEY": key}) as process:
            return finish(program, process)

    def locked(self, name: str) -> Path:
        """A file that another program has."""
        path = self.directory / name
        fcntl.flock(self.stack.enter_context(path.open("w")), fcntl.LOCK_EX)
        return path

    def silent(self) -> str:
        """The URL of a server that takes connections and says nothing."""
        listener = self.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    def server(self, status: int, body: bytes) -> str:
        return self.stack.enter_context(Server(lambda *_: (status, body))).url

    def node(self, method: str, answer: dict) -> str:
        """A node that answers one method so, in each of its forms, and the others as the chain does."""
        return self.stack.enter_context(relay(self.chain.url, lambda call, own: {
            "jsonrpc": "2.0", "id": call["id"]} | answer if call["method"].startswith(method) else own)).url

    def liar(self) -> list[str]:
        """The options of two nodes, of which one proves another storage than the block's."""
        def lie(call, own):
            if call["method"] == "eth_getProof":
                for each in own["result"]["storageProof"]:
                    each["value"] = "0x123456"
            return own

        return ["--verify", "--rpc-url", self.stack.enter_context(relay(self.chain.url, lie)).url,
                "--rpc-url", self.chain.url]

    def sealed(self, *words: str, key: str = PUBLIC) -> bytes:
        return self.run("ecies-seal", "--to-pubkey", key, *words, stdin=b"a secret").check_done().stdout

    def request(self, **members) -> dict:
        return {"to": TO, "value": "0x1"} | members


CASES: dict[tuple[str, str], Callable[[Place], Result]] = {}


def case(situation: str, *programs: str):
    """Notes what brings programs into a situation: a function of the place, and of the program if there are several."""

    def note(function):
        for program in programs:
            assert (situation, program) not in CASES
            CASES[situation, program] = function if len(programs) == 1 else lambda at, name=program: function(at, name)
        return function

    return note


def log(proof: dict) -> bytes:
    return b"PROOF_JSON=" + json.dumps(proof).encode() + b"\n"


WORDS = {  # What a program does for anybody, with its input.
    "proof-extract": ([], log(A)), "abi-encode": (["add-kms-root", "phala-base"], b""),
    "ecies-seal": (["--to-pubkey", PUBLIC], b"text"), "inbox-watch": (["--once"], b""),
}


@case("everything was done", "proof-extract", "abi-encode", "ecies-seal", "inbox-watch")
def _(at, program):
    words, stdin = WORDS[program]
    return at.run(program, *words, stdin=stdin)


@case("everything was done", "proof-fetch")
def _(at):
    return run("proof-fetch", at.agent.url)


@case("everything was done", "tx-send")
def _(at):
    return at.run("tx-send", stdin=at.request())


@case("everything was done", "teebridge")
def _(at):
    return run("teebridge")


@case("everything was done", "teebridge-doctor")
def _(at):
    return at.run("teebridge-doctor")


@case("the precondition of a request holds already", "tx-send")
def _(at):
    answer = at.run("tx-send", stdin=at.run("abi-encode", "add-kms-root", A["kms_root"]).stdout.decode())
    assert answer.document["status"] == "skipped"
    return answer


@case("another run has the state, with --once", "inbox-watch")
def _(at):
    at.locked("state.lock")
    return at.run("inbox-watch", "--once", "--state", at.directory / "state")


@case("a signal asked it to end", "bridge-agent")
def _(at):
    with running("bridge-agent", "--listen", "127.0.0.1:0", env=at.agent.env) as process:
        assert process.stdout.readline().startswith(b"PROOF_JSON=")
        process.send_signal(signal.SIGTERM)
        return finish("bridge-agent", process)


@case("a proof is invalid", "proof-fetch", "proof-extract", "abi-encode")
def _(at, program):
    proof = changed(A, "dstack_proof.purpose", "tls")
    if program == "proof-fetch":
        return run(program, at.server(200, json.dumps(proof).encode()))
    return at.run(program, *(["register"] if program == "abi-encode" else []),
                  stdin=proof if program == "abi-encode" else log(proof))


@case("the log holds no proof", "proof-extract")
def _(at):
    return run("proof-extract", stdin=b"booting\n")


@case("the guest agent's key comes from no KMS", "proof-fetch", "bridge-agent")
def _(at, program):
    agent = at.stack.enter_context(running_agent(at.directory / "agent", "--no-kms"))
    words = [f"dstack:{agent.socket}"] if program == "proof-fetch" else ["--listen", "127.0.0.1:0"]
    return run(program, *words, env=agent.env)


@case("the KMS root or the app is not trusted", "abi-encode")
def _(at):
    return at.run("abi-encode", "register", "--kms-root", "phala-base", stdin=A)


@case("the data does not decode", "abi-encode")
def _(at):
    return run("abi-encode", "decode", "calldata", "f(uint256)", "0x12345678")


@case("the recipient is not a member", "ecies-seal")
def _(at):
    return at.run("ecies-seal", "--to-member", STRANGER, stdin=b"text")


@case("the message does not open", "ecies-seal")
def _(at):
    return at.run("ecies-seal", "--open", stdin=at.sealed(key=B["dstack_proof"]["derived_compressed_pubkey"]))


@case("the signature of the message is refused", "ecies-seal")
def _(at):
    signed = at.sealed("--sign-with", at.reader)
    return at.run("ecies-seal", "--open", "--bridge", ADDRESS, stdin=signed)


@case("the transaction reverted, or would revert", "tx-send")
def _(at):
    return at.run("tx-send", stdin={"to": at.chain.reverting(b""), "data": "0x01"})


@case("another transaction took the nonce", "tx-send")
def _(at):
    return at.run("tx-send", "--wait", stdin={"status": "replaced", "transactionHash": "0x" + "12" * 32})


@case("the sender cannot pay", "tx-send")
def _(at):
    return at.run("tx-send", stdin=at.request(), key=f"file:{at.file('poor.key', '7e' * 32)}")


@case("gas costs more than --max-fee", "tx-send")
def _(at):
    return at.run("tx-send", "--max-fee", "1wei", stdin=at.request())


@case("a request takes too much gas", "tx-send")
def _(at):
    return at.run("tx-send", stdin=at.request(gas=hex(10**9)))


@case("the answer to a check is no", "teebridge-doctor")
def _(at):
    return at.run("teebridge-doctor", "--kms-root", ADDRESS)


@case("a handler did not accept a message in time, with --once", "inbox-watch")
def _(at):
    fill(at.chain, "a secret")
    return at.run("inbox-watch", "--once", "--timeout", "0.3", "--exec", "false")


@case("a node was caught, with --verify", "ecies-seal", "inbox-watch", "bridge-agent")
def _(at, program):
    words = {"ecies-seal": ["--to-member", A["member_id"]], "inbox-watch": ["--once"],
             "bridge-agent": ["--listen", "127.0.0.1:0", "--dstack", at.agent.socket]}[program]
    return at.run(program, *words, *at.liar(), stdin=b"text")


@case("an option is unknown, or its value invalid", *PROGRAMS)
def _(at, program):
    return run(program, "--nonsense")


@case("options exclude each other",
      "proof-extract", "abi-encode", "ecies-seal", "tx-send", "inbox-watch", "bridge-agent")
def _(at, program):
    blocks = ["--block", "latest", "--confirmations", "2"]
    words = {"proof-extract": ["--all", "--first"], "inbox-watch": blocks, "bridge-agent": blocks,
             "abi-encode": ["call", "--to", ADDRESS, "f(uint8 a)", "--arg", "a=1", "1"],
             "ecies-seal": ["--open", "--to-pubkey", PUBLIC], "tx-send": ["--call", "--dry-run"]}[program]
    answer = at.run(program, *words)
    assert "exclude each other: give one of them" in answer.stderr
    return answer


@case("there is no such program", "teebridge")
def _(at):
    return run("teebridge", "nonsense")


@case("a setting is missing", "teebridge-doctor")
def _(at):
    return run("teebridge-doctor")


@case("a setting is missing", "abi-encode", "ecies-seal", "tx-send", "inbox-watch", "bridge-agent")
def _(at, program):
    words = {"abi-encode": ["add-kms-root", "phala-base"], "ecies-seal": ["--to-member", A["member_id"]],
             "tx-send": ["--call"], "inbox-watch": ["--once"], "bridge-agent": ["--bridge", ADDRESS]}[program]
    return run(program, *words, stdin=b"{}")


@case("the secret is empty", "ecies-seal")
def _(at):
    return at.run("ecies-seal", "--to-pubkey", PUBLIC)


@case("the message is longer than the bridge takes", "abi-encode", "ecies-seal")
def _(at, program):
    if program == "ecies-seal":
        return at.run(program, "--to-member", A["member_id"], stdin=bytes(1 << 20))
    ids = {"from_member": A["member_id"], "to_member": B["member_id"]}
    return at.run(program, "onboard", stdin=ids | {"payload": "0x" + "00" * (1 << 20)})


READERS = {  # What reads documents on standard input, and asks nobody before.
    "proof-extract": [], "abi-encode": ["register"], "ecies-seal": ["--open"], "tx-send": ["--call"]}


@case("nothing came in", *READERS)
def _(at, program):
    answer = at.run(program, *READERS[program])
    assert answer.stderr == f"{program}: error: nothing came in\n"
    return answer


@case("the input is malformed", "abi-encode", "ecies-seal", "tx-send")
def _(at, program):
    return at.run(program, *READERS[program], stdin=b'{"a":')


@case("the input is a document of another kind", "abi-encode", "ecies-seal", "tx-send")
def _(at, program):
    return at.run(program, *READERS[program], stdin=at.request(data="0x") if program != "tx-send" else A)


@case("a file cannot be read", *READERS)
def _(at, program):
    return at.run(program, *READERS[program], at.directory / "absent")


@case("the key cannot be read", "ecies-seal", "tx-send", "inbox-watch")
def _(at, program):
    words = {"ecies-seal": ["--open"], "tx-send": [], "inbox-watch": ["--once"]}[program]
    return at.run(program, *words, key=f"file:{at.directory / 'absent'}")


MEMBERS = {  # What asks a node about the bridge, or for a transaction.
    "ecies-seal": ["--to-member", A["member_id"]], "tx-send": [], "inbox-watch": ["--once"]}


def input_of(program: str):
    return {"to": ADDRESS, "data": "0x8da5cb5b"} if program == "tx-send" else b"text"


@case("the node is on another chain", *MEMBERS)
def _(at, program):
    return at.run(program, *MEMBERS[program], "--chain", "1", stdin=input_of(program))


@case("there is no contract at the address", *MEMBERS)
def _(at, program):
    return at.run(program, *MEMBERS[program], stdin=input_of(program), env={"BRIDGE_CONTRACT": ADDRESS})


@case("the journal or the state is another's", "tx-send")
def _(at):
    journal = at.directory / "journal"
    at.run("tx-send", "--journal", journal, stdin=at.request()).check_sent()
    other = f"file:{at.file('other.key', at.chain.stranger.key.hex())}"
    return at.run("tx-send", "--journal", journal, stdin=at.request(value="0x2"), key=other)


@case("the journal or the state is another's", "inbox-watch")
def _(at):
    state = at.directory / "state"
    fill(at.chain, "a secret")
    at.run("inbox-watch", "--once", "--state", state).check_done()
    state.write_text(json.dumps(json.loads(state.read_text()) | {"member_id": STRANGER}))
    return at.run("inbox-watch", "--once", "--state", state)


@case("the handler cannot be run", "inbox-watch")
def _(at):
    return at.run("inbox-watch", "--once", "--exec", at.directory / "absent")


@case("the address cannot be listened on", "bridge-agent")
def _(at):
    return run("bridge-agent", "--listen", at.silent().removeprefix("http://"), env=at.agent.env)


@case("the output cannot be written", "proof-extract", "abi-encode", "ecies-seal", "inbox-watch")
def _(at, program):
    fill(at.chain, "a secret")
    words, stdin = WORDS[program]
    return at.into_full(program, *words, stdin=stdin)


@case("the output cannot be written", "teebridge", "teebridge-doctor")
def _(at, program):
    return at.into_full(program)


@case("the output cannot be written", "proof-fetch")
def _(at):
    return at.into_full("proof-fetch", at.agent.url)


SERVED = {  # What asks a service, behind which its URL goes.
    "proof-fetch": [], "ecies-seal": [*MEMBERS["ecies-seal"], *RETRIED, "--rpc-url"],
    "tx-send": [*RETRIED, "--rpc-url"], "inbox-watch": ["--once", *RETRIED, "--rpc-url"],
    "bridge-agent": ["--listen", "127.0.0.1:0", "--dstack"], "teebridge-doctor": [*RETRIED, "--rpc-url"]}


@case("a service refuses connections", *SERVED)
def _(at, program):
    timeout = ["--timeout", "0.5"] if program == "bridge-agent" else []
    return at.run(program, *timeout, *SERVED[program], DEAD, stdin=input_of(program))


@case("a service does not answer in time", *SERVED)
def _(at, program):
    return at.run(program, "--timeout", "0.5", *SERVED[program], at.silent(), stdin=input_of(program))


@case("a service answers nonsense", "proof-fetch", "ecies-seal", "tx-send", "inbox-watch")
def _(at, program):
    return at.run(program, *SERVED[program], at.server(200, b"<html></html>"), stdin=input_of(program))


@case("the node rejected the transaction", "tx-send")
def _(at):
    node = at.node("eth_sendRawTransaction", {"error": {"code": -32000, "message": "exceeds block gas limit"}})
    return at.run("tx-send", "--rpc-url", node, stdin=at.request())


@case("another run has the journal", "tx-send")
def _(at):
    return at.run("tx-send", "--journal", at.locked("journal"), stdin=at.request())


@case("no proof came in time, with --follow", "proof-extract")
def _(at):
    return run("proof-extract", "--follow", "--timeout", "0.3", at.file("log", "booting\n"))


@case("the transaction is in no block in time", "tx-send")
def _(at):
    at.chain.rpc("dev_setAutomine", False)
    return at.run("tx-send", "--timeout", "1", stdin=at.request())


@case("a request failed after others were sent", "tx-send")
def _(at):
    return at.run("tx-send", stdin=[at.request(), at.request(value=hex(10**40))])


@case("the record of what was sent cannot be written", "tx-send")
def _(at):
    return at.into_full("tx-send", stdin=json.dumps(at.request()).encode())


@pytest.fixture
def place(chain, agents, tmp_path, owner_key):
    with ExitStack() as stack:
        yield Place(chain, agents[0], tmp_path, owner_key, stack)


@pytest.mark.parametrize("status, situation, program", rows(), ids=str)
def test_each_row(place, status, situation, program):
    assert (situation, program) in CASES, "no case brings the program into the situation"
    answer = CASES[situation, program](place)
    assert answer.status == status, answer
    # Its report is its output.
    is_report = program == "teebridge-doctor" and status != 2
    assert len(answer.messages("error")) == (0 if status == DONE or is_report else 1), answer


def test_each_case_has_a_row():
    assert set(CASES) == {(situation, program) for _, situation, program in rows()}


def test_each_program_has_its_statuses_in_its_own_page():
    for program in PROGRAMS:
        own = {int(head.split()[1]) for head, _ in PAGES[program].section("EXIT STATUS").items}
        assert own == {status for status, _, name in rows() if name == program}, program


def test_the_readme_says_the_same():
    page = [f"| {head.split()[1]} | {text.strip().removesuffix('.')} |"
            for head, text in PAGES["teebridge(7)"].section("EXIT STATUS").items]
    readme = re.findall(r"^\| \d \| .*\|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert [line.lower() for line in page] == [line.lower() for line in readme] and len(page) == 5
