"""What keeps two programs of a user from signing the same nonce, and what cannot keep a user from sending."""

import fcntl
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from harness import DONE, ENVIRONMENT, UNREACHABLE, run
from sending import transfers
from services import CHAIN_ID

NOBODY = 65534
# Has an abstract name as another user, and tells when it has it.
SQUATTER = """
import os, socket, sys
name, user, listens = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True"
os.setresuid(user, user, user)
squatted = socket.socket(socket.AF_UNIX)
squatted.bind("\\0" + name)
if listens:
    squatted.listen()
print("ready", flush=True)
sys.stdin.read()
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@pytest.fixture
def runtime(tmp_path):
    """A directory as $XDG_RUNTIME_DIR is."""
    tmp_path.chmod(0o700)
    return tmp_path


def name(account) -> str:
    return f"teebridge/tx-send/{CHAIN_ID}/{account.address.lower()}"


def lock_file(runtime, account):
    return runtime / (name(account).replace("/", "-") + ".lock")


@contextmanager
def squatter(account, user: int, listens: bool = True):
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", SQUATTER, name(account), str(user), str(listens)], env=ENVIRONMENT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.communicate()


def send(ledger, account, runtime, *options):
    return run("tx-send", *options, stdin=transfers(1), env=ledger.env(account) | {"XDG_RUNTIME_DIR": str(runtime)})


def test_the_lock_file_is_private_and_stays(at_once, runtime):
    account = at_once.account()
    send(at_once, account, runtime).check_sent()
    assert lock_file(runtime, account).stat().st_mode & 0o7777 == 0o600


@as_root
@pytest.mark.parametrize("listens, who", [(True, f"user {NOBODY}"), (False, "another user")])
@pytest.mark.parametrize("has_directory", [True, False])
def test_another_user_with_the_name_is_told_of_and_stops_nobody(at_once, runtime, listens, who, has_directory):
    account = at_once.account()
    with squatter(account, NOBODY, listens):
        answer = send(at_once, account, runtime if has_directory else "/nonexistent")
    assert answer.status == DONE and at_once.values(account) == [1], answer
    assert any(who in text for text in answer.messages("warning")), answer


def test_a_program_of_this_user_that_sees_another_directory_is_waited_for(at_once, runtime):
    account = at_once.account()
    with squatter(account, os.geteuid()):
        send(at_once, account, runtime, "--timeout", "2").check_error(UNREACHABLE, "is sending with the key")
    assert at_once.nonce(account) == 0
    send(at_once, account, runtime).check_sent()


def test_a_program_of_this_user_without_a_socket_is_waited_for(at_once, runtime):
    account = at_once.account()
    with open(lock_file(runtime, account), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        send(at_once, account, runtime, "--timeout", "2").check_error(UNREACHABLE, "is sending with the key")
    send(at_once, account, runtime).check_sent()


def test_what_cannot_be_locked_is_said_and_is_no_other_program(at_once, runtime):
    account = at_once.account()
    lock_file(runtime, account).mkdir()
    send(at_once, account, runtime).check_error(UNREACHABLE, "cannot lock", "is a directory")
    assert at_once.nonce(account) == 0


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o1777])
def test_a_directory_that_others_may_use_is_passed_over(at_once, tmp_path, mode):
    account = at_once.account()
    tmp_path.chmod(mode)
    send(at_once, account, tmp_path).check_sent()
    assert not lock_file(tmp_path, account).exists()
