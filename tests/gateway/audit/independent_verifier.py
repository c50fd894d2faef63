"""Verifies a pgcurfew record with the standard library, zstd and one Ed25519 check, written from
docs/audit.md alone: it shares no code with the gateway. Prints "file:line: what" for each problem.

    python independent_verifier.py RECORD_DIRECTORY PUBLIC_KEY.pem
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from zstandard import ZstdDecompressor, ZstdError


def content(path: Path) -> bytes:
    packed = Path(f"{path}.zst")
    if packed.exists() and not path.exists():
        return ZstdDecompressor().decompressobj().decompress(packed.read_bytes())
    return path.read_bytes() if path.exists() else b""


def chained_lines(where: Path, data: bytes, name: str, problems: list) -> list:
    """[(raw line, parsed line)], checked against each other; an unfinished last line is left out."""
    lines, prev = [], sha256(f"pgcurfew {name}\n".encode()).hexdigest()
    for number, text in enumerate(data.split(b"\n")[:-1], 1):
        try:
            line = json.loads(text)
        except ValueError:
            problems.append((where, number, "not JSON"))
            break
        if line.get("prev") != prev or line.get("seq") != number:
            problems.append((where, number, "does not continue the line before"))
        lines.append((text + b"\n", line))
        prev = sha256(text + b"\n").hexdigest()
    return lines


def signature_holds(raw: bytes, line: dict, key) -> bool:
    signed = raw[: raw.rindex(b',"signature":"')]
    try:
        signature = bytes.fromhex(line["signature"])
        key.verify(signature, b"pgcurfew checkpoint 1\n" + signed)
    except (InvalidSignature, ValueError):
        return False
    return raw == signed + b',"signature":"' + signature.hex().encode() + b'"}\n'


def verify(directory: Path, *keys) -> list:
    problems, record, tombstones, expired, paths, heads, ends = [], "", set(), set(), {}, {}, {}
    book = chained_lines(directory / "ledger.jsonl", content(directory / "ledger.jsonl"), "ledger 1", problems)
    for number, (raw, line) in enumerate(book, 1):
        event = line["event"]
        match event["type"]:
            case "RecordCreated":
                record = event["record"]
            case "LogOpened":
                paths[event["log"]], heads[event["log"]] = [event["path"]], {1: event["first"]}
            case "LogContinued":
                paths[event["log"]].append(event["path"])
            case "LogClosed":
                ends[event["log"]] = event["seq"]
                heads[event["log"]] |= {event["seq"]: event["digest"]}
            case "LogExpired":
                tombstones.add(event["log"])
            case "Checkpoint":
                if not any(signature_holds(raw, line, key) for key in keys):
                    problems.append(("ledger.jsonl", number, "bad signature"))
                for log, (seq, digest) in event.get("heads", {}).items():
                    heads[log][seq] = digest
                expired |= tombstones & ends.keys()
            case other if other not in ("RecorderStarted", "RecorderStopped", "RecordResumed"):
                problems.append(("ledger.jsonl", number, f"unknown entry {other}"))
    if not any(line["event"]["type"] == "Checkpoint" for _, line in book):
        problems.append(("ledger.jsonl", 0, "nothing is signed"))
    stored = [file for file in directory.glob("*/*/*/*/*") if file.name.endswith((".jsonl", ".jsonl.zst"))]
    files = {str(file.relative_to(directory)).removesuffix(".zst"): file for file in stored}
    for log, parts in paths.items():
        never_begun = parts[0] not in files and ends.get(log) == 0 and len(heads[log]) == 2
        if never_begun or (log in expired and not all(part in files for part in parts)):
            continue
        try:
            data = b"".join(content(directory / part) for part in parts)
        except ZstdError:
            data = problems.append((parts[0], 0, "cannot be decompressed")) or b""
        lines = chained_lines(parts[0], data, f"log {record} {log}", problems)
        if log in ends and len(lines) != ends[log]:
            problems.append((parts[0], len(lines), f"{len(lines)} lines, the ledger says {ends[log]}"))
        for seq, digest in heads[log].items():
            if seq > len(lines) or sha256(lines[seq - 1][0]).hexdigest() != digest:
                problems.append((parts[0], seq, "not the line that the ledger vouches for"))
    known = {part for parts in paths.values() for part in parts}
    return problems + [(path, 0, "unknown") for path in files if path not in known and files[path].stat().st_size]


if __name__ == "__main__":
    broken = verify(Path(sys.argv[1]), *(load_pem_public_key(Path(name).read_bytes()) for name in sys.argv[2:]))
    print(*(f"{where}:{number}: {what}" for where, number, what in broken), "broken" if broken else "whole", sep="\n")
    sys.exit(bool(broken))
