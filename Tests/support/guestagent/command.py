"""The guest-agent program: its options, its ready line, and how it ends."""

import argparse
import json
import os
import socket
import stat
import sys
from contextlib import ExitStack

from guestagent.chain import PRESETS, AppKeys, proof_document
from guestagent.rpc import Agent
from guestagent.server import AgentServer, Faults, ProofServer
from lifetime import End

DESCRIPTION = """\
Stand in for the dstack guest agent: answer Info, GetKey and Version on a unix socket
as the agent does, with keys of your choice. For tests alone: its keys are published
or given on the command line.
"""
EPILOG = """\
When ready it prints one JSON line: the socket, the app id, the address of the KMS
root that vouches for the app, and the URL of the proof server if there is one.

examples:
  guest-agent --socket /tmp/dstack.sock
  guest-agent --socket a.sock --preset cross-sdk --http 0
  guest-agent --socket b.sock --app-id 00112233445566778899aabbccddeeff00112233 \\
      --kms-root 0000000000000000000000000000000000000000000000000000000000000001
"""


def hex_bytes(size: int):
    """An argument type: so many bytes in hex, with or without 0x."""

    def parse(text: str) -> bytes:
        data = bytes.fromhex(text.removeprefix("0x"))
        if len(data) != size:
            raise ValueError
        return data

    parse.__name__ = f"hex of {size} bytes"
    return parse


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="guest-agent", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add("--socket", metavar="PATH", required=True, help="where to listen")
    add("--http", metavar="PORT", type=int,
        help="also serve GET /proof on this port of 127.0.0.1; 0 takes a free one")
    add("--exit-with-stdin", action="store_true",
        help="end when standard input does, so that a dead test leaves nothing behind")

    add = result.add_argument_group("keys (the simulator's if none are named)").add_argument
    add("--preset", choices=PRESETS, help="published keys")
    add("--app-id", metavar="HEX20", type=hex_bytes(20), help="the app's id")
    add("--kms-root", metavar="HEX32", type=hex_bytes(32),
        help="secret key of the KMS that issues the app's key")
    add("--app-key", metavar="HEX32", type=hex_bytes(32), help="the app's own secret key")
    add("--kms-signature", metavar="HEX65", type=hex_bytes(65),
        help="the KMS's signature over the key of --app-key")

    add = result.add_argument_group("variants").add_argument
    add("--old", action="store_true",
        help="act as 0.5.5: no algorithm, no Version, errors over several lines")
    add("--no-kms", action="store_true", help="no KMS: the second link of a chain is empty")
    add("--prefix-0x", action="store_true", help="write 0x before hex")

    add = result.add_argument_group("faults, on both servers").add_argument
    add("--chunked", action="store_true", help="answer in many small chunks")
    add("--close-mid-body", action="store_true", help="close the connection halfway")
    add("--hang", action="store_true", help="never answer")
    add("--html", action="store_true", help="answer everything with a web page")
    add("--slow", metavar="SECONDS", type=float, default=0.0, help="wait before each answer")
    return result


def app_keys(options: argparse.Namespace, usage_error) -> AppKeys:
    """The keys that the options name; `usage_error` is called if they do not fit."""
    given = [name for name in ("preset", "kms_root", "app_key") if getattr(options, name)]
    if len(given) > 1:
        usage_error("--preset, --kms-root and --app-key exclude each other")
    if options.kms_signature and not options.app_key:
        usage_error("--kms-signature needs --app-key")
    if not options.kms_root and not options.app_key:
        if options.app_id:
            usage_error("--app-id needs --kms-root or --app-key")
        return PRESETS[options.preset or "simulator"]
    if not options.app_id:
        usage_error("--kms-root and --app-key need --app-id")
    if options.kms_root:
        return AppKeys.from_kms_root(options.kms_root, options.app_id)
    return AppKeys(options.app_id, options.app_key, options.kms_signature or b"")


def remove_stale_socket(path: str) -> None:
    """Remove a socket file that nobody listens on any more."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            sys.exit(f"guest-agent: error: not a socket: '{path}'")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        else:
            sys.exit(f"guest-agent: error: somebody listens on '{path}'")


def remove_own_socket(path: str, inode: int) -> None:
    """Remove the socket file unless another process has put its own in its place."""
    if os.path.exists(path) and os.stat(path).st_ino == inode:
        os.unlink(path)


def serve(options: argparse.Namespace, app: AppKeys, end: End) -> None:
    """Run the servers that the options ask for until the end is signalled."""
    faults = Faults(options.chunked, options.close_mid_body, options.hang, options.html,
                    options.slow)
    ready = {"socket": options.socket, "appId": app.app_id.hex(), "kmsRoot": app.kms_root}
    with ExitStack() as stack:
        agent = AgentServer(options.socket, Agent(app, options.old, options.prefix_0x))
        stack.callback(remove_own_socket, options.socket, os.stat(options.socket).st_ino)
        agent.start(faults)
        stack.callback(agent.stop)
        if options.http is not None:
            server = ProofServer(options.http, proof_document(app))
            server.start(faults)
            stack.callback(server.stop)
            ready["http"] = f"http://127.0.0.1:{server.server_address[1]}"
        print(json.dumps(ready), flush=True)
        end.wait()


def main() -> None:
    command_line = parser()
    options = command_line.parse_args()
    app = app_keys(options, command_line.error)
    end = End(options.exit_with_stdin)
    remove_stale_socket(options.socket)
    try:
        serve(options, app.without_kms() if options.no_kms else app, end)
    except OSError as error:
        sys.exit(f"guest-agent: error: {error}")
