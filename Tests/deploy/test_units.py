"""The systemd units, the timer and the cron line: systemd's own judgement, and what they start at work."""

import re
import signal
import socket
import subprocess

import pytest

from cvm import DEPLOY, KEY, post, running
from harness import BIN, program_path, run, wait_until

SERVICES = ("inbox-watch.service", "bridge-agent.service")
# systemd counts from 0, for what can do nothing, to 10.
EXPOSURE = 1.5


def settings(*files: str) -> dict[str, list[str]]:
    """The settings of a unit, with those of its drop-ins: an empty value forgets what was before, as systemd has it."""
    found: dict[str, list[str]] = {}
    for file in files:
        text = re.sub(r"^[#;].*\n", "", (DEPLOY / file).read_text(), flags=re.M)
        for line in text.replace("\\\n", " ").splitlines():
            name, equals, value = line.partition("=")
            if equals:
                found[name] = [*found.get(name, []), value] if value else []
    return found


@pytest.fixture
def units(tmp_path):
    """The units as installed, but for their programs, which are the built ones."""
    for file in (*SERVICES, "inbox-watch.timer", "inbox-watch-once.conf"):
        text = (DEPLOY / file).read_text().replace("/usr/local/bin/on-secret", str(DEPLOY / "on-secret"))
        (tmp_path / file).write_text(text.replace("/usr/local/bin", str(BIN)))
    return tmp_path


def analyze(*arguments, directory) -> str:
    done = subprocess.run(["systemd-analyze", *arguments], cwd=directory, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    return done.stdout + done.stderr


@pytest.mark.parametrize("once", [False, True], ids=["staying", "once"])
def test_systemd_finds_nothing_wrong(units, once):
    for program in ("inbox-watch", "bridge-agent"):
        program_path(program)
    if once:
        (units / "inbox-watch.service.d").mkdir()
        (units / "inbox-watch-once.conf").rename(units / "inbox-watch.service.d" / "once.conf")
    assert analyze("verify", "--man=no", *(f"./{each}" for each in (*SERVICES, "inbox-watch.timer")),
                   directory=units) == ""


@pytest.mark.parametrize("service", SERVICES)
def test_systemd_finds_little_exposed(units, service):
    text = analyze("security", "--offline=true", "--no-pager", f"./{service}", directory=units)
    [level] = re.findall(r"Overall exposure level for \S+: ([\d.]+)", text)
    assert float(level) <= EXPOSURE, text


def test_both_services_have_the_same_sandbox():
    def sandbox(file: str) -> str:
        return (DEPLOY / file).read_text().split("DynamicUser=", 1)[1]

    assert sandbox(SERVICES[0]) == sandbox(SERVICES[1])


def expanded(command: str, directory) -> list[str]:
    """A command line of a unit as systemd starts it, with the state and the credentials in a directory."""
    assert command.startswith("/bin/sh -c '") and command.endswith("'")
    line = command.removeprefix("/bin/sh -c '").removesuffix("'")
    line = line.replace("%S/inbox-watch", str(directory)).replace("%d", str(directory))
    assert "%" not in line and "$" not in line
    line = line.replace("/usr/local/bin/on-secret", str(DEPLOY / "on-secret"))
    return ["/bin/sh", "-c", line.replace("/usr/local/bin", str(BIN))]


@pytest.fixture
def state(tmp_path):
    """The state directory, with a credential as systemd 254 makes it: its group may read it."""
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o440)
    return tmp_path


def look(command: list[str], chain) -> None:
    """Run what looks once; it prints nothing."""
    with running(command, chain.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert (process.communicate(timeout=30)[0], process.returncode) == (b"", 0)


def test_the_service_tells_that_it_is_ready_and_alive_and_delivers(chain, state):
    found = settings("inbox-watch.service")
    assert (found["Type"], found["WatchdogSec"]) == (["notify"], ["60"])
    place = state / "secrets" / post(chain, b"for the service")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(state / "notify"))
        manager.settimeout(20)
        environment = chain.env | {"NOTIFY_SOCKET": str(state / "notify"), "WATCHDOG_USEC": "1000000"}
        with running(expanded(found["ExecStart"][0], state), environment, stderr=subprocess.PIPE) as process:
            assert manager.recv(100) == b"READY=1"
            assert manager.recv(100) == b"WATCHDOG=1"
            wait_until(place.exists)
            [reload] = found["ExecReload"]
            assert reload == "/bin/kill -HUP $MAINPID"
            later = state / "secrets" / post(chain, b"later")
            process.send_signal(signal.SIGHUP)
            wait_until(later.exists)
            process.send_signal(signal.SIGTERM)
            assert b"for the service" not in process.communicate(timeout=10)[1]
    assert place.read_bytes() == b"for the service"


def test_the_agent_is_given_the_time_that_it_waits_for_its_guest_agent():
    found = settings("bridge-agent.service")
    assert (found["Type"], found["NotifyAccess"]) == (["notify"], ["main"])
    [waits] = re.findall(r"agent at\s+startup\.\s+\(default: (\d+)\)", run("bridge-agent", "--help").stdout.decode())
    assert int(found["TimeoutStartSec"][0]) > int(waits)
    assert int(found["WatchdogSec"][0]) >= 30


def test_the_timer_has_the_service_look_once(chain, state):
    found = settings("inbox-watch.service", "inbox-watch-once.conf")
    assert (found["Type"][-1], found["WatchdogSec"][-1], found["Restart"][-1]) == ("oneshot", "0", "no")
    assert not found["ExecReload"]
    [command] = found["ExecStart"]
    stays = settings("inbox-watch.service")["ExecStart"][0]
    assert command.replace(" --once", "") == stays and "Unit" not in settings("inbox-watch.timer")
    place = state / "secrets" / post(chain, b"for the timer")
    look(expanded(command, state), chain)
    assert place.read_bytes() == b"for the timer"
    place.unlink()
    look(expanded(command, state), chain)
    assert not place.exists(), "it was delivered again"


def test_the_cron_line_delivers_and_prints_nothing(chain, tmp_path):
    lines = [line for line in (DEPLOY / "inbox-watch.cron").read_text().splitlines() if not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines[:-1])
    assert set(chain.env) < set(variables) and all(re.fullmatch(r'\S+|""', value) for value in variables.values())
    *when, user, command = lines[-1].split(maxsplit=6)
    # Cron takes a percent sign for the end of the line.
    assert (when, user) == (["*"] * 5, "teebridge") and "%" not in command
    key = tmp_path / "member.key"
    key.write_text(KEY)
    key.chmod(0o600)
    command = command.replace("/var/lib/teebridge", str(tmp_path))
    place = tmp_path / "secrets" / post(chain, b"for cron")
    look(["/bin/sh", "-c", command], chain)
    assert place.read_bytes() == b"for cron"
