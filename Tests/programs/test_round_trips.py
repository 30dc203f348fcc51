"""How many requests of HTTP a pipeline takes, and how many blocks."""

import json
import subprocess
import time

import pytest

from bridge_v1 import CONTRACT
from guestagent.chain import make_proof
from harness import finish, run, running
from proofs import PROOFS
from services import method_names, relay, running_chain
from stored_bridge import StoredBridge

SKIPPED, SENT = ["skipped"] * 3, ["success"] * 3

# The chain's options, whether CHAIN is set, and the most requests of HTTP.
CHAINS = {
    "simulating": ([], True, 5),
    "simulating, chain not named": ([], False, 6),
    "waiting for blocks": (["--send-sync"], True, 5),
    "without eth_simulateV1": (["--no-simulate"], True, 5),
    "without eth_simulateV1, chain not named": (["--no-simulate"], False, 6),
}


@pytest.fixture
def chain():
    """A chain of its own, whose bridge allows nothing yet."""
    with running_chain() as chain:
        chain.deploy()
        yield chain


def register(chain, proof: dict, chain_is_named: bool = True):
    """Run the pipeline that allows and registers a member; give tx-send's result."""
    env = chain.env | {"PRIVATE_KEY": chain.owner.key.hex(), "KMS_ROOTS": proof["kms_root"]}
    if not chain_is_named:
        del env["CHAIN"]
    requests = run("abi-encode", "register", "--allow", stdin=proof, env=env).check_done().stdout
    chain.rpc("dev_resetStats")
    return run("tx-send", stdin=requests, env=env).check_sent()


def request_count(chain) -> int:
    return chain.rpc("dev_stats")["httpRequests"]


@pytest.mark.parametrize("options, is_named, most", CHAINS.values(), ids=CHAINS)
def test_registering_takes_few_requests(options, is_named, most):
    with running_chain(*options) as chain:
        chain.deploy()
        answer = register(chain, PROOFS[0], is_named)
        assert [record["status"] for record in answer.documents] == SENT
        assert request_count(chain) <= most
        again = register(chain, PROOFS[0], is_named)
        assert [record["status"] for record in again.documents] == SKIPPED
        assert request_count(chain) == 1


@pytest.mark.parametrize("options", [[], ["--send-sync"], ["--no-simulate"]])
def test_registering_takes_two_blocks_at_most(options):
    with running_chain(*options) as chain:
        chain.deploy()
        chain.rpc("dev_setBlockTime", 1)
        records = register(chain, PROOFS[0]).documents
        assert [record["status"] for record in records] == SENT
        blocks = {int(record["blockNumber"], 16) for record in records}
        assert max(blocks) - min(blocks) <= 1


def test_a_node_without_batches_is_asked_one_by_one(chain):
    """What a batch would have told comes from single calls, and the outcome is the same."""
    with relay(chain.url, lambda call, answer: answer) as node:
        inner = node._reply

        def single(method, path, body):
            if body.lstrip().startswith(b"["):
                return 200, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batches are not supported"}}'
            return inner(method, path, body)

        node._reply = single
        proof = PROOFS[0]
        env = chain.env | {"PRIVATE_KEY": chain.owner.key.hex(), "KMS_ROOTS": proof["kms_root"],
                           "ETH_RPC_URL": node.url}
        requests = run("abi-encode", "register", "--allow", stdin=proof, env=env).check_done().stdout
        answer = run("tx-send", stdin=requests, env=env).check_sent()
    assert [record["status"] for record in answer.documents] == SENT
    batches = [json.loads(body) for _, _, body in node.requests if body.lstrip().startswith(b"[")]
    # What was refused once is not tried again.
    assert len({len(batch) for batch in batches}) == len(batches)
    assert sorted(map(len, batches), reverse=True) == [len(batch) for batch in batches]
    single = [request for request in node.requests if not request[2].lstrip().startswith(b"[")]
    assert method_names(single).count("eth_sendRawTransaction") == 3


@pytest.mark.parametrize("mode", ["--dry-run", "--sign-only"])
def test_requests_that_come_one_by_one_are_judged_together_where_nothing_is_sent(chain, mode):
    proof = PROOFS[0]
    env = chain.env | {"PRIVATE_KEY": chain.owner.key.hex(), "KMS_ROOTS": proof["kms_root"]}
    lines = run("abi-encode", "register", "--allow", stdin=proof, env=env).check_done().stdout.splitlines(keepends=True)
    with running("tx-send", mode, stdin=subprocess.PIPE, env=env) as process:
        for line in lines:
            process.stdin.write(line)
            process.stdin.flush()
            time.sleep(0.1)
        process.stdin.close()
        process.stdin = None
        answer = finish("tx-send", process).check_done()
    assert len({record["status"] for record in answer.documents}) == 1 and len(answer.documents) == 3


def test_later_requests_are_judged_on_top_of_earlier_ones(chain):
    """A call of what an earlier request allows is no revert, and a precondition that an earlier request meets holds."""
    code = b"\x21" * 32
    unless = {"to": chain.bridge.address, "data": CONTRACT.encode_abi("allowedCode", [code]),
              "equals": "0x" + "00" * 31 + "01"}
    allow = {"to": chain.bridge.address, "data": CONTRACT.encode_abi("addAllowedCode", [code]), "unless": unless}
    env = chain.env | {"PRIVATE_KEY": chain.owner.key.hex()}
    for options in ([], ["--dry-run"], ["--sign-only"]):
        chain.rpc("dev_resetStats")
        answer = run("tx-send", *options, stdin=[allow, allow, allow], env=env)
        assert answer.status == 0, answer
        [first, *others] = [record["status"] for record in answer.documents]
        assert first in ("success", "simulated", "signed")
        assert others == ["skipped", "skipped"]
        if not options:
            again = run("tx-send", stdin=json.dumps([allow]), env=env).check_done()
            assert again.document["status"] == "skipped"
            code = code[:-1] + b"\x22"
            unless["data"] = CONTRACT.encode_abi("allowedCode", [code])
            allow["data"] = CONTRACT.encode_abi("addAllowedCode", [code])


@pytest.mark.parametrize("options, count, most", [([], 150, 2), (["--verify"], 3, 12)])
def test_the_keys_of_many_members_take_few_requests(chain, tmp_path, options, count, most):
    """A hundred in one request; proofs are asked for by member."""
    bridge = StoredBridge(chain, 1)
    proofs = [make_proof(bytes(31) + b"\1", index.to_bytes(20)) for index in range(count)]
    for proof in proofs:
        bridge.register(proof)
    members = tmp_path / "members"
    members.write_text("".join(json.dumps({"member_id": proof["member_id"]}) + "\n" for proof in proofs))
    chain.rpc("dev_resetStats")
    answer = run("ecies-seal", "--recipients", members, *options, stdin=b"text", env=bridge.env)
    # With --verify it is said that a single node is no witness.
    assert answer.status == 0 and not answer.messages("error")
    assert [message["to_member"] for message in answer.documents] == [proof["member_id"] for proof in proofs]
    assert request_count(chain) <= most
