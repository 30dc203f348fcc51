"""Every mistake is named, and what to do about it: exactly, with the status and nothing on standard output."""

import json
import re

import pytest
from eth_account import Account

from harness import BAD_INPUT, NO, PROGRAMS, ROOT, UNREACHABLE, hexed, run
from manual import commands_of, help_of
from proofs import PROOFS, changed
from services import CHAIN_ID, Server, relay
from test_verifiers import compiled, verified  # noqa: F401  (fixtures)

A, B = PROOFS
ADDRESS = "0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72"
MEMBER = A["member_id"]
# A made-up key of the eciesjs suite.
KEY = "95d3c5e483e9b1d4f5fc8e79b2deaf51362980de62dbb082a9a4257eef653d7d"
# 64 bytes: the point of A's key without the 04 in front.
POINT = Account.from_key(KEY)._key_obj.public_key.to_bytes().hex()
OWN = "this is as long as a member id, a hash or a key; an address has 40 hex digits"
IDS = "this is as long as an address; a member id or a hash has 64 hex digits"
RAW = "a raw key is refused where a key source belongs: process lists and shell history would show it"
FILE = "write it to a file that only you can read, and name that with file:PATH"


def check(answer, status: int, error: str, *hints: str) -> None:
    """Assert that this is all that was said, and that no key is in it."""
    expected = [f"error: {error}", *(f"hint: {hint}" for hint in hints)]
    assert answer.stderr.splitlines() == [f"{answer.program}: {line}" for line in expected]
    assert (answer.status, answer.stdout) == (status, b"")
    assert KEY not in answer.stderr and KEY[8:-8] not in answer.stderr


# The command line


@pytest.mark.parametrize("command", [
    command for program in PROGRAMS for command in commands_of(program)], ids=" ".join)
def test_help_is_short_and_has_an_example(command):
    text = run(*command, "--help").check_done().stdout.decode()
    overview, usage, _ = text.partition("\nUSAGE: ")
    assert usage and len(overview.splitlines()) <= 30
    example = re.search(r"^EXAMPLES?\n((?:  .*\n)+)", overview + "\n", re.MULTILINE)
    if command[-1] != "help":
        assert example and " ".join(command) in example[1], text
        assert all(line.startswith("  ") for line in example[1].splitlines())


LISTED = "tx-send --help lists the options"


@pytest.mark.parametrize("words, error, hints", [
    (["tx-send", "--rpc-ulr", "x"], "unknown option '--rpc-ulr'", ["did you mean '--rpc-url'?", LISTED]),
    (["tx-send", "-key", "x"], "unknown option '-key'", ["did you mean '--key'?", LISTED]),
    (["tx-send", "--private-key", KEY], "unknown option '--private-key'", [LISTED]),
    (["tx-send", f"--private-key=0x{KEY}"], "unknown option '--private-key'", [LISTED]),
    (["tx-send", f"--{KEY}"], "unknown option '--…'", [LISTED]),
    (["tx-send", "-k"], "unknown option '-k'", [LISTED]),
    (["tx-send", "--in-flight", "-1"], "missing value for '--in-flight <n>'", [LISTED]),
    (["proof-extract", "-x", "log"], "unknown option '-x'", ["proof-extract --help lists the options"]),
    (["abi-encode", "call", "--too", ADDRESS, "f()"], "unknown option '--too'",
     ["did you mean '--to'?", "abi-encode call --help lists the options"]),
    (["abi-encode", "--bridge", ADDRESS, "register"], "unknown option '--bridge'",
     ["abi-encode --help lists the commands"]),
    (["abi-encode", "regster"], "unknown command 'regster'", ["abi-encode --help lists the commands"]),
    (["abi-encode", "regster", "--bridge", ADDRESS], "unknown command 'regster'",
     ["abi-encode --help lists the commands"]),
    (["abi-encode", KEY], "unknown command '…'", ["abi-encode --help lists the commands"]),
    (["abi-encode", "decode", "reslt", "0x"], "unknown command 'reslt'",
     ["abi-encode decode --help lists the commands"]),
    (["abi-encode", "call", "--to", ADDRESS, "f(int256)", "-1"], "unknown option '-1'",
     ["put -- in front of words that begin with -, and the options before that",
      "abi-encode call --help lists the options"]),
    (["abi-encode", "call"], "missing expected argument '<function>'",
     ["abi-encode call --help lists the options"]),
    (["tx-send", "--key"], "missing value for '--key <source>'", [LISTED]),
    (["inbox-watch", "--format", "x"],
     "the value 'x' is invalid for '--format <format>'. Please provide one of 'json' and 'text'",
     ["inbox-watch --help lists the options"]),
    (["bridge-agent", "word"], "unexpected argument 'word'", ["bridge-agent --help lists the options"]),
    (["bridge-agent", KEY], "unexpected argument '…'", ["bridge-agent --help lists the options"]),
], ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "")
def test_what_the_command_line_should_be(words, error, hints):
    check(run(*words), BAD_INPUT, error, *hints)


