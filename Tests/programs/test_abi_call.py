"""abi-encode call: every way to name a function and to write its arguments, beside eth-abi."""

import json

import pytest
from eth_abi import encode
from eth_abi.tools import get_abi_strategy
from eth_utils import function_signature_to_4byte_selector, to_checksum_address
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from abi_words import abi_types, entry, shown, written
from bridge_v1 import ARTEFACT, ARTEFACT_PATH
from harness import BAD_INPUT, NO, ROOT, hexed
from v1_abi import V1_ABI

ADDRESS = to_checksum_address("0x254057d9d92fc7f75e3d49f0c6b0be9ee2a334d5")
OTHER = to_checksum_address("0xdf463af67d15e470a363e387fd688c78c2e94146")
SPECIFICATION = json.loads((ROOT / "Tests" / "vectors" / "abi-specification.json").read_text())["vectors"]
NUMBERS = st.integers(0, 2**256 - 1)


@pytest.fixture(scope="module")
def call(run):
    """Runs abi-encode call for one contract."""
    return lambda *args, stdin=b"": run("abi-encode", "call", "--to", ADDRESS, *args, stdin=stdin)


def calldata(signature: str, values: list) -> str:
    """What eth-abi makes of a call; the signature is canonical."""
    types = [kind for kind in split(signature[signature.index("(") + 1:-1]) if kind]
    return hexed(function_signature_to_4byte_selector(signature) + encode(types, values))


def split(types: str) -> list[str]:
    """The types between the commas that stand in no parentheses."""
    parts, depth = [""], 0
    for character in types:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def drawn(data, largest: int = 4) -> tuple[list[str], list]:
    """Random types, and a value of each."""
    types = data.draw(st.lists(abi_types(), max_size=largest), label="types")
    return types, [data.draw(get_abi_strategy(each), label=each) for each in types]


# Values


@pytest.mark.parametrize("example", SPECIFICATION, ids=lambda example: example["signature"])
def test_the_specifications_examples(call, example):
    """Their arguments as words, and as JSON."""
    expected = "0x" + "".join(example["words"])
    request = call(example["signature"], *example["arguments"]).check_done().document
    assert request == {"label": example["signature"].split("(")[0], "to": ADDRESS, "data": expected, "value": "0x0"}
    document = json.dumps(example["json"])
    assert call(example["signature"], "--args-json", "-", stdin=document).check_done().document == request


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_words_encode_as_eth_abi(call, data):
    types, values = drawn(data)
    words = [data.draw(written(each, value)) for each, value in zip(types, values)]
    signature = f"f({','.join(types)})"
    assert call(signature, "--", *words).check_done().document["data"] == calldata(signature, values)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_json_encodes_as_eth_abi(call, data):
    types, values = drawn(data, largest=8)
    signature = f"f({','.join(types)})"
    document = json.dumps([shown(each, value) for each, value in zip(types, values)])
    answer = call(signature, "--args-json", "-", stdin=document).check_done()
    assert answer.document["data"] == calldata(signature, values)


@pytest.mark.parametrize("signature, words, types, values", [
    ("f(uint)", ["0"], ["uint256"], [0]),
    ("f(uint256)", [str(2**256 - 1)], ["uint256"], [2**256 - 1]),
    ("f(int256)", [f"-{2**255}"], ["int256"], [-(2**255)]),
    ("f(int256)", ["-0x80"], ["int256"], [-128]),
    ("f(uint256)", ["1.5ether"], ["uint256"], [15 * 10**17]),
    ("f(uint256)", ["2gwei"], ["uint256"], [2 * 10**9]),
    ("f(uint256)", ["1_000_000"], ["uint256"], [10**6]),
    ("f(address payable to)", [ADDRESS.lower()], ["address"], [ADDRESS]),
    ("f(string)", ['he said "no"\n'], ["string"], ['he said "no"\n']),
    ("f(string)", ["[not,an,array]"], ["string"], ["[not,an,array]"]),
    ("f(string)", [" vitalik.eth "], ["string"], [" vitalik.eth "]),
    ("f(string)", [""], ["string"], [""]),
    ("f(string[])", [r'["a, b", "c\"]", "é\u00e9"]'], ["string[]"], [["a, b", 'c"]', "éé"]]),
    ("f(uint8[],string[][])", ["[]", "[[],[\"\"]]"], ["uint8[]", "string[][]"], [[], [[], [""]]]),
    ("f(bytes,bytes)", ["0x", "0xABcd"], ["bytes", "bytes"], [b"", b"\xab\xcd"]),
    ("f((uint8 a, bool b)[2] pairs)", ["[(1,true), (2, false)]"], ["(uint8,bool)[2]"],
     [[(1, True), (2, False)]]),
    ("function f(bytes4 x) external returns (bool)", ["0xffffffff"], ["bytes4"], [b"\xff" * 4]),
    ("function f(bytes4 x, string memory y) external view returns (bool, uint256[] memory z);", ["0xffffffff", "y"],
     ["bytes4", "string"], [b"\xff" * 4, "y"]),
    ("f()", [], [], []),
])
def test_words_are_understood(call, signature, words, types, values):
    answer = call(signature, "--", *words).check_done()
    assert answer.document["data"] == calldata(f"f({','.join(types)})", values)


