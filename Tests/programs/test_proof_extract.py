"""proof-extract on the logs of serial-log: noisy, damaged, repeated, growing and large ones."""

import base64
import bz2
import gzip
import json
import lzma
import os
import select
import subprocess
import time

import pytest
from nursery import Fork

from harness import BAD_INPUT, BROKEN_PIPE, DONE, NO, ROOT, SANITIZER, UNREACHABLE, cost, finish, measured, plain_memory, program_path, run, running, wait_until
from proofs import PROOFS, changed, without

pytestmark = [pytest.mark.address, pytest.mark.thread]

A, B = PROOFS
MEGABYTE = 2**20
MEMORY_LIMIT = 64 * MEGABYTE


def serial_log(*options, proofs=PROOFS) -> bytes:
    """A console's log around these proofs."""
    documents = "".join(json.dumps(proof) + "\n" for proof in proofs)
    return Fork("serial-log", *options).communicate(documents.encode())


def extract(*args, **options):
    return run("proof-extract", *args, **options)


def line(proof: dict) -> bytes:
    return b"PROOF_JSON=" + json.dumps(proof).encode() + b"\r\n"


@pytest.fixture(scope="module")
def noise() -> bytes:
    """A few megabytes of a console's log without a proof."""
    text = serial_log("--lines", 40_000, proofs=[A])
    start = text.index(b"PROOF_JSON={")
    return text[:start] + text[text.index(b"\n", start) + 1 :]


# Containers and damage (Tests/vectors/make-log-vectors.py)


LOGS = json.loads((ROOT / "Tests" / "vectors" / "logs" / "logs.json").read_text())["logs"]


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log["name"])
def test_every_container_and_damage(log):
    path = ROOT / "Tests" / "vectors" / "logs" / log["file"]
    proofs = [PROOFS[index] for index in log["proofs"]]
    assert extract("--all", path).check_done().documents == proofs
    assert extract(path).check_done().documents == proofs[-1:]
    assert extract("--first", stdin=path.read_bytes()).check_done().documents == proofs[:1]


@pytest.mark.parametrize("name, content, program", [
    ("xz", lzma.compress(b"PROOF_JSON="), "xzcat"),
    ("bzip2", bz2.compress(b"PROOF_JSON="), "bzcat"), ("zstd", bytes.fromhex("28b52ffd0458"), "zstdcat"),
], ids=["xz", "bzip2", "zstd"])
def test_a_compressed_log_is_named(tmp_path, name, content, program):
    path = tmp_path / "serial.log"
    path.write_bytes(content)
    for answer, source in ((extract(path), path), (extract(stdin=content), "standard input")):
        answer.check_error(BAD_INPUT, f'"{source}" is compressed with {name}')
        assert answer.messages("hint") == [f"read it through {program}"]


def test_a_compressed_file_behind_another_is_not_passed_over(tmp_path):
    """An older proof must not be printed in its place."""
    older, newer = tmp_path / "old.log", tmp_path / "new.log.xz"
    older.write_bytes(line(A))
    newer.write_bytes(lzma.compress(line(B)))
    extract(older, newer).check_error(BAD_INPUT, f'"{newer}" is compressed with xz')
    newer.write_bytes(gzip.compress(line(B), mtime=0))
    assert extract(older, newer).check_done().documents == [B]
    older.write_bytes(b"BZhou: hi\n" + line(A))
    assert extract(older).documents == extract(stdin=older.read_bytes()).check_done().documents == [A]


def test_what_begins_no_record_has_no_base64():
    """The same in a file and in a pipe, also where a log begins in the middle of a line."""
    text = base64.b64encode(b"PROOF_JSON=" + json.dumps(A).encode())
    for content, proofs in ((b"x " + text + b"\n", []), (b'{"message":"' + text + b'"}\n', [A])):
        answers = [extract("--all", stdin=content), extract(stdin=content)]
        assert all((answer.documents if proofs else answer.status) == (proofs or NO) for answer in answers)


