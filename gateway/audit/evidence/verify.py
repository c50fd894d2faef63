"""Is this bundle whole? Run it in the bundle: python3 verify.py [public-key.pem]

Needs Python 3.8 or later and openssl 3 (or 1.1.1), and nothing of pgcurfew. Give the record's public key as you got
it from somewhere else than this bundle; without it, the bundle's own is used, and that is said.
Exit status: 0 whole, 1 broken, 2 could not be looked at.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MARK = b',"signature":"'
NOT_IN_MANIFEST = {"manifest.sha256", "manifest.sig"}

problems: list[str] = []


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def broken(what: str) -> None:
    problems.append(what)


def signed(key: Path, message: bytes, signature: bytes) -> bool:
    """Ed25519 (RFC 8032), by openssl."""
    with tempfile.TemporaryDirectory() as folder:
        said, sig = Path(folder) / "message", Path(folder) / "signature"
        said.write_bytes(message)
        sig.write_bytes(signature)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(key), "-rawin", "-in", str(said)]
        return subprocess.run([*command, "-sigfile", str(sig)], capture_output=True, check=False).returncode == 0


def check_manifest(key: Path) -> None:
    """Each file is what the manifest says, there is no other, and the manifest is signed."""
    manifest = (HERE / "manifest.sha256").read_bytes()
    if not signed(key, b"pgcurfew evidence 1\n" + manifest, bytes.fromhex((HERE / "manifest.sig").read_text().strip())):
        broken("manifest.sig: the signature over the manifest does not hold")
    named = set()
    for line in manifest.decode().splitlines():
        expected, _, name = line.partition("  ")
        named.add(name)
        path = HERE / name
        if not path.is_file():
            broken(f"{name}: missing")
        elif digest(path.read_bytes()) != expected:
            broken(f"{name}: changed")
    there = {path.relative_to(HERE).as_posix() for path in HERE.rglob("*") if path.is_file()}
    for name in sorted(there - named - NOT_IN_MANIFEST):
        if "__pycache__" not in name:
            broken(f"{name}: not of this bundle")


def follow(name: str, lines: list[bytes], start: str) -> list[str]:
    """The digest of each line of a chain; `start` is the name line that the first one carries."""
    before, digests = digest(start.encode() + b"\n"), []
    for number, line in enumerate(lines, 1):
        told = json.loads(line)
        if told["prev"] != before or told["seq"] != number:
            broken(f"{name}:{number}: does not follow the line before it")
        before = digest(line)
        digests.append(before)
    return digests


def whole_lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def check_record(record: Path, key: Path) -> dict[str, list[Any]]:
    """A ledger and the logs that lie beside it; gives back the logs' lines, by the logs' ids."""
    ledger = record / "ledger.jsonl"
    place = ledger.relative_to(HERE).as_posix()
    lines = whole_lines(ledger)
    follow(place, lines, "pgcurfew ledger 1")
    events = [json.loads(line)["event"] for line in lines]
    checkpoints = [number for number, event in enumerate(events) if event["type"] == "Checkpoint"]
    if not checkpoints:
        broken(f"{place}: nothing in it is signed")
        return {}
    last = lines[checkpoints[-1]]
    at = last.rindex(MARK)
    # Through the chain the last checkpoint's signature covers every line before it.
    if not signed(key, b"pgcurfew checkpoint 1\n" + last[:at], bytes.fromhex(last[at + len(MARK) : -3].decode())):
        broken(f"{place}:{checkpoints[-1] + 1}: the checkpoint's signature does not hold")
    covered = events[: checkpoints[-1] + 1]
    opened = {event["path"]: event for event in covered if event["type"] == "LogOpened"}
    closed = {event["log"]: event for event in covered if event["type"] == "LogClosed"}
    heads: dict[str, list[tuple[int, str]]] = {}
    for event in covered:
        for log, (seq, head) in event.get("heads", {}).items():
            heads.setdefault(log, []).append((seq, head))
    found: dict[str, list[Any]] = {}
    for folder in ("sessions", "control"):
        for path in sorted((record / folder).rglob("*.jsonl")):
            name, inside = path.relative_to(HERE).as_posix(), path.relative_to(record).as_posix()
            if inside not in opened:
                broken(f"{name}: the signed ledger does not know it")
                continue
            log = opened[inside]["log"]
            lines = whole_lines(path)
            digests = follow(name, lines, f"pgcurfew log {events[0]['record']} {log}")
            if not digests or digests[0] != opened[inside]["first"]:
                broken(f"{name}:1: not the line that the ledger opened it with")
            for seq, head in heads.get(log, []):
                if len(digests) < seq or digests[seq - 1] != head:
                    broken(f"{name}:{seq}: not what a checkpoint signed")
            end = closed.get(log)
            if end is not None and (len(digests) != end["seq"] or digests[-1] != end["digest"]):
                broken(f"{name}: does not end where the ledger closed it")
            found[log] = [json.loads(line) for line in lines]
    return found


def check_events(logs: dict[str, list[Any]]) -> int:
    """Each event that the bundle lists stands in a log, just so; and each event of each session is listed."""
    listed = set()
    for number, line in enumerate(whole_lines(HERE / "events.jsonl"), 1):
        told = json.loads(line)
        listed.add((told["log"], told["line"]))
        lines = logs.get(told["log"], [])
        source = lines[told["line"] - 1] if 0 < told["line"] <= len(lines) else {}
        if source.get("event") != told["event"] or source.get("time") != told["time"]:
            broken(f"events.jsonl:{number}: is not line {told['line']} of log {told['log']}")
    for log, lines in logs.items():
        if lines and lines[0]["event"]["type"] == "SessionOpened":
            missing = [number for number in range(1, len(lines) + 1) if (log, number) not in listed]
            if missing:
                broken(f"events.jsonl: line {missing[0]} of log {log} is not listed")
    return len(listed)


def main() -> int:
    key = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "public-key.pem"
    if len(sys.argv) < 2:
        print("the public key is the bundle's own: compare it with one that you got elsewhere")
    elif key.read_bytes().split() != (HERE / "public-key.pem").read_bytes().split():
        broken("public-key.pem: not the key that you gave")
    logs: dict[str, list[Any]] = {}
    events = 0
    try:
        check_manifest(key)
        for ledger in sorted((HERE / "record").rglob("ledger.jsonl")):
            logs.update(check_record(ledger.parent, key))
        events = check_events(logs)
    except FileNotFoundError as error:
        if error.filename == "openssl":
            print("openssl is not installed")
            return 2
        broken(f"{error.filename}: missing")
    except (KeyError, ValueError, IndexError, TypeError) as error:
        broken(f"something here is not of this format: {error!r}")
    for problem in problems:
        print(f"broken  {problem}")
    if problems:
        return 1
    print(f"whole: {events} events in {len(logs)} logs, signed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
