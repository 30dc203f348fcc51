"""recipes/teebridge.mk in other people's Makefiles: what its targets run, and what they keep from running."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from harness import BAD_INPUT, ENVIRONMENT, PROGRAMS, ROOT, Result, hexed, program_path
from proofs import PROOFS
from services import CHAIN_ID, relay, running_chain

A, B = PROOFS
RECIPES = ROOT / "recipes" / "teebridge.mk"
SECRET = "what nobody else should see"
URL_SECRET = "apikey5f0c"

# Each target with parameters that it needs.
NEEDS = {
    "register-from-url": {"CVM_URL": "https://cvm.example.org", "BRIDGE": "0xb", "RPC_URL": "https://n", "KEY": "file:k"},
    "register-from-log": {"LOG": "serial.log", "BRIDGE": "0xb", "RPC_URL": "https://n", "KEY": "file:k"},
    "onboard": {"FROM": "0xf", "TO": "0xt", "SECRET_FILE": "s", "BRIDGE": "0xb", "RPC_URL": "https://n", "KEY": "file:k"},
    "watch": {"BRIDGE": "0xb", "RPC_URL": "https://n"},
    "deploy-bridge": {"RPC_URL": "https://n", "KEY": "file:k"},
    "allow-root": {"KMS_ROOT": "phala-base", "BRIDGE": "0xb", "RPC_URL": "https://n", "KEY": "file:k"},
    "remove-root": {"KMS_ROOT": "phala-base", "BRIDGE": "0xb", "RPC_URL": "https://n", "KEY": "file:k"},
    "allow-code": {"CODE_ID": "0xc", "BRIDGE": "0xb", "RPC_URL": "https://n", "KEY": "file:k"},
    "remove-code": {"CODE_ID": "0xc", "BRIDGE": "0xb", "RPC_URL": "https://n", "KEY": "file:k"},
    "add-compose-hash": {"APP": "0xa", "COMPOSE_HASH": "0xh", "RPC_URL": "https://n", "KEY": "file:k"},
    "status": {"BRIDGE": "0xb", "RPC_URL": "https://n"},
    "show-member": {"MEMBER": "0xm", "BRIDGE": "0xb", "RPC_URL": "https://n"},
}
# What else they take.
TAKES = {
    "register-from-url": {"KMS_ROOT": "phala-base", "ALLOW": "yes", "VERIFIER": "0xv"},
    "register-from-log": {"KMS_ROOT": "phala-base", "ALLOW": "yes", "VERIFIER": "0xv"},
    "onboard": {"SIGN_WITH": "file:member.key"},
    "watch": {"KEY": "file:k", "STATE": "inbox.json", "EXEC": "on-secret", "ONCE": "yes"},
    "deploy-bridge": {"KMS_ROOT": "0xr", "ARTEFACT": "TEEBridge.json"},
    "status": {"MEMBER": "0xm"},
}
PIPELINES = {
    "register-from-url": ["proof-fetch", "abi-encode register", "tx-send"],
    "register-from-log": ["proof-extract", "abi-encode register", "tx-send"],
    "onboard": ["ecies-seal", "abi-encode onboard", "tx-send"],
    "watch": ["inbox-watch"],
    "deploy-bridge": ["abi-encode deploy", "tx-send"],
    "allow-root": ["abi-encode add-kms-root", "tx-send"],
    "remove-root": ["abi-encode remove-kms-root", "tx-send"],
    "allow-code": ["abi-encode add-allowed-code", "tx-send"],
    "remove-code": ["abi-encode remove-allowed-code", "tx-send"],
    "add-compose-hash": ["abi-encode add-compose-hash", "tx-send"],
    "status": ["abi-encode call", "tx-send --call", "abi-encode decode result owner"],
    "show-member": ["abi-encode call", "tx-send --call", "abi-encode decode result isMember",
                    "abi-encode call", "tx-send --call", "abi-encode decode result getMember"],
}
OPTIONAL = {"CHAIN": "base", "JOURNAL": "sent.jsonl", "DRY_RUN": "yes"}
SWITCHES = ("ALLOW", "ONCE", "DRY_RUN")
ASKING = ("watch", "status", "show-member")
SENDING = tuple(target for target in NEEDS if target not in ASKING)
# What a program of a pipeline may be replaced with: it prints what every pipeline goes on with.
TAKEN = "cat > /dev/null; echo true"


class Directory:
    """A user's directory with a Makefile, where every program that make starts is noted with its arguments."""

    def __init__(self, path: Path):
        self.path = path
        self._notes = path / "notes"
        self._bin = path / "bin"
        self._bin.mkdir()
        self._notes.mkdir()
        (path / "Makefile").write_text(f"include {RECIPES}\n")
        for name in PROGRAMS:
            self.wrap(name, f'exec {shlex.quote(str(program_path(name)))} "$@"')

    def wrap(self, name: str, script: str) -> None:
        """Note each call of a program, and run this instead of it."""
        file = self._bin / name
        notes = shlex.quote(str(self._notes))
        file.write_text(f"#!/bin/bash\nprintf '%s\\0' $# {name} \"$@\" >> {notes}/$BASHPID\n{script}\n")
        file.chmod(0o755)

    def replace_all(self, script: str) -> None:
        for name in PROGRAMS:
            self.wrap(name, script)

    def shell(self, script: bytes) -> None:
        """Run what `make -n` showed; it must succeed."""
        subprocess.run(["bash", "-c", script], cwd=self.path, stdin=subprocess.DEVNULL, timeout=20, check=True,
                       env=ENVIRONMENT | {"PATH": f"{self._bin}:{os.environ['PATH']}"})

    def make(self, *arguments: str, stdin: bytes = b"", env: dict | None = None, **parameters: str) -> Result:
        words = [f"{name}={value}" for name, value in parameters.items()]
        settings = ENVIRONMENT | (env or {}) | {"PATH": f"{self._bin}:{os.environ['PATH']}"}
        done = subprocess.run(["make", *arguments, *words], cwd=self.path, env=settings, input=stdin,
                              capture_output=True, timeout=60)
        return Result("make", done.returncode, done.stdout, done.stderr.decode())

    @property
    def calls(self) -> list[list[str]]:
        """The programs that were started, each with its arguments."""
        words = "".join(note.read_text() for note in self._notes.iterdir()).split("\0")
        calls = []
        while len(words) > 1:
            count = 2 + int(words[0])
            calls.append(words[1:count])
            words = words[count:]
        return calls


