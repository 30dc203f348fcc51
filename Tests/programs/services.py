"""What the programs talk to in the tests: a chain with a bridge, guest agents, and web servers that misbehave."""

import json
import os
import socket
import threading
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from devchain.launcher import DevChain
from eth_account import Account
from nursery import Fork
from web3 import Web3
from web3.middleware import SignAndSendRawMiddlewareBuilder

from bridge_v1 import ARTEFACT
from harness import hexed, wait_until
from proofs import PROOFS, registration
from v1_abi import V1_ABI

# Of the chains that run side by side each has its own: tx-send sends for one key and chain at a time on a machine.
CHAIN_ID = 31337 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw-1").removeprefix("gw")) + 1


def dev_chain(*options: str) -> DevChain:
    return DevChain("--chain-id", str(CHAIN_ID), *options)


class Chain:
    """A dev-chain, seen through web3, whose first account deployed the bridge."""

    def __init__(self, node: DevChain):
        self._node = node
        self.rpc = node.rpc
        self.url = node.url
        self.web3 = Web3(Web3.HTTPProvider(node.url))
        self.owner, self.stranger = (Account.from_key(each["privateKey"]) for each in node.accounts[:2])
        for account in (self.owner, self.stranger):
            self.web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
        self.web3.eth.default_account = self.owner.address
        self.bridge = None

    @property
    def env(self) -> dict[str, str]:
        """The settings of a program that uses this chain and its bridge."""
        settings = {"ETH_RPC_URL": self.url, "CHAIN": str(CHAIN_ID)}
        return settings | ({"BRIDGE_CONTRACT": self.bridge.address} if self.bridge else {})

    def ask(self, method: str, *parameters: list) -> list:
        """The results of one method for several lists of parameters, asked in one request."""
        calls = [{"jsonrpc": "2.0", "id": number, "method": method, "params": each}
                 for number, each in enumerate(parameters)]
        answers = json.loads(post(self.url, json.dumps(calls).encode()))
        assert all("result" in answer for answer in answers), answers
        return [answer["result"] for answer in sorted(answers, key=lambda answer: answer["id"])]

    def transact(self, *calls) -> dict:
        """Send what web3 calls contract functions or constructors, one behind the other; the last one's receipt.

        web3 would ask six questions for each: nothing is left for it to ask.
        """
        first = self.nonce()
        fields = {"chainId": self._node.chain_id, "value": 0, "gas": 20_000_000, "maxFeePerGas": 10**11,
                  "maxPriorityFeePerGas": 10**9}
        raws = [self.owner.sign_transaction(call.build_transaction(fields | {"nonce": nonce})).raw_transaction.to_0x_hex()
                for nonce, call in enumerate(calls, first)]
        hashes = [[each] for each in self.ask("eth_sendRawTransaction", *([raw] for raw in raws))]
        wait_until(lambda: all(self.ask("eth_getTransactionReceipt", *hashes)), "the chain does not mine it")
        receipts = self.ask("eth_getTransactionReceipt", *hashes)
        assert {receipt["status"] for receipt in receipts} == {"0x1"}
        return receipts[-1]

    def create(self, abi: list, bytecode: str, *arguments) -> str:
        """A new contract's address."""
        constructor = self.web3.eth.contract(abi=abi, bytecode=bytecode).constructor(*arguments)
        return Web3.to_checksum_address(self.transact(constructor)["contractAddress"])

    def deploy(self, roots=()):
        """A bridge of its own, which becomes the chain's bridge."""
        self.bridge = self.web3.eth.contract(address=self.create(V1_ABI, ARTEFACT["bytecode"], list(roots)), abi=V1_ABI)

    def register(self, proof: dict) -> None:
        functions = self.bridge.functions
        self.transact(functions.addKmsRoot(proof["kms_root"]), functions.addAllowedCode(proof["code_id"]),
                      functions.registerDstack(*registration(proof)))

    def onboard(self, sender: str, recipient: str, *payloads: bytes) -> None:
        if payloads:
            self.transact(*(self.bridge.functions.onboard(sender, recipient, payload) for payload in payloads))

    def reverting(self, data: bytes) -> str:
        """The address of a contract that reverts every call with these bytes."""
        # PUSH2 size; DUP1; PUSH1 10; PUSH0; CODECOPY; PUSH0; REVERT; then the bytes
        code = b"\x61" + len(data).to_bytes(2, "big") + bytes.fromhex("80600a5f395ffd") + data
        address = Web3.to_checksum_address("0x" + "fa" * 18 + len(data).to_bytes(2, "big").hex())
        assert self.rpc("dev_setCode", address, hexed(code))
        return address

    def nonce(self, account=None) -> int:
        return self.web3.eth.get_transaction_count((account or self.owner).address, "pending")

    @contextmanager
    def nothing_sent(self):
        """Assert that nobody hands the node a transaction meanwhile."""
        self.rpc("dev_resetStats")
        yield
        assert "eth_sendRawTransaction" not in json.dumps(self.rpc("dev_stats"))


