"""inbox-watch --exec: what a handler gets, and what becomes of a message that it does not take."""

import json
import os
import signal
import sys

import pytest

from harness import BAD_INPUT, DONE, NO, run, running
from inboxes import A, B, KEY, fill, numbers, script, sealed, settings, state, wait_until
from services import Server
from test_envelope import Envelope

pytestmark = pytest.mark.address


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def watch(chain, tmp_path):
    """Runs inbox-watch --once with a state and a handler."""

    def watch(handler, *args, env=None, **options):
        return run("inbox-watch", "--once", "--state", tmp_path / "inbox.json", "--exec", handler, *args,
                   env=settings(chain) | (env or {}), **options)

    return watch


def noting(log) -> str:
    return f"echo $TEEBRIDGE_INDEX >> {log}"


# What a handler gets


@pytest.mark.parametrize("payload", [b"", os.urandom(20_000)], ids=["empty", "long"])
def test_the_payload_is_on_its_standard_input(chain, watch, tmp_path, payload):
    fill(chain, payload)
    answer = watch(script(tmp_path / "handler", f"cat > {tmp_path}/input")).check_done()
    assert (tmp_path / "input").read_bytes() == payload
    assert answer.stdout == b""


def test_the_message_is_named_in_its_environment(chain, watch, tmp_path):
    fill(chain, "plain")
    chain.onboard(B, A, Envelope(chain.bridge.address).sealed())
    watch(script(tmp_path / "handler", f"env | grep ^TEEBRIDGE_ | sort >> {tmp_path}/env")).check_done()
    assert (tmp_path / "env").read_text().splitlines() == [
        f"TEEBRIDGE_{name}={value}" for index, authenticated in enumerate(("false", "true"))
        for name, value in (("AUTHENTICATED", authenticated), ("FROM", B), ("INDEX", index), ("MEMBER_ID", A),
                            ("MESSAGE_ID", f"{A}:{index}"))]


INHERITED = {"PATH": os.environ["PATH"], "HOME": "/", "USER": "u", "LOGNAME": "l", "SHELL": "/bin/sh", "TMPDIR": "/tmp",
             "TZ": "UTC", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("source", ["PRIVATE_KEY", "env:HOME", "env:MY_KEY"])
def test_no_secret_is_in_the_environment_of_a_child(chain, watch, tmp_path, source):
    """A handler sees where it runs, and neither keys nor URLs, sockets and files that lead to some."""
    fill(chain, "a secret")
    name = source.removeprefix("env:")
    secrets = {"PRIVATE_KEY": KEY, name: KEY, "ETH_PASSWORD": "/password", "TEEBRIDGE_KEY": source, "API_TOKEN": "token",
               "DSTACK_SIMULATOR_ENDPOINT": "/socket", "NOTIFY_SOCKET": "/notify", "WATCHDOG_USEC": "1000000",
               "LD_PRELOAD": "", "TEEBRIDGE_OTHER": "x", "LC_SECRET": KEY, "BASH_ENV": "/x"}
    if source == "PRIVATE_KEY":
        del secrets["TEEBRIDGE_KEY"]
    handler = script(tmp_path / "handler", f"cat /proc/$$/environ > {tmp_path}/environ",
                     f"cat /proc/$$/cmdline > {tmp_path}/cmdline")
    watch(handler, env=INHERITED | secrets).check_done()
    variables = dict(each.split(b"=", 1) for each in (tmp_path / "environ").read_bytes().split(b"\0") if each)
    expected = {key.encode(): value.encode() for key, value in INHERITED.items() if key != name}
    ids = {f"TEEBRIDGE_{each}".encode() for each in ("MESSAGE_ID", "MEMBER_ID", "INDEX", "FROM", "AUTHENTICATED")}
    assert {key: value for key, value in variables.items() if key not in ids} == expected
    assert ids <= set(variables)
    seen = (tmp_path / "environ").read_bytes() + (tmp_path / "cmdline").read_bytes()
    assert KEY.encode() not in seen and b"a secret" not in seen


def test_it_inherits_standard_streams_alone(chain, watch, tmp_path):
    """No descriptor but 0, 1 and 2, whatever the program was given, and no signal that is blocked or ignored."""
    fill(chain, "a secret")
    extra, other = os.pipe()
    os.write(other, KEY.encode())
    os.close(other)

    def disturb():
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])

    handler = script(
        tmp_path / "handler", "import json, os", "links = {}",
        "for number in range(256):", "    try: links[number] = os.readlink(f'/proc/self/fd/{number}')",
        "    except OSError: pass", "status = open('/proc/self/status').read()",
        f"json.dump([links, status, os.getpgid(0) == os.getpid()], open('{tmp_path}/found', 'w'))",
        interpreter=f"{sys.executable} -IS")
    answer = watch(handler, env={"PRIVATE_KEY": "", "TEEBRIDGE_KEY": f"fd:{extra}"}, pass_fds=[extra], preexec_fn=disturb)
    os.close(extra)
    answer.check_done()
    links, status, leads_its_group = json.loads((tmp_path / "found").read_text())
    assert set(links) == {"0", "1", "2"}
    assert "memfd" in links["0"] and links["1"] == links["2"]
    assert leads_its_group
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    # Python itself ignores SIGPIPE and SIGXFSZ.
    assert (int(lines["SigBlk"], 16), ignored(lines["SigIgn"]) - {signal.SIGPIPE, signal.SIGXFSZ}) == (0, set())


