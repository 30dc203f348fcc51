"""Completions, as the shells themselves make them: bash and zsh at a terminal, fish by what it says it would offer."""

import os
import pty
import select
import shlex
import shutil
import subprocess
import time

import pytest

from harness import BIN, ENVIRONMENT, PROGRAMS, program_path, run

SHELLS = ("bash", "zsh", "fish")
SECONDS = 60
# What a key does in a shell at the terminal: shows the line, or puts all that may follow in it.
SHOW, ALL = "\x07", "\x18a"
SETUP = {
    "bash": """
        bind 'set enable-bracketed-paste off'
        bind 'set bell-style none'
        bind -x '"\\C-g": printf "<%s>\\n" "$READLINE_LINE"'
        bind '"\\C-xa": insert-completions'
        for file in scripts/*; do . $file; done
        """,
    "zsh": """
        fpath=($PWD/scripts $fpath)
        autoload -Uz compinit && compinit -D -u
        unsetopt beep prompt_sp zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste
        show() { print -r -- "<$BUFFER>" }
        zle -N show; bindkey '^G' show
        zle -C all-matches complete-word _generic
        bindkey '^Xa' all-matches
        zstyle ':completion:all-matches::::' completer _all_matches _complete
        zstyle ':completion:all-matches:*' insert true
        """,
}
FILES = ("serial.log", "owner.key", "wallet.json", "my logs/one.log", "keys/a.key")


class Terminal:
    """An interactive shell, and what it makes of a line and a key."""

    def __init__(self, shell: str, directory):
        command = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}[shell]
        self._seen = b""
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            os.chdir(directory)
            os.execvpe(command[0], command, environment(directory) | {"PS1": "", "TERM": "dumb", "INPUTRC": "/dev/null"})
        (directory / "setup").write_text(SETUP[shell])
        self._send(". ./setup; printf '<%s>\\n' ready\n")
        self._shown("ready")

    def _send(self, text: str) -> None:
        os.write(self._master, text.encode())

    def _shown(self, what: str | None = None) -> str:
        """The next line that is shown between < and >."""
        deadline = time.monotonic() + SECONDS
        while True:
            while b">\r\n" in self._seen:
                line, _, self._seen = self._seen.partition(b">\r\n")
                text = line.rpartition(b"<")[2].decode()
                if what in (None, text):
                    return text
            assert select.select([self._master], [], [], deadline - time.monotonic())[0], self._seen
            self._seen += os.read(self._master, 65536)

    def line(self, text: str, key: str) -> str:
        """The line that a key makes of a line."""
        self._send(f"{text}{key}{SHOW}")
        result = self._shown()
        self._send("\x15")
        return result

    def close(self) -> None:
        os.close(self._master)
        os.kill(self._pid, 9)
        os.waitpid(self._pid, 0)


def environment(directory) -> dict[str, str]:
    return ENVIRONMENT | {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}


class Fish:
    """What fish offers, without a terminal."""

    def __init__(self, directory):
        self._directory = directory

    def offered(self, line: str) -> list[str]:
        script = 'for file in scripts/*; source $file; end; complete --do-complete "$argv[1]"'
        done = subprocess.run(["fish", "--no-config", "-c", script, line], cwd=self._directory, text=True, timeout=SECONDS,
                              capture_output=True, env=environment(self._directory))
        assert (done.returncode, done.stderr) == (0, ""), done
        return [each.partition("\t")[0] for each in done.stdout.splitlines()]


@pytest.fixture(scope="module", params=SHELLS)
def shell(request, tmp_path_factory):
    """A shell with the completions of all programs, in a directory with files: it gives the words that are offered, and
    the last word as it becomes, with a space behind it if it is whole."""
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed: scripts/setup")
    directory = tmp_path_factory.mktemp(name)
    (directory / "scripts").mkdir()
    for file in FILES:
        (directory / file).parent.mkdir(exist_ok=True)
        (directory / file).write_text("")
    for program in PROGRAMS:
        script = run(program, "--generate-completion-script", name).check_done().stdout
        (directory / "scripts" / (f"_{program}" if name == "zsh" else program)).write_bytes(script)
    if name == "fish":
        yield Fish(directory)
        return
    terminal = Terminal(name, directory)
    yield terminal
    terminal.close()


def offered(shell, line: str) -> set[str]:
    """The words that may stand in the place of the last."""
    if isinstance(shell, Fish):
        return set(shell.offered(line))
    return set(shell.line(line, ALL)[line.rfind(" ") + 1:].split())


def finished(shell, line: str) -> str:
    """The last word as the Tab key makes it, without the shell's quotes; a space behind it says that it is whole."""
    if isinstance(shell, Fish):
        [word] = shell.offered(line)
        return word if word[-1] in "/=:" else f"{word} "
    result = shell.line(line, "\t")
    closed = result + result[line.find('"')] if line.count('"') == 1 and result.count('"') == 1 else result
    return shlex.split(closed)[-1] + " " * (result.endswith(" ") and not result.endswith("\\ "))


