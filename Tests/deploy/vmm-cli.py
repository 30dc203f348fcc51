#!/usr/bin/env python3
"""A stand-in for dstack's vmm-cli.py: its commands and options, and a VMM that is a directory, $VMM_DIRECTORY.

It notes its arguments and its environment in calls.jsonl. serial.log is what `logs` prints, from a pipe's buffer as
the original does; CVMs are in vms.json.
"""

import argparse
import hashlib
import json
import os
import sys
import time
import uuid
from pathlib import Path

HERE = Path(os.environ["VMM_DIRECTORY"])
VMS = HERE / "vms.json"


def compose(options) -> None:
    document = {"manifest_version": 2, "name": options.name, "runner": "docker-compose",
                "docker_compose_file": Path(options.docker_compose).read_text(), "kms_enabled": options.kms,
                "gateway_enabled": options.gateway, "public_logs": options.public_logs}
    content = json.dumps(document, indent=4).encode()
    Path(options.output).write_bytes(content)
    print(f"App compose file created at: {options.output}")
    print(f"Compose hash: {hashlib.sha256(content).hexdigest()}")


def machines() -> list[dict]:
    return json.loads(VMS.read_text()) if VMS.exists() else []


def deploy(options) -> None:
    machine = {"id": str(uuid.uuid4()), "name": options.name, "app_id": options.app_id, "status": "running"}
    VMS.write_text(json.dumps([*machines(), machine]))
    print(f"App ID: {options.app_id}")
    print(f"Created VM with ID: {machine['id']}")


def logs(options) -> None:
    assert options.vm_id in [machine["id"] for machine in machines()]
    (HERE / "logs.pid").write_text(str(os.getpid()))
    for line in (HERE / "serial.log").read_text().splitlines()[-options.lines:]:
        print(line)
    if options.follow:
        time.sleep(120)


parser = argparse.ArgumentParser(allow_abbrev=False)
commands = parser.add_subparsers(dest="command", required=True)

command = commands.add_parser("compose", allow_abbrev=False)
for name in ("--name", "--docker-compose", "--output"):
    command.add_argument(name, required=True)
for name in ("--prelaunch-script", "--env-file", "--key-provider", "--key-provider-id", "--swap"):
    command.add_argument(name)
for name in ("--kms", "--gateway", "--local-key-provider", "--public-logs", "--public-sysinfo", "--no-instance-id",
             "--secure-time"):
    command.add_argument(name, action="store_true")
command.set_defaults(run=compose)

command = commands.add_parser("deploy", allow_abbrev=False)
for name in ("--name", "--image", "--compose"):
    command.add_argument(name, required=True)
for name in ("--vcpu", "--memory", "--disk", "--swap", "--env-file", "--user-config", "--app-id", "--net"):
    command.add_argument(name)
for name in ("--port", "--gpu", "--kms-url", "--gateway-url"):
    command.add_argument(name, action="append")
for name in ("--ppcie", "--pin-numa", "--hugepages", "--stopped", "--no-tee", "--tee"):
    command.add_argument(name, action="store_true")
command.set_defaults(run=deploy)

command = commands.add_parser("lsvm", allow_abbrev=False)
command.add_argument("--json", action="store_true", required=True)
command.set_defaults(run=lambda options: print(json.dumps(machines(), indent=2)))

command = commands.add_parser("logs", allow_abbrev=False)
command.add_argument("vm_id")
command.add_argument("-n", "--lines", type=int, default=20)
command.add_argument("-f", "--follow", action="store_true")
command.set_defaults(run=logs)

for name in ("remove", "update-app-compose"):
    command = commands.add_parser(name)
    command.add_argument("vm_id")
    if name == "update-app-compose":
        command.add_argument("compose")

with (HERE / "calls.jsonl").open("a") as calls:
    print(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ)}), file=calls)
options = parser.parse_args()
options.run(options)
