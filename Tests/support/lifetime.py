"""When a stand-in's process ends."""

import os
import signal
import threading


class End:
    """What the process waits for: SIGTERM, SIGINT and, if that is asked, the end of standard input.

    The signal is written to a pipe where it arrives: it may interrupt any thread, and then does not wake the main one.
    """

    def __init__(self, exit_with_stdin: bool):
        self._awaited, self._given = os.pipe()
        os.set_blocking(self._given, False)
        signal.set_wakeup_fd(self._given)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        if exit_with_stdin:
            threading.Thread(target=self._await_end_of_input, daemon=True).start()

    def _await_end_of_input(self) -> None:
        """Reads the descriptor itself: a lock on sys.stdin would hinder the exit."""
        while os.read(0, 4096):
            pass
        os.write(self._given, b".")

    def wait(self) -> None:
        os.read(self._awaited, 1)