@pytest.mark.parametrize("line, words", [
    ("tx-send --chain ", "base base-sepolia mainnet sepolia"),
    ("tx-send --chain base", "base base-sepolia"),
    ("tx-send --key ", "file: keystore: env: fd: dstack:"),
    ("ecies-seal --sign-with ", "file: keystore: env: fd: dstack:"),
    ("inbox-watch --format ", "json text"),
    ("inbox-watch --block ", "latest safe finalized"),
    ("ecies-seal --output ", "json hex raw"),
    ("abi-encode decode ", "calldata error log result"),
    ("abi-encode add-", "add-kms-root add-allowed-code add-verifier add-compose-hash"),
    ("abi-encode decode log OnboardingP", "OnboardingPosted"),
    ("proof-fetch ", "http:// https:// dstack: dstack-log:http://"),
    ("proof-extract --f", "--first --follow"),
    ("proof-extract ser", "serial.log"),
    ("teebridge ", "proof-fetch proof-extract abi-encode ecies-seal tx-send inbox-watch bridge-agent doctor help"),
    ("teebridge tx-send --chain ", "base base-sepolia mainnet sepolia"),
    ("teebridge abi-encode decode ", "calldata error log result"),
])
def test_words_are_offered(shell, line, words):
    assert offered(shell, line) == set(words.split())


@pytest.mark.parametrize("line, word", [
    # Files where files are meant: as arguments, as values, behind key sources.
    ("proof-extract ser", "serial.log "),
    ("tx-send wal", "wallet.json "),
    ("abi-encode register ser", "serial.log "),
    ("abi-encode deploy wal", "wallet.json "),
    ("abi-encode decode calldata ser", "serial.log "),
    ("abi-encode call --abi wal", "wallet.json "),
    ("tx-send --journal ser", "serial.log "),
    ("tx-send --journal=ser", "--journal=serial.log "),
    ("inbox-watch --exec ser", "serial.log "),
    ("inbox-watch --dstack ser", "serial.log "),
    ("ecies-seal --recipients ser", "serial.log "),
    ("tx-send --password-file ow", "owner.key "),
    ("tx-send --key file:ow", "file:owner.key "),
    ("tx-send --key=file:ow", "--key=file:owner.key "),
    ("tx-send --key keystore:wal", "keystore:wallet.json "),
    ("tx-send --key file:keys/", "file:keys/a.key "),
    ("ecies-seal --sign-with file:ke", "file:keys/"),
    ("bridge-agent --serve-secrets-to token-file:ow", "token-file:owner.key "),
    ("proof-extract my", "my logs/"),
    ("proof-extract my\\ logs/o", "my logs/one.log "),
    ('proof-extract "my lo', "my logs/"),
    ("tx-send --key file:my\\ lo", "file:my logs/"),
    ("proof-extract ~/ser", "~/serial.log "),
    # Names.
    ("tx-send --chain ma", "mainnet "),
    ("tx-send --chain=ma", "--chain=mainnet "),
    ("tx-send --key k", "keystore:"),
    ("abi-encode register --kms-root p", "phala-base "),
    ("abi-encode add-kms-root p", "phala-base "),
    ("abi-encode decode result isM", "isMember "),
    ("abi-encode decode error VerifierNotA", "VerifierNotAllowed "),
    ("abi-encode call isM", "isMember "),
    ("proof-fetch dstack-", "dstack-log:http://"),
    # Commands and options, in pipelines too, and those of other programs behind teebridge.
    ("abi-encode regi", "register "),
    ("proof-extract serial.log | abi-encode regi", "register "),
    ("tx-send --in-f", "--in-flight "),
    ("inbox-watch --once --require", "--require-authenticated "),
    ("teebridge proof-ex", "proof-extract "),
    ("teebridge help tx-", "tx-send "),
    ("teebridge proof-extract ser", "serial.log "),
    ("teebridge tx-send --key file:ow", "file:owner.key "),
    ("teebridge abi-encode regi", "register "),
    ("teebridge doctor --ch", "--chain "),
])
def test_a_word_is_finished(shell, line, word):
    assert finished(shell, line) == word


@pytest.mark.parametrize("line", [
    "tx-send --confirmations ", "tx-send --key file:~/ow", "inbox-watch --once --onc", "proof-extract -- --f",
    "tx-send --chain xyz", "teebridge nothing --k",
])
def test_nothing_is_offered(shell, line):
    assert offered(shell, line) <= {line.split(" ")[-1]} - {""}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_word_that_no_shell_would_send_does_no_harm(program):
    for words in ([], ["--", ""], ["--key", "file:\n"], ["-=", "="], ["a", "b", "c", "--", "-"], ["", "--=x"]):
        answer = run(program, "---complete", *words).check_done()
        assert answer.stdout.endswith(b"\n")


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_is_known_by_its_name(name):
    program_path("tx-send")
    option = "--generate-completion-script"
    by_name = run("tx-send", option, name).check_done().stdout
    assert run("tx-send", f"{option}={name}").check_done().stdout == by_name
    assert run("tx-send", option, env={"SHELL": f"/usr/bin/{name}"}).check_done().stdout == by_name
