"""Registers a member as scripts with web3.py do: one transaction after another, each waited for.

Arguments: the node URL, the bridge, a file with the proof; PRIVATE_KEY is the owner's.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Tests" / "contract"))

from eth_account import Account  # noqa: E402  (needs the path above)
from v1_abi import V1_ABI  # noqa: E402
from web3 import Web3  # noqa: E402

url, bridge, path = sys.argv[1:]
web3 = Web3(Web3.HTTPProvider(url))
account = Account.from_key(os.environ["PRIVATE_KEY"])
functions = web3.eth.contract(address=bridge, abi=V1_ABI).functions
proof = json.loads(Path(path).read_text())
links = proof["dstack_proof"]


def send(call) -> None:
    transaction = call.build_transaction({
        "from": account.address, "nonce": web3.eth.get_transaction_count(account.address), "gas": 500_000,
        "gasPrice": web3.eth.gas_price, "chainId": web3.eth.chain_id})
    signed = account.sign_transaction(transaction)
    receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(signed.raw_transaction))
    assert receipt["status"] == 1


if not functions.allowedKmsRoots(proof["kms_root"]).call():
    send(functions.addKmsRoot(proof["kms_root"]))
if not functions.allowedCode(proof["code_id"]).call():
    send(functions.addAllowedCode(proof["code_id"]))
if not functions.isMember(proof["member_id"]).call():
    send(functions.registerDstack(proof["code_id"], (
        *(links[name] for name in ("message_hash", "message_signature", "app_signature", "kms_signature",
                                   "derived_compressed_pubkey", "app_compressed_pubkey")), links["purpose"])))