@pytest.fixture
def directory(tmp_path):
    return Directory(tmp_path)


@pytest.fixture(scope="module")
def module_chain():
    """A chain whose bridge has B as its member, and knows nothing of A."""
    with running_chain() as chain:
        chain.deploy()
        chain.register(B)
        yield chain


@pytest.fixture
def chain(module_chain):
    snapshot = module_chain.rpc("evm_snapshot")
    yield module_chain
    module_chain.rpc("evm_revert", snapshot)


@pytest.fixture
def owner(chain, directory) -> dict[str, str]:
    """The parameters of the bridge's owner."""
    key = directory.path / "owner.key"
    key.write_text(chain.owner.key.hex())
    key.chmod(0o600)
    return {"BRIDGE": chain.bridge.address, "RPC_URL": chain.url, "CHAIN": str(CHAIN_ID), "KEY": "file:owner.key"}


def records(result: Result) -> list[dict]:
    """The JSON that was printed beside the pipeline."""
    assert result.status == 0, result
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith(b"{")]


def statuses(result: Result) -> list[str]:
    return [record["status"] for record in records(result)]


# What the targets do.

def test_register_from_url(chain, directory, owner, agents):
    parameters = owner | {"CVM_URL": agents[0].url, "KMS_ROOT": A["kms_root"], "ALLOW": "yes"}
    assert statuses(directory.make("register-from-url", **parameters)) == ["success"] * 3
    assert chain.bridge.functions.isMember(A["member_id"]).call()
    assert statuses(directory.make("teebridge-register-from-url", **parameters)) == ["skipped"] * 3


def test_register_from_log_with_a_journal(chain, directory, owner):
    (directory.path / "a log.txt").write_text(f"noise\nPROOF_JSON={json.dumps(A)}\n")
    parameters = owner | {"LOG": "a log.txt", "KMS_ROOT": f"{B['kms_root']},{A['kms_root']}", "ALLOW": "yes",
                          "JOURNAL": "a journal"}
    assert statuses(directory.make("register-from-log", **parameters)) == ["success"] * 3
    assert len((directory.path / "a journal").read_text().splitlines()) == 6


