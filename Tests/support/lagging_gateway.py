"""A load balancer in front of nodes that lag: each request is answered by one of several backends, and each of these
shows the chain as it was some seconds ago.

There is one chain behind all of them. A `History` remembers when it saw which head; a backend that lags answers as of
the block that was the head then, also if a reorganisation has undone that block since.
"""

import http.client
import json
import random
import threading
import time
from bisect import bisect_right
from dataclasses import dataclass

from devchain.launcher import RpcFailure
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from eth_utils import keccak
from hexbytes import HexBytes

from fault_proxy import Exchange, FaultProxy

# How often the chain is asked for its head, in seconds.
INTERVAL = 0.03
# Where a method's parameter is that names a block.
BLOCK_PARAMETER = {
    "eth_call": 1, "eth_estimateGas": 1, "eth_getBalance": 1, "eth_getCode": 1, "eth_getProof": 2,
    "eth_getStorageAt": 2, "eth_getTransactionCount": 1, "eth_simulateV1": 1, "eth_getBlockReceipts": 0,
}


@dataclass(frozen=True)
class Backend:
    """How far a backend is behind, in seconds, and what it does with transactions."""

    head: float = 0
    # As the head if None: they may be more or less current than it. What is in a block is looked up as receipts are.
    count: float | None = None
    receipts: float | None = None
    # How long after a transaction was handed to it, it does not know it unless it is in a block that it shows.
    mempool: float = 0
    # How long it keeps a transaction before the chain gets it.
    holds: float = 0
    # Of the transactions that it says to have taken, the share that it loses.
    drops: float = 0
    # The share of transactions that it hands on twice, to tell the second answer.
    repeats: float = 0
    # What it tells then; the chain's own answer if None.
    says: str | None = None

    @property
    def count_lag(self) -> float:
        return self.head if self.count is None else self.count

    @property
    def receipts_lag(self) -> float:
        return self.head if self.receipts is None else self.receipts


