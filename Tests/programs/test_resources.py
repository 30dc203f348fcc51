"""What the machine refuses: files, space, memory, streams, time. Nothing is left half done, and no status lies."""

import errno
import json
import os
import resource
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest

from faulty import HALF, KILL, Faults
from harness import (
    BAD_INPUT, BROKEN_PIPE, DONE, ENVIRONMENT, PROGRAMS, SANITIZER, UNKNOWN, UNREACHABLE, Result, json_lines,
    plain_memory, program_path, run, running, wait_until, without_a_reader,
)
from inboxes import fill, settings, state
from proofs import PROOFS
from sending import check_done, transfers

CRASHES = {-signal.SIGSEGV, -signal.SIGILL, -signal.SIGTRAP, -signal.SIGBUS, -signal.SIGFPE}
ROOT_ADDRESS = "0x00000000000000000000000000000000000000aa"


@pytest.fixture(scope="session")
def faults(tmp_path_factory) -> Faults:
    return Faults(tmp_path_factory.mktemp("faults"))


class Job:
    """A command that prints something, and what it prints where nothing fails."""

    def __init__(self, program: str, *arguments, stdin: bytes = b"", env: dict | None = None):
        self.program, self.arguments, self.stdin = program, arguments, stdin
        self.env = env or {}

    def run(self, env: dict | None = None, **options) -> Result:
        return run(self.program, *self.arguments, stdin=self.stdin, env=self.env | (env or {}), **options)

    def shell(self, line: str) -> Result:
        """Runs a line of the shell in which "$@" is the command."""
        done = subprocess.run(
            ["bash", "-c", line, "bash", program_path(self.program), *map(os.fspath, self.arguments)],
            input=self.stdin, capture_output=True, timeout=60, env=ENVIRONMENT | self.env)
        return Result(self.program, done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture
def jobs(chain, agents, tmp_path) -> dict[str, Job]:
    fill(chain, "one", "two")
    proof = json.dumps(PROOFS[0])
    return {job.program: job for job in [
        Job("abi-encode", "register", stdin=proof.encode(), env={"BRIDGE_CONTRACT": chain.bridge.address}),
        Job("ecies-seal", "--to-pubkey", PROOFS[0]["dstack_proof"]["derived_compressed_pubkey"], stdin=b"a secret"),
        Job("proof-extract", stdin=f"PROOF_JSON={proof}\n".encode()),
        Job("proof-fetch", "--timeout", "2", "dstack:", env=agents[0].env),
        Job("inbox-watch", "--once", "--timeout", "2", env=settings(chain)),
        Job("tx-send", "--dry-run", "--timeout", "2", stdin=json_lines({"to": ROOT_ADDRESS, "value": "0x1"}).encode(),
            env=chain.env | {"PRIVATE_KEY": chain.owner.key.hex()}),
        Job("teebridge", "proof-extract", stdin=f"PROOF_JSON={proof}\n".encode()),
        Job("teebridge-doctor", "--json", "--timeout", "2", env=settings(chain)),
    ]}


ONE_SHOT = [program for program in PROGRAMS if program != "bridge-agent"]
# What fails is what teebridge-doctor prints, and a clock that is wrong fails.
FAILING = [program for program in ONE_SHOT if program != "teebridge-doctor"]


def check_refusal(answer: Result, *statuses: int) -> None:
    """One line says why, nothing stands in for what was lost, and the status is not that of success."""
    assert answer.status in (statuses or (BAD_INPUT, UNREACHABLE, UNKNOWN)), answer
    assert len(answer.messages("error")) == 1, answer


# Standard streams


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
@pytest.mark.parametrize("program", ONE_SHOT)
def test_lost_output_is_no_success(jobs, program, redirection):
    check_refusal(jobs[program].shell(f'"$@" {redirection}'))


@pytest.mark.parametrize("option", ["--help", "--version"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_lost_help_is_no_success(program, option):
    answer = Job(program, option).shell('"$@" > /dev/full')
    answer.check_error(BAD_INPUT, "no space left")


@pytest.mark.parametrize("redirection", ["2> /dev/full", "2>&-"])
@pytest.mark.parametrize("program", ONE_SHOT)
def test_a_lost_standard_error_changes_nothing(jobs, program, redirection):
    answer = jobs[program].shell(f'"$@" {redirection}')
    assert answer.status == DONE and answer.documents


@pytest.mark.parametrize("redirection", ["< .", "< /dev/null", "<&-"])
@pytest.mark.parametrize("program", ["abi-encode", "proof-extract", "tx-send", "ecies-seal"])
def test_an_input_that_is_none(jobs, program, redirection):
    answer = jobs[program].shell(f'"$@" {redirection}')
    check_refusal(answer, BAD_INPUT)
    assert not answer.stdout


@pytest.mark.parametrize("program", ONE_SHOT)
def test_a_reader_that_has_gone(jobs, program):
    """Whoever wants no more of the output gets no complaint, and the program ends as filters do: never with 0."""
    job = jobs[program]
    with without_a_reader() as output, running(
            program, *job.arguments, env=job.env, stdin=subprocess.PIPE, stdout=output) as process:
        _, errors = process.communicate(job.stdin, timeout=60)
    assert (process.returncode, errors) == (BROKEN_PIPE, b"")


# Limits


@contextmanager
def limits(**values: int):
    """As ulimit(1) sets them in a shell: signals have their usual effect."""
    def apply() -> None:
        for name, value in values.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))

    yield {"preexec_fn": apply, "restore_signals": True}


@pytest.mark.parametrize("program", FAILING)
def test_out_of_file_descriptors(jobs, program):
    """However few there may be: the whole output, or one line that says why not."""
    job = jobs[program]
    whole = len(job.run().check_done().stdout)
    ended = []
    for count in range(3, 24):
        with limits(NOFILE=count) as options:
            answer = job.run(**options)
        assert answer.status not in CRASHES, (count, answer)
        if answer.status == 127:
            continue  # The libraries could not be loaded.
        if answer.status == DONE:
            assert len(answer.stdout) == whole, (count, answer)
        else:
            check_refusal(answer)
        ended.append(answer.status)
    assert DONE in ended


@pytest.mark.parametrize("count", range(3, 12))
def test_several_sources_with_few_file_descriptors(count):
    sources = ["http://127.0.0.1:9/a", "http://127.0.0.1:9/b", "http://127.0.0.1:9/c"]
    with limits(NOFILE=count) as options:
        answer = run("proof-fetch", "--retry-for", "0", *sources, **options)
    # The libraries, or libcurl, may not be there to be loaded.
    assert answer.status in (127, BAD_INPUT, UNREACHABLE), answer


@plain_memory
@pytest.mark.parametrize("program", ONE_SHOT)
def test_out_of_memory(jobs, program):
    """However little there may be: the whole output, or no success."""
    job = jobs[program]
    whole = len(job.run().check_done().stdout)
    ended = []
    for mebibytes in (4, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 4096):
        with limits(AS=mebibytes << 20) as options:
            answer = job.run(**options)
        ended.append(answer.status)
        if answer.status == DONE:
            assert len(answer.stdout) == whole, (mebibytes, answer)
    assert ended[-1] == DONE and ended[0] != DONE


@pytest.mark.parametrize("program", ONE_SHOT)
def test_a_limit_on_the_size_of_files(jobs, program, tmp_path):
    """What is cut off is said, by a message rather than a signal."""
    with limits(FSIZE=10) as options, open(tmp_path / "output", "wb") as output:
        job = jobs[program]
        with running(program, *job.arguments, env=job.env, stdin=subprocess.PIPE, stdout=output, **options) as process:
            _, errors = process.communicate(job.stdin, timeout=60)
    check_refusal(Result(program, process.returncode, b"", errors.decode()))


# The state of inbox-watch

ALL = [("open", errno.EMFILE), ("open", errno.EROFS), ("write", errno.ENOSPC), ("write", HALF), ("fsync", errno.EIO),
       ("rename", errno.EIO), ("flock", errno.EINTR), ("unlink", errno.EACCES), *(
           (call, KILL) for call in ("open", "write", "fsync", "rename", "unlink", "flock"))]


def name_of(fault: tuple[str, int]) -> str:
    call, code = fault
    return f"{call}-{ {HALF: 'half', KILL: 'killed'}.get(code) or errno.errorcode[code]}"


@pytest.mark.parametrize("fault", ALL, ids=name_of)
def test_the_state_stays_whole(chain, faults, tmp_path, fault):
    """Whichever call fails: the old state or the new one, no draft, a true status, and each message at least once."""
    fill(chain, "one", "two")
    call, code = fault
    for number, env in enumerate(faults.each(call, code, f"{tmp_path}/")):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / "inbox.json"
        watch = ["--once", "--state", path]
        answer = run("inbox-watch", *watch, env=settings(chain) | env)
        delivered = [json.loads(line)["index"] for line in answer.stdout.splitlines()]
        assert answer.status not in CRASHES, answer
        kept = state(path)["next"] if path.exists() else 0
        assert kept <= len(delivered), answer
        if code == KILL and faults.happened:
            assert answer.status == -signal.SIGKILL, answer
        else:
            assert not list(folder.glob("*.new")), answer
            if answer.status == DONE:
                assert (delivered, kept) == ([0, 1], 2), answer
            else:
                assert faults.happened, answer
                check_refusal(answer, BAD_INPUT, UNREACHABLE)
        again = run("inbox-watch", *watch, env=settings(chain)).check_done()
        delivered += [document["index"] for document in again.documents]
        assert list(dict.fromkeys(delivered)) == [0, 1] and len(delivered) <= 3, delivered
        assert state(path)["next"] == 2


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
def test_what_could_not_be_printed_is_not_kept_as_delivered(chain, tmp_path, redirection):
    fill(chain, "one")
    job = Job("inbox-watch", "--once", "--state", tmp_path / "inbox.json", env=settings(chain))
    check_refusal(job.shell(f'"$@" {redirection}'))
    assert state(tmp_path / "inbox.json")["next"] == 0
    assert job.run().check_done().document["index"] == 0


@plain_memory
def test_the_state_stays_whole_without_memory(chain, tmp_path):
    """Wherever memory runs out, each message is delivered by this run or by the next."""
    fill(chain, "one", "two")
    stopped = 0
    for mebibytes in range(8, 200, 8):
        path = tmp_path / f"{mebibytes}.json"
        watch = ["--once", "--timeout", "2", "--state", path]
        with limits(AS=mebibytes << 20) as options:
            answer = run("inbox-watch", *watch, env=settings(chain), **options)
        delivered = [json.loads(line)["index"] for line in answer.stdout.splitlines()]
        assert (state(path)["next"] if path.exists() else 0) <= len(delivered), answer
        assert (answer.status == DONE) == (delivered == [0, 1]), answer
        stopped += answer.status != DONE
        delivered += [each["index"] for each in run("inbox-watch", *watch, env=settings(chain)).check_done().documents]
        assert list(dict.fromkeys(delivered)) == [0, 1], delivered
    assert stopped


# The journal of tx-send


@pytest.mark.parametrize("fault", [
    ("open", errno.EMFILE), ("open", errno.EROFS), ("write", errno.ENOSPC), ("write", HALF), ("fsync", errno.EIO),
    ("flock", errno.EINTR), ("write", KILL), ("fsync", KILL)], ids=name_of)
def test_the_journal_stays_whole(at_once, faults, tmp_path, fault):
    """Whichever call fails: what the status says is so, and the same command once more does the rest, once."""
    requests = transfers(3)
    call, code = fault
    for number, env in enumerate(faults.each(call, code, f"{tmp_path}/")):
        account = at_once.account()
        journal = tmp_path / f"journal-{number}"
        command = ["--journal", journal, "--timeout", "20", "--in-flight", "1"]
        answer = run("tx-send", *command, stdin=json_lines(requests), env=at_once.env(account) | env)
        sent = at_once.nonce(account, "pending")
        assert answer.status not in CRASHES, answer
        if code == KILL and faults.happened:
            assert answer.status == -signal.SIGKILL, answer
        elif answer.status == DONE:
            check_done(at_once, account, answer, requests)
        else:
            assert faults.happened, answer
            check_refusal(answer, *([UNKNOWN] if sent else [BAD_INPUT, UNREACHABLE]))
        lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
        if code != KILL:
            assert all(json.loads(line) and line.endswith(b"\n") for line in lines), lines
        again = run("tx-send", *command, stdin=json_lines(requests), env=at_once.env(account))
        check_done(at_once, account, again, requests)


@pytest.mark.parametrize("room", [0, 100, 500, 1000])
def test_a_limit_on_the_journal_is_said(at_once, tmp_path, room):
    """SIGXFSZ, which a shell leaves as it is, does not end the program in the midst of its work."""
    account = at_once.account()
    command = ["--journal", tmp_path / "journal", "--timeout", "20", "--in-flight", "1"]
    with limits(FSIZE=room) as options:
        answer = run("tx-send", *command, stdin=json_lines(transfers(5)), env=at_once.env(account), **options)
    check_refusal(answer, UNKNOWN if at_once.nonce(account, "pending") else UNREACHABLE)
    check_done(at_once, account, run("tx-send", *command, stdin=json_lines(transfers(5)), env=at_once.env(account)),
               transfers(5))


# Clocks

YEARS = 10 * 365 * 86_400


@pytest.mark.parametrize("jump", [YEARS, -YEARS, 3600, -3600])
@pytest.mark.parametrize("program", FAILING)
def test_a_clock_of_the_day_that_jumps(jobs, faults, program, jump):
    job = jobs[program]
    whole = len(job.run().check_done().stdout)
    for at in (1, 2, 5, 20):
        answer = job.run(env=faults.env("clock", at, clock=jump))
        assert (answer.status, len(answer.stdout), answer.messages("error")) == (DONE, whole, []), (at, answer)


@pytest.mark.parametrize("program", FAILING)
def test_a_machine_that_slept(jobs, faults, program):
    """Deadlines may have passed meanwhile: then that is said; nothing else happens."""
    job = jobs[program]
    whole = len(job.run().check_done().stdout)
    ended = []
    for at in (1, 2, 5, 10, 20, 40, 80):
        answer = job.run(env=faults.env("clock", at, boot=86_400))
        if answer.status == DONE:
            assert len(answer.stdout) == whole, (at, answer)
        else:
            check_refusal(answer, UNREACHABLE)
        ended.append(answer.status)
    # Whoever talks to a service has a deadline, and the jump was seen. A sanitizer looks at the clock itself.
    assert SANITIZER or (UNREACHABLE in ended) == (program in ("inbox-watch", "proof-fetch", "tx-send")), ended


# bridge-agent


@contextmanager
def serving(agent, tmp_path, **options):
    errors = tmp_path / "stderr"
    with open(errors, "wb") as stderr, running(
            "bridge-agent", "--listen", "127.0.0.1:0", env=agent.env, stderr=stderr, **options) as process:
        wait_until(lambda: "listening on" in errors.read_text() or process.poll() is not None)
        yield process, errors


@pytest.mark.parametrize("output", ["/dev/full", "closed"])
def test_the_agent_serves_though_nobody_gets_its_output(agents, tmp_path, output):
    line = '"$@" >&-' if output == "closed" else '"$@" > /dev/full'
    errors = tmp_path / "stderr"
    command = ["bash", "-c", f"exec {line}", "bash", program_path("bridge-agent"), "--listen", "127.0.0.1:0"]
    with open(errors, "wb") as stderr:
        process = subprocess.Popen(command, env=ENVIRONMENT | agents[0].env, stderr=stderr)
    try:
        wait_until(lambda: "could not be printed" in errors.read_text())
        address = errors.read_text().partition("listening on ")[2].split()[0]
        assert run("proof-fetch", f"http://{address}").check_done().document == PROOFS[0]
    finally:
        process.terminate()
        assert process.wait(20) == DONE


def test_the_agent_with_few_file_descriptors_serves_or_says_why_not(agents, tmp_path):
    served = 0
    for count in range(5, 40, 3):
        def limit(count=count):
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))

        with serving(agents[0], tmp_path, preexec_fn=limit) as (process, errors):
            if "listening on" in errors.read_text():
                time.sleep(0.1)
            if process.poll() is None:
                process.terminate()
                assert process.wait(20) in (DONE, UNREACHABLE), errors.read_text()
                served += 1
            else:
                assert process.returncode in (127, BAD_INPUT, UNREACHABLE), (count, process.returncode, errors.read_text())
    assert served
