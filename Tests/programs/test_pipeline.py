"""Whole pipelines in a shell, as a user types them; web3 and eciespy judge what came of them."""

import json
import os
import shutil
import subprocess
import sys

import ecies
import pytest
from eth_utils import keccak
from web3.logs import STRICT

from bridge_v1 import ARTEFACT_PATH
from harness import BIN, ENVIRONMENT, NO, ROOT, Result, hexed, program_path, unhex
from proofs import PROOFS, VECTORS, changed, registration
from services import running_agent, running_chain
from v1_abi import V1_ABI

A, B = PROOFS
KEY_A = VECTORS["keys"]["derived"]
SECRET = "the secret between two ecosystems 🤝"
SUPPORT = ROOT / "Tests" / "support"


@pytest.fixture
def empty_chain():
    with running_chain() as chain:
        yield chain


@pytest.fixture
def shell(empty_chain, tmp_path):
    """Runs a line of a shell in a directory of its own, with the programs in its PATH and the owner's key in a file."""
    for name in ("abi-encode", "ecies-seal", "inbox-watch", "proof-extract", "proof-fetch", "tx-send"):
        program_path(name)
    key = tmp_path / "owner.key"
    key.write_text(empty_chain.owner.key.hex())
    key.chmod(0o600)
    bash = shutil.which("bash")

    def shell(line: str, **env: str) -> Result:
        settings = ENVIRONMENT | empty_chain.env | {"TEEBRIDGE_KEY": "file:owner.key", "PYTHON": sys.executable} | env
        settings["PATH"] = f"{BIN}:{os.environ['PATH']}"
        done = subprocess.run([bash, "-o", "pipefail", "-c", line], cwd=tmp_path, env=settings, capture_output=True,
                              timeout=120, stdin=subprocess.DEVNULL)
        return Result("bash", done.returncode, done.stdout, done.stderr.decode())

    return shell


def statuses(result: Result) -> list[str]:
    assert result.status == 0, result
    return [record["status"] for record in result.documents]


def deploy(chain, shell) -> None:
    record = shell(f"abi-encode deploy {ARTEFACT_PATH} '[]' | tx-send").document
    chain.bridge = chain.web3.eth.contract(address=record["contractAddress"], abi=V1_ABI)


def test_from_deployment_to_secret(empty_chain, shell, agents, tmp_path):
    chain = empty_chain
    deploy(chain, shell)
    view = chain.bridge.functions
    assert view.owner().call() == chain.owner.address

    # A's proof comes from its guest agent.
    first = chain.web3.eth.block_number
    register_a = (f"proof-fetch dstack:{agents[0].socket} | "
                  f"abi-encode register --allow --kms-root {A['kms_root']} | tx-send")
    assert statuses(shell(register_a)) == ["success"] * 3

    # B's comes from a console's log.
    (tmp_path / "b.json").write_text(json.dumps(B) + "\n")
    shell(f"$PYTHON {SUPPORT / 'serial-log'} --nul --cut < b.json > serial.log")
    register_b = f"proof-extract serial.log | abi-encode register --allow --kms-root {B['kms_root']} | tx-send"
    assert statuses(shell(register_b)) == ["success"] * 3

    for proof in PROOFS:
        assert view.allowedKmsRoots(proof["kms_root"]).call() is True
        assert view.allowedCode(proof["code_id"]).call() is True
        assert view.isMember(proof["member_id"]).call() is True
        code_id, pubkey, _ = view.getMember(proof["member_id"]).call()
        assert hexed(code_id) == proof["code_id"]
        assert hexed(pubkey) == proof["dstack_proof"]["derived_compressed_pubkey"]
        assert keccak(pubkey) == unhex(proof["member_id"])
    events = chain.bridge.events.MemberRegistered().get_logs(from_block=first)
    assert [hexed(event["args"]["memberId"]) for event in events] == [A["member_id"], B["member_id"]]

    # Nothing is done twice.
    block = chain.web3.eth.block_number
    for line in (register_a, register_b):
        assert statuses(shell(line)) == ["skipped"] * 3
    assert chain.web3.eth.block_number == block

    # B sends A a secret, and a stranger may put garbage beside it.
    send = (f"printf %s \"$SECRET\" | ecies-seal --from-member {B['member_id']} --to-member {A['member_id']} | "
            "abi-encode onboard | tx-send")
    record = shell(send, SECRET=SECRET).document
    receipt = chain.web3.eth.get_transaction_receipt(record["transactionHash"])
    [event] = chain.bridge.events.OnboardingPosted().process_receipt(receipt, STRICT)
    assert {name: hexed(value) for name, value in event["args"].items()} == {
        "toMember": A["member_id"], "fromMember": B["member_id"]}
    [(sender, payload)] = view.getOnboarding(A["member_id"]).call()
    assert hexed(sender) == B["member_id"] and ecies.decrypt(KEY_A, payload).decode() == SECRET
    chain.onboard(B["member_id"], A["member_id"], b"garbage")

    reading = shell("inbox-watch --once --key dstack:", **agents[0].env)
    assert reading.status == 0 and [each["payload"] for each in reading.documents] == [SECRET]
    text = shell("inbox-watch --once --format text --key dstack:", **agents[0].env).stdout.decode()
    assert text == f"ONBOARDING from={B['member_id'][2:]} payload={SECRET}\n"