@pytest.mark.parametrize("content", [b"UFJPT0ZfSlNPTj" * 40_000, b'{"log":"' + b"BST09GX0pTT049" * 40_000, b"PROOF_JSON=" * 50_000,
                                     b"PROOF_JSON={" + b"x" * 8000 + b"<failed to read line:>" * 370])
def test_many_markers_in_a_line_cost_what_they_are_long(tmp_path, content):
    path = tmp_path / "log"
    path.write_bytes(content)
    for arguments, stdin in (([path], b""), (["--all"], content)):
        done = subprocess.run(measured("proof-extract", *arguments), input=stdin, capture_output=True, timeout=60)
        assert done.returncode == NO
        peak, seconds = cost(done.stderr.decode().splitlines()[-1])
        assert SANITIZER or (seconds < 4 and peak < MEMORY_LIMIT), (seconds, peak)


def test_a_log_in_gzip(tmp_path, noise):
    """It is read as it comes, in little memory; a cut one has what stands in front of the cut."""
    path = tmp_path / "serial.log.gz"
    packed = gzip.compress(line(A) + noise + line(B), mtime=0)
    path.write_bytes(packed)
    assert extract("--all", path).check_done().documents == [A, B]
    assert extract(stdin=packed).check_done().documents == [B]
    assert extract("--all", stdin=packed[:-5000]).check_done().documents == [A]
    damaged = packed[:2000] + bytes(4000) + packed[6000:]
    extract(stdin=damaged).check_error(BAD_INPUT, 'the gzip in "standard input" is damaged')
    extract(stdin=gzip.compress(b"", mtime=0)).check_error(NO, "the log, which is empty")


@pytest.mark.parametrize("content, seen", [
    (b"a\nb", "the log (3 bytes, 2 lines)"), (b"a\n", "the log (2 bytes, 1 line)"),
    (b'{"log":"x\\n","stream":"stdout"}\n' * 3, "lines of docker's json-file)"),
    (b'{"MESSAGE":"x"}\n', "1 line of journalctl -o json)"), (b'{"msg":"x"}\n', "of JSON records)"),
    (b"2025-11-20T10:00:00Z stdout F x\n", "of Kubernetes (CRI))"), ("x\n".encode("utf-16"), "of UTF-16)"),
    (b"<30>Nov 20 10:00:00 cvm x\n", "of syslog)"), (b"agent-1  | x\n", "of docker compose)"),
    (b"Script started on 2025\n", "of script)"), (b"__CURSOR=x\n", "of journalctl -o export)"),
    (b'{"version": 2, "width": 80}\n', "of asciicast)"),
])
def test_what_was_read_is_said_when_nothing_was_found(content, seen):
    extract(stdin=content).check_error(NO, "no PROOF_JSON= line in ", seen)


@pytest.mark.parametrize("cut, words", [
    (0.99, 'it is cut off in "'), (0.5, 'it is cut off in "kms_signature"'), (14, "it is cut off"),
])
def test_where_a_proof_is_cut_is_said(cut, words):
    text = line(A)
    extract(stdin=text[:int(cut * len(text)) if cut < 1 else cut]).check_error(NO, "line 1 ", words)


# Which proof


def test_the_last_proof_is_the_default():
    log = serial_log()
    assert extract(stdin=log).check_done().documents == [B]
    assert extract("--first", stdin=log).check_done().documents == [A]
    assert extract("--all", stdin=log).check_done().documents == [A, B]


def test_files_are_one_log(tmp_path):
    files = []
    for index, proof in enumerate((A, B)):
        files.append(tmp_path / f"log.{index}")
        files[-1].write_bytes(serial_log("--seed", index, proofs=[proof]))
    assert extract(*files).check_done().documents == [B]
    assert extract(*reversed(files)).check_done().documents == [A]
    assert extract("--all", files[0], "-", stdin=files[1].read_bytes()).check_done().documents == [A, B]
    whole = serial_log(proofs=[A])
    for place in range(whole.index(b"PROOF_JSON={") - 3, len(whole), 400):
        files[0].write_bytes(whole[:place])
        files[1].write_bytes(whole[place:])
        assert extract(*files).status in (DONE, NO)
        middle = whole.index(b"PROOF_JSON={") + 20 < place < whole.index(b"PROOF_JSON={") + 1000
        assert not middle or extract(*files).documents == [A], "a proof across two files"


