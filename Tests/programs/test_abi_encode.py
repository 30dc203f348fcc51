"""abi-encode beside eth-abi: the calldata of each request, and what it refuses."""

import json
import os
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from eth_abi import encode
from eth_keys import keys
from eth_utils import function_signature_to_4byte_selector, to_checksum_address

from bridge_v1 import ARTEFACT, ARTEFACT_PATH, CONTRACT
from harness import BAD_INPUT, BROKEN_PIPE, DONE, ENVIRONMENT, NO, finish, hexed, json_lines, program_path, running, unhex
from proofs import PROOFS, bit_flips, calldata, changed, without

pytestmark = pytest.mark.thread

ADDRESS = to_checksum_address("0x254057d9d92fc7f75e3d49f0c6b0be9ee2a334d5")
OTHER = to_checksum_address("0xdf463af67d15e470a363e387fd688c78c2e94146")
PHALA_BASE = "0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51"
TO_BRIDGE = {"BRIDGE_CONTRACT": ADDRESS}
A, B = PROOFS
TRUE = hexed(encode(["bool"], [True]))
FALSE = hexed(encode(["bool"], [False]))


@pytest.fixture(scope="module")
def abi_encode(run):
    """Runs abi-encode with the bridge address in the environment."""
    return lambda *args, stdin=b"", env=TO_BRIDGE: run("abi-encode", *args, stdin=stdin, env=env)


def request(label: str, data: bytes | str, question: str | None = None, **rest) -> dict:
    """A request as it should be; `question` is the precondition's calldata."""
    expected = {"label": label, "to": ADDRESS, "data": data if isinstance(data, str) else hexed(data),
                "value": "0x0"} | rest
    if question:
        expected["unless"] = {"to": expected["to"], "data": question, "equals": TRUE}
    return expected


def register_request(proof: dict) -> dict:
    return request("registerDstack", calldata(proof),
                   CONTRACT.encode_abi("isMember", [proof["member_id"]]))


def allow_requests(proof: dict) -> list[dict]:
    root, code = proof["kms_root"], proof["code_id"]
    return [
        request("addKmsRoot", CONTRACT.encode_abi("addKmsRoot", [root]),
                CONTRACT.encode_abi("allowedKmsRoots", [root])),
        request("addAllowedCode", CONTRACT.encode_abi("addAllowedCode", [code]),
                CONTRACT.encode_abi("allowedCode", [code])),
    ]


# register


def test_register(abi_encode):
    assert abi_encode("register", stdin=PROOFS).check_done().documents == [
        register_request(A), register_request(B)]


def test_register_prints_compact_lines_in_order(abi_encode):
    [line] = abi_encode("register", stdin=A).check_done().stdout.decode().splitlines()
    expected = json.dumps(register_request(A), separators=(",", ":"))
    assert line == expected


@pytest.mark.parametrize("layout", [
    lambda proofs: "\n".join(map(json.dumps, proofs)),
    lambda proofs: "\r\n".join(map(json.dumps, proofs)) + "\r\n\r\n",
    lambda proofs: json.dumps(proofs),
    lambda proofs: json.dumps(proofs, indent=4),
    lambda proofs: " \n\t" + json.dumps(proofs, indent=1) + "\n\n",
    lambda proofs: "".join(json.dumps(proof, indent=2) for proof in proofs),
    lambda proofs: json.dumps(proofs, sort_keys=True),
    lambda proofs: json.dumps([proof | {"verifier": "dstack", "new": [{}]} for proof in proofs]),
    lambda proofs: json.dumps([without(proof, "member_id", "app_id", "derived_address") for proof in proofs]),
    lambda proofs: json.dumps([changed(proof, "kms_root", proof["kms_root"].lower()) for proof in proofs]),
    lambda proofs: "".join(json.dumps({"proof": proof}) for proof in proofs),
    lambda proofs: json.dumps([{"status": "ok", "data": proof} for proof in proofs]),
])
def test_register_reads_any_layout(abi_encode, layout):
    assert abi_encode("register", stdin=layout(PROOFS)).check_done().documents == [
        register_request(A), register_request(B)]


