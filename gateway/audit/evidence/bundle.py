"""The bundle of one grant: raw logs, ledgers, the grant's events, a report, and a signed manifest over all of it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.audit import lines
from gateway.audit.evidence.report import Report, render
from gateway.audit.index.answering import Index
from gateway.audit.places import all_records
from gateway.audit.replay import Session, record_id, session_of

#: What the manifest's signature covers begins with this line, which no other use of the key signs.
DOMAIN: Final = b"pgcurfew evidence 1\n"
#: So that two bundles of the same record are the same, byte by byte.
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)


class NoEvidence(Exception):
    """The record holds nothing about the grant."""


@dataclass(slots=True)
class Bundle:
    """Names and contents of the files."""

    grant: str
    files: dict[str, bytes] = field(default_factory=dict)
    events: int = 0
    sessions: int = 0


def gather(
    index: Index,
    directory: Path,
    grant: str,
    signer: Ed25519PrivateKey,
    *,
    now: datetime,
    key: X25519PrivateKey | None = None,
) -> Bundle:
    """All of a grant, signed. With an auditor's key the report shows texts and parameters in clear. The index
    must be up to date. Raises NoEvidence, OSError, Unreadable, CannotOpen."""
    bundle = Bundle(grant)
    # Before the logs: what is signed is in them then, whatever is written meanwhile.
    ledgers = {
        "" if record == directory else record.name: (record / "ledger.jsonl").read_bytes()
        for record in all_records(directory)
        if (record / "ledger.jsonl").is_file()
    }
    events: list[dict[str, Any]] = []
    sessions: list[Session] = []
    own = {*index.affairs(grant=grant)}
    requests = {affair.request for affair in own if affair.request}
    affairs = sorted(
        own.union(*(index.affairs(request=request) for request in requests)), key=lambda affair: affair.time
    )
    places = {""}
    for log, place, path in index.places({affair.log for affair in affairs}):
        wanted = {affair.line for affair in affairs if affair.log == log}
        content = _raw(bundle, directory, place, path)
        events += [event for event in _events(log, content) if event["line"] in wanted]
        places.add(place)
    for place, path, name in index.logs(grant=grant):
        content = _raw(bundle, directory, place, path)
        events += _events(name, content)
        places.add(place)
        sessions.append(session_of(content.splitlines(keepends=True), record_id(directory / place), key))
    if not events:
        raise NoEvidence(f"the record holds nothing about the grant {grant}")
    for place in places:
        bundle.files[_inside(place, "ledger.jsonl")] = _signed_part(ledgers[place])
    events.sort(key=lambda event: (event["time"], event["log"], event["line"]))
    bundle.events, bundle.sessions = len(events), len(sessions)
    bundle.files["events.jsonl"] = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    public = signer.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = sha256(public.public_bytes_raw()).hexdigest()
    bundle.files["public-key.pem"] = pem
    bundle.files["verify.py"] = _ours("verify.py")
    bundle.files["README.md"] = _ours("README.md")
    report = Report(grant, now, affairs, sessions, fingerprint, sealed=key is None)
    bundle.files["report.html"] = render(report).encode()
    manifest = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in sorted(bundle.files.items()))
    bundle.files["manifest.sha256"] = manifest.encode()
    bundle.files["manifest.sig"] = signer.sign(DOMAIN + manifest.encode()).hex().encode() + b"\n"
    return bundle


def write(files: Mapping[str, bytes], out: Path, name: str) -> None:
    """Into a new directory, or a new zip file when `out` ends so. Raises FileExistsError, OSError."""
    if out.suffix.lower() == ".zip":
        with out.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in sorted(files.items()):
                archive.writestr(zipfile.ZipInfo(f"{name}/{path}", _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
        return
    out.mkdir(parents=True)
    for path, content in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)


def _raw(bundle: Bundle, directory: Path, place: str, path: str) -> bytes:
    with lines.opened(directory / place / path) as file:
        content = file.read()
    content = content[: content.rfind(b"\n") + 1]
    bundle.files[_inside(place, path)] = content
    return content


def _inside(place: str, path: str) -> str:
    return "/".join(part for part in ("record", place, path) if part)


def _events(log: str, content: bytes) -> Iterator[dict[str, Any]]:
    for line in content.splitlines():
        told = json.loads(line)
        yield {"time": told["time"], "log": log, "line": told["seq"], "event": told["event"]}


def _signed_part(ledger: bytes) -> bytes:
    """The ledger up to its last checkpoint: what comes after that is signed by nobody yet."""
    kept: Sequence[bytes] = ledger.splitlines(keepends=True)
    last = max((number for number, line in enumerate(kept) if b'"event":{"type":"Checkpoint"' in line), default=-1)
    return b"".join(kept[: last + 1])


def _ours(name: str) -> bytes:
    return resources.files("gateway.audit.evidence").joinpath(name).read_bytes()
