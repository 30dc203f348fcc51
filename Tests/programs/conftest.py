"""Fixtures of the program tests: a chain with a bridge and two members, guest agents, odd web servers."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(TESTS / "support"), str(TESTS / "contract")]

import pytest  # noqa: E402  (the modules below need the path above)

import harness  # noqa: E402
import sending  # noqa: E402
import services  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "address: reads hostile input or calls C; run under AddressSanitizer too")
    config.addinivalue_line("markers", "thread: runs programs that have several threads; run under ThreadSanitizer too")
    config.addinivalue_line("markers", "long: waits for a quarter of a minute or more; begins first")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Let what is long begin first, so that nothing is left to wait for at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def runtime_directory(tmp_path_factory):
    """Keeps the programs' locks apart from those of the machine's user and of other tests on it."""
    harness.ENVIRONMENT["XDG_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="session")
def run():
    """Runs a program: run(NAME, *ARGUMENTS, stdin=, env=, timeout=)."""
    return harness.run


@pytest.fixture(scope="session")
def shared_chain():
    """One chain for all tests, with a bridge that the published proofs are members of."""
    with services.dev_chain() as node:
        yield services.bridge_chain(node)


@pytest.fixture
def chain(shared_chain):
    """The shared chain, which forgets what the test did."""
    snapshot, bridge = shared_chain.rpc("evm_snapshot"), shared_chain.bridge
    # Of a chain whose last block is old, programs say so.
    shared_chain.rpc("dev_mine")
    yield shared_chain
    shared_chain.bridge = bridge
    shared_chain.rpc("evm_revert", snapshot)
    shared_chain.rpc("dev_setAutomine", True)


# Chains whose accounts each serve one test


@pytest.fixture(scope="session")
def at_once():
    """Mines each transaction as it comes."""
    with sending.running_ledger(accounts=800) as ledger:
        yield ledger


@pytest.fixture(scope="session")
def in_sync():
    """Answers whoever hands over a transaction with its receipt, if asked to."""
    with sending.running_ledger("--send-sync", accounts=400) as ledger:
        yield ledger


@pytest.fixture(scope="session")
def at_intervals():
    with sending.running_ledger("--block-time", "0.3", accounts=200) as ledger:
        yield ledger


@pytest.fixture(scope="session")
def still():
    """No blocks but those that are asked for."""
    with sending.running_ledger("--manual", accounts=300) as ledger:
        yield ledger


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "sent.jsonl"


@pytest.fixture(scope="session")
def agents(tmp_path_factory):
    """Guest agents of two KMS roots, in the order of the published proofs."""
    directory = tmp_path_factory.mktemp("agents")
    with services.running_agent(directory / "a", "--preset", "cross-sdk") as first:
        with services.running_agent(directory / "b", "--preset", "simulator") as second:
            yield first, second


@pytest.fixture
def key_file(tmp_path):
    """Writes a key file: key_file(TEXT, mode=0o600)."""

    def write(text: str, mode: int = 0o600, name: str = "key"):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def owner_key(chain, key_file) -> str:
    """The source of the bridge owner's key."""
    return f"file:{key_file(chain.owner.key.hex(), name='owner.key')}"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate of 127.0.0.1, and its key."""
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=teebridge test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", directory / "key.pem",
         "-out", directory / "cert.pem"], check=True, capture_output=True)
    return directory / "cert.pem", directory / "key.pem"
