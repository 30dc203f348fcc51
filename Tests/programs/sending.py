"""What the tests of sending share: a chain of many accounts, requests that can be told apart, and what is true."""

import json
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from devchain.launcher import DevChain
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from eth_utils import keccak, to_checksum_address
from hexbytes import HexBytes

from harness import DONE, SECONDS, Result, finish, json_lines, running
from services import CHAIN_ID, dev_chain, post

GWEI = 10**9
TO = to_checksum_address("0x" + "c0de" * 10)


class Ledger:
    """A dev-chain whose many accounts each serve one test, and who sent what on it.

    Any number of threads may use it.
    """

    def __init__(self, node: DevChain, accounts: list):
        self.url = node.url
        self._accounts = iter(accounts)
        self._lock = threading.Lock()
        self._next, self._found = 1, {}

    def rpc(self, method: str, *parameters):
        answer = self.ask(method, *parameters)
        assert "error" not in answer, answer
        return answer["result"]

    def ask(self, method: str, *parameters) -> dict:
        """What the node answers, which may be an error."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        return json.loads(post(self.url, body))

    def account(self):
        """An account that has sent nothing yet."""
        with self._lock:
            return next(self._accounts)

    def env(self, account, url: str | None = None) -> dict[str, str]:
        return {"ETH_RPC_URL": url or self.url, "CHAIN": str(CHAIN_ID), "PRIVATE_KEY": account.key.hex()}

    def nonce(self, account, tag: str = "latest") -> int:
        return int(self.rpc("eth_getTransactionCount", account.address, tag), 16)

    def transactions(self, account) -> list[dict]:
        """What the account sent, in the blocks of the chain; each block is looked at once."""
        with self._lock:
            head = int(self.rpc("eth_blockNumber"), 16)
            while self._next <= head:
                for each in self.rpc("eth_getBlockByNumber", hex(self._next), True)["transactions"]:
                    self._found.setdefault(each["from"], []).append(each)
                self._next += 1
            found = list(self._found.get(account.address.lower(), []))
        assert len(found) == self.nonce(account), "more or fewer than the chain counts"
        return found

    def look_again(self) -> None:
        """Look at all the blocks again: they are others since a reorganisation."""
        self._next, self._found = 1, {}

    def values(self, account) -> list[int]:
        """What the account's requests are told apart by, for each of its transactions."""
        return [int(each["value"], 16) for each in self.transactions(account)]

    def send(self, account, nonce: int, value: int = 999, **fees) -> str:
        """A transaction that another machine with the same key sends; its hash."""
        return self.rpc("eth_sendRawTransaction", signed(account, nonce, value, **fees))


def signed(account, nonce: int, value: int, tip: int = 2 * 10**9, most: int = 50 * 10**9) -> str:
    return account.sign_transaction({
        "type": 2, "chainId": CHAIN_ID, "nonce": nonce, "to": TO, "value": value, "gas": 21000,
        "maxPriorityFeePerGas": tip, "maxFeePerGas": most, "data": b"",
    }).raw_transaction.to_0x_hex()


@contextmanager
def running_ledger(*options: str, accounts: int = 5):
    keys = [Account.from_key(keccak(text=f"an account of the sending tests {index}")) for index in range(accounts)]
    funds = [word for account in keys for word in ("--fund", account.address)]
    with dev_chain(*options, *funds) as node:
        yield Ledger(node, keys)


def transfers(count: int, first: int = 1, **members) -> list[dict]:
    """Requests that differ in their value: first, first + 1, and so on."""
    return [{"label": f"request {value}", "to": TO, "value": hex(value)} | members
            for value in range(first, first + count)]


def transaction_of(raw: str) -> dict:
    return TypedTransaction.from_bytes(HexBytes(raw)).as_dict()


def check_done(ledger: Ledger, account, answer: Result, requests: list[dict]) -> None:
    """Assert that each request has one transaction, and that the records say which."""
    assert answer.status == DONE, answer
    check_records(answer, requests)
    wanted = [int(request["value"], 16) for request in requests]
    assert sorted(ledger.values(account)) == sorted(wanted), answer
    hashes = {each["hash"]: int(each["value"], 16) for each in ledger.transactions(account)}
    assert [hashes[record["transactionHash"]] for record in answer.documents] == wanted


def check_records(answer: Result, requests: list[dict], status: str = "success") -> None:
    assert [(record["label"], record["status"]) for record in answer.documents] == [
        (request["label"], status) for request in requests], answer


@contextmanager
def sending(ledger, account, requests, *options, url=None):
    """A run that was given requests."""
    with running("tx-send", "--timeout", "20", *options, stdin=subprocess.PIPE,
                 env=ledger.env(account, url)) as process:
        process.stdin.write(json_lines(requests).encode())
        process.stdin.close()
        process.stdin = None
        yield process


def mine_until_end(ledger, process) -> Result:
    """What comes of a run that gets a block ten times in a second."""
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        ledger.rpc("dev_mine")
        time.sleep(0.1)
    ledger.look_again()
    return finish("tx-send", process)


@contextmanager
def dear_blocks(ledger, base_fee: int):
    """Blocks whose base fee what waits cannot pay; after that what they cost before."""
    ledger.rpc("dev_setNextBaseFee", base_fee)
    ledger.rpc("dev_mine")
    yield
    ledger.rpc("dev_setNextBaseFee", GWEI)
    ledger.rpc("dev_mine")


def lines_of(journal: Path) -> list[dict]:
    return [json.loads(line) for line in journal.read_text().splitlines()]
