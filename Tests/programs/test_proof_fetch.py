"""proof-fetch beside the published proofs: from web servers and guest agents, late, broken and lying ones."""

import base64
import json
import re
import socket
import subprocess
import threading
import time

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from guestagent.chain import AppKeys, proof_document
from guestagent.keys import keccak256, sign

from harness import BAD_INPUT, DONE, ENVIRONMENT, NO, UNREACHABLE, Result, program_path, run, running
from proofs import LINKS, PROOFS, changed, without
from services import Server, running_agent

pytestmark = pytest.mark.thread

A, B = PROOFS
BODY = json.dumps(A).encode()
DOWN = "http://127.0.0.1:9"
PAGE = b"<!doctype html><title>Welcome</title>"
MEMBERS = ["code_id", "dstack_proof", "kms_root", "member_id", "app_id", "derived_address"]


def fetch(*args, **options):
    return run("proof-fetch", *args, **options)


def answering(*replies):
    """A server that gives these replies in turn, and the last of them for ever."""
    waiting = list(replies)
    return Server(lambda *_: waiting.pop(0) if len(waiting) > 1 else waiting[0])


# HTTP


def test_http(agents):
    answer = fetch(agents[0].url).check_done()
    assert answer.document == A
    assert list(answer.document) == MEMBERS and list(answer.document["dstack_proof"]) == [*LINKS, "purpose"]
    assert answer.stdout.count(b"\n") == 1 and b": " not in answer.stdout


@pytest.mark.parametrize("path", ["", "/", "/prefix", "/prefix/"])
def test_proof_is_asked_for_below_the_base(path):
    with answering((200, BODY)) as server:
        assert fetch(server.url + path).check_done().document == A
    assert server.requests == [("GET", path.rstrip("/") + "/proof", b"")]


@pytest.mark.parametrize("document", [
    without(A, "member_id", "app_id", "derived_address"), A | {"verifier": "dstack", "note": {"a": [1]}},
    dict(sorted(A.items())), changed(A, "kms_root", A["kms_root"].lower()),
])
def test_members_are_recomputed(document):
    """Whatever the server leaves out or adds, the document is printed whole and in its order."""
    with answering((200, json.dumps(document, indent=2).encode())) as server:
        answer = fetch(server.url).check_done()
    assert answer.document == A and list(answer.document) == MEMBERS


@pytest.mark.parametrize("document", [
    changed(A, "member_id", B["member_id"]), changed(A, "kms_root", B["kms_root"]),
    changed(A, "dstack_proof", B["dstack_proof"]), changed(A, "code_id", B["code_id"]),
    changed(A, "dstack_proof.purpose", "tls"), changed(A, "dstack_proof.kms_signature", ""),
    changed(A, "dstack_proof.app_signature", "0x" + "11" * 65),
])
def test_proofs_that_do_not_hold(document):
    with answering((200, json.dumps(document).encode())) as server:
        fetch(server.url).check_error(NO, server.url)


@pytest.mark.parametrize("reply", [
    (200, PAGE), (200, b""), (200, BODY[:-1]), (200, b"null"), (200, b"[]"), (200, b"{" * 100_000), (404, PAGE),
    (200, b" " * (2 << 20) + BODY), (301, b"", {"Location": "/elsewhere"}), (500, b"oops"), (503, PAGE), (204, b""), None,
    (200, BODY, {"Content-Length": str(len(BODY) + 9), "Connection": "close"}),
], ids=lambda reply: f"{reply[0]}-{len(reply[1])}" if reply else "closed")
def test_answers_that_are_no_proof(reply):
    with answering(reply) as server:
        fetch(server.url).check_error(UNREACHABLE, server.url)
    assert len(server.requests) == 1


ASKED = "is this the URL of a running bridge-agent, which serves /proof?"
FAILING = "the server or its backend is failing: wait, or use another"
NO_KEY = "the guest agent has not provided a key yet"


