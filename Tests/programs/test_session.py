"""docs/session.txt is what the demonstration prints, and docs/dataflow.svg is what its text draws."""

import hashlib
import os
import re
import subprocess

import harness

SESSION = harness.ROOT / "docs" / "session.txt"


def without_chance(text):
    """The text without what differs from run to run: what is hexadecimal, ports, the time of day and the secret."""
    text = re.sub(r"(127\.0\.0\.1):\d+", r"\1:PORT", text)
    text = re.sub(r"made at \d\d:\d\d:\d\d: [A-Za-z0-9+/=]+", "made at TIME: SECRET", text)
    return re.sub(r"0x[0-9a-fA-F]+", "0x…", text)


def test_the_recorded_session_is_what_the_demo_prints():
    recorded = SESSION.read_text()
    ran = subprocess.run([harness.ROOT / "demo" / "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         env={**os.environ, "TEEBRIDGE_BIN": str(harness.BIN)}, timeout=120, check=True)
    assert without_chance(recorded) == without_chance(ran.stdout), "`make session` records it anew"


def test_the_diagram_was_drawn_from_its_text():
    text, drawn = (harness.ROOT / "docs" / name for name in ("dataflow.dot", "dataflow.svg"))
    assert f"sha256:{hashlib.sha256(text.read_bytes()).hexdigest()}" in drawn.read_text(), "`make diagram` draws it anew"
