"""What happens when a standard stream is closed or full: nothing is lost in silence, and no status lies."""

import subprocess

import pytest

from harness import BAD_INPUT, DONE, ENVIRONMENT, NO, UNKNOWN, json_lines, program_path
from inboxes import KEY, fill

pytestmark = pytest.mark.address

SIGPIPE_IN_A_SHELL = 141


@pytest.fixture
def shell(chain, owner_key):
    """Runs a shell line with $P as the program's path; its status, standard output and standard error."""

    def run(program: str, line: str, stdin: str = ""):
        done = subprocess.run(
            ["bash", "-c", line], input=stdin.encode(), capture_output=True, timeout=60,
            env=ENVIRONMENT | chain.env | {"TEEBRIDGE_KEY": owner_key, "P": str(program_path(program))})
        return done.returncode, done.stdout, done.stderr.decode()

    return run


@pytest.fixture
def request_(chain):
    """A request that succeeds, and one whose transaction reverts once it is in a block."""
    root = "0x00000000000000000000000000000000000000aa"
    good = {"to": chain.bridge.address, "data": chain.bridge.encode_abi("addKmsRoot", args=[
        chain.web3.to_checksum_address(root)])}
    bad = {"to": chain.bridge.address, "data": "0xdeadbeef", "gas": "0x186a0"}
    return good, bad


def test_a_record_that_cannot_be_written_leaves_the_outcome_to_the_caller(shell, chain, request_):
    good, _ = request_
    before = chain.nonce()
    status, _, errors = shell("tx-send", "$P > /dev/full", json_lines(good))
    assert (status, chain.nonce()) == (UNKNOWN, before + 1)
    assert "tx-send: sending 0x" in errors and "cannot write the output" in errors


def test_a_closed_output_hides_no_revert(shell, request_):
    _, bad = request_
    status, _, errors = shell("tx-send", "$P | true; exit ${PIPESTATUS[0]}", json_lines(bad))
    assert status == NO and "reverted" in errors


def test_a_closed_pipe_after_success_is_quiet(shell, request_):
    good, _ = request_
    status, _, errors = shell("tx-send", "(sleep 0.1; cat) | $P | true; exit ${PIPESTATUS[1]}", json_lines(good))
    assert status == SIGPIPE_IN_A_SHELL and "error" not in errors


@pytest.mark.parametrize("program, options", [("tx-send", "--dry-run"), ("inbox-watch", "--once")])
def test_a_closed_standard_output_gets_no_foreign_descriptor(shell, chain, request_, program, options):
    good, _ = request_
    status, _, errors = shell(program, f"$P {options} >&-", json_lines(good) if program == "tx-send" else "")
    if program == "tx-send":
        assert status == BAD_INPUT and "cannot write the output" in errors


def test_a_later_fault_after_something_was_sent_is_no_promise_that_nothing_was(shell, chain, request_):
    good, _ = request_
    before = chain.nonce()
    status, output, errors = shell("tx-send", "(cat; sleep 1; echo '{\"to\":\"0x12\"}') | $P", json_lines(good))
    assert (status, chain.nonce()) == (UNKNOWN, before + 1)
    assert b'"status":"success"' in output
    assert "transactions sent before this: 1" in errors


def test_nothing_is_delivered_to_nobody(shell, chain, tmp_path):
    """`inbox-watch --once | true`: what could not be printed is not marked as delivered."""
    fill(chain, "a secret")
    command = f"env -u TEEBRIDGE_KEY PRIVATE_KEY={KEY} $P --once --state {tmp_path}/state"
    status, _, errors = shell("inbox-watch", f"(sleep 0.1; {command}) | true; exit ${{PIPESTATUS[0]}}")
    assert (status, errors) == (SIGPIPE_IN_A_SHELL, "")
    status, output, errors = shell("inbox-watch", command)
    assert (status, errors) == (DONE, "") and b'"payload":"a secret"' in output