@pytest.mark.parametrize("reply, said, hint", [
    ((200, b'{"error":"no key yet"}'), 'answered JSON that is not a proof: "no key yet"', ASKED),
    ((200, b'{"error":{"code":7,"message":"busy"}}'), 'answered JSON that is not a proof: "busy"', ASKED),
    ((200, b'{"status": "ok"}'), 'answered JSON that is not a proof: "{"status":"ok"}"', ASKED),
    ((200, b"{}"), 'answered JSON that is not a proof: "{}"', ASKED),
    ((200, b'{"proof":{"soon":true}}'), 'answered JSON that is not a proof: "{"proof":{"soon":true}}"', ASKED),
    ((200, json.dumps([A, B]).encode()), f'answered JSON that is not a proof: "{json.dumps([A], separators=(",", ":"))[:196]}…"',
     ASKED),
    ((200, PAGE), 'answered HTML, not JSON: "Welcome"', ASKED),
    ((200, b""), "answered with an empty body, not JSON", ASKED),
    ((200, BODY[:-1]), "answered truncated JSON", ASKED),
    ((200, b"starting\x1b[2J\nup"), 'did not answer with JSON (line 1: not JSON: expected a value): '
     '"starting\\u{1b}[2J"', ASKED),
    ((200, b'{"error":"' + b"x" * 9999 + b'"}'), f'answered JSON that is not a proof: "{"x" * 196}…"', ASKED),
    ((503, json.dumps({"error": NO_KEY}).encode()), f'answered HTTP status 503: "{NO_KEY}"', FAILING),
    ((503, PAGE), 'answered HTTP status 503: "Welcome"', FAILING),
    ((500, b"oops\n"), 'answered HTTP status 500: "oops"', FAILING),
    ((404, b'{"error":"there is only /info"}'), 'answered HTTP status 404: "there is only /info"',
     "the server has nothing at this path: check the URL"),
])
def test_a_server_explains_itself(reply, said, hint):
    with answering(reply) as server:
        answer = fetch(server.url)
    assert answer.check_error(UNREACHABLE) == f"{server.url}: {said}"
    assert answer.messages("hint") == [hint]


def test_bridge_agent_explains_itself(tmp_path):
    with running("bridge-agent", "--dstack", tmp_path / "absent", "--listen", "127.0.0.1:0") as agent:
        [address] = re.findall(rb"listening on (\S+)", agent.stderr.readline())
        fetch(f"http://{address.decode()}").check_error(UNREACHABLE, f'answered HTTP status 503: "{NO_KEY}"')


def test_no_hint_names_this_program(tmp_path):
    damaged = json.dumps(changed(A, "dstack_proof.kms_signature", "0x" + "11" * 65)).encode()
    with answering((200, damaged)) as server:
        assert fetch(server.url).messages("hint") == ["the proof was altered in transit: fetch it from the CVM again"]
    # Nor an option that it does not have.
    hints = fetch(f"dstack:{tmp_path / 'absent'}").messages("hint")
    assert hints and not [hint for hint in hints if "proof-fetch" in hint or "--dstack" in hint]


@pytest.mark.parametrize("form", ['{"proof":%s}', '{"status":"ok","data":%s,"error":null}', "[%s]", " %s\n"])
def test_a_proof_that_is_wrapped_once(form):
    with answering((200, (form % json.dumps(A)).encode())) as server:
        assert fetch(server.url).check_done().document == A
    with answering((200, (form % json.dumps(changed(A, "member_id", B["member_id"]))).encode())) as server:
        fetch(server.url).check_error(NO, server.url, "member_id is")


@pytest.mark.parametrize("form", ["[%s,%s]", '{"a":%s,"b":%s}', '{"data":{"proof":%s}}', '{"data":[%s]}'])
def test_a_proof_that_is_wrapped_otherwise(form):
    with answering((200, form.replace("%s", json.dumps(A)).encode())) as server:
        fetch(server.url).check_error(UNREACHABLE, "is not a proof")


@pytest.mark.parametrize("document, differs", [
    ({"dstack_proof": {}}, '"code_id" is missing'), (without(A, "dstack_proof"), '"dstack_proof" is missing'),
    (changed(A, "code_id", 7), '"code_id" is not a string'),
    (without(A, "dstack_proof.purpose"), '"dstack_proof.purpose" is missing'),
    (changed(A, "dstack_proof.app_signature", "0x11"), '"dstack_proof.app_signature" is not 65 bytes of hex'),
])
def test_what_looks_like_a_proof_and_is_not_one(document, differs):
    with answering((200, json.dumps(document).encode())) as server:
        fetch("--retry-for", "20", server.url).check_error(NO, server.url, differs)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["--close-mid-body", "--html"])
