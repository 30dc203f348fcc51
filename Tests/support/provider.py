"""A gateway in front of a chain that plays the nodes of public providers, one habit at a time.

`HABITS` is the table. For each run a habit makes a function from a request to the reply; None forwards the chain's
answer. Where a provider is named, the codes, statuses and messages are the ones it is known to send.
"""

import gzip
import itertools
import json
import lzma
import math
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from fault_proxy import Exchange, FaultProxy

# How many requests an outage spoils.
SPOILT = 1
# How many preconfirmed receipts are served before the block is mined.
LOOKS = 3
ZERO = "0x" + 64 * "0"
# The uses of a node: send three requests that depend on each other; send one; simulate them; call a contract; poll an
# inbox without new messages; seal to a member; start an agent that reads an inbox.
EVERYWHERE = ("register", "onboard", "dry-run", "call", "inbox", "seal", "agent")
# The uses that read receipts. A journal, and waiting for transactions sent earlier, come on top.
RECEIVING = ("register", "onboard", "journal", "wait", "inbox")
HANDING_OVER = ("register", "onboard", "journal", "inbox", "agent")
LOOKING = ("register", "journal", "inbox")
SYNCHRONOUS = ("register", "onboard", "inbox")
PROVING = ("register", "inbox", "verify")
READING = ("register", "inbox", "verify", "seal", "agent")
SIMULATING = ("register", "onboard", "dry-run", "inbox")
SYNC, SIMULATE, HISTORY = "eth_sendRawTransactionSync", "eth_simulateV1", "eth_feeHistory"
PROOF, STORAGE = "eth_getProof", "eth_getStorageAt"
FEES = (HISTORY, "eth_maxPriorityFeePerGas", "eth_gasPrice")