def test_what_a_hint_advises_works():
    """Behind -- a number below zero is a word, and =-1 is a value."""
    [document] = run("abi-encode", "call", "--to", ADDRESS, "f(int256)", "--", "-1").check_done().documents
    assert document["data"].endswith("ff" * 32)
    run("tx-send", "--in-flight=-1").check_error(BAD_INPUT, "--in-flight must be from 1 to 256")


@pytest.mark.parametrize("words, names", [
    (["proof-extract", "--all", "--first"], "--all and --first"),
    (["tx-send", "--dry-run", "--call"], "--dry-run and --call"),
    (["tx-send", "--call", "--journal", "x"], "--call and --journal"),
    (["tx-send", "--wait", "--async"], "--wait and --async"),
    (["tx-send", "--dry-run", "--bump-after", "3"], "--dry-run and --bump-after"),
    (["ecies-seal", "--open", "--to-member", MEMBER], "--open and --to-member"),
    (["ecies-seal", "--open", "--sign-with", "env:X"], "--open and --sign-with"),
    (["ecies-seal", "--to-member", MEMBER, "--to-pubkey", POINT], "--to-member and --to-pubkey"),
    (["ecies-seal", "--to-member", MEMBER, "--to-pubkey", POINT, "--recipients", "x"],
     "--to-member, --to-pubkey and --recipients"),
    (["inbox-watch", "--block", "latest", "--confirmations", "2"], "--block and --confirmations"),
    (["inbox-watch", "--verify", "--block-hash", MEMBER, "--quorum", "2"], "--block-hash and --quorum"),
    (["bridge-agent", "--verify", "--block-hash", MEMBER, "--max-age", "2m"], "--block-hash and --max-age"),
    (["abi-encode", "call", "--to", ADDRESS, "f(bool a)", "--arg", "a=true", "true"], "arguments as words and --arg"),
    (["abi-encode", "call", "--to", ADDRESS, "f(bool a)", "--arg", "a=true", "--args-json", "-"], "--arg and --args-json"),
], ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else "")
def test_options_that_exclude_each_other(words, names):
    [error, hint] = run(*words).stderr.splitlines()
    assert error == f"{words[0]}: error: {names} exclude each other: give one of them"
    assert hint.endswith("--help lists the options")


# Times


def times() -> list[tuple[str, ...]]:
    """Every option that takes a time, behind its program."""
    return [(program, option) for program in PROGRAMS for option, text in help_of(program).options.items()
            if "<time>" in text]


@pytest.mark.parametrize("program, option", times())
def test_times_have_units(program, option):
    """Another option is wrong on purpose: it is found first if the time is taken."""
    beside = {"--max-age": ["--verify"], "--exec-timeout": ["--exec", "true"]}.get(
        option, ["--follow"] if program == "proof-extract" else [])
    beside += {"ecies-seal": ["--to-pubkey", POINT], "proof-fetch": ["dstack:"]}.get(program, [])
    if option == "--max-age" and program == "ecies-seal":
        beside = ["--verify", "--to-member", MEMBER]
    for time in ("1.25", "90", "90s", "1.5m", "2h", "24h"):
        run(program, *beside, option, time, "--nonsense").check_error(BAD_INPUT, "unknown option '--nonsense'")
    for time in ("1d", "m", "1 m", "-1s", "1M", "1ms") + (() if option == "--max-age" else ("24.1h", "86401")):
        what = "an age" if option == "--max-age" else "a time from 0 to 24h"
        answer = run(program, *beside, f"{option}={time}")
        answer.check_error(BAD_INPUT, f'is invalid for \'{option} <time>\': not {what}: "{time}"')
        assert answer.messages("hint")[0] == "write seconds, or a number with s, m or h: 90, 90s, 1.5m, 1h"


