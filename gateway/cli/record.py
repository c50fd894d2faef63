"""sessions, replay, audit verify, audit keygen, audit public-key: reading the record.

`sessions` and `replay` ask the API, or read the record itself on the gateway's host with
--config or --record. `audit verify` always reads the record itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.text import Text

from config.settings import Settings
from gateway.audit import ledger, lines, seal
from gateway.audit.facts import AnyFact, SessionClosed, SessionOpened
from gateway.audit.places import all_records
from gateway.audit.replay import Moment, Session, SessionSummary, Statement, UnknownFact, list_sessions, read_session
from gateway.audit.verify import LEDGER, Report
from gateway.audit.whole import verify_all
from gateway.cli.client import Client
from gateway.cli.live import tell_live_sessions
from gateway.cli.output import Exit, Json, Stopped, note, put_json, put_plain, tell
from gateway.cli.place import (
    Config,
    Directory,
    auditor_key,
    bytes_of,
    reading,
    reason_of,
    record_directory,
    settings_of,
)
from gateway.cli.timeline import console, session_timeline, sessions_table

app = typer.Typer()
audit = typer.Typer(
    help="Prove the record whole; keys of auditors.",
    epilog="audit verify exits with 0 when the record is whole (logs that a crash cut short are named and count "
    "as whole), with 1 when anything in it was changed, removed or added.",
    no_args_is_help=True,
)
app.add_typer(audit, name="audit")


@app.command()
def sessions(
    record: Directory = None,
    config: Config = None,
    person: Annotated[str | None, typer.Option("--person", "-p", help="Only this person's.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many, the latest first.")] = 50,
    live: Annotated[bool, typer.Option("--live", help="Those that are open now, and what they do.")] = False,
    as_json: Json = False,
) -> None:
    """What happened: the sessions of the record, the latest first."""
    if live:
        tell_live_sessions(person, local=record is not None or config is not None, as_json=as_json)
        return
    directory = record_directory(record, config)
    if directory is None:
        with Client.signed_in() as client:
            answer = client.get("sessions", person=person, limit=limit)
        found = msgspec.convert(answer["sessions"], list[SessionSummary])
    else:
        with reading(directory):
            found = [one for one in list_sessions(directory) if person in (None, one.person)][:limit]
    if as_json:
        put_json(msgspec.to_builtins(found))
        return
    console().print(sessions_table(found))


@app.command()
def replay(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Its id; a beginning will do with --config.")],
    record: Directory = None,
    config: Config = None,
    key: Annotated[Path | None, typer.Option("--key", help="An auditor's private key, to open what is sealed.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Print it, also on a terminal.")] = False,
    cast_file: Annotated[
        Path | None, typer.Option("--cast", help="Write it as a film (asciicast v3) for asciinema.")
    ] = None,
    as_json: Json = False,
) -> None:
    """A session, query by query: when, what, how long, how many rows, what was masked or refused. On a terminal it
    plays (space, 1 and 0 for its own pace and ten times that, n and p, e for refusals and errors, / to filter)."""
    directory = record_directory(record, config)
    if directory is None:
        if key is not None:
            hint = "give --config or --record too: sealed contents stay on the gateway's host"
            raise Stopped(Exit.USAGE, "--key opens a record that is read on the gateway's host", hint)
        with Client.signed_in() as client:
            found = _from_events(client.get("sessions", session)["events"])
    else:
        with reading(directory):
            found = read_session(directory, session, None if key is None else auditor_key(key))
    if as_json:
        put_json(_as_json(found))
        return
    if cast_file is not None:
        _write_cast(cast_file, found)
        return
    if plain or not (sys.stdout.isatty() and sys.stdin.isatty()) or not _played(found):
        console().print(session_timeline(found))


def _write_cast(path: Path, session: Session) -> None:
    from gateway.cli.cast import cast

    try:
        with path.open("x") as file:
            file.writelines(f"{line}\n" for line in cast(session))
    except FileExistsError:
        raise Stopped(Exit.USAGE, f"{path} is there already", "choose another name for --cast") from None
    except OSError as error:
        raise Stopped(Exit.USAGE, f"{path} cannot be written: {reason_of(error)}") from None
    note(f"{path}: play it with asciinema play {path}")


def _played(session: Session) -> bool:
    """Play it on this terminal; False when what that takes is not installed, which is said."""
    try:
        from gateway.cli.replay_screen import ReplayScreen
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "textual":
            raise
        note('to play it, install the extra: pip install "pgcurfew[replay]"; --plain leaves this line out')
        return False
    ReplayScreen(session).run()
    return True


@audit.command()
def verify(
    record: Directory = None,
    config: Config = None,
    public_key: Annotated[
        list[Path] | None, typer.Option("--public-key", help="The record's public key; may be given again.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only logs open then or later (UTC)."),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint line kept elsewhere: the ledger must still hold it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove that nothing in the record was changed, removed or added, or say exactly where."""
    if record is None and config is None:
        config = Path("pgcurfew.toml")
    settings = None if config is None else settings_of(config)
    directory = record or (settings.record.directory if settings is not None else Path())
    keys = [_public_key(path) for path in public_key or ()]
    if not keys:
        keys = [_own_key(settings)]
    kept = None if checkpoint is None else bytes_of(checkpoint)
    if not directory.is_dir():
        raise Stopped(Exit.USAGE, f"there is no record at {directory}", "give its directory with --record")
    with reading(directory), _progress(directory, hidden=as_json) as progress:
        moment = None if since is None else since.replace(tzinfo=since.tzinfo or UTC)
        report = verify_all(directory, keys, since=moment, checkpoint=kept, progress=progress)
    if as_json:
        put_json({"whole": report.whole, "cut": report.cut, **msgspec.to_builtins(report)})
    else:
        _tell_report(report)
    if not report.whole:
        raise typer.Exit(int(Exit.REFUSED))


