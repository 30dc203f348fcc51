"""--verify of inbox-watch and ecies-seal, before nodes that lie about one thing at a time."""

import json
import time

import ecies
import pytest
import rlp
from eth_keys import keys
from eth_utils import keccak
from trie import HexaryTrie

from harness import BAD_INPUT, DONE, NO, UNREACHABLE, hexed, run, unhex
from proofs import PROOFS, VECTORS
from services import method_names, relay, running_chain

A, B = (proof["member_id"] for proof in PROOFS)
KEY = VECTORS["keys"]["derived"]  # of A
PUBLIC = keys.PrivateKey(bytes.fromhex(KEY)).public_key.to_compressed_bytes()
STRANGER = "0x" + "57" * 32
HEADER = ["parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom",
          "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce",
          "baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot",
          "requestsHash"]  # fmt: skip
QUANTITIES = {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed",
              "excessBlobGas"}
TEXTS = ["first", "second", "third"]
EXCERPT = "cannot be trusted"


def sealed(text: str | bytes) -> bytes:
    return ecies.encrypt(PUBLIC.hex(), text.encode() if isinstance(text, str) else text)


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def urls(*nodes) -> list[str]:
    return [part for node in nodes for part in ("--rpc-url", node if isinstance(node, str) else node.url + "/APIKEY")]


def look(chain, *nodes, options=(), bridge=None):
    """What inbox-watch finds in A's inbox through these nodes."""
    env = chain.env | {"PRIVATE_KEY": KEY} | ({"BRIDGE_CONTRACT": bridge} if bridge else {})
    result = run("inbox-watch", "--once", "--verify", *urls(*nodes), *options, env=env)
    assert "APIKEY" not in result.stderr
    return result


def seal(chain, *nodes, to=B, options=()):
    result = run("ecies-seal", "--verify", "--to-member", to, *urls(*nodes), *options, env=chain.env, stdin=b"text")
    assert "APIKEY" not in result.stderr
    return result


def honest(chain):
    return relay(chain.url, lambda call, answer: answer)


def liar(chain, method, lie):
    """A node that answers one method by `lie(result, parameters)`."""

    def spoil(call, answer):
        if call["method"] != method:
            return answer
        return {"jsonrpc": "2.0", "id": call["id"], "result": lie(answer.get("result"), call["params"])}

    return relay(chain.url, spoil)


def payloads(result) -> list[str]:
    return [document["payload"] for document in result.documents]


@pytest.fixture
def inbox(chain):
    """The chain, with three messages to A: two of B's, and between them one of A's own."""
    for sender, text in zip((B, A, B), TEXTS):
        chain.onboard(sender, A, sealed(text))
    return chain


# Honest nodes


def test_all_is_read_as_without_proofs(inbox):
    for text in ("", "x" * 31, "y" * 500, "z" * 5000):
        inbox.onboard(A, A, sealed(text))
    with honest(inbox) as one, honest(inbox) as other:
        result = look(inbox, one, other).check_done()
        plain = run("inbox-watch", "--once", env=inbox.env | {"PRIVATE_KEY": KEY}).check_done()
        assert result.documents == plain.documents
        assert [each["from"] for each in result.documents] == [B, A, B, A, A, A, A]
        asked = set(method_names(one.requests + other.requests))
    assert asked == {"eth_chainId", "eth_blockNumber", "eth_getBlockByNumber", "eth_getProof"}


def test_many_messages_are_read_in_order(chain):
    for index in range(45):
        chain.onboard(B, A, sealed(str(index)))
    with honest(chain) as node:
        assert payloads(look(chain, node, chain.url).check_done()) == [str(index) for index in range(45)]


def test_an_empty_inbox_is_proven_empty(chain):
    with honest(chain) as node:
        assert look(chain, node, chain.url).check_done().stdout == b""


def test_one_node_that_vouches_for_itself_is_warned_of(inbox):
    result = look(inbox, inbox.url)
    assert result.status == DONE and payloads(result) == TEXTS
    [warning] = result.messages("warning")
    assert inbox.url in warning and "--block-hash" in warning


