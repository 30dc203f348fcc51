"""abi-encode: a contract's interface and bytecode, out of every file that compilers, frameworks and explorers write."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from eth_abi import encode
from eth_utils import function_abi_to_4byte_selector, function_signature_to_4byte_selector

from abi_words import entry
from bridge_v1 import ARTEFACT
from harness import BAD_INPUT, NO, ROOT, hexed, run

ADDRESS = "0x254057d9d92FC7F75E3D49F0c6b0be9eE2A334D5"
VECTORS = json.loads((ROOT / "Tests" / "vectors" / "artefacts.json").read_text())["vectors"]
SOURCE = ROOT / "contracts" / "TEEBridge.vy"
# For each type of a parameter in the vectors, a word and the value that it is.
WORDS = {"address": (ADDRESS, ADDRESS), "uint256": ("7", 7)}


@pytest.fixture(scope="module")
def call(run):
    """Runs abi-encode call for one contract."""
    return lambda file, *args, stdin=b"": run(
        "abi-encode", "call", "--to", ADDRESS, f"--abi={file}", *args, stdin=stdin)


@pytest.fixture
def written(tmp_path):
    """Writes a file: a text as it is, anything else as JSON."""
    def write(content, name: str = "file") -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
        return path
    return write


def named(path: Path, name: str) -> str:
    return f"{path}:{name}" if name else str(path)


@pytest.mark.parametrize("vector, contract", [(vector, contract) for vector in VECTORS for contract in vector["contracts"]],
                         ids=lambda each: each.get("format") or each.get("name") or "alone")
def test_every_tools_document(run, call, written, vector, contract):
    path = written(vector.get("document", vector.get("json")))
    file = named(path, contract["name"])
    [function, *_] = contract["functions"]
    if function in ("balanceOf(address)", "count()"):
        types = [each for each in function[function.index("(") + 1:-1].split(",") if each]
        data = hexed(function_signature_to_4byte_selector(function) + encode(types, [WORDS[each][1] for each in types]))
        answer = call(file, function.split("(")[0], *[WORDS[each][0] for each in types])
        assert answer.check_done().document["data"] == data
        other = call(named(Path("-"), contract["name"]), function, *[WORDS[each][0] for each in types],
                     stdin=path.read_text())
        assert other.check_done().document["data"] == data
    types = [each for each in contract["constructor"][1:-1].split(",") if each]
    deploy = run("abi-encode", "deploy", file, *[WORDS[each][0] for each in types])
    if "bytecode" not in contract:
        deploy.check_error(BAD_INPUT, "the artefact has no bytecode")
        return
    expected = contract["bytecode"] + encode(types, [WORDS[each][1] for each in types]).hex()
    assert deploy.check_done().document["data"] == expected


def test_structs_in_definitions(call, written):
    file = written("struct A { address to; B[] list; }\nstruct B { uint8 n; }\nfunction f(A memory a)")
    data = function_signature_to_4byte_selector("f((address,(uint8)[]))") + encode(
        ["(address,(uint8)[])"], [(ADDRESS, [(1,), (2,)])])
    assert call(file, "f", f"({ADDRESS},[(1),(2)])").check_done().document["data"] == hexed(data)


# Vyper's own words


def vyper(*words: str, stdin: dict | None = None) -> str:
    program = Path(sys.executable).with_name(words[0])
    return subprocess.run([program, *words[1:]], input=json.dumps(stdin), text=True, check=True, cwd=ROOT,
                          stdout=subprocess.PIPE).stdout


def standard(*contracts: str) -> dict:
    return {"language": "Vyper", "sources": {name: {"content": SOURCE.read_text()} for name in contracts},
            "settings": {"evmVersion": "cancun", "outputSelection": {"*": ["abi", "evm.bytecode"]}}}


@pytest.mark.parametrize("words, stdin, names, code", [
    (("vyper", "-f", "combined_json", SOURCE), None, ["", "TEEBridge", "TEEBridge.vy:TEEBridge"],
     lambda output: next(each["bytecode"] for each in output.values() if "abi" in each)),
    (("vyper-json",), standard("a/Bridge.vy"), ["", "Bridge", "a/Bridge.vy:Bridge"],
     lambda output: output["contracts"]["a/Bridge.vy"]["Bridge"]["evm"]["bytecode"]["object"]),
    (("vyper-json",), standard("a/Bridge.vy", "b/Other.vy"), ["Bridge", "Other", "Other.vy:Other"],
     lambda output: output["contracts"]["a/Bridge.vy"]["Bridge"]["evm"]["bytecode"]["object"]),
    (("vyper", "-f", "abi", SOURCE), None, [""], None),
], ids=["combined_json", "standard JSON", "standard JSON of two", "abi"])
def test_what_vyper_prints(run, call, written, words, stdin, names, code):
    output = vyper(*map(str, words), stdin=stdin)
    path = written(output)
    functions = [each for each in ARTEFACT["abi"] if each["type"] == "function" and not each["inputs"]]
    assert functions
    for name in names:
        for function in functions:
            answer = call(named(path, name), function["name"]).check_done()
            assert answer.document["data"] == hexed(function_abi_to_4byte_selector(function))
        if code:
            answer = run("abi-encode", "deploy", named(path, name), "[]").check_done()
            assert answer.document["data"] == code(json.loads(output)) + encode(["address[]"], [[]]).hex()


# What cannot be used


LIBRARY = [
    entry("function", "plain", ["uint256"], names=["n"]),
    {"type": "function", "name": "mode", "inputs": [{"name": "m", "type": "Lib.Mode", "internalType": "enum Lib.Mode"}],
     "outputs": [], "stateMutability": "view"},
    {"type": "function", "name": "old", "inputs": [{"name": "m", "type": "enum Lib.Mode"}], "outputs": []},
    {"type": "function", "name": "data", "inputs": [{"name": "", "type": "Lib.Data storage"}], "outputs": []},
    {"type": "function", "name": "get", "inputs": [], "outputs": [{"name": "", "type": "struct Lib.Data"}]},
    {"type": "function", "name": "price", "inputs": [{"name": "p", "type": "fixed168x10"}], "outputs": []},
    {"type": "event", "name": "Changed", "inputs": [{"name": "m", "type": "Lib.Mode", "indexed": False}]},
    {"type": "error", "name": "Bad", "inputs": [{"name": "m", "type": "Lib.Mode"}]},
    {"type": "constructor", "inputs": [{"name": "m", "type": "Lib.Mode"}]},
    {"type": "trigger", "name": "strange"}, {"type": "function", "name": "half"},
    {"type": "function", "name": "pure", "inputs": [], "stateMutability": "sometimes"},
]


@pytest.mark.parametrize("function, error", [
    ("mode", 'the function "mode" cannot be used: parameter "m" has the type "Lib.Mode", which is not a type of the ABI'),
    ("mode(Lib.Mode)", 'the function "mode" cannot be used: parameter "m" has the type "Lib.Mode"'),
    ("mode(uint8)", 'the function "mode" cannot be used: parameter "m" has the type "Lib.Mode"'),
    ("old", 'the function "old" cannot be used: parameter "m" has the type "enum Lib.Mode"'),
    ("data", 'the function "data" cannot be used: parameter 1 has the type "Lib.Data storage"'),
    ("get", 'the function "get" cannot be used: return value 1 has the type "struct Lib.Data"'),
    ("price", 'the function "price" cannot be used: parameter "p" has the type "fixed168x10", which is not supported'),
    ("strange", 'the entry "strange" cannot be used: line '), ("half", 'the function "half" cannot be used: line '),
    ("pure", 'member "11.stateMutability" is not pure, view, nonpayable or payable'),
])
def test_a_function_that_cannot_be_used(call, written, function, error):
    file = written(LIBRARY)
    call(file, function).check_error(BAD_INPUT, error)
    assert call(file, "plain", "7").check_done().document["data"] == hexed(
        function_signature_to_4byte_selector("plain(uint256)") + encode(["uint256"], [7]))


def test_other_items_that_cannot_be_used(run, written):
    file = written({"abi": LIBRARY, "bytecode": "0x60"})
    run("abi-encode", "deploy", file, "1").check_error(BAD_INPUT, 'the constructor cannot be used: parameter "m" has')
    for kind, words, error in (
        ("calldata", ["mode", "0x12345678"], 'the function "mode" cannot be used'),
        ("result", ["get", "0x"], 'the function "get" cannot be used'),
        ("error", ["Bad", "0x12345678"], 'the error "Bad" cannot be used'),
        ("log", ["Changed", "0x12"], 'the event "Changed" cannot be used'),
    ):
        run("abi-encode", "decode", kind, "--abi", file, *words).check_error(BAD_INPUT, error)
    call = hexed(function_signature_to_4byte_selector("mode(Lib.Mode)"))
    run("abi-encode", "decode", "calldata", "--abi", file, call).check_error(NO, 'the function "mode" cannot be used')
    answer = run("abi-encode", "decode", "calldata", "--abi", file, "0x12345678")
    answer.check_error(NO, 'the interface has no function with the selector "0x12345678"')
    assert answer.messages("hint")[0].startswith('8 entries of it cannot be used, such as function "mode": ')


# Which contract


BUILD = {"contracts": {
    "src/Token.sol": {"Token": {"abi": ["function token()"], "evm": {"bytecode": {"object": "6001"}}}},
    "src/a.sol": {"Same": {"abi": ["function a()"]}}, "src/b.sol": {"Same": {"abi": ["function b()"]}},
}}


def test_one_of_several_contracts(run, call, written):
    file = written(BUILD, "build.json")
    for name, function in (("Token", "token"), ("Token.sol:Token", "token"), ("a.sol:Same", "a"),
                           ("src/b.sol:Same", "b")):
        assert call(f"{file}:{name}", function).check_done().document["label"] == function
    assert run("abi-encode", "deploy", f"{file}:Token").check_done().document["data"] == "0x6001"
    for words, names in ((file, '"Token", "src/a.sol:Same", "src/b.sol:Same"'),
                         (f"{file}:Same", '"src/a.sol:Same", "src/b.sol:Same"')):
        answer = call(words, "token")
        answer.check_error(BAD_INPUT, f'build.json": there are several contracts: {names}')
        assert answer.messages("hint") == ["name one after the file and a colon, as in FILE:NAME"]
    answer = call(f"{file}:Tokem", "token")
    answer.check_error(BAD_INPUT, 'build.json": there is no contract "Tokem"')
    assert answer.messages("hint") == ['did you mean "Token"?', 'it has "Token", "src/a.sol:Same", "src/b.sol:Same"']
    call("-:Tokem", "token", stdin=file.read_text()).check_error(BAD_INPUT, '"standard input": there is no contract')


def test_many_contracts(call, written):
    file = written({f"Contract{number}": {"abi": []} for number in range(500)})
    error = call(file, "f").check_error(BAD_INPUT, '"Contract0", ', '"Contract9" and 490 more')
    assert len(error) < 300
    call(f"{file}:Contract77", "f").check_error(BAD_INPUT, "the interface has no function")


def test_a_contract_without_a_name(call, written):
    file = written(["function f()"])
    answer = call(f"{file}:Token", "f")
    answer.check_error(BAD_INPUT, 'there is no contract "Token"')
    assert answer.messages("hint") == ["its contract has no name"]


def test_names_of_files_with_colons(call, written, tmp_path):
    whole, longer = written(["function whole()"], "a.json:Token"), written(BUILD, "a.json:Token:b")
    assert call(whole, "whole").check_done().document["label"] == "whole"
    assert call(f"{longer}:Token", "token").check_done().document["label"] == "token"
    written(BUILD, "a.json")
    assert call(whole, "whole").check_done().document["label"] == "whole"
    assert call(tmp_path / "a.json:src/a.sol:Same", "a").check_done().document["label"] == "a"
    call(tmp_path / "absent:Token", "f").check_error(BAD_INPUT, "cannot open", "absent:Token")
    call(f"{tmp_path / 'a.json'}:", "f").check_error(BAD_INPUT, 'there is no contract ""')


def test_standard_input_with_a_name_is_read_once(call):
    call("-:Token", "f", "--args-json", "-", stdin=json.dumps(BUILD)).check_error(
        BAD_INPUT, "the interface has no function")
    call("-:Token", "token", "--args-json", "-", stdin=json.dumps(BUILD)).check_error(
        BAD_INPUT, "standard input can be read only once")


# What is no interface, and no bytecode


@pytest.mark.parametrize("content, error", [
    ({"status": "0", "message": "NOTOK", "result": "Contract source code not verified"},
     'expected an ABI, but got the text "Contract source code not verified"'),
    ({"status": "0", "message": "NOTOK", "result": "Max rate limit reached\u001b[2J"}, "Max rate limit reached\\u{1b}"),
    ({"status": "1", "message": "OK", "result": [{"ABI": "Contract source code not verified", "ContractName": ""}]},
     'expected an ABI, but got the text "Contract source code not verified"'),
    ({"contracts": {}, "errors": []}, "there is no contract"), ("", "is empty"),
    (lambda: vyper("vyper-json", stdin=standard("a/Bridge.vy", "b/Bridge.vy")),
     'expected an ABI, but got the text "Contract namespace collision'),
    ({"errors": [{"severity": "warning", "message": "unused"}]}, 'line 1: member "abi" is missing'),
    ({"errors": [{"severity": "warning"}, {"severity": "error", "type": "ParserError", "message": "Expected ';'"}]},
     "expected an ABI, but got the text \"Expected ';'\""),
    ("// nothing\n", 'the interface has no function "f"'),
    ("interface Token:\n    def f(): view\n", 'but got "interface Token:"'),
    ("<html>" + "x" * 500, "holds a web page instead of an interface"),
    (b"\xff\xfe\x00".decode("latin1") * 40, "expected function, event, error or constructor"),
    ("function f() nonsense\n", 'the function "f" cannot be used: expected the end'),
    ("function f()\n" * 100_000, "the definitions have more than 1048576 bytes"),
    ("[" + "0," * 300_000 + "0]", "more than 200000 values"), (["f()"], 'but got "f()"'),
])
def test_what_is_no_interface(call, written, content, error):
    content = content() if callable(content) else content
    assert len(call(written(content), "f").check_error(BAD_INPUT, error)) < 400


@pytest.mark.parametrize("members, libraries", [
    ({"bytecode": "0x60__$0123456789abcdef0123456789abcdef01$__80"}, '"$0123456789abcdef0123456789abcdef01$"'),
    ({"bin": f"60{'__src/Math.sol:Math':_<40}80{'__Lists':_<40}"}, '"src/Math.sol:Math", "Lists"'),
    ({"bytecode": {"object": "60__$0123456789abcdef0123456789abcdef01$__",
                   "linkReferences": {"src/Math.sol": {"Math": [{"start": 1, "length": 20}]}}}}, '"src/Math.sol:Math"'),
])
def test_bytecode_that_is_not_linked(run, written, members, libraries):
    answer = run("abi-encode", "deploy", written({"abi": [], **members}))
    answer.check_error(BAD_INPUT, f"the bytecode is not linked: the address of {libraries} is missing")
    assert answer.messages("hint") == ["link it with the compiler first"]


@pytest.mark.parametrize("text", ["0x" + "1e657ab7" * 8, "KEY=" + "1e657ab7" * 8, "function f(" + "1e657ab7" * 8 + ")"])
@pytest.mark.parametrize("arguments", [["deploy", "FILE"], ["call", "--to", "0x" + "11" * 20, "--abi", "FILE", "f"]])
def test_a_key_file_named_by_mistake_is_not_shown(tmp_path, arguments, text):
    path = tmp_path / "key"
    path.write_text(text)
    answer = run("abi-encode", *(path if word == "FILE" else word for word in arguments))
    answer.check_error(BAD_INPUT)
    assert "1e657ab7" not in answer.stderr