@audit.command()
def keygen(
    out: Annotated[Path, typer.Option("--out", help="OUT.pem gets the private key, OUT.pub.pem the public one.")],
    as_json: Json = False,
) -> None:
    """Make an auditor's key pair. The public key goes into record.recipients; the private key never to the gateway."""
    private, public = out.with_name(f"{out.name}.pem"), out.with_name(f"{out.name}.pub.pem")
    sealed_with, sealed_to = seal.make_auditor_keys()
    _write_new(private, sealed_with, 0o600)
    _write_new(public, sealed_to, 0o644)
    name = seal.recipient_id(seal.recipient_from_pem(sealed_to))
    if as_json:
        put_json({"key": name, "private": str(private), "public": str(public)})
        return
    tell(f"auditor's key {name}: {private} (keep it away from the gateway), {public} (for record.recipients)")


@audit.command("public-key")
def public_key(config: Config = Path("pgcurfew.toml")) -> None:
    """Print the record's public key (PEM), which an outside verifier needs."""
    key = _own_key(settings_of(config or Path("pgcurfew.toml")))
    put_plain(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().rstrip())


def _own_key(settings: Settings | None) -> Ed25519PublicKey:
    if settings is None:
        hint = "get it from the gateway's host: pgcurfew audit public-key"
        raise Stopped(Exit.USAGE, "the record's public key is needed: give --public-key FILE", hint)
    try:
        return ledger.signer_from_pem(settings.record.signing_key.read()).public_key()
    except (OSError, ValueError) as error:
        hint = "give --public-key FILE if you may not read the signing key"
        raise Stopped(Exit.USAGE, f"record.signing_key cannot be read: {reason_of(error)}", hint) from None


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        return ledger.public_key_from_pem(bytes_of(path))
    except ValueError:
        hint = "it is what pgcurfew audit public-key prints"
        raise Stopped(Exit.USAGE, f"{path} holds no Ed25519 public key", hint) from None


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise Stopped(
            Exit.USAGE, f"{path} is there already", "choose another --out: keys are not overwritten"
        ) from None
    except OSError as error:
        raise Stopped(Exit.USAGE, f"{path} cannot be written: {reason_of(error)}") from None


