"""hosted.sh, which runs a stand-in for vmm-cli.py: what it runs, what it tells to whom, and when it refuses."""

import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from harness import ENVIRONMENT, ROOT, UNREACHABLE, Result, program_path, wait_until
from proofs import PROOFS

SCRIPT = ROOT / "deploy" / "hosted.sh"
PASSWORD, API_KEY, OWNER_KEY = "correct-horse", "secret-api-key", "env:OWNER"
DIGEST = "sha256:" + "ab" * 32
APP = "0x" + "12" * 20
SETTINGS = {
    "DSTACK_VMM_URL": "https://vmm.example.org", "DSTACK_VMM_AUTH_USER": "operator",
    "DSTACK_VMM_AUTH_PASSWORD": PASSWORD, "TEEBRIDGE_IMAGE": f"registry.example.org/teebridge@{DIGEST}",
    "BRIDGE_CONTRACT": "0x254057d9d92FC7F75E3D49F0c6B0be9eE2A334D5", "ETH_RPC_URL": "https://base.example.org/?a=1&b=2",
    "CHAIN": "base", "DSTACK_APP_ID": APP, "CVM_IMAGE": "dstack-0.5.7", "CVM_PORT": "tcp:0.0.0.0:18080:8080",
    "DSTACK_KMS_URL": "https://kms.example.org:9100", "KMS_RPC_URL": f"https://sepolia.example.org/{API_KEY}",
    "KMS_CHAIN": "sepolia", "TEEBRIDGE_KEY": OWNER_KEY, "PROOF_TIMEOUT": "20",
}
COMMANDS = ("compose", "allow", "deploy", "logs", "proof")


class Host:
    """A directory where hosted.sh is run, with the stand-in's VMM in it."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.vmm = directory / "vmm"
        self.vmm.mkdir()
        bin = directory / "bin"
        bin.mkdir()
        (bin / "vmm-cli.py").symlink_to(ROOT / "Tests" / "deploy" / "vmm-cli.py")
        for program in ("abi-encode", "proof-extract"):
            (bin / program).symlink_to(program_path(program))
        sender = bin / "tx-send"
        sender.write_text('#!/bin/sh\nenv > "$VMM_DIRECTORY/tx-send.env"; cat > "$VMM_DIRECTORY/tx-send.jsonl"\n')
        sender.chmod(0o755)
        self.path = f"{bin}:{os.environ['PATH']}"

    def run(self, *arguments, without=(), timeout: float = 60, **settings) -> Result:
        """Run hosted.sh with all settings, but for those of `without`."""
        chosen = {name: value for name, value in (SETTINGS | settings).items() if name not in without}
        done = subprocess.run([SCRIPT, *arguments], cwd=self.directory, capture_output=True, timeout=timeout,
                              env=ENVIRONMENT | {"PATH": self.path, "VMM_DIRECTORY": str(self.vmm)} | chosen)
        return Result("hosted", done.returncode, done.stdout, done.stderr.decode())

    @property
    def calls(self) -> list[dict]:
        """The runs of vmm-cli.py so far."""
        record = self.vmm / "calls.jsonl"
        return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []

    @property
    def machines(self) -> list[dict]:
        """The CVMs that the stand-in's VMM has."""
        return json.loads((self.vmm / "vms.json").read_text())

    @property
    def files(self) -> set[str]:
        return {each.name for each in self.directory.iterdir()} - {"vmm", "bin"}


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def line(answer: Result) -> str:
    assert answer.status == 0, answer
    [only] = answer.stdout.decode().splitlines()
    return only


def test_compose_prints_the_hash_of_the_file_that_is_deployed(host):
    printed = line(host.run("compose"))
    assert printed == "0x" + hashlib.sha256((host.directory / "app-compose.json").read_bytes()).hexdigest()
    assert host.files == {"docker-compose.yaml", "app-compose.json"}
    text = json.loads((host.directory / "app-compose.json").read_text())["docker_compose_file"]
    assert all(SETTINGS[name] in text for name in ("TEEBRIDGE_IMAGE", "BRIDGE_CONTRACT", "ETH_RPC_URL", "CHAIN"))


def test_compose_warns_when_the_hash_changes_and_only_then(host):
    first = host.run("compose")
    again = host.run("compose")
    assert line(again) == line(first) and not again.messages("warning")
    other = host.run("compose", CHAIN="base-sepolia")
    [warning] = other.messages("warning")
    assert line(first) in warning and line(other) != line(first)


