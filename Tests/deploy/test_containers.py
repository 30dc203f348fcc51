"""The image and the compose files, without a Docker engine: what a parser, the package and a run can tell of them.

Not shown here: that the image builds, that a registry serves it, and that an engine runs the files as they say.
"""

import json
import re
import shlex
import signal
import subprocess
from fnmatch import fnmatch

import pytest
from compose_spec import PyOptions

from cvm import DEPLOY, instructions, post, running
from harness import PROGRAMS, ROOT, program_path, wait_until
from proofs import PROOFS
from test_hosted import SETTINGS

COMPOSE_FILES = ("docker-compose.phala.yaml", "docker-compose.selfhosted.yaml")
DOCKERFILE = instructions((DEPLOY / "Dockerfile").read_text())
SETUP_PACKAGES = re.search(r"packages=\((.*?)\)", (ROOT / "scripts" / "setup").read_text(), re.S)[1].split()


def stage(name: str) -> list[tuple[str, str]]:
    """The instructions of the stage `build`, or of the last one, which has no name."""
    begin = [number for number, (word, _) in enumerate(DOCKERFILE) if word == "FROM"]
    return DOCKERFILE[begin[0]:begin[1]] if name == "build" else DOCKERFILE[begin[1]:]


def installed(name: str) -> set[str]:
    [run] = [text for word, text in stage(name) if word == "RUN" and "apt-get install" in text]
    return {each for each in run.split("install", 1)[1].split("&&")[0].split() if not each.startswith("-")}


def copied(name: str) -> list[str]:
    """What COPY takes from the build context."""
    lines = [shlex.split(text) for word, text in stage(name) if word == "COPY" and "--from" not in text]
    return [source for *sources, _ in lines for source in sources]


def test_what_the_image_copies_is_there_and_not_ignored():
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text().split("\n")
    admitted = [rule[1:] for rule in rules if rule.startswith("!")]
    assert "*" in rules
    for source in copied("build") + copied("last"):
        assert (ROOT / source).exists() and source in admitted, source


def test_swiftpm_finds_every_target_in_what_is_copied(tmp_path):
    dump = subprocess.run(["swift", "package", "--scratch-path", tmp_path, "dump-package"], cwd=ROOT, timeout=120,
                          capture_output=True, check=True).stdout
    paths = [target["path"] for target in json.loads(dump)["targets"] if target.get("path")]
    assert len(paths) > 30 and "Package.swift" in copied("build")
    assert [path for path in paths if not any(fnmatch(path, f"{each}/*") for each in copied("build"))] == []


def test_the_image_is_built_as_make_release_builds():
    recipe = re.search(r"^release:.*\n\t@(.*?) \$\(SWIFT_FLAGS\)$", (ROOT / "Makefile").read_text(), re.M)[1]
    assert ("RUN", recipe) in stage("build") and recipe in copied("build")


def test_the_image_has_every_program_and_the_handler():
    [gathered] = [text for word, text in stage("build") if word == "RUN" and "install -s" in text]
    programs = {each.name for each in (ROOT / "Sources").iterdir()} - {"Shared"}
    assert set(gathered.split(" /programs ")[1].split()) == programs
    assert ("COPY", "--from=build /programs/ /usr/local/bin/") in stage("last")
    assert copied("last") == ["deploy/on-secret"] and (DEPLOY / "on-secret").stat().st_mode & 0o111 == 0o111


def test_the_image_runs_as_nobody_special():
    assert [text for word, text in stage("last") if word in ("USER", "CMD")] == ["teebridge", '["bridge-agent"]']


def is_package(name: str) -> bool:
    return any(subprocess.run([*command, name], capture_output=True).returncode == 0
               for command in (["dpkg-query", "--show"], ["apt-cache", "show"]))


def test_the_packages_are_debians():
    assert installed("build") <= set(SETUP_PACKAGES)
    assert [name for name in installed("last") if not is_package(name)] == []


