"""Every comparison, in the order of the page."""

import subprocess
from collections.abc import Iterator

from chain import chain_rows
from data import (
    DENSE, DOCKER, ENDPOINT, JOURNAL, KEY, LARGE, LATE, ONE, ONE_LOG, PROOF_COUNT, PROOFS, RECIPIENTS, REQUEST, REQUESTS,
    SECRET, WORST,
)
from measure import BUILT, PROGRAMS, Command, Cost, Measured, Row, both, script, shell

BRIDGE = "0x47e801184B3a8ea8E6A4A7A4CFEfEcC76809Da72"
PUBLIC = "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
MIB = 1024


def program(name: str, *arguments, **options) -> Command:
    return Command([PROGRAMS / name, *map(str, arguments)], **options)


def reference(name: str, *arguments) -> Command:
    return Command([BUILT / name, *map(str, arguments)])


def start_up() -> Iterator[Row]:
    openssl = Command(["openssl", "version"])
    jobs = {
        "proof-extract": program("proof-extract", ONE_LOG),
        "abi-encode": program("abi-encode", "register", "--bridge", BRIDGE, ONE),
        "ecies-seal": program("ecies-seal", "--to-pubkey", PUBLIC, SECRET),
    }
    for name, job in jobs.items():
        yield Row(f"`{name} --version`", "`openssl version`", 1.2, program(name, "--version"), openssl, 101, 12 * MIB)
        yield Row(f"`{name}`, one small job", "`openssl version`", 1.2, job, openssl, 101, 12 * MIB)
    curl = Command(["curl", "--version"])
    for name in ("proof-fetch", "tx-send", "inbox-watch", "bridge-agent"):
        yield Row(f"`{name} --version`", "`curl --version`", 1.0, program(name, "--version"), curl, 51)
    yield Row("`tx-send --sign-only`, one request", "`curl --version`", 1.0,
              program("tx-send", "--sign-only", "--key", f"file:{KEY}", REQUEST), curl, 51)


def logs() -> Iterator[Row]:
    def grep(path) -> Command:
        return Command(["grep", "-a", "PROOF_JSON=", path], is_read=True)

    yield Row("`proof-extract`, 1 GB with a proof in its first line alone", "`grep -a`", 1.0,
              program("proof-extract", WORST, is_read=True), grep(WORST), memory=16 * MIB)
    yield Row("the same on standard input", "`grep -a`", 1.0, program("proof-extract", stdin=WORST, is_read=True),
              grep(WORST), memory=16 * MIB)
    yield Row("the same through a pipe", "`grep -a` through a pipe", 1.0, shell(f"cat {WORST} | proof-extract | cat"),
              shell(f"cat {WORST} | grep -a PROOF_JSON= | cat"))
    yield Row("the same 1 GB, and a proof 1 MB before its end", "`grep -a`", 0.05,
              program("proof-extract", LATE, is_read=True), grep(LATE), memory=16 * MIB)
    yield Row("that on standard input", "`grep -a`", 0.05, program("proof-extract", stdin=LATE, is_read=True), grep(LATE),
              memory=16 * MIB)
    # A tenth of what jq takes, and half as much again.
    for name, path in (("docker's records", DOCKER), ("the log endpoint's base64", ENDPOINT), ("journald's numbers", JOURNAL)):
        yield Row(f"`proof-extract --all`, 1 GB of {name}", "`jq -r`", 0.15, program("proof-extract", "--all", path),
                  shell(f"jq -r '.log // .message // .MESSAGE' {path} > /dev/null"), 3, memory=16 * MIB)
    count = 3 * DENSE.read_bytes().count(b"PROOF_JSON=")
    dense = program("proof-extract", "--all", DENSE)
    yield Row(f"`proof-extract --all`, 100 MB with {count // 3} proofs", "as many recoveries in C, one processor", 1.3,
              dense, reference("secp256k1", "recover", count), 5)
    yield Row("the same", "as many recoveries in C, both processors", 1.3, dense,
              reference("secp256k1", "recover", count, 2), 5)


def encoding() -> Iterator[Row]:
    register = program("abi-encode", "register", "--bridge", BRIDGE, PROOFS)
    yield Row(f"`abi-encode register`, {PROOF_COUNT} proofs, each checked", "eth-abi, which checks nothing", 1 / 30,
              register, script("eth_abi_encode.py", PROOFS, BRIDGE), 5)
    yield Row("the same", "its recoveries in C, one processor, and `jq -c .`", 1.3, register,
              both(reference("secp256k1", "recover", 3 * PROOF_COUNT), Command(["jq", "-c", ".", PROOFS])), 5)
    yield Row("`tx-send --sign-only`, 10,000 requests", "as many signatures in C, one processor", 1.5,
              program("tx-send", "--sign-only", "--key", f"file:{KEY}", stdin=REQUESTS),
              reference("secp256k1", "sign", 10_000), 9)
    yield Row("the same", "as many signatures in C, both processors", 1.5,
              program("tx-send", "--sign-only", "--key", f"file:{KEY}", stdin=REQUESTS),
              reference("secp256k1", "sign", 10_000, 2), 9)


def openssl_speed(byte_count: int) -> Measured:
    """How long OpenSSL takes to encrypt so many bytes with AES-256-GCM."""

    def run() -> Cost:
        done = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "-bytes", str(byte_count), "-evp",
                               "aes-256-gcm"], check=True, capture_output=True, text=True)
        [line] = [line for line in done.stdout.splitlines() if line.startswith("+F:")]
        return Cost(byte_count / float(line.split(":")[3]))

    return run


def sealing() -> Iterator[Row]:
    yield Row("`ecies-seal`, 1,000 recipients", "the same in C with libsecp256k1 and OpenSSL", 1.15,
              program("ecies-seal", "--recipients", RECIPIENTS, SECRET), reference("seal", 1000), 9)
    yield Row("the same", "eciespy", 1 / 20, program("ecies-seal", "--recipients", RECIPIENTS, SECRET),
              script("eciespy_seal.py", RECIPIENTS), 3)
    speed = openssl_speed(LARGE.stat().st_size)
    for form in ("raw", "hex", "json"):
        sealed = BUILT / f"large.{form}"
        if not sealed.exists():
            with open(sealed, "wb") as file:
                subprocess.run([PROGRAMS / "ecies-seal", "--to-pubkey", PUBLIC, "--output", form, LARGE], check=True,
                               stdout=file)
        yield Row(f"`ecies-seal --output {form}`, 256 MiB", "`openssl speed`, AES-256-GCM", 1.5,
                  program("ecies-seal", "--to-pubkey", PUBLIC, "--output", form, LARGE, rehearsals=3), speed, 9,
                  (256 + 32) * MIB)
        yield Row(f"`ecies-seal --open`, the same 256 MiB as {form}", "`openssl speed`, AES-256-GCM", 1.5,
                  program("ecies-seal", "--open", "--key", f"file:{KEY}", sealed, rehearsals=3), speed, 9,
                  (256 + 32) * MIB)


def hashing() -> Iterator[Row]:
    yield Row("Keccak-256, 1 GiB", "hashlib's SHA3-256, which is OpenSSL's", 1.0, program("Measure", "keccak", 1 << 30),
              script("sha3.py", 1024), 9)


def all_rows() -> Iterator[Row]:
    for group in (start_up, logs, encoding, sealing, hashing, chain_rows):
        yield from group()
