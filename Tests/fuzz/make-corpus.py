#!/usr/bin/env python3
"""Makes the first inputs of each fuzz target, Tests/fuzz/corpus/TARGET/NAME, out of Tests/vectors.

What a target takes is said where it is defined (Tests/fuzz/Fuzz).
"""

import copy
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent


def vectors(name):
    return json.loads((HERE.parent / "vectors" / f"{name}.json").read_text())


def seed(target, name, content):
    """Writes an input; everything but bytes is written as JSON."""
    if isinstance(content, str):
        content = content.encode()
    elif not isinstance(content, bytes):
        content = json.dumps(content, separators=(",", ":")).encode()
    path = HERE / "corpus" / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


chains, teebridge, proofs = vectors("dstack-chains"), vectors("teebridge"), vectors("state-proofs")
proof = chains["proofs"][0]["proof"]
signatures = proof["dstack_proof"]

seed("hex", "bytes", "0x00ff7F")
seed("hex", "address", proof["kms_root"])
seed("hex", "quantity", "0xffffffffffffffff")

for index, vector in enumerate(vectors("eip1559")["vectors"][:3]):
    raw = unhex(vector["raw"])
    seed("transaction", f"transfer-{index}", raw)
    seed("rlp", f"transaction-{index}", raw[1:])
seed("rlp", "nested", unhex("c7c0c1c0c3c0c1c0"))
seed("rlp", "long", unhex("b838") + b"x" * 56)
# Second forms, which are refused.
seed("rlp", "second-byte", unhex("8161"))
seed("rlp", "second-length", unhex("b90038") + b"x" * 56)
seed("rlp", "second-list", unhex("f80161"))

for name, text in {
    "type": "(bytes32 id, uint)[3][]",
    "function": teebridge["functions"][0]["signature"],
    "declaration": "function onboard(address payable from, bytes memory) external payable returns (uint8, string)",
    "event": "event Posted(bytes32 indexed to, bytes payload) anonymous",
    "constructor": "constructor(address[] roots)",
}.items():
    seed("abi-type", name, text)

for index, vector in enumerate(vectors("abi-eth-abi")["vectors"][:6]):
    seed("abi-decode", f"values-{index}", f"({','.join(vector['types'])})\n".encode() + unhex(vector["encoding"]))
seed("abi-decode", "no-bytes", b"(((()b)c)[])\n" + unhex(f"{32:064x}{1000:064x}") + bytes(512))
seed("abi-decode", "inbox", b"((bytes32,bytes)[])\n" + unhex(teebridge["answers"]["getOnboarding"]))

request = teebridge["registrations"][0]
target = "0x254057d9d92FC7F75E3D49F0c6b0be9eE2A334D5"
seed("json", "request", request)
seed("json", "lines", '{"a":[1,-0.5e+7,true,null]}\n{"b":"\\\\\\/\\ud83d\\ude00\\u0000é"}\n')
seed("json", "array", ' [ {"a":{}} , [[]] , "\\"" ] ')
for depth in 64, 65:
    seed("json", f"depth-{depth}", "[" * depth + "]" * depth)

seed("documents", "proof", proof)
seed("documents", "request", {
    "label": "x", "to": target, "data": "0x01", "value": "0x1", "chainId": "0x2105", "nonce": "0x0", "gas": "0x5208",
    "maxFeePerGas": "0x2", "maxPriorityFeePerGas": "0x1", "id": "a",
    "unless": {"to": target, "data": "0x", "equals": "0x00"}})
seed("documents", "sealed", {
    "from_member": proof["member_id"], "to_member": proof["member_id"], "payload": "0x0102"})
seed("documents", "state", {
    "version": 1, "chainId": 8453, "bridge": target, "member_id": proof["member_id"], "next": 7, "waiting": [3],
    "seen": [{"from": proof["member_id"], "message_id": proof["code_id"]}],
    "digests": [{"index": 6, "digest": proof["member_id"]}]})
for vector in vectors("mined-transactions")["vectors"]:
    seed("documents", "mined-" + vector["name"].replace(" ", "-"), vector["transaction"])
seed("documents", "header", proofs["headers"][-1]["block"])
seed("documents", "account", proofs["accounts"][0]["answer"])
interface = json.loads((HERE.parents[1] / "contracts" / "TEEBridge.json").read_text())["abi"]
seed("documents", "interface", [interface[0], next(entry for entry in interface if entry.get("outputs"))])
for index, vector in enumerate(vectors("artefacts")["vectors"]):
    seed("documents", f"artefact-{index}", vector.get("document", vector.get("json")))