def test_faulty_agents_over_http(tmp_path, fault):
    with running_agent(tmp_path / "agent", fault) as agent:
        fetch(agent.url).check_error(UNREACHABLE)
        fetch(f"dstack:{agent.socket}").check_error(UNREACHABLE)


def test_chunked_answers(tmp_path):
    with running_agent(tmp_path / "agent", "--chunked") as agent:
        for base in (agent.url, f"dstack:{agent.socket}"):
            assert fetch(base).check_done().document == B


def test_timeout(tmp_path):
    with running_agent(tmp_path / "agent", "--hang") as agent:
        for base in (agent.url, f"dstack:{agent.socket}"):
            fetch("--timeout", "0.5", base).check_error(UNREACHABLE, "timed out")
            fetch(base, env={"ETH_TIMEOUT": "0.5"}).check_error(UNREACHABLE, "timed out")


def test_unreachable():
    fetch(DOWN).check_error(UNREACHABLE, "refused")
    fetch("http://no-such-host.invalid").check_error(UNREACHABLE)


def test_secrets_of_a_url_are_not_shown():
    answer = fetch("http://user:Passw0rd@127.0.0.1:9/S3cretPath?key=S3cretQuery")
    answer.check_error(UNREACHABLE, DOWN)
    assert "Passw0rd" not in answer.stderr and "S3cret" not in answer.stderr


# Several at once


def test_several_bases_in_their_order(agents, tmp_path):
    """All are asked before the first has answered."""
    both = threading.Barrier(2, timeout=20)
    with Server(lambda *_: both.wait() is not None and (200, BODY)) as slow:
        answer = fetch(slow.url, agents[1].url, f"dstack:{agents[0].socket}", slow.url).check_done()
    assert answer.documents == [A, B, A, A]


def test_one_of_several_fails(agents):
    answer = fetch(agents[0].url, DOWN, agents[1].url)
    answer.check_error(UNREACHABLE, DOWN, prints=None)
    assert answer.documents == [A, B]


# Trying again


def test_retry_until_the_server_is_there():
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    results = []
    base = f"http://127.0.0.1:{port}"
    waiting = threading.Thread(target=lambda: results.append(fetch("--retry-for", "20", base)))
    waiting.start()
    time.sleep(1)
    with Server(lambda *_: (200, BODY), port):
        waiting.join()
    [answer] = results
    assert (answer.status, answer.document) == (DONE, A)
    assert answer.messages("warning") and not answer.messages("error")


@pytest.mark.parametrize("replies", [
    [(500, b""), (200, BODY)], [(502, PAGE), (503, PAGE), (200, BODY)], [None, (200, BODY)],
    [(429, b"", {"Retry-After": "1"}), (200, BODY)],
    [(200, BODY, {"Content-Length": str(len(BODY) + 9), "Connection": "close"}), (200, BODY)],
    [(200, PAGE), (200, b""), (200, BODY)], [(200, b'{"error":"no key yet"}'), (200, b"starting"), (200, BODY)],
])
def test_retry_after_passing_faults(replies):
    with answering(*replies) as server:
        answer = fetch("--retry-for", "20", server.url)
    assert (answer.status, answer.document) == (DONE, A)
    assert len(server.requests) == len(replies) and len(answer.messages("warning")) == len(replies) - 1


def test_retry_waits_as_long_as_the_server_says():
    with answering((503, b"", {"Retry-After": "2"}), (200, BODY)) as server:
        start = time.monotonic()
        assert fetch("--retry-for", "20", server.url).document == A
    assert time.monotonic() - start > 1.9


def test_retries_end():
    start = time.monotonic()
    answer = fetch("--retry-for", "1.5", DOWN)
    assert 1 < time.monotonic() - start
    assert answer.status == UNREACHABLE and answer.stdout == b"" and len(answer.messages("error")) == 1