def test_the_options_that_take_a_time():
    assert {program for program, _ in times()} == set(PROGRAMS) - {"abi-encode", "teebridge"} and len(times()) >= 20


def test_the_time_in_the_environment():
    env = {"ETH_RPC_URL": "http://127.0.0.1:9"}
    answer = run("tx-send", "--call", stdin={"to": ADDRESS}, env=env | {"ETH_TIMEOUT": "1d"})
    check(answer, BAD_INPUT, 'the environment variable ETH_TIMEOUT cannot be used: not a time from 0 to 24h: "1d"',
          "write seconds, or a number with s, m or h: 90, 90s, 1.5m, 1h")
    run("tx-send", "--call", stdin={"to": ADDRESS}, env=env | {"ETH_TIMEOUT": "0.01m"}).check_error(UNREACHABLE)


# Paths that no shell has expanded


HOME = "a shell expands ~ only at the beginning of a word: write $HOME/absent"


@pytest.mark.parametrize("words", [
    ["proof-extract", "~/absent"], ["abi-encode", "register", "--bridge", ADDRESS, "~/absent"],
    ["abi-encode", "deploy", "~/absent"], ["abi-encode", "call", "--to", ADDRESS, "--abi=~/absent", "f"],
    ["abi-encode", "call", "--to", ADDRESS, "--args-json=~/absent", "f(bool)"], ["abi-encode", "decode", "log", "~/absent"],
    ["tx-send", "--key", "file:~/absent"], ["tx-send", "--key", "keystore:~/absent"], ["tx-send", "--journal=~/absent"],
    ["tx-send", "--call", "~/absent"], ["tx-send", "--call", "--cacert=~/absent"],
    ["ecies-seal", "--to-pubkey", POINT, "~/absent"], ["ecies-seal", "--recipients=~/absent", "x"],
    ["ecies-seal", "--to-pubkey", POINT, "--bridge", ADDRESS, "--chain", "1", "--sign-with", "file:~/absent"],
    ["inbox-watch", "--once", "--bridge", ADDRESS, "--state=~/absent"],
    ["inbox-watch", "--once", "--bridge", ADDRESS, "--exec=~/absent"],
    ["inbox-watch", "--once", "--bridge", ADDRESS, "--key", "file:~/absent"],
    ["proof-fetch", "dstack:~/absent"], ["proof-fetch", "--cacert=~/absent", "https://127.0.0.1:9"],
    ["bridge-agent", "--listen", "127.0.0.1:0", "--timeout", "0", "--dstack=~/absent"],
    ["bridge-agent", "--serve-secrets-to=token-file:~/absent"],
], ids=lambda words: " ".join(words)[:60])
def test_a_tilde(words, key_file):
    answer = run(*words, stdin={"to": ADDRESS, "value": "0x1"},
                 env={"ETH_RPC_URL": "http://127.0.0.1:9", "PRIVATE_KEY": KEY, "HOME": "/nowhere"})
    [error] = answer.messages("error")
    assert "~/absent" in error and HOME in answer.messages("hint"), answer
    assert answer.status == (UNREACHABLE if "dstack" in " ".join(words) else BAD_INPUT)


def test_a_password_file_with_a_tilde(key_file):
    keystore = key_file(json.dumps(Account.encrypt(KEY, "x", kdf="pbkdf2", iterations=2)))
    answer = run("tx-send", "--sign-only", "--key", f"keystore:{keystore}", "--password-file=~/absent",
                 stdin={"to": ADDRESS, "value": "0x1"})
    assert answer.messages("hint") == [HOME]


# Descriptors


def test_a_descriptor_that_is_not_open(tmp_path):
    request = {"to": ADDRESS, "value": "0x1"}
    hint = "the shell opens it: --key fd:{0} {0}< FILE"
    env = {"ETH_RPC_URL": "http://127.0.0.1:9"}
    # The journal takes the lowest number that is free.
    for number, options in ((3, []), (9, []), (3, ["--journal", tmp_path / "journal"]), (1, [])):
        answer = run("tx-send", "--key", f"fd:{number}", *options, stdin=request, env=env)
        check(answer, BAD_INPUT, f"the descriptor {number} is not open for reading", hint.format(number))


