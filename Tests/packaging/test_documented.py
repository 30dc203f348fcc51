"""The commands in documents, run as printed, after `make install` and from the package.

They are read from the installed HTML, and run in a mount namespace where /etc, /home, /usr, /var and root's home are
copies that vanish with it.
"""

import json
import os
import pwd
import re
import shlex
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import ecies
import pytest

import services
from harness import BIN, PROGRAMS, ROOT, unhex, wait_until
from proofs import PROOFS, VECTORS
from test_install import VERSION, check, make

ROOTS_HOME = pwd.getpwuid(0).pw_dir
MEMBER, SENDER = (proof["member_id"] for proof in PROOFS)
SECONDS = 120
# What cron and systemd set, and a login shell of Debian's.
CRON_PATH, SYSTEMD_PATH = "/usr/bin:/bin", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
LOGIN_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin"
COPIED = ("etc", "home", "root", "usr", "var")
SETUP = f"""
set -e
mount -t tmpfs tmpfs "$1"
for tree in {' '.join(COPIED)}; do
    mkdir -p "$1/$tree/upper" "$1/$tree/work"
    mount -t overlay overlay -o "lowerdir=/$tree,upperdir=$1/$tree/upper,workdir=$1/$tree/work" "/$tree"
done
echo ready
exec cat
"""


class Blocks(HTMLParser):
    """The preformatted blocks of a page, by the heading that they stand below."""

    def __init__(self, text: str):
        super().__init__()
        self.below: dict[str, list[str]] = {}
        self._heading, self._tag = "", None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag in ("h1", "h2", "h3"):
            self._heading, self._tag = "", tag
        elif tag == "pre":
            self.below.setdefault(self._heading, []).append("")
            self._tag = tag

    def handle_endtag(self, tag):
        self._tag = None if tag == self._tag else self._tag

    def handle_data(self, data):
        if self._tag == "pre":
            self.below[self._heading][-1] += data
        elif self._tag:
            self._heading += data


class Machine:
    """A machine, as far as files go, where the programs are installed below a prefix; root runs what it is given."""

    def __init__(self, place: Path, prefix: str, settings: dict[str, str]):
        self.prefix, self.settings = prefix, settings
        self._holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", SETUP, "sh", place], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._holder.stdout.readline() != "ready\n":
            pytest.skip(f"no copies of folders can be mounted here: {self._holder.communicate()[1].strip()}")

    def close(self) -> None:
        self._holder.communicate()

    def command(self, *words, user: str = "root", directory: str = "/", environment: dict | None = None) -> list[str]:
        """A command in it, with this environment and nothing else."""
        found = {"PATH": LOGIN_PATH, "LANG": "C.UTF-8", "HOME": directory} | (environment or {})
        account = [] if user == "root" else ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
        return ["nsenter", "--mount", f"--target={self._holder.pid}", "--", *account, "env", "--ignore-environment",
                f"--chdir={directory}", *(f"{name}={value}" for name, value in found.items()), *map(str, words)]

    def run(self, script: str, **options) -> str:
        """What a script prints to both of its streams; it must succeed."""
        done = subprocess.run(self.command("bash", "-euo", "pipefail", "-c", script, **options), timeout=SECONDS,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done
        return done.stdout

    def read(self, path: str) -> str:
        return self.run(f"cat {shlex.quote(path)}")

    def exists(self, path: str) -> bool:
        return subprocess.run(self.command("test", "-e", path)).returncode == 0

    def write(self, path: str, text: str, mode: str = "644", owner: str = "root") -> None:
        subprocess.run(self.command("install", "-m", mode, "-o", owner, "/dev/stdin", path), input=text, text=True,
                       check=True)

    def document(self, page: str) -> dict[str, list[str]]:
        """The blocks of an installed document, with a chain's settings in the place of the examples."""
        text = self.read(f"{self.prefix}/share/doc/teebridge/html/{page}.html")
        for name, value in self.settings.items():
            text = re.sub(rf"\b{name}=(0x…|https://mainnet\.base\.org|base)(?=\s|$)", f"{name}={value}", text, flags=re.M)
        return Blocks(text).below


@pytest.fixture(scope="module")
def chain():
    with services.dev_chain() as node:
        yield services.bridge_chain(node)


@pytest.fixture(scope="module", params=["make install", "package"])
def machine(request, chain, tmp_path_factory) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("a namespace takes root")
    place = tmp_path_factory.mktemp("machine")
    if request.param == "package":
        [package] = [*(ROOT / ".build/dist").glob(f"teebridge_{VERSION}_*.deb")] or [None]
        held = [*(BIN / each for each in PROGRAMS), ROOT / "README.md", *(
            path for folder in ("deploy", "docs", "man", "recipes", "scripts") for path in (ROOT / folder).iterdir())]
        if package is None or package.stat().st_mtime < max(path.stat().st_mtime for path in held):
            pytest.skip("the package is not built, or older than what it holds: make deb")
        # Only below /usr: the root directory is the machine's own.
        install = f"dpkg-deb --fsys-tarfile {package} | tar --extract --directory=/usr --strip-components=2 ./usr"
    else:
        root = tmp_path_factory.mktemp("root")
        check(make("install", f"DESTDIR={root}"))
        install = f"cp -r --preserve=mode {root}/usr/local/. /usr/local"
    machine = Machine(place, "/usr" if request.param == "package" else "/usr/local", chain.env)
    try:
        machine.run(install)
        fill = "; ".join(f"s|^{name}=.*|{name}={value}|" for name, value in chain.env.items())
        # What takes another password, another editor or a running systemd.
        for name, script in {"sudo": 'exec "$@"', "sudoedit": f"exec sed --in-place '{fill}' \"$1\"",
                             "systemctl": 'echo "$*" >> /var/systemctl'}.items():
            machine.write(f"/usr/bin/{name}", f"#!/bin/sh\n{script}\n", "755")
        machine.run("useradd --create-home --user-group alice; chmod 755 /home")
        yield machine
    finally:
        machine.close()


def post(chain, secret: str) -> str:
    """Seal a secret for the member and post it; where on-secret puts it, below its directory."""
    index = len(chain.bridge.functions.getOnboarding(MEMBER).call())
    key = unhex(PROOFS[0]["dstack_proof"]["derived_compressed_pubkey"])
    chain.onboard(SENDER, MEMBER, ecies.encrypt(key, secret.encode()))
    return f"unsigned/{SENDER}/{index}"


def variables(lines: list[str]) -> dict[str, str]:
    pairs = [line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line)]
    return {name: value.strip('"') for name, value in pairs}


