"""inbox-watch --state: each message at least once, none skipped, whatever ends the program."""

import json
import os
import random
import resource
import signal
import time

import pytest

from harness import BAD_INPUT, DONE, UNREACHABLE, finish, run, running
from inboxes import A, B, digest, fill, next_line, numbers, script, sealed, settings, state, tiny_disk, wait_until
from services import CHAIN_ID
from test_envelope import Envelope

GARBAGE = b"\x04" + b"garbage" * 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "inbox.json"


@pytest.fixture
def watch(chain, path):
    """Runs inbox-watch --once with a state."""

    def watch(*args, env=None, **options):
        return run("inbox-watch", "--once", "--state", path, *args, env=settings(chain) | (env or {}), **options)

    return watch


def indices(answer) -> list[int]:
    return [document["index"] for document in answer.documents]


def test_a_message_is_delivered_by_one_run(chain, watch):
    assert watch().check_done().stdout == b""
    fill(chain, "one", "two")
    assert indices(watch().check_done()) == [0, 1]
    assert indices(watch().check_done()) == []
    fill(chain, "three")
    assert indices(watch("--format", "json").check_done()) == [2]


def test_the_document(chain, watch, path):
    messages = [sealed("one"), b"short"]
    chain.onboard(B, A, *messages)
    watch()
    digests = [{"index": index, "digest": digest(B, message)} for index, message in enumerate(messages)]
    assert path.read_text() == json.dumps(
        {"version": 1, "chainId": CHAIN_ID, "bridge": chain.bridge.address, "member_id": A, "next": 2, "waiting": [],
         "seen": [], "digests": digests, "head": int(chain.rpc("eth_blockNumber"), 16)}, separators=(",", ":")) + "\n"


def test_what_does_not_open_is_told_once(chain, watch):
    chain.onboard(B, A, GARBAGE, sealed("good"), b"")
    first = watch()
    assert (first.status, indices(first), len(first.messages("warning"))) == (DONE, [1], 2)
    watch().check_done()


def test_a_signed_message_is_known_after_a_restart(chain, watch, path):
    chain.onboard(B, A, Envelope(chain.bridge.address).sealed())
    assert watch().check_done().document["authenticated"] is True
    assert state(path)["seen"] == [{"from": B, "message_id": "0x" + "07" * 32}]
    chain.onboard(B, A, Envelope(chain.bridge.address).sealed())
    again = watch()
    assert (again.status, again.stdout) == (DONE, b"")
    assert "replayed" in again.messages("warning")[0]
    watch().check_done()


# What is in the file


def damaged(document: dict) -> dict[str, str]:
    text = json.dumps(document)
    return {
        "empty": "", "no object": "[]", "null": "null", "cut": text[:-2], "zeros": "\0" * 200, "twice": text * 2,
        "no version": json.dumps({k: v for k, v in document.items() if k != "version"}),
        **{f"no {name}": json.dumps({k: v for k, v in document.items() if k != name})
           for name in ("chainId", "bridge", "member_id", "next", "waiting", "seen", "digests")},
        **{f"{name} is {value!r}": json.dumps(document | {name: value}) for name, value in [
            ("next", -1), ("next", "2"), ("next", 1.5), ("next", 2**64), ("waiting", [2]), ("waiting", ["0"]),
            ("waiting", [0, 0]), ("waiting", {}), ("seen", [1]), ("seen", [{"from": B}]), ("bridge", "0x12"),
            ("member_id", A[:-2]), ("chainId", None), ("digests", [{"index": 1}]), ("digests", {}), ("head", "7")]},
    }


@pytest.mark.parametrize("name", list(damaged({"version": 1, "next": 0})))
def test_a_damaged_state_is_refused(chain, watch, path, name):
    fill(chain, "one", "two")
    watch().check_done()
    text = damaged(state(path))[name]
    path.write_text(text)
    error = watch()
    error.check_error(BAD_INPUT, str(path), "damaged")
    assert error.messages("hint")
    assert path.read_text() == text


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_an_unknown_version_is_refused(chain, watch, path, version):
    watch().check_done()
    path.write_text(json.dumps(state(path) | {"version": version, "next": {}}))
    watch().check_error(BAD_INPUT, "unknown version")