class History:
    """Which block was the chain's head when. Serves in a `with` statement; any number of gateways may share it."""

    def __init__(self, url: str):
        self.url = url
        self._connections = threading.local()
        self._lock = threading.Lock()
        self._blocks: dict[str, dict] = {}
        self._places: dict[str, set[str]] = {}
        self._times: list[float] = []
        self._heads: list[str] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.refresh()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def rpc(self, method: str, *parameters):
        """Ask the chain itself.

        :raises RpcFailure: for an error that it answers with.
        """
        connection = getattr(self._connections, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
            self._connections.connection = connection
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        if "error" in answer:
            raise RpcFailure(answer["error"])
        return answer["result"]

    def _watch(self) -> None:
        while not self._is_over.wait(INTERVAL):
            self.refresh()

    def refresh(self) -> None:
        with self._lock:
            head = self.rpc("eth_getBlockByNumber", "latest", False)
            if self._heads and self._heads[-1] == head["hash"]:
                return
            self._add(head)
            self._times.append(time.monotonic())
            self._heads.append(head["hash"])

    def _add(self, block: dict) -> None:
        """Remember a block and those below it that are not known, but no more than were made since the last."""
        lowest = self._blocks[self._heads[0]]["number"] if self._heads else int(block["number"], 16)
        while block["hash"] not in self._blocks:
            number = int(block["number"], 16)
            self._blocks[block["hash"]] = {"number": number, "parent": block["parentHash"]}
            for each in block["transactions"]:
                self._places.setdefault(each, set()).add(block["hash"])
            if number <= lowest:
                break
            block = self.rpc("eth_getBlockByHash", block["parentHash"], False)

    def head(self, lag: float) -> str:
        """The hash of the block that was the head so many seconds ago."""
        if lag == 0:
            self.refresh()
        with self._lock:
            place = bisect_right(self._times, time.monotonic() - lag)
            return self._heads[max(place - 1, 0)]

    def number(self, block_hash: str) -> int:
        return self._block(block_hash)["number"]

    def _block(self, block_hash: str) -> dict:
        if block_hash not in self._blocks:
            block = self.rpc("eth_getBlockByHash", block_hash, False)
            self._blocks[block_hash] = {"number": int(block["number"], 16), "parent": block["parentHash"]}
        return self._blocks[block_hash]

    def ancestor(self, head: str, number: int) -> str | None:
        """The block of this number in the chain that ends with `head`."""
        block = self._block(head)
        if not 0 <= number <= block["number"]:
            return None
        while block["number"] > number:
            head = block["parent"]
            block = self._block(head)
        return head

    def place(self, transaction: str, heads: list[str]) -> str | None:
        """The block that holds a transaction, in a chain that all the heads are of."""
        for block_hash in self._places.get(transaction, ()):
            if all(self.ancestor(head, self.number(block_hash)) == block_hash for head in heads):
                return block_hash
        return None



class LaggingGateway(FaultProxy):
    """Serves in a `with` statement. Requests go to the backends in turn, or, with `is_random`, as the seed says.

    A batch goes to one of them, or, with `splits_batches`, each of its calls to another. `intercept(exchange)` comes
    before a request is answered. What the backends do by chance follows from the seed and the order of the requests.
    """

    def __init__(self, history: History, *backends: Backend, seed: int = 0, is_random: bool = False,
                 splits_batches: bool = False, intercept=None):
        self._history = history
        self._backends = backends
        self._dice = random.Random(seed)
        self._is_random = is_random
        self._splits_batches = splits_batches
        self._turn = 0
        self._draw_lock = threading.Lock()
        self._intercept = intercept
        self._arrivals: dict[str, float] = {}
        self._transactions: dict[str, tuple[str, int]] = {}
        # Nonces of which the backends only say what the chain does: none of them loses or keeps such a transaction.
        self.faithful_nonces: set[int] = set()
        super().__init__(history.url, self._answer)

    def _answer(self, exchange: Exchange) -> None:
        if self._intercept:
            self._intercept(exchange)
        if exchange.is_over:
            return
        backend = self._next_backend()
        answers = []
        for call in exchange.calls:
            try:
                answer = {"result": self._ask(backend, call["method"], list(call.get("params") or []))}
            except RpcFailure as failure:
                error = {"code": failure.code, "message": failure.message, "data": failure.data}
                answer = {"error": {name: value for name, value in error.items() if value is not None}}
            answers.append({"jsonrpc": "2.0", "id": call["id"]} | answer)
            if self._splits_batches:
                backend = self._next_backend()
        self.answered(exchange.calls, json.dumps(answers).encode())
        exchange.reply(200, json.dumps(answers if exchange.is_batch else answers[0]).encode())

    def _next_backend(self) -> Backend:
        with self._draw_lock:
            self._turn += 1
            return self._dice.choice(self._backends) if self._is_random else self._backends[
                self._turn % len(self._backends)]

    def _happens(self, share: float) -> bool:
        with self._draw_lock:
            return self._dice.random() < share

    def _ask(self, backend: Backend, method: str, parameters: list):
        history = self._history
        head = history.head(backend.head)
        match method:
            case "eth_blockNumber":
                return hex(history.number(head))
            case "eth_sendRawTransaction":
                return self._take(backend, parameters[0])
            case "eth_sendRawTransactionSync":
                raise failure(-32601, f"the method {method} does not exist/is not available")
            case "eth_getTransactionReceipt":
                return self._receipt(backend, head, parameters[0])
            case "eth_getTransactionByHash":
                return self._transaction(backend, head, parameters[0])
            case "eth_getBlockByNumber":
                place = self._named(head, parameters[0])
                return place and history.rpc("eth_getBlockByHash", place, *parameters[1:])
            case "eth_feeHistory":
                newest = min(history.number(head), int(history.rpc("eth_blockNumber"), 16))
                return history.rpc(method, parameters[0], hex(newest), *parameters[2:])
        if method in BLOCK_PARAMETER:
            place = BLOCK_PARAMETER[method]
            tag = parameters[place] if len(parameters) > place else "latest"
            if method == "eth_getTransactionCount" and tag == "pending":
                return self._pending_count(backend, parameters[0])
            if method == "eth_getTransactionCount" and tag == "latest":
                head = history.head(backend.count_lag)
            if tag != "pending" or backend.head or backend.mempool:
                named = tag if isinstance(tag, dict) else self._named(head, tag)
                if named is None:
                    raise failure(-32000, "header not found")
                parameters[place:place + 1] = [named if isinstance(named, dict) else {"blockHash": named}]
        return history.rpc(method, *parameters)

    def _named(self, head: str, tag: str) -> str | None:
        if tag in ("latest", "pending"):
            return head
        if tag in ("safe", "finalized", "earliest"):
            return self._history.rpc("eth_getBlockByNumber", tag, False)["hash"]
        return self._history.ancestor(head, int(tag, 16))

    def _shown_in(self, backend: Backend, head: str, transaction: str) -> str | None:
        """The block in which a backend shows the receipt of a transaction; never one that its head is not built on."""
        known = self._history.head(backend.receipts_lag)
        return self._history.place(transaction, [known, head] if backend.head <= backend.receipts_lag else [known])

    def _receipt(self, backend: Backend, head: str, transaction: str):
        place = self._shown_in(backend, head, transaction)
        if place is None:
            return None
        receipts = self._history.rpc("eth_getBlockReceipts", {"blockHash": place})
        return next(each for each in receipts if each["transactionHash"] == transaction)

    def _transaction(self, backend: Backend, head: str, transaction: str):
        place = self._shown_in(backend, head, transaction)
        if place:
            block = self._history.rpc("eth_getBlockByHash", place, True)
            return next(each for each in block["transactions"] if each["hash"] == transaction)
        known = self._history.rpc("eth_getTransactionByHash", transaction)
        if known is None or not self._is_heard_of(backend, transaction):
            return None
        return known | {"blockHash": None, "blockNumber": None, "transactionIndex": None}

    def _is_heard_of(self, backend: Backend, transaction: str) -> bool:
        return time.monotonic() - self._arrivals.setdefault(transaction, time.monotonic()) >= backend.mempool

    def _pending_count(self, backend: Backend, account: str) -> str:
        """The count, and behind it the transactions in a row that the backend has heard of."""
        head = self._history.head(backend.count_lag)
        counted = int(self._history.rpc("eth_getTransactionCount", account, {"blockHash": head}), 16)
        ours = [(nonce, self._is_heard_of(backend, each)) for each, (sender, nonce) in list(self._transactions.items())
                if sender == account.lower()]
        if counted == int(self._history.rpc("eth_getTransactionCount", account, "latest"), 16):
            # It has heard of what others have sent, but not of what is behind one that it has not heard of.
            waiting = int(self._history.rpc("eth_getTransactionCount", account, "pending"), 16)
            return hex(max(counted, min([waiting, *(nonce for nonce, is_heard_of in ours if not is_heard_of)])))
        while (counted, True) in ours:
            counted += 1
        return hex(counted)

    def _take(self, backend: Backend, raw: str) -> str:
        """What a backend says to a transaction, and does with it."""
        transaction = keccak(hexstr=raw).hex()
        sender, nonce = sender_and_nonce(raw)
        is_kept = nonce not in self.faithful_nonces
        mined = self._history.rpc("eth_getTransactionCount", sender, {
            "blockHash": self._history.head(backend.count_lag)})
        if nonce < int(mined, 16):
            raise failure(-32000, f"nonce too low: next nonce {int(mined, 16)}, tx nonce {nonce}")
        if is_kept and self._happens(backend.drops):
            return f"0x{transaction}"
        if is_kept and backend.holds:
            threading.Timer(backend.holds, self._hand_on, (raw,)).start()
            return f"0x{transaction}"
        self._arrive(raw)
        answer = self._history.rpc("eth_sendRawTransaction", raw)
        if self._happens(backend.repeats):
            if backend.says:
                raise failure(-32000, backend.says)
            return self._history.rpc("eth_sendRawTransaction", raw)
        return answer

    def _arrive(self, raw: str) -> None:
        transaction = f"0x{keccak(hexstr=raw).hex()}"
        self._arrivals.setdefault(transaction, time.monotonic())
        self._transactions[transaction] = sender_and_nonce(raw)

    def _hand_on(self, raw: str) -> None:
        try:
            self._arrive(raw)
            self._history.rpc("eth_sendRawTransaction", raw)
        except (RpcFailure, OSError):
            """It came too late, or the chain is gone."""


def failure(code: int, message: str) -> RpcFailure:
    return RpcFailure({"code": code, "message": message})


def sender_and_nonce(raw: str) -> tuple[str, int]:
    return Account.recover_transaction(raw).lower(), TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["nonce"]
