"""docs/cookbook.md does what it says: its lines are run from the first to the last, in one directory, with the programs
as `make install` installs them."""

import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest
from eth_account import Account

from harness import BIN, ENVIRONMENT, PROGRAMS, ROOT, program_path
from proofs import PROOFS, VECTORS
from services import CHAIN_ID, running_chain

A, B = PROOFS
# A paragraph's title is what a block stands for; the second block of the same title is `title 2`.
BLOCKS = re.compile(r"^\*\*(?P<title>[^*]+?)[.?]?\*\*|^```(?P<kind>\w*)\n(?P<lines>.*?)^```\n", re.MULTILINE | re.DOTALL)
SECRET = "the first secret"
# It takes two messages, however gzip packs it.
LARGE = random.Random(7).randbytes(20_000).hex()


def blocks(kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    title = ""
    for match in BLOCKS.finditer((ROOT / "docs" / "cookbook.md").read_text()):
        if match["title"]:
            title = match["title"]
        elif match["kind"] == kind:
            count = sum(name.split(" #")[0] == title for name in found)
            found[title if count == 0 else f"{title} #{count + 1}"] = match["lines"]
    return found


LINES = blocks("sh")
SIX, TWO = "success\n" * 6, "success\n" * 2
# What each block prints; None is checked by what comes of it, or is nobody's to foretell.
PRINTS = {
    "What would happen": None,
    "Many CVMs at once": SIX,
    "CVMs of one root and one app only": "skipped\n",
    "Who is a member": "[true]\n",
    "To every member": TWO,
    "A rotation": TWO,
    "A rotation #2": TWO,
    "Verified reading": "{secret}\n",
    "In cron": "",
    "In systemd": "",
    "In a container": "ONBOARDING from={a} payload={first}\nONBOARDING from={a} payload={secret}\\u{{a}}\n",
    "Send here, wait elsewhere": "",
    "Send here, wait elsewhere #2": "success\n",
    "Sign offline": "",
    "Sign offline #2": "",
    "Sign offline #3": "success\n",
    "In several messages": "success\n" * 4,
    "In several messages #2": "",
    "Kept elsewhere": TWO,
    "Kept elsewhere #2": "",
    "Calldata": "0x77a35f6c" + "00" * 12 + "{root}\n",
    "A question": None,
    "A transaction": None,
    "What it costs": None,
    "Signing and publishing": None,
    "New messages": "0x{a}\n" * 5,
}


@pytest.fixture(scope="module")
def chain():
    with running_chain() as chain:
        chain.deploy()
        yield chain


@pytest.fixture(scope="module")
def directory(chain, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("cookbook")
    keystore = Account.encrypt(chain.owner.key, "password", kdf="pbkdf2", iterations=1000)
    for name, text in {
        "owner.key": chain.owner.key.hex(), "member.key": VECTORS["keys"]["derived"], "password": "password\n",
        "owner.json": json.dumps(keystore), "secret.txt": SECRET, "serial.log": f"PROOF_JSON={json.dumps(A)}\n",
        "large.txt": LARGE,
    }.items():
        (path / name).write_text(text)
        (path / name).chmod(0o600)
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The directory of the installed programs."""
    for name in PROGRAMS:
        program_path(name)
    root = tmp_path_factory.mktemp("installed")
    subprocess.run(["make", "-C", ROOT, f"BUILD={BIN}", f"DESTDIR={root}", "install"], check=True, timeout=120,
                   capture_output=True, env=ENVIRONMENT)
    return root / "usr/local/bin"


@pytest.fixture(scope="module")
def outputs(chain, directory, agents, installed) -> dict[str, str]:
    """What each block printed; all must end with 0 and say nothing of errors."""
    settings = ENVIRONMENT | chain.env | agents[1].env | {
        "TEEBRIDGE_KEY": "file:owner.key", "PATH": f"{installed}:{os.environ['PATH']}", "CHAIN_ID": hex(CHAIN_ID),
        "CVM_A": agents[0].url, "CVM_B": agents[1].url, "A": A["member_id"], "B": B["member_id"],
        "OWNER": chain.owner.address, "ROOT": A["kms_root"], "OTHER_ROOT": B["kms_root"], "APP_ID": A["app_id"], "OTHER_APP_ID": B["app_id"],
    }
    printed = {}
    for title, lines in LINES.items():
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", lines], cwd=directory, capture_output=True, text=True,
                              env=settings | {"NONCE": hex(chain.nonce())}, stdin=subprocess.DEVNULL, timeout=60)
        assert done.returncode == 0 and "error:" not in done.stderr, (title, done)
        printed[title] = done.stdout
        if (directory / "received.txt").exists():
            assert (directory / "received.txt").read_text() == LARGE
            (directory / "received.txt").rename(directory / f"received {title}")
    return printed


def test_every_block_is_expected():
    assert list(LINES) == list(PRINTS)


@pytest.mark.parametrize("title", PRINTS)
def test_a_block_prints(outputs, directory, title):
    if PRINTS[title] is not None:
        secret = (directory / "secret.txt").read_text()
        words = {"a": A["member_id"][2:], "root": A["kms_root"][2:].lower(), "first": SECRET, "secret": secret.rstrip("\n")}
        # A payload's own line end is printed with it.
        assert outputs[title].replace("\n\n", "\n") == PRINTS[title].format(**words)


def test_what_the_dry_run_showed(outputs):
    rows = [json.loads(line) for line in outputs["What would happen"].splitlines()]
    assert [row[:2] for row in rows] == [[label, "simulated"] for label in ("addKmsRoot", "addAllowedCode", "registerDstack")]
    assert all(int(cost, 16) > 0 for _, _, cost in rows)


def test_what_came_of_it(outputs, chain, directory):
    view = chain.bridge.functions
    assert all(view.isMember(proof["member_id"]).call() for proof in PROOFS)
    assert view.allowedKmsRoots(A["kms_root"]).call() and view.allowedCode(A["code_id"]).call()
    assert (directory / "secrets" / "unsigned" / A["member_id"] / "0").read_text() == SECRET
    rotated = (directory / "secrets" / "signed" / A["member_id"] / "1").read_text()
    assert rotated == (directory / "secret.txt").read_text()
    assert {path.name for path in directory.glob("received *")} == {
        "received In several messages #2", "received Kept elsewhere #2"}
    assert json.loads(outputs["A transaction"])["status"] == "skipped"
    assert json.loads(outputs["A question"])["returns"] == ["0x5"]
    assert int(outputs["What it costs"], 16) > 0
    assert Account.recover_transaction(outputs["Signing and publishing"].strip()) == chain.owner.address


def test_cast_is_never_run():
    """Its lines stand in blocks of their own, and each has one of ours before it."""
    assert not any(re.search(r"\bcast\b", lines) for lines in LINES.values())
    others = blocks("cast")
    assert others and all(line.startswith("cast ") for lines in others.values() for line in lines.splitlines())
    assert set(others) <= set(LINES)
