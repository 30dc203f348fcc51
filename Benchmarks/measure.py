"""Commands measured side by side: in turns, so that what else the machine does falls on all of them alike."""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / ".build" / "bench"
RELEASE = Path(os.environ.get("TEEBRIDGE_BIN", ROOT / ".build" / "release")).resolve()
# Copies of the programs without symbols, as they are installed.
PROGRAMS = BUILT / "bin"
REFERENCE = ROOT / "Benchmarks" / "reference"
ENVIRONMENT = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "LANG": "C.UTF-8"}


class Cost(NamedTuple):
    """What one run took."""

    seconds: float
    # The most memory at once, in KiB; 0 where nobody asks.
    memory: int = 0


Measured = Callable[[], Cost]


@dataclass
class Command:
    """A command line, what it reads, and its environment."""

    words: list
    stdin: Path | None = None
    # Whether its output is read, through a pipe: GNU grep ends at its first match where nobody does.
    is_read: bool = False
    env: dict = field(default_factory=dict)
    # How often it runs before the run that counts: memory that a virtual machine gave back to its host in the meantime
    # takes ten times as long to come by.
    rehearsals: int = 0

    def __call__(self) -> Cost:
        for _ in range(self.rehearsals):
            self.run()
        return self.run()

    def run(self) -> Cost:
        read, write = os.pipe()
        reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) if self.is_read else None
        with open(self.stdin or os.devnull, "rb") as source:
            done = subprocess.run(
                ["sh", "-c", f'exec 3>&{write} {write}>&-; exec "$@"', "sh", BUILT / "measure",
                 *map(os.fspath, self.words)],
                stdin=source, stdout=reader.stdin if reader else subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[write],
                env=ENVIRONMENT | self.env)
        os.close(write)
        if reader:
            reader.communicate()
        with os.fdopen(read) as told:
            nanoseconds, memory, status = map(int, told.read().split())
        if done.returncode != 0 or status != 0:
            raise RuntimeError(f"{self.words} ended with {status}: {done.stderr.decode()[-500:]}")
        return Cost(nanoseconds / 1e9, memory)


def shell(line: str) -> Command:
    return Command(["sh", "-c", line])


def script(name: str, *arguments) -> Measured:
    """A script of reference/, which prints how many seconds the part that counts took."""

    def run() -> Cost:
        words = [sys.executable, "-B", REFERENCE / name, *map(str, arguments)]
        return Cost(float(subprocess.run(words, check=True, capture_output=True, env=ENVIRONMENT).stdout))

    return run


def both(*measured: Measured) -> Measured:
    """What several take one after another."""
    return lambda: Cost(sum(each().seconds for each in measured))


@dataclass
class Row:
    """A comparison, and the most that the ratio may be to reach its target."""

    what: str
    against: str
    target: float
    ours: Measured
    theirs: Measured
    rounds: int = 9
    # The most memory that ours may need, in KiB.
    memory: int | None = None


@dataclass
class Finding:
    """What a comparison found: the ratio is the median of the rounds' ratios."""

    row: Row
    ratios: list[float]
    ours: float
    theirs: float
    memory: int

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def is_reached(self) -> bool:
        return self.ratio <= self.row.target and (self.row.memory is None or self.memory <= self.row.memory)


def compare(row: Row) -> Finding:
    """Run both in turns. The first round warms the caches and does not count."""
    rounds = []
    for index in range(row.rounds + 1):
        # Who goes first changes, so that neither profits from it.
        turns = [row.ours, row.theirs]
        costs = [turn() for turn in (turns if index % 2 else turns[::-1])]
        rounds.append(costs if index % 2 else costs[::-1])
    rounds = rounds[1:]
    return Finding(
        row, sorted(ours.seconds / theirs.seconds for ours, theirs in rounds),
        statistics.median(ours.seconds for ours, _ in rounds), statistics.median(theirs.seconds for _, theirs in rounds),
        max(ours.memory for ours, _ in rounds))


def prepare() -> None:
    """Build the C programs that ours are measured against, and copy ours as they are installed."""
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    for source in REFERENCE.glob("*.c"):
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", BUILT / source.stem, source, "-lsecp256k1",
                        "-lcrypto"], check=True)
    for name in [folder.name for folder in (ROOT / "Sources").iterdir() if folder.name != "Shared"] + ["Measure"]:
        subprocess.run(["strip", "-o", PROGRAMS / name, RELEASE / name], check=True)
