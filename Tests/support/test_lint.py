"""The checks of `make lint` that are this package's own: each finds the fault that is planted for it."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
PACKAGE = """
        library("Base/Failures"),
        library("HTTP/HTTP", ["CCurl"]),
        library(
            "Ethereum/Sending", ["HTTP"]),
"""
SOUND = "Sources/Shared/HTTP/HTTP/Client.swift"
CODE = """import CCurl
import Failures

/// What asks.
struct Client {
    // A Jury would be import Foundation, or try! it.
    let text = "Jury, Foundation, x!"
}
"""


@pytest.fixture
def package(tmp_path):
    """A package with one sound file, and a function that adds others."""
    for name in ("lint-sources", "lint-traps", "swiftcode.py", "retired-names"):
        (tmp_path / "scripts").mkdir(exist_ok=True)
        shutil.copy(SCRIPTS / name, tmp_path / "scripts")
    for name in ("sizes-allowed", "traps-allowed"):
        (tmp_path / "scripts" / name).write_text("# none\n")
    for module in ("Base/Failures", "Ethereum/Sending"):
        (tmp_path / "Sources/Shared" / module).mkdir(parents=True)
    (tmp_path / "Package.swift").write_text(PACKAGE)

    def add(path, text, lines=40):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n" * (lines - text.count("\n")))
        return tmp_path

    add(SOUND, CODE)
    return add


def findings(root, script, *arguments):
    done = subprocess.run(
        [f"scripts/{script}", *arguments], cwd=root, env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert done.returncode == (1 if lines else 0)
    return lines


def test_a_sound_package_has_no_finding(package):
    root = package(SOUND, CODE)
    assert findings(root, "lint-sources") == []
    assert findings(root, "lint-traps", "Sources") == []


SENDING = "Sources/Shared/Ethereum/Sending/New.swift"
FAULTS = {
    "a C library": (SENDING, "import CCurl\n", "1: only HTTP may import CCurl"),
    "NIO": ("Sources/tx-send/New.swift", "\npackage import NIOHTTP1\n", "2: only HTTPServer may import NIOHTTP1"),
    "ArgumentParser": (
        SENDING, "import ArgumentParser\n",
        "1: only CommandLineTool, NetworkOptions, programs may import ArgumentParser"),
    "Foundation": ("Sources/tx-send/New.swift", "import Foundation\n", "1: no file may import Foundation"),
    "a type of Foundation": (SENDING, "private import struct Foundation.Data\n", "1: no file may import Foundation"),
    "a later layer": (
        SOUND, "@testable import Sending\n",
        "1: HTTP may not import Sending, since Ethereum comes after it in Package.swift"),
    "a name that was given up": (SENDING, "func f(_ jurySize: Int) {}\n", "1: jurySize is called NodeQuorum now"),
}


@pytest.mark.parametrize("path, text, finding", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found(package, path, text, finding):
    assert findings(package(path, text), "lint-sources") == [f"{path}:{finding}"]


def test_programs_may_import_what_they_compose(package):
    text = "import ArgumentParser\nimport HTTP\nimport Sending\nimport FoundationEssentials\n"
    assert findings(package("Sources/tx-send/New.swift", text), "lint-sources") == []


@pytest.mark.parametrize("lines, kind, finding", [
    (29, "short", "has 29 lines, fewer than 30"), (30, "short", None), (400, "long", None),
    (401, "long", "has 401 lines, more than 400"),
])
def test_a_size_needs_a_reason(package, lines, kind, finding):
    root = package(SENDING, "", lines)
    assert findings(root, "lint-sources") == ([f"{SENDING}:1: {finding}"] if finding else [])
    (root / "scripts/sizes-allowed").write_text(f"{SENDING}: {kind} — a reason\n")
    unneeded = f"scripts/sizes-allowed:1: {SENDING} is not {kind} any more"
    assert findings(root, "lint-sources") == ([] if finding else [unneeded])


def test_two_types_of_one_name_are_found(package):
    root = package(SENDING, "    package enum Client {}\n    private struct Other {}\n")
    package("Sources/Shared/Base/Failures/New.swift", "struct Other {}\n")
    assert findings(root, "lint-sources") == [
        f"{path}: there are 2 types called Client" for path in (f"{SENDING}:1", f"{SOUND}:5")]


def test_what_can_trap_needs_a_reason(package):
    root = package(SENDING, "let number = array[0]\n")
    finding = "fixed index: let number = array[0]"
    assert findings(root, "lint-traps", "Sources") == [f"{SENDING}:1: {finding}"]
    (root / "scripts/traps-allowed").write_text(f"{SENDING}: array[0] — it has one\n")
    assert findings(root, "lint-traps", "Sources") == []
    package(SENDING, "let number = array.first\n")
    assert findings(root, "lint-traps", "Sources") == [
        f"traps-allowed:1: nothing traps there any more: {SENDING}: array[0]"]


DOCUMENTED = """/// A client.
package struct Client: CustomStringConvertible {
    /// Its name.
    package let name: String
    var count: Int { name.count }
    package var description: String { name }

    package init(name: String) { self.name = name }

    /// Asks for it.
    ///
    /// - Parameter path: below the endpoint.
    /// - Throws: ``Failed`` if it is not there.
    func get(_ path: String) throws(Failed) {}

    /// Passes on what `body` throws.
    func with<E: Error>(_ body: () throws(E) -> Void) throws(E) { try body() }

    private func hidden() throws {}
}

/// It failed.
struct Failed: Error {}
"""
SYMBOL_GRAPH = ["-emit-symbol-graph", "-symbol-graph-minimum-access-level", "internal",
                "-symbol-graph-skip-synthesized-members", "-emit-symbol-graph-dir"]


@pytest.fixture
def documented(tmp_path):
    """The findings about a source's documentation, compiled as the module HTTP with Package.swift's options."""
    def check(text):
        (tmp_path / "scripts").mkdir()
        shutil.copy(SCRIPTS / "lint-docs", tmp_path / "scripts")
        source = tmp_path / SOUND
        source.parent.mkdir(parents=True)
        source.write_text(text)
        (graphs := tmp_path / ".build/symbol-graphs").mkdir(parents=True)
        subprocess.run(["swiftc", "-emit-module", "-module-name", "HTTP", "-package-name", "test", *SYMBOL_GRAPH, graphs,
                        source], cwd=tmp_path, check=True)
        return [line.removeprefix(f"{SOUND}:") for line in findings(tmp_path, "lint-docs")]
    return check


def test_what_is_documented_has_no_finding(documented):
    assert documented(DOCUMENTED) == []


@pytest.mark.parametrize("old, new, finding", [
    ("/// A client.", "", "2: Client has no documentation"),
    ("    /// Its name.", "", "4: Client.name has no documentation"),
    ("init(name: String) {", "init(_ text: String) { let name = text;", "8: Client.init(_:) has no documentation"),
    ("get(_ path: String)", "get()", "14: Client.get() documents a parameter path, which it does not have"),
    ("- Throws: ``Failed`` if it is not there.", "", "14: Client.get(_:) does not say when it throws Failed"),
    ("    private func", "    func", "19: Client.hidden() has no documentation"),
])
def test_what_lacks_documentation_is_found(documented, old, new, finding):
    assert old in DOCUMENTED
    assert documented(DOCUMENTED.replace(old, new)) == [finding]


def test_a_module_must_have_been_built(tmp_path):
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPTS / "lint-docs", tmp_path / "scripts")
    (tmp_path / "Sources/tx-send").mkdir(parents=True)
    done = subprocess.run(["scripts/lint-docs"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Sources/tx-send: no symbol graph of tx_send; make clean release\n"