for vector in vectors("keystore")["vectors"][:3]:
    keystore = copy.deepcopy(vector["keystore"])
    seed("keystore", vector["name"].replace(", ", "-").replace(" ", "-"), keystore)
    parameters = keystore.get("crypto", keystore.get("Crypto"))["kdfparams"]
    # Cheap enough to be derived; the MAC no longer fits.
    parameters.update({"n": 2, "r": 8} if "n" in parameters else {"c": 1})
    seed("keystore", "cheap-" + vector["name"].replace(", ", "-").replace(" ", "-"), keystore)

marker = "PROOF_JSON="
line = marker + json.dumps(proof)
stamp = "[   41.747276] br-1a2b: port 1 entered blocking state"
seed("log", "proof", f"\x01boot\n{line}\n")
seed("log", "noise", f"Z\x1b[0;32m  OK  \x1b[0m{line[:700]}{stamp}\r\n{line[700:]}\r\n")
seed("log", "heartbeat", f"\x05\0{line[:300]}[vmm heartbeat]\r\n{line[300:]}\n{marker}{{\"cut\":")
seed("log", "escaped", "a{\"log\":" + json.dumps(line) + "}\n")

# The first byte says that nothing else stands in front.
for path in sorted((HERE.parent / "vectors" / "logs").glob("*.log")):
    content = path.read_bytes()
    if path.stem.split("-")[0] in ("dstack", "utf", "journald", "cri", "asciicast", "single", "html"):
        seed("container", path.stem, b"\0" + content)

for index, document in enumerate(chains["proofs"]):
    parts = document["proof"]["dstack_proof"]
    seed("signature-chain", f"chain-{index}", unhex(document["proof"]["app_id"]) + b"".join(
        unhex(parts[name]) for name in ("derived_compressed_pubkey", "app_signature", "kms_signature"))
        + parts["purpose"].encode())

for index, vector in enumerate(vectors("ecies")["vectors"]):
    if vector["expect"] == "opens" and len(vector["payload"]) < 2000:
        seed("ecies", f"message-{index}", unhex(vector["payload"]))

for index, vector in enumerate(vectors("envelope")["vectors"][:2]):
    seed("envelope", f"signed-{index}", unhex(vector["envelope"]))
seed("envelope", "plain", "a secret")

for index, trie in enumerate(t for t in proofs["tries"] if 1 <= len(t["nodes"]) <= 4):
    nodes = [unhex(node) for node in trie["nodes"]]
    if index > 11 or any(len(node) > 1023 for node in nodes):
        continue
    content = unhex(trie["key"])
    for node, below in zip(nodes, nodes[1:] + [None]):
        content += bytes([len(node) // 4, len(node) % 4]) + node
    seed("merkle-proof", f"trie-{index}", content)

ok = bytes([25])  # 200
seed("rpc-answer", "number", ok + b'{"jsonrpc":"2.0","id":1,"result":"0x2105"}')
seed("rpc-answer", "error", ok + b'{"jsonrpc":"2.0","id":null,"error":{"code":3,"message":"execution reverted","data":"0x08"}}')
seed("rpc-answer", "batch", ok + b'[{"jsonrpc":"2.0","id":3,"result":"0x"},{"jsonrpc":"2.0","id":1,"result":"0x1"},'
     b'{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"no"}}]')
seed("rpc-answer", "gateway", bytes([176]) + b"<html>502</html>")
seed("rpc-answer", "limited", bytes([139]) + b'{"message":"too many requests"}')
hash_ = proof["member_id"]
for name, result in {
    "receipt": {"transactionHash": hash_, "blockNumber": "0x1", "blockHash": hash_, "status": "0x1", "gasUsed": "0x5208",
                "effectiveGasPrice": "0x1", "logs": [{"address": target, "topics": [hash_], "data": "0x01"}]},
    "fees": {"baseFeePerGas": ["0x1", "0x2"], "gasUsedRatio": [0.5], "reward": [["0x3"]]},
    "simulation": [{"calls": [{"status": "0x1", "gasUsed": "0x1", "maxUsedGas": "0x2", "returnData": "0x"}]}],
}.items():
    seed("rpc-answer", name, ok + json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode())

seed("http-request", "get", b"\xffGET /onboarding?a=%20x&a=1+2 HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer x\r\n\r\n")
seed("http-request", "head", b"\x07HEAD http://[::1]:80/proof HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
seed("http-request", "body", b"\xffPOST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")
seed("http-request", "chunked", b"\x20GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")

for name, text in {
    "url": "https://user:pass-word@node.example:8545/v2/a-secret-key?token=abcdefgh#x", "socket": "unix:///var/run/dstack.sock",
    "listen": "[::1]:8080", "network": "::ffff:10.0.0.0/104", "target": "http://host/a%2fb?x=%41+&y",
}.items():
    seed("address", name, text)