def ignored(mask: str) -> set[int]:
    """The signals of a mask in /proc, without the two that the C library keeps for itself (signal(7))."""
    return {number for number in range(1, 65) if int(mask, 16) >> number - 1 & 1} - {32, 33}


def test_its_output_is_no_result(chain, watch, tmp_path):
    fill(chain, "one")
    answer = watch(script(tmp_path / "handler", "echo printed", "echo said >&2"))
    assert (answer.status, answer.stdout, answer.stderr) == (DONE, b"", "printed\nsaid\n")


@pytest.mark.parametrize("form, start", [("json", b'{"id":'), ("text", b"ONBOARDING ")])
def test_with_a_format_messages_are_printed_too(chain, watch, tmp_path, form, start):
    fill(chain, "one")
    assert watch("true", "--format", form).check_done().stdout.startswith(start)


def test_its_arguments_are_taken_as_they_are(chain, watch, tmp_path):
    fill(chain, "one")
    words = ["--once", "a  b", "", "$(id)", "'\"", "-", "--", "*"]
    handler = script(tmp_path / "a handler", f'printf "%s\\n" "$@" > {tmp_path}/words')
    arguments = [[f"--exec-arg={word}"] if word == "--" else ["--exec-arg", word] for word in words]
    watch(handler, *sum(arguments, [])).check_done()
    assert (tmp_path / "words").read_text().splitlines() == words