# Values in each other's place


@pytest.mark.parametrize("words, error, hints", [
    (["register", "--bridge", MEMBER], "the value '0x…' is invalid for '--bridge <address>': 20 bytes are needed, "
     "but there are 32", [OWN, "abi-encode register --help lists the options"]),
    (["add-kms-root", "--bridge", ADDRESS, MEMBER], "the value '0x…' is invalid for '<root>': 20 bytes are needed, "
     "but there are 32", [OWN, "abi-encode add-kms-root --help lists the options"]),
    (["add-kms-root", "--bridge", ADDRESS, "phalabase"], "the value 'phalabase' is invalid for '<root>': not a KMS "
     'root\'s address, public key or name: "phalabase"',
     ["known names: phala-base", "abi-encode add-kms-root --help lists the options"]),
    (["add-kms-root", "--bridge", ADDRESS, ADDRESS[:-1]], f"the value '{ADDRESS[:-1]}' is invalid for '<root>': "
     "40 hex digits are needed, but there are 39", ["is a digit missing?", "abi-encode add-kms-root --help lists the options"]),
    (["add-kms-root", "--bridge", ADDRESS, "04" + POINT[:-1]], "the value '…' is invalid for '<root>': "
     "66, 128 or 130 hex digits are needed, but there are 129",
     ["is a digit missing?", "abi-encode add-kms-root --help lists the options"]),
    *((["remove-allowed-code" if remove else "add-allowed-code", "--bridge", ADDRESS, "ab" * 20 + extra],
       f"the value '{'ab' * 20 + extra}' is invalid for '<code>': 40 or 64 hex digits are needed, but there are "
       f"{40 + len(extra)}", [*hint, f"abi-encode {'remove' if remove else 'add'}-allowed-code --help lists the options"])
      for remove in (False, True) for extra, hint in (("c", ["is there one digit too many?"]), ("cd", []))),
    (["add-verifier", "--bridge", ADDRESS, ADDRESS + "0"], f"the value '{ADDRESS}0' is invalid for '<verifier>': "
     "40 hex digits are needed, but there are 41",
     ["is there one digit too many?", "abi-encode add-verifier --help lists the options"]),
    (["add-compose-hash", "--app", ADDRESS, "ab" * 31 + "c"], "the value '…' is invalid for '<hash>': "
     "64 hex digits are needed, but there are 63",
     ["is a digit missing?", "abi-encode add-compose-hash --help lists the options"]),
    (["add-compose-hash", "--app", ADDRESS[:-1], "ab" * 32], f"the value '{ADDRESS[:-1]}' is invalid for '--app <address>': "
     "40 hex digits are needed, but there are 39",
     ["is a digit missing?", "abi-encode add-compose-hash --help lists the options"]),
    (["register", "--bridge", ADDRESS, "--app-id", "ab" * 19 + "c"], "the value 'ABABc' is invalid for '--app-id <hex>': "
     "40 hex digits are needed, but there are 39".replace("ABABc", "ab" * 19 + "c"),
     ["is a digit missing?", "abi-encode register --help lists the options"]),
    (["call", "--to", ADDRESS, "f(bytes)", "0xabc"], 'argument 1: not a value of type "bytes": "0xabc": expected 0x and '
     "hex digits: hex has an odd number of digits, 3", []),
    (["call", "--to", ADDRESS, "f(address)", MEMBER], 'argument 1: not a value of type "address": "0x…": expected '
     "0x and 40 hex digits: 20 bytes are needed, but there are 32", [OWN]),
    (["call", "--to", ADDRESS, "f(bytes32)", ADDRESS], f'argument 1: not a value of type "bytes32": "{ADDRESS}": '
     "expected 0x and 64 hex digits: 32 bytes are needed, but there are 20", [IDS]),
], ids=lambda value: value[0] if isinstance(value, list) and value else "")
def test_what_a_request_takes(words, error, hints):
    check(run("abi-encode", *words), BAD_INPUT, error, *hints)