def tick(machine: Machine, crontab: str, home: str, user: str | None = None) -> str:
    """Do what cron does when a crontab's time has come: `user` is who it belongs to, unless each line names one. What
    is printed."""
    *_, line = lines = [each for each in crontab.splitlines() if each.strip() and not each.startswith("#")]
    assert "%" not in line
    *when, command = line.split(maxsplit=5)
    assert when == ["*"] * 5
    if user is None:
        user, command = command.split(maxsplit=1)
    settings = {"HOME": home, "LOGNAME": user, "SHELL": "/bin/sh", "PATH": CRON_PATH} | variables(lines)
    shell = settings["SHELL"]
    return machine.run(f"exec {shell} -c {shlex.quote(command)}", user=user, directory=home, environment=settings)


def test_places_that_documents_and_files_name_are_there(machine):
    below = f"{machine.prefix}/share"
    texts = machine.run(f"cat {below}/doc/teebridge/html/* {below}/teebridge/deploy/* {below}/teebridge/*.mk")
    paths = set(re.findall(r"/usr(?:/local)?/(?:bin|share/(?:doc/)?teebridge)/[\w./-]*[\w-]", texts))
    assert len(paths) > 8
    assert [path for path in sorted(paths) if not machine.exists(path)] == []


def test_hosted_where_it_is_installed(machine):
    script = f"{machine.prefix}/share/teebridge/deploy/hosted.sh"
    assert "usage: hosted.sh" in machine.run(f"{script} --help", user="alice", directory="/home/alice")
    settings = {"TEEBRIDGE_IMAGE": "registry.example.org/teebridge@sha256:" + "ab" * 32, **machine.settings}
    rendered = machine.run(f"{script} render", user="alice", directory="/home/alice", environment=settings)
    assert machine.settings["ETH_RPC_URL"] in rendered


def test_the_quick_start_of_the_readme(machine):
    blocks = machine.document("index")["Quick start"]
    assert len(blocks) == 3
    printed = machine.run("\n".join(blocks), user="alice", directory="/home/alice")
    request, secret = printed.splitlines()
    assert json.loads(request)["label"] == "registerDstack" and secret == "a secret"
    assert json.loads(machine.read("/home/alice/proof.json")) == PROOFS[0]


def test_the_pipelines_of_the_readme(machine, chain):
    document = machine.document("index")
    home = "/home/alice"
    machine.write(f"{home}/owner.key", chain.owner.key.hex(), "600", "alice")
    machine.run(f"cp {machine.prefix}/share/teebridge/example/serial.log {home}")
    [register], [send] = document["Register a CVM"], document["Send a secret"]
    root = PROOFS[0]["kms_root"]
    script = register.replace("phala-base", root) + f"A={SENDER} B={MEMBER} SECRET='from the readme'\n" + send
    printed = machine.run(script, user="alice", directory=home)
    statuses = [json.loads(line)["status"] for line in printed.splitlines() if line.startswith("{")]
    assert statuses == ["skipped"] * 3 + ["success"]