# Damage


FAULTS = [(), ("--nul",), ("--cut",), ("--split",), ("--nul", "--cut"), ("--split", "--nul", "--cut")]


@pytest.mark.parametrize("faults", FAULTS, ids=lambda faults: " ".join(faults) or "none")
def test_many_seeds(faults):
    missed = []
    for seed in range(40):
        answer = extract("--all", stdin=serial_log("--lines", 60, "--seed", seed, *faults))
        if (answer.status, answer.documents) != (DONE, [A, B]):
            missed.append(seed)
    assert missed == []


@pytest.mark.parametrize("log", [
    line(A).rstrip(), line(A).replace(b"\r\n", b"\n"), line(A).replace(b": ", b":\r\n  "), b"\r" + line(A),
    b"bridge-1  | " + line(A), b"\x1b[32mbridge\x1b[0m | \x1b[1m" + line(A).rstrip() + b"\x1b[0m\r\n",
    line(A).replace(b"}", b"\x1b[0m}"), line(A).replace(b'"purpose"', b'\x1b]0;title\x07"purpose"'),
    line(dict(sorted(A.items()))), line(without(A, "member_id", "app_id", "derived_address")),
    line(A | {"verifier": "dstack"}), line(A)[:-3] + b', "note": "}{\\"PROOF"}' + b"\r\n",
    line(A).replace(b"0xa9019d", b"0xA9019D"), b"PROOF_JSON=\r\n" + line(A), b"PROOF_JSON=PROOF_JSON=" + line(A),
    line(A)[:200] + b"\r\n" + line(A), b"\xff\xfe\x80 garbage \xc3\x28\n" + line(A), line(A) * 30,
    line(changed(A, "member_id", B["member_id"])) + line(A), line(A) + line(changed(A, "code_id", B["code_id"])),
    line(A) + b"PROOF_JSON={", line(A) + line(B)[:500], line(A).rstrip() + b" trailing words",
    b"PROOF_JSON={\"a\":1} " + line(A),
], ids=range(24))
def test_logs_with_one_proof(log):
    assert extract(stdin=log).check_done().documents == [A]


def test_bytes_that_come_one_by_one():
    log = serial_log("--lines", 3, "--split", proofs=[A])
    with running("proof-extract", stdin=subprocess.PIPE) as process:
        for byte in log:
            os.write(process.stdin.fileno(), bytes([byte]))
        process.stdin.close()
        process.stdin = None
        assert finish("proof-extract", process).documents == [A]


# No proof


@pytest.mark.parametrize("log", [b"\n", b"a log without it\r\n" * 100, b"\0" * 10_000, b"PROOF_JSON:{}", b"proof_json={}"])
def test_no_marker(log):
    extract(stdin=log).check_error(NO, "PROOF_JSON")


def test_an_empty_log(tmp_path):
    """On standard input it means that the program in front has failed, and has said so."""
    for options in ([], ["--all"], ["--follow"]):
        assert extract(*options).stderr == "proof-extract: error: nothing came in\n"
    path = tmp_path / "log"
    path.write_bytes(b"")
    extract(path).check_error(NO, "the log, which is empty")