@pytest.mark.parametrize("allow", [{}, {"ALLOW": "yes"}])
def test_a_root_that_is_not_named_registers_nobody(chain, directory, owner, agents, allow):
    with chain.nothing_sent():
        done = directory.make("register-from-url", CVM_URL=agents[0].url, KMS_ROOT=B["kms_root"], **owner, **allow)
    assert done.status != 0 and "which you have not named as trusted" in done.stderr


@pytest.mark.parametrize("source", ["file", "standard input"])
def test_onboard_and_watch(chain, directory, owner, agents, source):
    (directory.path / "the secret").write_text(SECRET)
    name, stdin = ("the secret", b"") if source == "file" else ("-", SECRET.encode())
    sent = directory.make("onboard", FROM=B["member_id"], TO=B["member_id"], SECRET_FILE=name, stdin=stdin, **owner)
    assert statuses(sent) == ["success"]
    reading = owner | {"KEY": "dstack:", "ONCE": "yes", "STATE": "inbox.json"}
    [message] = records(directory.make("watch", env=agents[1].env, **reading))
    assert (message["from"], message["payload"]) == (B["member_id"], SECRET)
    assert records(directory.make("watch", env=agents[1].env, **reading)) == []
    # The state is that member's: another agent's key is refused.
    assert records(directory.make("watch", DSTACK_SOCKET=str(agents[1].socket), **reading)) == []
    assert directory.make("watch", DSTACK_SOCKET=str(agents[0].socket), **reading).status != 0


def test_onboard_signed_and_watch_with_a_handler(chain, directory, owner, agents):
    (directory.path / "secret").write_text(SECRET)
    sent = directory.make("onboard", SIGN_WITH="dstack:", TO=B["member_id"], SECRET_FILE="secret", env=agents[1].env, **owner)
    assert statuses(sent) == ["success"]
    handler = directory.path / "on secret"
    handler.write_text("#!/bin/sh\necho $TEEBRIDGE_AUTHENTICATED > got; cat >> got\n")
    handler.chmod(0o755)
    reading = owner | {"KEY": "dstack:", "ONCE": "yes", "STATE": "inbox.json", "EXEC": "./on secret"}
    assert records(directory.make("watch", env=agents[1].env, **reading)) == []
    assert (directory.path / "got").read_text() == f"true\n{SECRET}"


@pytest.mark.parametrize("roots", [[], [A["kms_root"]], [A["kms_root"], B["kms_root"]]])
def test_deploy_bridge(chain, directory, owner, roots):
    [record] = records(directory.make("deploy-bridge", **owner | {"KMS_ROOT": ",".join(roots)}))
    bridge = chain.web3.eth.contract(address=record["contractAddress"], abi=chain.bridge.abi)
    assert bridge.functions.owner().call() == chain.owner.address
    assert [bridge.functions.allowedKmsRoots(proof["kms_root"]).call() for proof in PROOFS] == [
        proof["kms_root"] in roots for proof in PROOFS]


def test_allowing(chain, directory, owner):
    view = chain.bridge.functions
    with chain.nothing_sent():
        simulated = directory.make("allow-root", KMS_ROOT=A["kms_root"], DRY_RUN="yes", **owner)
    assert statuses(simulated) == ["simulated"]
    assert statuses(directory.make("allow-root", KMS_ROOT=A["kms_root"], **owner)) == ["success"]
    assert statuses(directory.make("allow-code", CODE_ID=A["app_id"], **owner)) == ["success"]
    assert view.allowedKmsRoots(A["kms_root"]).call() and view.allowedCode(A["code_id"]).call()
    assert statuses(directory.make("remove-root", KMS_ROOT=A["kms_root"], **owner)) == ["success"]
    assert statuses(directory.make("remove-code", CODE_ID=A["app_id"], **owner)) == ["success"]
    assert not view.allowedKmsRoots(A["kms_root"]).call() and not view.allowedCode(A["code_id"]).call()
    assert statuses(directory.make("remove-root", KMS_ROOT=A["kms_root"], **owner)) == ["skipped"]


