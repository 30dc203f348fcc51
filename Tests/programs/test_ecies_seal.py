"""ecies-seal beside eciespy, in both directions and in all of its settings."""

import codecs
import itertools
import json
import os
import resource
import subprocess
import textwrap
from itertools import product

import ecies
import pytest
from ecies.config import Config
from eth_keys import keys
from eth_utils import keccak

from harness import (
    BAD_INPUT, BROKEN_PIPE, DONE, ENVIRONMENT, NO, UNREACHABLE, cost, hexed, measured, plain_memory, program_path, run,
    running, unhex,
)
from proofs import PROOFS, VECTORS
from services import CHAIN_ID, relay
from test_progress import watched

pytestmark = pytest.mark.thread

MEMBER = PROOFS[0]
A, B = (proof["member_id"] for proof in PROOFS)
KEY = VECTORS["keys"]["derived"]  # of the first proof
PUBLIC = keys.PrivateKey(bytes.fromhex(KEY)).public_key
COMPRESSED = PUBLIC.to_compressed_bytes()
OTHER_KEY = "22" * 32
KEY_SETTING = {"PRIVATE_KEY": KEY}

# Options of ecies-seal, and the same as eciespy's configuration.
SETTINGS = [
    (["--ephemeral-compressed"] * ephemeral + ["--hkdf-compressed"] * hkdf + ["--nonce-length", str(nonce)],
     Config(is_ephemeral_key_compressed=ephemeral, is_hkdf_key_compressed=hkdf, symmetric_nonce_length=nonce))
    for ephemeral, hkdf, nonce in product((False, True), (False, True), (12, 16))
]
OVERHEAD = 97
# The most bytes of a sealed message that the contract takes.
LARGEST = 24576
TEXTS = [b"", b"\0", b"a secret", "geheim 🤐\n".encode(), bytes(range(256)), os.urandom(2**20)]


def seal(plaintext: bytes, *options, to: str = COMPRESSED.hex()) -> bytes:
    """What ecies-seal makes of a plaintext for the member's key."""
    empty = [] if plaintext else ["--allow-empty"]
    return run("ecies-seal", "--to-pubkey", to, "--output", "raw", *empty, *options, stdin=plaintext).check_done().stdout


def open_(payload: bytes, *options, env=KEY_SETTING):
    return run("ecies-seal", "--open", *options, stdin=payload, env=env)


def sealed_by_eciespy(plaintext: bytes, config: Config | None = None) -> bytes:
    return ecies.encrypt(COMPRESSED.hex(), plaintext, *([config] if config else []))


# Both ways


@pytest.mark.parametrize("plaintext", TEXTS, ids=len)
def test_eciespy_opens_what_is_sealed(plaintext):
    payload = seal(plaintext)
    assert len(payload) == len(plaintext) + OVERHEAD and payload[0] == 4
    assert ecies.decrypt(KEY, payload) == plaintext


@pytest.mark.parametrize("plaintext", TEXTS, ids=len)
def test_what_eciespy_seals_is_opened(plaintext):
    assert open_(sealed_by_eciespy(plaintext)).check_done().stdout == plaintext