@pytest.mark.parametrize("log, reason", [
    (b"noise\r\n" * 2 + line(changed(A, "member_id", B["member_id"])), "member_id"),
    (b"noise\r\n" * 2 + line(changed(A, "dstack_proof.purpose", "tls")), "purpose"),
    (b"noise\r\n" * 2 + line(changed(A, "dstack_proof.kms_signature", "")), "KMS"),
    (b"noise\r\n" * 2 + line(without(A, "code_id")), "code_id"),
    (b"noise\r\n" * 2 + line(A)[:300], ""), (b"noise\r\n" * 2 + b"PROOF_JSON=", ""),
    (b"noise\r\n" * 2 + b"PROOF_JSON=null\r\n", ""), (b"noise\r\n" * 2 + b"PROOF_JSON={}\r\n", ""),
    (b"noise\r\n" * 2 + b"PROOF_JSON line follows\r\nPROOF_JSON=$(cat proof.json)\r\n", ""),
])
def test_why_no_proof_was_valid(log, reason):
    error = extract(stdin=log).check_error(NO, "PROOF_JSON", reason)
    assert reason == "" or "line 3" in error


def test_every_cut_of_a_line_is_no_proof():
    whole = line(A).rstrip()
    for length in range(len("PROOF_JSON="), len(whole) - 1, 7):
        extract(stdin=whole[:length]).check_error(NO)
        assert extract(stdin=whole[:length] + b"\r\n" + line(B)).check_done().documents == [B]


def test_a_proof_is_not_put_together_from_two():
    """Halves of different proofs, side by side, are no proof; nor is one with a changed digit."""
    for place in range(100, 1200, 100):
        mixed = line(A)[:place] + line(B)[place:]
        if json.loads(mixed.split(b"=", 1)[1]) not in PROOFS:
            extract(stdin=mixed).check_error(NO)


def test_control_characters_are_not_repeated():
    log = line(changed(A, "kms_root", "\x1b[31m\x07")) + b'PROOF_JSON={"\\u001b[2J": }\r\n'
    answer = extract(stdin=log)
    assert answer.status == NO and not any(control in answer.stderr for control in "\x1b\x07")


# Files and options


def test_files_that_cannot_be_read(tmp_path):
    extract(tmp_path / "absent").check_error(BAD_INPUT, "absent")
    extract(tmp_path).check_error(BAD_INPUT)
    (tmp_path / "secret").write_bytes(line(A))
    assert extract(tmp_path / "secret").check_done().document == A


@pytest.mark.parametrize("arguments", [
    ["--first", "--all"], ["--timeout", "1"], ["--follow", "--timeout", "x"], ["--follow", "--timeout", "-1"], ["-", "-"],
    ["--none"],
])
def test_usage(arguments):
    extract(*arguments, stdin=line(A)).check_error(BAD_INPUT)