@pytest.mark.parametrize("signature, document, types, values", [
    ("f(uint256)", "7", ["uint256"], [7]),
    ("f(uint256)", str(2**256 - 1), ["uint256"], [2**256 - 1]),
    ("f(uint256)", '"0x10"', ["uint256"], [16]),
    ("f(uint256)", '"1.5ether"', ["uint256"], [15 * 10**17]),
    ("f(int8)", "-128", ["int8"], [-128]),
    ("f(bool)", "true", ["bool"], [True]),
    ("f(string)", r'"\u00e9\n\""', ["string"], ['é\n"']),
    ("f((uint8,bool)[])", "[[1,true],[2,false]]", ["(uint8,bool)[]"], [[(1, True), (2, False)]]),
    ("f((uint8 a,bool b)[])", '[{"b":true,"a":1,"other":null}]', ["(uint8,bool)[]"], [[(1, True)]]),
    ("f((uint8 a,(string s) b))", '{"a":1,"b":{"s":"x"}}', ["(uint8,(string))"], [(1, ("x",))]),
])
def test_json_is_understood(call, tmp_path, signature, document, types, values):
    file = tmp_path / "arguments.json"
    file.write_text(f"[{document}]\n")
    answer = call(signature, "--args-json", file).check_done()
    assert answer.document["data"] == calldata(f"f({','.join(types)})", values)


ONE, TWO = "f(uint8)", "f(uint8 a, (bool b, string[] c) t)"
NUMBER = "expected a whole number, decimal or 0x-hex"


@pytest.mark.parametrize("signature, words, error", [
    (ONE, ["256"], 'argument 1: the number does not fit in "uint8"'),
    (ONE, ["-1"], 'argument 1: the number does not fit in "uint8"'),
    ("f(int8)", ["128"], 'argument 1: the number does not fit in "int8"'),
    ("f(uint256)", [str(2**256)], 'argument 1: the number does not fit in "uint256"'),
    ("f(uint256)", ["0x" + "f" * 65], 'argument 1: the number does not fit in "uint256"'),
    ("f(uint256 n)", ["1e3"], f'argument 1 (n): not a value of type "uint256": "1e3": {NUMBER}'),
    ("f(uint256)", [""], NUMBER), ("f(uint256)", ["007"], NUMBER), ("f(uint256)", ["٣"], NUMBER),
    ("f(uint256)", ["1__0"], NUMBER), ("f(uint256)", [" 1"], NUMBER),
    ("f(uint256)", ["0.5wei"], "expected no fraction of a wei"),
    ("f(bool)", ["1"], 'not a value of type "bool": "1": expected true or false'), ("f(bool)", ["True"], "true or"),
    ("f(address)", ["0x254057D9d92FC7F75E3D49F0c6B0be9eE2A334D5"], "fails its EIP-55 checksum"),
    ("f(address)", ["0x00"], "expected 0x and 40 hex digits"),
    ("f(address)", ["vitalik.eth"], "expected 0x and 40 hex digits"),
    ("f(bytes)", ["ab"], "hex must begin with 0x"), ("f(bytes)", ["0xa"], "odd number of digits"),
    ("f(bytes)", ["0xgg"], "not a hex digit"), ("f(bytes3)", ["0x0102"], "expected 0x and 6 hex digits"),
    ("f(uint8[2] pair)", ["[1]"], 'argument 1 (pair): "uint8[2]" needs 2 values, but there is 1'),
    ("f(uint8[2])", ["[1,2,3]"], "expected at most 2 values"), ("f(uint8[])", ["[1"], 'a comma or "]"'),
    ("f(uint8[])", ["[1,]"], "argument 1[1]: "), ("f(uint8[])", ["[1] 2"], "expected the end"),
    ("f(string[])", ["[a]"], "argument 1[0]: "), ("f(string[])", ["[a]"], "a string in double quotes"),
    ("f(string[])", [r'["\x"]'], "a string with JSON's escapes"),
    ("f((uint8,bool))", ["(1)"], '"(uint8,bool)" needs 2 values, but there is 1'),
    (TWO, ["1", "(true,[\"x\",1])"], "argument 2 (t.c[1]): "),
    (ONE, [], 'arguments: "(uint8)" needs 1 value, but there are 0'), (ONE, ["1", "2"], "needs 1 value"),
    ("f(uint7)", ["1"], 'unknown type "uint7"'), ("f(uint264)", ["1"], 'unknown type "uint264"'),
    ("f(bytes33)", ["0x"], 'unknown type "bytes33"'), ("f(fixed128x18)", ["1"], "fixed-point"),
    ("f(uint8", ["1"], 'expected a comma or ")" at position 7'), ("f(uint8))", ["1"], "expected the end"),
    ("f(" + "(" * 40 + ")" * 40 + ")", ["x"], "nested more than 16 levels deep"), ("(uint8)", ["1"], "expected the function's name"),
    ("f", [], 'the types of the function "f" are not known'), ("", [], "are not known"),
    ("deadbeef", [], 'the types of the function "deadbeef" are not known'), ("0xa9059cbb", [], "are not known"),
])
def test_words_are_refused(call, signature, words, error):
    call(signature, "--", *words).check_error(BAD_INPUT, error)


