"""teebridge runs the other programs, each as it is: arguments, streams, status and signals are the program's own."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from harness import BAD_INPUT, ENVIRONMENT, NO, PROGRAMS, program_path, run

# What each is called behind teebridge.
WORDS = {program.removeprefix("teebridge-"): program for program in PROGRAMS if program != "teebridge"}
# Shows how it was started.
PROBE = """#!/bin/sh
printf '%s\\0' "$@" | od -An -tx1 | tr -d ' \\n'
echo
grep -E '^Sig(Ign|Blk)' /proc/self/status
printf '%s\\n' "$0"
cat
exit 41
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with teebridge, and beside it a program that shows how it was started."""
    shutil.copy(program_path("teebridge"), tmp_path)
    probe(tmp_path)
    return tmp_path


def probe(folder) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "tx-send").write_text(PROBE)
    (folder / "tx-send").chmod(0o755)


def start(*words, **options) -> subprocess.CompletedProcess:
    return subprocess.run(words, capture_output=True, timeout=60, **({"env": ENVIRONMENT} | options))


def test_alone_it_lists_the_programs():
    lines = run("teebridge").check_done().stdout.decode().splitlines()
    listed = [re.fullmatch(r"  ([a-z-]+) +([a-z].*[^.])", line) for line in lines]
    assert all(listed) and sorted(match[1] for match in listed) == sorted(WORDS)
    assert max(map(len, lines)) <= 80
    text = run("teebridge", "--help").check_done().stdout.decode()
    assert all(f"{line}\n" in text for line in lines)


@pytest.mark.parametrize("word", WORDS)
def test_each_program_is_run(word):
    for option in ("--help", "--version"):
        assert run("teebridge", word, option).check_done().stdout == run(WORDS[word], option).check_done().stdout
    assert run("teebridge", "help", word).check_done().stdout == run(WORDS[word], "--help").check_done().stdout


def test_help_of_a_command():
    assert run("teebridge", "help", "abi-encode", "register").stdout == run("abi-encode", "register", "--help").stdout


def test_input_output_and_status_are_the_programs_own():
    for arguments, stdin in ((["proof-extract"], b"no proof"), (["proof-extract", "--no-such-option"], b""),
                             (["abi-encode", "decode", "calldata", "f()", "0x26121ff0"], b"")):
        through, plain = run("teebridge", *arguments, stdin=stdin), run(*arguments, stdin=stdin)
        assert (through.status, through.stdout, through.stderr) == (plain.status, plain.stdout, plain.stderr)
    assert run("teebridge", "proof-extract", stdin=b"no proof").status == NO


def test_arguments_are_untouched(folder):
    words = [b"", b"a b", b"\xff\xfe", b"--", b"--help", b"line\nend", "ü".encode()]
    direct, through = start(folder / "tx-send", *words), start(folder / "teebridge", "tx-send", *words)
    assert through.stdout.splitlines()[0] == direct.stdout.splitlines()[0]
    assert (through.returncode, through.stderr) == (41, b"")


@pytest.mark.parametrize("ignored", [(), (signal.SIGINT, signal.SIGPIPE), (signal.SIGHUP,)], ids=str)
def test_signals_are_untouched(folder, ignored):
    def prepare() -> None:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    shown = [start(*command, preexec_fn=prepare).stdout.splitlines()[1:3]
             for command in ([folder / "tx-send"], [folder / "teebridge", "tx-send"])]
    assert shown[0] == shown[1] and all(line.startswith(b"Sig") for line in shown[0])


def test_a_program_beside_comes_before_one_in_path(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    probe(other)
    settings = {"env": ENVIRONMENT | {"PATH": f"{other}:/usr/bin:/bin"}}
    # Also where a symbolic link leads to it.
    (other / "teebridge").symlink_to(folder / "teebridge")
    for teebridge in (folder / "teebridge", other / "teebridge"):
        assert str(folder / "tx-send").encode() in start(teebridge, "tx-send", **settings).stdout
    (folder / "tx-send").unlink()
    assert str(other / "tx-send").encode() in start(folder / "teebridge", "tx-send", **settings).stdout


def test_a_program_that_is_not_there(folder):
    (folder / "tx-send").unlink()
    done = start(folder / "teebridge", "tx-send", env={"PATH": str(folder)})
    assert (done.returncode, done.stdout) == (BAD_INPUT, b"")
    assert done.stderr.startswith(b"teebridge: error: tx-send is neither beside teebridge nor in PATH\n")


@pytest.mark.parametrize("words, hint", [
    (["tx-snd"], "did you mean tx-send?"), (["abi_encode", "register"], "did you mean abi-encode?"),
    (["docter"], "did you mean doctor?"), (["help", "inbox-wach"], "did you mean inbox-watch?"),
    (["frobnicate", "--help"], "teebridge lists the programs"), ([""], "teebridge lists the programs"),
])
def test_an_unknown_word_names_the_nearest(words, hint):
    answer = run("teebridge", *words)
    answer.check_error(BAD_INPUT, "there is no program")
    assert answer.messages("hint") == [hint]


def test_a_terminal_stays_the_programs(folder):
    """It is one process: nothing stands between the shell's job control and the program."""
    (folder / "tx-send").write_text("#!/bin/sh\necho $$\n")
    with subprocess.Popen([folder / "teebridge", "tx-send"], stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert int(process.communicate(timeout=60)[0]) == process.pid
    assert os.WEXITSTATUS(process.returncode) == 0


def test_what_runs_a_program_loads_no_more_than_the_smallest_of_them():
    """It costs a start of its own each time."""
    loaded = [set(re.findall(r"^\s*(\S+)", start("ldd", program_path(name)).stdout.decode(), re.M))
              for name in ("teebridge", "proof-extract")]
    assert "libc.so.6" in loaded[0] and loaded[0] <= loaded[1]