def test_what_the_environment_should_name(chain):
    check(run("abi-encode", "add-verifier", ADDRESS, env={"BRIDGE_CONTRACT": MEMBER}), BAD_INPUT,
          "the environment variable BRIDGE_CONTRACT cannot be used: 20 bytes are needed, but there are 32", OWN)
    check(run("tx-send", "--call", stdin={"to": ADDRESS}, env=chain.env | {"CHAIN": "bas"}), BAD_INPUT,
          'the environment variable CHAIN cannot be used: not a chain id or name: "bas"', "known names: base, base-sepolia, mainnet, sepolia")


SEAL = "ecies-seal --help lists the options"


@pytest.mark.parametrize("options, error, hint", [
    (["--to-member", ADDRESS], f"the value '{ADDRESS}' is invalid for '--to-member <id>': 32 bytes are needed, but there "
     "are 20", IDS),
    (["--to-member", "0x" + POINT], "the value '0x…' is invalid for '--to-member <id>': 32 bytes are needed, but there "
     "are 64", "this is as long as a public key; a member id is the key's Keccak-256 hash, which has 64 hex digits"),
    (["--to-pubkey", MEMBER], "the value '0x…' is invalid for '--to-pubkey <hex>': a public key has 33, 64 or 65 bytes, "
     "but this has 32", "32 bytes are a member id; the bridge knows that member's key: use --to-member"),
    (["--to-pubkey", "04" + POINT[:-2]], "the value '…' is invalid for '--to-pubkey <hex>': not a secp256k1 public key: "
     "no such point on the curve",
     "65 bytes begin with 04, 33 with 02 or 03, and 64 are the 65 without the 04: is a digit wrong or missing?"),
], ids=["address", "key", "member", "cut"])
def test_whom_a_message_is_sealed_to(options, error, hint):
    check(run("ecies-seal", *options, stdin=b"text"), BAD_INPUT, error, hint, SEAL)


ROOT_ADDRESS = "0x52d3CF51c8A37A2CCfC79bBb98c7810d7Dd4CE51"


def test_roots_by_name_where_an_address_is_meant(tmp_path):
    """In the arguments of a deployment or a call, however they are given; a string stays what it is."""
    artefact = ROOT / "contracts" / "TEEBridge.json"
    file = tmp_path / "arguments.json"
    forms = (["[{}]"], ["--arg", "kmsRoots=[{}, 0x" + "11" * 20 + "]"], ["--args-json", file])
    for form in forms:
        documents = []
        for name in ("phala-base", ROOT_ADDRESS):
            file.write_text(json.dumps([[name]]))
            words = [str(word).format(name) for word in form]
            documents.append(run("abi-encode", "deploy", artefact, *words).check_done().document)
        assert documents[0] == documents[1]
    call = ["abi-encode", "call", "--to", ADDRESS]
    by_name = run(*call, "f(address,string)", "phala-base", "phala-base").check_done().document
    assert by_name == run(*call, "f(address,string)", ROOT_ADDRESS, "phala-base").check_done().document
    assert b"phala-base".hex() in by_name["data"]
    run(*call, "f(address)", "phalabase").check_error(BAD_INPUT, 'not a value of type "address": "phalabase"')


def test_a_public_key_without_its_04_is_one():
    for form in (POINT, "0x" + POINT, "04" + POINT):
        run("ecies-seal", "--to-pubkey", form, stdin=b"text").check_done()


@pytest.mark.parametrize("form", [KEY, "0x" + KEY, f"file:{KEY}", f"env:0x{KEY}"])
@pytest.mark.parametrize("program", ["tx-send", "inbox-watch", "ecies-seal"])
def test_a_raw_key_is_refused_before_anything_else(program, form):
    """Nothing else needs to be set for that."""
    check(run(program, "--key", form), BAD_INPUT, RAW, FILE, f"{program} --help lists the options")


def test_a_raw_key_where_a_file_belongs(chain, owner_key):
    answer = run("tx-send", "--key", owner_key, KEY, env=chain.env)
    check(answer, BAD_INPUT, 'cannot open "…": no such file or directory',
          "expected a file name; if this is a key, it is now in the shell's history: replace it")