@pytest.mark.parametrize("options, config", SETTINGS, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_every_setting_of_eciespy(options, config):
    for plaintext in (b"", b"a secret", os.urandom(5000)):
        assert ecies.decrypt(KEY, seal(plaintext, *options), config) == plaintext
        assert open_(sealed_by_eciespy(plaintext, config), *options).check_done().stdout == plaintext


@pytest.mark.parametrize("options, config", SETTINGS, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_other_settings_do_not_open(options, config):
    payload = sealed_by_eciespy(b"a secret", config)
    for others, _ in SETTINGS:
        # The ephemeral key tells by its first byte how long it is; all else leaves no trace in the message.
        same = [word for word in others if word != "--ephemeral-compressed"]
        if same != [word for word in options if word != "--ephemeral-compressed"]:
            open_(payload, *others).check_error(NO)


def test_the_default_is_eciespys_default():
    options, config = SETTINGS[1]
    assert options == ["--nonce-length", "16"]
    assert ecies.decrypt(KEY, seal(b"x", *options)) == b"x" == ecies.decrypt(KEY, seal(b"x"), config)


def test_no_two_seals_are_the_same():
    payloads = {seal(b"a secret") for _ in range(20)}
    assert len({payload[:65] for payload in payloads}) == len({payload[65:81] for payload in payloads}) == 20


# Keys


@pytest.mark.parametrize("text", [
    COMPRESSED.hex(), hexed(COMPRESSED), COMPRESSED.hex().upper(), PUBLIC.to_bytes().hex(), "04" + PUBLIC.to_bytes().hex(),
])
def test_public_keys(text):
    assert ecies.decrypt(KEY, seal(b"x", to=text)) == b"x"


@pytest.mark.parametrize("text", [
    "", "0x", COMPRESSED.hex()[:-2], COMPRESSED.hex() + "00", "05" + COMPRESSED.hex()[2:], "02" + "ff" * 32,
    "04" + PUBLIC.to_bytes().hex()[:-2] + "00", "00" * 64, "zz" * 33, "06" + PUBLIC.to_bytes().hex(),
])
def test_public_keys_that_are_none(text):
    run("ecies-seal", f"--to-pubkey={text}", stdin=b"x").check_error(BAD_INPUT)


# Output and input


def test_json_is_the_default():
    answer = run("ecies-seal", "--from-member", A, "--to-pubkey", COMPRESSED.hex(), stdin=b"a secret").check_done()
    assert answer.stdout.count(b"\n") == 1
    assert list(answer.document) == ["from_member", "payload"] and answer.document["from_member"] == A
    assert ecies.decrypt(KEY, unhex(answer.document["payload"])) == b"a secret"
    bare = run("ecies-seal", "--to-pubkey", COMPRESSED.hex(), "--output", "json", stdin=b"a secret").check_done()
    assert list(bare.document) == ["payload"]


def test_hex_output():
    text = run("ecies-seal", "--to-pubkey", COMPRESSED.hex(), "--output", "hex", stdin=b"a secret").check_done().stdout
    assert text.endswith(b"\n") and ecies.decrypt(KEY, unhex(text.decode().strip())) == b"a secret"


@pytest.mark.parametrize("form", [
    lambda payload: payload, lambda payload: payload.hex(), lambda payload: hexed(payload),
    lambda payload: hexed(payload) + "\n", lambda payload: payload.hex().upper() + "\r\n",
    # As fold, xxd -p and editors wrap it, at odd places too.
    lambda payload: "\n".join(textwrap.wrap(payload.hex(), 64)), lambda payload: "\r\n".join(textwrap.wrap(hexed(payload), 75)),
    lambda payload: "\n".join(payload.hex()) + " \n\n", lambda payload: "\n0x\n" + payload.hex() + "\n",
    # As editors of other systems write it.
    lambda payload: codecs.BOM_UTF8 + hexed(payload).encode(), lambda payload: codecs.BOM_UTF8 + payload.hex().encode(),
    lambda payload: codecs.BOM_UTF8 + json.dumps({"payload": hexed(payload)}).encode(),
    lambda payload: json.dumps({"payload": hexed(payload)}),
    lambda payload: json.dumps({"from_member": A, "to_member": B, "payload": hexed(payload), "note": 1}, indent=2) + "\n",
])
def test_forms_that_open(form):
    for config in (Config(), Config(is_ephemeral_key_compressed=True)):
        options = ["--ephemeral-compressed"] * config.is_ephemeral_key_compressed
        assert open_(form(sealed_by_eciespy(b"a secret", config)), *options).check_done().stdout == b"a secret"


def test_files(tmp_path):
    plain = tmp_path / "plain"
    plain.write_bytes(b"a secret")
    sealed = tmp_path / "sealed"
    sealed.write_bytes(
        run("ecies-seal", "--to-pubkey", COMPRESSED.hex(), "--output", "raw", plain).check_done().stdout)
    assert run("ecies-seal", "--open", sealed, env=KEY_SETTING).check_done().stdout == b"a secret"
    run("ecies-seal", "--to-pubkey", COMPRESSED.hex(), tmp_path / "absent").check_error(BAD_INPUT)


@pytest.mark.parametrize("form", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_message_in_utf_16(tmp_path, form):
    sealed = tmp_path / "sealed"
    for text in (hexed(seal(b"a secret")), seal(b"a secret").hex(), json.dumps({"payload": hexed(seal(b"a secret"))})):
        sealed.write_bytes(text.encode(form))
        answer = run("ecies-seal", "--open", sealed, env=KEY_SETTING)
        answer.check_error(BAD_INPUT, f'"{sealed}" is UTF-16, and UTF-8 is needed')
        assert answer.messages("hint") == ["convert it with: iconv -f UTF-16 -t UTF-8"]


def test_bytes_do_not_go_to_a_terminal():
    for arguments in (["--open"], ["--to-pubkey", COMPRESSED.hex(), "--output", "raw"]):
        terminal, own = os.openpty()
        with running("ecies-seal", *arguments, env=KEY_SETTING, stdout=own) as process:
            _, errors = process.communicate(timeout=10)
        assert process.returncode == BAD_INPUT and b"terminal" in errors
        os.close(terminal)
        os.close(own)


# What does not open


def test_a_wrong_key(key_file):
    payload = sealed_by_eciespy(b"a secret")
    open_(payload, "--key", f"file:{key_file(OTHER_KEY)}").check_error(NO)
    open_(payload, env={"PRIVATE_KEY": OTHER_KEY}).check_error(NO)


def test_every_truncation():
    payload = sealed_by_eciespy(b"a secret")
    for length in range(1, len(payload)):
        open_(payload[:length]).check_error(NO)
    for nothing in (b"", b"\n", b"0x"):
        answer = open_(nothing)
        answer.check_error(answer.status)
        assert answer.status in (NO, BAD_INPUT)


def test_flipped_bits():
    payload = sealed_by_eciespy(b"a secret")
    for position in range(len(payload)):
        flipped = bytearray(payload)
        flipped[position] ^= 1 << position % 8
        answer = open_(hexed(flipped))
        answer.check_error(NO)
    open_(hexed(payload + b"\0")).check_error(NO)


@pytest.mark.parametrize("text", [
    "{}", '{"payload": 7}', '{"payload": "04"}', '{"payload": "0x0"}', '{"payload": "0x04", "payload": "0x04"}', "{",
    "0x0", "0xzz", "hello", "0x04 04", '["0x04"]',
])
def test_messages_that_are_none(text):
    open_(text).check_error(BAD_INPUT)


# Secrets that are none


@pytest.fixture(params=["to one", "to each", "signed"])
def secret_options(request, recipients, key_file):
    """The ways in which a document is made for a member, without a node."""
    signing = ["--sign-with", f"file:{key_file(KEY)}", "--bridge", "0x" + "b1" * 20, "--chain", "base"]
    to_each = ["--recipients", recipients({"pubkey": COMPRESSED.hex()})]
    return {"to one": ["--to-pubkey", COMPRESSED.hex()], "to each": to_each,
            "signed": ["--to-pubkey", COMPRESSED.hex(), *signing]}[request.param]


@pytest.mark.parametrize("text, what", [(b"", "nothing came"), (b"\n", "only a line end came"), (b"\r\n", "only a line end")])
def test_an_empty_secret_is_refused(secret_options, tmp_path, text, what):
    """As `printf %s "$UNSET"` and `echo "$UNSET"` make it, and as a program that failed leaves it."""
    answer = run("ecies-seal", *secret_options, stdin=text)
    answer.check_error(BAD_INPUT, f"the secret is empty: {what}", '"standard input"')
    assert "--allow-empty" in answer.stderr
    file = tmp_path / "secret"
    file.write_bytes(text)
    run("ecies-seal", *secret_options, file).check_error(BAD_INPUT, "the secret is empty", str(file))
    run("ecies-seal", *secret_options, "--strip-newline", file).check_error(BAD_INPUT, "the secret is empty")


@pytest.mark.parametrize("text", [b"", b"\n"])
def test_who_means_it_seals_nothing(secret_options, text):
    sealed = run("ecies-seal", *secret_options, "--allow-empty", stdin=text).check_done().document
    assert ecies.decrypt(KEY, unhex(sealed["payload"])).endswith(text)
    stripped = run("ecies-seal", *secret_options, "--allow-empty", "--strip-newline", stdin=text).check_done().document
    size = OVERHEAD + (221 if "--sign-with" in secret_options else 0)
    assert len(unhex(stripped["payload"])) == size


def test_a_closed_standard_input_is_an_empty_secret():
    for redirection in ("<&-", "</dev/null"):
        done = subprocess.run(["bash", "-c", f'"$0" --to-pubkey {COMPRESSED.hex()} {redirection}', program_path("ecies-seal")],
                              env=ENVIRONMENT, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout) == (BAD_INPUT, b"") and b"the secret is empty" in done.stderr


@pytest.mark.parametrize("size", [1, 100, 300_000, 2_000_000])
@pytest.mark.parametrize("end, left", [(b"\n", b""), (b"\r\n", b""), (b"\n\n", b"\n"), (b"\r", b"\r"), (b"", b""), (b"\n ", b"\n ")])
def test_one_line_end_is_taken_off(size, end, left):
    """Of long ones too, of which most is sealed before the end has come."""
    text = b"x" * size
    assert ecies.decrypt(KEY, seal(text + end, "--strip-newline")) == text + left
    assert ecies.decrypt(KEY, seal(text + end)) == text + end


def test_one_line_end_is_taken_off_for_each(recipients):
    [sealed] = to_each(recipients({"pubkey": COMPRESSED.hex()}), "--strip-newline", stdin=b"a secret\n").check_done().documents
    assert ecies.decrypt(KEY, unhex(sealed["payload"])) == b"a secret"


@pytest.mark.parametrize("text, is_hinted", [
    (b"a secret\n", True), (b"a\nb\r\n", True), (b"a secret", False), (b"a secret\n\n", False), (b"a\nb", False),
])
def test_a_person_gets_a_hint_at_the_line_end(text, is_hinted):
    hint = "the secret ends in a line end: printf %s adds none, and --strip-newline takes it off"
    options = ["--to-pubkey", COMPRESSED.hex()]
    expected = f"ecies-seal: hint: {hint}\n" if is_hinted else ""
    assert watched("ecies-seal", *options, stdin=[text]).left == expected
    assert watched("ecies-seal", *options, "--strip-newline", stdin=[text]).left == ""
    run("ecies-seal", *options, stdin=text).check_done()


# Secrets that no bridge takes


@pytest.mark.parametrize("signed", [False, True], ids=["plain", "signed"])
@pytest.mark.parametrize("bridge, contract, most", [
    ("0x" + "b1" * 20, "TEEBridge", LARGEST), ("0x254057d9d92FC7F75E3D49F0c6b0be9eE2A334D5", "TEEBridge v1 on Base", LARGEST),
    ("0xdf463af67d15e470a363e387fd688c78c2e94146", "TEEBridge v2 on Base", LARGEST),
])
def test_the_largest_message_for_a_bridge(recipients, key_file, tmp_path, bridge, contract, most, signed):
    options = ["--recipients", recipients({"pubkey": COMPRESSED.hex()}), "--bridge", bridge, "--from-member", A]
    options += ["--sign-with", f"file:{key_file(KEY)}", "--chain", "base"] if signed else []
    room = most - OVERHEAD - (221 if signed else 0)
    sealed = run("ecies-seal", *options, stdin=os.urandom(room)).check_done()
    assert len(unhex(sealed.document["payload"])) == most
    run("abi-encode", "onboard", "--bridge", bridge, stdin=sealed.stdout).check_done()
    file = tmp_path / "secret"
    file.write_bytes(os.urandom(room + 1))
    answer = run("ecies-seal", *options, file)
    answer.check_error(BAD_INPUT, f"the sealed message has {most + 1} bytes, but {contract} takes at most {most}")
    assert answer.messages("hint")[0] == f"a secret of at most {room} bytes fits"
    assert "LARGE SECRETS in teebridge(7)" in answer.messages("hint")[1]
    run("ecies-seal", *options, stdin=bytes(2**20)).check_error(BAD_INPUT, str(2**20 + most - room), str(most))


def test_the_largest_message_for_one_member(chain):
    options = ["--from-member", B, "--to-member", A]
    sealed = run("ecies-seal", *options, stdin=os.urandom(LARGEST - OVERHEAD), env=chain.env).check_done()
    assert len(unhex(sealed.document["payload"])) == LARGEST
    for size in (LARGEST - OVERHEAD + 1, 2_000_000):
        run("ecies-seal", *options, stdin=bytes(size), env=chain.env).check_error(
            BAD_INPUT, f"has {size + OVERHEAD} bytes", f"at most {LARGEST}")


def test_what_goes_to_no_bridge_may_be_longer(chain, recipients):
    """Bytes and hex are for other places, and so is a document that names no recipient."""
    text = os.urandom(100_000)
    for options in (["--to-member", A, "--output", "raw"], ["--to-member", A, "--output", "hex"],
                    ["--to-pubkey", COMPRESSED.hex(), "--from-member", B],
                    ["--recipients", recipients({"member_id": A}), "--output", "hex"]):
        sealed = run("ecies-seal", *options, stdin=text, env=chain.env).check_done().stdout
        assert run("ecies-seal", "--open", stdin=sealed, env=KEY_SETTING).check_done().stdout == text


@pytest.mark.parametrize("place", [1, 3])
def test_abi_encode_refuses_a_message_that_is_too_long(place):
    def message(size: int) -> dict:
        return {"from_member": A, "to_member": B, "payload": hexed(bytes(size))}

    messages = [message(LARGEST)] * place
    messages[-1] = message(LARGEST + 1)
    words = f"line {place}: the sealed message has {LARGEST + 1} bytes, but TEEBridge takes at most {LARGEST}"
    run("abi-encode", "onboard", "--bridge", "0x" + "b1" * 20, stdin=messages).check_error(
        BAD_INPUT, words, prints=None)


# Members of a bridge


def test_to_member_reads_the_key_from_the_bridge(chain):
    answer = run("ecies-seal", "--from-member", B, "--to-member", A, stdin=b"a secret", env=chain.env).check_done()
    assert list(answer.document) == ["from_member", "to_member", "payload"]
    assert (answer.document["from_member"], answer.document["to_member"]) == (B, A)
    assert ecies.decrypt(KEY, unhex(answer.document["payload"])) == b"a secret"
    by_options = run("ecies-seal", "--to-member", A, "--rpc-url", chain.url, "--bridge", chain.bridge.address,
                     "--chain", str(CHAIN_ID), "--output", "raw", stdin=b"a secret").check_done()
    assert ecies.decrypt(KEY, by_options.stdout) == b"a secret"


def test_to_nobody(chain):
    nobody = hexed(keccak(b"nobody"))
    run("ecies-seal", "--to-member", nobody, stdin=b"x", env=chain.env).check_error(NO, nobody)


def test_a_lying_node_is_not_believed(chain):
    """The member id is the key's hash, so no node can slip in a key of its own."""
    own = keys.PrivateKey(b"\x22" * 32).public_key.to_compressed_bytes()

    def spoil(call, answer):
        if call["method"] != "eth_call":
            return answer
        return answer | {"result": answer["result"].replace(COMPRESSED.hex(), own.hex())}

    with relay(chain.url, spoil) as node:
        answer = run("ecies-seal", "--to-member", A, stdin=b"x", env=chain.env | {"ETH_RPC_URL": node.url})
    answer.check_error(NO, A)


@pytest.mark.parametrize("result", [
    "0x", "0x00", "0x" + "00" * 31, "0x" + "00" * 128, "0x" + "ff" * 128, "0x" + "00" * 63 + "60" + "ff" * 64, None, 7,
])
def test_a_node_that_answers_nonsense(chain, result):
    def spoil(call, answer):
        return answer | {"result": result} if call["method"] == "eth_call" else answer

    with relay(chain.url, spoil) as node:
        answer = run("ecies-seal", "--to-member", A, stdin=b"x", env=chain.env | {"ETH_RPC_URL": node.url})
    answer.check_error(answer.status)
    assert answer.status in (NO, UNREACHABLE)


@pytest.mark.parametrize("change, status", [
    ({"ETH_RPC_URL": "http://127.0.0.1:9"}, UNREACHABLE), ({"ETH_RPC_URL": ""}, BAD_INPUT),
    ({"BRIDGE_CONTRACT": ""}, BAD_INPUT), ({"CHAIN": "8453"}, BAD_INPUT), ({"CHAIN": "moon"}, BAD_INPUT),
    ({"BRIDGE_CONTRACT": "0x" + "00" * 19 + "01"}, BAD_INPUT),
])
def test_bridges_that_cannot_be_asked(chain, change, status):
    run("ecies-seal", "--to-member", A, "--retry-for", "0", stdin=b"x", env=chain.env | change).check_error(status)


@pytest.mark.parametrize("arguments", [
    [], ["--to-member", A, "--to-pubkey", COMPRESSED.hex()], ["--to-member", A[2:]], ["--to-member", "0x12"],
    ["--to-pubkey", COMPRESSED.hex(), "--from-member", "7"], ["--to-pubkey", COMPRESSED.hex(), "--output", "base64"],
    ["--to-pubkey", COMPRESSED.hex(), "--nonce-length", "0"], ["--to-pubkey", COMPRESSED.hex(), "--nonce-length", "24"],
    ["--open", "--to-member", A], ["--open", "--from-member", A], ["--open", "--key", KEY],
    ["--open", "--allow-empty"], ["--open", "--strip-newline"],
    ["--recipients", "recipients", "--to-member", A], ["--open", "--recipients", "recipients"],
    ["--recipients", "recipients", "--output", "raw"], ["--recipients", "-"], ["--recipients", "-", "-"],
    ["--to-pubkey", COMPRESSED.hex(), "secret", "twice"], ["--to-pubkey", COMPRESSED.hex(), "--max-payload", "1"],
])
def test_usage(arguments):
    answer = run("ecies-seal", *arguments, stdin=b"x")
    answer.check_error(BAD_INPUT)
    assert KEY not in answer.stderr


# To each of many

OTHERS = [keys.PrivateKey(bytes([number]) * 32) for number in range(1, 41)]


def member_id(key: keys.PublicKey) -> str:
    return hexed(keccak(key.to_compressed_bytes()))


@pytest.fixture
def recipients(tmp_path):
    """Writes a file of recipients; its path."""
    def write(*documents) -> str:
        path = tmp_path / "recipients.jsonl"
        path.write_text("".join(
            (each if isinstance(each, str) else json.dumps(each)) + "\n" for each in documents))
        return str(path)
    return write


def to_each(path: str, *options, stdin: bytes = b"a secret", **rest):
    return run("ecies-seal", "--recipients", path, *options, stdin=stdin, **rest)


@pytest.mark.parametrize("text", [b"", b"a secret", os.urandom(LARGEST - OVERHEAD)], ids=len)
def test_each_recipient_opens_its_message_in_their_order(recipients, text):
    others = OTHERS[:12 if len(text) > 100 else None]
    path = recipients(*({"pubkey": hexed(other.public_key.to_compressed_bytes())} for other in others))
    empty = [] if text else ["--allow-empty"]
    sealed = to_each(path, "--from-member", A, *empty, stdin=text).check_done().documents
    assert [document["to_member"] for document in sealed] == [member_id(other.public_key) for other in others]
    payloads = [unhex(document["payload"]) for document in sealed]
    assert [ecies.decrypt(other.to_hex(), payload) for other, payload in zip(others, payloads)] == [text] * len(others)
    assert len({payload[:65] for payload in payloads}) == len({payload[65:81] for payload in payloads}) == len(others)


@pytest.mark.parametrize("options, config", SETTINGS[::3], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_to_each_in_hex_and_other_settings(recipients, options, config):
    path = recipients({"pubkey": COMPRESSED.hex()}, {"pubkey": OTHERS[0].public_key.to_bytes().hex()})
    lines = to_each(path, "--output", "hex", *options).check_done().stdout.decode().splitlines()
    assert [ecies.decrypt(key, unhex(line), config) for key, line in zip((KEY, OTHERS[0].to_hex()), lines)] == [
        b"a secret"] * 2


def test_recipients_from_standard_input(recipients, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"a secret")
    array = json.dumps([{"pubkey": COMPRESSED.hex()}, {"pubkey": PUBLIC.to_bytes().hex()}], indent=1)
    sealed = to_each("-", secret, stdin=array.encode()).check_done().documents
    assert [ecies.decrypt(KEY, unhex(document["payload"])) for document in sealed] == [b"a secret"] * 2


def test_members_keys_come_from_the_bridge(chain, recipients):
    """A proof names a member as any other document does."""
    path = recipients(MEMBER, {"member_id": member_id(OTHERS[0].public_key),
                               "pubkey": OTHERS[0].public_key.to_compressed_bytes().hex()}, {"member_id": B})
    sealed = to_each(path, "--from-member", A, env=chain.env).check_done()
    assert [document["to_member"] for document in sealed.documents] == [A, member_id(OTHERS[0].public_key), B]
    assert ecies.decrypt(KEY, unhex(sealed.documents[0]["payload"])) == b"a secret"
    requests = run("abi-encode", "onboard", stdin=sealed.stdout, env=chain.env).check_done().documents
    assert [request["label"] for request in requests] == ["onboard"] * 3
    nobody = hexed(keccak(b"nobody"))
    answer = to_each(recipients({"member_id": A}, {"member_id": nobody}), env=chain.env)
    answer.check_error(NO, nobody)
    assert not answer.stdout


def test_each_message_is_signed(chain, recipients, key_file):
    path = recipients({"member_id": A}, {"pubkey": OTHERS[0].public_key.to_compressed_bytes().hex()})
    sender = OTHERS[1]
    sealed = to_each(path, "--sign-with", f"file:{key_file(sender.to_hex())}", env=chain.env).check_done().documents
    assert {document["from_member"] for document in sealed} == {member_id(sender.public_key)}
    for document, key in zip(sealed, (KEY, OTHERS[0].to_hex())):
        opened = open_(json.dumps(document), env=chain.env | {"PRIVATE_KEY": key.removeprefix("0x")})
        assert (opened.status, opened.stdout) == (DONE, b"a secret"), opened
        assert f"signed by {member_id(sender.public_key)}" in opened.stderr
    # And for that recipient alone.
    inside = ecies.decrypt(KEY, unhex(sealed[0]["payload"]))
    open_(ecies.encrypt(OTHERS[0].public_key.to_hex(), inside), env=chain.env | {"PRIVATE_KEY": OTHERS[0].to_hex()}
          ).check_error(NO, "another recipient")


@pytest.mark.parametrize("fault, words", [
    ("{}", "member_id"), ("{", "line 3"), ("7", "not a JSON object"), ({"member_id": "0x12"}, "member_id"),
    ({"member_id": A[2:]}, "member_id"), ({"pubkey": "0x" + "02" * 32}, "pubkey"), ({"pubkey": 7}, "pubkey"),
    ({"pubkey": "02" + "ff" * 32}, "pubkey"), ({"member_id": B, "pubkey": COMPRESSED.hex()}, B),
    ('{"pubkey":"%s","pubkey":"%s"}' % (COMPRESSED.hex(), COMPRESSED.hex()), "pubkey"),
])
def test_a_faulty_recipient_is_told_by_its_line_and_nothing_is_sealed(recipients, fault, words):
    good = {"pubkey": COMPRESSED.hex()}
    answer = to_each(recipients(good, good, fault))
    error = answer.check_error(BAD_INPUT, words)
    assert "line 3" in error and not answer.stdout


def test_no_recipients_and_too_long_a_text(recipients, tmp_path):
    to_each(recipients()).check_error(BAD_INPUT, "no recipients")
    to_each(str(tmp_path / "absent")).check_error(BAD_INPUT, "absent")
    to_each(recipients({"pubkey": COMPRESSED.hex()}), stdin=bytes(2**20 + 1)).check_error(BAD_INPUT, "1048576")


# Large messages


@pytest.fixture(scope="module")
def large() -> bytes:
    return os.urandom(5_000_001)


@pytest.mark.parametrize("form", ["json", "hex", "raw"])
@pytest.mark.parametrize("source", ["a file", "a pipe"])
def test_large_messages_there_and_back(large, tmp_path, form, source):
    def through(data: bytes, *arguments, **options) -> bytes:
        if source == "a pipe":
            return run("ecies-seal", *arguments, stdin=data, **options).check_done().stdout
        path = tmp_path / "input"
        path.write_bytes(data)
        return run("ecies-seal", *arguments, path, **options).check_done().stdout

    sealed = through(large, "--to-pubkey", COMPRESSED.hex(), "--from-member", A, "--output", form)
    payload = {"json": lambda: unhex(json.loads(sealed)["payload"]), "hex": lambda: unhex(sealed.decode().strip()),
               "raw": lambda: sealed}[form]()
    assert ecies.decrypt(KEY, payload) == large
    assert through(sealed, "--open", env=KEY_SETTING) == large
    if form == "hex":
        wrapped = b"\n".join(sealed[start:start + 77] for start in range(0, len(sealed), 77))
        assert through(wrapped, "--open", env=KEY_SETTING) == large


def test_a_file_is_sealed_from_where_it_stands(large, tmp_path):
    path = tmp_path / "input"
    path.write_bytes(large)
    with open(path, "rb") as file:
        file.seek(1_000_000)
        done = subprocess.run([program_path("ecies-seal"), "--to-pubkey", COMPRESSED.hex(), "--output", "raw"],
                              stdin=file, capture_output=True, timeout=60)
    assert ecies.decrypt(KEY, done.stdout) == large[1_000_000:]


@pytest.mark.parametrize("document", [
    '{"note":"%(long)s","payload":"%(payload)s"}', '{"payload":"%(payload)s","note":"%(long)s"}',
    '{"from_member":"%(a)s","payload" : "%(payload)s" , "note":{"payload":"%(long)s"}}',
    '{"note":{"payload":"%(long)s"},"payload":"%(payload)s"}', '{"note":"\\"%(long)s","payload":"%(payload)s"}',
    '\n {"payload":\n"%(payload)s"}\n',
])
@pytest.mark.parametrize("size", [10, 5000, 1_500_000])
@pytest.mark.parametrize("note", ["digits", "many digits", "a message"])
def test_large_documents_are_read_as_small_ones_are(document, size, note):
    text = os.urandom(size)
    long = {"digits": b"\xab" * 4000, "many digits": b"\xab" * 400_000,
            "a message": sealed_by_eciespy(bytes(400_000))}[note]
    values = {"payload": hexed(sealed_by_eciespy(text)), "long": hexed(long), "a": A}
    assert open_(document % values).check_done().stdout == text


def test_a_document_has_one_text_of_any_length():
    open_('{"note":"%s","payload":"%s"}' % ("0x" + "ab" * 4000, "0x" + "ab" * (9 << 20))).check_error(
        BAD_INPUT, "16777216 bytes")


@pytest.mark.parametrize("form", ["json", "hex", "raw"])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 95, 1, 10_000), (999_983,), (3, 400_000, 1)])
def test_a_message_may_come_in_any_pieces(large, form, sizes):
    sealed = sealed_by_eciespy(large)
    data = {"json": lambda: json.dumps({"payload": hexed(sealed)}).encode(), "hex": lambda: hexed(sealed).encode(),
            "raw": lambda: sealed}[form]()
    with subprocess.Popen([program_path("ecies-seal"), "--open"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env=ENVIRONMENT | KEY_SETTING, bufsize=0) as process:
        position = 0
        for size in itertools.chain(sizes * 20, [len(data)]):
            process.stdin.write(data[position:position + size])
            position += size
        process.stdin.close()
        assert process.stdout.read() == large
    assert process.returncode == DONE


@pytest.mark.parametrize("document, words", [
    ('{"payload":"%sg"}', "odd number of digits"), ('{"payload":"%szz"}', "not a hex digit at position {}"),
    ('{"payload":"%s0g"}', "not a hex digit at position {}1"), ('{"payload":"%s', "line 1"), ('{"payload":"%s"', "line 1"),
    ('{"payload":"%s","payload":"0x04"}', "twice"), ('{"payload":"%s"}}', "line 1"), ('{"note":"%s"}', "payload"),
    ('{"payload":"%s\\u0030"}', "payload"), ('{"payload":"0x04","from_member":"%s"}', "from_member"),
    ('{"payload":"x%s"}', "payload"), ('{"payload":["%s"]}', "payload"), ('{"payload":"%s\x01"}', "line 1"),
    ("%sz", "odd number of digits"), ("%s z", "position {}"), ("%s 0", "position {}"),
])
@pytest.mark.parametrize("count", [4000, 1_000_000])
def test_faults_in_large_messages(document, words, count):
    # As bytes that begin no message, and as ones that do.
    for front in ("ab", "04" + PUBLIC.to_bytes().hex()):
        words = words.replace("{}1", str(2 * count + 1)).replace("{}", str(2 * count))
        open_(document % ("0x" + front.ljust(2 * count, "a"))).check_error(BAD_INPUT, words)


def test_large_messages_that_do_not_open(large):
    """Nothing of them is printed."""
    payload = bytearray(sealed_by_eciespy(large))
    payload[-1] ^= 1
    for form in (bytes(payload), hexed(payload), json.dumps({"payload": hexed(payload)})):
        answer = open_(form)
        answer.check_error(NO, "does not open")
        assert not answer.stdout


@plain_memory
@pytest.mark.parametrize("source", ["a file", "a pipe"])
def test_a_message_takes_its_own_memory(large, tmp_path, source):
    """A limit on memory that it does not fit into is told, and ends nothing by a signal."""
    def limit(mebibytes: int):
        return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20,) * 2)}

    def seal_within(mebibytes: int):
        arguments = ["--to-pubkey", COMPRESSED.hex(), "--output", "raw"]
        if source == "a pipe":
            return run("ecies-seal", *arguments, stdin=large * 20, **limit(mebibytes))
        path = tmp_path / "input"
        path.write_bytes(large * 20)
        return run("ecies-seal", *arguments, path, **limit(mebibytes))

    seal_within(1024).check_done()
    seal_within(96).check_error(BAD_INPUT, "not enough memory")


