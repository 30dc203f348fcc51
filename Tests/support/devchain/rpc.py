"""JSON-RPC 2.0: envelopes, batches and errors around a table of methods."""

import json
import sys
import time
import traceback

from .errors import INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, SERVER_ERROR, RpcError

MAX_BATCH = 1000


class Dispatcher:
    def __init__(self, methods, stats):
        self._methods = methods
        self._stats = stats

    def answer(self, body):
        """The response to the bytes of one HTTP request; empty if there was nothing but notifications."""
        start = time.monotonic()
        try:
            request = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            request, response = None, _failure(None, RpcError(PARSE_ERROR, "parse error"))
        else:
            response = self._answer_batch(request) if isinstance(request, list) else self._answer_one(request)
        encoded = _encode(response) if response else b""
        self._stats.count(_method_names(request), len(encoded), time.monotonic() - start)
        return encoded

    def _answer_batch(self, requests):
        if not requests:
            return _failure(None, RpcError(INVALID_REQUEST, "empty batch"))
        if len(requests) > MAX_BATCH:
            return [_failure(_id_of(requests[0]), RpcError(INVALID_REQUEST, "batch too large"))]
        return [response for request in requests if (response := self._answer_one(request))]

    def _answer_one(self, request):
        if not _is_valid(request):
            return _failure(_id_of(request), RpcError(INVALID_REQUEST, "invalid request"))
        if "id" not in request:
            return None
        try:
            return {"jsonrpc": "2.0", "id": request["id"], "result": self._call(request)}
        except RpcError as error:
            return _failure(request["id"], error)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return _failure(request["id"], RpcError(SERVER_ERROR, "internal error"))

    def _call(self, request):
        name = request["method"]
        if name not in self._methods:
            raise RpcError(METHOD_NOT_FOUND, f"the method {name} does not exist/is not available")
        params = request.get("params")
        return self._methods[name]([] if params is None else params)


def _is_valid(request):
    return (
        isinstance(request, dict)
        and request.get("jsonrpc") == "2.0"
        and isinstance(request.get("method"), str)
        and not isinstance(request.get("id"), (dict, list, bool))
    )


def _method_names(request):
    requests = request if isinstance(request, list) else [request]
    return [item["method"] for item in requests if _is_valid(item)]


def _id_of(request):
    identifier = request.get("id") if isinstance(request, dict) else None
    return None if isinstance(identifier, (dict, list, bool)) else identifier


def _failure(identifier, error):
    return {"jsonrpc": "2.0", "id": identifier, "error": error.as_json()}


def _encode(response):
    return json.dumps(response, separators=(",", ":")).encode() + b"\n"


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")