QUOTES = "remove the quotes: a shell would, but here they are part of the value"


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_that_no_shell_has_taken_off(chain, key_file, quote):
    """As docker's --env-file and some .env files leave them."""
    request, quoted = {"to": ADDRESS, "data": "0x01"}, f"{quote}0x{KEY}{quote}"
    file = key_file(quoted + "\n")
    for source, name in ((f"file:{file}", file), ("env:OWNER", "OWNER")):
        check(run("tx-send", "--sign-only", "--key", source, stdin=request, env={"OWNER": quoted}), BAD_INPUT,
              f'the key from "{name}" is in quotes', QUOTES)
    check(run("tx-send", "--sign-only", stdin=request, env={"TEEBRIDGE_KEY": f"{quote}file:key{quote}"}), BAD_INPUT,
          f'not a key source: "{quote}file:key{quote}"', QUOTES)
    url = chain.env["ETH_RPC_URL"]
    for program, name, value in (("abi-encode", "BRIDGE_CONTRACT", ADDRESS), ("tx-send", "CHAIN", "base"),
                                 ("tx-send", "ETH_RPC_URL", url)):
        words = ("add-verifier", ADDRESS) if program == "abi-encode" else ("--call",)
        answer = run(program, *words, stdin=request, env=chain.env | {name: f"{quote}{value}{quote}"})
        answer.check_error(BAD_INPUT, f"the environment variable {name} cannot be used: ")
        assert answer.messages("hint") == [QUOTES]


# Services


PLAIN = "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>"


@pytest.mark.parametrize("reply", [
    (301, b"", {"Location": "https://node.example.org/"}), (308, b"moved", {"Location": "HTTPS://node.example.org/"}),
    (400, PLAIN.encode()), (400, b"Client sent an HTTP request to an HTTPS server.\n"),
], ids=["301", "308", "nginx", "go"])
def test_a_server_that_wants_https(reply, owner_key):
    hint = "use https:// instead of http:// in the URL"
    request = {"to": ADDRESS, "data": "0x01"}
    with Server(lambda *_: reply) as server:
        error = f"{server.url}: the server accepts only https, but the URL says http"
        check(run("proof-fetch", server.url), UNREACHABLE, error, hint)
        for words in (["--call"], ["--key", owner_key]):
            check(run("tx-send", *words, "--rpc-url", server.url, stdin=request), UNREACHABLE, error, hint)


@pytest.mark.parametrize("reply, error, hint", [
    ((302, b"", {"Location": "/login"}), "answered HTTP status 302",
     "the server redirects, and redirects are not followed: check the URL"),
    ((404, b""), "answered HTTP status 404", "the server has nothing at this path: check the URL"),
    ((401, b""), "answered HTTP status 401",
     "the server requires an API key, or does not accept this one: check the URL and the key in it"),
], ids=["redirect", "path", "key"])
def test_other_statuses(reply, error, hint):
    with Server(lambda *_: reply) as server:
        check(run("proof-fetch", server.url), UNREACHABLE, f"{server.url}: {error}", hint)
        check(run("tx-send", "--call", "--rpc-url", server.url, stdin={"to": ADDRESS}), UNREACHABLE,
              f"{server.url}: {error}", hint)


def test_https_where_there_is_only_http():
    with Server(lambda *_: (200, b"")) as server:
        answer = run("proof-fetch", server.url.replace("http:", "https:"))
    answer.check_error(UNREACHABLE, "no trusted TLS connection")
    assert answer.messages("hint") == [
        "the server does not speak TLS there: is the port right? if so, use http:// instead of https://"]


# Proofs


def test_a_proof_of_another_purpose(agents):
    error = 'the proof was made for the purpose "tls", not for "ethereum"'
    hint = 'the CVM must ask its guest agent for the key with purpose "ethereum"'
    document = changed(A, "dstack_proof.purpose", "tls")
    socket = agents[0].socket
    check(run("proof-fetch", "--purpose", "tls", f"dstack:{socket}"), NO,
          f'the proof from "{socket}" is invalid: {error}', hint)
    check(run("abi-encode", "register", "--bridge", ADDRESS, stdin=document), NO, error, hint)
    with Server(lambda *_: (200, json.dumps(document).encode())) as server:
        check(run("proof-fetch", server.url), NO, f"the proof from {server.url} is invalid: {error}", hint)


