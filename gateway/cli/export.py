"""audit export: the record in formats of others, read from the record itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, TextIO

import typer

from gateway.audit import lines
from gateway.audit.index.questions import NotAsked, Question, question_of
from gateway.audit.ocsf import ocsf_events
from gateway.audit.places import all_records
from gateway.audit.replay import NoSuchSession, Session, Unreadable, read_session, session_files
from gateway.cli.output import Exit, Stopped, note
from gateway.cli.place import Config, Directory, reading, reason_of, record_directory


class Format(StrEnum):
    JSONL = "jsonl"
    OCSF = "ocsf"


def export(
    form: Annotated[
        Format, typer.Option("--format", "-f", help="jsonl: each event as recorded; ocsf: OCSF 6005, a statement each.")
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A new file; stdout when left out.")] = None,
    person: Annotated[str | None, typer.Option("--user", "-u", help="Only this person's sessions.")] = None,
    grant: Annotated[str | None, typer.Option("--grant", "-g", help="Only sessions under this grant.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="From then on: 2026-11-01 (UTC).")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Before then.")] = None,
    record: Directory = None,
    config: Config = None,
) -> None:
    """The record for other programs, one JSON object a line. What is sealed stays sealed."""
    directory = record_directory(record, config or (Path("pgcurfew.toml") if record is None else None))
    assert directory is not None
    words = {"person": person, "grant": grant, "since": since, "until": until}
    try:
        asked = question_of({name: word for name, word in words.items() if word is not None}, datetime.now(UTC))
    except NotAsked as error:
        raise Stopped(Exit.USAGE, str(error), "pgcurfew audit export --help") from None
    if not (directory / "ledger.jsonl").is_file():
        raise Stopped(Exit.USAGE, f"there is no record at {directory}", "give its directory with --record")
    written = 0
    with _file(out) as file, reading(directory):
        for told in _OF[form](directory, asked):
            file.write(json.dumps(told) + "\n")
            written += 1
    if out is not None:
        note(f"{out}: {written:,} events")


def _ocsf(directory: Path, asked: Question) -> Iterator[dict[str, object]]:
    ours = version("pgcurfew")
    for session in _sessions(directory, asked):
        for event in ocsf_events(session, ours):
            if _within(str(event["metadata"]["original_time"]), asked):
                yield event


def _jsonl(directory: Path, asked: Question) -> Iterator[dict[str, object]]:
    """Each event with the log and the line that it stands in; of control logs unless a person or grant is asked for."""
    for record in all_records(directory):
        folders = ["sessions"] if asked.person or asked.grant else ["sessions", "control"]
        for path in (path for folder in folders for path in lines.logs(record / folder)):
            try:
                yield from _lines(path, asked)
            except FileNotFoundError:
                continue  # expired in this moment


def _lines(path: Path, asked: Question) -> Iterator[dict[str, object]]:
    with lines.opened(path) as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            try:
                told = json.loads(line)
            except ValueError:
                raise Unreadable(f"{path.name} holds what is no line of a record") from None
            event = told["event"]
            if event["type"] == "SessionOpened" and not (
                asked.person in (None, event["person"]) and asked.grant in (None, event["grant"])
            ):
                return
            if _within(told["time"], asked):
                yield {"log": path.name.partition(".")[0], "line": told["seq"], "time": told["time"], "event": event}


def _sessions(directory: Path, asked: Question) -> Iterator[Session]:
    for path in reversed(session_files(directory)):
        try:
            session = read_session(directory, path.name.partition(".")[0])
        except NoSuchSession:
            continue  # expired in this moment
        except Unreadable as error:
            note(f"{path.name} is left out: {error}; pgcurfew audit verify says more")
            continue
        if asked.person in (None, session.opened.person) and asked.grant in (None, session.opened.grant):
            yield session


def _within(time: str, asked: Question) -> bool:
    when = datetime.fromisoformat(time)
    return (asked.since is None or when >= asked.since) and (asked.until is None or when < asked.until)


_OF: dict[Format, Callable[[Path, Question], Iterator[dict[str, object]]]] = {Format.JSONL: _jsonl, Format.OCSF: _ocsf}


@contextmanager
def _file(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    try:
        with out.open("x") as file:
            yield file
    except FileExistsError:
        raise Stopped(Exit.USAGE, f"{out} is there already", "choose another --out") from None
    except OSError as error:
        raise Stopped(Exit.USAGE, f"{out} cannot be written: {reason_of(error)}") from None