def test_allow_has_the_hash_sent_to_the_app_contract(host):
    hash = line(host.run("compose"))
    assert host.run("allow", DSTACK_VMM_TOKEN="a-token").status == 0
    request = json.loads((host.vmm / "tx-send.jsonl").read_text())
    assert (request["label"], request["to"].lower()) == ("addComposeHash", APP)
    assert request["data"] == "0xdfc77223" + hash[2:] and request["unless"]
    environment = dict(each.split("=", 1) for each in (host.vmm / "tx-send.env").read_text().splitlines())
    assert environment["ETH_RPC_URL"] == SETTINGS["KMS_RPC_URL"] and environment["CHAIN"] == "sepolia"
    assert environment["TEEBRIDGE_KEY"] == OWNER_KEY
    assert not {PASSWORD, "a-token"} & set(environment.values())


def test_deploy_creates_one_cvm_however_often_it_is_run(host):
    host.run("compose")
    id = line(host.run("deploy"))
    [machine] = host.machines
    assert (machine["id"], machine["name"], machine["app_id"]) == (id, "teebridge", APP[2:])
    again = host.run("deploy")
    assert line(again) == id and again.messages("warning")
    [arguments] = [call["arguments"] for call in host.calls if call["arguments"][0] == "deploy"]
    assert "--gateway-url" not in arguments and "--env-file" not in arguments
    assert arguments[arguments.index("--port") + 1] == SETTINGS["CVM_PORT"]


def serial_log(host) -> None:
    proof = json.dumps(PROOFS[0])
    (host.vmm / "serial.log").write_text(f"[    0.000000] Linux version 6\nPROOF_JSON={proof}\nlogin:\n")


def test_logs_and_proof_come_from_the_serial_console(host):
    host.run("compose")
    host.run("deploy")
    serial_log(host)
    assert b"Linux version" in host.run("logs").check_done().stdout
    begin = time.monotonic()
    proof = json.loads(line(host.run("proof")))
    assert proof["member_id"] == PROOFS[0]["member_id"]
    # Neither did it wait for a buffer to be full (the stand-in ends after two minutes), nor is the follower left behind.
    assert time.monotonic() - begin < 60
    follower = Path("/proc") / (host.vmm / "logs.pid").read_text()
    wait_until(lambda: not follower.exists() or "Z" in (follower / "stat").read_text().split()[2])


def test_proof_gives_up_after_its_time(host):
    host.run("compose")
    host.run("deploy")
    (host.vmm / "serial.log").write_text("login:\n")
    begin = time.monotonic()
    assert host.run("proof", PROOF_TIMEOUT="1").status == UNREACHABLE
    assert time.monotonic() - begin < 60


def test_of_two_cvms_of_a_name_none_is_meant(host):
    (host.vmm / "vms.json").write_text(json.dumps([{"id": each, "name": "teebridge"} for each in "ab"]))
    host.run("logs").check_error(2, "more than one")
    host.run("logs", CVM_NAME="other").check_error(2, "no CVM 'other'")


def run_all(host, *options, **settings) -> list[Result]:
    serial_log(host)
    return [host.run(*options, command, **settings) for command in COMMANDS]


def test_the_password_reaches_vmm_cli_through_its_environment_alone(host):
    answers = run_all(host)
    assert len(host.calls) == 8 and all(answer.status == 0 for answer in answers), answers
    for call in host.calls:
        assert call["environment"]["DSTACK_VMM_AUTH_PASSWORD"] == PASSWORD
        assert not any(secret in each for each in call["arguments"] for secret in (PASSWORD, API_KEY))
        assert "TEEBRIDGE_KEY" not in call["environment"]
    for answer in answers:
        assert PASSWORD not in answer.stderr and PASSWORD.encode() not in answer.stdout


