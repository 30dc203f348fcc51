"""A document that was given to the wrong program or option: its error says what it is, where it stands, and what to type."""

import json
from pathlib import Path

import pytest
from eth_account import Account

from harness import BAD_INPUT, ROOT, json_lines, run
from inboxes import KEY, PUBLIC, fill, settings
from proofs import PROOFS
from sending import TO

A = PROOFS[0]
BRIDGE = "0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72"
HASH = "0x" + "ab" * 32

# Each kind of document: what it is called, and what its hints advise for a file. Standard input stands there as …
KINDS = {
    "proof": ("a proof", ["to register it: abi-encode register FILE | tx-send"]),
    "sealed": ("a sealed message", ["to post it: abi-encode onboard FILE | tx-send", "to open it: ecies-seal --open FILE"]),
    "request": ("a transaction request", ["to send it: tx-send FILE"]),
    "record": ("a record of tx-send", ["to wait for a pending one: tx-send --wait FILE"]),
    "journal": ("a journal of tx-send", ["to resume its run: tx-send --journal PATH REQUESTS"]),
    "message": ("an opened message", ["to pass each to a program: inbox-watch --exec PROGRAM"]),
    "state": ("the state of inbox-watch", ["to go on from it: inbox-watch --state PATH"]),
    "keystore": ("a keystore", ["to use its key: --key keystore:PATH"]),
    "artefact": ("an artefact", ["to deploy it: abi-encode deploy FILE | tx-send"]),
    "answer": ("a node's answer", ["to decode it: abi-encode decode result FUNCTION FILE"]),
    "receipt": ("a receipt", ["to decode its logs: abi-encode decode log FILE"]),
    "info": ("a CVM's description", ["to get its proof: proof-fetch URL"]),
    "log": ("a log with a proof", ["to register it: proof-extract FILE | abi-encode register | tx-send"]),
    "hex": ("hex", ["to open it, if it is sealed: ecies-seal --open FILE"]),
    "bytes": ("bytes", ["to open them, if they are sealed: ecies-seal --open FILE"]),
    "key": ("32 bytes of hex", ["if they are a key: --key file:PATH"]),
    "pem": ("a certificate or key in PEM", []),
    "page": ("a web page", []),
}

# What reads documents: what it awaits, and the kinds that it takes, or refuses for another reason.
READERS = {
    ("abi-encode", "register", "--bridge", BRIDGE): ("proofs", {"proof"}),
    ("abi-encode", "onboard", "--bridge", BRIDGE): ("sealed messages", {"sealed"}),
    ("tx-send", "--call"): ("transaction requests", {"request"}),
    ("tx-send", "--dry-run"): ("transaction requests", {"request"}),
    ("tx-send",): ("transaction requests", {"request"}),
    ("tx-send", "--wait"): ("records of tx-send", {"record"}),
    ("ecies-seal", "--open"): ("a sealed message", {"sealed", "hex", "bytes", "key"}),
}


