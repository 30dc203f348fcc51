"""Writes mined-transactions.json: transactions of each type as a node shows them in a block, signed by eth-account.

    .build/venv/bin/python Tests/vectors/make-mined-vectors.py > Tests/vectors/mined-transactions.json
"""

import json

from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from eth_utils import keccak, to_checksum_address
from hexbytes import HexBytes

KEY = Account.from_key(keccak(text="a key of the vectors"))
TO = to_checksum_address("0x" + "35" * 20)
ACCESS = [{"address": TO, "storageKeys": ["0x" + "00" * 31 + "01", "0x" + "ff" * 32]}, {"address": KEY.address, "storageKeys": []}]
COMMON = {"chainId": 8453, "nonce": 300, "gas": 60_000, "to": TO, "value": 10**18, "data": b"\x01\x02\x00\xff"}
FEES = {"maxFeePerGas": 3 * 10**9, "maxPriorityFeePerGas": 10**6}


def authorization(nonce: int) -> dict:
    return KEY.sign_authorization({"chainId": 8453, "address": TO, "nonce": nonce})


CASES = {
    "legacy": COMMON | {"gasPrice": 10**9},
    "legacy creation": {key: value for key, value in COMMON.items() if key != "to"} | {"gasPrice": 10**9, "nonce": 0, "value": 0},
    "type 1": COMMON | {"type": 1, "gasPrice": 10**9, "accessList": ACCESS},
    "type 2": COMMON | FEES | {"type": 2},
    "type 2 with an access list": COMMON | FEES | {"type": 2, "accessList": ACCESS},
    "type 3": COMMON | FEES | {"type": 3, "accessList": ACCESS, "maxFeePerBlobGas": 7,
                              "blobVersionedHashes": ["0x01" + "ab" * 31, "0x01" + "cd" * 31]},
    "type 4": COMMON | FEES | {"type": 4, "accessList": ACCESS, "authorizationList": [authorization(301), authorization(0)]},
}


def shown(fields: dict, signed) -> dict:
    """What eth_getBlockByNumber has of it."""
    kind = fields.get("type", 0)
    result = {"type": hex(kind), "from": KEY.address.lower(), "to": None, "input": HexBytes(fields["data"]).to_0x_hex(),
              "v": hex(signed.v), "r": hex(signed.r), "s": hex(signed.s), "hash": signed.hash.to_0x_hex()}
    for name, value in fields.items():
        if name in ("type", "data"):
            continue
        result[name] = (hex(value) if isinstance(value, int) else value.lower() if name == "to" else value)
    if kind:
        result["yParity"] = hex(signed.v)
        result.setdefault("accessList", [])
    if "authorizationList" in fields:
        result["authorizationList"] = [
            {"chainId": hex(each.chain_id), "address": HexBytes(each.address).to_0x_hex(), "nonce": hex(each.nonce),
             "yParity": hex(each.y_parity), "r": hex(each.r), "s": hex(each.s)} for each in fields["authorizationList"]]
    return result


vectors = [{"name": name, "sender": KEY.address, "chainId": 8453, "nonce": fields["nonce"],
            "transaction": shown(fields, KEY.sign_transaction(fields))} for name, fields in CASES.items()]
print(json.dumps({"source": "eth-account, by make-mined-vectors.py", "vectors": vectors}, indent=1))
