"""The ABI of TEEBridge, written by hand from the signatures of version 1.

It encodes every call and decodes every answer of the contract tests, so nothing in
them rests on the ABI that our own compiler prints.
"""

TUPLES = {
    "DstackProof": ("tuple",
                    "bytes32 messageHash, bytes messageSignature, bytes appSignature,"
                    "bytes kmsSignature, bytes derivedCompressedPubkey,"
                    "bytes appCompressedPubkey, string purpose"),
    "OnboardMsg[]": ("tuple[]", "bytes32 fromMember, bytes encryptedPayload"),
}


def _parameters(text: str) -> list[dict]:
    """ABI parameters from "type name, indexed type name"."""
    return [_parameter(*part.split()) for part in text.split(",") if part.strip()]


def _parameter(*words: str) -> dict:
    *indexed, kind, name = words
    parameter = {"name": name, "type": kind, "indexed": bool(indexed)}
    if kind in TUPLES:
        parameter["type"], components = TUPLES[kind]
        parameter["components"] = _parameters(components)
    return parameter


def _function(name: str, inputs: str, outputs: str = "", mutability: str = "view") -> dict:
    return {"type": "function", "name": name, "stateMutability": mutability,
            "inputs": _parameters(inputs), "outputs": _parameters(outputs)}


def _event(name: str, inputs: str) -> dict:
    return {"type": "event", "name": name, "anonymous": False, "inputs": _parameters(inputs)}


V1_ABI = [
    {"type": "constructor", "stateMutability": "nonpayable",
     "inputs": _parameters("address[] kmsRoots")},
    _function("registerDstack", "bytes32 codeId, DstackProof proof", "bytes32 memberId",
              "nonpayable"),
    _function("onboard", "bytes32 fromMemberId, bytes32 toMemberId, bytes encryptedPayload",
              mutability="nonpayable"),
    _function("getMember", "bytes32 memberId",
              "bytes32 codeId, bytes pubkey, uint256 registeredAt"),
    _function("isMember", "bytes32 memberId", "bool answer"),
    _function("getOnboarding", "bytes32 memberId", "OnboardMsg[] messages"),
    _function("addKmsRoot", "address root", mutability="nonpayable"),
    _function("removeKmsRoot", "address root", mutability="nonpayable"),
    _function("addAllowedCode", "bytes32 codeId", mutability="nonpayable"),
    _function("removeAllowedCode", "bytes32 codeId", mutability="nonpayable"),
    _function("allowedKmsRoots", "address root", "bool answer"),
    _function("allowedCode", "bytes32 codeId", "bool answer"),
    _function("owner", "", "address owner"),
    _event("MemberRegistered", "indexed bytes32 memberId, indexed bytes32 codeId, bytes pubkey"),
    _event("OnboardingPosted", "indexed bytes32 toMember, indexed bytes32 fromMember"),
    _event("AllowedCodeAdded", "indexed bytes32 codeId"),
    _event("AllowedCodeRemoved", "indexed bytes32 codeId"),
    _event("KmsRootAdded", "indexed address root"),
    _event("KmsRootRemoved", "indexed address root"),
]

ADDED_ABI = [
    _function("onboardingCount", "bytes32 memberId", "uint256 count"),
    _function("onboardingMessage", "bytes32 memberId, uint256 index",
              "bytes32 fromMember, bytes encryptedPayload"),
]
