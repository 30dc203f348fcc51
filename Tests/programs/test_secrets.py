"""A secret key shows nowhere: not in the process's arguments or environment, nor in messages, nor in a core dump."""

import os
import resource
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import inboxes
from harness import BAD_INPUT, plain_memory, running, wait_until

pytestmark = pytest.mark.address

# A made-up key of the eciesjs suite.
KEY = "95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d"
SECRET = bytes.fromhex(KEY)


def holds_key(data: bytes) -> bool:
    return SECRET in data or KEY.encode() in data.lower()


def watch(chain, source: dict | None = None, key: str | None = None, **options):
    """inbox-watch at work: it has read its key, and looks at an empty inbox again in a while."""
    arguments = ["--key", key] if key else []
    environment = chain.env | (source or {})
    return running("inbox-watch", "--interval", "1000", *arguments, env=environment, **options)


def wait_for_poll(chain, requests_before: int) -> None:
    """Until the program has asked the node, which it does once it has its key."""
    deadline = time.monotonic() + 20
    while chain.rpc("dev_stats")["httpRequests"] <= requests_before:
        assert time.monotonic() < deadline, "the program asked nothing"
        time.sleep(0.02)


def wait_status(process) -> int:
    """The status with which a process that was signalled ends, as waitpid(2) has it."""
    deadline = time.monotonic() + 20
    while True:
        pid, status = os.waitpid(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return status
        assert time.monotonic() < deadline, "the signal did not end the process"
        time.sleep(0.02)


@pytest.fixture
def requests_before(chain) -> int:
    return chain.rpc("dev_stats")["httpRequests"]


@pytest.mark.parametrize("name", ["PRIVATE_KEY", "OTHER"])
def test_a_key_from_the_environment_is_gone_from_it(chain, requests_before, name):
    key = None if name == "PRIVATE_KEY" else f"env:{name}"
    with watch(chain, source={name: "0x" + KEY}, key=key) as process:
        wait_for_poll(chain, requests_before)
        proc = Path(f"/proc/{process.pid}")
        assert b"BRIDGE_CONTRACT" in (proc / "environ").read_bytes()
        assert not holds_key((proc / "environ").read_bytes())
        assert not holds_key((proc / "cmdline").read_bytes())


def test_a_process_with_a_key_writes_no_core(chain, requests_before, key_file, tmp_path):
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def allow_cores():
        resource.setrlimit(resource.RLIMIT_CORE, unlimited)

    with watch(chain, key=f"file:{key_file(KEY)}", cwd=tmp_path, preexec_fn=allow_cores) as process:
        wait_for_poll(chain, requests_before)
        os.kill(process.pid, signal.SIGABRT)
        status = wait_status(process)
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)
    assert not list(tmp_path.glob("core*"))




@pytest.mark.parametrize("program", ["tx-send", "ecies-seal", "inbox-watch"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--key", KEY], ["--key", "0x" + KEY], ["--private-key", "0x" + KEY],
        ["--private-key=0x" + KEY], [KEY, KEY], ["--key", "hex:" + KEY], ["--key", "file:" + KEY], ["--key", "env:0x" + KEY], ["-k", KEY],
    ],
)
def test_a_key_as_an_argument_is_not_repeated(run, chain, program, arguments):
    options = ["--open"] if program == "ecies-seal" else ["--once"] if program == "inbox-watch" else []
    result = run(program, *options, *arguments, env=chain.env)
    assert result.status == BAD_INPUT
    assert result.stdout == b""
    assert not holds_key(result.stderr.encode()), result.stderr


@pytest.mark.parametrize("text", [KEY[:-1], KEY + "0", KEY + "\n\n", "key: " + KEY, KEY.replace("9", "g")])
def test_a_key_file_that_is_wrong_is_not_repeated(run, chain, key_file, text):
    result = run("tx-send", "--key", f"file:{key_file(text)}", env=chain.env)
    error = result.check_error(BAD_INPUT, "64 hex digits")
    assert KEY[:16] not in error


@plain_memory
def test_wiped_memory_holds_no_key(chain, requests_before, key_file):
    """After the key was read, the hex digits of its file are nowhere in memory; the key itself stands once."""
    with watch(chain, key=f"file:{key_file(KEY)}") as process:
        wait_for_poll(chain, requests_before)
        memory = read_memory(process.pid)
        assert KEY.encode() not in memory
        assert memory.count(SECRET) == 1


def read_memory(pid: int) -> bytes:
    """All the writable memory of a process; root alone may read that of one that cannot be dumped."""
    if os.geteuid() != 0:
        pytest.skip("only root may look into the process's memory")
    contents = bytearray()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if not rights.startswith("rw") or "[v" in line:
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            memory.seek(start)
            try:
                contents += memory.read(end - start)
            except OSError:
                continue
    return bytes(contents)


# What was sealed

MARKER = b"what nobody else may read: 4711"


@plain_memory
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_message_that_was_printed_is_nowhere_in_memory(chain, form):
    inboxes.fill(chain, MARKER)
    with running("inbox-watch", "--interval", "1000", "--format", form, env=inboxes.settings(chain)) as process:
        assert MARKER in process.stdout.readline()
        # It is wiped as soon as it was written.
        wait_until(lambda: MARKER not in read_memory(process.pid))


@plain_memory
def test_a_message_that_is_served_stands_in_memory_once_and_in_the_answer(chain, agents, tmp_path):
    """However often it was served: answers share their bytes, and those of an answer before are wiped."""
    arguments = ["--listen", "127.0.0.1:0", "--interval", "0.2"]
    inboxes.fill(chain, MARKER)
    with open(tmp_path / "stderr", "wb") as errors, running(
            "bridge-agent", *arguments, env=chain.env | agents[0].env, stdout=subprocess.DEVNULL,
            stderr=errors) as process:
        wait_until(lambda: b"listening on" in (tmp_path / "stderr").read_bytes())
        address = (tmp_path / "stderr").read_text().partition("listening on ")[2].split()[0]

        def messages() -> int:
            try:
                with urllib.request.urlopen(f"http://{address}/onboarding", timeout=10) as answer:
                    return answer.read().count(b'"id"')
            except urllib.error.HTTPError:
                return 0

        for count in (1, 2, 3):
            wait_until(lambda: messages() == count)
            for _ in range(5):
                assert messages() == count
            wait_until(lambda: read_memory(process.pid).count(MARKER) == 2)
            inboxes.fill(chain, "another")