@pytest.mark.parametrize("document, error", [
    ("[300, [true, []]]", 'argument 1 (a): the number does not fit in "uint8"'),
    ("[1, [true, [1]]]", "argument 2 (t.c[0]): "),
    ('{"a": 1, "t": {"b": true}}', 'argument 2 (t): member "c" of "(bool,string[])" is missing'),
    ('{"a": 1}', 'arguments: member "t"'), ("[1]", 'needs 2 values, but there is 1'),
    ("[1.0, [true, []]]", "whole number"), ("[1e1, [true, []]]", "whole number"), ("[true, [true, []]]", "whole number"),
    ('[1, ["true", []]]', "expected true or false"), ("[1, 2]", "expected an array, or an object with"),
    ("7", "expected an array or an object"), ("null", "expected an array or an object"),
    ('{"a": 1, "a": 1, "t": [true, []]}', '"standard input": line 1: member "a" appears twice'),
    ("[1,\n[true, []]", '"standard input": line 2: the input ends inside'), ("", "nothing came in"),
])
def test_json_is_refused(call, document, error):
    call(TWO, "--args-json", "-", stdin=document).check_error(BAD_INPUT, error)


# Arguments by name


def test_arguments_by_name(call):
    expected = calldata("f(uint8,(bool,string[]))", [7, (True, ["a=b"])])
    words = ["--arg", "a=7", "--arg", 't=(true,["a=b"])']
    for order in (words, words[2:] + words[:2]):
        assert call(TWO, *order).check_done().document["data"] == expected
    assert call("f(int8 a)", "--arg", "a=-1").check_done().document["data"] == calldata("f(int8)", [-1])


@pytest.mark.parametrize("signature, arguments, error", [
    (TWO, ["--arg", "a=1"], 'arguments: member "t" of "(uint8,(bool,string[]))" is missing'),
    (TWO, ["--arg", "a=1", "--arg", "a=2"], 'the argument "a" is given twice'),
    (TWO, ["--arg", "a=1", "--arg", "tt=2"], 'the interface has no argument "tt"'),
    ("f(uint8 a)", ["--arg", "a=256"], 'argument 1 (a): the number does not fit in "uint8"'),
    ("f(uint8 a,uint8)", ["--arg", "a=1"], "cannot be given by name"),
    ("f(uint8 a,uint8 a)", ["--arg", "a=1"], "cannot be given by name"),
    ("f(uint8 a)", ["--arg", "a"], "expected NAME=VALUE"), ("f(uint8 a)", ["--arg", "=1"], "expected NAME=VALUE"),
    ("f(uint8 a)", ["--arg", "a=1", "1"], "give one of them"),
    ("f(uint8 a)", ["--arg", "a=1", "--args-json", "-"], "give one of them"),
    ("f(uint8 a)", ["--args-json", "-", "1"], "give one of them"),
    ("f(uint8 a)", ["a=1"], 'argument 1 (a): not a value of type "uint8"'),
])
def test_arguments_by_name_are_refused(call, signature, arguments, error):
    call(signature, *arguments).check_error(BAD_INPUT, error)


