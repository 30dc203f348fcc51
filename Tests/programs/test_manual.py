"""The manual pages say what the programs do: options, environment, exit statuses; and their examples work."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from eth_account import Account
from guestagent.chain import PRESETS, make_proof

from bridge_v1 import ARTEFACT_PATH
from harness import BIN, ENVIRONMENT, PROGRAMS, ROOT, json_lines, program_path, run, wait_until
from manual import PAGES, Example, commands_of, help_of
from proofs import PROOFS, VECTORS

A, B = PROOFS
SECRET = "a secret"
# What an application of A's KMS, which is no member yet, would register.
NEWCOMER = make_proof(b"KMS-root-test-key-do-not-use!!!\x01", bytes.fromhex("11" * 20))
EXAMPLES = [example for page in PAGES.values() for example in page.examples]
# The parser's own, which no help lists.
COMPLETION = "--generate-completion-script"
# What libcurl reads for itself.
PROXIES = {"https_proxy", "http_proxy", "all_proxy", "no_proxy"}


def test_every_program_has_a_page():
    assert sorted(PAGES) == sorted((*PROGRAMS, "on-secret", "teebridge(7)"))
    assert [page.name for page in PAGES.values() if page.number != "1"] == ["teebridge"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_one_line_says_what_a_program_is_for(program):
    """The same in the page and in the help."""
    page = next(line for line in PAGES[program].section("NAME").lines if line.startswith(".Nd "))
    assert page.removeprefix(".Nd ").casefold() == help_of(program).overview.rstrip(".").casefold()


def explained(program: str, command: tuple[str, ...]) -> set[str]:
    """The options that a page explains for a command, a program itself or one of its commands.

    A command's stand below a heading that names it, or names the command that it belongs to.
    """
    page = PAGES[program]
    common = set(page.section("DESCRIPTION").options)
    headings = [section for section in page.sections
                if set(section.title.split(", ")) & {" ".join(command[:end]) for end in range(1, len(command) + 1)}]
    if command:
        assert headings, f"{program}.1 has no heading for the command {' '.join(command)}"
    return common.union(*(section.options for section in headings))


@pytest.mark.parametrize("program", PROGRAMS)
def test_options(program):
    """What the help of a program and of its commands lists, the page explains; and no more than that."""
    faults, listed, of_leaves = [], set(), {}
    for _, *command in commands_of(program):
        options, known = set(help_of(program, *command).options), explained(program, tuple(command))
        listed |= options
        faults += [f"{' '.join((program, *command))}: {option} is not explained" for option in sorted(options - known)]
        heading = command[0] if command else ""
        of_leaves.setdefault(heading, (known, set()))[1].update(options)
    for heading, (known, options) in of_leaves.items():
        faults += [f"{program} {heading}: the page explains {option}, which is none" for option in known - options]
    faults += [f"the page names {option}, which is none" for owner, option in PAGES[program].options
               if owner == program and option not in listed]
    assert not faults, "\n".join(faults)


def test_options_of_other_programs():
    """What a page says of another program's options, and teebridge(7) of everybody's."""
    known = {program: {COMPLETION}.union(*(help_of(*command).options for command in commands_of(program)))
             for program in PROGRAMS}
    known["teebridge"] = set().union(*known.values())
    for page in PAGES.values():
        named = [(owner, option) for owner, option in page.options if owner != page.name or page.number == "7"]
        assert [f"{owner} {option}" for owner, option in named if option not in known[owner]] == [], page.name


@pytest.mark.parametrize("program", PROGRAMS)
def test_defaults_and_values(program):
    """A default, or the values to choose from, that the help names stand with the option in the page."""
    for command in commands_of(program):
        for option, text in help_of(*command).options.items():
            named = re.findall(r"\((?:default|values): ([^-;)]+)", text)
            words = {word for part in named for word in part.strip("; ").split(", ")}
            items = [body for section in PAGES[program].sections for head, body in section.items
                     if re.search(rf"\bFl {option[1:]}(?![a-z-])", head)]
            missing = [word for word in words if not any(word in body for body in items)]
            assert not missing, f"{' '.join(command)} {option}: {missing}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_environment_of_a_program(program):
    """The variables that stand in for a program's options are in its page, and none that do so elsewhere."""
    settings = {each: set().union(*(help_of(*command).variables for command in commands_of(each)))
                for each in PROGRAMS}
    named = PAGES[program].section("ENVIRONMENT").variables
    if "--key" in help_of(program).options:
        settings[program] |= {"ETH_KEYSTORE", "ETH_PASSWORD", "PRIVATE_KEY"}
    if program == "proof-fetch":  # In its bases, not in an option.
        settings[program].add("DSTACK_SIMULATOR_ENDPOINT")
    assert named & set().union(*settings.values()) == settings[program]


def test_environment():
    """Every variable that the sources read is in teebridge(7), and no page knows another."""
    read = set()
    for path in (ROOT / "Sources").rglob("*.swift"):
        text = path.read_text()
        if "getenv(" in text or "Environment." in text:
            read |= set(re.findall(r'"([A-Z][A-Z_]+)"', text))
    handed_over = set(re.findall('"(TEEBRIDGE_[A-Z_]+)":', (ROOT / "Sources/inbox-watch/InboxWatch.swift").read_text()))
    assert len(read) > 20 and len(handed_over) == 5
    assert PAGES["teebridge(7)"].section("ENVIRONMENT").variables == read | PROXIES
    assert PAGES["inbox-watch"].section("ENVIRONMENT").variables >= handed_over
    for page in PAGES.values():
        assert page.section("ENVIRONMENT").variables <= read | PROXIES | handed_over, page.name
    table = "\n".join(PAGES["teebridge(7)"].section("SETTINGS").lines)
    settings = set().union(*(help_of(*command).variables for program in PROGRAMS for command in commands_of(program)))
    assert [name for name in settings if not re.search(rf"Ev [A-Z_, ]*\b{name}\b", table)] == []


