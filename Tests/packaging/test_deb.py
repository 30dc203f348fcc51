"""The Debian package: what it says of itself, and that it works where there never was a Swift toolchain.

`make test-deb` builds it and runs this.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ecies
import pytest

from harness import BAD_INPUT, ENVIRONMENT, PROGRAMS, ROOT
from proofs import PROOFS, calldata

VERSION = re.search(r'"(.+)"', (ROOT / "Sources/Shared/CommandLine/CommandLineTool/Version.swift").read_text())[1]
RELEASE = "bookworm"
# How long debootstrap or apt may take.
SECONDS = 300
# The way to Debian's archive may lead through a proxy.
PROXIES = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
SYSTEM = ENVIRONMENT | PROXIES | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
SECRET_KEY = "01" * 32
PUBLIC_KEY = "031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
BRIDGE = "0x" + "11" * 20
# Starts a command in a root of its own, with a /proc that goes when it ends; so do its children.
INSIDE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--root")


def attempt(*command, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*map(os.fspath, command)], capture_output=True, timeout=SECONDS, env=SYSTEM, **options)


def output(*command, **options) -> bytes:
    """What a command prints that ends well."""
    done = attempt(*command, **options)
    assert done.returncode == 0, done
    return done.stdout


@pytest.fixture(scope="session")
def package() -> Path:
    architecture = output("dpkg", "--print-architecture").decode().strip()
    path = ROOT / ".build" / "dist" / f"teebridge_{VERSION}_{architecture}.deb"
    assert path.exists(), "the package is not built: make deb"
    return path


# What the package says


def test_lintian_has_nothing_against_it(package):
    output("lintian", "--fail-on", "error,warning", package)


def test_it_depends_on_what_the_programs_load(package):
    assert output("dpkg-deb", "--field", package, "Version").decode().strip() == VERSION
    depends = output("dpkg-deb", "--field", package, "Depends").decode()
    names = {dependency.split()[0] for dependency in depends.split(", ")}
    assert names == {"libc6", "libcurl4", "libsecp256k1-1", "libssl3"}


def test_all_of_it_is_roots_and_nobody_else_writes_to_it(package):
    lines = output("dpkg-deb", "--contents", package).decode().splitlines()
    assert lines and all(re.match(r"(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--) root/root ", line) for line in lines)


def test_documents_are_where_debian_looks_and_compressed(package):
    lines = output("dpkg-deb", "--contents", package).decode().splitlines()
    names = {line.split()[5].removeprefix("./usr/share/") for line in lines}
    pages = {f"man/man{page.suffix[1:]}/{page.name}.gz" for page in (ROOT / "man").iterdir()}
    assert {"doc/teebridge/copyright", "doc/teebridge/changelog.gz"} | pages <= names
    assert not {page.removesuffix(".gz") for page in pages} & names


# What it does in a Debian that has nothing else


def mirror() -> str:
    """Where apt, as it is set up here, gets Debian from."""
    sites = output("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", f"Codename: {RELEASE}",
                   "Component: main").decode().split()
    if not sites:
        pytest.skip(f"apt knows no archive of {RELEASE}: apt-get update")
    return sites[0]


@pytest.fixture(scope="session")
def debian(package) -> Iterator[Path]:
    """The root of a minimal Debian with the package in it."""
    if os.geteuid() != 0:
        pytest.skip("debootstrap and chroot take root")
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed: scripts/setup --packaging")
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "root"
        made = attempt("debootstrap", "--variant=minbase", RELEASE, root, mirror())
        if made.returncode != 0:
            pytest.skip(f"debootstrap: {(made.stdout + made.stderr).decode().strip().splitlines()[-1]}")
        if attempt(*INSIDE, root, "true").returncode != 0:
            pytest.skip("a root and namespaces of its own cannot be given to a process here")
        shutil.copy(package, root / "tmp")
        output(*INSIDE, root, "apt-get", "install", "--yes", "--no-install-recommends", f"/tmp/{package.name}")
        yield root


def test_there_is_no_toolchain(debian):
    for command in ("swift", "swiftc", "clang", "gcc", "cc", "ld"):
        assert attempt(*INSIDE, debian, "which", command).returncode != 0, command
    assert output(*INSIDE, debian, "find", "/", "-xdev", "-iname", "*libswift*") == b""


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_starts(debian, program):
    assert output(*INSIDE, debian, program, "--version") == f"{VERSION}\n".encode()


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_proc_nothing_is_done(debian, program):
    """The options cannot be known."""
    done = attempt("chroot", debian, program, "--version")
    message = f"{program}: error: the command line cannot be read: /proc is not mounted\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (BAD_INPUT, b"", message)


def test_a_proof_is_extracted_and_encoded(debian):
    log = output(sys.executable, ROOT / "Tests" / "support" / "serial-log", input=json.dumps(PROOFS[0]).encode())
    proof = output(*INSIDE, debian, "proof-extract", input=log)
    assert json.loads(proof) == PROOFS[0]
    request = json.loads(output(*INSIDE, debian, "abi-encode", "register", "--bridge", BRIDGE, input=proof))
    assert (request["to"], request["data"]) == (BRIDGE, calldata(PROOFS[0]))


def test_a_secret_is_sealed(debian):
    sealed = output(*INSIDE, debian, "ecies-seal", "--to-pubkey", PUBLIC_KEY, "--output", "raw", input=b"a secret")
    assert ecies.decrypt(SECRET_KEY, sealed) == b"a secret"


def test_nothing_is_left_of_it(debian):
    """The last test of this file, since it removes the package."""
    names = output(*INSIDE, debian, "dpkg", "--listfiles", "teebridge").decode().splitlines()
    files = [debian / name[1:] for name in names if not (debian / name[1:]).is_dir()]
    assert {debian / "usr/bin" / program for program in PROGRAMS} <= set(files)
    assert all(file.exists() for file in files)
    output(*INSIDE, debian, "dpkg", "--purge", "teebridge")
    assert not any(file.exists() for file in files)
    assert output(*INSIDE, debian, "find", "/usr", "-iname", "*teebridge*") == b""