def test_the_image_has_the_libraries_that_programs_load():
    """Those of the Swift toolchain, libstdc++ and libgcc are linked in, in a release; libcurl is loaded when needed."""
    needed = {"libcurl.so.4"}
    for program in PROGRAMS:
        listing = subprocess.run(["readelf", "-d", program_path(program)], capture_output=True, text=True, check=True)
        needed |= set(re.findall(r"NEEDED.*\[(.*)\]", listing.stdout))
    system = [name for name in needed if not re.match(r"lib(swift|_?Foundation|BlocksRuntime|dispatch|stdc\+\+|gcc_s)", name)]
    owners = subprocess.run(["dpkg", "-S", *(f"*/{name}" for name in system)], capture_output=True, text=True).stdout
    for name in system:
        packages = set(re.findall(rf"^([^:\s]+):.*/{re.escape(name)}$", owners, re.M))
        assert packages & (installed("last") | {"libc6"}), (name, packages)


def rendered(file: str) -> str:
    answer = subprocess.run([DEPLOY / "hosted.sh", "render", DEPLOY / file], env=SETTINGS | {"PATH": "/usr/bin:/bin"},
                            capture_output=True, timeout=20)
    assert (answer.returncode, answer.stderr) == (0, b"")
    return answer.stdout.decode()


@pytest.fixture(params=COMPOSE_FILES)
def compose(request) -> dict:
    """A compose file, as the Compose Specification has it, with no key that it does not know."""
    document = PyOptions(apply_merge=True).from_yaml(rendered(request.param))
    document.validate()
    return document.to_dict()


def test_an_unknown_key_of_a_compose_file_would_be_noticed():
    text = rendered(COMPOSE_FILES[0]).replace("read_only:", "readonly:")
    with pytest.raises(ValueError, match="readonly"):
        PyOptions(apply_merge=True).from_yaml(text)


def test_containers_have_no_more_than_they_need(compose):
    assert set(compose["services"]) == {"agent", "inbox"}
    for service in compose["services"].values():
        assert service["cap_drop"] == ["ALL"] and service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "build"} & set(service)
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
        assert service["restart"] == "unless-stopped"
        assert service["image"] == SETTINGS["TEEBRIDGE_IMAGE"]
        assert {name: service["environment"][name] for name in ("BRIDGE_CONTRACT", "ETH_RPC_URL", "CHAIN")} == {
            name: SETTINGS[name] for name in ("BRIDGE_CONTRACT", "ETH_RPC_URL", "CHAIN")}
        assert len(service["environment"]) == 3
    mounts = {name: [str(each) for each in service["volumes"]] for name, service in compose["services"].items()}
    socket = "/var/run/dstack.sock:/var/run/dstack.sock"
    assert mounts == {"agent": [socket], "inbox": [socket, "teebridge:/var/lib/teebridge"]}
    assert compose["volumes"] == {"teebridge": {}}


def test_only_the_serial_console_is_a_device():
    for file, devices in zip(COMPOSE_FILES, (None, ["/dev/ttyS0:/dev/ttyS0:rw"])):
        services = PyOptions(apply_merge=True).from_yaml(rendered(file)).to_dict()["services"]
        assert services["agent"].get("devices") == devices and "devices" not in services["inbox"]


def command_of(compose: dict, service: str, **places: str) -> list[str]:
    """A service's command, with places of this test's instead of the CVM's."""
    words = compose["services"][service]["command"]
    for place, other in {"/dev/ttyS0": "console", "/var/lib/teebridge": "volume"}.items():
        words = [word.replace(place, places.get(other, place)) for word in words]
    return [word.replace("bridge-agent", "bridge-agent --listen 127.0.0.1:0") for word in words]


