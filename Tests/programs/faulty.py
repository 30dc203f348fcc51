"""Programs under Tests/support/faults.c: one of their calls fails, or their clock jumps."""

import os
from collections.abc import Iterator
from pathlib import Path

from harness import compiled

HALF, KILL = 0, -1


class Faults:
    """The environments under which a program meets faults, one after the other."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._library = compiled("faults.c", "-shared", "-fPIC")

    def env(self, call: str, at: int, **settings) -> dict[str, str]:
        named = {f"FAULT_{name.upper()}": os.fspath(value) if isinstance(value, Path) else str(value)
                 for name, value in settings.items()}
        return {"LD_PRELOAD": str(self._library), "FAULT_CALL": call, "FAULT_AT": str(at)} | named

    def each(self, call: str, errno: int, path: str, limit: int = 60) -> Iterator[dict[str, str]]:
        """An environment for each of a program's calls: the first of them fails, then the second, and so on.

        It ends behind the first run that made no more such calls, which must come to its end in peace.
        """
        mark = self._directory / "mark"
        for at in range(1, limit):
            mark.unlink(missing_ok=True)
            yield self.env(call, at, errno=errno, path=path, mark=mark)
            if not mark.exists():
                assert at > 1, f"the program never called {call}"
                return
        raise AssertionError(f"more than {limit} calls of {call}")

    @property
    def happened(self) -> bool:
        """Whether the last run met its fault."""
        return (self._directory / "mark").exists()