# Sending


@pytest.fixture
def send(chain, owner_key):
    return lambda *words, key=owner_key, **options: run("tx-send", "--key", key, *words, env=chain.env, **options)


def test_another_chain(chain, send):
    hint = "name a node on chain 8453 with --rpc-url, or the intended chain with --chain; a request may name one " \
        "as well"
    check(send("--chain", "base", stdin={"to": ADDRESS, "data": "0x"}), BAD_INPUT,
          f"the node is on chain {CHAIN_ID}, not on chain 8453", hint)
    check(run("ecies-seal", "--chain", "base", "--to-member", MEMBER, env=chain.env, stdin=b"x"), BAD_INPUT,
          f"the node is on chain {CHAIN_ID}, not on chain 8453",
          f"name a node on chain 8453 with --rpc-url, or chain {CHAIN_ID} with --chain")


def test_too_little_ether(chain, send, key_file):
    poor = Account.from_key(KEY).address
    assert chain.rpc("dev_setBalance", poor, hex(10**15))
    answer = send(key=f"file:{key_file(KEY, name='poor')}", stdin={"to": ADDRESS, "value": hex(10**18)})
    [error] = answer.messages("error")
    said = re.fullmatch(rf"{poor} has 0\.001 ether, but the transactions may cost ([\d.]+) ether, ([\d.]+) ether more",
                        error)
    needed, missing = map(float, said.groups())
    assert 1 <= needed < 1.01 and missing == pytest.approx(needed - 0.001)
    check(answer, NO, error, f"send ether to {poor} on this chain; --dry-run shows what the requests may "
          "cost, and --max-fee limits it")


def refusing(chain, method: str, message: str, balance: int | None = None):
    """A node that answers one method with an error, and knows only so much of anybody's ether after that."""
    refused = []

    def refuse(call, answer):
        if call["method"].startswith(method):
            refused.append(call)
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32000, "message": message}}
        if refused and balance is not None and call["method"] == "eth_getBalance":
            return answer | {"result": hex(balance)}
        return answer

    return relay(chain.url, refuse)


FUNDS = [
    "insufficient funds for gas * price + value: balance 7, tx cost 9, overshot 2", "InsufficientFunds, Balance is 7",
    "Upfront cost exceeds account balance", "Sender doesn't have enough funds to send tx", "not enough funds for gas",
    "transaction would cause overdraft",
]


@pytest.mark.parametrize("message", FUNDS)
def test_a_node_that_says_funds_are_short(chain, owner_key, message):
    """As our own check says it: what is there, what is needed, and what lacks."""
    request = {"to": chain.stranger.address, "value": "0x1"}
    for balance in (10**12, None):
        with refusing(chain, "eth_sendRawTransaction", message, balance) as node:
            answer = run("tx-send", "--key", owner_key, env=chain.env | {"ETH_RPC_URL": node.url}, stdin=request)
        assert (answer.status, answer.stdout) == (NO, b"")
        [error], [hint] = answer.messages("error"), answer.messages("hint")
        if balance:
            said = re.fullmatch(rf"{chain.owner.address} has 0\.000001 ether, but the transactions may cost ([\d.]+) ether, "
                                r"([\d.]+) ether more", error)
            assert float(said[1]) - 10**-6 == pytest.approx(float(said[2]))
        else:
            assert error.startswith(f'the node rejected the transaction: "{message}"; {chain.owner.address} has ')
            assert re.search(r" has [\d.]+ ether, and the transactions may cost [\d.]+ ether$", error)
        assert hint.startswith(f"send ether to {chain.owner.address} on this chain; ")


def test_a_node_that_says_so_of_a_call(chain, owner_key):
    poor = {"to": chain.bridge.address, "data": "0x8da5cb5b", "value": hex(10**18), "from": ADDRESS}
    answer = run("tx-send", "--call", stdin=poor, env=chain.env)
    check(answer, NO, f"{ADDRESS} has 0 ether, but the transactions may cost 1 ether, 1 ether more",
          f"send ether to {ADDRESS} on this chain; --dry-run shows what the requests may cost, and --max-fee limits it")
    with refusing(chain, "eth_estimateGas", "insufficient funds for transfer", 7) as node:
        answer = run("tx-send", "--sign-only", "--key", owner_key, env=chain.env | {"ETH_RPC_URL": node.url},
                     stdin={"to": ADDRESS, "value": "0x9"})
    answer.check_error(NO, f"{chain.owner.address} has 0.000000000000000007 ether, but the transactions may cost ",
                       "0.000000000000000002 ether more")


