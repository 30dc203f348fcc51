"""The console log generator: its proofs are found where they should be, and only there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.chain import make_proof

PROGRAM = Path(__file__).with_name("serial-log")
PROOFS = [make_proof(bytes(31) + bytes([n]), bytes([n]) * 20) for n in (1, 2, 3)]


def log(*options: str, proofs: list[dict] = PROOFS) -> bytes:
    lines = "".join(json.dumps(proof) + "\n" for proof in proofs)
    return subprocess.run([sys.executable, PROGRAM, *options], input=lines.encode(),
                          stdout=subprocess.PIPE, check=True).stdout


def whole_proofs(text: bytes) -> list[dict]:
    """The proofs that a naive reader of lines finds."""
    found = []
    for line in text.split(b"\r\n"):
        marker, _, document = line.partition(b"PROOF_JSON=")
        try:
            found.append(json.loads(document))
        except ValueError:
            continue
    return found


def test_log_is_noisy_and_holds_the_proofs():
    text = log()
    assert whole_proofs(text) == PROOFS
    assert text.count(b"===== boot @ ") == 3
    lines = text.split(b"\r\n")
    assert len(lines) == 198 + 3 * 5 + 1
    for shape in (b"\x1b[0;32m  OK  ", b"[vmm heartbeat]", b"Linux version", b"] br-"):
        assert shape in text
    assert "PROOF_JSON=" + json.dumps(PROOFS[0]) in text.decode()


def test_same_seed_same_bytes():
    assert log("--seed", "7") == log("--seed", "7") != log("--seed", "8")


@pytest.mark.parametrize("lines", (0, 1, 5000))
def test_number_of_noise_lines(lines):
    text = log("--lines", str(lines), proofs=PROOFS[:1])
    assert text.count(b"\r\n") == lines + 5
    assert whole_proofs(text) == PROOFS[:1]


@pytest.mark.parametrize("seed", range(5))
def test_split_puts_a_kernel_line_inside(seed):
    text = log("--split", "--seed", str(seed), proofs=PROOFS[:1])
    assert whole_proofs(text) == []
    start = text.index(b"PROOF_JSON={")
    first, second = text[start:].split(b"\r\n")[:2]
    bracket = first.rindex(b"[ ")
    assert json.loads(first[len(b"PROOF_JSON="):bracket] + second) == PROOFS[0]


def test_nul_bytes_are_before_and_inside():
    text = log("--nul")
    assert whole_proofs(text) == []
    assert whole_proofs(text.replace(b"\0", b"")) == PROOFS
    assert b"\0PROOF_JSON=" in text


def test_cut_copies_come_first():
    text = log("--cut")
    assert whole_proofs(text) == PROOFS
    assert text.count(b"PROOF_JSON={") == 6


def test_no_proofs_no_log_and_bad_input():
    assert log(proofs=[]) == b""
    failed = subprocess.run([sys.executable, PROGRAM], input=b"{", capture_output=True)
    assert failed.returncode == 1 and failed.stderr.startswith(b"serial-log: error: ")