@pytest.mark.parametrize("reply, status", [
    ((200, json.dumps(changed(A, "code_id", B["code_id"])).encode()), NO), ((404, PAGE), UNREACHABLE),
])
def test_what_will_not_pass_is_not_tried_again(reply, status):
    with answering(reply) as server:
        fetch("--retry-for", "20", server.url).check_error(status)
    assert len(server.requests) == 1


# The guest agent


def test_guest_agent(agents):
    for agent, proof in zip(agents, PROOFS):
        assert fetch(f"dstack:{agent.socket}").check_done().document == proof
        assert fetch("dstack:", env=agent.env).check_done().document == proof
        assert fetch(f"dstack:unix:{agent.socket}").check_done().document == proof


@pytest.mark.parametrize("variant", ["--old", "--prefix-0x"])
def test_other_guest_agents(tmp_path, variant):
    with running_agent(tmp_path / "agent", "--preset", "cross-sdk", variant) as agent:
        assert fetch(f"dstack:{agent.socket}").check_done().document == A


def test_a_guest_agent_without_kms(tmp_path):
    with running_agent(tmp_path / "agent", "--no-kms") as agent:
        fetch(f"dstack:{agent.socket}").check_error(NO, "KMS")
        fetch("--retry-for", "9", f"dstack:{agent.socket}").check_error(NO, "KMS")


def test_no_guest_agent(tmp_path):
    answer = fetch(f"dstack:{tmp_path / 'absent'}")
    answer.check_error(UNREACHABLE, "absent")
    assert "--dstack" in answer.stderr or "DSTACK_SIMULATOR_ENDPOINT" in answer.stderr
    fetch("dstack:" + "/x" * 200).check_error(UNREACHABLE)


def test_a_directory_that_holds_the_socket(agents, tmp_path):
    (tmp_path / "dstack.sock").symlink_to(agents[0].socket)
    for path in (tmp_path, f"{tmp_path}/", f"unix://{tmp_path}"):
        assert fetch(f"dstack:{path}").check_done().document == A
        assert fetch("dstack:", env={"DSTACK_SIMULATOR_ENDPOINT": str(path)}).check_done().document == A


def test_what_stands_in_the_place_of_the_socket(tmp_path):
    """Docker makes a directory where a mount is absent."""
    answer = fetch(f"dstack:{tmp_path}")
    assert answer.check_error(UNREACHABLE) == \
        f'"{tmp_path}" is not the socket of the dstack guest agent, but a directory without dstack.sock'
    assert answer.messages("hint") == [REMEDY]
    file = tmp_path / "file"
    file.touch()
    answer = fetch(f"dstack:{file}")
    assert answer.check_error(UNREACHABLE) == f'"{file}" is not the socket of the dstack guest agent, but a file'
    assert answer.messages("hint") == ["is this the path of its socket?"]


REMEDY = "docker makes a directory where the socket to be mounted is absent: remove it on the host, mount the agent's " \
    "socket, /var/run/dstack.sock, and create the container again"
NAMESPACE = ("unshare", "--mount", "--map-root-user", "sh", "-ec")


@pytest.mark.skipif(subprocess.run([*NAMESPACE, "mount -t tmpfs none /run"], capture_output=True).returncode != 0,
                    reason="there are no namespaces here")
@pytest.mark.parametrize("commands, expected", [
    ("ln -s $LIVE /run/dstack.sock", A),
    ("mkdir /run/dstack.sock /run/dstack && ln -s $LIVE /run/dstack/dstack.sock", A),
    ("ln -s $DEAD /run/dstack.sock && mkdir /run/dstack && ln -s $LIVE /run/dstack/dstack.sock", A),
    ("mkdir /run/dstack.sock && ln -s $LIVE /run/dstack.sock", A),
    ("true", "no dstack guest agent socket at "),
    ("mkdir /run/dstack.sock", '"/var/run/dstack.sock" is not the socket of the dstack guest agent, but a directory '
     "without dstack.sock"),
    ("ln -s $DEAD /run/dstack.sock", '"/var/run/dstack.sock": connection refused'),
    ("ln -s $DEAD /run/dstack.sock && mkdir -p /run/dstack/dstack.sock", '"/var/run/dstack.sock": connection refused'),
], ids=["first", "directory", "dead", "inside", "none", "directory alone", "dead alone", "dead and directory"])
def test_where_a_container_has_the_socket(agents, tmp_path, commands, expected):
    """Each in a /run of its own; /var/run is a link to it."""
    dead, live = tmp_path / "dead.sock", tmp_path / "dstack.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    live.symlink_to(agents[0].socket)
    words = [*NAMESPACE, f'mount -t tmpfs none /run; {commands}; exec "$0" "$@"', program_path("proof-fetch"), "dstack:"]
    done = subprocess.run(words, capture_output=True, timeout=60,
                          env=ENVIRONMENT | {"LIVE": str(live), "DEAD": str(dead)})
    answer = Result("proof-fetch", done.returncode, done.stdout, done.stderr.decode())
    if expected is A:
        assert answer.check_done().document == A
    else:
        answer.check_error(UNREACHABLE, expected)


