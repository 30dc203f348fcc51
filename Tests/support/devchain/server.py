"""HTTP/1.1 on the loopback interface: POST with JSON in, JSON out, connections kept alive."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY_BYTES = 5 * 1024 * 1024
CONTENT_TYPES = ("application/json", "application/json-rpc", "application/jsonrequest")


class RpcServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    disable_nagle_algorithm = True

    def __init__(self, port, dispatcher):
        super().__init__(("127.0.0.1", port), RpcHandler)
        self.dispatcher = dispatcher

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A client that went away is not worth a word."""


class RpcHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        body = self._read_body()
        if body is not None:
            self._reply(200, self.server.dispatcher.answer(body), "application/json")

    def do_GET(self):
        self._refuse(405, "method not allowed")

    do_PUT = do_DELETE = do_HEAD = do_GET

    def _read_body(self):
        length = self.headers.get("Content-Length", "")
        content_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not length.isdecimal():
            return self._refuse(411, "length required")
        if int(length) > MAX_BODY_BYTES:
            return self._refuse(413, "content length too large")
        if content_type not in CONTENT_TYPES:
            return self._refuse(415, "invalid content type, only application/json is supported")
        return self.rfile.read(int(length))

    def _refuse(self, status, text):
        self.close_connection = True
        self._reply(status, text.encode() + b"\n", "text/plain")

    def _reply(self, status, body, content_type):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self):
        return "dev-chain"

    def log_message(self, *_):
        pass