@plain_memory
@pytest.mark.parametrize("form", ["json", "hex", "raw"])
def test_peak_memory(large, tmp_path, form):
    """The message, and 32 MiB; 100 MB of it show."""
    text = large * 20
    source, sealed = tmp_path / "text", tmp_path / "sealed"
    source.write_bytes(text)

    def peak(*arguments, output) -> int:
        with open(output, "wb") as file:
            done = subprocess.run(measured("ecies-seal", *arguments), stdout=file, stderr=subprocess.PIPE,
                                  env=ENVIRONMENT | KEY_SETTING)
        assert done.returncode == 0, done.stderr
        return cost(done.stderr)[0]

    assert peak("--to-pubkey", COMPRESSED.hex(), "--output", form, source, output=sealed) < len(text) + (32 << 20)
    assert peak("--open", sealed, output=tmp_path / "opened") < len(text) + (32 << 20)
    assert (tmp_path / "opened").read_bytes() == text


def test_open_needs_a_key():
    answer = run("ecies-seal", "--open", stdin=sealed_by_eciespy(b"x"))
    answer.check_error(BAD_INPUT)
    assert "--key" in answer.stderr


def test_opening_with_the_guest_agents_key(agents):
    """Inside the CVM, no key is in a file."""
    payload = sealed_by_eciespy(b"a secret")
    opened = run("ecies-seal", "--open", "--key", "dstack:", "--dstack", agents[0].socket, stdin=payload).check_done()
    assert opened.stdout == b"a secret"
    run("ecies-seal", "--open", "--key", "dstack:", stdin=payload, env=agents[1].env).check_error(NO)


def test_a_closed_pipe_ends_it_quietly(tmp_path):
    sealed = tmp_path / "sealed"
    sealed.write_bytes(sealed_by_eciespy(os.urandom(2**20)))
    with running("ecies-seal", "--open", sealed, env=KEY_SETTING, stdout=subprocess.PIPE) as process:
        assert process.stdout.read(1)
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (BROKEN_PIPE, b"")
