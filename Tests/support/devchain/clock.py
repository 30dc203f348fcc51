"""Blocks at regular intervals."""

import threading


class BlockTimer:
    """Calls `mine` every `seconds`; zero seconds mean never."""

    def __init__(self, mine, seconds):
        self._mine = mine
        self._seconds = seconds
        self._changed = threading.Condition()
        self._generation = 0
        threading.Thread(target=self._run, daemon=True, name="block timer").start()

    def set_interval(self, seconds):
        with self._changed:
            self._seconds = seconds
            self._generation += 1
            self._changed.notify_all()

    def _run(self):
        while True:
            with self._changed:
                generation = self._generation
                self._changed.wait(self._seconds or None)
                if generation != self._generation or not self._seconds:
                    continue
            self._mine()
