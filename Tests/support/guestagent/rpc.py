"""The guest agent's methods, and the JSON it answers with.

Bytes are lower-case hex without 0x, missing request fields take their defaults and
unknown ones are ignored. Errors are one pretty-printed object; agents up to 0.5.5
wrote the chain of causes in them over several lines.
"""

import json

from guestagent.chain import AppKeys
from guestagent.info import app_info

ALGORITHMS = {"": "secp256k1", "secp256k1": "secp256k1", "k256": "secp256k1",
              "ed25519": "ed25519"}
VERSION = {"version": "0.5.8", "rev": "git:0123456789abcdef0123"}


class RpcError(Exception):
    """An error and its causes, outermost first."""

    def one_line(self) -> str:
        return ": ".join(self.args)

    def debug(self) -> str:
        """The several lines in which old agents printed an error."""
        message, *causes = self.args
        if len(causes) > 1:
            causes = [f"{number}: {cause}" for number, cause in enumerate(causes)]
        return "\n    ".join([message + "\n\nCaused by:", *causes]) if causes else message


class Agent:
    def __init__(self, app: AppKeys, old: bool = False, prefix_0x: bool = False):
        """`old` acts as an agent up to 0.5.5, `prefix_0x` as one before prpc 0.2.2."""
        self.app = app
        self._old = old
        self._prefix = "0x" if prefix_0x else ""
        self._methods = {"Info": self._info, "GetKey": self._get_key}
        if not old:
            self._methods["Version"] = lambda request: VERSION

    def answer(self, method: str, request: bytes | dict) -> tuple[int, bytes]:
        """HTTP status and body for a request: a JSON text, or the fields of a query."""
        try:
            if method not in self._methods:
                raise RpcError(f"Service not found: {method}")
            fields = request if isinstance(request, dict) else _parse(request)
            return 200, _json(self._methods[method](fields), separators=(",", ":"))
        except RpcError as error:
            text = error.debug() if self._old else error.one_line()
            return 400, _json({"error": text}, indent=2)

    def _info(self, request: dict) -> dict:
        return app_info(self.app, self._hex, self._old)

    def _get_key(self, request: dict) -> dict:
        path, purpose = _string(request, "path"), _string(request, "purpose")
        algorithm = "" if self._old else _string(request, "algorithm")
        if algorithm not in ALGORITHMS:
            raise RpcError("Unsupported algorithm")
        derived = self.app.get_key(path, purpose, ALGORITHMS[algorithm])
        return {
            "key": self._hex(derived.secret),
            "signature_chain": [self._hex(link) for link in derived.signature_chain],
        }

    def _hex(self, data: bytes) -> str:
        return self._prefix + data.hex() if data else ""


def _json(value: dict, **layout) -> bytes:
    return json.dumps(value, ensure_ascii=False, **layout).encode()


def _parse(body: bytes) -> dict:
    """The fields of a JSON request; no body at all is a request of defaults."""
    if not body:
        return {}
    try:
        request = json.loads(body)
    except ValueError as error:
        raise RpcError("failed to decode request", "invalid JSON", str(error)) from None
    if not isinstance(request, dict):
        raise RpcError("failed to decode request", "invalid type", "expected an object")
    return request


def _string(request: dict, name: str) -> str:
    value = request.get(name, "")
    if not isinstance(value, str):
        raise RpcError("failed to decode request", "invalid type", f"`{name}` is not a string")
    return value