def statuses(name: str) -> list[int]:
    return [int(head.split()[1]) for head, _ in PAGES[name].section("EXIT STATUS").items]


@pytest.mark.parametrize("program", PROGRAMS)
def test_exit_statuses(program):
    """Those of the house, as far as a program can end with them: what asks nobody cannot fail to reach anybody, and
    only what sends can leave it open what became of it."""
    source = (ROOT / "Sources/Shared/System/Console/Diagnostics.swift").read_text()
    house = [int(number) for number in re.findall(r"^ *case [a-zA-Z]+ = (\d)$", source, re.MULTILINE)]
    assert statuses("teebridge(7)") == house == [0, 1, 2, 3, 4]
    options = set().union(*(help_of(*command).options for command in commands_of(program)))
    possible = {0, 1, 2} | ({3} if "--timeout" in options else set()) | ({4} if "--send" in options else set())
    # What it runs has a status of its own, and its help is what it does itself.
    assert statuses(program) == ([0, 2] if program == "teebridge" else sorted(possible))


def test_references():
    """Pages refer to pages that are there, each to the one of formats and settings."""
    files = {f"{page.name}.{page.number}" for page in PAGES.values()}
    for page in PAGES.values():
        assert page.references <= files
        assert "teebridge.7" in page.references or page.name == "teebridge", page.name
        titles = {section.title for section in page.sections + PAGES["teebridge(7)"].sections}
        named = {match[1] for line in page.lines if (match := re.match(r"\.Sx ([A-Za-z ]+?)(?: \.)?$", line))}
        assert named <= titles, page.name


@pytest.mark.parametrize("page", PAGES)
def test_every_example_says_what_it_prints(page):
    assert len(PAGES[page].examples) == "\n".join(PAGES[page].section("EXAMPLES").lines).count(".Bd") > 0


@pytest.fixture
def example_place(chain, agents, tmp_path, key_file):
    """A directory with the files that the examples name, and a chain whose blocks go on; gives the environment with the
    variables that they name."""
    for name, key in (("owner.key", chain.owner.key.hex()), ("member.key", VECTORS["keys"]["derived"]),
                      ("b.key", PRESETS["simulator"].get_key("/bridge", "ethereum").secret.hex())):
        key_file(key, name=name)
    key_file(json_lines(Account.encrypt(chain.owner.key, "swordfish", kdf="pbkdf2", iterations=1000)),
             name="owner.json")
    key_file("swordfish\n", name="password")
    (tmp_path / "secret.txt").write_text(SECRET)
    (tmp_path / "teebridge.env").write_text("".join(f"{name}={value}\n" for name, value in chain.env.items()))
    (tmp_path / "TEEBridge.json").symlink_to(ARTEFACT_PATH)
    (tmp_path / "proof.json").write_text(json_lines(NEWCOMER))
    log = subprocess.run([sys.executable, ROOT / "Tests" / "support" / "serial-log", "--nul"], capture_output=True,
                         input=json_lines(NEWCOMER).encode(), check=True, timeout=20)
    (tmp_path / "serial.log").write_bytes(log.stdout)
    request = run("abi-encode", "add-allowed-code", "22" * 20, env=chain.env).check_done()
    (tmp_path / "requests.jsonl").write_bytes(request.stdout)

    message = run("ecies-seal", "--sign-with", f"file:{tmp_path / 'b.key'}", "--to-member", A["member_id"],
                  env=chain.env, stdin=SECRET).check_done()
    chain.onboard(B["member_id"], A["member_id"], bytes.fromhex(message.document["payload"][2:]))
    chain.rpc("dev_mine", 2)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    chain.rpc("dev_setBlockTime", 0.1)
    yield ENVIRONMENT | chain.env | agents[0].env | {
        "PATH": f"{BIN}:{ROOT / 'deploy'}:{os.environ['PATH']}", "SECRET": SECRET,
        "A": A["member_id"], "B": B["member_id"], "PUBLIC_KEY": A["dstack_proof"]["derived_compressed_pubkey"],
        "APP_ID": NEWCOMER["app_id"], "OWNER": chain.owner.address, "KMS_ROOT": NEWCOMER["kms_root"],
        "CVM_URL": agents[1].url, "NODE_1": chain.url, "NODE_2": chain.url.replace("127.0.0.1", "localhost"),
        "PORT": str(port), "CONSOLE": str(tmp_path / "console"),
    }
    chain.rpc("dev_setBlockTime", 0)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_examples(example: Example, example_place, tmp_path):
    for name in PROGRAMS:
        program_path(name)
    out, err = tmp_path / "example.out", tmp_path / "example.err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [shutil.which("bash"), "-euo", "pipefail", "-c", example.shell], cwd=tmp_path, env=example_place,
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True)
    try:
        if example.goes_on:
            wait_until(lambda: example.prints in out.read_text() or process.poll() is not None, "it prints nothing", 30)
            assert process.poll() is None, f"it ended\n{err.read_text()}"
            os.killpg(process.pid, signal.SIGTERM)
            assert process.wait(20) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
        else:
            assert process.wait(30) == 0, err.read_text()
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait(20)
    assert example.prints in out.read_text(), err.read_text()
    assert ": error: " not in err.read_text() and ": warning: " not in err.read_text(), err.read_text()