@pytest.mark.parametrize("target", SENDING)
def test_a_dry_run_sends_nothing(chain, directory, owner, agents, target):
    (directory.path / "secret").write_text(SECRET)
    (directory.path / "log").write_text(f"PROOF_JSON={json.dumps(A)}\n")
    assert chain.rpc("dev_setCode", "0x00000000000000000000000000000000000a11ce", "0x60205ff3")
    app = chain.web3.to_checksum_address("0x00000000000000000000000000000000000a11ce")
    known = {"CVM_URL": agents[0].url, "LOG": "log", "ALLOW": "yes", "FROM": B["member_id"], "TO": B["member_id"],
             "SECRET_FILE": "secret", "KMS_ROOT": (B if target.startswith("remove") else A)["kms_root"],
             "CODE_ID": (B if target.startswith("remove") else A)["app_id"], "APP": app, "COMPOSE_HASH": "11" * 32}
    wanted = NEEDS[target] | TAKES.get(target, {})
    parameters = {name: value for name, value in known.items() if name in wanted}
    with chain.nothing_sent():
        simulated = statuses(directory.make(target, DRY_RUN="yes", **owner, **parameters))
    assert set(simulated) == {"simulated"}


def test_add_compose_hash(chain, directory, owner):
    app = "0x00000000000000000000000000000000000a11ce"
    # PUSH1 32; PUSH0; RETURN: answers every call with false.
    assert chain.rpc("dev_setCode", app, "0x60205ff3")
    del owner["BRIDGE"]
    app = chain.web3.to_checksum_address(app)
    sent = directory.make("add-compose-hash", APP=app, COMPOSE_HASH="11" * 32, **owner)
    [record] = records(sent)
    transaction = chain.web3.eth.get_transaction(record["transactionHash"])
    assert (transaction["to"], hexed(transaction["input"])[10:]) == (app, "11" * 32)


def test_show_member(chain, directory):
    shown = directory.make("-s", "show-member", MEMBER=B["member_id"], BRIDGE=chain.bridge.address, RPC_URL=chain.url)
    [member] = records(shown)
    text = json.dumps(member)
    assert B["code_id"] in text and B["dstack_proof"]["derived_compressed_pubkey"] in text


def test_show_member_of_who_is_none(chain, directory):
    done = directory.make("-s", "show-member", MEMBER=A["member_id"], BRIDGE=chain.bridge.address, RPC_URL=chain.url)
    assert done.stdout == b"" and "show-member] Error 1\n" in done.stderr
    assert done.stderr.startswith(f"show-member: error: {A['member_id']} is not a member of the bridge\n")


def test_show_member_without_a_node_says_nothing_of_the_member(directory):
    done = directory.make("-s", "show-member", **NEEDS["show-member"] | {
        "MEMBER": A["member_id"], "BRIDGE": "0x" + "11" * 20, "RPC_URL": "http://127.0.0.1:9"})
    assert done.stdout == b"" and "not a member" not in done.stderr and "Error 1" not in done.stderr


def test_status(chain, directory):
    parameters = {"BRIDGE": chain.bridge.address, "RPC_URL": chain.url}
    [owner] = records(directory.make("-s", "status", **parameters))
    assert (owner["name"], owner["returns"]) == ("owner", [chain.owner.address])
    for proof, is_member in ((A, False), (B, True)):
        shown = records(directory.make("-s", "status", MEMBER=proof["member_id"], **parameters))
        assert [(each["name"], each["returns"]) for each in shown] == [
            ("owner", [chain.owner.address]), ("isMember", [is_member])]


def test_help_names_every_target_and_parameter(directory):
    text = directory.make("help").stdout.decode()
    assert directory.calls == [] and directory.make("-n", "teebridge-help").stdout.decode().startswith(text)
    named = set(text.replace("[", " ").replace("]", " ").replace("=", " ").replace(",", " ").split())
    for target in NEEDS:
        assert {target, *NEEDS[target], *TAKES.get(target, {}), *OPTIONAL} <= named


def test_alone_it_lists_its_targets(directory):
    alone = directory.make("-f", str(RECIPES))
    assert (alone.status, alone.stderr, directory.calls) == (0, "", [])
    assert alone.stdout == directory.make("help").stdout