def test_a_guest_agent_that_comes_late(tmp_path):
    path = tmp_path / "late"
    results = []
    waiting = threading.Thread(target=lambda: results.append(fetch("--retry-for", "20", f"dstack:{path}")))
    waiting.start()
    time.sleep(1)
    with running_agent(path, "--preset", "cross-sdk"):
        waiting.join()
    assert (results[0].status, results[0].document) == (DONE, A)


def test_another_path_has_another_key(agents):
    answer = fetch("--path", "/other", f"dstack:{agents[0].socket}").check_done()
    other = answer.document
    assert other["kms_root"] == A["kms_root"] and other["code_id"] == A["code_id"]
    assert other["member_id"] != A["member_id"]
    message = bytes.fromhex(other["dstack_proof"]["message_hash"][2:])
    assert recovered(message, other["dstack_proof"]["message_signature"]) == other["derived_address"]
    fetch("--purpose", "tls", f"dstack:{agents[0].socket}").check_error(NO, "purpose")


def recovered(message: bytes, signature: str) -> str:
    """Who signed a message as wallets do, by eth-account."""
    return Account.recover_message(encode_defunct(message), signature=signature)


def test_message_signatures_by_eth_account(agents):
    for agent in agents:
        proof = fetch(f"dstack:{agent.socket}").check_done().document
        chain = proof["dstack_proof"]
        assert recovered(bytes.fromhex(chain["message_hash"][2:]), chain["message_signature"]) == proof["derived_address"]


@pytest.mark.parametrize("arguments", [
    [], ["ftp://x"], ["localhost:8080"], [""], ["http://"], ["http://a b"], ["file:///etc/passwd"],
    ["--timeout", "-1", DOWN], ["--timeout", "x", DOWN], ["--retry-for", "nan", DOWN], ["--retry-for", "1e9", DOWN],
])
def test_usage(arguments):
    fetch(*arguments).check_error(BAD_INPUT)


# One grammar for what follows dstack:


def test_the_agent_and_the_key_are_named_alike(agents):
    socket = agents[0].socket
    for base in (f"dstack:?socket={socket}", f"dstack:{socket}?path=/bridge&purpose=ethereum"):
        assert fetch(base).check_done().document == A
    other = fetch(f"dstack:?path=/other&socket={socket}").check_done().document
    assert other["app_id"] == A["app_id"] and other["member_id"] != A["member_id"]


def test_a_word_that_could_be_a_path_or_a_socket_is_refused(agents):
    """A socket in place of a key's path would be the path of another key, and of another inbox."""
    socket = agents[0].socket
    for word in (socket, "/var/run/dstack.sock", "http://127.0.0.1:9"):
        answer = run("inbox-watch", "--once", "--key", f"dstack:{word}", env=agents[0].env)
        answer.check_error(BAD_INPUT, f'"dstack:{word}" could name a key\'s path or the agent\'s socket')
        assert answer.messages("hint")[0] == f"write dstack:?path={word} or dstack:?socket={word}"
    for base in ("dstack:/bridge", "dstack:/bridge?purpose=ethereum"):
        answer = fetch(base, env=agents[0].env)
        answer.check_error(BAD_INPUT, '"dstack:/bridge" could name a key\'s path or the agent\'s socket')
    fetch("dstack:?sock=/a").check_error(BAD_INPUT, 'not a key of the guest agent: "dstack:?sock=/a"')


# A container's log at the CVM's log endpoint