def test_register_reads_a_file(abi_encode, tmp_path):
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(A, indent=2))
    for arguments, stdin in (([file], b""), (["-"], A)):
        answer = abi_encode("register", *arguments, stdin=stdin).check_done()
        assert answer.document == register_request(A)
    abi_encode("register", tmp_path / "absent").check_error(BAD_INPUT, "no such file")
    abi_encode("register", tmp_path).check_error(BAD_INPUT, "is a directory")


# They are checked side by side.


@pytest.mark.parametrize("layout", [json_lines, json.dumps])
def test_many_proofs_are_registered_in_their_order(abi_encode, layout):
    many = random.Random(1).choices(range(2), k=300)
    requests = list(map(register_request, PROOFS))
    answer = abi_encode("register", stdin=layout([PROOFS[number] for number in many])).check_done()
    assert answer.documents == [requests[number] for number in many]


@pytest.mark.parametrize("first", [0, 1, 17, 38])
def test_the_first_of_several_faults_is_named_and_nothing_printed(abi_encode, tmp_path, first):
    file = tmp_path / "proofs"
    bad = [without(A, "code_id"), *[without(A, "kms_root")] * (39 - first)]
    file.write_text(json_lines([A] * first + bad))
    abi_encode("register", file).check_error(BAD_INPUT, f"line {first + 1}: ", "code_id")


def test_a_fault_far_behind_hides_nothing_of_what_was_registered_before(abi_encode, tmp_path):
    file = tmp_path / "proofs"
    file.write_text(json_lines([A] * 250 + [without(A, "code_id")] + [A] * 50))
    answer = abi_encode("register", file)
    answer.check_error(BAD_INPUT, "line 251: ", "code_id", prints=None)
    assert 0 < len(answer.documents) <= 250
    assert answer.documents[-1] == register_request(A)


@pytest.mark.parametrize("command", ["register", "onboard"])
@pytest.mark.parametrize("nothing", ["", "\n\n", "[]", " [ ] \n"])
def test_an_empty_input_is_an_error(abi_encode, command, nothing):
    """It means that the program in front of it in the pipeline failed."""
    abi_encode(command, stdin=nothing).check_error(
        BAD_INPUT, "standard input" if nothing.strip() else "nothing came in")


@pytest.mark.parametrize("root", [A["kms_root"], A["kms_root"].lower()])
def test_allow_puts_root_and_code_first(abi_encode, root):
    expected = [*allow_requests(A), register_request(A)]
    arguments = "register", "--allow"
    assert abi_encode(*arguments, "--kms-root", root, stdin=A).check_done().documents == expected
    trusting = TO_BRIDGE | {"KMS_ROOTS": f"phala-base, {root}"}
    assert abi_encode(*arguments, stdin=A, env=trusting).check_done().documents == expected


# A root as kmsInfo and GetMeta give it.


def root_key(proof: dict) -> keys.PublicKey:
    """Who signed the second link, by eth-keys: the KMS root's public key."""
    chain = proof["dstack_proof"]
    message = b"dstack-kms-issued:" + unhex(proof["code_id"])[:20] + unhex(chain["app_compressed_pubkey"])
    return keys.Signature(unhex(chain["kms_signature"])).recover_public_key_from_msg(message)


def key_forms(proof: dict) -> list[str]:
    key = root_key(proof)
    assert key.to_checksum_address() == proof["kms_root"]
    compressed, whole = key.to_compressed_bytes().hex(), "04" + key.to_bytes().hex()
    return [compressed, "0x" + compressed, whole, "0x" + whole.upper()]


def naming(proof: dict) -> str:
    """The line that says which address a public key has."""
    return f"abi-encode: the KMS root with the public key {hexed(root_key(proof).to_compressed_bytes())} has the " \
        f"address {proof['kms_root']}\n"