def test_the_crontab_of_the_readme(machine, chain):
    [crontab] = machine.document("index")["Receive a secret"]
    home = "/home/alice"
    machine.write(f"{home}/member.key", VECTORS["keys"]["derived"], "600", "alice")
    place = f"{home}/secrets/{post(chain, 'for a crontab')}"
    assert tick(machine, crontab, home, "alice") == ""
    assert machine.read(place) == "for a crontab"
    machine.run(f"rm {place}")
    assert tick(machine, crontab, home, "alice") == "" and not machine.exists(place)


def test_cron_as_the_guide_sets_it_up(machine, chain):
    [block] = machine.document("deploy")["cron"]
    machine.write(f"{ROOTS_HOME}/member.key", VECTORS["keys"]["derived"], "600")
    machine.run(f"cd {ROOTS_HOME}\n{block}")
    home = machine.run("getent passwd teebridge").split(":")[5]
    place = f"{home}/secrets/{post(chain, 'for cron')}"
    crontab = machine.read("/etc/cron.d/inbox-watch")
    assert tick(machine, crontab, home) == ""
    assert machine.read(place) == "for cron"
    seen = machine.run(f"stat --format='%a %U' {home} {home}/member.key {home}/inbox.json {home}/secrets {place}")
    assert seen.splitlines() == ["700 teebridge", "600 teebridge", "600 teebridge", "700 teebridge", "600 teebridge"]
    assert machine.run("stat --format='%a %U' /etc/cron.d/inbox-watch") == "600 root\n"
    machine.run(f"rm {place}")
    assert tick(machine, crontab, home) == "" and not machine.exists(place)


def unit(machine: Machine, *files: str) -> dict[str, str]:
    """The last value of each setting of a unit and its drop-ins."""
    text = "".join(machine.read(f"/etc/systemd/system/{file}") for file in files).replace("\\\n", " ")
    return dict(re.findall(r"^([A-Za-z]+)=(.+)$", text, re.M))


def starts(machine: Machine, found: dict[str, str]) -> list[str]:
    """The command that systemd starts, as a user without rights, with the state directory and the credential that it
    makes for it."""
    name, source = found["LoadCredential"].split(":")
    machine.run(f"install -d -m 700 -o nobody -g nogroup /var/lib/{found['StateDirectory']} /var/credentials;"
                f"install -m 400 -o nobody {source} /var/credentials/{name}")
    line = found["ExecStart"].replace("%S", "/var/lib").replace("%d", "/var/credentials")
    assert "%" not in line
    settings = {"PATH": SYSTEMD_PATH} | variables(machine.read(found["EnvironmentFile"]).splitlines())
    return machine.command(*shlex.split(line), user="65534", environment=settings)


def test_systemd_as_the_guide_sets_it_up(machine, chain):
    staying, timer, agent = machine.document("deploy")["systemd"]
    machine.write(f"{ROOTS_HOME}/member.key", VECTORS["keys"]["derived"], "600")
    machine.run(f"cd {ROOTS_HOME}\n{staying}")
    seen = machine.run("cd /etc; stat --format='%a' teebridge teebridge/member.key teebridge/teebridge.env"
                       " systemd/system/inbox-watch.service")
    assert seen.split() == ["700", "600", "600", "644"]
    place = f"/var/lib/inbox-watch/secrets/{post(chain, 'for the service')}"
    with subprocess.Popen(starts(machine, unit(machine, "inbox-watch.service")), stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        try:
            wait_until(lambda: machine.exists(place) or process.poll() is not None)
            assert process.poll() is None, process.stderr.read()
        finally:
            process.terminate()
    assert machine.read(place) == "for the service"

    machine.run(f"{timer}\n{agent}")
    place = f"/var/lib/inbox-watch/secrets/{post(chain, 'for the timer')}"
    once = unit(machine, "inbox-watch.service", "inbox-watch.service.d/once.conf")
    done = subprocess.run(starts(machine, once), stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert machine.read(place) == "for the timer"
    units = " ".join(f"/etc/systemd/system/{each}" for each in ("inbox-watch.service", "inbox-watch.timer",
                                                                 "bridge-agent.service"))
    assert machine.run(f"systemd-analyze verify --man=no {units}") == ""
    assert machine.read("/var/systemctl").splitlines() == [
        "enable --now inbox-watch.service", "disable --now inbox-watch.service", "enable --now inbox-watch.timer",
        "enable --now bridge-agent.service"]


def test_the_recipes_where_they_are_installed(machine):
    recipes = f"{machine.prefix}/share/teebridge/teebridge.mk"
    [include] = re.findall(r"^# +include (\S+)$", machine.read(recipes), re.M)
    assert include == recipes
    assert "register-from-log" in machine.run(f"make -f {recipes}")
    shown = machine.run(f"make -n -f {recipes} deploy-bridge RPC_URL=https://n KEY=file:k")
    assert f"{machine.prefix}/share/teebridge/TEEBridge.json" in shown
