"""Commands measured side by side: in turns, so that what else the machine does falls on all of them alike."""

import os
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / ".build" / "bench"
PROGRAMS = Path(os.environ.get("TEEBRIDGE_BIN", ROOT / ".build" / "release")).resolve()


@dataclass
class Command:
    """A command line, the files that are its input and output, and its environment."""

    words: list
    stdin: Path | None = None
    env: dict = field(default_factory=dict)
    status: int = 0
    shell: str | None = None

    def run(self) -> tuple[float, int]:
        """Wall time in seconds, and the most memory in KiB, of one run."""
        words = ["sh", "-c", self.shell] if self.shell else [os.fspath(word) for word in self.words]
        read, write = os.pipe()
        with open(self.stdin or os.devnull, "rb") as source:
            done = subprocess.run(
                ["sh", "-c", f'exec 3>&{write} {write}>&-; exec "$@"', "sh", BUILT / "measure", *words], stdin=source,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[write],
                env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "LANG": "C.UTF-8"} | self.env)
        os.close(write)
        with os.fdopen(read) as told:
            nanoseconds, memory, status = map(int, told.read().split())
        if done.returncode != 0 or status != self.status:
            raise RuntimeError(f"{words} ended with {status}: {done.stderr.decode()[-500:]}")
        return nanoseconds / 1e9, memory


@dataclass
class Row:
    """What a comparison found."""

    what: str
    against: str
    target: float
    ratio: float
    spread: tuple[float, float]
    ours: float
    theirs: float
    memory: int

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.target


def compare(what: str, against: str, target: float, ours: Command, theirs: Command, rounds: int = 9,
            floor: Command | None = None) -> Row:
    """Run both in turns; the ratio is the median of the rounds' ratios. The first round warms the caches.

    The time of `floor`, if there is one, is added to theirs.
    """
    pairs = []
    for round_ in range(rounds + 1):
        # Who goes first changes, so that neither profits from it.
        measured = {}
        for command in (ours, theirs)[:: 1 if round_ % 2 else -1]:
            measured[id(command)] = command.run()
        extra = floor.run()[0] if floor else 0
        if round_:
            pairs.append((measured[id(ours)], measured[id(theirs)][0] + extra))
    ratios = sorted(mine[0] / other for mine, other in pairs)
    return Row(what, against, target, statistics.median(ratios), (ratios[0], ratios[-1]),
               statistics.median(mine[0] for mine, _ in pairs), statistics.median(other for _, other in pairs),
               max(mine[1] for mine, _ in pairs))


def compile_references() -> None:
    """Build the C programs that ours are measured against."""
    BUILT.mkdir(parents=True, exist_ok=True)
    for source in (ROOT / "Benchmarks" / "reference").glob("*.c"):
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", BUILT / source.stem, source, "-lsecp256k1",
                        "-lcrypto"], check=True)