def test_the_same_url_twice_is_one_node(inbox):
    look(inbox, inbox.url, inbox.url, options=["--quorum", "2"]).check_error(BAD_INPUT, "2 nodes must agree")


def test_a_pinned_block_is_read_from_any_node(inbox):
    pinned = inbox.rpc("eth_getBlockByNumber", "latest", False)["hash"]
    inbox.onboard(B, A, sealed("later"))
    assert payloads(look(inbox, inbox.url, options=["--block-hash", pinned]).check_done()) == TEXTS
    look(inbox, inbox.url, options=["--block-hash", STRANGER]).check_error(NO, "no node knows block")


def test_what_is_too_long_is_passed_over(inbox):
    inbox.onboard(B, A, sealed("x" * 1000))
    inbox.onboard(B, A, sealed("last"))
    with honest(inbox) as node:
        result = look(inbox, node, inbox.url, options=["--max-payload", "500"])
    assert result.status == DONE and payloads(result) == [*TEXTS, "last"]
    assert "message 3" in result.messages("warning")[0]


def test_keys_are_proven(chain):
    with honest(chain) as node:
        document = seal(chain, node, chain.url, to=A).check_done().document
        assert ecies.decrypt(KEY, unhex(document["payload"])) == b"text"
        seal(chain, node, chain.url, to=STRANGER).check_error(NO, "is not a member")


def test_no_contract(chain):
    with honest(chain) as node:
        for address in ("0x" + "11" * 20, chain.owner.address):
            look(chain, node, chain.url, bridge=address).check_error(BAD_INPUT, "no contract")


@pytest.mark.parametrize("options", [["--quorum", "0"], ["--quorum", "3"], ["--block-hash", "0x12"],
                                     ["--block-hash", STRANGER, "--quorum", "1"]])  # fmt: skip
def test_faulty_settings(chain, options):
    look(chain, chain.url, options=options).check_error(BAD_INPUT)


def test_settings_that_would_do_nothing_are_refused(chain):
    for program in (["inbox-watch", "--once"], ["bridge-agent", "--listen", "127.0.0.1:0"]):
        for option in ("--quorum", "--max-age"):
            run(*program, option, "1", env=chain.env | {"PRIVATE_KEY": KEY}).check_error(BAD_INPUT, "--verify")
    run("ecies-seal", "--verify", "--to-pubkey", PUBLIC.hex(), env=chain.env).check_error(BAD_INPUT, "--to-member")


# Solidity's layout, as no compiler is at hand put together word by word


