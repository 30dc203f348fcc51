"""Every command that deploy/ and docs/ show: its options exist, its files exist, a shell can read it."""

import re
import subprocess

import pytest

from cvm import DEPLOY
from harness import BIN, ENVIRONMENT, PROGRAMS, ROOT, run

DOCUMENT = ROOT / "docs" / "deploy.md"
TEXTS = sorted(each for each in DEPLOY.iterdir() if each.is_file()) + [DOCUMENT]
# What may stand between a program and its options on a line: anything that does not end the command.
# The package and users of it have the name of the program teebridge.
NAMES = [program for program in PROGRAMS if program != "teebridge"]
COMMAND = re.compile(rf"(?<![\w./-])(?:/usr/local/bin/)?({'|'.join(NAMES)})(?=[\s,\]])([^|;&`\n]*)")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def commands(text: str) -> set[tuple[str, str]]:
    """Programs (of abi-encode, the subcommand) and options that a text shows together."""
    found = set()
    for program, rest in COMMAND.findall(re.sub(r"\\\n\s*|:\n\s*(?=\[)", " ", text)):
        words = rest.split()
        command = f"{program} {words[0]}" if program == "abi-encode" and words else program
        found |= {(command, option) for option in OPTION.findall(rest)}
    return found


USES = sorted({(file.name, *use) for file in TEXTS for use in commands(file.read_text())})


def test_commands_are_found_where_they_are():
    files = {file for file, _, _ in USES}
    assert {"docker-compose.phala.yaml", "docker-compose.selfhosted.yaml", "inbox-watch.service", "hosted.sh",
            "inbox-watch-once.conf", "inbox-watch.cron", "bridge-agent.service", "deploy.md"} <= files
    assert {command.split()[0] for _, command, _ in USES} == set(NAMES) - {"tx-send", "teebridge-doctor"}
    assert ("inbox-watch.cron", "inbox-watch", "--exec-arg") in USES


@pytest.mark.parametrize("file, command, option", USES)
def test_an_option_that_is_shown_exists(file, command, option):
    program, *subcommand = command.split()
    text = run(program, *subcommand, "--help").check_done().stdout.decode()
    assert re.search(rf"(?<![\w-]){option}(?![\w-])", text)


@pytest.mark.parametrize("file", ["docker-compose.phala.yaml", "teebridge.env", "inbox-watch.cron"])
def test_settings_are_those_of_the_programs(file):
    names = re.findall(r"^ *([A-Z][A-Z_]+)(?:: |=)", (DEPLOY / file).read_text(), re.M)
    manual = (ROOT / "man" / "teebridge.7").read_text()
    assert {"BRIDGE_CONTRACT", "ETH_RPC_URL", "CHAIN"} <= set(names) <= {*re.findall("[A-Z_]+", manual), "SHELL",
                                                                        "PATH", "MAILTO"}


def blocks() -> list[str]:
    """The indented commands of the document; what follows a settings line of hosted.conf, or YAML, is none."""
    paragraphs = re.findall(r"(?:^    .*\n)+", DOCUMENT.read_text(), re.M)
    found = [re.sub(r"^    ", "", each, flags=re.M) for each in paragraphs]
    return [each for each in found if not re.match(r"[A-Z_]+=|  ", each)]


def test_a_shell_can_read_the_document():
    assert len(blocks()) > 10
    for block in blocks():
        assert subprocess.run(["bash", "-n"], input=block.encode(), capture_output=True).stderr == b""


def test_files_and_commands_of_the_document_exist():
    text = DOCUMENT.read_text()
    files = set(re.findall(r"\bdeploy/([\w.-]+)", text))
    assert len(files) > 6 and files <= {each.name for each in DEPLOY.iterdir()}
    usage = subprocess.run([DEPLOY / "hosted.sh", "-h"], capture_output=True, text=True, check=True).stdout
    for command in re.findall(r"hosted\.sh (?:-c hosted\.conf )?([a-z]+)", text):
        assert re.search(rf"^  {command}\b", usage, re.M), command
    for setting in re.findall(r"\b(?:DSTACK|CVM|KMS|VMM)_[A-Z_]+", text):
        assert setting in usage, setting
    anchors = {re.sub(r"[^a-z ]", "", each.lower()).replace(" ", "-") for each in re.findall("^## (.*)$", text, re.M)}
    assert set(re.findall(r"\(#([a-z-]+)\)", text)) <= anchors


def test_every_file_is_in_the_document():
    shown = DOCUMENT.read_text()
    for file in TEXTS[:-1]:
        assert file.name in shown or file.suffix in shown and file.stem in shown or file.suffix == ".dockerignore", file


def test_a_shell_and_systemd_read_the_settings_alike(chain, tmp_path):
    """Filled in, the file works as it says; every line has a form that means the same to both."""
    text = (DEPLOY / "teebridge.env").read_text()
    # Values with what a shell would take for its own.
    values = chain.env | {"ETH_RPC_URL": f"{chain.url}/?a=1&b=2"}
    filled = re.sub(r"^([A-Z_]+)=$", lambda match: f"{match[0]}'{values[match[1]]}'", text, flags=re.M)
    (tmp_path / "teebridge.env").write_text(filled)
    lines = [line for line in filled.splitlines() if not line.startswith("#")]
    assert len(lines) == 3 and all(re.fullmatch(r"[A-Z_]+='[^'\\]*'", line) for line in lines)
    [command] = re.findall(r"^#   (set -a; .*)$", text, re.M)
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env=ENVIRONMENT | {"PATH": f"{BIN}:/usr/bin:/bin"})
    assert (done.returncode, done.stderr) == (0, "")
    assert f"ok: contract: {chain.bridge.address}" in done.stdout and "?a=1" not in done.stdout
