"""What a small job of a release program may cost, counted in what no load of the machine changes.

costs.json has the most of each. A change that makes a job dearer than that has either gone astray, or is worth it: then the file is changed with it.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

from harness import ENVIRONMENT, program_path, run
from proofs import PROOFS, calldata
from services import running_agent

MOST = json.loads(Path(__file__).with_name("costs.json").read_text())
BRIDGE = "0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72"
KEY = bytes(31) + b"\1"
PUBLIC = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
REQUEST = {"to": BRIDGE, "data": "0x01", "value": "0x1", "chainId": "0x1", "nonce": "0x0", "gas": "0x5208",
           "maxFeePerGas": "0x2", "maxPriorityFeePerGas": "0x1"}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory) -> dict[str, tuple]:
    """Each job's command line; all that it reads stands in files."""
    folder = tmp_path_factory.mktemp("jobs")

    def file(name: str, content: bytes) -> Path:
        path = folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path

    key = f"file:{file('key', KEY.hex().encode())}"
    proof = json.dumps(PROOFS[0]).encode()
    secret = file("secret", b"a secret of thirty-two bytes....")
    sealed = run("ecies-seal", "--to-pubkey", PUBLIC, secret).check_done().stdout
    with running_agent(folder / "agent", "--preset", "cross-sdk"):
        yield {
            "proof-extract": ("proof-extract", file("log", b"PROOF_JSON=" + proof + b"\n")),
            "proof-fetch": ("proof-fetch", f"dstack:{folder / 'agent'}"),
            "abi-encode register": ("abi-encode", "register", "--bridge", BRIDGE, file("proof", proof)),
            "abi-encode decode": ("abi-encode", "decode", "calldata", calldata(PROOFS[0])),
            "ecies-seal": ("ecies-seal", "--to-pubkey", PUBLIC, secret),
            "ecies-seal --open": ("ecies-seal", "--open", "--key", key, file("sealed", sealed)),
            "tx-send --sign-only": ("tx-send", "--sign-only", "--key", key, file("request", json.dumps(REQUEST).encode())),
        }


def told(*words) -> str:
    """What a tool that runs one of our programs says about it."""
    done = subprocess.run([*map(str, words)], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


def instructions(command) -> int:
    text = told("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command)
    return int(re.search(r"Collected : (\d+)", text)[1])


def allocations(command) -> int:
    text = told("valgrind", "--tool=dhat", "--dhat-out-file=/dev/null", *command)
    return int(re.search(r"Total:\s+[\d,]+ bytes in ([\d,]+) blocks", text)[1].replace(",", ""))


def system_calls(command) -> int:
    text = told("strace", "-f", "-c", "-S", "calls", "-U", "calls", *command)
    return int(re.search(r"(\d+) total", text)[1])


COSTS = {"instructions": instructions, "allocations": allocations, "system calls": system_calls}


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("name", MOST)
def test_a_small_job_costs_no_more_than_it_did(jobs, name, cost):
    program, *arguments = jobs[name]
    count = COSTS[cost]([program_path(program), *arguments])
    assert count <= MOST[name][cost], f"{name}: {count} {cost}, {MOST[name][cost]} are allowed"


def test_every_job_has_its_costs(jobs):
    assert set(jobs) == set(MOST) and all(set(costs) == set(COSTS) for costs in MOST.values())