# The function


@settings(max_examples=40, deadline=None)
@given(name=st.from_regex(r"[A-Za-z_$][A-Za-z0-9_$]{0,20}", fullmatch=True), types=st.lists(abi_types(), max_size=3),
       space=st.sampled_from(["", " ", "\n\t "]))
def test_selectors_are_those_of_eth_utils(run, name, types, space):
    """decode says what it should have been, however the signature is spaced."""
    signature = f"{name}({','.join(types)})"
    expected = hexed(function_signature_to_4byte_selector(signature))
    assume(expected != "0x00000000")
    spaced = f"{space}{name}{space}({space}" + f"{space},{space}".join(types) + f"{space}){space}"
    error = run("abi-encode", "decode", "calldata", spaced, "0x00000000").check_error(NO)
    assert error.startswith("the selector is 0x00000000, but that of ") and error.endswith(f" is {expected}")


TOKEN = [
    entry("function", "transfer", ["address", "uint256"], ["bool"], names=["to", "amount"],
          stateMutability="nonpayable"),
    entry("function", "mint", ["uint256"], names=["amount"], stateMutability="payable"),
    entry("function", "mint", ["address", "uint256"], names=["to", "amount"]),
    entry("function", "place", ["(uint8,address[])[]"], names=["orders"]),
    entry("event", "Transfer", ["address"]), {"type": "receive", "stateMutability": "payable"},
]


@pytest.fixture(params=[
    TOKEN,
    {"abi": TOKEN, "bytecode": {"object": "0x6080", "linkReferences": {}}, "methodIdentifiers": {}, "id": 7},
    {"_format": "hh-sol-artifact-1", "contractName": "Token", "abi": TOKEN, "bytecode": "0x6080"},
], ids=["ABI", "Foundry", "Hardhat"])
def interface(request, tmp_path):
    """A file with an interface, as different tools write it."""
    file = tmp_path / "Token.json"
    file.write_text(json.dumps(request.param, indent=2))
    return file


def test_a_name_in_an_interface(call, interface):
    expected = calldata("transfer(address,uint256)", [OTHER, 5])
    for function in ("transfer", "transfer(address,uint)", "transfer(address to, uint256 n)",
                     "function transfer(address, uint256) returns (bool)"):
        assert call("--abi", interface, function, OTHER, "5").check_done().document["data"] == expected
    by_name = call("--abi", interface, "transfer", "--arg", "amount=5", "--arg", f"to={OTHER}")
    assert by_name.check_done().document["data"] == expected
    by_json = call("--abi", interface, "transfer", "--args-json", "-", stdin={"amount": 5, "to": OTHER})
    assert by_json.check_done().document["data"] == expected
    orders = call("--abi", interface, "place", f"[(1,[{OTHER}])]").check_done().document["data"]
    assert orders == calldata("place((uint8,address[])[])", [[(1, [OTHER])]])
    from_input = call("--abi", "-", "transfer", OTHER, "5", stdin=interface.read_text())
    assert from_input.check_done().document["data"] == expected


def test_overloads_go_by_their_signature(call, interface):
    answer = call("--abi", interface, "mint", "5")
    answer.check_error(BAD_INPUT, '"mint" is ambiguous; it may be any of "mint(uint256)", "mint(address,uint256)"')
    assert "signature" in " ".join(answer.messages("hint"))
    for signature, words, values in (("mint(uint256)", ["5"], [5]), ("mint(address,uint256)", [OTHER, "5"], [OTHER, 5])):
        answer = call("--abi", interface, signature, *words).check_done()
        assert answer.document["data"] == calldata(signature, values)


@pytest.mark.parametrize("function, known", [
    ("transfr", ['"mint"', '"place"', '"transfer"']), ("mint(bool)", ['"mint(uint256)"', '"mint(address,uint256)"']),
    ("", ['"mint"', '"place"', '"transfer"']),
])
def test_a_function_that_the_interface_has_not(call, interface, function, known):
    answer = call("--abi", interface, function, "5")
    answer.check_error(BAD_INPUT, f'the interface has no function "{function}"')
    assert answer.messages("hint") == [f"it has {', '.join(known)}"]


