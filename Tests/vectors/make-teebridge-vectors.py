#!/usr/bin/env python3
"""Makes teebridge.json: what the TEEBridge contracts are called with and what they say back, as eth-abi encodes it.

The signatures are those of the contracts' own sources (facts, not code); selectors and topics are their Keccak-256.
Deterministic: the same eth-abi writes the same file. Run it from this folder with the test environment's Python.
"""

import json
from pathlib import Path

import eth_abi
from eth_utils import keccak

HERE = Path(__file__).parent
PROOF = "(bytes32,bytes,bytes,bytes,bytes,bytes,string)"
MESSAGES = "(bytes32,bytes)[]"
VERIFIER = "0x" + 20 * "77"

# Name, types of the arguments, types of the results.
FUNCTIONS = [
    ("registerDstack", ["bytes32", PROOF], ["bytes32"]),
    ("onboard", ["bytes32", "bytes32", "bytes"], []),
    ("getMember", ["bytes32"], ["bytes32", "bytes", "uint256"]),
    ("isMember", ["bytes32"], ["bool"]),
    ("getOnboarding", ["bytes32"], [MESSAGES]),
    ("onboardingCount", ["bytes32"], ["uint256"]),
    ("onboardingMessage", ["bytes32", "uint256"], ["bytes32", "bytes"]),
    ("addKmsRoot", ["address"], []),
    ("removeKmsRoot", ["address"], []),
    ("allowedKmsRoots", ["address"], ["bool"]),
    ("addAllowedCode", ["bytes32"], []),
    ("removeAllowedCode", ["bytes32"], []),
    ("allowedCode", ["bytes32"], ["bool"]),
    ("owner", [], ["address"]),
    ("register", ["address", "bytes"], ["bytes32"]),
    ("getMember", ["bytes32"], ["bytes32", "address", "bytes", "bytes", "uint256"]),
    ("addVerifier", ["address"], []),
    ("removeVerifier", ["address"], []),
    ("allowedVerifiers", ["address"], ["bool"]),
    ("addComposeHash", ["bytes32"], []),
    ("allowedComposeHashes", ["bytes32"], ["bool"]),
]

# Name, types and names of the indexed values, types and names of the others; in the order of the declaration.
EVENTS = [
    ("MemberRegistered", [("bytes32", "memberId"), ("bytes32", "codeId")], [("bytes", "pubkey")]),
    (
        "MemberRegistered",
        [("bytes32", "memberId"), ("bytes32", "codeId"), ("address", "verifier")],
        [("bytes", "pubkey"), ("bytes", "userData")],
    ),
    ("OnboardingPosted", [("bytes32", "toMember"), ("bytes32", "fromMember")], []),
    ("AllowedCodeAdded", [("bytes32", "codeId")], []),
    ("AllowedCodeRemoved", [("bytes32", "codeId")], []),
    ("KmsRootAdded", [("address", "root")], []),
    ("KmsRootRemoved", [("address", "root")], []),
    ("VerifierAdded", [("address", "verifier")], []),
    ("VerifierRemoved", [("address", "verifier")], []),
    ("ComposeHashAdded", [], [("bytes32", "composeHash")]),
    ("ComposeHashRemoved", [], [("bytes32", "composeHash")]),
]

ERRORS = [
    ("NotOwner", [], []),
    ("CodeNotAllowed", [], []),
    ("AlreadyRegistered", [], []),
    ("MemberNotFound", [], []),
    ("InvalidDstackSignature", [], []),
    ("VerifierNotAllowed", [], []),
    ("OwnableUnauthorizedAccount", ["address"], [20 * b"\xab"]),
]


def hexed(data: bytes) -> str:
    return "0x" + data.hex()


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def signature(name: str, types: list[str]) -> str:
    return f"{name}({','.join(types)})"


def selector(name: str, types: list[str]) -> bytes:
    return keccak(text=signature(name, types))[:4]


def calldata(name: str, *arguments) -> str:
    types = next(types for function, types, _ in FUNCTIONS if function == name)
    return hexed(selector(name, types) + eth_abi.encode(types, arguments))


def call(name: str, *arguments, unless: str | None = None, subject=None, answer: bool = True) -> dict:
    """A request: its calldata, and the question and the answer that make it needless."""
    request = {"label": name, "data": calldata(name, *arguments)}
    if unless:
        request["unless"] = {"data": calldata(unless, subject), "equals": hexed(eth_abi.encode(["bool"], [answer]))}
    return request


def arguments(proof: dict) -> tuple:
    """What registerDstack takes, and the dstack verifier as encoded bytes."""
    parts = proof["dstack_proof"]
    names = ["message_hash", "message_signature", "app_signature", "kms_signature"]
    keys = ["derived_compressed_pubkey", "app_compressed_pubkey"]
    values = tuple(raw(parts[name]) for name in names + keys) + (parts["purpose"],)
    return raw(proof["code_id"]), values