PRINTED = b"Starting\nPROOF_JSON=" + BODY + b"\nlistening\n"
RECORDS = b"".join(json.dumps({"channel": "stdout", "message": base64.b64encode(line + b"\n").decode()}).encode() + b"\n"
                   for line in PRINTED.splitlines())


@pytest.mark.parametrize("content", [PRINTED, RECORDS], ids=["text", "records"])
@pytest.mark.parametrize("query, asked", [
    ("", "?text=true&bare=true&tail=100000"), ("?tail=50", "?tail=50&text=true&bare=true"),
    ("?text=true&bare=true&tail=all", "?text=true&bare=true&tail=all"),
])
def test_a_log_endpoint(content, query, asked):
    """What a server makes of the parameters is its own affair: records in base64 are read as well."""
    with answering((200, content)) as server:
        assert fetch(f"dstack-log:{server.url}/logs/bridge-agent{query}").check_done().document == A
    assert server.requests == [("GET", "/logs/bridge-agent" + asked, b"")]


def test_a_log_is_read_on_from_where_it_ended():
    begin = int(time.time())
    with answering((200, b"Starting\n"), (503, b"{}"), (200, PRINTED)) as server:
        answer = fetch("--retry-for", "20", f"dstack-log:{server.url}/logs/agent")
    assert answer.status == DONE and answer.document == A
    assert "no PROOF_JSON= line in the log (9 bytes, 1 line); trying again" in answer.stderr
    first, second, third = (re.search(r"since=(\d+)", path) for _, path, _ in server.requests)
    assert first is None and second[1] == third[1] and begin - 3601 <= int(second[1]) <= time.time() - 3600


@pytest.mark.parametrize("reply, status, words", [
    ((200, b""), UNREACHABLE, "no PROOF_JSON= line in the log, which is empty"),
    ((200, PRINTED.replace(b'"0x', b'"0y', 1)), NO, 'no proof was valid: member "code_id" is not 32 bytes of hex'),
    ((404, b"not found"), UNREACHABLE, "answered HTTP status 404"),
    ((403, b"logs are not public"), UNREACHABLE, "answered HTTP status 403"),
])
def test_a_log_without_a_proof(reply, status, words):
    with answering(reply) as server:
        answer = fetch(f"dstack-log:{server.url}/logs/agent")
        answer.check_error(status, words)
    fetch("dstack-log:", DOWN).check_error(BAD_INPUT, "not a source of proofs")


# The guest agent's v1 API


def v1_proof(domain: str) -> dict:
    """A proof whose derived key is of the v1 API (dstack: docs/guest-api-v1.md)."""
    app = AppKeys.from_kms_root(keccak256(b"a root"), bytes(20))
    document = proof_document(app)
    parts = (b"dstack-guest-v1-key-claim", b"secp256k1", domain.encode(),
             bytes.fromhex(document["dstack_proof"]["derived_compressed_pubkey"][2:]))
    digest = keccak256(b"".join(len(part).to_bytes(4) + part for part in parts))
    return changed(document, "dstack_proof.app_signature", "0x" + sign(app.app_key, digest).hex())


@pytest.mark.parametrize("domain", ["ethereum", "/bridge"])
def test_a_proof_of_the_v1_api_is_named(domain):
    with answering((200, json.dumps(v1_proof(domain)).encode())) as server:
        answer = fetch(server.url)
    answer.check_error(NO, "app_signature is one of the guest agent's v1 API, whose keys the contract does not accept")
    with answering((200, json.dumps(v1_proof("another")).encode())) as server:
        fetch(server.url).check_error(NO, "app_signature is by the key")


def test_a_key_of_the_v1_api_is_refused():
    info = json.dumps({"app_id": "00" * 20}).encode()
    key = json.dumps({"key": "07" * 32, "public_key": "02" + "11" * 32, "signature_chain": ["11" * 65] * 2}).encode()
    with Server(lambda method, path, body: (200, info if path.endswith("/Info") else key)) as server:
        answer = fetch(f"dstack:{server.url}/v1")
    answer.check_error(NO, "gave a key of its v1 API, which the contract does not accept")
    assert answer.messages("hint") == ["leave /v1 out of its address"] and b"07070707" not in answer.stdout