@pytest.mark.parametrize("text, error", [
    ("{}", 'line 1: member "abi" is missing'), ("[7]", "line 1: not a JSON object"), ("[", "line 1: the input ends"),
])
def test_an_interface_that_is_none(call, tmp_path, text, error):
    file = tmp_path / "broken.json"
    file.write_text(text)
    call("--abi", file, "f").check_error(BAD_INPUT, f'broken.json": {error}')
    call("--abi", tmp_path / "absent", "f").check_error(BAD_INPUT, "cannot open")
    call("--abi", "-", "f", "--args-json", "-").check_error(BAD_INPUT)


def test_standard_input_is_read_once(call):
    call("--abi", "-", "f", "--args-json", "-", stdin="[]").check_error(BAD_INPUT, "the interface has no function")
    call("--abi", "-", "transfer", "--args-json", "-", stdin=json.dumps(TOKEN)).check_error(
        BAD_INPUT, "standard input can be read only once")


def test_the_bridge_by_its_artefact(call):
    names = [each["name"] for each in ARTEFACT["abi"] if each["type"] == "function"]
    assert len(names) > 10
    member = "0x" + "ab" * 32
    answer = call("--abi", ARTEFACT_PATH, "isMember", "--arg", f"memberId={member}").check_done()
    assert answer.document["data"] == calldata("isMember(bytes32)", [bytes.fromhex("ab" * 32)])


# The bridge's functions, by their names alone

MEMBER = bytes.fromhex("ab" * 32)
BRIDGE = {"BRIDGE_CONTRACT": OTHER}
# One argument of each type, as a word and as a value.
WORDS = {"bytes32": (hexed(MEMBER), MEMBER), "address": (ADDRESS, ADDRESS), "uint256": ("3", 3),
         "bytes": ("0x0102", b"\1\2")}


@pytest.mark.parametrize("signature", [
    *(f"{each['name']}({','.join(each_input['type'] for each_input in each['inputs'])})" for each in V1_ABI
      if each["type"] == "function" and each["name"] != "registerDstack"),
    "onboardingCount(bytes32)", "onboardingMessage(bytes32,uint256)",
    # The second version's.
    "register(address,bytes)", "addVerifier(address)", "removeVerifier(address)", "allowedVerifiers(address)",
])
def test_a_name_of_the_bridge_needs_no_types(run, signature):
    name, types = signature.split("(")[0], split(signature.split("(")[1][:-1])
    words, values = zip(*(WORDS[each] for each in types if each)) if types != [""] else ((), ())
    expected = {"label": name, "to": OTHER, "data": calldata(signature, list(values)), "value": "0x0"}
    assert run("abi-encode", "call", name, *words, env=BRIDGE).check_done().document == expected
    assert run("abi-encode", "call", "--bridge", OTHER, name, *words).check_done().document == expected
    assert run("abi-encode", "call", "--to", OTHER, name, *words, env={"BRIDGE_CONTRACT": ADDRESS}
               ).check_done().document == expected
    assert run("abi-encode", "call", signature, *words, env=BRIDGE).check_done().document == expected


def test_its_arguments_have_names(run):
    answer = run("abi-encode", "call", "isMember", "--arg", f"memberId={hexed(MEMBER)}", env=BRIDGE).check_done()
    assert answer.document["data"] == calldata("isMember(bytes32)", [MEMBER])
    run("abi-encode", "call", "isMember", "7", env=BRIDGE).check_error(BAD_INPUT, "argument 1 (memberId)")
    run("abi-encode", "call", "isMember", env=BRIDGE).check_error(BAD_INPUT, "needs 1 value")


def test_the_contract_must_be_named_once(run):
    answer = run("abi-encode", "call", "owner")
    answer.check_error(BAD_INPUT, "the contract (--to) is not set")
    assert answer.messages("hint") == ["use --to or --bridge, or set BRIDGE_CONTRACT in the environment"]
    run("abi-encode", "call", "--to", ADDRESS, "--bridge", OTHER, "owner").check_error(
        BAD_INPUT, "--to and --bridge both name the contract")


