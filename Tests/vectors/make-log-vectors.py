#!/usr/bin/env python3
"""Makes logs/: one log for each container of log lines and each damage, and logs.json with the proofs that each holds.

Shapes after the containers' documentation: docker's json-file and compose, Kubernetes' CRI, systemd's journal (JSON and
export formats), RFC 3164 and 5424, asciicast v2, script(1), CloudWatch and Loki exports, dstack's log endpoint. The
proofs are those of dstack-chains.json. Deterministic.
"""

import base64
import gzip
import html
import json
from pathlib import Path

HERE = Path(__file__).parent
PROOFS = [entry["proof"] for entry in json.loads((HERE / "dstack-chains.json").read_text())["proofs"]]
LINES = [f"PROOF_JSON={json.dumps(proof)}" for proof in PROOFS]
TIME = "2025-11-20T10:00:00.123456789Z"
BOOT = ["Starting the agent", 'level=warning msg="The \\"X\\" variable is not set. {}"', "", "listening on 0.0.0.0:8080"]


def output(text: list[str]) -> list[str]:
    """What a container prints: some lines, a proof, some lines, another proof."""
    return [*BOOT, text[0], *BOOT, text[1], *BOOT]


PRINTED = output(LINES)


def lines(texts) -> bytes:
    return "".join(text + "\n" for text in texts).encode()


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def docker(text: str, stream: str = "stdout") -> str:
    """A record, as docker's Go writes it."""
    escaped = compact({"log": text, "stream": stream, "time": TIME})
    return escaped.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def parts(text: str, *places: int) -> list[str]:
    edges = [0, *places, len(text)]
    return [text[start:end] for start, end in zip(edges, edges[1:])]


def docker_split() -> list[str]:
    """A line of more than 16 KiB goes on in the next record of its stream; another stream's may come between."""
    first, second = parts("x" * 15_900 + LINES[0] + "\n", 16_384)
    third, fourth, fifth = parts(LINES[1] + "\n", 300, 900)
    return [docker(first), docker("a warning\n", "stderr"), docker(second), docker(third), docker(fourth),
            docker("another warning\n", "stderr"), docker(fifth), docker("done\n")]


def cri(text: str, tag: str = "F", stream: str = "stdout") -> str:
    return f"{TIME} {stream} {tag} {text}"


def cri_split() -> list[str]:
    one, two, three = parts(LINES[0], 200, 700)
    four, five = parts(LINES[1], 500)
    return [cri("Starting"), cri(one, "P"), cri(two, "P"), cri("a warning", stream="stderr"), cri(three), cri("ready"),
            cri(four, "P", "stderr"), cri("a line of the other stream"), cri(five, "F", "stderr")]


def journal(text: str, **members) -> dict:
    return {"__REALTIME_TIMESTAMP": "1763632800123456", "_HOSTNAME": "cvm", "MESSAGE": text, "PRIORITY": "6",
            "SYSLOG_IDENTIFIER": "docker", **members}


def journal_export(text: str) -> bytes:
    head = b"__CURSOR=s=0;i=1\n__REALTIME_TIMESTAMP=1763632800123456\n_HOSTNAME=cvm\n"
    if "\x1b" in text:
        data = text.encode()
        return head + b"MESSAGE\n" + len(data).to_bytes(8, "little") + data + b"\n\n"
    return head + f"MESSAGE={text}\n\n".encode()


def numbers(text: str) -> list[int]:
    return list(text.encode())


def loki(text: str) -> dict:
    return {"streams": [{"stream": {"app": "bridge"}, "values": [["1763632800123456789", text]]}]}


def asciicast() -> list[str]:
    cast = [compact({"version": 2, "width": 80, "height": 24})]
    for text in PRINTED:
        # A read of the terminal may end anywhere in a line.
        cast += [compact([1.5, "o", part]) for part in parts(text + "\r\n", *([700] if len(text) > 700 else []))]
    return cast


def endpoint(text: str) -> str:
    """A line of dstack's log endpoint, whose messages are base64 unless text is asked for."""
    return compact({"channel": "stdout", "message": base64.b64encode(text.encode()).decode()})