@pytest.mark.parametrize("makefile", [f"include {RECIPES}\nmine:\n\t@echo mine\n",
                                      f"mine:\n\t@echo mine\ninclude {RECIPES}\n",
                                      f"include {RECIPES}\n.DEFAULT_GOAL := mine\nother:\nmine:\n\t@echo mine\n"])
def test_the_default_goal_of_a_makefile_stays(directory, makefile):
    (directory.path / "Makefile").write_text(makefile)
    assert directory.make().stdout == b"mine\n"


# What they say.

@pytest.mark.parametrize("target, name", [(target, name) for target in NEEDS for name in NEEDS[target]])
def test_a_parameter_that_is_missing(directory, target, name):
    parameters = NEEDS[target] | {name: ""}
    for options in ([], ["-n"]):
        done = directory.make(target, *options, **parameters)
        assert done.status == 2 and done.stdout == b"" and directory.calls == []
        [line] = done.stderr.splitlines()
        assert f"*** {target}: {name} is missing; for example {name}=" in line


@pytest.mark.parametrize("name", ["KEY", "SIGN_WITH"])
@pytest.mark.parametrize("key", ["0x" + "5f" * 32, "5f" * 32, "file:" + "5f" * 32, "env:0x" + "5F" * 32])
@pytest.mark.parametrize("options", [[], ["-n"]])
def test_a_raw_key_is_neither_shown_nor_passed_on(directory, name, key, options):
    done = directory.make("onboard", *options, **NEEDS["onboard"] | {name: key})
    assert done.status == 2 and done.stdout == b"" and directory.calls == []
    assert f"onboard: {name} is not the source of a key; for example {name}=file:" in done.stderr
    assert "5f5f" not in done.stderr.lower()


@pytest.mark.parametrize("target, name", [("register-from-url", "ALLOW"), ("watch", "ONCE"), ("allow-root", "DRY_RUN")])
@pytest.mark.parametrize("value", ["no", "yes please", "0"])
def test_a_switch_has_one_value(directory, target, name, value):
    done = directory.make(target, **NEEDS[target], **{name: value})
    assert done.status == 2 and directory.calls == [] and f"{name}=yes" in done.stderr


@pytest.mark.parametrize("target", NEEDS)
def test_what_n_shows_is_what_is_run(directory, target):
    """The pipeline with its values, which a shell can run as it is."""
    parameters = NEEDS[target] | TAKES.get(target, {}) | OPTIONAL
    shown = directory.make("-n", target, **parameters)
    assert (shown.status, shown.stderr, directory.calls) == (0, "", [])
    text = shown.stdout.decode()
    for start in PIPELINES[target]:
        assert start in text
        text = text.partition(start)[2]
    directory.replace_all(TAKEN)
    assert directory.make(target, **parameters).status == 0
    copied = Directory(make_subdirectory(directory.path))
    copied.replace_all(TAKEN)
    copied.shell(shown.stdout)
    assert sorted(copied.calls) == sorted(directory.calls) != []


@pytest.mark.parametrize("url, shown", [
    ("https://node.example", "https://node.example"), ("https://node.example/", "https://node.example"),
    (f"https://node.example:8545/v2/{URL_SECRET}", "https://node.example:8545/[…]"),
    (f"https://node.example?key={URL_SECRET}", "https://node.example/[…]"),
    (f"https://user:{URL_SECRET}@node.example:8545", "https://node.example:8545"),
    (f"https://user:{URL_SECRET}@node.example/{URL_SECRET}?{URL_SECRET}", "https://node.example/[…]"),
    (f"https://user:p/{URL_SECRET}@node.example", None), (f"https://node.example/{URL_SECRET}%20@x", None),
    (f"ws://node.example/{URL_SECRET}", None), (f"{URL_SECRET}", None), (f"https://a {URL_SECRET}", None),
])
def test_n_shows_no_credentials_of_a_node(directory, url, shown):
    for given in ({"RPC_URL": url}, {"env": {"ETH_RPC_URL": url}}):
        text = directory.make("-n", "watch", BRIDGE="0xb", **given).stdout.decode()
        assert URL_SECRET not in text and text.startswith("ETH_RPC_URL='")
        assert shown is None or text.startswith(f"ETH_RPC_URL='{shown}' inbox-watch")