@contextmanager
def _progress(directory: Path, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where somebody watches and it may take longer than a second."""
    total = _length(directory)
    stderr = Console(stderr=True)
    columns = (TextColumn("verifying"), BarColumn(), DownloadColumn())
    quiet = hidden or not stderr.is_terminal or total < 50_000_000
    with Progress(*columns, console=stderr, transient=True, disable=quiet) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


def _length(directory: Path) -> int:
    """Bytes of the record as they were written."""
    total = sum((record / LEDGER).stat().st_size for record in all_records(directory) if (record / LEDGER).is_file())
    for record in all_records(directory):
        for folder in ("sessions", "control"):
            for path in lines.logs(record / folder):
                with suppress(OSError):  # gone by now, or changed: what is verified says so
                    total += lines.size(path)
    return total


def _tell_report(report: Report) -> None:
    screen = console()
    colours = {"broken": "bold red", "cut": "yellow", "open": "blue"}
    for finding in report.findings:
        place = f"{finding.file}:{finding.line}" if finding.line else finding.file
        line = Text.assemble((f"{finding.kind:<7}", colours[finding.kind]), (place, "bold"), f"  {finding.what}")
        screen.print(line, soft_wrap=True)
    looked = (
        f"{report.sessions:,} sessions, {report.events:,} events in {report.logs:,} logs, "
        f"{report.checkpoints:,} signed checkpoints (the last {report.last_checkpoint or 'never'})"
    )
    if report.expired:
        looked += f"; {report.expired:,} logs expired, as signed tombstones say"
    if report.seconds > 0:
        looked += f"; {report.bytes / 1e6:,.1f} MB at {report.bytes / 1e6 / report.seconds:,.0f} MB/s"
    if report.whole:
        screen.print(Text.assemble(("whole", "bold green"), f": {looked}"), soft_wrap=True)
        return
    broken = sum(finding.kind == "broken" for finding in report.findings)
    places = "1 place" if broken == 1 else f"{broken} places"
    screen.print(Text.assemble(("broken", "bold red"), f" in {places}: {looked}"), soft_wrap=True)
    sys.stdout.flush()


def _from_events(events: list[dict[str, Any]]) -> Session:
    """A session from the API's events (gateway.admin.sessions)."""
    opened: SessionOpened | None = None
    closed: SessionClosed | None = None
    started = ended = ""
    timeline: list[Statement | Moment] = []
    for event in events:
        kind, time = event.get("type"), str(event.get("time", ""))
        match kind:
            case "Statement":
                timeline.append(msgspec.convert(event, Statement))
            case "SessionOpened":
                opened, started = msgspec.convert(event, SessionOpened), time
            case "SessionClosed":
                closed, ended = msgspec.convert(event, SessionClosed), time
            case _:
                timeline.append(Moment(time, _fact(event)))
    if opened is None:
        raise Stopped(Exit.UNREACHABLE, "the gateway's answer holds no session", "is it of this version?")
    # The API has no key: what it shows open was never sealed.
    clear = any(isinstance(entry, Statement) and entry.opened for entry in timeline)
    return Session(opened, started, "off" if clear else "auditors", tuple(timeline), closed, ended)


def _fact(event: dict[str, Any]) -> AnyFact | UnknownFact:
    try:
        fact: AnyFact = msgspec.convert(event, AnyFact)
        return fact
    except msgspec.ValidationError:
        return UnknownFact(str(event.get("type", "?")))


def _as_json(session: Session) -> dict[str, Any]:
    timeline: list[dict[str, Any]] = []
    for entry in session.timeline:
        if isinstance(entry, Statement):
            timeline.append({"type": "Statement", **msgspec.to_builtins(entry)})
        else:
            timeline.append({"time": entry.time, **msgspec.to_builtins(entry.fact)})
    return {
        "session": session.opened.session,
        "person": session.opened.person,
        "started": session.started,
        "ended": session.ended,
        "sealing": session.sealing,
        "problem": session.problem,
        "still_sealed": session.still_sealed,
        "opened": msgspec.to_builtins(session.opened),
        "timeline": timeline,
        "closed": None if session.closed is None else msgspec.to_builtins(session.closed),
    }
