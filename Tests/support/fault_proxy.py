"""A JSON-RPC node in front of another, on raw sockets: it can fail in every way that a network and a gateway can.

Each HTTP request is an `Exchange`. A fault is a function of it that says or does something, or nothing at all; where
it does nothing, the request is passed on.
"""

import http.client
import json
import socket
import ssl
import struct
import threading
import time
from urllib.parse import urlsplit

PAGE = b"<!doctype html><title>502 Bad Gateway</title>"


class Exchange:
    """One request, and how it is answered: once, or not at all."""

    def __init__(self, proxy, connection, backend, body: bytes):
        self.proxy = proxy
        self._connection = connection
        self._backend = backend
        self.body = body
        parsed = json.loads(body)
        self.is_batch = isinstance(parsed, list)
        self.calls: list[dict] = parsed if self.is_batch else [parsed]
        self.is_over = False
        self.keeps_connection = True
        self._answer: bytes | None = None

    @property
    def methods(self) -> list[str]:
        return [call["method"] for call in self.calls]

    @property
    def raws(self) -> list[str]:
        """The transactions that it hands over."""
        return [call["params"][0] for call in self.calls if call["method"].startswith("eth_sendRawTransaction")]

    def forward(self) -> bytes:
        """Have the node answer; nobody has been told yet."""
        if self._answer is None:
            self._backend.request("POST", "/", self.body, {"Content-Type": "application/json"})
            self._answer = self._backend.getresponse().read()
            self.proxy.answered(self.calls, self._answer)
        return self._answer

    def ask(self, calls: list[dict]) -> list[dict]:
        """The node's answers to these calls, in their order."""
        self._backend.request("POST", "/", json.dumps(calls).encode(), {"Content-Type": "application/json"})
        by_id = {answer["id"]: answer for answer in json.loads(self._backend.getresponse().read())}
        return [by_id[call["id"]] for call in calls]

    def reply(self, status: int, body: bytes, headers: dict | None = None, length: int | None = None) -> None:
        size = len(body) if length is None else length
        fields = {"Content-Type": "application/json", "Content-Length": size} | (headers or {})
        lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in fields.items())]
        if not self.keeps_connection:
            lines.append("Connection: close")
        self._connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.is_over = True

    def pass_on(self) -> None:
        self.reply(200, self.forward())

    def alter(self, change) -> None:
        """Pass the answers on as `change(call, answer)` gives them; none for None."""
        answers = json.loads(self.forward())
        if not isinstance(answers, list):
            answers = [answers]
        by_id = {answer["id"]: answer for answer in answers}
        changed = [change(call, by_id.get(call["id"])) for call in self.calls]
        changed = [each for each in changed if each is not None]
        self.reply(200, json.dumps(changed if self.is_batch else changed[0]).encode())

    def leave_out(self, place: int) -> None:
        """Keep one of the calls of a batch from the node."""
        kept = list(self.calls)
        del kept[place]
        self.body = json.dumps(kept).encode()

    def write(self, data: bytes) -> None:
        """Send these bytes, whatever they are."""
        self._connection.sendall(data)
        self.close()

    def close(self) -> None:
        self.is_over = True
        self.keeps_connection = False

    def reset(self) -> None:
        """RST: whatever is on its way is lost."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def cut(self) -> None:
        """End the TCP connection under TLS, with no close_notify."""
        raw = socket.socket(fileno=self._connection.detach())
        raw.shutdown(socket.SHUT_RDWR)
        raw.close()
        self.close()


class FaultProxy:
    """Serves in a `with` statement. `requests` holds the calls of each request, as they came."""

    def __init__(self, url: str, fault=None, certificate=None, is_down: bool = False):
        node = urlsplit(url)
        self._node = (node.hostname, node.port)
        self.fault = fault
        self.requests: list[list[dict]] = []
        self.raws: list[str] = []
        self.on_answer = None
        self._lock = threading.Lock()
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
        self._listener: socket.socket | None = None
        self._port = 0
        self._listen()
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self._port}"
        if is_down:
            self.down(None)

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(64)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def down(self, seconds: float | None) -> None:
        """Refuse connections for a while, or until `up`."""
        listener, self._listener = self._listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        if seconds is not None:
            threading.Timer(seconds, self.up).start()

    def up(self) -> None:
        if self._listener is None:
            self._listen()

    def _serve(self, connection: socket.socket) -> None:
        backend = http.client.HTTPConnection(*self._node, timeout=60)
        try:
            connection.settimeout(60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rb")
            while body := self._read(stream):
                exchange = Exchange(self, connection, backend, body)
                with self._lock:
                    self.requests.append(exchange.calls)
                    self.raws += exchange.raws
                if self.fault:
                    self.fault(exchange)
                if not exchange.is_over:
                    exchange.pass_on()
                if not exchange.keeps_connection:
                    break
        except (OSError, http.client.HTTPException):
            """The client went away, or the node did."""
        finally:
            backend.close()
            try:
                # With a stream open, close() would leave the socket open.
                stream.close()
                connection.close()
            except (OSError, UnboundLocalError):
                """Cut already."""

    @staticmethod
    def _read(stream) -> bytes | None:
        """The body of the next request; None at the end."""
        length = 0
        if not stream.readline():
            return None
        while (line := stream.readline().strip()):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return stream.read(length)

    def answered(self, calls: list[dict], answer: bytes) -> None:
        if self.on_answer:
            answers = json.loads(answer)
            if not isinstance(answers, list):
                answers = [answers]
            by_id = {each["id"]: each for each in answers}
            self.on_answer([(call, by_id[call["id"]]) for call in calls if call["id"] in by_id])

    @property
    def methods(self) -> list[str]:
        return [call["method"] for calls in list(self.requests) for call in calls]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down(None)


# Faults


def reset_before(exchange: Exchange) -> None:
    exchange.reset()


def reset_after(exchange: Exchange) -> None:
    exchange.forward()
    exchange.reset()


def closed_before(exchange: Exchange) -> None:
    exchange.close()


def closed_after(exchange: Exchange) -> None:
    exchange.forward()
    exchange.close()


def cut_before(exchange: Exchange) -> None:
    exchange.cut()


def cut_after(exchange: Exchange) -> None:
    exchange.forward()
    exchange.cut()


def cut_in_the_answer(exchange: Exchange) -> None:
    body = exchange.forward()
    exchange.reply(200, body[:len(body) // 2], length=len(body))
    exchange.cut()


def status(code: int, body: bytes = b"slow down", processed: bool = False, **headers):
    def fault(exchange: Exchange) -> None:
        if processed:
            exchange.forward()
        exchange.reply(code, body, {name.replace("_", "-"): value for name, value in headers.items()})

    return fault


def truncated_body(exchange: Exchange) -> None:
    """Less than the head promises."""
    body = exchange.forward()
    exchange.reply(200, body[:len(body) // 2], length=len(body))
    exchange.keeps_connection = False


def truncated_json(exchange: Exchange) -> None:
    exchange.reply(200, exchange.forward()[:-9])


def empty_body(exchange: Exchange) -> None:
    exchange.forward()
    exchange.reply(200, b"")


def no_http(exchange: Exchange) -> None:
    exchange.write(b"SSH-2.0-OpenSSH_9.2\r\n")


def wrong_id(exchange: Exchange) -> None:
    exchange.alter(lambda call, answer: answer | {"id": answer["id"] + 10**6})


def error(code: int, message: str, processed: bool = False):
    """One JSON-RPC error for each of the calls."""
    def fault(exchange: Exchange) -> None:
        if processed:
            exchange.forward()
        answers = [{"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": message}}
                   for call in exchange.calls]
        exchange.reply(200, json.dumps(answers if exchange.is_batch else answers[0]).encode())

    return fault


def slow(seconds: float, processed: bool = True):
    """The node has it at once, or never; nothing is said for a while."""
    def fault(exchange: Exchange) -> None:
        if processed:
            exchange.forward()
        time.sleep(seconds)
        if processed:
            exchange.pass_on()
        else:
            exchange.close()

    return fault