def test_several_proofs_in_one_pipeline(empty_chain, shell, agents):
    deploy(empty_chain, shell)
    roots = f"KMS_ROOTS={A['kms_root']},{B['kms_root']}"
    line = f"proof-fetch {agents[0].url} {agents[1].url} | {roots} abi-encode register --allow | tx-send"
    assert statuses(shell(line)) == ["success"] * 6
    assert all(empty_chain.bridge.functions.isMember(proof["member_id"]).call() for proof in PROOFS)


def test_a_made_up_kms_root_gets_nowhere(empty_chain, shell, tmp_path):
    """The proof is sound; only its root is nobody's."""
    deploy(empty_chain, shell)
    block = empty_chain.web3.eth.block_number
    options = "--app-id", "00" * 20, "--kms-root", "11" * 32
    with running_agent(tmp_path / "stranger", *options) as stranger:
        fetch = f"proof-fetch dstack:{stranger.socket}"
        proof = shell(fetch).document
        assert proof["kms_root"] == stranger.kms_root
        trusted = f"abi-encode register --allow --kms-root {A['kms_root']}"
        assert shell(f"{fetch} | {trusted}").status == NO
        assert shell(f"{fetch} | {trusted} | tx-send").status != 0
        assert shell(f"{fetch} | {trusted} --kms-root phala-base | tx-send --dry-run").status != 0
        # Without --allow it is for the contract to refuse.
        refused = shell(f"{fetch} | abi-encode register | tx-send")
    assert refused.status == NO and refused.document["revert"]["name"] == "InvalidDstackSignature"
    assert empty_chain.web3.eth.block_number == block
    assert not empty_chain.bridge.functions.allowedKmsRoots(proof["kms_root"]).call()


def test_a_forged_document_costs_the_owner_nothing(empty_chain, shell, tmp_path):
    """A true root's name on a stranger's proof: the signatures are asked, not the document."""
    deploy(empty_chain, shell)
    block = empty_chain.web3.eth.block_number
    for member, value in (("kms_root", A["kms_root"]), ("code_id", A["code_id"]), ("member_id", A["member_id"])):
        (tmp_path / "forged.json").write_text(json.dumps(changed(B, member, value)))
        line = f"abi-encode register --allow --kms-root {A['kms_root']} forged.json"
        assert shell(line).status == NO
        assert shell(f"{line} | tx-send").status != 0
    assert empty_chain.web3.eth.block_number == block


def test_a_stranger_cannot_allow(empty_chain, shell, tmp_path):
    deploy(empty_chain, shell)
    (tmp_path / "a.json").write_text(json.dumps(A))
    (tmp_path / "stranger.key").write_text(empty_chain.stranger.key.hex())
    (tmp_path / "stranger.key").chmod(0o600)
    line = f"abi-encode register --allow --kms-root {A['kms_root']} a.json | tx-send --key file:stranger.key"
    refused = shell(line)
    assert refused.status == NO and refused.document["revert"]["name"] == "NotOwner"
    # Once the owner has allowed them, anybody may register.
    empty_chain.transact(empty_chain.bridge.functions.addKmsRoot(A["kms_root"]))
    empty_chain.transact(empty_chain.bridge.functions.addAllowedCode(A["code_id"]))
    assert statuses(shell(line)) == ["skipped", "skipped", "success"]
    assert statuses(shell(line)) == ["skipped"] * 3


def test_taking_off_the_lists(empty_chain, shell):
    deploy(empty_chain, shell)
    view = empty_chain.bridge.functions
    empty_chain.transact(view.addKmsRoot(A["kms_root"]))
    empty_chain.transact(view.addAllowedCode(A["code_id"]))
    for remove, add, word, question in (
        ("remove-kms-root", "add-kms-root", A["kms_root"], view.allowedKmsRoots(A["kms_root"])),
        ("remove-allowed-code", "add-allowed-code", A["app_id"], view.allowedCode(A["code_id"])),
    ):
        for command, status, allowed in (
            (remove, "success", False), (remove, "skipped", False), (add, "success", True), (add, "skipped", True)
        ):
            assert statuses(shell(f"abi-encode {command} {word} | tx-send")) == [status]
            assert question.call() is allowed


def test_sealing_for_a_member_that_web3_registered(empty_chain, shell, tmp_path):
    """Programs and other clients of the same contract may take turns."""
    empty_chain.deploy([A["kms_root"]])
    empty_chain.transact(empty_chain.bridge.functions.addAllowedCode(A["code_id"]))
    empty_chain.transact(empty_chain.bridge.functions.registerDstack(*registration(A)))
    member = A["member_id"]
    seal = f"head -c 5000 /dev/urandom | tee plain | ecies-seal --from-member {member} --to-member {member}"
    assert statuses(shell(f"{seal} | abi-encode onboard | tx-send")) == ["success"]
    reading = shell("inbox-watch --once", PRIVATE_KEY=KEY_A, TEEBRIDGE_KEY="")
    assert reading.document["payload_hex"] == hexed((tmp_path / "plain").read_bytes())
