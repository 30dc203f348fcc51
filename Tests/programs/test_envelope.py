"""Signed messages from ecies-seal to inbox-watch, and both beside eth-account and eciespy.

The envelope is built and read here a second time, from man/teebridge.7 alone.
"""

import json
import os
import re
from dataclasses import dataclass, replace

import ecies
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys import keys
from eth_utils import keccak, to_checksum_address

from harness import BAD_INPUT, DONE, NO, ROOT, UNREACHABLE, hexed, run, running, unhex
from proofs import PROOFS, VECTORS
from services import CHAIN_ID, relay

A, B = (proof["member_id"] for proof in PROOFS)
KEY_A = VECTORS["keys"]["derived"]
KEY_B = VECTORS["simulator"]["get_key"][0]["key"]
STRANGER = "22" * 32
SECRET = b"the secret of B"
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
FIELDS = [("fromMember", "bytes32"), ("toMember", "bytes32"), ("messageId", "bytes32"), ("payload", "bytes")]


def public(key: str) -> keys.PublicKey:
    return keys.PrivateKey(bytes.fromhex(key)).public_key


def member_id(key: str) -> str:
    return hexed(keccak(public(key).to_compressed_bytes()))


@dataclass(frozen=True)
class Envelope:
    """A signed message as the manual page describes it, with any part changed at will."""

    bridge: str
    chain: int = CHAIN_ID
    sender: str = B
    to: str = A
    message_id: bytes = b"\x07" * 32
    payload: bytes = SECRET
    key: str = KEY_B
    magic: bytes = b"teebenv\x01"

    def signable(self):
        return encode_typed_data(
            domain_data={"name": "TEEBridge", "version": "1", "chainId": self.chain,
                         "verifyingContract": to_checksum_address(self.bridge)},
            message_types={"OnboardingMessage": [{"name": name, "type": type_} for name, type_ in FIELDS]},
            message_data={"fromMember": unhex(self.sender), "toMember": unhex(self.to), "messageId": self.message_id,
                          "payload": self.payload},
        )

    @property
    def signature(self) -> bytes:
        return Account.sign_message(self.signable(), self.key).signature

    def bytes(self, signature: bytes | None = None, payload: bytes | None = None) -> bytes:
        return (self.magic + self.chain.to_bytes(32, "big") + unhex(self.bridge) + unhex(self.sender) + unhex(self.to)
                + self.message_id + (signature or self.signature) + (self.payload if payload is None else payload))

    def sealed(self, to: str = KEY_A) -> bytes:
        return sealed(self.bytes(), to)

    @classmethod
    def read(cls, text: bytes) -> "Envelope":
        """Take apart and verify what ecies-seal made."""
        assert text[:8] == b"teebenv\x01"
        envelope = cls(
            chain=int.from_bytes(text[8:40], "big"), bridge=to_checksum_address(text[40:60]), sender=hexed(text[60:92]),
            to=hexed(text[92:124]), message_id=text[124:156], payload=text[221:])
        signature = text[156:221]
        assert signature[64] in (27, 28) and int.from_bytes(signature[32:64], "big") <= N // 2
        signer = Account.recover_message(envelope.signable(), signature=signature)
        assert signer == public(KEY_B).to_checksum_address() and member_id(KEY_B) == envelope.sender
        return envelope


def sealed(text: bytes, to: str = KEY_A) -> bytes:
    return ecies.encrypt(public(to).to_compressed_bytes().hex(), text)


@pytest.fixture
def envelope(chain) -> Envelope:
    """A sound message from B to A."""
    return Envelope(chain.bridge.address)


@pytest.fixture
def key_b(key_file) -> str:
    return f"file:{key_file(KEY_B, name='b.key')}"


@pytest.fixture
def watch(chain):
    """Runs inbox-watch --once as the member A."""

    def watch(*args, env=None):
        return run("inbox-watch", "--once", *args, env=chain.env | {"PRIVATE_KEY": KEY_A} | (env or {}))

    return watch


