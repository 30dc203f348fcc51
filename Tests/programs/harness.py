"""Runs the built programs as a shell would, and checks how they end.

Nothing of this process's environment reaches them but PATH, and the options of sanitizers: a setting
that a developer exported must not change what a test sees. Their locks have a directory of their own.
"""

import atexit
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("TEEBRIDGE_BIN", ROOT / ".build" / "debug")).resolve()
PROGRAMS = ("abi-encode", "bridge-agent", "ecies-seal", "inbox-watch", "proof-extract", "proof-fetch", "teebridge",
            "teebridge-doctor", "tx-send")
# The sanitizer that they were built with, if any; it needs memory, time and system calls of its own.
SANITIZER = os.environ.get("SANITIZER")
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | {
    name: value for name, value in os.environ.items() if name in ("ASAN_OPTIONS", "TSAN_OPTIONS")}
# Marks tests of what is in a program's memory, and how much it has.
plain_memory = pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer has terabytes of addresses for its own use")
# By then a program has ended, however busy the machine is.
SECONDS = 180

DONE, NO, BAD_INPUT, UNREACHABLE, UNKNOWN = range(5)
# The reader of standard output has gone; a shell sees 141.
BROKEN_PIPE = -signal.SIGPIPE
MESSAGE = re.compile(r"(?P<program>[a-z-]+): (?P<kind>error|warning|hint): (?P<text>\S.*)")


@dataclass(frozen=True)
class Result:
    """What a program left behind."""

    program: str
    status: int
    stdout: bytes
    stderr: str

    @property
    def documents(self) -> list[dict]:
        """The JSON Lines that it printed."""
        assert self.stdout == b"" or self.stdout.endswith(b"\n"), "the last line has no end"
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def document(self) -> dict:
        [only] = self.documents
        return only

    def messages(self, kind: str) -> list[str]:
        """What stands on standard error behind `<program>: <kind>: `."""
        found = map(MESSAGE.fullmatch, self.stderr.splitlines())
        return [line["text"] for line in found if line and line["kind"] == kind]

    def check_done(self) -> "Result":
        """Assert that all went well and nothing was said about it."""
        assert (self.status, self.stderr) == (DONE, ""), self
        return self

    def check_sent(self) -> "Result":
        """Assert that all went well; what was sent is said meanwhile."""
        assert self.status == DONE and not self.messages("error") and not self.messages("warning"), self
        return self

    def check_error(self, status: int, *fragments: str, prints: bytes | None = b"") -> str:
        """Assert one error line in the house's style, this status and this output; give the line's text."""
        assert self.status == status, self
        assert prints is None or self.stdout == prints, self
        lines = [MESSAGE.fullmatch(line) for line in self.stderr.splitlines()]
        assert all(line and line["program"] == self.program for line in lines), self
        [error] = self.messages("error")
        for line in lines:
            assert not re.match("[A-Z][a-z]", line["text"]), f"upper case: {line[0]}"
            assert not re.search(r"[^.]\.$", line["text"]), f"full stop: {line[0]}"
        for fragment in fragments:
            assert fragment in error, self
        return error


def program_path(name: str) -> Path:
    path = BIN / name
    assert path.exists(), f"the program {name} is not built"
    return path


def compiled(source: str, *options: str) -> Path:
    """What the C file of Tests/support makes, in a directory that ends with this process."""
    directory = tempfile.TemporaryDirectory(prefix="teebridge-")
    atexit.register(directory.cleanup)
    result = Path(directory.name) / source.removesuffix(".c")
    subprocess.run([shutil.which("cc") or "clang", "-O1", "-Wall", "-Wextra", "-Werror", *options, "-o", result,
                    ROOT / "Tests" / "support" / source], check=True, timeout=60)
    return result


measure = functools.cache(lambda: compiled("measure.c"))


def measured(program: str, *args, seconds: int = SECONDS) -> list[str]:
    """The words that run a program, of which standard error's last line says what it cost."""
    return [str(measure()), str(seconds), str(program_path(program)), *map(os.fspath, args)]


def cost(last_line: str | bytes) -> tuple[int, float]:
    """The bytes of memory that a program of `measured` had at most, and its seconds of a processor."""
    kibibytes, milliseconds = map(int, last_line.split())
    return kibibytes << 10, milliseconds / 1000


def run(program: str, *args, stdin: bytes | str | dict | list = b"", env: dict | None = None,
        timeout: float = SECONDS, **options) -> Result:
    """Run a program to its end. A document, or a list of them, goes to its input as JSON Lines."""
    if isinstance(stdin, (dict, list)):
        stdin = json_lines(stdin)
    done = subprocess.run(
        [program_path(program), *map(os.fspath, args)], capture_output=True, timeout=timeout,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        env=ENVIRONMENT | (env or {}), **options,
    )
    return Result(program, done.returncode, done.stdout, done.stderr.decode())


@contextmanager
def running(program: str, *args, env: dict | None = None, **options):
    """A program that goes on while the test does, ended with the `with` statement."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(
        [program_path(program), *map(os.fspath, args)], env=ENVIRONMENT | (env or {}),
        **(streams | options),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(program: str, process: subprocess.Popen, timeout: float = SECONDS) -> Result:
    """Wait for a program of `running` to end by itself."""
    stdout, stderr = process.communicate(timeout=timeout)
    return Result(program, process.returncode, stdout, stderr.decode())


@contextmanager
def without_a_reader():
    """The writing end of a pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


def wait_until(is_so: Callable[[], bool], what: str = "it did not come to be", seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def json_lines(documents: dict | list) -> str:
    documents = documents if isinstance(documents, list) else [documents]
    return "".join(json.dumps(document) + "\n" for document in documents)


def unhex(text: str) -> bytes:
    assert text.startswith("0x"), text
    return bytes.fromhex(text[2:])


def hexed(data: bytes) -> str:
    return "0x" + data.hex()
