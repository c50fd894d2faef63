"""sessions --live, tail, kill: sessions while they are open, over the API."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Any, Protocol

import msgspec
import typer
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from rich.console import Console

from config.durations import format_duration
from gateway.audit import chain
from gateway.audit.facts import AnyFact, SessionClosed, SessionOpened, StatementEnded, StatementJudged
from gateway.audit.replay import Event, Moment, Reading, Statement, UnknownFact, find_session, record_id
from gateway.audit.seal import Opener, Seal
from gateway.audit.tailing import Tail
from gateway.audit.visible import visible_json
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, left, put_json, put_table, tell
from gateway.cli.place import Config, Directory, auditor_key, reading, record_directory
from gateway.cli.timeline import closed_line, console, moment_line, outcome_line, statement_block

#: A statement is shown when its outcome is known, or after this time as one that runs.
PATIENCE_SECONDS = 0.5


def tell_live_sessions(person: str | None, *, local: bool, as_json: bool) -> None:
    """Those that are open now."""
    if local:
        hint = "sign in with pgcurfew login, and leave --config and --record out"
        raise Stopped(Exit.USAGE, "open sessions are asked of the running gateway", hint)
    with Client.signed_in() as client:
        found = [one for one in client.get("sessions", "live")["sessions"] if person in (None, one["person"])]
    if as_json:
        put_json(found)
        return
    columns = ("session", "person", "target", "role", "since", "statements", "rows", "now", "time left")
    rows = [
        (
            one["session"], one["person"], one["target"], one["role"], _ago(one["since"]), f"{one['statements']:,}",
            f"{one['rows']:,}", _now(one), left(one["ends_at"]),
        )
        for one in found
    ]  # fmt: skip
    put_table(columns, rows, nothing="no session is open")


def _now(one: dict[str, Any]) -> str:
    if one["running"]:
        return f"{one['running']} for {format_duration(int(one['running_seconds']))}"
    return {"I": "idle", "T": "idle in a transaction", "E": "idle in a failed transaction"}.get(one["transaction"], "?")


def _ago(time: str) -> str:
    return f"{format_duration(max(0, int((datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds())))} ago"


def kill(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Its id: pgcurfew sessions --live.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; the person is shown it, and it is recorded.")],
    as_json: Json = False,
) -> None:
    """End an open session now, in the middle of a query. Its grant goes on: see revoke."""
    with Client.signed_in() as client:
        ended = client.post("sessions", "live", session, "kill", body={"reason": reason})
    if as_json:
        put_json(ended)
        return
    tell(f"ended session {ended['session']} of {ended['person']}; grant {ended['grant']} goes on")


def tail(
    session: Annotated[
        str | None, typer.Argument(metavar="[SESSION]", help="Its id; all open ones when left out.")
    ] = None,
    start: Annotated[bool, typer.Option("--from-start", help="What it did so far, too.")] = False,
    record: Directory = None,
    config: Config = None,
    key: Annotated[Path | None, typer.Option("--key", help="An auditor's private key, to open what is sealed.")] = None,
    as_json: Json = False,
) -> None:
    """Follow open sessions: each statement as it runs, with what came of it. Ends with the session."""
    directory = record_directory(record, config)
    if directory is None and key is not None:
        hint = "give --config or --record too: sealed contents stay on the gateway's host"
        raise Stopped(Exit.USAGE, "--key opens a record that is read on the gateway's host", hint)
    if directory is not None and session is None:
        raise Stopped(Exit.USAGE, "say which session", "without --config and --record, all open ones are followed")
    follower: Follower = _Json() if as_json else _Screen(console(), many=session is None)
    try:
        if directory is not None and session is not None:
            with reading(directory):
                _follow_file(directory, session, follower, start, None if key is None else auditor_key(key))
        else:
            with Client.signed_in() as client:
                _follow_api(client, session, follower, start)
    except KeyboardInterrupt:
        return


class Follower(Protocol):
    """What becomes of the events."""

    def take(self, session: str, event: Event, opener: Opener | None = None) -> None:
        """One more event of a session."""
        ...

    def tick(self) -> None:
        """Time has passed."""
        ...


class _Json:
    """One JSON object a line."""

    def take(self, session: str, event: Event, opener: Opener | None = None) -> None:
        fact = msgspec.to_builtins(event.fact)
        if opener is not None and event.box is not None:
            fact["sealed"] = msgspec.to_builtins(
                opener.open(event.box, event.seq, getattr(event.fact, "normalized", ""))
            )
        told = {"session": session, "seq": event.seq, "time": event.time, "event": fact}
        sys.stdout.write(visible_json(json.dumps(told, ensure_ascii=False)) + "\n")
        sys.stdout.flush()

    def tick(self) -> None:
        pass


@dataclass(slots=True)
class _Seen:
    """One session: its events joined to statements, and which of those wait to be shown."""

    reading: Reading
    #: Statement number -> since when it waits.
    waiting: dict[int, float] = field(default_factory=dict)
    #: Shown before they had an outcome.
    shown: set[int] = field(default_factory=set)


class _Screen:
    """As the timeline of a replay, while it happens."""

    def __init__(self, screen: Console, *, many: bool) -> None:
        self._screen = screen
        self._many = many
        self._sessions: dict[str, _Seen] = {}

    def take(self, session: str, event: Event, opener: Opener | None = None) -> None:
        seen = self._sessions.get(session)
        if seen is None:
            seen = self._sessions[session] = _Seen(Reading(opener))
        before = len(seen.reading.timeline)
        seen.reading.take(event)
        match event.fact:
            case StatementJudged(number=number, verdict=verdict):
                if verdict == "refused":
                    self._show(session, seen, number)
                else:
                    seen.waiting[number] = monotonic()
            case StatementEnded(number=number) if number in seen.waiting:
                self._show(session, seen, number)
            case StatementEnded(number=number) if number in seen.shown:
                seen.shown.discard(number)
                self._screen.print(outcome_line(self._statement(seen, number), self._whose(session)))
            case SessionClosed():
                self._closed(session, seen, event.time)
            case _:
                for entry in seen.reading.timeline[before:]:
                    if isinstance(entry, Moment):
                        self._screen.print(moment_line(entry, self._whose(session)))

    def tick(self) -> None:
        now = monotonic()
        for session, seen in self._sessions.items():
            for number, since in list(seen.waiting.items()):
                if now - since > PATIENCE_SECONDS:
                    self._show(session, seen, number, runs=True)

    def _show(self, session: str, seen: _Seen, number: int, *, runs: bool = False) -> None:
        seen.waiting.pop(number, None)
        statement = self._statement(seen, number)
        if runs and statement.how in ("parse", "bind"):
            runs = False  # prepared: nothing more is to come
        if runs:
            seen.shown.add(number)
        self._screen.print(statement_block(statement, self._whose(session), runs=runs))

    def _closed(self, session: str, seen: _Seen, time: str) -> None:
        for number in list(seen.waiting):
            self._show(session, seen, number)
        closed = seen.reading.closed
        assert closed is not None
        self._screen.print(closed_line(closed, time, self._whose(session)))
        del self._sessions[session]

    def _whose(self, session: str) -> str:
        return session if self._many else ""

    @staticmethod
    def _statement(seen: _Seen, number: int) -> Statement:
        statement = seen.reading.timeline[seen.reading.places[number]]
        assert isinstance(statement, Statement)
        return statement


def _follow_api(client: Client, session: str | None, follower: Follower, start: bool) -> None:
    """Stream after stream: the gateway ends each after a minute, and is asked again, from where it was."""
    path = ("sessions", "live", "events") if session is None else ("sessions", "live", session, "events")
    last = ""
    seen: set[tuple[str, int]] = set()
    while True:
        for name, number, data in client.stream(*path, last=last, **{"from": "start" if start else "now"}):
            if not name:
                follower.tick()
                continue
            if name == "end":
                return
            told = json.loads(data)
            if (told["session"], told["seq"]) in seen:
                continue
            if number > last:
                last, seen = number, {each for each in seen if each[0] != told["session"]}
            seen.add((told["session"], told["seq"]))
            follower.take(told["session"], Event(told["seq"], told["time"], _fact(told["event"])))
        if session is not None and not _still_open(client, session):
            return


def _still_open(client: Client, session: str) -> bool:
    return any(one["session"] == session for one in client.get("sessions", "live")["sessions"])


def _fact(event: dict[str, Any]) -> AnyFact | UnknownFact:
    try:
        fact: AnyFact = msgspec.convert(event, AnyFact)
        return fact
    except msgspec.ValidationError:
        return UnknownFact(str(event.get("type", "?")))


def _follow_file(directory: Path, session: str, follower: Follower, start: bool, key: X25519PrivateKey | None) -> None:
    path = find_session(directory, session)
    followed = Tail(path)
    opener: Opener | None = None
    first = True
    while not followed.over:
        for event in followed.new():
            if isinstance(event.fact, SessionOpened):
                seal = event.seal or Seal("off")
                if key is not None and seal.sealing == "auditors":
                    opener = Opener(chain.log_name(record_id(path.parents[4]), event.fact.session), seal, key)
                continue
            if not first or start or isinstance(event.fact, SessionClosed):
                follower.take(path.name.partition(".")[0], event, opener)
        first = False
        follower.tick()
        if not followed.over:
            sleep(0.2)
