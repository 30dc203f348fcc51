"""The life of the process: start, announce, serve, stop."""

import gc
import json
import os
import sys
import threading
from pathlib import Path

from lifetime import End

from .accounts import DEV_BALANCE, dev_accounts
from .clock import BlockTimer
from .dev_methods import DevMethods
from .encoding import checksummed, data
from .eth_methods import EthMethods
from .node import Node
from .rpc import Dispatcher
from .server import RpcServer
from .stats import Stats

THREAD_STACK_BYTES = 64 * 1024 * 1024


def run(settings, port, announce_file=None, exit_with_stdin=False):
    """Serve until SIGTERM, SIGINT or, if wanted, the end of standard input."""
    threading.stack_size(THREAD_STACK_BYTES)  # contracts may call each other 1024 levels deep
    end = End(exit_with_stdin)
    accounts = dev_accounts()
    settings.funds = {account.address: DEV_BALANCE for account in accounts} | settings.funds
    server = _build_server(settings, port)
    gc.freeze()
    # It never looks whether it should end: this process does.
    threading.Thread(target=server.serve_forever, args=(None,), daemon=True, name="server").start()
    _announce(_announcement(server.url, settings.chain_id, accounts), announce_file)
    end.wait()
    server.server_close()


def _build_server(settings, port):
    node, stats = Node(settings), Stats()
    timer = BlockTimer(node.mine, settings.block_time)
    methods = EthMethods(node).table() | DevMethods(node, timer, stats).table()
    return RpcServer(port, Dispatcher(methods, stats))


def _announcement(url, chain_id, accounts):
    shown = [
        {"address": checksummed(account.address), "privateKey": data(account.private_key)} for account in accounts
    ]
    return json.dumps({"rpc": url, "chainId": chain_id, "accounts": shown}, separators=(",", ":")) + "\n"


def _announce(line, announce_file):
    if announce_file:
        complete = Path(announce_file)
        partial = complete.with_name(f"{complete.name}.{os.getpid()}")
        partial.write_text(line)
        partial.replace(complete)
    sys.stdout.write(line)
    sys.stdout.flush()