@pytest.mark.parametrize("message, hint", [
    ("exceeds block gas limit", "check the request: --dry-run shows what it would do and cost"),
])
def test_what_the_node_refuses(chain, owner_key, message, hint):
    with refusing(chain, "eth_sendRawTransaction", message) as node:
        answer = run("tx-send", "--key", owner_key, env=chain.env | {"ETH_RPC_URL": node.url},
                     stdin={"to": chain.stranger.address, "value": "0x1"})
    assert (answer.status, answer.stdout) == (UNREACHABLE, b"")
    assert re.sub("0x[0-9a-f]{64}", "HASH", answer.stderr).splitlines() == [
        "tx-send: sending HASH", f'tx-send: error: the node rejected the transaction: "{message}"',
        f"tx-send: hint: {hint}"]


def reverted(answer, label: str) -> tuple[str, ...]:
    """The hints of a request that would revert, for want of the function."""
    assert answer.status == NO and answer.document["revert"] == {"data": "0x"}
    assert answer.messages("error") == [f'"{label}" would revert: no reason given']
    return tuple(answer.messages("hint"))


def test_a_request_for_the_other_version_of_the_bridge(chain, verified, send):  # noqa: F811
    def encode(bridge, *words, stdin=b""):
        return run("abi-encode", words[0], "--bridge", bridge, *words[1:], stdin=stdin).check_done().document

    roots = ("a bridge with verifiers has no KMS roots: they are on the verifier's list; name the verifier with --bridge",)
    verifiers = ("a bridge without verifiers has none to allow: its KMS roots are on its own list",)
    v1, v2 = chain.bridge.address, verified.bridge
    for bridge, words, label, hints in (
        (v2, ["register"], "registerDstack",
         ("a bridge with verifiers has no registerDstack: name the verifier, as abi-encode register --verifier 0x…",)),
        (v1, ["register", "--verifier", verified.verifier], "register",
         ("a bridge without verifiers has no register: leave --verifier out of abi-encode register",)),
        (v2, ["add-kms-root", ADDRESS], "addKmsRoot", roots), (v1, ["add-verifier", ADDRESS], "addVerifier", verifiers),
    ):
        request = encode(bridge, *words, stdin=B if words[0] == "register" else b"")
        request.pop("unless")
        for mode in ([], ["--dry-run"]):
            assert reverted(send(*mode, stdin=request), label) == hints


def test_what_the_bridge_refuses(chain, send, key_file):
    def encode(*words, stdin=b""):
        [*_, last] = run("abi-encode", *words, env=chain.env, stdin=stdin).check_done().documents
        return {name: last[name] for name in ("label", "to", "data")}

    stranger = f"file:{key_file(hexed(chain.stranger.key), name='stranger')}"
    sealed = {"from_member": "0x" + "11" * 32, "to_member": "0x" + "22" * 32, "payload": "0x02"}
    chain.deploy()
    for key, request, error, hint in (
        (stranger, encode("add-kms-root", ADDRESS), '"addKmsRoot" would revert: NotOwner()',
         "only the bridge's owner may do this: is --key the owner's, and the bridge the right one?"),
        (stranger, encode("register", stdin=A), '"registerDstack" would revert: InvalidDstackSignature()',
         "is the proof's KMS root allowed? The owner allows it: abi-encode add-kms-root, or register --allow"),
        (stranger, encode("onboard", stdin=sealed), '"onboard" would revert: MemberNotFound()',
         "sender and recipient must both be members of this bridge: abi-encode register"),
    ):
        answer = send(key=key, stdin=request)
        assert (answer.messages("error"), answer.messages("hint")) == ([error], [hint])
    chain.transact(chain.bridge.functions.addKmsRoot(A["kms_root"]))
    answer = send(stdin=encode("register", stdin=A))
    assert answer.messages("hint") == [
        "the owner allows the code first: abi-encode add-allowed-code, or register --allow"]
