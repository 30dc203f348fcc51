"""The input of the benchmarks, made once, always the same, in .build/bench."""

import base64
import itertools
import json
import random
import sys

from measure import BUILT, ROOT

sys.path.insert(0, str(ROOT / "Tests" / "support"))

from guestagent.chain import make_proof  # noqa: E402  (needs the path above)
from guestagent.keys import keccak256, public_key  # noqa: E402

PROOF_COUNT = 10_000
LINE = b"[  123.456789] dstack-bridge-1  | 127.0.0.1 - - \"GET /proof HTTP/1.1\" 200 - waiting for onboarding\n"


def made(name: str):
    """Let the function write the file of that name, unless it was made before; its path."""
    def decorate(write):
        path = BUILT / name
        if not path.exists():
            draft = path.with_suffix(".draft")
            with open(draft, "wb") as file:
                write(file)
            draft.rename(path)
        return path
    return decorate


def proof(index: int) -> dict:
    return make_proof(keccak256(b"a root"), keccak256(index.to_bytes(4))[:20])


@made("proofs.jsonl")
def PROOFS(file):
    for index in range(PROOF_COUNT):
        file.write(json.dumps(proof(index), separators=(",", ":")).encode() + b"\n")


def marker(index: int) -> bytes:
    return b"PROOF_JSON=" + json.dumps(proof(index)).encode() + b"\n"


def noise(size: int):
    """About so many bytes of a console's lines."""
    block = LINE * 10_000
    for _ in range(size // len(block)):
        yield block


@made("worst.log")
def WORST(file):
    file.write(marker(0))
    file.writelines(noise(1_000_000_000))


@made("late.log")
def LATE(file):
    file.writelines(noise(1_000_000_000))
    file.write(marker(0))
    file.writelines(noise(1_000_000))


def contained(file, write):
    """A proof and 1 GB of a console's lines as a container has them."""
    file.write(json.dumps(write(marker(0))).encode() + b"\n")
    block = "".join(json.dumps(write(LINE), separators=(",", ":")) + "\n" for _ in range(2000)).encode()
    for _ in range(1_000_000_000 // len(block)):
        file.write(block)


@made("docker.log")
def DOCKER(file):
    contained(file, lambda line: {"log": line.decode(), "stream": "stdout", "time": "2025-11-20T10:00:00.123456789Z"})


@made("endpoint.log")
def ENDPOINT(file):
    contained(file, lambda line: {"channel": "stdout", "message": base64.b64encode(line).decode()})


@made("journal.log")
def JOURNAL(file):
    contained(file, lambda line: {"MESSAGE": list(line), "_HOSTNAME": "cvm"})


@made("dense.log")
def DENSE(file):
    """100 MB, a proof on every second line."""
    line = LINE.rstrip(b"\n").ljust(1000, b".") + b"\n"
    for proof_line in itertools.cycle(PROOFS.read_bytes().splitlines()):
        if file.tell() >= 100_000_000:
            break
        file.write(line + b"PROOF_JSON=" + proof_line + b"\n")


@made("large")
def LARGE(file):
    """256 MiB that do not compress."""
    generator = random.Random(1)
    file.writelines(generator.randbytes(1 << 20) for _ in range(256))


@made("requests.jsonl")
def REQUESTS(file):
    for index in range(10_000):
        request = {"to": "0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72", "data": "0x01", "value": hex(index),
                   "chainId": "0x1", "nonce": hex(index), "gas": "0x5208", "maxFeePerGas": "0x2",
                   "maxPriorityFeePerGas": "0x1"}
        file.write(json.dumps(request).encode() + b"\n")


@made("recipients.jsonl")
def RECIPIENTS(file):
    for index in range(1000):
        key = public_key(keccak256(index.to_bytes(4)))
        file.write(json.dumps({"pubkey": "0x" + key.hex()}).encode() + b"\n")


@made("secret")
def SECRET(file):
    file.write(b"a secret of thirty-two bytes....")


@made("one.json")
def ONE(file):
    file.write(json.dumps(proof(0)).encode() + b"\n")


@made("one.log")
def ONE_LOG(file):
    file.write(marker(0))


@made("request.json")
def REQUEST(file):
    file.write(REQUESTS.read_bytes().split(b"\n")[0])


@made("key")
def KEY(file):
    file.write(b"00" * 31 + b"01")


KEY.chmod(0o600)
