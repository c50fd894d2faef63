"""Verifies a pgcurfew record with the standard library and one Ed25519 check, written from
docs/audit.md alone: it shares no code with the gateway. Prints "file:line: what" for each problem.

    python independent_verifier.py RECORD_DIRECTORY PUBLIC_KEY.pem
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def sha(data: bytes) -> str:
    return sha256(data).hexdigest()


def chained_lines(path: Path, name: str, problems: list) -> list:
    """[(raw line, parsed line)], checked against each other; an unfinished last line is left out."""
    lines, prev = [], sha(f"pgcurfew {name}\n".encode())
    for number, text in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        raw = text + b"\n"
        try:
            line = json.loads(raw)
        except ValueError:
            problems.append((path, number, "not JSON"))
            break
        if line.get("prev") != prev or line.get("seq") != number:
            problems.append((path, number, "does not continue the line before"))
        lines.append((raw, line))
        prev = sha(raw)
    return lines


def signature_holds(raw: bytes, line: dict, key) -> bool:
    signed = raw[: raw.rindex(b',"signature":"')]
    try:
        signature = bytes.fromhex(line["signature"])
        key.verify(signature, b"pgcurfew checkpoint 1\n" + signed)
    except (InvalidSignature, ValueError):
        return False
    return raw == signed + b',"signature":"' + signature.hex().encode() + b'"}\n'


def verify(directory: Path, key) -> list:
    problems: list = []
    ledger = directory / "ledger.jsonl"
    paths: dict = {}
    heads: dict = {}
    ends: dict = {}
    record, checkpoints = "", 0
    for number, (raw, line) in enumerate(chained_lines(ledger, "ledger 1", problems), 1):
        event = line["event"]
        kind = event["type"]
        if kind == "RecordCreated":
            record = event["record"]
        elif kind == "LogOpened":
            paths[event["log"]] = directory / event["path"]
            heads[event["log"]] = {1: event["first"]}
        elif kind == "LogClosed":
            ends[event["log"]] = event["seq"]
            heads[event["log"]] |= {event["seq"]: event["digest"]}
        elif kind == "Checkpoint":
            checkpoints += 1
            if not signature_holds(raw, line, key):
                problems.append((ledger, number, "bad signature"))
            for log, (seq, digest) in event.get("heads", {}).items():
                heads[log][seq] = digest
        elif kind not in ("RecorderStarted", "RecorderStopped", "RecordResumed"):
            problems.append((ledger, number, f"unknown entry {kind}"))
    if not checkpoints:
        problems.append((ledger, 0, "nothing is signed"))
    for log, path in paths.items():
        if not path.exists():
            if ends.get(log) != 0 or len(heads[log]) > 2:
                problems.append((path, 0, "missing"))
            continue
        lines = chained_lines(path, f"log {record} {log}", problems)
        if log in ends and len(lines) != ends[log]:
            problems.append((path, len(lines), f"{len(lines)} lines, the ledger says {ends[log]}"))
        for seq, digest in heads[log].items():
            if seq > len(lines) or sha(lines[seq - 1][0]) != digest:
                problems.append((path, seq, "not the line that the ledger vouches for"))
    for folder in ("sessions", "control"):
        for path in (directory / folder).rglob("*.jsonl"):
            if path not in paths.values():
                problems += [(path, 0, "unknown to the ledger")]
    return problems


if __name__ == "__main__":
    found = verify(Path(sys.argv[1]), load_pem_public_key(Path(sys.argv[2]).read_bytes()))
    for where, number, what in found:
        print(f"{where}:{number}: {what}")
    print("broken" if found else "whole")
    sys.exit(1 if found else 0)
