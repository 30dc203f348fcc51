"""teebridge-doctor: each setting is checked, a line says what was found or what to do, and the status sums it up."""

import json
import re
import time

import pytest

from harness import BAD_INPUT, DONE, NO, UNREACHABLE, Result, run
from proofs import PROOFS, VECTORS
from services import CHAIN_ID, Server, relay
from test_resources import faults  # noqa: F401  (a fixture)
from test_verifiers import compiled, verified  # noqa: F401  (fixtures)

A, B = PROOFS
KEY = VECTORS["keys"]["derived"]
NOWHERE = "http://127.0.0.1:1/secret-path"
PATIENCE = ("--retry-for", "0", "--timeout", "2")


def doctor(*arguments, env=None, **options) -> Result:
    return run("teebridge-doctor", *PATIENCE, *arguments, env=env, **options)


def lines(answer: Result) -> dict[str, list[tuple[str, str]]]:
    """The status and the text of each line, by its check."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in answer.stdout.decode().splitlines():
        match = re.fullmatch(r"(ok|no|unreachable|skipped): ([a-z]+): (\S.*)", line)
        assert match, line
        found.setdefault(match[2], []).append((match[1], match[3]))
    return found


def statuses(answer: Result) -> dict[str, list[str]]:
    return {check: [status for status, _ in all] for check, all in lines(answer).items()}


@pytest.fixture
def settings(chain, agents, key_file) -> dict[str, str]:
    """Settings of which none is wrong."""
    return chain.env | agents[0].env | {"KMS_ROOTS": A["kms_root"], "TEEBRIDGE_KEY": f"file:{key_file(KEY)}"}


def test_all_is_well(settings, chain):
    answer = doctor(env=settings).check_done()
    found = lines(answer)
    assert statuses(answer) == {check: ["ok"] for check in (
        "node", "clock", "contract", "key", "agent", "root", "code")}
    assert f"{chain.url} is on chain {CHAIN_ID}" in found["node"][0][1]
    assert re.search(f"{chain.bridge.address} is a TEEBridge v1, owned by {chain.owner.address}", found["contract"][0][1])
    assert A["derived_address"] in found["key"][0][1] and A["member_id"] in found["key"][0][1]
    assert "is a member" in found["key"][0][1] and settings["TEEBRIDGE_KEY"] in found["key"][0][1]
    assert A["kms_root"] in found["root"][0][1] and A["app_id"] in found["agent"][0][1]
    assert A["code_id"] in found["code"][0][1]
    assert KEY not in answer.stdout.decode()


def test_the_owner_is_known_by_its_key(settings, owner_key):
    [(_, text)] = lines(doctor(env=settings | {"TEEBRIDGE_KEY": owner_key}).check_done())["key"]
    assert text.endswith("owns the bridge, is no member")


def test_through_teebridge_it_is_the_same(settings):
    assert run("teebridge", "doctor", *PATIENCE, env=settings).check_done().stdout == doctor(env=settings).stdout


def test_json_has_the_same_in_lines(settings):
    answer = doctor("--json", env=settings | {"CHAIN": "1"})
    assert answer.status == NO
    found = {each["check"]: each for each in answer.documents}
    assert list(found["node"]) == ["check", "status", "text", "hints"] and found["node"]["status"] == "no"
    assert found["node"]["text"] == f"the node is on chain {CHAIN_ID}, not on chain 1"
    assert all(set(each) <= {"check", "status", "text", "hints"} for each in answer.documents)


def test_nothing_set_is_nothing_checked(tmp_path):
    answer = doctor()
    answer.check_error(BAD_INPUT, "nothing is set, so nothing was checked", prints=None)
    assert set(map(tuple, statuses(answer).values())) == {("skipped",)}
    text = answer.stdout.decode()
    for setting in ("ETH_RPC_URL", "BRIDGE_CONTRACT", "TEEBRIDGE_KEY", "KMS_ROOTS", "DSTACK_SIMULATOR_ENDPOINT"):
        assert setting in text


@pytest.mark.parametrize("absent, check", [
    ("KMS_ROOTS", "root"), ("TEEBRIDGE_KEY", "key"), ("CHAIN", "chain"), ("DSTACK_SIMULATOR_ENDPOINT", "agent"),
])
def test_an_absent_setting_is_named_and_no_failure(settings, absent, check):
    del settings[absent]
    answer = doctor(env=settings).check_done()
    [(status, text)] = lines(answer)[check]
    assert status == "skipped" and absent in text


def test_an_absent_node_is_a_failure_where_a_contract_is_named(settings):
    del settings["ETH_RPC_URL"]
    answer = doctor(env=settings)
    assert answer.status == NO and "ETH_RPC_URL" in lines(answer)["node"][0][1]
    del settings["BRIDGE_CONTRACT"]
    assert statuses(doctor(env=settings).check_done())["node"] == ["skipped"]


def test_a_node_that_is_not_reached(settings, chain):
    answer = doctor(env=settings | {"ETH_RPC_URL": NOWHERE})
    assert answer.status == UNREACHABLE and lines(answer)["node"][0][0] == "unreachable"
    assert statuses(answer)["contract"] == statuses(answer)["root"] == ["skipped"]
    assert "http://127.0.0.1:1" in answer.stdout.decode() and "secret-path" not in answer.stdout.decode()
    # Each node has a line; the next one answers.
    both = doctor("--rpc-url", NOWHERE, "--rpc-url", chain.url, env=settings)
    assert both.status == UNREACHABLE and statuses(both)["node"] == ["unreachable", "ok"]
    assert statuses(both)["contract"] == ["ok"]


def test_a_wrong_setting_counts_more_than_an_outage(settings, key_file):
    key = f"file:{key_file(KEY, mode=0o644, name='open')}"
    answer = doctor(env=settings | {"ETH_RPC_URL": NOWHERE, "TEEBRIDGE_KEY": key})
    assert answer.status == NO and "chmod 600" in lines(answer)["key"][0][1]


@pytest.mark.parametrize("name, value, check, what", [
    ("CHAIN", "1", "node", "not on chain 1"), ("CHAIN", "bse", "node", "known names"),
    ("BRIDGE_CONTRACT", "0x" + "11" * 20, "contract", "there is no contract"),
    ("BRIDGE_CONTRACT", "x", "contract", "BRIDGE_CONTRACT"), ("KMS_ROOTS", "phala", "root", "known names: phala-base"),
    ("KMS_ROOTS", "phala-base", "root", "abi-encode add-kms-root"), ("TEEBRIDGE_KEY", "file:/nowhere", "key", "/nowhere"),
    ("TEEBRIDGE_KEY", KEY, "key", "a raw key is refused"), ("TEEBRIDGE_KEY", "env:NONE", "key", "NONE"),
])
def test_a_wrong_setting_is_named(settings, name, value, check, what):
    answer = doctor(env=settings | {name: value})
    assert answer.status == NO and answer.stderr == ""
    [(status, text)] = lines(answer)[check]
    assert status == "no" and what in text and KEY not in answer.stdout.decode()


def test_codes_are_checked(settings, chain):
    answer = doctor("--code", A["app_id"], "--code", "22" * 20, env=settings)
    assert answer.status == NO and statuses(answer)["code"] == ["ok", "no", "ok"]
    assert f"abi-encode add-allowed-code --bridge {chain.bridge.address} 0x{'22' * 20}{'00' * 12} | tx-send" in answer.stdout.decode()


def test_an_address_without_a_bridge(settings, verified):  # noqa: F811
    answer = doctor(env=settings | {"BRIDGE_CONTRACT": verified.verifier})
    assert answer.status == NO and "is no TEEBridge" in lines(answer)["contract"][0][1]


def test_a_bridge_with_verifiers(settings, verified, owner_key):  # noqa: F811
    env = settings | verified.env
    answer = doctor(env=env)
    assert "TEEBridge v2" in lines(answer)["contract"][0][1] and "--verifier" in lines(answer)["root"][0][1]
    answer = doctor("--verifier", verified.verifier, env=env)
    assert answer.status == NO and (statuses(answer)["verifier"], statuses(answer)["root"]) == (["no"], ["no"])
    requests = verified.register("--allow", "--kms-root", A["kms_root"], proofs=[A])
    run("tx-send", "--key", owner_key, stdin=requests, env=env).check_sent()
    assert doctor("--verifier", verified.verifier, env=env).check_done()


@pytest.mark.parametrize("seconds, what", [
    (3600, "in the future: the node's chain has a wrong time; try another node"),
    (-3600, "old: the node lags behind; try another node"),
])
def test_the_newest_block_is_compared_with_the_clock(settings, chain, seconds, what):
    def shift(request: dict, answer: dict) -> dict:
        if request["method"] == "eth_getBlockByNumber":
            answer["result"]["timestamp"] = hex(int(time.time()) + seconds)
        return answer

    with relay(chain.url, shift) as node:
        answer = doctor(env=settings | {"ETH_RPC_URL": node.url})
    [(status, text)] = lines(answer)["clock"]
    assert (answer.status, status) == (NO, "no") and text.endswith(what)


@pytest.mark.parametrize("seconds, what", [(3600, "s ahead of"), (-3600, "s behind")])
def test_the_clock_is_compared_with_the_servers(settings, chain, faults, seconds, what):  # noqa: F811
    with relay(chain.url, lambda _, answer: answer) as node:
        answer = doctor(env=settings | {"ETH_RPC_URL": node.url} | faults.env("clock", 1, clock=seconds))
    [(status, text)] = lines(answer)["clock"]
    assert (answer.status, status) == (NO, "no") and what in text and "timedatectl" in text


def test_a_node_that_hangs_is_not_waited_for(settings):
    def hang(*_):
        time.sleep(5)
        return 200, b"{}"

    with Server(hang) as node:
        begin = time.monotonic()
        answer = doctor("--timeout", "1", env=settings | {"ETH_RPC_URL": node.url})
    assert answer.status == UNREACHABLE and time.monotonic() - begin < 30


def test_an_agent_that_is_named_and_not_there(settings, tmp_path):
    answer = doctor("--dstack", tmp_path / "absent", env=settings)
    assert answer.status == UNREACHABLE and statuses(answer)["agent"] == ["unreachable"]


def test_json_of_an_unknown_chain_is_one_object_a_line(settings):
    for line in doctor("--json", env=settings).check_done().stdout.splitlines():
        assert json.loads(line)["status"] == "ok"
    assert doctor("--no-such-option").status == BAD_INPUT and DONE == 0