@contextmanager
def running_chain(*options: str):
    """A chain of its own, with no bridge."""
    with dev_chain(*options) as node:
        yield Chain(node)


class Agent:
    """A running guest-agent. Its settings in `env` let a program find it."""

    def __init__(self, ready: dict):
        self.socket = ready["socket"]
        self.url = ready["http"]
        self.kms_root = ready["kmsRoot"]
        self.env = {"DSTACK_SIMULATOR_ENDPOINT": self.socket}


class Manager:
    """The socket that a service manager listens on."""

    def __init__(self, name: str):
        self.env = {"NOTIFY_SOCKET": name}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + name[1:] if name.startswith("@") else name)

    def hear(self, seconds: float = 60) -> str:
        """The next that it is told; TimeoutError if that takes longer."""
        self._socket.settimeout(seconds)
        return self._socket.recv(4096).decode()


@contextmanager
def running_agent(socket: Path, *options: str):
    process = Fork("guest-agent", "--socket", socket, "--http", "0", "--exit-with-stdin", *options)
    try:
        yield Agent(json.loads(process.stdout.readline()))
    finally:
        process.communicate()


# What a server may answer: (status, body), or (status, body, headers); None closes the connection without a word.
Reply = tuple | None


class Server:
    """An HTTP server on this machine that answers as `reply(method, path, body)` says, and remembers the requests."""

    def __init__(self, reply: Callable[[str, str, bytes], Reply], port: int = 0):
        server = self
        self.requests: list[tuple[str, str, bytes]] = []
        self._reply = reply

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body go out together: the second of two packets would wait 40 ms for the client's word.
            disable_nagle_algorithm = True
            wbufsize = -1

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = (self.command, self.path, body)
                server.requests.append(request)
                reply = server._reply(*request)
                if reply is None:
                    self.close_connection = True
                    return
                status, content, headers = (*reply, {})[:3]
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(content))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                self.close_connection |= headers.get("Connection") == "close"

            do_GET = do_POST = answer

            def log_message(self, format: str, *arguments) -> None:
                """Standard error is for pytest."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def relay(url: str, spoil: Callable[[dict, dict], Reply | dict]) -> Server:
    """A node in front of another that may spoil its answers.

    `spoil(call, answer)` gets each call of JSON-RPC with its answer, and gives the answer to pass on, or a Reply for
    the whole request.
    """

    def reply(method: str, path: str, body: bytes) -> Reply:
        calls = json.loads(body)
        answers = json.loads(post(url, body))
        if isinstance(calls, dict):
            calls, answers = [calls], [answers]
        by_id = {answer["id"]: answer for answer in answers}
        passed = [spoil(call, by_id[call["id"]]) for call in calls]
        for each in passed:
            if not isinstance(each, dict):
                return each
        content = passed if body.lstrip().startswith(b"[") else passed[0]
        return 200, json.dumps(content).encode(), {"Content-Type": "application/json"}

    return Server(reply)


def post(url: str, body: bytes) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read()


def method_names(requests: list[tuple[str, str, bytes]]) -> list[str]:
    """The JSON-RPC methods that a server was asked."""
    calls = [json.loads(body) for _, _, body in requests]
    return [call["method"] for each in calls for call in (each if isinstance(each, list) else [each])]


def bridge_chain(node: DevChain) -> Chain:
    """A chain with a bridge whose members are those of the published proofs."""
    chain = Chain(node)
    chain.deploy()
    for proof in PROOFS:
        chain.register(proof)
    return chain