@pytest.fixture
def refused(chain, watch):
    """Asserts that A's inbox passes on none of some messages, says why, and goes on behind them."""

    def refused(*payloads: bytes, sender: str = B, because: str, options=()):
        chain.onboard(sender, A, *payloads)
        chain.onboard(B, A, Envelope(chain.bridge.address, message_id=os.urandom(32), payload=b"next").sealed())
        answer = watch(*options)
        assert (answer.status, answer.messages("error")) == (DONE, []), answer
        assert [each["payload"] for each in answer.documents] == ["next"]
        warnings = answer.messages("warning")
        assert len(warnings) == len(payloads)
        for index, warning in enumerate(warnings):
            assert f"{A}:{index}" in warning and because in warning, warning
        assert SECRET.decode() not in answer.stderr

    return refused


def seal(chain, *options, stdin: bytes = SECRET, **settings):
    env = chain.env | settings.pop("env", {})
    return run("ecies-seal", *options, stdin=stdin, env=env, **settings)


def test_the_manual_pages_vector():
    """It is the first of envelope.json, whose values the page repeats in its order, broken into lines."""
    page = (ROOT / "man" / "teebridge.7").read_text()
    digits = "".join(re.findall(r"\b[0-9a-f]{2,}\b", page[page.index("sender's key") : page.index(".Sh EXIT STATUS")]))
    vector = json.loads((ROOT / "Tests" / "vectors" / "envelope.json").read_text())["vectors"][0]
    names = ["secret_key", "recipient_secret_key", "bridge", "from_member", "to_member", "message_id", "payload",
             "domain_separator", "struct_hash", "digest", "signature", "envelope"]
    expected = "".join(vector[name].removeprefix("0x").lower() for name in names)
    assert digits.replace("8453", "", 1) == expected
    envelope = Envelope("0x" + vector["bridge"][2:].lower(), 8453, sender="0x" + vector["from_member"],
                        to="0x" + vector["to_member"], message_id=bytes.fromhex(vector["message_id"]), payload=b"a secret",
                        key=vector["secret_key"])
    assert envelope.bytes().hex() == vector["envelope"]


# Both ways


def test_from_a_secret_to_an_authenticated_message(chain, watch, key_b, owner_key):
    document = seal(chain, "--sign-with", key_b, "--to-member", A).check_done().document
    assert list(document) == ["from_member", "to_member", "payload"]
    assert (document["from_member"], document["to_member"]) == (B, A)
    request = run("abi-encode", "onboard", stdin=document, env=chain.env).check_done().stdout
    run("tx-send", "--key", owner_key, stdin=request, env=chain.env)
    answer = watch().check_done().document
    assert answer == {"id": f"{A}:0", "member_id": A, "index": 0, "from": B, "payload": SECRET.decode(),
                      "authenticated": True}
    assert list(answer)[-1] == "authenticated"
    assert watch("--require-authenticated").check_done().document == answer
    assert watch("--format", "text").check_done().stdout == f"ONBOARDING from={B[2:]} payload={SECRET.decode()}\n".encode()


@pytest.mark.parametrize("payload", [b"", b"\0", b"teebenv\x01", "geheim 🤐".encode(), bytes(range(256)), os.urandom(24_258)],
                         ids=len)
def test_what_is_signed_here_is_verified_by_eth_account(chain, key_b, payload):
    empty = [] if payload else ["--allow-empty"]
    document = seal(chain, "--sign-with", key_b, "--to-member", A, *empty, stdin=payload).check_done().document
    envelope = Envelope.read(ecies.decrypt(KEY_A, unhex(document["payload"])))
    expected = Envelope(chain.bridge.address, message_id=envelope.message_id, payload=payload)
    assert envelope == expected


