"""The bridge as a version 1 client sees it, on the in-process machine.

Proofs come from published vectors, or from made-up keys signed by eth-keys.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path

from eth_abi import decode, encode
from eth_keys import keys
from eth_utils import keccak, to_checksum_address
from eth_utils.abi import get_abi_output_types
from web3 import Web3

from evm import Evm, Result
from v1_abi import ADDED_ABI, V1_ABI

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
ARTEFACT = json.loads((CONTRACTS / "TEEBridge.json").read_text())

OWNER = to_checksum_address("0x" + "a1" * 20)
STRANGER = to_checksum_address("0x" + "b2" * 20)
CONTRACT = Web3().eth.contract(abi=V1_ABI + ADDED_ABI)
ABI_OF = {entry.get("name"): entry for entry in V1_ABI + ADDED_ABI}

SIGNATURE_FIELDS = ("message_signature", "app_signature", "kms_signature")
PUBKEY_FIELDS = ("derived_pubkey", "app_pubkey")


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@dataclass(frozen=True)
class Proof:
    """A registration proof in raw bytes; the fields of the ABI's tuple come first."""

    message_hash: bytes
    message_signature: bytes
    app_signature: bytes
    kms_signature: bytes
    derived_pubkey: bytes
    app_pubkey: bytes
    purpose: str
    code_id: bytes
    kms_root: str

    @classmethod
    def from_document(cls, document: dict) -> "Proof":
        *links, purpose = document["dstack_proof"].values()
        return cls(*map(unhex, links), purpose, unhex(document["code_id"]),
                   document["kms_root"])

    @classmethod
    def made_up(cls, seed: int, purpose: str = "ethereum") -> "Proof":
        """A chain of made-up keys, signed by eth-keys alone."""
        root, app, derived = (
            keys.PrivateKey(keccak(text=f"{name} {seed}")) for name in ("root", "app", "derived")
        )
        app_id, message_hash = keccak(text=f"id {seed}")[:20], keccak(text=f"message {seed}")
        app_pubkey = app.public_key.to_compressed_bytes()
        derived_pubkey = derived.public_key.to_compressed_bytes()
        eip191 = keccak(b"\x19Ethereum Signed Message:\n32" + message_hash)
        claim = keccak(text=f"{purpose}:{derived_pubkey.hex()}")
        issue = keccak(b"dstack-kms-issued:" + app_id + app_pubkey)
        return cls(
            message_hash, *(key.sign_msg_hash(digest).to_bytes() for key, digest in
                            ((derived, eip191), (app, claim), (root, issue))),
            derived_pubkey, app_pubkey, purpose, app_id + bytes(12),
            root.public_key.to_checksum_address(),
        )

    @property
    def member_id(self) -> bytes:
        return keccak(self.derived_pubkey)

    @property
    def tuple(self) -> tuple:
        return tuple(getattr(self, field.name) for field in fields(self)[:7])


class Bridge:
    def __init__(self, evm: Evm, deployment: Result):
        self.evm = evm
        self.deployment = deployment
        self.address = deployment.contract

    @classmethod
    def deploy(cls, *roots: str) -> "Bridge":
        evm = Evm([OWNER, STRANGER])
        arguments = encode(["address[]"], [roots])
        creation = unhex(ARTEFACT["bytecode"]) + arguments
        deployment = evm.send(OWNER, b"", creation)
        assert deployment.success
        return cls(evm, deployment)

    def send(self, name: str, *arguments, sender: str = STRANGER, **options) -> Result:
        """Call a function in a transaction."""
        data = unhex(CONTRACT.encode_abi(name, list(arguments)))
        return self.evm.send(sender, self.address, data, **options)

    def ask(self, name: str, *arguments) -> Result:
        """Call a function without consequences."""
        data = unhex(CONTRACT.encode_abi(name, list(arguments)))
        return self.evm.call(STRANGER, self.address, data)

    def read(self, name: str, *arguments):
        """The decoded answer of a function: a tuple if there are several outputs."""
        result = self.ask(name, *arguments)
        assert result.success, result.output
        values = decode(get_abi_output_types(ABI_OF[name]), result.output)
        return values[0] if len(values) == 1 else values

    def register(self, proof: Proof, **options) -> Result:
        return self.send("registerDstack", proof.code_id, proof.tuple, **options)

    def try_to_register(self, proof: Proof) -> Result:
        return self.ask("registerDstack", proof.code_id, proof.tuple)

    def slot(self, number: int) -> bytes:
        return self.evm.storage(self.address, number).to_bytes(32, "big")