def test_a_closed_pipe_ends_it_quietly(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(line(A) * 3000)
    with running("proof-extract", "--all", log) as process:
        assert json.loads(process.stdout.readline()) == A
        process.stdout.close()
        process.stdout = None
        ended = finish("proof-extract", process)
    assert (ended.status, ended.stderr) == (BROKEN_PIPE, "")


# What else reads the file


@pytest.mark.parametrize("log", [line(A), b"booting\r\n" * 9, line(A)[:300], b""], ids=["proof", "no marker", "cut", "empty"])
@pytest.mark.parametrize("skipped", [0, 5])
def test_standard_input_stands_at_its_end(tmp_path, log, skipped):
    """`{ proof-extract; cat; } < log` gives the log once."""
    path = tmp_path / "log"
    path.write_bytes(b"\n" * skipped + log)
    with path.open("rb") as file:
        os.lseek(file.fileno(), skipped, os.SEEK_SET)
        status = subprocess.run([program_path("proof-extract")], stdin=file, capture_output=True, timeout=60).returncode
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == skipped + len(log)
    assert status == (DONE if log == line(A) else NO if log else BAD_INPUT)


def test_standard_input_is_read_from_where_it_stands(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(line(B) + line(A) + line(B)[:500])
    other = tmp_path / "other"
    other.write_bytes(line(B)[500:])
    for files, offset, expected in (([], 0, [A]), ([], len(line(B)) + 1, []), (["-", other], len(line(B)) + 1, [B])):
        with path.open("rb") as file:
            os.lseek(file.fileno(), offset, os.SEEK_SET)
            answer = subprocess.run([program_path("proof-extract"), *files], stdin=file, capture_output=True, timeout=60)
        assert [json.loads(text) for text in answer.stdout.splitlines()] == expected


def test_files_that_do_not_tell_their_length(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with running("proof-extract", pipe) as process:
        writer = os.open(pipe, os.O_RDWR)
        os.write(writer, line(A))
        wait_until(lambda: not select.select([writer], [], [], 0)[0])
        os.close(writer)
        assert finish("proof-extract", process).check_done().documents == [A]
    assert extract("/proc/self/environ", env={"LOG": line(A).decode().strip()}).check_done().documents == [A]


# Following


def test_follow(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"booting\r\n" + line(A)[:400])
    with running("proof-extract", "--follow", "--timeout", "30", log) as process:
        time.sleep(0.5)
        assert process.poll() is None
        with log.open("ab") as file:
            file.write(line(A)[400:])
        ended = finish("proof-extract", process, 10).check_done()
    assert ended.documents == [A]


def test_follow_all(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(line(A))
    with running("proof-extract", "--follow", "--all", log) as process:
        assert json.loads(process.stdout.readline()) == A
        with log.open("ab") as file:
            file.write(b"rebooting\r\n" + line(B))
        assert json.loads(process.stdout.readline()) == B
        assert process.poll() is None


def test_follow_a_pipe():
    with running("proof-extract", "--follow", stdin=subprocess.PIPE) as process:
        process.stdin.write(b"booting\r\n" + line(A))
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == A
        assert process.wait(10) == DONE


def test_follow_gives_up(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(line(A)[:400])
    start = time.monotonic()
    extract("--follow", "--timeout", "1", log).check_error(UNREACHABLE)
    assert 0.9 < time.monotonic() - start


# Size


def fed(*args, feed=None) -> tuple[int, bytes, tuple[int, float]]:
    """Exit status, output and cost of a run whose input `feed` writes."""
    with subprocess.Popen(measured("proof-extract", *args, seconds=100), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for block in feed or ():
            process.stdin.write(block)
        output, last = process.communicate(timeout=100)
    return process.returncode, output, cost(last)


@plain_memory
def test_a_large_log_takes_little_memory(tmp_path, noise):
    log = tmp_path / "log"
    with log.open("wb") as file:
        while file.tell() < 100 * MEGABYTE:
            file.write(noise)
        file.write(serial_log("--split", "--nul", "--cut", proofs=[A]))
        file.write(noise)
    status, output, (memory, _) = fed(log)
    assert (status, json.loads(output)) == (DONE, A)
    assert memory < MEMORY_LIMIT


def test_the_last_proof_of_a_huge_file_is_found_from_its_end(tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.write(line(B))
        # A hole: it takes no room, and minutes to read.
        file.seek(2**42)
        file.write(line(A) + b"\r\n" * MEGABYTE)
    assert extract(log).check_done().documents == [A]
    with log.open("rb") as file:
        answer = subprocess.run([program_path("proof-extract")], stdin=file, capture_output=True, timeout=60)
    assert json.loads(answer.stdout) == A


@pytest.mark.parametrize("block", [
    b"\0" * MEGABYTE, b"x" * MEGABYTE, b"PROOF_JSON=" * 1000, b"PROOF_JSON={" * 1000, b"{" * MEGABYTE, b'"' * MEGABYTE,
    b"[    0.1] " * 100_000, b"PROOF_JSON={\"a\": \"" + b"y" * MEGABYTE + b"\"}\r\n", b"\x1b[" + b"1;" * 500_000,
], ids=["NULs", "one line", "markers", "open markers", "braces", "quotes", "kernel times", "long strings", "escapes"])
def test_hostile_logs_take_little_memory_and_time(block):
    """A proof behind megabytes of anything is found, in seconds of a processor."""
    for opening in (b"", b"PROOF_JSON={"):
        status, output, (memory, seconds) = fed(feed=[opening, *[block] * 10, b"\r\n", line(A)])
        assert (status, json.loads(output)) == (DONE, A)
        assert SANITIZER or memory < MEMORY_LIMIT
        assert seconds < 30
