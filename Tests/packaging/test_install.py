"""make install, uninstall and dist: what is put where, by whom, and that nothing else is touched."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

from harness import BIN, ENVIRONMENT, PROGRAMS, ROOT

NOBODY = 65534
SECONDS = 120
VERSION = re.search(r'"(.+)"', (ROOT / "Sources/Shared/CommandLine/CommandLineTool/Version.swift").read_text())[1]
# What make is to take from nowhere but its command line.
SETTINGS = {"HOME": "/nonexistent", **ENVIRONMENT}


def make(*arguments, umask: int = 0o022, environment: dict | None = None, **options) -> subprocess.CompletedProcess:
    """Run make on the programs that are tested."""
    return subprocess.run(["make", "--no-print-directory", "-C", ROOT, f"BUILD={BIN}", *map(str, arguments)],
                          capture_output=True, text=True, timeout=SECONDS, umask=umask,
                          env=SETTINGS | (environment or {}), **options)


def check(done: subprocess.CompletedProcess) -> None:
    """Assert that all went well and nothing was said."""
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done


def files(root: Path) -> dict[str, tuple[str, str]]:
    """The mode and the hash of each file below a directory."""
    return {str(path.relative_to(root)): (oct(stat.S_IMODE(path.stat().st_mode)),
                                          hashlib.sha256(path.read_bytes()).hexdigest())
            for path in root.rglob("*") if not path.is_dir()}


def expected(zsh: str = "site-functions") -> dict[str, str]:
    """The mode of each file that belongs below PREFIX."""
    result = {}
    for program in PROGRAMS:
        result[f"bin/{program}"] = "0o755"
        result[f"share/bash-completion/completions/{program}"] = "0o644"
        result[f"share/zsh/{zsh}/_{program}"] = "0o644"
        result[f"share/fish/vendor_completions.d/{program}.fish"] = "0o644"
    for page in (ROOT / "man").iterdir():
        result[f"share/man/man{page.suffix[1:]}/{page.name}"] = "0o644"
    for file in ("TEEBridge.json", *(recipe.name for recipe in (ROOT / "recipes").glob("*.mk")),
                 *(f"example/{example.name}" for example in (ROOT / "docs/example").iterdir())):
        result[f"share/teebridge/{file}"] = "0o644"
    for file in (ROOT / "deploy").glob("*"):
        if not file.name.startswith("Dockerfile"):
            place = "bin" if file.name == "on-secret" else "share/teebridge/deploy"
            result[f"{place}/{file.name}"] = "0o755" if os.access(file, os.X_OK) else "0o644"
    for page in ("index", "cookbook", "deploy", "security", "all", *(page.name for page in (ROOT / "man").iterdir())):
        result[f"share/doc/teebridge/html/{page}.html"] = "0o644"
    return result | dict.fromkeys((f"share/doc/teebridge/html/{file}" for file in ("style.css", "dataflow.svg")), "0o644")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A prefix with everything in it."""
    prefix = tmp_path_factory.mktemp("installed") / "prefix"
    check(make("install", f"PREFIX={prefix}"))
    return prefix


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> str:
    """Small programs in the place of those that are tested: where it matters only what becomes of their files."""
    directory = tmp_path_factory.mktemp("built")
    for program in PROGRAMS:
        shutil.copy("/bin/echo", directory / program)
    return f"BUILD={directory}"


# What is installed, and where


@pytest.mark.parametrize("prefix, zsh, umask", [("/usr/local", "site-functions", 0o000),
                                                ("/usr", "vendor-completions", 0o077),
                                                ("/opt/with blank & $sign/", "site-functions", 0o027)])
def test_files_and_modes_are_the_same_for_every_umask(tmp_path, built, prefix, zsh, umask):
    root = tmp_path / "image of a disk"
    check(make("install", built, f"DESTDIR={root}", f"PREFIX={prefix.replace('$', '$$')}", umask=umask))
    below = root / prefix.strip("/")
    assert {name: mode for name, (mode, _) in files(below).items()} == expected(zsh)
    assert len(files(root)) == len(files(below))
    assert {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_dir()} == {0o755}


def test_the_default_is_usr_local(tmp_path, built):
    check(make("install", built, f"DESTDIR={tmp_path}"))
    assert files(tmp_path).keys() == {f"usr/local/{name}" for name in expected()}


def test_a_user_installs_below_a_directory_and_nowhere_else():
    """Whoever may write to nothing but DESTDIR and TMPDIR can do it, and the latter is left empty."""
    prefix = f"/teebridge-{os.getpid()}"
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    # pytest's own directories are closed to others.
    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as temporary:
        for directory in (root, temporary):
            os.chown(directory, *([NOBODY, NOBODY] if user else [-1, -1]))
        if subprocess.run(["test", "-r", ROOT / "Makefile", "-a", "-x", BIN / PROGRAMS[0]], **user).returncode != 0:
            pytest.skip("no other user can read the sources and the programs")
        for target, expectation in (("install", expected().keys()), ("uninstall", set())):
            check(make(target, f"DESTDIR={root}", f"PREFIX={prefix}", environment={"TMPDIR": temporary}, **user))
            assert {f"{prefix[1:]}/{name}" for name in expectation} == files(Path(root)).keys()
            assert os.listdir(temporary) == [] and not Path(prefix).exists()


def test_twice_is_once(tmp_path, built):
    check(make("install", built, f"DESTDIR={tmp_path}"))
    first = files(tmp_path)
    check(make("install", built, f"DESTDIR={tmp_path}"))
    assert files(tmp_path) == first