class SolidityBridge:
    ADDRESS = "0x" + "50" * 20

    def __init__(self, chain):
        self._chain = chain
        assert chain.rpc("dev_setCode", self.ADDRESS, "0x5f5ffd")

    def put(self, slot: int, value: bytes) -> None:
        assert self._chain.rpc("dev_setStorageAt", self.ADDRESS, hex(slot % 2**256), hexed(value.rjust(32, b"\0")))

    def put_bytes(self, slot: int, value: bytes) -> None:
        if len(value) < 32:
            self.put(slot, value.ljust(31, b"\0") + bytes([2 * len(value)]))
            return
        self.put(slot, word(2 * len(value) + 1))
        first = int.from_bytes(keccak(word(slot)))
        for offset in range(0, len(value), 32):
            self.put(first + offset // 32, value[offset : offset + 32].ljust(32, b"\0"))

    def messages(self, member: str, *messages: tuple[str, bytes]) -> None:
        length = int.from_bytes(keccak(unhex(member) + word(4)))
        self.put(length, word(len(messages)))
        first = int.from_bytes(keccak(word(length)))
        for index, (sender, payload) in enumerate(messages):
            self.put(first + 2 * index, unhex(sender))
            self.put_bytes(first + 2 * index + 1, payload)

    def member(self, public: bytes, *before: bytes) -> None:
        first = int.from_bytes(keccak(keccak(public) + word(3)))
        for offset, value in enumerate(before):
            self.put(first + offset, value)
        self.put_bytes(first + len(before), public)


def test_messages_in_soliditys_layout(chain):
    bridge = SolidityBridge(chain)
    bridge.messages(A, (B, sealed("long")), (A, b"short"), (B, b""), (B, b"\xff" * 31), (B, sealed("z" * 300)))
    with honest(chain) as node:
        result = look(chain, node, chain.url, bridge=bridge.ADDRESS)
    assert result.status == DONE
    assert [(each["index"], each["from"], each["payload"]) for each in result.documents] == [
        (0, B, "long"), (4, B, "z" * 300)]  # fmt: skip
    assert [text[:9] for text in result.messages("warning")] == ["message 1", "message 2", "message 3"]


@pytest.mark.parametrize("before", [[b"\1" * 32], [b"\1" * 32, b"\2" * 20]], ids=["v1", "v2"])
def test_keys_in_soliditys_layout(chain, before):
    bridge = SolidityBridge(chain)
    bridge.member(PUBLIC, *before)
    with honest(chain) as node:
        options = ["--bridge", bridge.ADDRESS]
        document = seal(chain, node, chain.url, to=A, options=options).check_done().document
        assert ecies.decrypt(KEY, unhex(document["payload"])) == b"text"
        seal(chain, node, chain.url, to=B, options=options).check_error(NO, "is not a member")


def test_a_layout_that_is_neither(chain):
    bridge = SolidityBridge(chain)
    bridge.put(int.from_bytes(keccak(unhex(A) + word(4))), word(1))
    bridge.put(int.from_bytes(keccak(word(5) + unhex(A))), word(1))
    bridge.put(int.from_bytes(keccak(unhex(A) + word(3))) + 1, word(67))
    with honest(chain) as node:
        look(chain, node, chain.url, bridge=bridge.ADDRESS).check_error(BAD_INPUT, "storage layout")
        seal(chain, node, chain.url, to=A, options=["--bridge", bridge.ADDRESS]).check_error(BAD_INPUT, "storage layout")


# Lies about the storage. The first request for proofs is about two slots, the inbox's size in both layouts; the second
# about six, the first words of three messages; the third about their payloads.


def entry(change):
    """A lie that changes the proofs of the slots."""
    def lie(result, parameters):
        change(result["storageProof"], result)
        return result
    return lie


def replace_last_node(proof: dict, value: bytes) -> None:
    """Another value in the leaf, which is a node of its own or in a small branch above."""
    node = rlp.decode(unhex(proof["proof"][-1]))
    if len(node) == 2:
        node[1] = rlp.encode(value.lstrip(b"\0"))
    proof["proof"][-1] = hexed(rlp.encode(node))


def hide_the_last(entries, _):
    for each in entries:
        if each["value"] == "0x3":
            each["value"] = "0x2"


def hide_the_last_in_the_leaf(entries, _):
    for each in entries:
        if each["value"] == "0x3":
            replace_last_node(each, b"\2")
            each["value"] = "0x2"


def invent_one(entries, _):
    for each in entries:
        if each["value"] == "0x3":
            replace_last_node(each, b"\4")
            each["value"] = "0x4"


def hide_all(entries, _):
    """The size's slot is proven absent by the proof of another one that is."""
    absent = next(each for each in entries if each["value"] == "0x0") if len(entries) == 2 else None
    for each in entries:
        if absent and each["value"] != "0x0":
            each |= {"value": "0x0", "proof": absent["proof"]}


def swap_senders(entries, _):
    for each in entries:
        for sender, other in ((A, B), (B, A)):
            if each["value"] == sender:
                each["value"] = other
                break


def swap_senders_in_the_leaf(entries, _):
    for each in entries:
        if each["value"] in (A, B):
            each["value"] = B if each["value"] == A else A
            replace_last_node(each, unhex(each["value"]))


def reorder(entries, _):
    if len(entries) > 2:
        for name in ("value", "proof"):
            entries[0][name], entries[2][name] = entries[2][name], entries[0][name]


def reorder_keys_too(entries, _):
    if len(entries) > 2:
        entries[0], entries[2] = entries[2], entries[0]


def alter_a_payload(entries, _):
    if len(entries) > 6:  # more than the first words of three messages
        each = next(each for each in entries if len(each["value"]) > 60)
        each["value"] = hexed(word(int(each["value"], 16) ^ 1))
        replace_last_node(each, unhex(each["value"]))


def alter_a_payloads_claim(entries, _):
    if len(entries) > 6:
        entries[-1]["value"] = hex(int(entries[-1]["value"], 16) ^ 1)


def drop_a_leaf(entries, _):
    entries[0]["proof"].pop()


def drop_a_root(entries, _):
    entries[0]["proof"].pop(0)


def drop_a_proof(entries, _):
    entries.pop()


def empty_a_proof(entries, _):
    entries[-1]["proof"] = []


def double_a_node(entries, _):
    entries[0]["proof"].append(entries[0]["proof"][-1])


def drop_an_account_node(_, answer):
    answer["accountProof"].pop()


def claim(name, value):
    def change(_, answer):
        answer[name] = value
    change.__name__ = f"claim_{name}"
    return change


STORAGE_LIES = [
    hide_the_last, hide_the_last_in_the_leaf, invent_one, hide_all, swap_senders, swap_senders_in_the_leaf, reorder,
    reorder_keys_too, alter_a_payload, alter_a_payloads_claim, drop_a_leaf, drop_a_root, drop_a_proof, empty_a_proof,
    double_a_node, drop_an_account_node, claim("storageHash", STRANGER), claim("codeHash", STRANGER),
    claim("nonce", "0x7"), claim("balance", "0x1"), claim("address", "0x" + "11" * 20), claim("accountProof", []),
    claim("storageProof", []), claim("storageProof", None), claim("accountProof", "0x"),
]  # fmt: skip


@pytest.mark.parametrize("change", STORAGE_LIES, ids=lambda change: change.__name__)
def test_lies_about_the_storage(inbox, change):
    told = []

    def lie(result, parameters):
        before = json.dumps(result)
        change(result["storageProof"], result)
        told.append(json.dumps(result) != before)
        return result

    with liar(inbox, "eth_getProof", lie) as node:
        error = look(inbox, node, inbox.url).check_error(NO, node.url, EXCERPT)
        assert any(told) and inbox.url not in error
        pinned = inbox.rpc("eth_getBlockByNumber", "latest", False)["hash"]
        look(inbox, node, options=["--block-hash", pinned]).check_error(NO, node.url, EXCERPT)


def test_a_liar_ends_bridge_agent(inbox, agents):
    def lie(result, parameters):
        hide_all(result["storageProof"], result)
        return result

    with liar(inbox, "eth_getProof", lie) as node:
        answer = run("bridge-agent", "--listen", "127.0.0.1:0", "--verify", *urls(node, inbox.url),
                     env=inbox.env | agents[0].env, timeout=30)
    assert answer.status == NO and "PROOF_JSON" in answer.stdout.decode()
    [error] = answer.messages("error")
    assert node.url in error and EXCERPT in error and inbox.url not in error


def test_a_proof_of_another_block(inbox):
    before = inbox.rpc("eth_getBlockByNumber", "latest", False)["hash"]
    inbox.onboard(B, A, sealed("newer"))
    lie = lambda result, parameters: inbox.rpc("eth_getProof", *parameters[:2], {"blockHash": before})
    with liar(inbox, "eth_getProof", lie) as node:
        look(inbox, node, inbox.url).check_error(NO, node.url, EXCERPT)


def test_a_proof_of_another_account(inbox):
    other = inbox.bridge.address
    inbox.deploy()
    lie = lambda result, parameters: inbox.rpc("eth_getProof", other, *parameters[1:]) | {"address": parameters[0]}
    try:
        with liar(inbox, "eth_getProof", lie) as node:
            look(inbox, node, inbox.url).check_error(NO, node.url, EXCERPT)
    finally:
        inbox.bridge = inbox.web3.eth.contract(address=other, abi=inbox.bridge.abi)


def test_a_flipped_bit_in_every_node(inbox):
    """One bit of each node; Tests/StateProofsTests flips one of each byte."""
    latest = inbox.rpc("eth_getBlockByNumber", "latest", False)
    shape = inbox.rpc("eth_getProof", inbox.bridge.address, [hexed(keccak(word(5) + unhex(A)))],
                      {"blockHash": latest["hash"]})  # fmt: skip
    lists = [lambda answer: answer["accountProof"], lambda answer: answer["storageProof"][1]["proof"]]
    for pick, place in [(pick, place) for pick in lists for place in range(len(shape["accountProof"]))]:

        def lie(result, parameters, pick=pick, place=place):
            nodes = pick(result)
            node = bytearray(unhex(nodes[place % len(nodes)]))
            node[len(node) // 2] ^= 1
            nodes[place % len(nodes)] = hexed(node)
            return result

        with liar(inbox, "eth_getProof", lie) as node:
            look(inbox, node, inbox.url).check_error(NO, node.url, EXCERPT)


# Lies about keys


def another_key(entries, _):
    for each in entries:
        if len(each["value"]) > 60:
            each["value"] = hexed(word(int(each["value"], 16) ^ 1))
            replace_last_node(each, unhex(each["value"]))


def no_key(entries, _):
    absent = next((each for each in entries if each["value"] == "0x0"), None)
    for each in entries:
        if absent and each["value"] == "0x21":
            each |= {"value": "0x0", "proof": absent["proof"]}


@pytest.mark.parametrize("change", [another_key, no_key, drop_a_leaf], ids=lambda change: change.__name__)
def test_lies_about_keys(chain, change):
    with liar(chain, "eth_getProof", entry(change)) as node:
        seal(chain, node, chain.url, to=A).check_error(NO, node.url, EXCERPT)


def test_a_member_that_is_invented(chain):
    def invent(entries, _):
        entries[0] |= {"value": "0x21"}
    with liar(chain, "eth_getProof", entry(invent)) as node:
        seal(chain, node, chain.url, to=STRANGER).check_error(NO, node.url, EXCERPT)


# Lies about the block


@pytest.mark.parametrize("name", ["hash", *HEADER])
def test_lies_about_each_field_of_the_header(inbox, name):
    def lie(result, parameters):
        if name in QUANTITIES:
            return result | {name: hex(int(result[name], 16) ^ 1)}
        value = bytearray(unhex(result[name])) or bytearray(1)
        value[-1] ^= 1
        return result | {name: hexed(value)}

    with liar(inbox, "eth_getBlockByNumber", lie) as node:
        look(inbox, node, inbox.url).check_error(NO, node.url, EXCERPT)
        look(inbox, inbox.url, node).check_error(NO, node.url, EXCERPT)


@pytest.mark.parametrize("name", HEADER[15:])
def test_a_field_left_out(inbox, name):
    lie = lambda result, parameters: {key: value for key, value in result.items() if key != name}
    with liar(inbox, "eth_getBlockByNumber", lie) as node:
        look(inbox, node, inbox.url).check_error(NO, node.url, EXCERPT)


def test_another_blocks_header(inbox):
    earlier = lambda result, parameters: inbox.rpc("eth_getBlockByNumber", hex(int(parameters[0], 16) - 1), False)
    with liar(inbox, "eth_getBlockByNumber", earlier) as node:
        look(inbox, node, inbox.url).check_error(NO, node.url, EXCERPT)
    latest = inbox.rpc("eth_getBlockByNumber", "latest", False)
    parent = inbox.rpc("eth_getBlockByHash", latest["parentHash"], False)
    with liar(inbox, "eth_getBlockByHash", lambda result, parameters: parent) as node:
        look(inbox, node, options=["--block-hash", latest["hash"]]).check_error(NO, node.url, EXCERPT)


class OtherWorld:
    """A node whose block and state are in order, and made up: only what others say can tell."""

    def __init__(self, chain):
        self._chain = chain

    @staticmethod
    def storage() -> HexaryTrie:
        trie = HexaryTrie({})
        trie[keccak(keccak(word(5) + unhex(A)))] = rlp.encode(b"\2")
        for index, text in enumerate(("made", "up")):
            first = int.from_bytes(keccak(keccak(word(4) + unhex(A)) + word(index)))
            payload = sealed_once(text)
            words = [unhex(B), word(len(payload)), *(payload[at : at + 32].ljust(32, b"\0")
                                                    for at in range(0, len(payload), 32))]  # fmt: skip
            for offset, value in enumerate(words):
                trie[keccak(word(first + offset))] = rlp.encode(value.lstrip(b"\0"))
        return trie

    def spoil(self, call, answer):
        method, parameters = call["method"], call.get("params")
        storage = self.storage()
        account = rlp.encode([b"\1", b"", storage.root_hash, keccak(b"\0")])
        state = HexaryTrie({})
        state[keccak(unhex(self._chain.bridge.address))] = account
        if method == "eth_getBlockByNumber":
            block = answer["result"] | {"stateRoot": hexed(state.root_hash)}
            fields = [unhex(block[name]) if name not in QUANTITIES else
                      rlp.sedes.big_endian_int.serialize(int(block[name], 16)) for name in HEADER]  # fmt: skip
            return answer | {"result": block | {"hash": hexed(keccak(rlp.encode(fields)))}}
        if method == "eth_getProof":
            nodes = lambda trie, key: [hexed(rlp.encode(node)) for node in trie.get_proof(key)]
            value = lambda slot: hexed(rlp.decode(storage[keccak(unhex(slot))] or b"\x80"))
            result = {
                "address": parameters[0], "nonce": "0x1", "balance": "0x0", "codeHash": hexed(keccak(b"\0")),
                "storageHash": hexed(storage.root_hash), "accountProof": nodes(state, keccak(unhex(parameters[0]))),
                "storageProof": [{"key": slot, "value": value(slot), "proof": nodes(storage, keccak(unhex(slot)))}
                                 for slot in parameters[1]],
            }  # fmt: skip
            return {"jsonrpc": "2.0", "id": call["id"], "result": result}
        return answer

    def __enter__(self):
        self.node = relay(self._chain.url, self.spoil)
        return self.node.__enter__()

    def __exit__(self, *error):
        self.node.__exit__(*error)


PAYLOADS: dict[str, bytes] = {}


def sealed_once(text: str) -> bytes:
    return PAYLOADS.setdefault(text, sealed(text))


def test_a_world_of_its_own_is_caught_by_the_others(inbox):
    with OtherWorld(inbox) as node, honest(inbox) as third:
        # By itself it is believed, and it is said that nobody else was asked.
        alone = look(inbox, node)
        assert alone.status == DONE and payloads(alone) == ["made", "up"]
        assert node.url in alone.messages("warning")[0]

        for nodes in ((node, inbox.url), (inbox.url, node)):
            error = look(inbox, *nodes).check_error(NO, node.url, inbox.url, "disagree about block")
            assert error.count("0x") == 2

        outvoted = look(inbox, node, inbox.url, third, options=["--quorum", "2"])
        assert outvoted.status == DONE and payloads(outvoted) == TEXTS
        assert any(node.url in warning for warning in outvoted.messages("warning"))

        # Where either of two may be believed, two that differ are not.
        look(inbox, node, inbox.url, options=["--quorum", "1"]).check_error(NO, node.url, inbox.url)

        pinned = inbox.rpc("eth_getBlockByNumber", "latest", False)["hash"]
        look(inbox, node, options=["--block-hash", pinned]).check_error(NO, node.url, EXCERPT)
        assert payloads(look(inbox, inbox.url, node, options=["--block-hash", pinned])) == TEXTS


def test_a_quorum_outvotes_false_headers(inbox):
    with liar(inbox, "eth_getBlockByNumber", lambda result, parameters: result | {"gasUsed": "0x1"}) as node:
        with honest(inbox) as third:
            result = look(inbox, node, inbox.url, third, options=["--quorum", "2"])
    assert result.status == DONE and payloads(result) == TEXTS
    assert any(node.url in warning and EXCERPT in warning for warning in result.messages("warning"))


def test_a_node_that_ends_too_early_is_named(inbox):
    earlier = lambda result, parameters: hex(int(result, 16) - 1)
    with liar(inbox, "eth_blockNumber", earlier) as node:
        result = look(inbox, node, inbox.url)
        assert result.status == DONE and payloads(result) == TEXTS[:2]
        assert any(node.url in warning and "hidden" in warning for warning in result.messages("warning"))
        with honest(inbox) as third:
            outvoted = look(inbox, node, inbox.url, third, options=["--quorum", "2"])
            assert payloads(outvoted) == TEXTS


def test_a_head_that_is_made_up(inbox):
    later = lambda result, parameters: hex(int(result, 16) + 2**40)
    with liar(inbox, "eth_blockNumber", later) as node, honest(inbox) as third:
        look(inbox, node, inbox.url).check_error(NO, node.url, inbox.url, EXCERPT)
        assert payloads(look(inbox, node, inbox.url, third, options=["--quorum", "2"])) == TEXTS
        highest = lambda result, parameters: "0xffffffffffffffff"
        with liar(inbox, "eth_blockNumber", highest) as node:
            look(inbox, node).check_error(UNREACHABLE)


def test_a_node_that_ends_long_before_the_others(inbox):
    inbox.rpc("dev_mine", 70)
    earlier = lambda result, parameters: hex(int(result, 16) - 65)
    with liar(inbox, "eth_blockNumber", earlier) as node:
        look(inbox, inbox.url, node).check_error(NO, node.url, EXCERPT)


def test_a_block_that_is_not_shown_is_said(inbox):
    newest = inbox.web3.eth.block_number
    late = lambda result, parameters: None if int(parameters[0], 16) == newest else result
    with liar(inbox, "eth_getBlockByNumber", late) as node:
        result = look(inbox, node, inbox.url)
        assert result.status == DONE and payloads(result) == TEXTS[:2]
        assert f"not all nodes show block {newest}" in result.messages("warning")[0]


def test_blocks_that_are_too_old():
    with running_chain() as fresh:
        time.sleep(2.2)
        run("inbox-watch", "--once", "--verify", "--max-age", "1", "--bridge", "0x" + "11" * 20,
            env=fresh.env | {"PRIVATE_KEY": KEY}).check_error(NO, "seconds old")  # fmt: skip


# Nodes that fail, which is no lie


def down(chain):
    return relay(chain.url, lambda call, answer: (503, b""))


def test_a_node_that_is_down(inbox):
    with down(inbox) as node:
        look(inbox, node, inbox.url).check_error(UNREACHABLE, node.url)
        result = look(inbox, node, inbox.url, options=["--quorum", "1"])
        assert result.status == DONE and payloads(result) == TEXTS
        assert any(node.url in warning for warning in result.messages("warning"))


def test_many_nodes_that_are_down_flood_nobody(inbox):
    with down(inbox) as node:
        urls = [f"{node.url}/{number}" for number in range(12)]
        result = look(inbox, *urls, inbox.url, options=["--quorum", "1"])
    warnings = result.messages("warning")
    assert result.status == DONE and payloads(result) == TEXTS
    assert len(warnings) == 11 and "3 more warnings" in warnings[-1]


def test_a_node_without_proofs_is_passed_over(inbox):
    def spoil(call, answer):
        if call["method"] != "eth_getProof":
            return answer
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32601, "message": "no such method"}}

    with relay(inbox.url, spoil) as node:
        assert payloads(look(inbox, node, inbox.url).check_done()) == TEXTS
        pinned = inbox.rpc("eth_getBlockByNumber", "latest", False)["hash"]
        result = look(inbox, node, options=["--block-hash", pinned])
        result.check_error(UNREACHABLE, node.url)
        assert "eth_getProof" in result.messages("hint")[-1]


def test_a_node_of_another_chain(inbox):
    with liar(inbox, "eth_chainId", lambda result, parameters: "0x1") as node:
        look(inbox, inbox.url, node).check_error(BAD_INPUT, node.url, "chain 1")
        with honest(inbox) as third:
            outvoted = look(inbox, node, inbox.url, third, options=["--quorum", "2"])
            assert outvoted.status == DONE and payloads(outvoted) == TEXTS