@pytest.mark.parametrize("payload", [SECRET, b"", "two\nlines 🤐".encode(), b"teebenv\x01", b"teebenv\x02"], ids=len)
def test_what_eth_account_signed_is_accepted(chain, watch, envelope, payload):
    chain.onboard(B, A, replace(envelope, payload=payload).sealed())
    answer = watch("--require-authenticated").check_done().document
    assert (answer["payload"], answer["authenticated"]) == (payload.decode(), True)


def test_bytes_that_are_no_text(chain, watch, envelope):
    chain.onboard(B, A, replace(envelope, payload=b"\xff\0").sealed())
    answer = watch().check_done().document
    assert (answer["payload_hex"], answer["authenticated"], list(answer)[-1]) == ("0xff00", True, "authenticated")


def test_message_ids_are_fresh(chain, key_b):
    texts = [ecies.decrypt(KEY_A, seal(chain, "--sign-with", key_b, "--to-pubkey", public(KEY_A).to_hex(), "--output",
                                       "raw").check_done().stdout) for _ in range(20)]
    assert len({Envelope.read(text).message_id for text in texts}) == 20


@pytest.mark.parametrize("text", [b"", b"a secret", b"teebenv"[:6], b"Teebenv\x01" + bytes(300), b"\0teebenv\x01"], ids=len)
def test_a_plain_message_is_not_authenticated(chain, watch, text):
    chain.onboard(B, A, sealed(text))
    answer = watch().check_done().document
    assert (answer["payload"].encode(), answer["authenticated"]) == (text, False)
    strict = watch("--require-authenticated")
    assert (strict.status, strict.stdout) == (DONE, b"")
    [warning] = strict.messages("warning")
    assert f"{A}:0" in warning and "it is not signed" in warning


def test_only_authenticated_messages_are_passed(chain, watch, envelope):
    others = [replace(envelope, message_id=bytes([index]) * 32) for index in (1, 2)]
    chain.onboard(B, A, sealed(b"plain"), others[0].sealed(), b"garbage", sealed(b"plain too"), others[1].sealed())
    answer = watch("--require-authenticated")
    assert [each["index"] for each in answer.documents] == [1, 4] and len(answer.messages("warning")) == 3
    lenient = watch()
    assert [(each["index"], each["authenticated"]) for each in lenient.documents] == [
        (0, False), (1, True), (3, False), (4, True)]


def test_the_chain_is_the_nodes_where_none_is_named(chain, watch, envelope):
    chain.onboard(B, A, envelope.sealed())
    assert watch(env={"CHAIN": ""}).check_done().document["authenticated"]
    watch("--chain", "base").check_error(BAD_INPUT, "chain")


def test_a_node_that_says_another_chain(chain, watch, envelope):
    """Its word alone decides where the operator named no chain; then it can only have messages refused."""

    def spoil(call, answer):
        return answer | {"result": "0x1"} if call["method"] == "eth_chainId" else answer

    chain.onboard(B, A, envelope.sealed())
    with relay(chain.url, spoil) as node:
        answer = watch(env={"ETH_RPC_URL": node.url, "CHAIN": ""})
        assert answer.stdout == b"" and "another chain" in answer.messages("warning")[0]
        watch(env={"ETH_RPC_URL": node.url}).check_error(BAD_INPUT, "chain")


def test_no_more_is_asked_than_for_plain_messages(chain, watch, envelope):
    def requests(env) -> int:
        with relay(chain.url, lambda call, answer: answer) as node:
            watch(env={"ETH_RPC_URL": node.url} | env).check_done()
        return len(node.requests)

    chain.onboard(B, A, sealed(b"plain"))
    plain = requests({})
    chain.onboard(B, A, envelope.sealed())
    assert requests({}) == requests({"CHAIN": ""}) == plain


# Refused


def test_a_replayed_envelope(chain, watch, envelope):
    """The same sealed bytes, and the same envelope sealed anew."""
    payload = envelope.sealed()
    chain.onboard(B, A, payload, payload, envelope.sealed())
    answer = watch()
    assert (answer.status, [each["index"] for each in answer.documents]) == (DONE, [0])
    warnings = answer.messages("warning")
    assert len(warnings) == 2 and all("replayed" in warning for warning in warnings)
    assert f"{A}:1" in warnings[0] and f"{A}:2" in warnings[1]