@pytest.mark.parametrize("form", range(4))
def test_a_root_is_named_by_its_public_key(abi_encode, form):
    key = key_forms(A)[form]
    for arguments, env in ((["--kms-root", key], TO_BRIDGE), ([], TO_BRIDGE | {"KMS_ROOTS": f"phala-base, {key}"}),
                           (["--kms-root", f"phala-base,{key}"], TO_BRIDGE)):
        answer = abi_encode("register", "--allow", *arguments, stdin=A, env=env)
        assert (answer.status, answer.stderr) == (DONE, naming(A))
        assert answer.documents == [*allow_requests(A), register_request(A)]
        answer = abi_encode("register", *arguments, stdin=B, env=env)
        assert answer.status == NO and answer.stdout == b"" and B["kms_root"] in answer.messages("error")[0]
    for command in ("add-kms-root", "remove-kms-root"):
        answer = abi_encode(command, key)
        assert (answer.status, answer.stderr) == (DONE, naming(A))
        assert answer.document == abi_encode(command, A["kms_root"]).check_done().document


def test_several_roots_in_one_option(abi_encode):
    both = abi_encode("register", "--kms-root", f"{A['kms_root']}, {B['kms_root']}", stdin=PROOFS).check_done()
    assert both.documents == [register_request(A), register_request(B)]
    mixed = abi_encode("register", "--kms-root", f"{A['kms_root']},{key_forms(B)[0]}", stdin=PROOFS)
    assert (mixed.status, mixed.stderr, mixed.documents) == (DONE, naming(B), both.documents)


@pytest.mark.parametrize("roots", [
    "", ",", " ", "phala-base,phala", f"{OTHER},0x12", "05" + "11" * 32, "02" + "ff" * 32, "04" + "11" * 64,
    key_forms(A)[0] + "00", key_forms(A)[2][:-2], A["kms_root"][2:], f"{OTHER};{OTHER}",
])
def test_what_is_no_list_of_roots(abi_encode, roots):
    """No root at all is none either: an empty variable must not come to mean that all are trusted."""
    abi_encode("register", "--kms-root", roots, stdin=A).check_error(BAD_INPUT, "--kms-root")
    abi_encode("add-kms-root", roots).check_error(BAD_INPUT, "<root>")
    if roots.strip():
        abi_encode("register", stdin=A, env=TO_BRIDGE | {"KMS_ROOTS": roots}).check_error(BAD_INPUT, "KMS_ROOTS")


def test_allow_asks_once_for_each_root_and_code(abi_encode):
    roots = [word for proof in PROOFS for word in ("--kms-root", proof["kms_root"])]
    labels = [each["label"] for each in
              abi_encode("register", "--allow", *roots, stdin=[A, A, B, A, B]).check_done().documents]
    allow, register = ["addKmsRoot", "addAllowedCode"], ["registerDstack"]
    assert labels == allow + register * 2 + allow + register * 3


def test_untrusted_roots_are_refused(abi_encode):
    others = TO_BRIDGE | {"KMS_ROOTS": B["kms_root"]}
    hopeful = TO_BRIDGE | {"KMS_ROOTS": A["kms_root"]}
    for arguments, env in (
        (["--allow"], TO_BRIDGE), (["--allow"], others), ([], others),
        (["--allow", "--kms-root", "phala-base"], TO_BRIDGE),
        (["--kms-root", B["kms_root"]], TO_BRIDGE),
        (["--allow", "--kms-root", B["kms_root"]], hopeful),  # the option replaces the environment
    ):
        answer = abi_encode("register", *arguments, stdin=A, env=env)
        answer.check_error(NO, A["kms_root"])
        assert A["kms_root"] in " ".join(answer.messages("hint"))


def test_app_id_filters(abi_encode):
    for own in (A["app_id"], "0x" + A["app_id"].upper()):
        assert abi_encode("register", "--app-id", own, stdin=A).check_done().document
    abi_encode("register", "--app-id", B["app_id"], stdin=A).check_error(NO, A["app_id"])