def test_the_agents_proof_is_on_the_serial_console_and_no_secret(chain, agent, tmp_path):
    compose = PyOptions(apply_merge=True).from_yaml(rendered("docker-compose.selfhosted.yaml")).to_dict()
    console = tmp_path / "console"
    console.touch()
    post(chain, b"not for the console")
    command = command_of(compose, "agent", console=str(console))
    with running(command, chain.env | agent.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        wait_until(lambda: " was opened\n" in console.read_text())
        text = console.read_text()
        [line] = re.findall(r"^PROOF_JSON=(.*)$", text, re.M)
        assert json.loads(line)["member_id"] == PROOFS[0]["member_id"]
        [port] = re.findall(r"listening on \S+:(\d+)$", text, re.M)
        check = [word.replace(":8080", f":{port}") for word in compose["services"]["agent"]["healthcheck"]["test"]]
        assert check[0] == "CMD" and subprocess.run(check[1:], capture_output=True, timeout=20).returncode == 0
        # What ends the container reaches the agent itself, and not a shell that would let it be killed.
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stdout.read().decode() == console.read_text()
    assert "not for the console" not in console.read_text()
    assert subprocess.run(check[1:], capture_output=True, timeout=20).returncode != 0


def test_a_secret_becomes_a_file_of_the_volume(compose, chain, agent, tmp_path):
    place = tmp_path / "secrets" / post(chain, b"for the volume \0\n")
    command = command_of(compose, "inbox", volume=str(tmp_path))
    with running(command, chain.env | agent.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(place.exists)
        assert place.read_bytes() == b"for the volume \0\n"
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=10)
    assert not any(b"for the volume" in stream for stream in output)
    assert {each.stat().st_mode & 0o077 for each in (tmp_path / "secrets").rglob("*")} == {0}


@pytest.mark.parametrize("told, kind", [("true", "signed"), ("false", "unsigned"), ("TRUE", "unsigned")])
def test_on_secret_keeps_what_is_signed_apart(tmp_path, told, kind):
    environment = {"PATH": "/usr/bin:/bin", "TEEBRIDGE_AUTHENTICATED": told, "TEEBRIDGE_FROM": "0xab",
                   "TEEBRIDGE_INDEX": "7"}
    for secret in (b"first", b"again"):
        subprocess.run([DEPLOY / "on-secret", tmp_path / "a b"], input=secret, env=environment, check=True, timeout=20)
    [kept] = [each for each in (tmp_path / "a b").rglob("*") if each.is_file()]
    assert kept == tmp_path / "a b" / kind / "0xab" / "7" and kept.read_bytes() == b"again"


@pytest.mark.parametrize("arguments, sender", [((), "0xab"), (("a", "b"), "0xab"), (("a",), None)])
def test_on_secret_names_what_is_missing(tmp_path, arguments, sender):
    environment = {"PATH": "/usr/bin:/bin", "TEEBRIDGE_INDEX": "7"} | ({"TEEBRIDGE_FROM": sender} if sender else {})
    done = subprocess.run([DEPLOY / "on-secret", *arguments], cwd=tmp_path, input=b"x", env=environment, timeout=20,
                          capture_output=True)
    error, hint = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (2, b"", [])
    assert error.startswith("on-secret: error: ") and hint.endswith("--exec on-secret --exec-arg DIRECTORY")


@pytest.mark.parametrize("step", ["mkdir", "cat", "sync", "mv"])
def test_on_secret_takes_nothing_that_it_did_not_keep(tmp_path, step):
    (tmp_path / step).write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / step).chmod(0o755)
    done = subprocess.run([DEPLOY / "on-secret", tmp_path / "secrets"], input=b"x", capture_output=True, timeout=20,
                          env={"PATH": f"{tmp_path}:/usr/bin:/bin", "TEEBRIDGE_AUTHENTICATED": "true",
                               "TEEBRIDGE_FROM": "0xab", "TEEBRIDGE_INDEX": "0"})
    assert done.returncode != 0 and not (tmp_path / "secrets" / "signed" / "0xab" / "0").exists()