@pytest.mark.parametrize("name, value", [("CVM_URL", f"https://user:{URL_SECRET}@cvm.example"),
                                         ("CVM_URL", f"https://cvm.example/?token={URL_SECRET}"),
                                         ("CVM_URL", f"dstack-log:https://user:{URL_SECRET}@cvm.example/logs/agent"),
                                         ("KEY", f"dstack:?socket=http://user:{URL_SECRET}@agent.example"),
                                         ("DSTACK_SOCKET", f"http://user:{URL_SECRET}@agent.example")])
def test_n_shows_no_password_of_another_url(directory, name, value):
    done = directory.make("-n", "register-from-url", **NEEDS["register-from-url"] | {name: value},
                          env={"PRIVATE_KEY": URL_SECRET})
    assert done.status == 0 and URL_SECRET not in done.stdout.decode() + done.stderr


def make_subdirectory(path: Path) -> Path:
    (path / "inner").mkdir()
    return path / "inner"


# What they do not let through.

HOSTILE = ("a b\"'; touch EVIL; `touch EVIL` $(touch EVIL) $(shell touch EVIL) ${shell touch EVIL} $$(touch EVIL)"
           " | touch EVIL & touch EVIL > EVIL # \\\n\ttouch EVIL\n' ; touch EVIL ; '")


def hostile_cases():
    for target in NEEDS:
        for name in NEEDS[target] | TAKES.get(target, {}) | OPTIONAL:
            if name not in SWITCHES and not (name == "JOURNAL" and target in ASKING):
                yield target, name


@pytest.mark.parametrize("target, name", list(hostile_cases()))
def test_a_value_is_text_and_no_program(directory, target, name):
    """Neither make nor the shell finds anything to do in it, and it arrives as it is."""
    value = ("file:" if name in ("KEY", "SIGN_WITH") else "") + HOSTILE
    parameters = NEEDS[target] | TAKES.get(target, {}) | {"CHAIN": "base", "JOURNAL": "sent.jsonl"}
    directory.replace_all(f'env -0 > "env.$$"; {TAKEN}')
    for given in ({"parameters": parameters | {name: value}}, {"parameters": parameters, "env": {name: value}}):
        if "env" in given:
            del given["parameters"][name]
        shown = directory.make("-n", target, env=given.get("env"), **given["parameters"])
        assert shown.status == 0 and directory.shell(shown.stdout) is None
        done = directory.make(target, env=given.get("env"), **given["parameters"])
        assert done.status == 0, done
        assert not (directory.path / "EVIL").exists()
        assert b"EVIL" not in done.stdout and "EVIL" not in done.stderr
    expected = [f"[{value}]"] if (target, name) == ("deploy-bridge", "KMS_ROOT") else [value]
    arguments = [argument for call in directory.calls for argument in call]
    settings = [setting.split("=", 1)[1] for file in directory.path.glob("env.*")
                for setting in file.read_text().split("\0") if setting.startswith(("ETH_RPC_URL=", "KMS_ROOTS="))]
    # A node's URL is shown without what may be a secret.
    assert (arguments + settings).count(expected[0]) >= (2 if name == "RPC_URL" else 4)


@pytest.mark.parametrize("target, name", [("register-from-url", "CVM_URL"), ("register-from-log", "LOG"),
                                          ("onboard", "SECRET_FILE"), ("allow-root", "KMS_ROOT"),
                                          ("allow-code", "CODE_ID"), ("remove-root", "KMS_ROOT"),
                                          ("remove-code", "CODE_ID"), ("show-member", "MEMBER"),
                                          ("add-compose-hash", "COMPOSE_HASH")])
def test_a_value_is_no_option(directory, target, name):
    assert directory.make(target, **NEEDS[target] | {name: "--help"}).status != 0
    [call] = [call for call in directory.calls if "--help" in call]
    assert call.index("--") < call.index("--help")


def test_a_switch_is_no_program(directory):
    done = directory.make("watch", **NEEDS["watch"], ONCE="$(shell touch EVIL)yes; touch EVIL")
    assert done.status == 2 and not (directory.path / "EVIL").exists()


