"""Runs the stand-ins, and other scripts of the tests, as forks of one process that has imported what they need.

Importing py-evm takes a second of a processor, and a run of the tests starts some hundred chains. A process of tests has
one nursery, which ends with it.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from pathlib import Path

SUPPORT = Path(__file__).resolve().parent
IMPORTS = ("argparse", "datetime", "devchain.program", "guestagent.command", "random")
MOST_BYTES = 1 << 17


class Fork:
    """A script that runs, and its ends of the pipes: `stdin` and `stdout`."""

    def __init__(self, script: str, *arguments):
        stdin, self.stdin = _pipe()
        self.stdout, stdout = _pipe()
        self._ended, ended = _pipe()
        with stdin, stdout, ended:
            self.pid = _nursery().start([str(SUPPORT / script), *map(str, arguments)], stdin, stdout, ended)

    def terminate(self) -> None:
        """Ask it by signal to end. Not for one that may have ended."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float) -> int | None:
        """The exit status; None if it was killed."""
        if not select.select([self._ended], [], [], seconds)[0]:
            raise TimeoutError(f"process {self.pid} goes on")
        with self._ended:
            return next(iter(self._ended.read(1)), None)

    def communicate(self, content: bytes = b"", seconds: float = 10) -> bytes:
        """Hand it all its input, which is little, and give what it prints until it ends with status 0."""
        with self.stdout:
            with self.stdin:
                self.stdin.write(content)
            printed = self.stdout.read()
        assert self.wait(seconds) == 0
        return printed


def _pipe():
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb", 0), os.fdopen(writing, "wb", 0)


class _Nursery:
    """The process that forks."""

    def __init__(self):
        self._lock = threading.Lock()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen([sys.executable, __file__, str(theirs.fileno())], stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    def start(self, command: list[str], *pipes) -> int:
        with self._lock:
            socket.send_fds(self._channel, [json.dumps(command).encode()], [pipe.fileno() for pipe in pipes])
            return int(self._channel.recv(MOST_BYTES))

    def end(self) -> None:
        self._channel.close()
        self._process.wait(20)


_shared: list[_Nursery] = []
_starting = threading.Lock()


def _nursery() -> _Nursery:
    with _starting:
        if not _shared:
            _shared.append(_Nursery())
            atexit.register(_shared[0].end)
    return _shared[0]


# In the process that forks


def serve(channel: socket.socket) -> None:
    for name in IMPORTS:
        importlib.import_module(name)
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, MOST_BYTES, 3)
        if not message:
            break
        pid = os.fork()
        if pid == 0:
            channel.close()
            become(json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(str(pid).encode())
        bury(os.WNOHANG)
    bury()


def bury(options: int = 0) -> None:
    """Wait for the children that have ended, or for all."""
    try:
        while os.waitpid(-1, options)[0]:
            pass
    except ChildProcessError:
        """There are none."""


def become(command: list[str], stdin: int, stdout: int, ended: int) -> None:
    """Run the script as Python would, and note its status."""
    for descriptor, place in ((stdin, 0), (stdout, 1)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    sys.argv = command
    status = 1
    try:
        runpy.run_path(command[0], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else print(end.code, file=sys.stderr) or 1
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
        finally:
            os.write(ended, bytes([status]))
            os._exit(status)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as inherited:
        serve(inherited)