def endpoint_split(encoded: bool, before: str = "", **layout) -> list[str]:
    """Lines that the endpoint cut into records, with the other stream's between: the stream stands before the text."""
    record = lambda text, stream="stdout": json.dumps({
        "channel": stream, "message": base64.b64encode(text.encode()).decode() if encoded else text}, **layout)
    texts = [[record(part) for part in parts(before + line + "\n", 300, 900)] for line in LINES]
    noise = [record("a warning: {\n", "stderr"), record("another, of many words\n", "stderr")]
    return [texts[0][0], noise[0], *texts[0][1:], record("ready\n"), texts[1][0], texts[1][1], *noise, texts[1][2]]


def wrapped(text: str, columns: int) -> list[str]:
    return [text[start:start + columns] for start in range(0, len(text), columns)]


def interrupted(text: str, *words: str) -> str:
    """A line with words at places that are far from each other."""
    for number, word in reversed(list(enumerate(words, 1))):
        place = len(text) * number // (len(words) + 1)
        text = text[:place] + word + text[place:]
    return text


HEARTBEAT, UNREADABLE = "[vmm heartbeat]\n", "<failed to read line: stream did not contain valid UTF-8>\n"
SYSLOG = "<30>Nov 20 10:00:00 cvm docker[768]: "
LOGS = {
    "plain": lines(PRINTED),
    "docker": lines(docker(text + "\n") for text in PRINTED),
    "docker, split at 16 KiB": lines(docker_split()),
    "cri": lines(cri(text) for text in PRINTED),
    "cri, partial": lines(cri_split()),
    "journald, json": lines(compact(journal(text)) for text in PRINTED),
    "journald, json, numbers": lines(compact(journal(numbers("\x1b[0m" + text + "\x1b[0m"))) for text in PRINTED),
    "journald, json, numbers with spaces": lines(json.dumps(journal(numbers("\x1b[0m" + text))) for text in PRINTED),
    "journald, json, pretty": lines(json.dumps(journal(text), indent="\t") for text in PRINTED),
    "journald, export": b"".join(journal_export(text) for text in output([LINES[0], "\x1b[0m" + LINES[1]])),
    "json lines, message": lines(compact({"time": TIME, "level": "info", "message": text}) for text in PRINTED),
    "json lines, msg": lines(compact({"msg": text, "time": TIME}) for text in PRINTED),
    "json lines, body": lines(compact({"severity": 9, "body": text}) for text in PRINTED),
    "json lines, escaped quotes": lines(
        compact({"message": text}).replace('\\"', "\\u0022") for text in PRINTED),
    "dstack endpoint": lines(endpoint(text + "\n") for text in PRINTED),
    "dstack endpoint, text": lines(compact({"channel": "stdout", "message": text + "\n"}) for text in PRINTED),
    "dstack endpoint, behind one byte": lines(endpoint(" " + text + "\n") for text in PRINTED),
    "dstack endpoint, behind two bytes": lines(endpoint("> " + text + "\n") for text in PRINTED),
    "dstack endpoint, split": lines(endpoint(part) for text in PRINTED for part in parts(
        text + "\n", *([400, 900] if len(text) > 900 else []))),
    "dstack endpoint, split, two streams": lines(endpoint_split(True)),
    "dstack endpoint, text, split, two streams": lines(endpoint_split(False, separators=(",", ":"))),
    "dstack endpoint, text, split, commas": lines(endpoint_split(False, "12:00:00,123 INFO, ")),
    "docker, split, the stream in front": lines(
        json.dumps({"attrs": {"tag": "x" * 150}, "stream": stream, "log": text}) for stream, text in [
            ("stdout", "12:00:00,123 INFO " + LINES[0][:400]), ("stderr", "warn, {\n"), ("stdout", LINES[0][400:] + "\n"),
            ("stdout", LINES[1] + "\n")]),
    "dstack endpoint, marked": b"\xef\xbb\xbf" + lines(endpoint(text + "\n") for text in (LINES[0], "ready", LINES[1])),
    "dstack endpoint, indented": lines("  " + endpoint(text + "\n") for text in PRINTED),
    "dstack endpoint, in an array": ("[" + ",\n".join(endpoint_split(True)) + "]\n").encode(),
    "dstack endpoint, in a line": compact([json.loads(endpoint(text + "\n")) for text in PRINTED]).encode(),
    "dstack endpoint, behind compose's prefix": lines(f"logs-1  | {text}" for text in endpoint_split(True)),
    "syslog, rfc 3164": lines(SYSLOG + text for text in PRINTED),
    "syslog, rfc 5424": lines(f"<30>1 {TIME} cvm docker 768 - - {text}" for text in PRINTED),
    "compose": lines(f"bridge-agent-1  | {text}" for text in PRINTED),
    "kubectl": lines(f"[pod/bridge/agent] {text}" for text in PRINTED),
    "cloudwatch": json.dumps({"events": [
        {"timestamp": 1763632800123, "message": text, "ingestionTime": 1763632801000} for text in PRINTED]}).encode(),
    "cloudwatch, docker": json.dumps({"events": [
        {"timestamp": 1763632800123, "message": docker(text + "\n")} for text in PRINTED]}).encode(),
    "loki": lines(compact(loki(text)) for text in PRINTED),
    "loki, docker": lines(compact(loki(docker(text + "\n"))) for text in PRINTED),
    "html": lines(["<pre>", *(html.escape(text) for text in PRINTED), "</pre>"]),
    "html, twice": lines(html.escape(html.escape(text)) for text in PRINTED),
    "asciicast": lines(asciicast()),
    "script": b"Script started on 2025-11-20 10:00:00+00:00 [TERM=\"xterm\"]\r\n"
              + "".join(f"\x1b[?2004h\x1b[32m{text}\x1b[0m\r\n" for text in PRINTED).encode() + b"\r\nScript done\n",
    "utf-16, marked": "\r\n".join(PRINTED).encode("utf-16"),
    "utf-16, little-endian": "\r\n".join(PRINTED).encode("utf-16-le"),
    "utf-16, big-endian": "\r\n".join(PRINTED).encode("utf-16-be"),
    "utf-8 and utf-16": lines(output([LINES[0], ""])) + LINES[1].encode("utf-16-le"),
    "mixed": lines([LINES[0], docker("x\n"), cri("x"), docker(LINES[1] + "\n")]),
    "gzip": gzip.compress(lines(PRINTED), mtime=0),
    "gzip, two members": gzip.compress(lines([LINES[0]]), mtime=0) + gzip.compress(lines([LINES[1]]), mtime=0) + bytes(512),
    # Damage.
    "heartbeats": interrupted(LINES[0], HEARTBEAT, HEARTBEAT).encode() + lines(["", LINES[1]]),
    "unreadable lines": interrupted(LINES[0], UNREADABLE, "\n" + UNREADABLE).encode() + lines(["", LINES[1]]),
    "spaces around the sign": lines(output([line.replace("=", " = ", 1) for line in LINES])),
    "a colon": lines(output([line.replace("=", ": ", 1) for line in LINES])),
    "single quotes": lines(output([f"PROOF_JSON={proof}" for proof in PROOFS])),
    "python's repr of the text": lines(output([f"PROOF_JSON={json.dumps(proof)!r}" for proof in PROOFS])),
    "python's repr of the bytes": lines(output([f"PROOF_JSON={json.dumps(proof).encode()!r}" for proof in PROOFS])),
    "json of the text": lines(output([f"PROOF_JSON={json.dumps(json.dumps(proof))}" for proof in PROOFS])),
    "wrapped at 80": "\r\n".join(output(["\r\n".join(wrapped(line, 80)) for line in LINES])).encode(),
    "kernel lines between": lines(output([interrupted(
        line, "\n[   41.747276] usb 1-1: new {device\n", "[   41.747277] usb 1-1: }\n") for line in LINES])),
    "other writers between": lines(output([interrupted(
        line, "\napp-compose.sh[768]:  Container kms  Started\n", "\n Container kms  Created\n") for line in LINES])),
}


def file_name(name: str) -> str:
    return name.replace(", ", "-").replace(" ", "-").replace("'", "") + ".log"


def main() -> None:
    folder = HERE / "logs"
    for old in folder.glob("*.log"):
        old.unlink()
    for name, content in LOGS.items():
        (folder / file_name(name)).write_bytes(content)
    expected = [{"name": name, "file": file_name(name), "proofs": [0, 1], "isCompressed": name.startswith("gzip")}
                for name in LOGS]
    (folder / "logs.json").write_text(json.dumps({"logs": expected}, indent=1) + "\n")


main()