def test_a_replay_in_a_later_look(chain, envelope):
    with running("inbox-watch", "--interval", "0.1", env=chain.env | {"PRIVATE_KEY": KEY_A}) as process:
        for index in range(2):
            each = replace(envelope, message_id=bytes([index]) * 32)
            chain.onboard(B, A, each.sealed())
            assert json.loads(process.stdout.readline())["index"] == 2 * index
            chain.onboard(B, A, each.sealed())
            assert b"replayed" in process.stderr.readline()


def test_nobody_uses_up_anothers_message_id(chain, watch, envelope):
    """Neither in an own envelope, nor by posting the stolen bytes first under another name."""
    own = replace(envelope, sender=A, key=KEY_A)
    chain.onboard(A, A, own.sealed(), envelope.sealed())
    chain.onboard(B, A, envelope.sealed())
    answer = watch()
    assert [(each["index"], each["from"]) for each in answer.documents] == [(0, A), (2, B)]
    assert "the wrong sender" in answer.messages("warning")[0]


def test_made_for_another_recipient(envelope, refused):
    refused(replace(envelope, to=B).sealed(), replace(envelope, to=member_id(STRANGER)).sealed(),
            because="another recipient")


def test_made_for_another_bridge(envelope, refused):
    refused(replace(envelope, bridge="0x" + "00" * 20).sealed(), replace(envelope, bridge="0x" + "fe" * 20).sealed(),
            because="another bridge")


def test_made_for_another_chain(envelope, refused):
    refused(*(replace(envelope, chain=chain).sealed() for chain in (0, 1, 8453, 2**64 - 1)), because="another chain")


def test_a_forged_from(envelope, refused):
    """A sound message of B's, posted as if it came from A."""
    refused(envelope.sealed(), sender=A, because="the wrong sender")


def test_signed_by_somebody_else(envelope, refused):
    bad = [replace(envelope, key=key) for key in (STRANGER, KEY_A)]
    refused(*(each.sealed() for each in bad), because="signature")


def test_a_changed_payload(envelope, refused):
    refused(sealed(envelope.bytes(payload=b"another")), sealed(envelope.bytes(payload=b"")),
            sealed(envelope.bytes() + b"\0"), sealed(envelope.bytes()[:-1]), because="signature")