def test_settings_come_from_a_file_that_is_ones_own(host, tmp_path):
    file = tmp_path / "settings"
    file.write_text(f"# the host\n\nDSTACK_VMM_AUTH_PASSWORD={PASSWORD}=x\nCVM_NAME=from-file\n")
    file.chmod(0o600)
    host.run("compose")
    assert host.run("-c", file, "deploy", without=["DSTACK_VMM_AUTH_PASSWORD"]).status == 0
    assert host.calls[-1]["environment"]["DSTACK_VMM_AUTH_PASSWORD"] == f"{PASSWORD}=x"
    assert host.run("-c", file, "deploy", CVM_NAME="from-environment").status == 0
    assert [machine["name"] for machine in host.machines] == ["from-file", "from-environment"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_have_rights_to_is_refused(host, tmp_path, mode):
    file = tmp_path / "settings"
    file.write_text(f"DSTACK_VMM_AUTH_PASSWORD={PASSWORD}\n")
    file.chmod(mode)
    answer = host.run("-c", file, "logs")
    assert f"{mode:o}" in answer.check_error(2, "others have rights")
    assert "chmod 600" in answer.messages("hint")[0] and not host.calls


@pytest.mark.parametrize("text", [PASSWORD, f"PASWORD={PASSWORD}", f"={PASSWORD}", f"PATH={PASSWORD}"])
def test_a_line_that_is_no_setting_is_not_repeated(host, tmp_path, text):
    file = tmp_path / "settings"
    file.write_text(f"CHAIN=base\n{text}\n")
    file.chmod(0o600)
    assert PASSWORD not in host.run("-c", file, "logs").check_error(2, "line 2")


def test_a_dry_run_shows_commands_without_secrets_and_changes_nothing(host):
    host.run("compose")
    before = host.calls, host.files
    shown = run_all(host, "-n")
    assert (host.calls, host.files) == before
    text = b"".join(answer.check_done().stdout for answer in shown).decode()
    for secret in (PASSWORD, API_KEY, OWNER_KEY):
        assert secret not in text
    lines = text.splitlines()
    assert len(lines) == 7
    assert lines[1].startswith("vmm-cli.py 'compose' '--name' 'teebridge'")
    assert lines[2].startswith("abi-encode add-compose-hash --app") and lines[2].endswith("tx-send")
    assert lines[-1].endswith("| proof-extract --follow --timeout 20")
    for each in lines:
        assert subprocess.run(["bash", "-n"], input=each.encode()).returncode == 0


@pytest.mark.parametrize("command, name", [
    ("compose", "TEEBRIDGE_IMAGE"), ("compose", "BRIDGE_CONTRACT"), ("compose", "ETH_RPC_URL"), ("compose", "CHAIN"),
    ("allow", "DSTACK_APP_ID"), ("allow", "KMS_RPC_URL"), ("allow", "KMS_CHAIN"),
    ("deploy", "DSTACK_VMM_URL"), ("deploy", "DSTACK_VMM_AUTH_PASSWORD"), ("deploy", "DSTACK_APP_ID"),
    ("deploy", "CVM_IMAGE"), ("deploy", "DSTACK_KMS_URL"), ("logs", "DSTACK_VMM_URL"), ("proof", "DSTACK_VMM_URL"),
])
def test_a_missing_setting_is_named(host, command, name):
    host.run(command, without=[name]).check_error(2, f"{name} is not set")
    assert not host.calls and not host.files


@pytest.mark.parametrize("command", ["allow", "deploy"])
def test_before_the_compose_file_there_is_nothing_to_do(host, command):
    assert "hosted.sh compose" in host.run(command).messages("hint")
    assert not host.calls


@pytest.mark.parametrize("name, value", [
    ("TEEBRIDGE_IMAGE", "registry.example.org/teebridge:latest"),  # says nothing of what it will be tomorrow
    ("TEEBRIDGE_IMAGE", f"a\nb@{DIGEST}"), ("BRIDGE_CONTRACT", "0x12"), ("CHAIN", "a b"),
    ("ETH_RPC_URL", 'https://a"\nprivileged: true'), ("ETH_RPC_URL", "https://a/$HOME"),
    ("ETH_RPC_URL", "https://name:password@a/"), ("ETH_RPC_URL", "ftp://a"),
])
def test_no_value_breaks_out_of_the_compose_file(host, name, value):
    answer = host.run("render", **{name: value})
    assert value not in answer.check_error(2, f"{name} does not look like")


def test_a_value_that_nobody_would_fill_in_is_refused(host, tmp_path):
    file = tmp_path / "compose.yaml"
    file.write_text("a: ${CHAIN} ${OTHER}\n")
    host.run("render", file).check_error(2, "that is no setting's")
    file.write_text("a: ${CHAIN} ${ETH_RPC_URL}")
    assert line(host.run("render", file)) == "a: base https://base.example.org/?a=1&b=2"


def test_it_says_where_vmm_cli_may_be(host):
    assert "VMM_CLI" in host.run("compose", VMM_CLI="no-such-program").messages("hint")[0]


@pytest.mark.parametrize("arguments", [(), ("destroy",), ("compose", "x"), ("-x",), ("logs", "-g")])
def test_other_commands_are_a_usage_error(host, arguments):
    answer = host.run(*arguments)
    assert answer.status == 2 and "usage: hosted.sh" in answer.stderr and not answer.stdout


@pytest.mark.parametrize("arguments", [("-h",), ("--help",), ("deploy", "--help"), ("-n", "--help")])
def test_help_names_every_setting(host, arguments):
    text = host.run(*arguments).check_done().stdout.decode()
    assert all(name in text for name in SETTINGS)