@dataclass
class Request:
    """One HTTP request, and the chain behind the gateway."""

    calls: list[dict]
    is_batch: bool
    # How many requests preceded it.
    number: int
    _exchange: Exchange

    @property
    def methods(self) -> list[str]:
        return [call["method"] for call in self.calls]

    def ask(self, calls: list[dict] | None = None) -> list[dict]:
        """The chain's answers to these calls, by default all of them."""
        calls = self.calls if calls is None else calls
        return self._exchange.ask(calls) if calls else []

    def rpc(self, method: str, *parameters):
        [answer] = self.ask([{"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}])
        return answer["result"]


@dataclass(frozen=True)
class Reply:
    """The HTTP response."""

    status: int
    body: bytes
    headers: dict = field(default_factory=dict)


# A habit during one run.
Behaviour = Callable[[Request], Reply | None]


@dataclass(frozen=True)
class Failure:
    """How a program must report a node that always answers like this."""

    # The part of the node's message that the error must quote.
    sentence: str
    # A pattern that the hint must match.
    hint: str | None = None
    # The HTTP status that the error must name; None for 200.
    status: int | None = None


@dataclass(frozen=True)
class Habit:
    """What a provider does, and what it may cost."""

    # Who does this.
    provider: str
    # A fresh one for each run.
    make: Callable[[], Behaviour]
    # Given the batch sizes of a plain node: how many more requests the habit forces on a client that knows it.
    forces: Callable[[list[int]], int] = lambda sizes: 0
    # The uses that it can affect.
    uses: tuple[str, ...] = EVERYWHERE
    # Options that sending needs.
    options: tuple[str, ...] = ()
    # Uses that it makes impossible, with a pattern that the error must match.
    impossible: dict[str, str] = field(default_factory=dict)
    # Set where it makes every use impossible.
    failure: Failure | None = None

    def most(self, sizes: list[int]) -> int:
        """The most requests that a use may take, given the batch sizes it sends to a plain node."""
        return 2 * len(sizes) + self.forces(sizes)


class Provider(FaultProxy):
    """Serves in a `with` statement. `requests` and `raws` start afresh with each `play`."""

    def __init__(self, url: str):
        super().__init__(url, self._answer)
        self.play("plain")

    def play(self, name: str) -> Habit:
        """Adopt this habit and clear the log."""
        habit = HABITS[name]
        self.behaviour, self._numbers = habit.make(), itertools.count()
        self.requests, self.raws = [], []
        return habit

    def _answer(self, exchange: Exchange) -> None:
        request = Request(exchange.calls, exchange.is_batch, next(self._numbers), exchange)
        if reply := self.behaviour(request):
            exchange.reply(reply.status, reply.body, reply.headers)


# Replies


def document(content, status: int = 200, **headers) -> Reply:
    return Reply(status, json.dumps(content).encode(), {name.replace("_", "-"): text for name, text in headers.items()})


def text(content: str, status: int, kind: str = "text/plain") -> Reply:
    return Reply(status, content.encode(), {"Content-Type": kind})


def error(code: int, message: str, number=None, **members) -> dict:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message} | members, "id": number}


def answers(request: Request, answer: Callable[[dict], dict | None], status: int = 200) -> Reply:
    """An answer for each call, the chain's where `answer` gives None. `status` applies to a refused single call."""
    own = [answer(call) for call in request.calls]
    passed = iter(request.ask([call for call, each in zip(request.calls, own) if each is None]))
    content = [next(passed) if each is None else each for each in own]
    if request.is_batch:
        return document(content)
    return document(content[0], 200 if own[0] is None else status)


# Limits of batches


def batches_up_to(limit: int, refuse: Callable[[Request], Reply]) -> Callable[[], Behaviour]:
    def answer(request: Request) -> Reply | None:
        return refuse(request) if request.is_batch and len(request.calls) > limit else None

    return lambda: answer


def in_parts_of(limit: int) -> Callable[[list[int]], int]:
    """The requests that larger batches need, and those that find the limit by halving."""
    def forced(sizes: list[int]) -> int:
        larger = [size for size in sizes if size > limit]
        halvings = math.ceil(math.log2(max(larger) / limit)) if larger else 0
        return halvings + sum(math.ceil(size / limit) for size in larger)

    return forced


def refused_in_each(code: int, message: str, status: int) -> Callable[[Request], Reply]:
    return lambda request: document([error(code, message, call["id"]) for call in request.calls], status)


def refused_at_once(code: int, message: str, status: int = 200) -> Callable[[Request], Reply]:
    return lambda _: document(error(code, message), status)


def refused_in_the_first(code: int, message: str) -> Callable[[Request], Reply]:
    return lambda request: document([error(code, message, request.calls[0]["id"])])


def limited(provider: str, limit: int, refuse: Callable[[Request], Reply]) -> Habit:
    return Habit(provider, batches_up_to(limit, refuse), in_parts_of(limit))


def first_of_each(provider: str, count: int, code: int, message: str, **members) -> Habit:
    """Answers only the first calls of a batch, and the others with a rate limit."""
    def answer(request: Request) -> Reply | None:
        if len(request.calls) <= count:
            return None
        late = {call["id"] for call in request.calls[count:]}
        return answers(request, lambda call: (
            error(code, message, call["id"], **members) if call["id"] in late else None))

    return Habit(provider, lambda: answer, in_parts_of(count))


def per_second(provider: str, count: int, refuse: Callable[[Request], Reply]) -> Habit:
    """Takes so many requests per second."""
    def make() -> Behaviour:
        taken: list[float] = []

        def answer(request: Request) -> Reply | None:
            now = time.monotonic()
            taken[:] = [each for each in taken if now - each < 1]
            if len(taken) >= count:
                return refuse(request)
            taken.append(now)
            return None

        return answer

    # A client cannot know when the second ends, so it may try twice.
    return Habit(provider, make, lambda sizes: 2 * math.ceil(len(sizes) / count))


# Outages


def passing(provider: str, reply: Callable[[Request], Reply], first: int = 0, count: int = SPOILT,
            uses: tuple[str, ...] = EVERYWHERE) -> Habit:
    """Spoils `count` requests, from number `first` on."""
    def answer(request: Request) -> Reply | None:
        return reply(request) if first <= request.number < first + count else None

    return Habit(provider, lambda: answer, lambda sizes: count, uses)


def outage(code: int, message: str, status: int = 200) -> Callable[[Request], Reply]:
    """One error for the whole request."""
    return lambda _: document(error(code, message), status)


def outage_in_each(code: int, message: str, status: int = 200) -> Callable[[Request], Reply]:
    """An error for each call."""
    def reply(request: Request) -> Reply:
        content = [error(code, message, call["id"]) for call in request.calls]
        return document(content if request.is_batch else content[0], status)

    return reply


def after(reply: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """The reply, once the chain has processed the request."""
    def late(request: Request) -> Reply:
        request.ask()
        return reply(request)

    return late


# Missing methods


def without(methods: tuple[str, ...], code: int, message: str, status: int = 200) -> Callable[[], Behaviour]:
    """Refuses these methods; METHOD in the message stands for the name."""
    def refusal(call: dict) -> dict | None:
        if call["method"] in methods:
            return error(code, message.replace("METHOD", call["method"]), call["id"])
        return None

    return lambda: lambda request: answers(request, refusal, status)


def lacking(provider: str, methods: tuple[str, ...], code: int, message: str, status: int = 200,
            uses: tuple[str, ...] = SIMULATING, **rest) -> Habit:
    return Habit(provider, without(methods, code, message, status), uses=uses, **rest)


def no_sync(provider: str, code: int, message: str, status: int = 200) -> Habit:
    return lacking(provider, (SYNC,), code, message, status, SYNCHRONOUS)


def closed_to(method: str, provider: str, reply: Reply) -> Habit:
    """Sends this reply to a single call of the method; within a batch, geth's error."""
    absent = without((method,), -32601, ABSENT)()
    return Habit(provider, lambda: lambda request: reply if request.methods == [method] else absent(request),
                 uses=SYNCHRONOUS)


def without_tags(provider: str, code: int, message: str) -> Habit:
    """Refuses the block tags safe and finalized; TAG in the message stands for the tag."""
    def refusal(call: dict) -> dict | None:
        named = [each for each in call["params"] if each in ("safe", "finalized")]
        return error(code, message.replace("TAG", named[0]), call["id"]) if named else None

    return Habit(provider, lambda: lambda request: answers(request, refusal), uses=("register", "inbox", "finalized"),
                 impossible={"finalized": r"finalized|\beth_\w+"})


# Changed answers


def altered(change: Callable[[dict, dict], dict]) -> Callable[[], Behaviour]:
    """Each answer as `change(call, answer)` gives it."""
    def answer(request: Request) -> Reply:
        content = [change(call, each) for call, each in zip(request.calls, request.ask())]
        return document(content if request.is_batch else content[0])

    return lambda: answer


def results(methods: tuple[str, ...], change: Callable[[dict], dict | None]) -> Callable[[], Behaviour]:
    """Changes the results of these methods, unless null."""
    def alter(call: dict, answer: dict) -> dict:
        if call["method"] in methods and answer.get("result"):
            return answer | {"result": change(answer["result"])}
        return answer

    return altered(alter)


def compressed(encoding: str, compress: Callable[[bytes], bytes]) -> Callable[[], Behaviour]:
    """Compresses every response."""
    def answer(request: Request) -> Reply:
        content = request.ask()
        body = json.dumps(content if request.is_batch else content[0]).encode()
        return Reply(200, compress(body), {"Content-Encoding": encoding})

    return lambda: answer


def left_out(*names: str) -> Callable[[dict], dict]:
    return lambda content: {name: value for name, value in content.items() if name not in names}


def each_hash(write: Callable[[str], str]) -> Callable[[dict], dict]:
    """Rewrites every 32-byte value in a result."""
    def change(content):
        if isinstance(content, dict):
            return {name: change(value) for name, value in content.items()}
        if isinstance(content, list):
            return [change(value) for value in content]
        return write(content) if isinstance(content, str) and len(content) == 66 else content

    return change


def history(provider: str, change: Callable[[dict], dict | None]) -> Habit:
    return Habit(provider, results((HISTORY,), change), uses=SIMULATING)


RECEIPT = ("eth_getTransactionReceipt", SYNC)
BLOCK = ("eth_getBlockByNumber", "eth_getBlockByHash")


def receipts(provider: str, change: Callable[[dict], dict | None]) -> Habit:
    return Habit(provider, results(RECEIPT, change), uses=RECEIVING)


def hashes(provider: str, write: Callable[[str], str]) -> Habit:
    return Habit(provider, results((*RECEIPT, *BLOCK), each_hash(write)), uses=(*RECEIVING, "verify"))


def envelope(change: Callable[[dict], dict]) -> Habit:
    """Changes what stands around each result."""
    return Habit("older gateways", altered(lambda _, answer: change(answer)), uses=(*EVERYWHERE, "wait"))


def of_rollup(content: dict) -> dict:
    return content | {
        "type": "0x7e", "l1Fee": "0x1d2a6ae0", "l1GasPrice": "0x3b9aca00", "l1GasUsed": "0x640", "l1FeeScalar": None,
        "depositNonce": "0x1", "blobGasUsed": "0x0", "daFootprintGasScalar": "0x190", "logsBloom": None,
        "timeboosted": False, "l1BlockNumber": "0x10", "metadata": {"of": ["another", 1.5, {}]},
    }


# Preconfirmed receipts


class Preconfirming:
    """Serves receipts of the block being built, as Base does.

    Mines nothing until it has served `looks` of them, and never if that is None.
    """

    def __init__(self, block_hash: str, looks: int | None):
        self._hash, self._looks = block_hash, looks
        self._shown = 0
        self._lock = threading.Lock()
        self._is_manual = False

    def __call__(self, request: Request) -> Reply:
        with self._lock:
            if not self._is_manual:
                request.rpc("dev_setAutomine", False)
                self._is_manual = True
            if self._looks is not None and self._shown >= self._looks:
                request.rpc("dev_mine")
                self._shown = 0
            return answers(request, lambda call: self._answer(request, call))

    def _answer(self, request: Request, call: dict) -> dict | None:
        if call["method"] == SYNC:
            [answer] = request.ask([call | {"method": "eth_sendRawTransaction", "params": call["params"][:1]}])
            if "result" not in answer:
                return answer
            return {"jsonrpc": "2.0", "id": call["id"], "result": self._receipt(request, answer["result"])}
        if call["method"] != "eth_getTransactionReceipt" or request.rpc(*_words(call)):
            return None
        return {"jsonrpc": "2.0", "id": call["id"], "result": self._receipt(request, call["params"][0])}

    def _receipt(self, request: Request, transaction: str) -> dict | None:
        """The receipt that the next block will hold: mines it, and undoes that."""
        snapshot = request.rpc("evm_snapshot")
        request.rpc("dev_mine")
        receipt = request.rpc("eth_getTransactionReceipt", transaction)
        request.rpc("evm_revert", snapshot)
        if receipt is None:
            return None
        self._shown += 1
        logs = [log | {"blockHash": self._hash} for log in receipt["logs"]]
        return receipt | {"blockHash": self._hash, "logs": logs}


def _words(call: dict) -> tuple:
    return call["method"], *call["params"]


def preconfirming(provider: str, block_hash: str, looks: int | None = LOOKS) -> Habit:
    # Each look is a request; one more finds the block.
    return Habit(provider, lambda: Preconfirming(block_hash, looks), lambda sizes: LOOKS + 1, RECEIVING)


# Answers without a result


def always(provider: str, reply: Reply, sentence: str, hint: str | None = None) -> Habit:
    status = reply.status if reply.status != 200 else None
    return Habit(provider, lambda: lambda _: reply, failure=Failure(sentence, hint, status))


KEY, PATH, QUOTA = r"\bkey\b", r"\bpath\b", r"\bquota\b|\blimits?\b"
DRPC = ("Batch of more than 3 requests are not allowed on free tier, to use this feature register paid account "
        "at drpc.org")
ALCHEMY = "Unsupported method: METHOD. See available methods at https://docs.alchemy.com/alchemy/documentation/apis"
UPSTREAM = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
UNHEALTHY = "no backend is currently healthy to serve traffic"
NO_BACKENDS = "no backends available for method"
QUICKNODE = "15/second request limit reached - reduce calls per second or upgrade your account at quicknode.com"
CAPACITY = "Your app has exceeded its compute units per second capacity"
ABSENT = "the method METHOD does not exist/is not available"
CLOSED = -32001, "rpc method is not whitelisted", 403
FREE = 35, "method is not available on freetier, please upgrade to paid tier", 400
ANKR = ("Unauthorized: You must authenticate your request with an API key. Create an account on "
        "https://www.ankr.com/rpc/ and generate your personal API key for free.")
PROBLEM = {"type": "https://example.org/problems/quota", "title": "Too many requests", "status": 429,
           "detail": "the quota of this plan is used up"}

PLAIN = {
    "plain": Habit("a node of one's own", lambda: lambda request: None,
                   uses=(*EVERYWHERE, "journal", "wait", "verify", "finalized")),
}
LIMITS = {
    "batch of 3, 500": limited("dRPC, 1RPC", 3, refused_in_each(31, DRPC, 500)),
    "batch of 3, 200": limited("dRPC behind a gateway", 3, refused_in_each(31, DRPC, 200)),
    "batch of 3, 400": limited("Ronin", 3, lambda _: text("too many requests", 400)),
    "batch of 5, first element": limited("geth with --rpc.batch-request-limit", 5,
                                         refused_in_the_first(-32600, "batch too large")),
    "batch of 5, one error": limited("Base (op-geth)", 5, refused_at_once(-32600, "batch too large")),
    "batch of 8, proxyd": limited("OP Mainnet (proxyd)", 8,
                                  refused_at_once(-32014, "too many RPC calls in batch request")),
    "batch of 10, one error": limited("mainnet.base.org", 10, refused_at_once(-32014, "maximum 10 calls in 1 batch")),
    "batch of 10, 500": limited("dRPC, another plan", 10, refused_in_each(31, DRPC.replace("3", "10", 1), 500)),
    "batch of 10, 413": limited("mainnet.optimism.io", 10, lambda _: text("Payload Too Large", 413)),
    "batch of 12, Besu": limited("Besu", 12, refused_at_once(
        -32602, "Number of requests in batch exceeds --rpc-max-batch-size.", 400)),
    "no batches": limited("filters of methods", 1, refused_at_once(-32600, "batch requests are not supported")),
    "no batches, 400": limited("gateways that read objects alone", 1, lambda _: text("Bad Request", 400)),
    "first 3, -32007": first_of_each("QuickNode", 3, -32007, QUICKNODE),
    "first 3, -32005": first_of_each("Infura", 3, -32005, "daily request count exceeded, request rate limited", data={
        "rate": {"allowed_rps": 1, "backoff_seconds": 0, "current_rps": 2.2}, "see": "https://infura.io/dashboard"}),
    "first 5, -32016": first_of_each("mainnet.base.org", 5, -32016, "over rate limit"),
    "first 3, 429": first_of_each("Alchemy", 3, 429, CAPACITY),
    "3 a second, 429": per_second("Infura", 3, lambda _: document(
        error(-32005, "Too Many Requests"), 429, Retry_After="1")),
    "3 a second, -32007": per_second("QuickNode", 3, outage_in_each(-32007, QUICKNODE)),
}
OUTAGES = {
    "no backends, 503": passing("mainnet.base.org", outage(-32011, UNHEALTHY, 503)),
    "no backends, 502": passing("Mantle (proxyd)", outage(-32011, NO_BACKENDS, 502)),
    "no backends, 200": passing("Hemi (proxyd)", outage(-32011, NO_BACKENDS)),
    "no backends, each": passing("sepolia.base.org", outage_in_each(-32011, UNHEALTHY)),
    "no backends, thrice": passing("X Layer (proxyd)", outage_in_each(-32011, UNHEALTHY, 503), count=3),
    "backend offline, 503": passing("proxyd", outage(-32010, "backend offline", 503)),
    "gateway timeout, 504": passing("proxyd", outage(-32015, "gateway timeout", 504)),
    "over capacity, 429": passing("proxyd", outage(-32012, "backend is over capacity", 429)),
    "upstream": passing("Envoy", outage_in_each(-32603, UPSTREAM)),
    "upstream, 503": passing("Envoy", lambda _: text(UPSTREAM, 503)),
    "timeout": passing("gateways", outage_in_each(-32603, "request timeout")),
    "temporarily": passing("gateways", outage(-32603, "service temporarily unavailable", 500)),
    "overloaded": passing("gateways", outage_in_each(-32603, "the node is overloaded")),
    "retry, code 19": passing("dRPC", outage_in_each(
        19, "Temporary internal error. Please retry, trace-id: d13566efdd917dc2", 500)),
    "page, 502": passing("Cloudflare", lambda _: text("<html><title>502 Bad Gateway</title></html>", 502, "text/html")),
    "hand-over, 503": passing("mainnet.base.org", outage(-32011, UNHEALTHY, 503), first=1, uses=HANDING_OVER),
    "hand-over, 200": passing("Hemi (proxyd)", outage(-32011, NO_BACKENDS), first=1, uses=HANDING_OVER),
    "hand-over, upstream": passing("Envoy", outage_in_each(-32603, UPSTREAM), first=1, uses=HANDING_OVER),
    "handed over, 504": passing("proxyd", after(outage(-32015, "gateway timeout", 504)), first=1, uses=HANDING_OVER),
    "handed over, timeout": passing("gateways", after(outage_in_each(-32603, "request timeout")),
                                    first=1, uses=HANDING_OVER),
    "look, 503": passing("mainnet.base.org", outage(-32011, UNHEALTHY, 503), first=4, uses=LOOKING),
    "look, each": passing("sepolia.base.org", outage_in_each(-32011, UNHEALTHY), first=4, uses=LOOKING),
}
LACKING = {
    "no sync, -32601": no_sync("geth", -32601, ABSENT),
    "no sync, -32600": no_sync("Alchemy", -32600, ALCHEMY, 400),
    "no sync, -32600, not allowed": no_sync("Avalanche", -32600, "Method METHOD not allowed"),
    "no sync, -32001": no_sync("proxyd", *CLOSED),
    "no sync, -32002": no_sync("EIP-1474", -32002, "resource unavailable: METHOD"),
    "no sync, -32004": no_sync("Hedera", -32004, "Unsupported JSON-RPC method", 400),
    "no sync, -32053": no_sync("Ankr", -32053, "API key is not allowed to access method"),
    "no sync, -32604": no_sync("Besu", -32604, "Method not enabled"),
    "no sync, code 35": no_sync("dRPC", *FREE),
    "no sync, 403": closed_to(SYNC, "mainnet.base.org", text("Forbidden", 403)),
    "no sync, 403, text": closed_to(SYNC, "Ankr", document(
        {"error": "message: API key is not allowed to access method, json-rpc code: -32053, rest code: 403"}, 403)),
    "no sync, 404": closed_to(SYNC, "QuickNode", text("404 page not found", 404)),
    "no sync, 405": closed_to(SYNC, "Infura, once", text("", 405)),
    "no simulation, -32601": lacking("geth before 1.14.9", (SIMULATE,), -32601, ABSENT),
    "no simulation, -32004": lacking("Hedera", (SIMULATE,), -32004, "Unsupported JSON-RPC method", 400),
    "no simulation, -32001": lacking("proxyd", (SIMULATE,), *CLOSED),
    "no simulation, -32600": lacking("Alchemy", (SIMULATE,), -32600, ALCHEMY, 400),
    "no simulation, code 35": lacking("dRPC", (SIMULATE,), *FREE),
    "no simulation, crash": lacking("Arbitrum (nitro)", (SIMULATE,), -32603, "method handler crashed"),
    "no history, -32601": lacking("older nodes", (HISTORY,), -32601, ABSENT),
    "no history, -32001": lacking("proxyd", (HISTORY,), *CLOSED),
    "history null": history("older nodes", lambda _: None),
    "history without base fees": history("geth where London is not reached", left_out("baseFeePerGas")),
    "history of no base fees": history("older nodes", lambda found: found | {"baseFeePerGas": []}),
    "history of null base fees": history("older nodes", lambda found: found | {"baseFeePerGas": None, "reward": None}),
    "no fees at all": lacking("filters of methods", FEES, -32601, ABSENT,
                              options=("--max-fee", "50gwei", "--min-tip", "1gwei")),
    "no proofs": lacking("older nodes", (PROOF,), -32601, ABSENT, uses=PROVING, impossible={"verify": PROOF}),
    "no proofs, code 35": lacking("dRPC", (PROOF,), *FREE, uses=PROVING, impossible={"verify": PROOF}),
    "no storage": lacking("filters of methods", (STORAGE,), -32601, ABSENT, uses=READING),
    "no storage, -32001": lacking("proxyd", (STORAGE,), *CLOSED, uses=READING),
    "no finality, -32000": without_tags("geth", -32000, "TAG block not found"),
    "no finality, -32602": without_tags("proposed for Rootstock", -32602, "unsupported block tag: TAG"),
    "no finality, -39001": without_tags("Besu, Erigon", -39001, "Unknown block"),
}
PRECONFIRMED = {
    "preconfirmed, no hash": preconfirming("Base (flashblocks)", ZERO),
    "preconfirmed, another hash": preconfirming("gateways with several backends", "0x" + 32 * "fb"),
}
FORMS = {
    "status 0x01": receipts("gateways that pad", lambda receipt: receipt | {"status": "0x01"}),
    "logs null": receipts("nodes without logs", lambda receipt: receipt | {"logs": None}),
    "no effective price": receipts("nodes before London", left_out("effectiveGasPrice")),
    "members of a rollup": receipts("OP Mainnet, Base, Arbitrum", of_rollup),
    "few members": receipts("gateways that shorten", left_out(
        "logsBloom", "type", "cumulativeGasUsed", "contractAddress")),
    "hashes without 0x": hashes("gateways of other chains", lambda text: text[2:]),
    "hashes in upper case": hashes("gateways of other chains", lambda text: "0x" + text[2:].upper()),
    "no version": envelope(lambda answer: left_out("jsonrpc")(answer)),
    "id as text": envelope(lambda answer: answer | {"id": str(answer["id"])}),
    "error null": envelope(lambda answer: {"error": None} | answer),
    "gzip": Habit("nginx, Cloudflare", compressed("gzip", gzip.compress)),
    "deflate": Habit("older gateways", compressed("deflate", zlib.compress)),
    "in any order": Habit("gateways with several backends", lambda: lambda request: (
        document(request.ask()[::-1]) if request.is_batch else None), uses=(*EVERYWHERE, "wait")),
}
FAILURES = {
    "key, 401": always("gateways", document({"error": "Invalid API key"}, 401), "Invalid API key", KEY),
    "key, 401, object": always("Alchemy", document(error(-32600, "Must be authenticated!"), 401),
                               "Must be authenticated!", KEY),
    "key, 403": always("Ankr", document({
        "error": "message: API key is not allowed to access blockchain, json-rpc code: -32052, rest code: 403"}, 403),
        "API key is not allowed to access blockchain", KEY),
    "key, rest code 403": always("polygon-rpc.com", document({
        "error": "message: API key disabled, reason: tenant disabled, json-rpc code: -32051, rest code: 403"}, 401),
        "API key disabled, reason: tenant disabled", KEY),
    "key, 200": always("Ankr", document(error(-32000, ANKR)), "You must authenticate your request", KEY),
    "text, 200": always("gateways", document({"error": "Invalid API key"}), "Invalid API key", KEY),
    "plain, 403": always("PublicNode", text("Archive requests require a personal token\nsee the documentation", 403),
                         "Archive requests require a personal token", KEY),
    "plain, 404": always("QuickNode", text("404 page not found", 404), "404 page not found", PATH),
    "page, 404": always("nginx", text("<html><head><title>404 Not Found</title></head></html>", 404, "text/html"),
                        "404 Not Found", PATH),
    "page": always("Cloudflare", text(
        "<!doctype html>\n<html><head>\n<title>\n  rpc.example | 502: Bad gateway </title></head></html>", 502,
        "text/html"), "rpc.example | 502: Bad gateway"),
    "problem, 429": always("API gateways (RFC 9457)", Reply(
        429, json.dumps(PROBLEM).encode(), {"Content-Type": "application/problem+json"}),
        "the quota of this plan is used up", QUOTA),
    "quota, 429": always("Infura", document(error(-32005, "daily request count exceeded, request rate limited"), 429),
                         "daily request count exceeded", QUOTA),
    "message, 400": always("AWS API Gateway", document({"message": "Missing Authentication Token"}, 400),
                           "Missing Authentication Token"),
    "lzma": always("nobody", Reply(200, lzma.compress(b"{}"), {"Content-Encoding": "lzma"}),
                   'content encoding, "lzma", is unknown'),
    "damaged gzip": always("nobody", Reply(200, b"{}", {"Content-Encoding": "gzip"}), "or its body is damaged"),
    "control characters": always("an attacker", document(
        error(-32000, "stop\x1b[2J\u202e here\r\nand there"), 400), "stop"),
    "long": always("gateways", document({"error": "endless " + 400 * "x"}, 403), "endless xxx", KEY),
}
# The table.
HABITS: dict[str, Habit] = PLAIN | LIMITS | OUTAGES | LACKING | PRECONFIRMED | FORMS | FAILURES