def test_a_running_program_is_replaced(tmp_path):
    check(make("install", f"PREFIX={tmp_path}"))
    with subprocess.Popen([tmp_path / "bin/proof-extract"], stdin=subprocess.PIPE) as running:
        check(make("install", f"PREFIX={tmp_path}"))
        assert running.poll() is None
        running.communicate(timeout=SECONDS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_installed_programs_run_and_are_stripped(installed, program):
    path = installed / "bin" / program
    done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=SECONDS, env=ENVIRONMENT)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{VERSION}\n", "")
    sections = subprocess.run(["readelf", "--section-headers", "--wide", path], capture_output=True, text=True,
                              check=True, timeout=SECONDS).stdout
    assert ".text" in sections and ".symtab" not in sections and ".debug" not in sections


def test_units_name_what_is_installed(installed):
    named = set()
    for file in (installed / "share/teebridge").glob("deploy/*.*"):
        text = file.read_text()
        assert "/usr/local/bin" not in text, file.name
        named |= set(re.findall(rf"{re.escape(str(installed))}/[\w/-]+(?=[ \n])", text))
    if not named:
        pytest.skip("there are no units")
    assert {installed / "bin/inbox-watch", installed / "bin/on-secret"} <= set(map(Path, named))
    assert all(os.access(path, os.X_OK) for path in named)


# Completions


LOADS = {
    "bash": 'bash -n "$1" && . "$1" && complete -p "$2"',
    # As a shell of the user's finds it: by its name, along fpath.
    "zsh": 'zsh -n "$1" && fpath=("${1:h}" $fpath) && autoload -Uz compinit && compinit -D -u'
           ' && [[ $_comps[$2] == _$2 ]] && autoload +X _$2',
    "fish": 'fish --no-execute $argv[1]; and source $argv[1]; and complete --do-complete "$argv[2] --" | grep -e --version',
}


@pytest.mark.parametrize("shell, place", [("bash", "bash-completion/completions/{}"),
                                          ("zsh", "zsh/site-functions/_{}"),
                                          ("fish", "fish/vendor_completions.d/{}.fish")])
@pytest.mark.parametrize("program", PROGRAMS)
def test_completions_load(installed, tmp_path, program, shell, place):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = installed / "share" / place.format(program)
    clean = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    arguments = [script, program] if shell == "fish" else [shell, script, program]
    path = {"PATH": f"{installed}/bin:{ENVIRONMENT['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run([shell, *clean, "-c", LOADS[shell], *arguments], capture_output=True, text=True,
                          timeout=SECONDS, env=ENVIRONMENT | path)
    assert (done.returncode, done.stderr) == (0, ""), done


# What is refused, before anything is written


def test_programs_that_are_not_built(tmp_path):
    done = make("install", f"DESTDIR={tmp_path / 'root'}", f"BUILD={tmp_path}")
    assert done.returncode != 0 and "install: error: " in done.stderr and "install: hint: make release" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_relative_prefix(tmp_path):
    done = make("install", f"DESTDIR={tmp_path / 'root'}/", "PREFIX=usr")
    assert done.returncode != 0 and "install: error: PREFIX 'usr' is not absolute" in done.stderr
    assert list(tmp_path.iterdir()) == []


# Removal


def test_uninstall_removes_what_was_installed(tmp_path, built):
    foreign = ["bin/another", "share/man/man7/another.7", "share/zsh/site-functions/_another"]
    for name in foreign:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("another's\n")
    check(make("install", built, f"PREFIX={tmp_path}"))
    check(make("uninstall", f"PREFIX={tmp_path}"))
    assert files(tmp_path).keys() == set(foreign)
    assert not any((tmp_path / "share" / each).exists() for each in ("teebridge", "doc/teebridge"))
    # What is not there need not be removed.
    check(make("uninstall", f"PREFIX={tmp_path}"))


def test_uninstall_keeps_what_a_user_put_beside(tmp_path, built):
    check(make("install", built, f"PREFIX={tmp_path}"))
    mine = tmp_path / "share/teebridge/mine.mk"
    mine.write_text("all:\n")
    check(make("uninstall", f"PREFIX={tmp_path}"))
    assert list(files(tmp_path)) == ["share/teebridge/mine.mk"]


def test_uninstall_needs_no_built_programs(tmp_path, built):
    check(make("install", built, f"PREFIX={tmp_path}"))
    check(make("uninstall", f"PREFIX={tmp_path}", "BUILD=/nonexistent"))
    assert files(tmp_path) == {}


# The source archive


def test_the_archive_is_reproducible_and_can_be_built(tmp_path):
    """In one test, for make knows one place for it alone."""
    if not (ROOT / ".git").exists():
        pytest.skip("these sources are no git repository")
    archive = ROOT / ".build" / "dist" / f"teebridge-{VERSION}.tar.gz"
    archive.unlink(missing_ok=True)
    assert make("dist").returncode == 0
    first = archive.read_bytes()
    settings = tmp_path / "gitconfig"
    settings.write_text('[tar]\n\tumask = 0077\n[tar "tar.gz"]\n\tcommand = gzip -1\n')
    assert make("dist", umask=0o077, environment={"GIT_CONFIG_GLOBAL": str(settings)}).returncode == 0
    assert archive.read_bytes() == first
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert {name.split("/")[0] for name in names} == {f"teebridge-{VERSION}"}
        tar.extractall(tmp_path)
    sources = tmp_path / f"teebridge-{VERSION}"
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    described = subprocess.run(["swift", "package", "describe"], cwd=sources, capture_output=True, text=True,
                               timeout=SECONDS, env=os.environ | nowhere)
    assert described.returncode == 0 and all(f"Name: {program}\n" in described.stdout for program in PROGRAMS)
    planned = subprocess.run(["make", "-n", "release"], cwd=sources, capture_output=True, text=True,
                             timeout=SECONDS, env=ENVIRONMENT)
    assert planned.returncode == 0 and "scripts/release" in planned.stdout