@pytest.mark.parametrize("name, hint", [
    ("isMembr", 'did you mean "isMember"?'), ("ismember", 'did you mean "isMember"?'),
    ("member", 'did you mean "getMember" or "isMember"?'),
    ("addRoot", "known without types: addAllowedCode, addComposeHash, addKmsRoot, "),
    ("kmsroot", 'did you mean "addKmsRoot" or "removeKmsRoot" or "allowedKmsRoots"?'),
    ("transfer", "known without types: addAllowedCode, "),
])
def test_an_unknown_name_gets_near_ones(run, name, hint):
    answer = run("abi-encode", "call", name, env=BRIDGE)
    answer.check_error(BAD_INPUT, f'the types of the function "{name}" are not known')
    [near, types] = answer.messages("hint")
    assert near.startswith(hint) and "name(address,uint256)" in types


@pytest.mark.parametrize("signature, near", [
    ("isMember(uint256)", '"isMember(bytes32)"'), ("isMembr(uint256)", '"isMember(bytes32)"'),
    ("getMember(uint256)", '"getMember(bytes32)"'),
])
def test_a_signature_that_the_bridge_has_not(run, signature, near):
    """It may be that of a later version: the request is made, with a warning."""
    answer = run("abi-encode", "call", signature, "7", env=BRIDGE)
    assert (answer.status, answer.document["data"]) == (0, calldata(signature, [7]))
    assert answer.messages("warning") == [f'TEEBridge has no function "{signature}"']
    assert answer.messages("hint") == [f"did you mean {near}?"]
    run("abi-encode", "call", "--to", ADDRESS, signature, "7", env=BRIDGE).check_done()
    run("abi-encode", "call", "transfer(uint256)", "7", env=BRIDGE).check_done()


def test_the_app_contract_is_not_the_bridge(run):
    answer = run("abi-encode", "call", "addComposeHash", hexed(MEMBER), env=BRIDGE)
    answer.check_error(BAD_INPUT, '"addComposeHash" is a function of dstack\'s app contract, not of the bridge')
    named = run("abi-encode", "call", "--to", ADDRESS, "addComposeHash", hexed(MEMBER), env=BRIDGE).check_done()
    assert (named.document["to"], named.document["data"]) == (ADDRESS, calldata("addComposeHash(bytes32)", [MEMBER]))


def test_a_call_of_onboard_minds_the_limit_too(run):
    words = [hexed(MEMBER), hexed(MEMBER)]
    run("abi-encode", "call", "onboard", *words, hexed(bytes(24576)), env=BRIDGE | {"BRIDGE_CONTRACT": "0x" + "b1" * 20}
        ).check_done()
    run("abi-encode", "call", "onboard", *words, hexed(bytes(24577)), env={"BRIDGE_CONTRACT": "0x" + "b1" * 20}
        ).check_error(BAD_INPUT, "has 24577 bytes, but TEEBridge takes at most 24576")


# What goes with it


@pytest.mark.parametrize("amount, wei", [
    ("0", 0), ("12", 12), ("0x10", 16), ("1ether", 10**18), ("0.1ether", 10**17), ("1.5 gwei", 1_500_000_000),
    (str(2**256 - 1), 2**256 - 1),
])
def test_value(call, amount, wei):
    assert call("f()", "--value", amount).check_done().document["value"] == hex(wei)


@pytest.mark.parametrize("amount", ["-1", "x", "", "0.1", "1.0000000001gwei", str(2**256), "1 dollar"])
def test_what_is_no_value(call, amount):
    call("f()", f"--value={amount}").check_error(BAD_INPUT)


def test_ether_is_for_what_is_payable(call, interface):
    call("--abi", interface, "mint(uint256)", "5", "--value", "1").check_done()
    for function, words in (("transfer", [OTHER, "5"]), ("mint(address,uint256)", [OTHER, "5"])):
        call("--abi", interface, function, *words, "--value", "0").check_done()
        call("--abi", interface, function, *words, "--value", "1").check_error(BAD_INPUT, "not payable")
    call("f() view", "--value", "1").check_error(BAD_INPUT, '"f" is not payable')
    call("function f() payable", "--value", "1").check_done()


def test_label_and_id(call):
    answer = call("f()", "--label", "first", "--id", "f-1").check_done()
    assert answer.document == {"label": "first", "to": ADDRESS, "data": calldata("f()", []), "value": "0x0", "id": "f-1"}


def test_a_contract_must_be_named(run):
    run("abi-encode", "call", "f()").check_error(BAD_INPUT, "--to")
    for wrong in ("0x12", ADDRESS[2:], ADDRESS.replace("D5", "d5"), "vitalik.eth"):
        run("abi-encode", "call", "--to", wrong, "f()").check_error(BAD_INPUT)