def test_a_malleable_signature(envelope, refused):
    signature = envelope.signature
    high = (N - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    twin = signature[:32] + high + bytes([55 - signature[64]])
    assert Account.recover_message(envelope.signable(), signature=twin) == public(KEY_B).to_checksum_address()
    refused(sealed(envelope.bytes(twin)), because="malleable")


def test_what_is_no_signature(envelope, refused):
    """The last byte has one form: 27 and 28, not 0 and 1."""
    r_and_s = envelope.signature[:64]
    bad = [bytes(65), b"\xff" * 65, *(r_and_s + bytes([v]) for v in (0, 1, 26, 29, 255))]
    refused(*(sealed(envelope.bytes(signature)) for signature in bad), because="signature is invalid")


def test_an_unknown_version(envelope, refused):
    texts = [replace(envelope, magic=b"teebenv" + bytes([version])).bytes() for version in (0, 2, 0x31, 0xFF)]
    refused(*map(sealed, texts), sealed(b"teebenv\x02"), because="newer version")


def test_an_envelope_that_is_cut_off(envelope, refused):
    text = envelope.bytes()
    refused(*(sealed(text[:length]) for length in (7, 8, 40, 155, 156, 220)), because="cut off")


def test_a_chain_id_that_is_too_large(envelope, refused):
    text = envelope.bytes()
    refused(sealed(text[:8] + b"\x01" + text[9:]), sealed(text[:31] + b"\x01" + text[32:]), because="chain id")


def test_a_flipped_bit_at_every_byte(chain, watch, envelope):
    """In the magic it makes a plain message that nobody signed; anywhere else it is refused."""
    text = envelope.bytes()
    flipped = [bytes([*text[:index], text[index] ^ 1 << index % 8, *text[index + 1 :]]) for index in range(len(text))]
    for each in flipped:
        opened = run("ecies-seal", "--open", stdin=sealed(each), env={"PRIVATE_KEY": KEY_A} | chain.env)
        if each.startswith(b"teebenv"):
            opened.check_error(NO)
        else:
            assert (opened.status, opened.stdout, opened.stderr) == (DONE, each, "")
    chain.onboard(B, A, *map(sealed, flipped[::8]))
    answer = watch("--require-authenticated")
    assert (answer.status, answer.stdout) == (DONE, b"")
    # The first ten are told, and how many more there are.
    warnings = answer.messages("warning")
    assert len(warnings) == 11 and f"{len(flipped[::8]) - 10} more" in warnings[10]


# ecies-seal --sign-with


def test_sources_of_the_key(chain, agents, key_file, tmp_path):
    keystore = tmp_path / "keystore.json"
    keystore.write_text(json.dumps(Account.encrypt(KEY_B, "x", kdf="pbkdf2", iterations=1000)))
    password = key_file("x\n", name="password")
    readable, writable = os.pipe()
    os.write(writable, KEY_B.encode())
    os.close(writable)
    for options, env, settings in (
        (["env:MEMBER"], {"MEMBER": KEY_B}, {}), ([f"fd:{readable}"], {}, {"pass_fds": [readable]}),
        (["dstack:"], agents[1].env, {}), (["dstack:", "--dstack", agents[1].socket], {}, {}),
        ([f"keystore:{keystore}", "--password-file", password], {}, {}),
    ):
        answer = seal(chain, "--to-member", A, "--sign-with", *options, env=env, **settings).check_done()
        Envelope.read(ecies.decrypt(KEY_A, unhex(answer.document["payload"])))
    os.close(readable)


def test_the_key_of_the_settings_does_not_sign(chain):
    """PRIVATE_KEY is mostly the account that pays; only --sign-with signs."""
    answer = seal(chain, "--to-member", A, env={"PRIVATE_KEY": KEY_B}).check_done()
    assert ecies.decrypt(KEY_A, unhex(answer.document["payload"])) == SECRET


@pytest.mark.parametrize("key", [KEY_B, "0x" + KEY_B, "file:" + KEY_B, "hex:" + KEY_B])
@pytest.mark.parametrize("node", ["", "http://127.0.0.1:9"])
def test_a_raw_key_is_refused_and_not_repeated(chain, key, node):
    for arguments in (["--sign-with", key], [f"--sign-with={key}"]):
        answer = seal(chain, "--to-member", A, *arguments, env={"ETH_RPC_URL": node} if node else {})
        answer.check_error(BAD_INPUT)
        assert KEY_B not in answer.stderr and "raw key" in answer.stderr


def test_the_sender_is_the_signer(chain, key_b):
    document = seal(chain, "--sign-with", key_b, "--to-member", A, "--from-member", B).check_done().document
    assert document["from_member"] == B
    seal(chain, "--sign-with", key_b, "--to-member", A, "--from-member", A).check_error(BAD_INPUT, A, B)


def test_to_a_public_key_no_node_is_asked(chain, key_b):
    env = {"BRIDGE_CONTRACT": chain.bridge.address, "CHAIN": str(CHAIN_ID), "ETH_RPC_URL": "http://127.0.0.1:9"}
    document = seal(chain, "--sign-with", key_b, "--to-pubkey", public(KEY_A).to_hex(), env=env).check_done().document
    assert (document["from_member"], document["to_member"]) == (B, A)
    envelope = Envelope.read(ecies.decrypt(KEY_A, unhex(document["payload"])))
    assert (envelope.to, envelope.chain, envelope.bridge) == (A, CHAIN_ID, chain.bridge.address)
    seal(chain, "--sign-with", key_b, "--to-member", A, "--retry-for", "0", env=env).check_error(UNREACHABLE)


@pytest.mark.parametrize("missing, option", [("CHAIN", "--chain"), ("BRIDGE_CONTRACT", "--bridge")])
def test_what_a_signature_needs(chain, key_b, missing, option):
    to = ["--to-pubkey", public(KEY_A).to_hex()]
    answer = seal(chain, "--sign-with", key_b, *to, env={missing: ""})
    answer.check_error(BAD_INPUT)
    assert option in " ".join(answer.messages("hint"))
    values = {"CHAIN": "base", "BRIDGE_CONTRACT": chain.bridge.address}
    named = seal(chain, "--sign-with", key_b, *to, option, values[missing], env={missing: ""}).check_done()
    Envelope.read(ecies.decrypt(KEY_A, unhex(named.document["payload"])))


def test_the_chain_of_the_node_is_signed(chain, key_b):
    document = seal(chain, "--sign-with", key_b, "--to-member", A, env={"CHAIN": ""}).check_done().document
    assert Envelope.read(ecies.decrypt(KEY_A, unhex(document["payload"]))).chain == CHAIN_ID


def test_a_name_that_is_no_chain(chain, key_b):
    seal(chain, "--sign-with", key_b, "--to-pubkey", public(KEY_A).to_hex(), env={"CHAIN": "moon"}).check_error(BAD_INPUT)


# ecies-seal --open


@pytest.fixture
def open_(chain):
    """Runs ecies-seal --open as A, with no setting of a bridge."""

    def open_(payload, *options, env=None):
        return run("ecies-seal", "--open", *options, stdin=payload, env={"PRIVATE_KEY": KEY_A} | (env or {}))

    return open_


SIGNED = f"ecies-seal: signed by {B}\n"


def test_open_prints_the_payload_and_says_who_signed(chain, envelope, open_):
    document = {"from_member": B, "to_member": A, "payload": hexed(envelope.sealed())}
    for form in (envelope.sealed(), envelope.sealed().hex(), json.dumps(document)):
        for env in ({}, chain.env):
            answer = open_(form, env=env)
            assert (answer.status, answer.stdout, answer.stderr) == (DONE, SECRET, SIGNED)


def test_what_is_signed_here_opens_here(chain, key_b, open_):
    answer = seal(chain, "--sign-with", key_b, "--to-member", A)
    opened = open_(answer.stdout, env=chain.env)
    assert (opened.status, opened.stdout, opened.stderr) == (DONE, SECRET, SIGNED)


def test_open_refuses(chain, envelope, open_):
    text = envelope.bytes()
    for bad, reason in (
        (replace(envelope, to=B).bytes(), "another recipient"), (replace(envelope, key=STRANGER).bytes(), "signature"),
        (envelope.bytes(payload=b"another"), "signature"), (text[:220], "cut off"),
        (b"teebenv\x02" + text[8:], "newer version"),
    ):
        open_(sealed(bad)).check_error(NO, reason)
    document = {"from_member": A, "payload": hexed(envelope.sealed())}
    open_(json.dumps(document)).check_error(NO, "the wrong sender")
    open_(envelope.sealed(), "--bridge", "0x" + "fe" * 20).check_error(NO, "another bridge")
    open_(envelope.sealed(), "--chain", "base").check_error(NO, "another chain")
    open_(envelope.sealed(), "--sign-with", "env:X").check_error(BAD_INPUT)


def test_every_truncation(envelope, open_):
    """Shorter than the magic it is a plain message, and nobody is said to have signed it."""
    text = envelope.bytes()
    for length in [*range(9), 40, 60, 92, 124, 155, 156, *range(218, len(text))]:
        answer = open_(sealed(text[:length]))
        if length < 7:
            assert (answer.status, answer.stdout, answer.stderr) == (DONE, text[:length], "")
        else:
            answer.check_error(NO)
