"""The stand-in's transports: the agent on a unix socket, a proof on TCP.

Both are HTTP/1.1 with keep-alive, and can misbehave on demand, since clients must
outlive answers that are late, cut, endless or not JSON.
"""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn, UnixStreamServer
from urllib.parse import parse_qsl, urlsplit

from guestagent.rpc import Agent

BODY_LIMIT = 10 * 2**20
CHUNK = 7
HTML_PAGE = b"<!doctype html>\n<html><head><title>Welcome</title></head></html>\n"
ROCKET_NOT_FOUND = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n"
ROCKET_NOT_FOUND_JSON = (
    b'{"error":{"code":404,"reason":"Not Found",'
    b'"description":"The requested resource could not be found."}}'
)
FLASK_NOT_FOUND = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n"


@dataclass(frozen=True)
class Faults:
    """What an answer suffers before its reader sees it."""

    chunked: bool = False
    close_mid_body: bool = False
    hang: bool = False
    html: bool = False
    slow: float = 0.0


class _Server(ThreadingMixIn):
    """A thread for each connection, none of which outlives the process."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def start(self, faults: Faults) -> None:
        self.faults = faults
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.shutdown()
        self.server_close()


class AgentServer(_Server, UnixStreamServer):
    def __init__(self, path: str, agent: Agent):
        super().__init__(path, _AgentHandler)
        self.agent = agent


class ProofServer(_Server, TCPServer):
    """Serves GET /proof as the bridge agent's Flask does, on the loopback address."""

    allow_reuse_address = True

    def __init__(self, port: int, proof: dict):
        super().__init__(("127.0.0.1", port), _ProofHandler)
        self.proof = json.dumps(proof, sort_keys=True, separators=(",", ":")).encode() + b"\n"


class _Handler(BaseHTTPRequestHandler):
    """Reads bodies and writes answers, with the server's faults."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    software = ""

    def version_string(self) -> str:
        return self.software

    def log_message(self, format: str, *arguments) -> None:
        """Keep standard error for what matters."""

    def read_body(self) -> bytes | None:
        """The request's body, or None if it is larger than the agent takes."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        length = int(self.headers.get("Content-Length", 0))
        return self.rfile.read(length) if length <= BODY_LIMIT else None

    def _read_chunks(self) -> bytes | None:
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            if len(body) + size > BODY_LIMIT:
                return None
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def reply(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        faults, stopped = self.server.faults, self.server.stopped
        if stopped.wait(None if faults.hang else faults.slow):
            self.close_connection = True
            return
        if faults.html:
            status, body, content_type = 200, HTML_PAGE, "text/html"
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if faults.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            body = _chunks(body)
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if faults.close_mid_body:
            self.close_connection = True
            body = body[: len(body) // 2]
        self.wfile.write(body)


class _AgentHandler(_Handler):
    software = "Rocket"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self._answer(url.path, dict(parse_qsl(url.query, keep_blank_values=True)))

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        body = self.read_body()
        if body is None:
            self.close_connection = True
            self._reply_in_protobuf("failed to read data: payload too large")
        elif self._wants_json(url.query):
            self._answer(url.path, body)
        else:
            self._reply_in_protobuf("this stand-in for the guest agent speaks JSON alone")

    def _wants_json(self, query: str) -> bool:
        flag = dict(parse_qsl(query, keep_blank_values=True)).get("json")
        return flag in ("true", "1", "") or "json" in self.headers.get("Content-Type", "")

    def _answer(self, path: str, request: bytes | dict) -> None:
        method = path.removeprefix("/")
        if not method or "/" in method:
            self._reply_not_found()
        else:
            self.reply(*self.server.agent.answer(method, request))

    def _reply_not_found(self) -> None:
        if "json" in self.headers.get("Accept", ""):
            self.reply(404, ROCKET_NOT_FOUND_JSON)
        else:
            self.reply(404, ROCKET_NOT_FOUND, "text/html; charset=utf-8")

    def _reply_in_protobuf(self, error: str) -> None:
        """An error message of one string field, number 1, shorter than 128 bytes."""
        self.reply(400, bytes([0x0A, len(error)]) + error.encode(), "application/octet-stream")


class _ProofHandler(_Handler):
    software = "Werkzeug/3.0.3 Python/3.11.9"

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/proof":
            self.reply(200, self.server.proof)
        else:
            self.reply(404, FLASK_NOT_FOUND, "text/html; charset=utf-8")


def _chunks(body: bytes) -> bytes:
    """The body in many small chunks, as Transfer-Encoding has them."""
    parts = [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])