def test_a_flipped_bit_in_every_byte_of_a_proof_is_noticed(abi_encode):
    """In each byte one of its bits; the tests of the library flip all."""
    def refused(document: dict) -> bool:
        answer = abi_encode("register", stdin=document)
        return answer.status in (NO, BAD_INPUT) and answer.stdout == b"" and answer.messages("error") != []

    flips = dict(bit_flips(A))
    with ThreadPoolExecutor(2) as pool:
        accepted = [place for place, ok in zip(flips, pool.map(refused, flips.values())) if not ok]
    assert len(flips) > 280 and accepted == []


def recovered_root(proof: dict) -> str:
    """The root that a proof's last signature leads to, whatever the document says, by eth-keys."""
    chain = proof["dstack_proof"]
    issued = b"dstack-kms-issued:" + unhex(proof["code_id"])[:20] + unhex(chain["app_compressed_pubkey"])
    signature = keys.Signature(unhex(chain["kms_signature"]))
    return signature.recover_public_key_from_msg(issued).to_checksum_address()


@pytest.mark.parametrize("member, value", [
    ("code_id", B["code_id"]), ("dstack_proof.kms_signature", B["dstack_proof"]["kms_signature"]),
])
def test_a_tampered_proof_leads_to_no_root_but_a_strangers(abi_encode, member, value):
    """Any signature leads to some root, and a forger can name that one in the document: it is nobody's."""
    assert recovered_root(A) == A["kms_root"]
    tampered = changed(without(A, "app_id"), member, value)
    root = recovered_root(tampered)
    forged = changed(tampered, "kms_root", root)
    trusted = [word for proof in PROOFS for word in ("--kms-root", proof["kms_root"])]
    abi_encode("register", "--allow", *trusted, stdin=forged).check_error(NO, root)
    assert len(abi_encode("register", "--allow", "--kms-root", root, stdin=forged).check_done().documents) == 3


INNER = "dstack_proof."


@pytest.mark.parametrize("status, document", [
    (BAD_INPUT, without(A, "code_id")),
    (BAD_INPUT, without(A, "dstack_proof")),
    (BAD_INPUT, without(A, "kms_root")),
    *[(BAD_INPUT, without(A, INNER + member)) for member in A["dstack_proof"]],
    (BAD_INPUT, changed(A, "code_id", 7)),
    (BAD_INPUT, changed(A, "code_id", None)),
    (BAD_INPUT, changed(A, "code_id", [A["code_id"]])),
    (BAD_INPUT, changed(A, "code_id", A["code_id"][2:])),
    (BAD_INPUT, changed(A, "code_id", A["code_id"] + "00")),
    (BAD_INPUT, changed(A, "code_id", A["code_id"][:-1])),
    (BAD_INPUT, changed(A, "code_id", A["code_id"][:-1] + "g")),
    (BAD_INPUT, changed(A, "dstack_proof", "0x")),
    (BAD_INPUT, changed(A, INNER + "message_signature", A["dstack_proof"]["message_signature"][:-2])),
    (BAD_INPUT, changed(A, INNER + "derived_compressed_pubkey", "0x" + "02" * 32)),
    (BAD_INPUT, changed(A, INNER + "purpose", 5)),
    (BAD_INPUT, changed(A, "kms_root", 5)),
    (NO, changed(A, "kms_root", B["kms_root"])),
    (NO, changed(A, "member_id", B["member_id"])),
    (NO, changed(A, "app_id", B["app_id"])),
    (NO, changed(A, "derived_address", B["derived_address"])),
    (NO, changed(A, "code_id", A["code_id"][:-2] + "01")),
    (NO, changed(A, INNER + "purpose", "tls")),
    (NO, changed(A, INNER + "kms_signature", "")),
    (NO, changed(A, INNER + "derived_compressed_pubkey", "0x05" + "11" * 32)),
    (NO, changed(A, INNER + "app_signature", "0x" + "ff" * 65)),
    (NO, changed(A, INNER + "app_signature", "0x" + "00" * 65)),
])
def test_register_refuses(abi_encode, status, document):
    abi_encode("register", stdin=document).check_error(status)


