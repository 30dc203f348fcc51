"""What every program has in common: help, version, completion, and how it says that it is called wrongly."""

import re
import socket
import subprocess
from pathlib import Path

import pytest

from harness import BAD_INPUT, BROKEN_PIPE, ENVIRONMENT, PROGRAMS, ROOT, UNREACHABLE, program_path, run, without_a_reader

pytestmark = pytest.mark.address

ABI_COMMANDS = ("register", "onboard", "add-kms-root", "remove-kms-root", "add-allowed-code", "remove-allowed-code",
                "add-verifier", "remove-verifier",
                "add-compose-hash", "deploy", "call", "decode")
DECODE_COMMANDS = ("calldata", "result", "error", "log")
COMMANDS = [(program,) for program in PROGRAMS] + [("abi-encode", command) for command in ABI_COMMANDS] + [
    ("abi-encode", "decode", command) for command in DECODE_COMMANDS]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(command):
    for option in ("--help", "-h"):
        answer = run(*command, option).check_done()
        text = answer.stdout.decode()
        assert text.startswith("OVERVIEW: ") and f"USAGE: {' '.join(command)}" in text
        assert str(ROOT) not in text and str(Path.home()) not in text


def test_one_version_for_all():
    versions = {run(program, "--version").check_done().stdout for program in PROGRAMS}
    assert len(versions) == 1 and re.fullmatch(rb"\d+\.\d+\.\d+\n", versions.pop())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_completion_scripts(program, shell):
    script = run(program, "--generate-completion-script", shell).check_done().stdout
    assert program.encode() in script and b"help" in script
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=script).returncode == 0


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_unknown_options(command):
    answer = run(*command, "--no-such-option")
    answer.check_error(BAD_INPUT)
    assert "--help" in answer.stderr


@pytest.mark.parametrize("command", [("abi-encode",), ("abi-encode", "decode")], ids=" ".join)
def test_no_command_is_no_help(command):
    """A recipe that lost its command to an empty variable must not go on with a page of help."""
    answer = run(*command)
    answer.check_error(BAD_INPUT, "a command is needed")
    assert f"{' '.join(command)} --help lists the commands" in answer.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_libcurl_is_not_among_what_is_loaded_at_the_start(program):
    libraries = subprocess.run(["ldd", program_path(program)], capture_output=True, text=True, check=True).stdout
    assert "libc.so" in libraries and "libcurl" not in libraries


@pytest.fixture
def without_libcurl(tmp_path):
    """An environment in which libcurl is there and cannot be loaded."""
    (tmp_path / "libcurl.so.4").write_bytes(b"no library")
    return {"LD_LIBRARY_PATH": str(tmp_path)}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_job_that_needs_no_network_does_not_load_libcurl(program, without_libcurl):
    run(program, "--version", env=without_libcurl).check_done()


def test_a_secret_is_sealed_and_opened_without_libcurl(without_libcurl, tmp_path):
    key = tmp_path / "key"
    key.write_text("00" * 31 + "01")
    key.chmod(0o600)
    sealed = run("ecies-seal", "--to-pubkey", "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
                 stdin=b"a secret", env=without_libcurl).check_done().stdout
    opened = run("ecies-seal", "--open", "--key", f"file:{key}", stdin=sealed, env=without_libcurl).check_done()
    assert opened.stdout == b"a secret"


def test_a_request_without_libcurl_says_what_is_missing(without_libcurl, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        answer = run("proof-fetch", f"dstack:{tmp_path / 'socket'}", env=without_libcurl)
    answer.check_error(UNREACHABLE, "libcurl.so.4")
    assert "libcurl4" in answer.stderr


@pytest.mark.parametrize("is_ignored", [False, True])
@pytest.mark.parametrize("option", ["--help", "--version", "--generate-completion-script=bash"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_closed_pipe_ends_what_a_program_says_of_itself(program, option, is_ignored):
    """By SIGPIPE, also where whoever started it ignores that signal, as systemd and Python do."""
    with without_a_reader() as output:
        done = subprocess.run([program_path(program), option], env=ENVIRONMENT, stdout=output, stderr=subprocess.PIPE,
                              restore_signals=not is_ignored)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, b"")


def test_a_shell_sees_141():
    line = f"(sleep 0.1; '{program_path('tx-send')}' --help) | true; exit ${{PIPESTATUS[0]}}"
    assert subprocess.run(["bash", "-c", line], env=ENVIRONMENT).returncode == 141
