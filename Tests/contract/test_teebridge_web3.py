"""The committed artefact beside its source, and driven as a version 1 client does:
with web3, the ABI of version 1 and eciespy, on a chain of blocks and receipts."""

import subprocess
import sys

import ecies
import pytest
from web3 import EthereumTesterProvider, Web3
from web3.logs import STRICT

from bridge import ARTEFACT, CONTRACTS
from v1_abi import V1_ABI

SECRET = "the secret between two ecosystems"
DERIVED_KEY = "7b286f85a71632fa602f62e02f4871c16d05de666a93e6820457ad7ec5198009"


@pytest.fixture(scope="module")
def web3() -> Web3:
    return Web3(EthereumTesterProvider())


def transact(web3: Web3, call):
    receipt = web3.eth.wait_for_transaction_receipt(call.transact())
    assert receipt["status"] == 1
    return receipt


def test_version_1_client(web3, proofs):
    web3.eth.default_account = web3.eth.accounts[0]
    factory = web3.eth.contract(abi=V1_ABI, bytecode=ARTEFACT["bytecode"])
    receipt = transact(web3, factory.constructor([]))
    bridge = web3.eth.contract(address=receipt["contractAddress"], abi=V1_ABI)

    for proof in proofs:
        transact(web3, bridge.functions.addKmsRoot(proof.kms_root))
        transact(web3, bridge.functions.addAllowedCode(proof.code_id))
        receipt = transact(web3, bridge.functions.registerDstack(proof.code_id, proof.tuple))
        [event] = bridge.events.MemberRegistered().process_receipt(receipt, STRICT)
        assert event["args"] == {"memberId": proof.member_id, "codeId": proof.code_id,
                                 "pubkey": proof.derived_pubkey}

    recipient, sender = proofs
    _, pubkey, _ = bridge.functions.getMember(recipient.member_id).call()
    sealed = ecies.encrypt(pubkey.hex(), SECRET.encode())
    receipt = transact(
        web3, bridge.functions.onboard(sender.member_id, recipient.member_id, sealed)
    )
    [event] = bridge.events.OnboardingPosted().process_receipt(receipt, STRICT)
    assert event["args"] == {"toMember": recipient.member_id, "fromMember": sender.member_id}

    [(author, payload)] = bridge.functions.getOnboarding(recipient.member_id).call()
    assert author == sender.member_id
    assert ecies.decrypt(DERIVED_KEY, payload).decode() == SECRET


def test_artefact_is_what_the_source_compiles_to():
    subprocess.run([sys.executable, CONTRACTS / "compile.py", "--check"], check=True)


def test_check_tells_a_stale_artefact(tmp_path):
    for name in ("compile.py", "TEEBridge.vy", "TEEBridge.json"):
        (tmp_path / name).write_bytes((CONTRACTS / name).read_bytes())
    source = tmp_path / "TEEBridge.vy"
    source.write_text(source.read_text().replace('"bad sig len"', '"sig bad len"'))
    check = [sys.executable, tmp_path / "compile.py", "--check"]
    assert subprocess.run(check, stderr=subprocess.PIPE).returncode == 1
    subprocess.run(check[:-1], check=True)
    artefact = (tmp_path / "TEEBridge.json").read_text()
    assert b"sig bad len".hex() in artefact and b"bad sig len".hex() not in artefact