@pytest.mark.parametrize("name, value", [
    ("chainId", 8453), ("bridge", "0x" + "12" * 20), ("member_id", B)])
def test_the_state_of_another_inbox_is_refused(chain, watch, path, name, value):
    fill(chain, "one")
    watch().check_done()
    path.write_text(json.dumps(state(path) | {name: value}))
    before = path.read_text()
    answer = watch()
    answer.check_error(BAD_INPUT, "another " + {"chainId": "chain", "bridge": "bridge", "member_id": "member"}[name])
    assert answer.messages("hint")
    assert path.read_text() == before


def test_the_chain_is_the_nodes_where_none_is_named(chain, watch, path):
    watch(env={"CHAIN": ""}).check_done()
    assert state(path)["chainId"] == CHAIN_ID


def test_what_messages_are_known_by_is_kept(chain, watch, path):
    fill(chain, "one", "two")
    watch().check_done()
    [first, second] = state(path)["digests"]
    assert (first["index"], second["index"]) == (0, 1) and first["digest"] != second["digest"]
    path.write_text(json.dumps(state(path) | {"of no meaning": 1}))
    watch().check_done()
    assert state(path)["digests"] == [first, second]


def test_a_state_of_the_greatest_size_is_read(chain, watch, path):
    watch().check_done()
    seen = [{"from": f"0x{index:064x}", "message_id": f"0x{index:064x}"} for index in range(1024)]
    path.write_text(json.dumps(
        state(path) | {"next": 2**64 - 1, "waiting": list(range(10**9, 10**9 + 1000)), "seen": seen}))
    watch().check_done()
    assert len(state(path)["seen"]) == 1024


# The file itself


