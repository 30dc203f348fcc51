#!/usr/bin/env python3
"""Makes artefacts.json: one small contract, in the documents of the tools that compile, keep and explain contracts.

Each document has the members that its tool's documentation or source shows, cut down to what stands near the ABI and the
bytecode. `contracts` says what must be found in it, by the name that picks it: its functions, and its bytecode if any.
"""

import json
import pathlib

ABI = [
    {"type": "constructor", "inputs": [{"name": "supply", "type": "uint256", "internalType": "uint256"}],
     "stateMutability": "nonpayable"},
    {"type": "function", "name": "balanceOf", "inputs": [{"name": "owner", "type": "address", "internalType": "address"}],
     "outputs": [{"name": "", "type": "uint256", "internalType": "uint256"}], "stateMutability": "view"},
    {"type": "event", "name": "Sent", "anonymous": False,
     "inputs": [{"name": "to", "type": "address", "indexed": True, "internalType": "address"}]},
]
OTHER = [{"type": "function", "name": "count", "inputs": [], "outputs": [{"name": "", "type": "uint256"}],
          "stateMutability": "view"}]
CODE, RUNTIME, OTHER_CODE = "6080604052", "60806040", "60016002"
TEXT = json.dumps(ABI, separators=(",", ":"))
TOKEN = {"functions": ["balanceOf(address)"], "constructor": "(uint256)", "bytecode": "0x" + CODE}
COUNTER = {"functions": ["count()"], "constructor": "()", "bytecode": "0x" + OTHER_CODE}
UNBUILT = {key: value for key, value in TOKEN.items() if key != "bytecode"}


def evm(code):
    """What standard JSON has of a contract's code."""
    return {"bytecode": {"functionDebugData": {}, "generatedSources": [], "linkReferences": {}, "object": code,
                         "opcodes": "PUSH1 0x80", "sourceMap": "56:1:0:-:0"},
            "deployedBytecode": {"object": RUNTIME, "immutableReferences": {}, "linkReferences": {}},
            "methodIdentifiers": {"balanceOf(address)": "70a08231"}}


STANDARD = {
    "contracts": {
        "src/Token.sol": {"Token": {"abi": ABI, "evm": evm(CODE), "metadata": "{}"}},
        "src/a/Counter.sol": {"Counter": {"abi": OTHER, "evm": evm(OTHER_CODE)}},
        "src/b/Counter.sol": {"Counter": {"abi": ABI, "evm": evm(CODE)}},
    },
    "sources": {"src/Token.sol": {"id": 0}, "src/a/Counter.sol": {"id": 1}, "src/b/Counter.sol": {"id": 2}},
}
BUILT = {"Token": TOKEN, "src/Token.sol:Token": TOKEN, "a/Counter.sol:Counter": COUNTER,
         "src/b/Counter.sol:Counter": TOKEN}
METADATA = {
    "compiler": {"version": "0.8.26+commit.8a97fa7a"}, "language": "Solidity",
    "output": {"abi": ABI, "devdoc": {"kind": "dev", "methods": {}, "version": 1}, "userdoc": {"version": 1}},
    "settings": {"compilationTarget": {"src/Token.sol": "Token"}, "evmVersion": "cancun", "libraries": {}},
    "sources": {"src/Token.sol": {"keccak256": "0x00", "urls": []}}, "version": 1,
}
COMBINED_NAMES = {"Token": TOKEN, "src/Token.sol:Token": TOKEN, "Counter": COUNTER}
LINES = """// SPDX-License-Identifier: MIT

constructor(uint256 supply)
function balanceOf(address owner) view returns (uint256) // in units
\tevent Sent(address indexed to);
error NotEnough(uint256 balance)
receive() external payable
"""
STRUCTS = ["struct Part { Asset asset; uint16 share; }", "struct Asset { address token; uint256 amount; }",
           "function split(Part[] calldata parts, Asset Part) payable", "function name() view returns (string)"]
SPLIT = {"functions": ["split(((address,uint256),uint16)[],(address,uint256))", "name()"], "constructor": "()"}

