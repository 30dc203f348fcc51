"""The bridge's ABI beside that of version 1, its deployment and its owner's functions."""

import pytest
from eth_abi import encode
from eth_utils import keccak, to_canonical_address
from eth_utils.abi import function_abi_to_4byte_selector

from bridge import ABI_OF, ARTEFACT, OWNER, STRANGER, Bridge

SELECTORS = {
    "registerDstack": "8dcb6d9e", "onboard": "983895bf", "getMember": "dc4b93a1",
    "isMember": "511bcee5", "getOnboarding": "762e99ca", "addKmsRoot": "77a35f6c",
    "removeKmsRoot": "1620d718", "addAllowedCode": "8ac6f810",
    "removeAllowedCode": "8fcebb6e", "allowedKmsRoots": "12c604da",
    "allowedCode": "b78d9c13", "owner": "8da5cb5b",
}
NOT_OWNER = bytes.fromhex("30cd7471")
OWNER_FUNCTIONS = {
    "addKmsRoot": "585e8a3ab07986be1f7e3a3c9681819f53ad36480f4cad0406a5f56e59a06b68",
    "removeKmsRoot": "9b93bd469da5933605a62ef2c8d68363c7fdb759762408fd4d7e0eba7df5be90",
    "addAllowedCode": "baf1dd09c46aa1915ee39b17661d7a579d3eb6d40ad29ae7027080f7a95a5596",
    "removeAllowedCode": "2546fc2f6af297a8c360e3b9ffa0f36beace497a1701a33aa8032e5060160a5d",
}


@pytest.mark.parametrize("name", SELECTORS)
def test_selector_is_that_of_version_1(name):
    compiled = next(entry for entry in ARTEFACT["abi"] if entry.get("name") == name)
    assert function_abi_to_4byte_selector(compiled).hex() == SELECTORS[name]
    assert function_abi_to_4byte_selector(ABI_OF[name]).hex() == SELECTORS[name]


@pytest.mark.parametrize("name", SELECTORS)
def test_compiled_abi_agrees_with_version_1(name):
    compiled = next(entry for entry in ARTEFACT["abi"] if entry.get("name") == name)
    expected = ABI_OF[name]
    assert compiled["stateMutability"] == expected["stateMutability"]
    for direction in ("inputs", "outputs"):
        assert [p["type"] for p in compiled[direction]] == [p["type"] for p in expected[direction]]


def test_artefact_names_every_error():
    errors = {entry["name"] for entry in ARTEFACT["abi"] if entry["type"] == "error"}
    assert errors == {"NotOwner", "CodeNotAllowed", "AlreadyRegistered", "MemberNotFound",
                      "InvalidDstackSignature"}


def test_unknown_calls_and_ether_are_refused(bridge):
    for data in (b"", b"\x8d", bytes(4), bytes.fromhex(SELECTORS["addKmsRoot"])):
        assert not bridge.evm.send(OWNER, bridge.address, data).success
    assert not bridge.evm.send(OWNER, bridge.address, value=1).success
    assert not bridge.send("addAllowedCode", bytes(32), sender=OWNER, value=1).success


def test_deployment(proofs):
    roots = [proof.kms_root for proof in proofs]
    bridge = Bridge.deploy(*roots)
    assert to_canonical_address(bridge.read("owner")) == to_canonical_address(OWNER)
    assert all(bridge.read("allowedKmsRoots", root) for root in roots)
    assert not bridge.read("allowedKmsRoots", STRANGER)
    assert [log.topics[1][12:] for log in bridge.deployment.logs] == [
        to_canonical_address(root) for root in roots
    ]
    assert len(bridge.evm.code(bridge.address)) < 24576


@pytest.mark.parametrize("name", OWNER_FUNCTIONS)
def test_owner_function(bridge, name):
    item = STRANGER if name.endswith("Root") else keccak(text="code")
    getter = "allowedKmsRoots" if name.endswith("Root") else "allowedCode"
    refused = bridge.send(name, item, sender=STRANGER)
    assert (refused.success, refused.output, refused.logs) == (False, NOT_OWNER, [])

    result = bridge.send(name, item, sender=OWNER)
    assert result.success
    [log] = result.logs
    word = encode(["address" if name.endswith("Root") else "bytes32"], [item])
    assert log.topics == [bytes.fromhex(OWNER_FUNCTIONS[name]), word]
    assert log.data == b""
    assert bridge.read(getter, item) is name.startswith("add")
