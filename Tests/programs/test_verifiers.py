"""The second version of the bridge, whose members come by way of verifier contracts."""

from pathlib import Path

import pytest
import vyper
from eth_abi import encode
from eth_utils import function_signature_to_4byte_selector as selector

from harness import BAD_INPUT, NO, hexed, run, unhex
from proofs import PROOFS, registration

CONTRACTS = Path(__file__).parent / "contracts"
A, B = PROOFS
ROOTS = [word for proof in PROOFS for word in ("--kms-root", proof["kms_root"])]
PROOF = "(bytes32,bytes,bytes,bytes,bytes,bytes,string)"
TRUE, FALSE = (hexed(encode(["bool"], [answer])) for answer in (True, False))


@pytest.fixture(scope="module")
def compiled():
    """The bytecode of the two contracts."""
    return {name: vyper.compile_code((CONTRACTS / f"{name}.vy").read_text(), output_formats=["abi", "bytecode"])
            for name in ("VerifyingBridge", "DstackVerifier")}


class Verified:
    """A bridge with verifiers and the dstack verifier, of the chain's first account."""

    def __init__(self, chain, compiled):
        self.bridge, self.verifier = (
            chain.create(each["abi"], each["bytecode"]) for each in compiled.values())
        self.env = chain.env | {"BRIDGE_CONTRACT": self.bridge}

    def encode(self, *args, stdin=b""):
        return run("abi-encode", *args, env=self.env, stdin=stdin).check_done().documents

    def register(self, *args, proofs=PROOFS):
        return self.encode("register", "--verifier", self.verifier, *args, stdin=proofs)


@pytest.fixture
def verified(chain, compiled):
    return Verified(chain, compiled)


def request(label, to, data, unless, answer=TRUE):
    return {"label": label, "to": to, "data": hexed(data), "value": "0x0",
            "unless": {"to": to, "data": hexed(unless), "equals": answer}}


def call(signature: str, kind: str, value) -> bytes:
    return selector(signature) + encode([kind], [value])


def register_request(verified, proof: dict) -> dict:
    inner = encode(["bytes32", PROOF], registration(proof))
    data = selector("register(address,bytes)") + encode(["address", "bytes"], [verified.verifier, inner])
    return request("register", verified.bridge, data, call("isMember(bytes32)", "bytes32", unhex(proof["member_id"])))


def test_requests_are_as_eth_abi_encodes_them(verified):
    assert verified.register() == [register_request(verified, proof) for proof in PROOFS]
    bridge, verifier = verified.bridge, verified.verifier
    add = request("addVerifier", bridge, call("addVerifier(address)", "address", verifier),
                  call("allowedVerifiers(address)", "address", verifier))
    expected = [add]
    for proof in PROOFS:
        root, code = proof["kms_root"], unhex(proof["code_id"])
        expected += [
            request("addKmsRoot", verifier, call("addKmsRoot(address)", "address", root),
                    call("allowedKmsRoots(address)", "address", root)),
            request("addAllowedCode", bridge, call("addAllowedCode(bytes32)", "bytes32", code),
                    call("allowedCode(bytes32)", "bytes32", code)),
            register_request(verified, proof),
        ]
    assert verified.register("--allow", *ROOTS) == expected
    assert verified.encode("add-verifier", verifier) == [add]
    assert verified.encode("remove-verifier", verifier) == [
        request("removeVerifier", bridge, call("removeVerifier(address)", "address", verifier),
                call("allowedVerifiers(address)", "address", verifier), FALSE)]


def test_members_come_by_way_of_the_verifier(verified, owner_key):
    requests = verified.register("--allow", *ROOTS)
    records = run("tx-send", "--key", owner_key, env=verified.env, stdin=requests).check_sent().documents
    events = [event["name"] for record in records for event in record["events"]]
    assert events == ["VerifierAdded", *["KmsRootAdded", "AllowedCodeAdded", "MemberRegistered"] * 2]
    registered = records[-1]["events"][0]["args"]
    assert registered["memberId"] == B["member_id"] and registered["verifier"] == verified.verifier
    assert registered["userData"] == hexed(b"quote")
    again = run("tx-send", "--key", owner_key, env=verified.env, stdin=requests).check_done().documents
    assert [record["status"] for record in again] == ["skipped"] * 7
    for proof in PROOFS:
        run("ecies-seal", "--to-member", proof["member_id"], env=verified.env, stdin=b"text").check_done()


def test_what_the_contracts_refuse_is_named(verified, owner_key):
    def send(requests):
        return run("tx-send", "--key", owner_key, env=verified.env, stdin=requests)

    [register] = verified.register(proofs=[A])
    send(register).check_error(NO, "VerifierNotAllowed", prints=None)
    send(verified.encode("add-verifier", verified.verifier)).check_sent()
    send(register).check_error(NO, "InvalidDstackSignature", prints=None)
    run("ecies-seal", "--to-member", A["member_id"], env=verified.env, stdin=b"x").check_error(NO, "not a member")
    removed = send(verified.encode("remove-verifier", verified.verifier)).check_sent().document
    assert [event["name"] for event in removed["events"]] == ["VerifierRemoved"]
    send(register).check_error(NO, "VerifierNotAllowed", prints=None)


def test_a_root_that_is_not_trusted_is_allowed_by_no_verifier(verified):
    refused = run("abi-encode", "register", "--verifier", verified.verifier, "--allow", "--kms-root", A["kms_root"],
                  env=verified.env, stdin=B)
    refused.check_error(NO, B["kms_root"])
    run("abi-encode", "register", "--verifier", "dstack", env=verified.env, stdin=A).check_error(BAD_INPUT)