def registration(proof: dict) -> dict:
    return call("registerDstack", *arguments(proof), unless="isMember", subject=raw(proof["member_id"]))


def verified_registration(proof: dict) -> dict:
    """The same for the second version, whose verifier the requests below allow."""
    encoded = eth_abi.encode(["bytes32", PROOF], arguments(proof))
    return call("register", VERIFIER, encoded, unless="isMember", subject=raw(proof["member_id"]))


def requests() -> list[dict]:
    """One of each kind that the programs make, with the words that they are made of."""
    word, other, root = 32 * b"\x11", 32 * b"\x22", hexed(20 * b"\x33")
    payload = bytes(range(100))
    result = [call("onboard", word, other, payload)]
    for name, answer in [("addKmsRoot", True), ("removeKmsRoot", False)]:
        result.append(call(name, root, unless="allowedKmsRoots", subject=root, answer=answer))
    for name, answer in [("addAllowedCode", True), ("removeAllowedCode", False)]:
        result.append(call(name, word, unless="allowedCode", subject=word, answer=answer))
    for name, answer in [("addVerifier", True), ("removeVerifier", False)]:
        result.append(call(name, VERIFIER, unless="allowedVerifiers", subject=VERIFIER, answer=answer))
    return [*result, call("addComposeHash", word, unless="allowedComposeHashes", subject=word)]


def sample(kind: str, seed: int):
    return {
        "bytes32": 32 * bytes([seed]), "address": hexed(20 * bytes([seed])), "bytes": bytes(range(seed)),
    }[kind]


def shown(value) -> str:
    """A value as records have it, but that addresses are in lower case."""
    return value if isinstance(value, str) else hexed(value)


def event(name: str, indexed: list, plain: list) -> dict:
    types = [kind for kind, _ in indexed + plain]
    values = [sample(kind, 33 + place) for place, kind in enumerate(types)]
    topics = [keccak(text=signature(name, types))]
    topics += [eth_abi.encode([kind], [value]) for kind, value in zip(types, values[: len(indexed)], strict=False)]
    data = eth_abi.encode(types[len(indexed) :], values[len(indexed) :])
    return {
        "name": name,
        "signature": signature(name, types),
        "topics": [hexed(topic) for topic in topics],
        "data": hexed(data),
        "args": {title: shown(value) for (_, title), value in zip(indexed + plain, values, strict=True)},
    }


def answers(proof: dict) -> dict:
    """What the views return about a member, about none, and for an inbox of two."""
    key = raw(proof["dstack_proof"]["derived_compressed_pubkey"])
    inbox = [(32 * b"\x44", b"first"), (32 * b"\x55", bytes(range(200)))]
    member_types = ["bytes32", "bytes", "uint256"]
    types_v2 = ["bytes32", "address", "bytes", "bytes", "uint256"]
    return {
        "member_id": proof["member_id"],
        "key": hexed(key),
        "getMember": hexed(eth_abi.encode(member_types, [raw(proof["code_id"]), key, 1_700_000_000])),
        "getMember_absent": hexed(eth_abi.encode(member_types, [bytes(32), b"", 0])),
        "getMemberV2": hexed(
            eth_abi.encode(types_v2, [raw(proof["code_id"]), VERIFIER, key, b"user data", 1_700_000_000])
        ),
        "getMemberV2_absent": hexed(eth_abi.encode(types_v2, [bytes(32), "0x" + 20 * "00", b"", b"", 0])),
        "getOnboarding": hexed(eth_abi.encode([MESSAGES], [inbox])),
        "getOnboarding_empty": hexed(eth_abi.encode([MESSAGES], [[]])),
        "onboardingMessage": [hexed(eth_abi.encode(["bytes32", "bytes"], message)) for message in inbox],
        "inbox": [{"from": hexed(sender), "payload": hexed(payload)} for sender, payload in inbox],
    }


def main() -> None:
    proofs = [entry["proof"] for entry in json.loads((HERE / "dstack-chains.json").read_text())["proofs"]]
    document = {
        "source": "eth-abi, by make-teebridge-vectors.py",
        "functions": [
            {"signature": signature(name, types), "selector": hexed(selector(name, types)), "returns": results}
            for name, types, results in FUNCTIONS
        ],
        "errors": [
            {"signature": signature(name, types), "data": hexed(selector(name, types) + eth_abi.encode(types, values))}
            for name, types, values in ERRORS
        ],
        "events": [event(*declaration) for declaration in EVENTS],
        "registrations": [registration(proof) for proof in proofs],
        "verified_registrations": [verified_registration(proof) for proof in proofs],
        "requests": requests(),
        "answers": answers(proofs[0]),
    }
    (HERE / "teebridge.json").write_text(json.dumps(document, indent=1) + "\n")


main()