@pytest.fixture(scope="module")
def documents(shared_chain, tmp_path_factory):
    """Each kind of document, as the programs print it."""
    directory = tmp_path_factory.mktemp("documents")
    chain = shared_chain
    snapshot = chain.rpc("evm_snapshot")
    try:
        fill(chain, "a secret")
        state, journal, owner = directory / "state", directory / "journal", directory / "owner.key"
        owner.write_text(chain.owner.key.hex())
        owner.chmod(0o600)
        message = run("inbox-watch", "--once", "--state", state, env=settings(chain)).check_done().stdout
        request = run("abi-encode", "add-kms-root", "phala-base", env=chain.env).check_done().stdout
        record = run("tx-send", "--key", f"file:{owner}", "--journal", journal, stdin=request.decode(), env=chain.env)
        sent = record.check_sent().document["transactionHash"]
        receipt = chain.rpc("eth_getTransactionReceipt", sent)
        sealed = run("ecies-seal", "--from-member", A["member_id"], "--to-pubkey", PUBLIC, stdin=b"text").check_done()
        yield {
            "proof": json_lines(A).encode(), "sealed": sealed.stdout, "request": request, "record": record.stdout,
            "journal": journal.read_bytes(), "message": message, "state": state.read_bytes(),
            "keystore": json.dumps(Account.encrypt(KEY, "x", kdf="pbkdf2", iterations=2)).encode(),
            "artefact": (ROOT / "contracts" / "TEEBridge.json").read_bytes(),
            "answer": json_lines({"jsonrpc": "2.0", "id": 1, "result": "0x"}).encode(),
            "receipt": json_lines(receipt).encode(),
            "info": json_lines({"app_id": A["app_id"], "member_id": A["member_id"], "derived_pubkey": PUBLIC}).encode(),
            "log": b"booting\nPROOF_JSON=" + json.dumps(A).encode() + b"\n",
            "hex": b"0x" + b"ab" * 100 + b"\n", "bytes": b"\x04" + bytes(range(200)), "key": KEY.encode() + b"\n",
            "pem": b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
            "page": b"<!DOCTYPE html><title>502 Bad Gateway</title>\n",
        }
    finally:
        chain.rpc("evm_revert", snapshot)


@pytest.fixture
def env(key_file):
    """Settings with which nothing but the document is wrong; no node is there."""
    return {"ETH_RPC_URL": "http://127.0.0.1:9", "TEEBRIDGE_KEY": f"file:{key_file(KEY)}"}


def hints(kind: str, file: Path | None) -> list[str]:
    if file:
        return [hint.replace("FILE", str(file)).replace("PATH", str(file)) for hint in KINDS[kind][1]]
    purposes = [hint.split(": ", 1) for hint in KINDS[kind][1]]
    return [f"{purpose}: " + ("… | " if " FILE" in command else "") + command.replace(" FILE", "")
            for purpose, command in purposes]


@pytest.mark.parametrize("reader", READERS, ids=" ".join)
@pytest.mark.parametrize("kind", KINDS)
def test_what_it_is(documents, env, tmp_path, reader, kind):
    awaited, taken = READERS[reader]
    if kind in taken:
        return
    program, *words = reader
    file = tmp_path / "given.json"
    file.write_bytes(documents[kind])
    for source, place in ((file, f'"{file}"'), (None, "standard input")):
        answer = run(program, *words, *([source] if source else []), env=env, stdin=documents[kind])
        assert answer.messages("error") == [f"{place} holds {KINDS[kind][0]} instead of {awaited}"], answer
        assert answer.messages("hint") == hints(kind, source)
        assert (answer.status, answer.stdout) == (BAD_INPUT, b"") and KEY not in answer.stderr


def test_the_line_of_one_among_others(documents, env, tmp_path):
    file = tmp_path / "it's one.jsonl"
    message = {"from_member": A["member_id"], "to_member": A["member_id"], "payload": "0x02"}
    file.write_bytes(json_lines(message).encode() + documents["request"])
    answer = run("abi-encode", "onboard", "--bridge", BRIDGE, file, env=env)
    answer.check_error(BAD_INPUT, f'line 2 of "{file}" holds a transaction request instead of sealed messages')
    quoted = str(file).replace("'", "'\\''")
    assert answer.messages("hint") == [f"to send it: tx-send '{quoted}'"]


@pytest.mark.parametrize("kind", ["key", "proof", "request", "sealed"])
def test_recipients(documents, tmp_path, kind):
    file = tmp_path / "recipients"
    file.write_bytes(documents[kind])
    answer = run("ecies-seal", "--recipients", file, stdin=b"text")
    if kind == "proof":  # Which names a recipient, whose key the bridge would know.
        answer.check_error(BAD_INPUT, "the bridge address is not set")
        return
    answer.check_error(BAD_INPUT, f'"{file}" holds {KINDS[kind][0]} instead of recipients')
    assert answer.messages("hint") == hints(kind, file)