@pytest.mark.parametrize("command", ["absent", "/absent/handler", "./absent", "a-file", "./a-file", ".", "/", "", "true --x"])
def test_a_program_that_cannot_be_run_is_refused_at_the_start(chain, watch, tmp_path, command):
    (tmp_path / "a-file").write_text("#!/bin/sh\n")
    with Server(lambda *_: (500, b"")) as node:
        env = {"ETH_RPC_URL": node.url, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        watch(command, env=env, cwd=tmp_path).check_error(BAD_INPUT)
    assert node.requests == []


def test_usage(chain, run):
    for arguments in (["--exec-arg", "x"], ["--keep-going"], ["--exec-timeout", "1"],
                      ["--exec", "true", "--exec-timeout", "0"], ["--exec", "true", "--exec-timeout", "x"]):
        run("inbox-watch", "--once", *arguments, env=settings(chain)).check_error(BAD_INPUT, "exec")


# What it does not take


def test_a_message_is_tried_again_and_later_ones_wait(chain, watch, tmp_path, log):
    fill(chain, "one", "two", "three")
    handler = script(tmp_path / "handler", noting(log), f"[ $(grep -c ^1 {log}) -gt 2 ] || [ $TEEBRIDGE_INDEX -ne 1 ]")
    answer = watch(handler, "--timeout", "20")
    assert (answer.status, answer.stdout) == (DONE, b"")
    assert numbers(log) == [0, 1, 1, 1, 2]
    assert len(answer.messages("warning")) == 2 and all("status 1" in each for each in answer.messages("warning"))


def test_a_message_that_is_not_taken_stays_for_the_next_run(chain, watch, tmp_path, log):
    fill(chain, "one", "two", "three")
    failing = script(tmp_path / "failing", noting(log), "[ $TEEBRIDGE_INDEX -ne 1 ]")
    answer = watch(failing, "--timeout", "1")
    answer.check_error(NO, "status 1")
    assert set(numbers(log)) == {0, 1} and state(tmp_path / "inbox.json")["next"] == 1
    log.unlink()
    watch(script(tmp_path / "handler", noting(log))).check_done()
    assert numbers(log) == [1, 2]


def test_later_messages_go_on_where_that_is_wanted(chain, watch, tmp_path, log):
    fill(chain, *"abcd")
    failing = script(tmp_path / "failing", noting(log), "[ $((TEEBRIDGE_INDEX % 2)) -eq 0 ]")
    watch(failing, "--keep-going", "--timeout", "1").check_error(NO)
    assert numbers(log)[:4] == [0, 1, 2, 3] and set(numbers(log)[4:]) <= {1, 3}
    assert (state(tmp_path / "inbox.json")["next"], state(tmp_path / "inbox.json")["waiting"]) == (4, [1, 3])
    log.unlink()
    fill(chain, "e")
    watch(script(tmp_path / "handler", noting(log)), "--keep-going").check_done()
    assert numbers(log) == [1, 3, 4]
    assert state(tmp_path / "inbox.json")["waiting"] == []


def test_no_more_wait_than_can_be_kept(chain, watch, tmp_path, log):
    fill(chain, "one", "two")
    path = tmp_path / "inbox.json"
    watch("true").check_done()
    path.write_text(json.dumps(state(path) | {"next": 1001, "waiting": list(range(2, 1001)) + [1]}))
    # Of those that wait only one is there.
    failing = script(tmp_path / "failing", noting(log), "exit 1")
    watch(failing, "--keep-going", "--timeout", "1").check_error(NO)
    assert len(state(path)["waiting"]) == 1000 and state(path)["next"] == 1001


def test_a_signed_message_that_was_not_taken_is_no_replay(chain, watch, tmp_path, log):
    chain.onboard(B, A, Envelope(chain.bridge.address).sealed())
    fill(chain, "two")
    watch("false", "--keep-going", "--timeout", "1").check_error(NO)
    assert state(tmp_path / "inbox.json")["seen"] == []
    watch(script(tmp_path / "handler", noting(log)), "--keep-going").check_done()
    assert numbers(log) == [0, 1]


def test_when_watching_new_messages_come_between_the_tries(chain, tmp_path, log):
    fill(chain, "one")
    handler = script(tmp_path / "handler", noting(log), f"[ $TEEBRIDGE_INDEX -ne 0 ] || [ -e {tmp_path}/mended ]")
    arguments = ["--interval", "0.05", "--keep-going", "--exec", handler]
    with running("inbox-watch", *arguments, env=settings(chain)) as process:
        for index in range(1, 4):
            fill(chain, "more")
            wait_until(lambda: index in numbers(log), "a new message was not delivered")
        (tmp_path / "mended").touch()
        before = numbers(log).count(0)
        wait_until(lambda: numbers(log).count(0) > before, "the message was not tried again")
        fill(chain, "last")
        wait_until(lambda: numbers(log)[-1] == 4, "the last message was not delivered")
        assert process.poll() is None
        assert numbers(log).count(0) < 10, "the pauses do not grow"


@pytest.mark.parametrize("lines, reason", [
    (["exit 3"], "status 3"), (["kill -9 $$"], "signal 9"), (["exec sleep 20"], "within 0.5 seconds")])
def test_how_it_failed_is_said(chain, watch, tmp_path, lines, reason):
    fill(chain, "one")
    answer = watch(script(tmp_path / "handler", *lines), "--timeout", "1", "--exec-timeout", "0.5")
    answer.check_error(NO, reason)


def test_what_prints_much_does_not_block(chain, watch, tmp_path, log):
    fill(chain, "one")
    answer = watch(script(tmp_path / "handler", "head -c 5000000 /dev/zero | tr '\\0' x", noting(log)), timeout=30)
    assert (answer.status, len(answer.stderr), numbers(log)) == (DONE, 5_000_000, [0])


def test_garbage_is_not_handed_over(chain, watch, tmp_path, log):
    chain.onboard(B, A, b"garbage", sealed("good"))
    answer = watch(script(tmp_path / "handler", noting(log)))
    assert (answer.status, numbers(log), len(answer.messages("warning"))) == (DONE, [1], 1)


def test_what_waits_does_not_starve_what_is_new(chain, watch, tmp_path, log):
    fill(chain, *"abc")
    failing = script(tmp_path / "failing", noting(log), "[ $TEEBRIDGE_INDEX -gt 2 ]")

    def watch_until(condition):
        for _ in range(15):
            watch(failing, "--keep-going", "--max-messages", "2", "--timeout", "1")
            if condition():
                return
        raise AssertionError(f"{numbers(log)} were tried, {state(tmp_path / 'inbox.json')}")

    watch_until(lambda: state(tmp_path / "inbox.json")["waiting"] == [0, 1, 2])
    fill(chain, *"de")
    log.unlink()
    watch_until(lambda: set(numbers(log)) >= {3, 4})
    # Nor do those that wait starve each other.
    watch_until(lambda: set(numbers(log)) == {0, 1, 2, 3, 4})
