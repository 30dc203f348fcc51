"""TLS: the system's roots by default, private ones by --cacert, and no redirect followed."""

import json
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


import pytest

from harness import UNREACHABLE, run
from proofs import PROOFS

pytestmark = pytest.mark.address


@contextmanager
def https_server(certificate, status=200, headers=()):
    """Serves the first published proof at every path; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(PROOFS[0]).encode()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *arguments):
            """Keep standard error for what matters."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate):
    with https_server(certificate) as url:
        run("proof-fetch", url).check_error(UNREACHABLE, "no trusted TLS connection")


def test_a_private_certificate_is_trusted_by_name(certificate):
    with https_server(certificate) as url:
        answer = run("proof-fetch", "--cacert", certificate[0], url).check_done()
    assert answer.document["member_id"] == PROOFS[0]["member_id"]


def test_another_certificate_does_not_help(certificate, tmp_path):
    other = tmp_path / "other.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-keyout",
                    "/dev/null", "-out", other], check=True, capture_output=True)
    with https_server(certificate) as url:
        run("proof-fetch", "--cacert", other, url).check_error(UNREACHABLE, "no trusted TLS connection")


def test_redirects_are_not_followed(certificate):
    with https_server(certificate) as target:
        with https_server(certificate, 302, [("Location", f"{target}/proof")]) as url:
            answer = run("proof-fetch", "--cacert", certificate[0], url)
    answer.check_error(UNREACHABLE, "302")
    assert "redirects are not followed" in answer.stderr


def test_nodes_are_asked_with_the_same_trust(certificate):
    """tx-send and the others take the same option; a node that is none is told as such."""
    with https_server(certificate) as url:
        request = {"to": "0x00000000000000000000000000000000000000aa", "data": "0x01"}
        refused = run("tx-send", "--call", "--rpc-url", url, stdin=request)
        reached = run("tx-send", "--call", "--rpc-url", url, "--cacert", certificate[0], stdin=request)
    refused.check_error(UNREACHABLE, "no trusted TLS connection")
    assert "TLS" not in reached.check_error(UNREACHABLE)