@pytest.mark.parametrize("decode, kind", [
    ("calldata", "proof"), ("calldata", "sealed"), ("log", "request"), ("error", "sealed"), ("result", "request")])
def test_what_is_decoded(documents, tmp_path, decode, kind):
    file = tmp_path / "given"
    file.write_bytes(documents[kind])
    words = ["isMember", file] if decode == "result" else [file]
    answer = run("abi-encode", "decode", decode, *words)
    answer.check_error(BAD_INPUT, f'"{file}" holds {KINDS[kind][0]} instead of ')
    assert answer.messages("hint") == hints(kind, file)


@pytest.mark.parametrize("option, awaited, kinds", [
    (["abi-encode", "deploy", "FILE"], "an artefact", ["proof", "request"]),
    (["abi-encode", "call", "--to", BRIDGE, "--abi", "FILE", "f"], "an interface", ["proof", "keystore"]),
    (["tx-send", "--journal", "FILE"], "a journal of tx-send", ["request", "keystore", "record"]),
    (["inbox-watch", "--once", "--bridge", BRIDGE, "--state", "FILE"], "the state of inbox-watch", ["keystore", "proof"]),
    (["tx-send", "--key", "keystore:FILE"], "a keystore", ["proof", "pem"]),
    (["tx-send", "--key", "file:FILE"], "a key's hex digits", ["keystore"]),
], ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "")
def test_files_that_options_name(documents, env, tmp_path, option, awaited, kinds):
    for kind in kinds:
        file = tmp_path / kind
        file.write_bytes(documents[kind])
        file.chmod(0o600)
        answer = run(*(word.replace("FILE", str(file)) for word in option), env=env, stdin=json.dumps({"to": TO}))
        answer.check_error(BAD_INPUT, f'"{file}" holds {KINDS[kind][0]} instead of {awaited}')
        assert file.read_bytes() == documents[kind]
        if option[-1] == "file:FILE":
            assert answer.messages("hint") == [f"name it as one: keystore:{file}"]
        else:
            assert answer.messages("hint") == hints(kind, file)


def test_a_key_file_as_a_keystore(env, key_file):
    for text in (KEY, f"0x{KEY}\n"):
        file = key_file(text)
        for setting in ({"TEEBRIDGE_KEY": f"keystore:{file}"}, {"TEEBRIDGE_KEY": "", "ETH_KEYSTORE": str(file)}):
            answer = run("tx-send", env=env | setting, stdin={"to": TO, "value": "0x1"})
            answer.check_error(BAD_INPUT, f'"{file}" holds a key\'s hex digits instead of a keystore')
            assert answer.messages("hint") == [f"name it as one: file:{file}"] and KEY not in answer.stderr


@pytest.mark.parametrize("form", ["json", "hex", "array", "long"])
def test_several_sealed_messages(env, tmp_path, form):
    """The line that the hint gives opens each."""
    words = ["--output", "hex"] if form == "hex" else []
    texts = [("x" * 10_000 if form == "long" else "") + text for text in ("first", "second", "third")]
    lines = [run("ecies-seal", "--to-pubkey", PUBLIC, *words, stdin=text).check_done().stdout.decode() for text in texts]
    file = tmp_path / "sealed"
    file.write_text("[" + ",".join(lines) + "]" if form == "array" else "".join(lines))
    for source, place in ((file, f'"{file}"'), (None, "standard input")):
        answer = run("ecies-seal", "--open", *([source] if source else []), env=env, stdin=file.read_bytes())
        answer.check_error(BAD_INPUT, f"{place} holds 3 sealed messages, and --open opens one")
        piped, behind = ("", f" < {file}") if source else ("… | ", "")
        assert answer.messages("hint") == [
            f'to open each: {piped}while read -r line; do echo "$line" | ecies-seal --open --key SOURCE; done{behind}']
