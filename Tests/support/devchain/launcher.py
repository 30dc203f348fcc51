"""For tests in Python: run a dev-chain in a process of its own and call it. Needs nothing but the standard library."""

import http.client
import json
from pathlib import Path

from nursery import Fork

PROGRAM = Path(__file__).resolve().parent.parent / "dev-chain"
STOP_SECONDS = 10


class RpcFailure(Exception):
    """An error object that the chain answered with."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]
        self.message = error["message"]
        self.data = error.get("data")


class DevChain:
    """A running chain. Use it in a `with` statement; it ends with it, or with this process."""

    def __init__(self, *options):
        self._process = Fork(PROGRAM.name, "--exit-with-stdin", *options)
        ready = self._process.stdout.readline()
        if not ready:
            raise RuntimeError(f"dev-chain ended with status {self._process.wait(STOP_SECONDS)}")
        announced = json.loads(ready)
        self.url = announced["rpc"]
        self.chain_id = announced["chainId"]
        self.accounts = announced["accounts"]
        self._connection = http.client.HTTPConnection(self.url.removeprefix("http://"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """End the process and return its exit status."""
        self._connection.close()
        self._process.stdin.close()
        status = self._process.wait(STOP_SECONDS)
        self._process.stdout.close()
        return status

    def terminate(self):
        """Ask it by signal to end."""
        self._process.terminate()

    def post(self, body):
        """Send these bytes as one request and return the bytes of the answer."""
        self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
        return self._connection.getresponse().read()

    def rpc(self, method, *params):
        """The result of one call; an error is raised as RpcFailure."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        response = json.loads(self.post(json.dumps(request)))
        if "error" in response:
            raise RpcFailure(response["error"])
        return response["result"]