SOLIDITY = "https://docs.soliditylang.org/en/latest/"
ETHERSCAN = "https://docs.etherscan.io/api-reference/endpoint/"
VECTORS = [
    ("an ABI", SOLIDITY + "abi-spec.html#json", ABI, {"": UNBUILT}),
    ("an ABI as a text", "jq .result of an answer to getabi", json.dumps(TEXT), {"": UNBUILT}),
    ("Hardhat's artefact", "https://hardhat.org/hardhat-runner/docs/advanced/artifacts", {
        "_format": "hh-sol-artifact-1", "contractName": "Token", "sourceName": "src/Token.sol", "abi": ABI,
        "bytecode": "0x" + CODE, "deployedBytecode": "0x" + RUNTIME, "linkReferences": {},
        "deployedLinkReferences": {}}, {"": TOKEN, "Token": TOKEN, "src/Token.sol:Token": TOKEN}),
    ("Foundry's artefact", "https://github.com/foundry-rs/compilers (ConfigurableContractArtifact)", {
        "abi": ABI, "bytecode": {"object": "0x" + CODE, "sourceMap": "", "linkReferences": {}},
        "deployedBytecode": {"object": "0x" + RUNTIME, "sourceMap": "", "linkReferences": {}},
        "methodIdentifiers": {"balanceOf(address)": "70a08231"}, "rawMetadata": "{}", "metadata": METADATA, "id": 7},
        {"": TOKEN, "Token": TOKEN, "Token.sol:Token": TOKEN}),
    ("Truffle's artefact", "https://github.com/trufflesuite/truffle/tree/develop/packages/contract-schema", {
        "contractName": "Token", "abi": ABI, "metadata": "{}", "bytecode": "0x" + CODE,
        "deployedBytecode": "0x" + RUNTIME, "sourcePath": "/src/Token.sol", "compiler": {"name": "solc"},
        "networks": {}, "schemaVersion": "3.4.16"}, {"": TOKEN, "Token": TOKEN}),
    ("abi and bin", "what solc --abi --bin writes, in one object", {"abi": ABI, "bin": CODE}, {"": TOKEN}),
    ("Etherscan's getabi", ETHERSCAN + "getabi", {"status": "1", "message": "OK", "result": TEXT}, {"": UNBUILT}),
    ("Etherscan's getsourcecode", ETHERSCAN + "getsourcecode", {
        "status": "1", "message": "OK", "result": [{
            "SourceCode": "contract Token {}", "ABI": TEXT, "ContractName": "Token", "CompilerVersion": "v0.8.26",
            "OptimizationUsed": "1", "Runs": "200", "ConstructorArguments": "", "EVMVersion": "Default",
            "Library": "", "LicenseType": "MIT", "Proxy": "0", "Implementation": "", "SwarmSource": ""}]},
        {"": UNBUILT, "Token": UNBUILT}),
    ("metadata.json", SOLIDITY + "metadata.html", METADATA, {"": UNBUILT, "Token": UNBUILT}),
    ("solc --combined-json abi,bin", SOLIDITY + "using-the-compiler.html", {
        "contracts": {"src/Counter.sol:Counter": {"abi": OTHER, "bin": OTHER_CODE},
                      "src/Token.sol:Token": {"abi": ABI, "bin": CODE}},
        "version": "0.8.26+commit.8a97fa7a.Linux.g++"}, COMBINED_NAMES),
    ("solc --combined-json abi,bin before 0.8", "Solidity's changelog, 0.8.0: abi is now a sub-object rather than a string", {
        "contracts": {"src/Counter.sol:Counter": {"abi": json.dumps(OTHER), "bin": OTHER_CODE},
                      "src/Token.sol:Token": {"abi": TEXT, "bin": CODE}},
        "sourceList": ["src/Token.sol"], "version": "0.5.17+commit.d19bba13.Linux.g++"}, COMBINED_NAMES),
    ("solc --standard-json", SOLIDITY + "using-the-compiler.html#output-description", STANDARD, BUILT),
    ("Hardhat's build-info", "https://hardhat.org/hardhat-runner/docs/advanced/artifacts#build-info-files", {
        "id": "0", "_format": "hh-sol-build-info-1", "solcVersion": "0.8.26", "solcLongVersion": "0.8.26",
        "input": {"language": "Solidity", "sources": {}, "settings": {}}, "output": STANDARD}, BUILT),
    ("vyper -f combined_json", "vyper 0.4.3", {
        "version": "0.4.3", "src/Token.vy": {"bytecode": "0x" + CODE, "bytecode_runtime": "0x" + RUNTIME,
                                             "method_identifiers": {"balanceOf(address)": "0x70a08231"},
                                             "layout": {}, "source_map": {}, "abi": ABI},
        "src/Counter.vy": {"bytecode": "0x" + OTHER_CODE, "abi": OTHER}},
        {"Token": TOKEN, "src/Token.vy:Token": TOKEN, "Counter": COUNTER}),
    ("definitions, one a line", "https://docs.ethers.org/v6/api/abi/#about-abi", LINES, {"": UNBUILT}),
    ("an array of definitions", "https://docs.ethers.org/v6/api/abi/#about-abi",
     ["constructor(uint256 supply)", "function balanceOf(address owner) view returns (uint256)",
      "event Sent(address indexed to)"], {"": UNBUILT}),
    ("definitions in an artefact", "the same, as an artefact's abi",
     {"abi": ["constructor(uint256)", "function balanceOf(address)"], "bytecode": CODE}, {"": TOKEN}),
    ("definitions with structs", "https://viem.sh/docs/abi/parseAbi (structs in any order)", STRUCTS, {"": SPLIT}),
]

vectors = [{"format": name, "origin": origin, "document": document if isinstance(document, str) else None,
            "json": None if isinstance(document, str) else document,
            "contracts": [{"name": name, **contract} for name, contract in contracts.items()]}
           for name, origin, document, contracts in VECTORS]
vectors = [{key: value for key, value in vector.items() if value is not None} for vector in vectors]
path = pathlib.Path(__file__).with_name("artefacts.json")
lines = ",\n".join(json.dumps(vector) for vector in vectors)
path.write_text(f'{{"vectors": [\n{lines}\n]}}\n')