TEXT = json.dumps(A)


@pytest.mark.parametrize("text", [
    TEXT[:-1], TEXT[: len(TEXT) // 2], "[" + TEXT[:-1], "{", "null", "7", '"0x"', "[[" + TEXT + "]]", "PROOF_JSON=" + TEXT, "{}", "\0",
    TEXT.replace('"code_id"', '"code_id": "0x00", "code_id"', 1),
    TEXT.replace('"purpose"', '"purpose": "ethereum", "purpose"', 1),
    TEXT.replace('"purpose"', '"\\u0070urpose": "ethereum", "purpose"', 1),
    TEXT.replace('"', "'"), TEXT.replace("}", ",}"), TEXT.replace("ethereum", "ether\neum"),
    "\ufeff\ufeff" + TEXT, '{"a":' * 5000, "[" * 5000,
])
def test_register_refuses_what_is_no_json(abi_encode, text):
    abi_encode("register", stdin=text).check_error(BAD_INPUT)


@pytest.mark.parametrize("text", [
    "[" + TEXT, "[" + TEXT + ",]", "[" + TEXT + "]]", "[" + TEXT + "] 7", TEXT + "}", TEXT + "\n{",
])
def test_register_refuses_what_follows_a_proof(abi_encode, text):
    answer = abi_encode("register", stdin=text)
    answer.check_error(BAD_INPUT, "line", prints=None)
    assert answer.documents in ([], [register_request(A)])


def test_register_refuses_what_is_not_utf_8(abi_encode):
    abi_encode("register", stdin=TEXT.encode().replace(b"ethereum", b"ether\xff")).check_error(BAD_INPUT)


def test_errors_name_the_line_and_the_member(abi_encode):
    bad = changed(B, "dstack_proof.app_signature", "0x12")
    lines = f"{json.dumps(A)}\n\n{json.dumps(bad)}\n"
    abi_encode("register", stdin=lines).check_error(BAD_INPUT, "line 3", "app_signature")
    twice = TEXT.replace('"purpose"', '"purpose": "ethereum", "purpose"', 1)
    abi_encode("register", stdin=twice).check_error(BAD_INPUT, "line 1", '"dstack_proof.purpose"')


def test_strangers_text_cannot_drive_the_terminal(abi_encode):
    for text in (TEXT.replace("ethereum", "\\u001b[31mred\\u202e\\u009b"),
                 '{"\\u001b[2J": 1, "\\u001b[2J": 2}',
                 json.dumps(changed(A, "kms_root", "\x1b]0;title\x07" * 9))):
        answer = abi_encode("register", stdin=text)
        assert answer.status in (NO, BAD_INPUT)
        answer.check_error(answer.status)
        assert not any(control in answer.stderr for control in "\x1b\x07\u202e\u009b")


# onboard


def sealed(content: bytes, **changes) -> dict:
    return {"from_member": A["member_id"], "to_member": B["member_id"], "payload": hexed(content)} | changes


@pytest.mark.parametrize("payloads", [[b""], [b"\x04" * 111, b"x"], [os.urandom(24_576)]])
def test_onboard(abi_encode, payloads):
    members = unhex(A["member_id"]), unhex(B["member_id"])
    answer = abi_encode("onboard", stdin=[sealed(each, extra=[1]) for each in payloads]).check_done()
    assert answer.documents == [
        request("onboard", CONTRACT.encode_abi("onboard", [*members, each])) for each in payloads]


@pytest.mark.parametrize("document", [
    without(sealed(b"x"), "from_member"), without(sealed(b"x"), "to_member"), without(sealed(b"x"), "payload"),
    sealed(b"x", payload="78"), sealed(b"x", payload="0x7"), sealed(b"x", payload=None),
    sealed(b"x", from_member="0x12"), sealed(b"x", to_member=12), sealed(b"x", to_member=B["member_id"][2:]),
])
def test_onboard_refuses(abi_encode, document):
    abi_encode("onboard", stdin=document).check_error(BAD_INPUT, "line 1")


# Allow-lists, deployment


@pytest.mark.parametrize("command, word, label, subject, question, answer", [
    ("add-kms-root", OTHER, "addKmsRoot", OTHER, "allowedKmsRoots", TRUE),
    ("add-kms-root", "phala-base", "addKmsRoot", PHALA_BASE, "allowedKmsRoots", TRUE),
    ("remove-kms-root", OTHER.lower(), "removeKmsRoot", OTHER, "allowedKmsRoots", FALSE),
    ("add-allowed-code", A["code_id"], "addAllowedCode", A["code_id"], "allowedCode", TRUE),
    ("add-allowed-code", A["app_id"], "addAllowedCode", A["code_id"], "allowedCode", TRUE),
    ("remove-allowed-code", "0x" + A["app_id"], "removeAllowedCode", A["code_id"], "allowedCode", FALSE),
])
def test_allow_lists(abi_encode, command, word, label, subject, question, answer):
    subject = subject if len(subject) == 42 else unhex(subject)
    expected = request(label, CONTRACT.encode_abi(label, [subject]))
    expected["unless"] = {"to": ADDRESS, "data": CONTRACT.encode_abi(question, [subject]), "equals": answer}
    assert abi_encode(command, word).check_done().document == expected


@pytest.mark.parametrize("arguments", [
    ["add-kms-root"], ["add-kms-root", "phala"], ["add-kms-root", "0x12"], ["add-kms-root", OTHER, OTHER],
    ["add-kms-root", OTHER.replace("aF", "Af")], ["add-allowed-code", "0x" + "00" * 21],
    ["add-allowed-code", ""], ["add-compose-hash", "0x" + "00" * 32], ["add-compose-hash", "--app", ADDRESS, "0x00"],
    *[["add-compose-hash", "--app", ADDRESS, word] for word in ("sha256:", "sha256:00", "sha512:" + "00" * 32)],
])
def test_allow_lists_refuse(abi_encode, arguments):
    abi_encode(*arguments).check_error(BAD_INPUT)


def test_compose_hash(abi_encode):
    hash_ = os.urandom(32)

    def call(function: str) -> str:
        return hexed(function_signature_to_4byte_selector(f"{function}(bytes32)") + hash_)

    for word in (hash_.hex(), hexed(hash_), "sha256:" + hash_.hex()):
        answer = abi_encode("add-compose-hash", "--app", OTHER, word, env={}).check_done()
        assert answer.document == request(
            "addComposeHash", call("addComposeHash"), call("allowedComposeHashes"), to=OTHER)


@pytest.mark.parametrize("roots", [[], [PHALA_BASE], [A["kms_root"], B["kms_root"]]])
def test_deploy(abi_encode, roots):
    arguments = encode(["address[]"], [roots])
    expected = {"label": "deploy", "data": ARTEFACT["bytecode"] + arguments.hex(), "value": "0x0"}
    word = f"[{', '.join(roots)}]"
    assert abi_encode("deploy", ARTEFACT_PATH, word, env={}).check_done().document == expected
    artefact = ARTEFACT_PATH.read_bytes()
    assert abi_encode("deploy", "-", word, env={}, stdin=artefact).check_done().document == expected


def test_deploy_with_arguments_by_name_and_in_json(abi_encode, tmp_path):
    expected = abi_encode("deploy", ARTEFACT_PATH, f"[{PHALA_BASE}]").check_done().document
    file = tmp_path / "arguments.json"
    file.write_text(json.dumps({"kmsRoots": [PHALA_BASE]}))
    by_name = "deploy", ARTEFACT_PATH, "--arg", f"kmsRoots=[{PHALA_BASE}]"
    for arguments in (by_name, ("deploy", ARTEFACT_PATH, "--args-json", file)):
        assert abi_encode(*arguments).check_done().document == expected
    named = abi_encode(*by_name, "--label", "bridge", "--id", "b-1").check_done().document
    assert named == expected | {"label": "bridge", "id": "b-1"}
    abi_encode(*by_name, "--value", "1").check_error(BAD_INPUT, '"deploy" is not payable')
    abi_encode("deploy", "-", "--args-json", "-", stdin=ARTEFACT_PATH.read_bytes()).check_error(
        BAD_INPUT, "standard input can be read only once")
    abi_encode("deploy", "-", "[7]", stdin=ARTEFACT_PATH.read_bytes()).check_error(BAD_INPUT, "argument 1 (kmsRoots[0])")
    abi_encode("deploy", "-", "[]", stdin="{}").check_error(BAD_INPUT, '"standard input": line 1: member "abi"')


@pytest.mark.parametrize("arguments, artefact", [
    ([], ARTEFACT), (["[]", "[]"], ARTEFACT), (["[0x12]"], ARTEFACT), (["[]"], without(ARTEFACT, "bytecode")),
    (["[]"], without(ARTEFACT, "abi")), (["[]"], ARTEFACT | {"bytecode": "0x12_lib_34"}),
    (["[]"], ARTEFACT | {"bytecode": "0x"}), (["[]"], {}), (["[]"], []),
])
def test_deploy_refuses(abi_encode, arguments, artefact):
    abi_encode("deploy", "-", *arguments, stdin=json.dumps(artefact)).check_error(BAD_INPUT)


# Settings and streams


def test_the_bridge_must_be_named(abi_encode):
    answer = abi_encode("register", stdin=A, env={})
    answer.check_error(BAD_INPUT)
    assert "--bridge" in answer.stderr and "BRIDGE_CONTRACT" in answer.stderr
    for wrong in ("0x12", ADDRESS[2:], ADDRESS.replace("D5", "d5"), "teebridge.eth"):
        abi_encode("register", stdin=A, env={"BRIDGE_CONTRACT": wrong}).check_error(BAD_INPUT)
        abi_encode("register", "--bridge", wrong, stdin=A).check_error(BAD_INPUT)


def test_the_option_goes_before_the_environment(abi_encode):
    assert abi_encode("register", "--bridge", OTHER.lower(), stdin=A).check_done().document["to"] == OTHER
    assert OTHER == to_checksum_address(OTHER)


def test_requests_come_as_soon_as_the_proofs_do():
    """Each line is printed when its proof has come, not when the input ends."""
    with running("abi-encode", "register", env=TO_BRIDGE, stdin=subprocess.PIPE) as process:
        for proof in PROOFS:
            process.stdin.write(json.dumps(proof).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == register_request(proof)


def test_a_closed_pipe_ends_it_quietly(tmp_path):
    many = tmp_path / "proofs"
    many.write_text((json.dumps(A) + "\n") * 2000)
    with running("abi-encode", "register", many, env=TO_BRIDGE) as process:
        assert process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        ended = finish("abi-encode", process)
    assert (ended.status, ended.stderr) == (BROKEN_PIPE, "")


def test_a_full_disk_is_an_error():
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([program_path("abi-encode"), "add-kms-root", OTHER], stdout=full,
                               stderr=subprocess.PIPE, env=ENVIRONMENT | TO_BRIDGE, timeout=10)
    assert ended.returncode == BAD_INPUT and b"no space left" in ended.stderr


def test_waiting_on_a_terminal_is_said():
    terminal, own = os.openpty()
    with running("abi-encode", "register", env=TO_BRIDGE, stdin=own) as process:
        assert process.stderr.readline().startswith(b"abi-encode: hint: ")
        os.write(terminal, json.dumps({}).encode() + b"\n\x04")
        assert process.wait(10) == BAD_INPUT
    os.close(terminal)
    os.close(own)