def test_no_secret_is_an_argument_or_printed(chain, directory, owner, agents):
    """Neither the owner's key, nor what is sealed, nor what stands in a node's URL."""
    with relay(chain.url, lambda call, answer: answer) as node:
        (directory.path / "secret").write_text(SECRET)
        del owner["KEY"]
        owner["RPC_URL"] = f"{node.url}/v2/{URL_SECRET}"
        env = {"PRIVATE_KEY": chain.owner.key.hex()} | agents[1].env
        done = [
            directory.make("onboard", FROM=B["member_id"], TO=B["member_id"], SECRET_FILE="secret", env=env, **owner),
            directory.make("register-from-url", CVM_URL=agents[0].url, KMS_ROOT=A["kms_root"], ALLOW="yes", env=env, **owner),
            directory.make("-n", "onboard", FROM="a", TO="b", SECRET_FILE="secret", env=env, **owner),
            directory.make("watch", ONCE="yes", EXEC="/bin/true", STATE="state", env=agents[1].env, **owner),
        ]
    assert [each.status for each in done] == [0] * 4, done
    assert len(directory.calls) == 7
    shown = str(directory.calls) + "".join(each.stdout.decode() + each.stderr for each in done)
    for secret in (SECRET, URL_SECRET, chain.owner.key.hex().removeprefix("0x")):
        assert secret not in shown


# How they fail, and how they live in a Makefile.

@pytest.mark.parametrize("target", [target for target in NEEDS if len(PIPELINES[target]) > 1])
def test_a_program_that_fails_anywhere_fails_the_target(directory, target):
    for failing in {part.split()[0] for part in PIPELINES[target]}:
        directory.replace_all(TAKEN)
        assert directory.make(target, **NEEDS[target]).status == 0
        directory.wrap(failing, f"{TAKEN}; exit 3")
        assert directory.make(target, **NEEDS[target]).status == 2


def test_a_cvm_that_is_away_fails_the_target(chain, directory, owner):
    with chain.nothing_sent():
        done = directory.make("register-from-url", CVM_URL="http://127.0.0.1:9", **owner)
    assert done.status == BAD_INPUT and "proof-fetch: error: " in done.stderr


def test_nearer_settings_go_first(directory):
    """The command line before the Makefile before the environment, whatever name is used."""
    directory.replace_all('printf "%s\\n" "$ETH_RPC_URL"')
    parameters = {"BRIDGE": "0xb", "ONCE": "yes"}

    def url(makefile: str = "", env: dict | None = None, **given: str) -> str:
        (directory.path / "Makefile").write_text(f"include {RECIPES}\n{makefile}\n")
        return directory.make("-s", "watch", env=env, **parameters, **given).stdout.decode().rstrip("\n")

    assert url(env={"ETH_RPC_URL": "1", "RPC_URL": "2"}) == "1"
    assert url("RPC_URL = 3", env={"ETH_RPC_URL": "1"}) == "3"
    assert url("HOST := node\nETH_RPC_URL = https://$(HOST)", env={"RPC_URL": "2"}) == "https://node"
    assert url("ETH_RPC_URL = 3", env={"ETH_RPC_URL": "1"}, RPC_URL="4") == "4"
    assert url("RPC_URL = 3", env={"RPC_URL": "1"}, ETH_RPC_URL="4") == "4"


def test_a_foreign_makefile_stays_what_it_was(directory):
    (directory.path / "Makefile").write_text(
        f".RECIPEPREFIX = >\nTEEBRIDGE_LONG_NAMES := yes\ninclude {RECIPES}\n"
        "all: help\n> @echo $$0 $${teebridge_KEY-none} $${TEEBRIDGE_LONG_NAMES-none}\nhelp:\n> @echo mine\n")
    done = directory.make("--warn-undefined-variables", KEY="file:k")
    assert (done.status, done.stderr, done.stdout) == (0, "", b"mine\n/bin/sh none none\n")
    assert directory.make("onboard", **NEEDS["onboard"]).status == 2
    assert directory.make("-n", "teebridge-onboard", **NEEDS["onboard"]).status == 0


def test_prerequisites_keep_their_shell(directory):
    (directory.path / "Makefile").write_text(f"include {RECIPES}\nwatch: first\nfirst:\n\t@echo $$0; false | true\n")
    directory.replace_all("true")
    done = directory.make("-s", "watch", **NEEDS["watch"])
    assert (done.status, done.stdout) == (0, b"/bin/sh\n")
