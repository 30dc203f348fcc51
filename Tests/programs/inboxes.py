"""The first member's inbox, and programs that inbox-watch hands its messages to."""

import json
import os
import select
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import ecies
from eth_utils import keccak

from harness import hexed, unhex, wait_until  # noqa: F401  (for the tests of inboxes)
from proofs import PROOFS, VECTORS

A, B = (proof["member_id"] for proof in PROOFS)
KEY = VECTORS["keys"]["derived"]  # of the first member
PUBLIC = PROOFS[0]["dstack_proof"]["derived_compressed_pubkey"]


def sealed(plaintext: bytes | str) -> bytes:
    return ecies.encrypt(PUBLIC, plaintext.encode() if isinstance(plaintext, str) else plaintext)


def fill(chain, *texts: bytes | str) -> None:
    chain.onboard(B, A, *map(sealed, texts))


def settings(chain) -> dict[str, str]:
    return chain.env | {"PRIVATE_KEY": KEY}


def script(path: Path, *lines: str, interpreter: str = "/bin/sh") -> Path:
    """A program that is written on the spot, replaced at once where it was there before."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text("\n".join((f"#!{interpreter}", *lines, "")))
    draft.chmod(0o755)
    draft.replace(path)
    return path


def numbers(path: Path) -> list[int]:
    """What a handler has noted, a number a line."""
    return list(map(int, path.read_text().split())) if path.exists() else []


def state(path: Path) -> dict:
    return json.loads(path.read_text())


def next_line(stream, seconds: float = 60) -> bytes:
    """The next line of an unbuffered pipe of a program that goes on."""
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        assert select.select([stream], [], [], max(0, deadline - time.monotonic()))[0], "no line came"
        byte = os.read(stream.fileno(), 1)
        assert byte, "the stream ended"
        line += byte
    return line


def is_running(pid: int) -> bool:
    """Whether a process is there, and no zombie that nobody has buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def tiny_disk(path: Path, size: int):
    """A file system of so many bytes; None where this machine allows none."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, timeout=10).returncode != 0:
        yield None
        return
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True, timeout=10)


def digest(sender: str, payload: bytes) -> str:
    """What a delivered message is known by again, as teebridge(7) has it."""
    return hexed(keccak(unhex(sender) + len(payload).to_bytes(32, "big") + payload[:32].ljust(32, b"\0")))
