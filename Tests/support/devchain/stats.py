"""Counters of what clients asked for, so that tests can tell how many requests a program needs."""

import threading
from collections import Counter

CONTROL_PREFIXES = ("dev_", "evm_")


class Stats:
    """Requests with which a test drives the chain itself do not count."""

    def __init__(self):
        self._lock = threading.Lock()
        self.reset()

    def reset(self):
        with self._lock:
            self._http_requests = 0
            self._response_bytes = 0
            self._seconds = 0.0
            self._calls = Counter()
        return True

    def count(self, methods, response_bytes, seconds):
        """Count one HTTP request with the methods that it called, and how long its answer was in the making."""
        if methods and all(method.startswith(CONTROL_PREFIXES) for method in methods):
            return
        with self._lock:
            self._http_requests += 1
            self._response_bytes += response_bytes
            self._seconds += seconds
            self._calls.update(methods)

    def as_json(self):
        with self._lock:
            return {
                "httpRequests": self._http_requests,
                "responseBytes": self._response_bytes,
                "seconds": self._seconds,
                "calls": dict(sorted(self._calls.items())),
            }