def test_files_are_private_and_replaced_at_once(chain, watch, path, tmp_path):
    """Nobody else may read them whatever the umask is, and who holds the old file keeps the old content."""
    watch(umask=0).check_done()
    assert {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {
        "inbox.json": 0o600, "inbox.json.lock": 0o600}
    old = tmp_path / "old"
    os.link(path, old)
    content = path.read_text()
    fill(chain, "one")
    watch(umask=0).check_done()
    assert (old.read_text(), state(path)["next"], path.stat().st_mode & 0o777) == (content, 1, 0o600)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["inbox.json", "inbox.json.lock", "old"]


def test_a_file_is_created_and_none_that_is_there_is_written_to(chain, tmp_path):
    """A link in the state's place, or in that of its draft, does not lead the program to another file."""
    fill(chain, "one")
    victim = tmp_path / "victim"
    victim.write_text(content := json.dumps(
        {"version": 1, "chainId": CHAIN_ID, "bridge": chain.bridge.address, "member_id": A, "next": 0, "waiting": [],
         "seen": [], "digests": []}))
    path = tmp_path / "inbox.json"
    path.symlink_to(victim)

    def plant():
        os.symlink(victim, f"{path}.{os.getpid()}.new")

    answer = run("inbox-watch", "--once", "--state", path, env=settings(chain), preexec_fn=plant).check_done()
    assert indices(answer) == [0]
    assert victim.read_text() == content
    assert not path.is_symlink() and state(path)["next"] == 1


@pytest.mark.parametrize("place", ["absent/inbox.json", "", "/proc/inbox.json", "inbox.json.lock/inbox.json"])
def test_a_place_where_no_file_can_be(chain, watch, tmp_path, place):
    fill(chain, "one")
    watch().check_done()
    run("inbox-watch", "--once", "--state", os.path.join(tmp_path, place), env=settings(chain)).check_error(BAD_INPUT)


def test_nothing_is_delivered_that_could_not_be_kept(chain, watch, path):
    fill(chain, "one")

    def no_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    watch(preexec_fn=no_files, restore_signals=False).check_error(UNREACHABLE, str(path))
    assert indices(watch().check_done()) == [0]


def test_a_full_disk_is_waited_for(chain, tmp_path):
    """What could not be kept is not delivered twice by the same run, and nothing more until it is kept."""
    with tiny_disk(tmp_path / "disk", 64 * 1024) as disk:
        if disk is None:
            pytest.skip("no file system can be mounted here")
        path = disk / "inbox.json"
        arguments = ["--interval", "0.1", "--state", path]
        with running("inbox-watch", *arguments, env=settings(chain)) as process:
            wait_until(path.exists, "there is no state")
            (disk / "filler").write_bytes(b"")
            with open(disk / "filler", "wb", 0) as filler:
                try:
                    while True:
                        filler.write(bytes(4096))
                except OSError:
                    pass
            fill(chain, "one", "two")
            assert json.loads(next_line(process.stdout))["index"] == 0
            assert b"no space left" in next_line(process.stderr)
            time.sleep(1)
            assert state(path)["next"] == 0
            (disk / "filler").unlink()
            assert json.loads(next_line(process.stdout))["index"] == 1
            wait_until(lambda: state(path)["next"] == 2, "the state was not kept")


def test_the_reader_of_the_output_is_gone(chain, watch, path):
    fill(chain, "one", "two")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        with running("inbox-watch", "--once", "--state", path, env=settings(chain), stdout=output) as process:
            ended = finish("inbox-watch", process)
    assert (ended.status, ended.stderr, state(path)["next"]) == (-signal.SIGPIPE, "", 0)
    assert indices(watch().check_done()) == [0, 1]


# Several runs


def test_an_overlapping_run_leaves_at_once(chain, watch, path, tmp_path):
    fill(chain, "one", "two")
    go = tmp_path / "go"
    handler = script(tmp_path / "handler", f"echo $TEEBRIDGE_INDEX >> {tmp_path}/log",
                     f"for _ in $(seq 500); do [ ! -e {go} ] || exit 0; sleep 0.02; done")
    arguments = ["--once", "--state", path, "--exec", handler]
    with running("inbox-watch", *arguments, env=settings(chain)) as process:
        wait_until(lambda: numbers(tmp_path / "log") == [0], "the handler was not run")
        for _ in range(2):
            # Neither the node nor the handler is needed to find that there is nothing to do.
            watch("--exec", handler, env={"ETH_RPC_URL": "http://127.0.0.1:9"}).check_done()
        run("inbox-watch", "--state", path, env=settings(chain)).check_error(UNREACHABLE, "in use")
        go.touch()
        ended = finish("inbox-watch", process)
    assert (ended.status, ended.stderr) == (DONE, "")
    assert numbers(tmp_path / "log") == [0, 1]
    watch().check_done()


def check_deliveries(delivered: list[int], count: int, kills: int) -> None:
    """Each at least once, none skipped, in order, and no more repeats than there were kills."""
    assert list(dict.fromkeys(delivered)) == list(range(count))
    assert len(delivered) - count <= kills
    assert all(after in (before, before + 1) for before, after in zip(delivered, delivered[1:]))


KILLS = 60


def kill_often(chain, arguments, **options) -> int:
    """Runs the program, kills it at some instant, and sends one more message, again and again."""
    moment = random.Random(5)
    killed = 0
    fill(chain, *map(str, range(3)))
    start = time.monotonic()
    run("inbox-watch", "--once", env=settings(chain))
    span = time.monotonic() - start
    for _ in range(KILLS):
        with running("inbox-watch", "--once", *arguments, env=settings(chain), **options) as process:
            time.sleep(moment.uniform(0, span))
            was_running = process.poll() is None
            process.kill()
        killed += was_running
        # What else the machine does changes how long a run takes.
        span *= 1.1 if was_running else 0.9
        fill(chain, "more")
    assert killed > KILLS / 3, "too many runs ended before they were killed"
    return 3 + KILLS


def test_killed_at_any_instant_with_a_handler(chain, watch, path, tmp_path):
    log = tmp_path / "log"
    handler = script(tmp_path / "handler", f"echo $TEEBRIDGE_INDEX >> {log}")
    count = kill_often(chain, ["--state", path, "--exec", handler])
    before = len(numbers(log))
    watch("--exec", handler).check_done()
    check_deliveries(numbers(log), count, KILLS)
    assert 0 < before < len(numbers(log)), "no kill came in the midst of the work"


def test_killed_at_any_instant_when_printing(chain, watch, path, tmp_path):
    log = tmp_path / "log"
    with open(log, "ab", 0) as output:
        count = kill_often(chain, ["--state", path], stdout=output)
    lines = log.read_bytes().splitlines() + watch().check_done().stdout.splitlines()
    check_deliveries([json.loads(line)["index"] for line in lines], count, KILLS)
