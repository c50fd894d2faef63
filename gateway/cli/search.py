"""audit search, audit index: who touched what, out of an index over the record.

Over the API for who is signed in (auditors find everything, others what they did themselves), or with --config
or --record on the gateway's host; what is sealed is opened only there.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from gateway.audit.index import schema
from gateway.audit.index.answering import Index
from gateway.audit.index.contents import Searched, Wanted, search_contents
from gateway.audit.index.indexing import bring_up_to_date, rebuild
from gateway.audit.index.questions import BYS, MOST, By, Count, Found, NotAsked, Question, by_of, question_of
from gateway.audit.replay import Statement
from gateway.audit.visible import visible
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, note, put_json, tell
from gateway.cli.place import Config, Directory, auditor_key, reading, record_directory
from gateway.cli.timeline import brief, console

Key = Annotated[Path | None, typer.Option("--key", help="An auditor's private key, to open what is sealed.")]


def _asked(name: str, help_: str, *more: str) -> Any:
    return typer.Option(f"--{name}", *more, help=help_)


def search(
    person: Annotated[str | None, _asked("user", "Who.", "-u")] = None,
    grant: Annotated[str | None, _asked("grant", "Under this grant.", "-g")] = None,
    session: Annotated[str | None, _asked("session", "In this session.")] = None,
    target: Annotated[str | None, _asked("target", "On this target.", "-t")] = None,
    role: Annotated[str | None, _asked("role", "In this role.")] = None,
    relation: Annotated[str | None, _asked("relation", "Touching it: public.customers, or customers.", "-r")] = None,
    column: Annotated[str | None, _asked("column", "Touching it: public.customers.email.")] = None,
    written: Annotated[
        bool | None, typer.Option("--written/--read", help="Only where relation or column is written, or is read.")
    ] = None,
    kind: Annotated[str | None, _asked("kind", "Kind of statement: select, update, …", "-k")] = None,
    verdict: Annotated[str | None, _asked("verdict", "passed, masked or refused.")] = None,
    rule: Annotated[str | None, _asked("rule", "Refused by this rule.")] = None,
    fingerprint: Annotated[str | None, _asked("fingerprint", "Of this fingerprint.")] = None,
    sqlstate: Annotated[str | None, _asked("sqlstate", "Failed with this SQLSTATE.")] = None,
    text: Annotated[str | None, _asked("text", "Words of the normalised text; a last * is any ending.")] = None,
    since: Annotated[str | None, _asked("since", "From then on: 2026-11-01 or 2026-11-01T13:30 (UTC).")] = None,
    until: Annotated[str | None, _asked("until", "Before then.")] = None,
    month: Annotated[str | None, _asked("month", "In a month: 2026-03, or march.")] = None,
    by: Annotated[str | None, _asked("by", f"Counts instead of statements, by {', '.join(BYS)}.")] = None,
    value: Annotated[
        str | None, _asked("value", "With exactly this constant or parameter; opens contents (--config).")
    ] = None,
    contains: Annotated[
        str | None, _asked("contains", "With this anywhere in text or parameters; opens contents (--config).")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=MOST, help="At most so many, the latest first.")
    ] = 50,
    before: Annotated[
        int, typer.Option("--before", min=0, help="The next page: the number that the last one ended with.")
    ] = 0,
    record: Directory = None,
    config: Config = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Which statements touched what, the latest first, and how many by day, user or relation."""
    words = {
        name: word
        for name, word in (
            ("person", person), ("grant", grant), ("session", session), ("target", target), ("role", role),
            ("relation", relation), ("column", column), ("kind", kind), ("verdict", verdict), ("rule", rule),
            ("fingerprint", fingerprint), ("sqlstate", sqlstate), ("text", text), ("since", since), ("until", until),
            ("month", month), ("access", None if written is None else ("written" if written else "read")),
        )
        if word is not None
    }  # fmt: skip
    directory = record_directory(record, config)
    with _understood():
        question = question_of(words, datetime.now(UTC))
        grouped = None if by is None else by_of(by)
    if value is not None or contains is not None:
        if directory is None:
            hint = "give --config or --record too, and --key: sealed contents stay on the gateway's host"
            raise Stopped(Exit.USAGE, "contents are opened on the gateway's host", hint)
        _search_contents(directory, question, Wanted(value, contains), key, grouped, limit, as_json=as_json)
        return
    if directory is None:
        with Client.signed_in() as client:
            answer = client.get("audit", "search", **words, by=by, limit=limit, before=before or None)
        statements = msgspec.convert(answer["statements"], list[Found])
        counts = msgspec.convert(answer["counts"], list[Count])
        total, following = int(answer["total"]), int(answer["before"])
    else:
        with open_index(directory) as index:
            if grouped is not None:
                statements, counts, following = [], index.counts(question, grouped), 0
                total = sum(count.statements for count in counts)
            else:
                page = index.page(question, limit=limit, before=before)
                statements, counts, total, following = list(page.found), [], page.total, page.before
    if as_json:
        put_json({
            "statements": msgspec.to_builtins(statements), "total": total, "before": following,
            "counts": msgspec.to_builtins(counts),
        })  # fmt: skip
    elif grouped is not None:
        console().print(bars(counts, grouped))
    else:
        _tell_statements(statements, total, following)


def index(
    record: Directory = None,
    config: Config = None,
    again: Annotated[bool, typer.Option("--rebuild", help="Forget it, and read the whole record.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the index that search uses up to date, or make it anew. A running gateway does so by itself."""
    directory = record_directory(record, config or (Path("pgcurfew.toml") if record is None else None))
    assert directory is not None
    with reading(directory), _database(), _progress("indexing", hidden=as_json) as progress:
        _needs(directory)
        new = (rebuild if again else bring_up_to_date)(directory, lambda done: progress(done.events, 0))
    with open_index(directory, follow=False) as found:
        state = found.state()
    if as_json:
        put_json({"new": new, **msgspec.to_builtins(state)})
    else:
        tell(f"{new:,} statements new; the index holds {state.statements:,} of {state.sessions:,} sessions")


def bars(counts: Sequence[Count], by: By) -> RenderableType:
    """Counts as bars; days that had none between others that had are there too."""
    if not counts:
        return Text("nothing was found")
    shown = _all_days(counts) if by == "day" else list(counts)
    names = [visible(count.of) or "(none)" for count in shown]
    most = max(count.statements for count in shown)
    widest = min(60, max(map(len, names)))
    figures = len(f"{most:,}")
    room = max(10, min(100, shutil.get_terminal_size((100, 24)).columns) - widest - figures - 4)
    lines = []
    for name, count in zip(names, shown, strict=True):
        line = Text.assemble((f"{name:<{widest}}", "bold" if by != "day" else ""), "  ")
        line.append(_bar(count.statements / most, room), "cyan")
        lines.append(line.append(f" {count.statements:>{figures},}", "" if count.statements else "dim"))
    total = sum(count.statements for count in counts)
    if by in ("relation", "column"):  # a statement touches several
        lines.append(Text(f"{len(counts):,} {by}s", "dim"))
    else:
        lines.append(Text(f"{total:,} statement{'' if total == 1 else 's'}", "dim"))
    return Group(*lines)


_EIGHTHS = " ▏▎▍▌▋▊▉"


def _bar(part: float, room: int) -> str:
    eighths = max(1 if part else 0, round(part * room * 8))
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip().ljust(room)


def _all_days(counts: Sequence[Count]) -> list[Count]:
    known = {count.of: count.statements for count in counts}
    first, last = date.fromisoformat(counts[0].of), date.fromisoformat(counts[-1].of)
    days = (last - first).days
    if days > 92:
        return list(counts)
    return [Count(str(day), known.get(str(day), 0)) for day in (first + timedelta(days=n) for n in range(days + 1))]


def _tell_statements(statements: Sequence[Found], total: int, following: int) -> None:
    screen = console()
    for one in statements:
        screen.print(statement_lines(one))
    plural = "" if total == 1 else "s"
    screen.print(Text(f"{total:,} statement{plural}" if total else "nothing was found", "dim"))
    if following:
        note(f"the next page: --before {following}")


def statement_lines(one: Found) -> RenderableType:
    """When, who, where and what, and below the text."""
    when = datetime.fromisoformat(one.time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    head = Text.assemble((when, "dim"), "  ", (visible(one.person), "bold"))
    head.append(f" on {visible(one.target)} as {visible(one.role)}  ", "")
    head.append(f"{visible(one.session)} #{one.number}  ", "dim")
    return brief(_as_statement(one), head)


def _as_statement(one: Found) -> Statement:
    return Statement(
        number=one.number,
        time=one.time,
        how="simple",
        kind=one.kind,
        verdict=one.verdict,
        text=one.text,
        opened=one.opened,
        parameters=one.parameters,
        rule=one.rule,
        reason=one.reason,
        read=one.read,
        written=one.written,
        masks=one.masks,
        lookups=one.lookups,
        outcome=one.outcome,
        microseconds=one.microseconds,
        rows=one.rows,
        bytes=one.bytes,
        sqlstate=one.sqlstate,
    )


def _search_contents(
    directory: Path,
    question: Question,
    wanted: Wanted,
    key: Path | None,
    by: By | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    private = None if key is None else auditor_key(key)
    with open_index(directory) as index, reading(directory), _progress("opening", hidden=as_json) as progress:
        found, searched = search_contents(index, directory, question, wanted, private, progress=progress)
    counts = _counted(found, by) if by is not None else []
    if as_json:
        shown = [] if by is not None else found[:limit]
        put_json({
            "statements": msgspec.to_builtins(shown), "total": len(found), "before": 0,
            "counts": msgspec.to_builtins(counts), "looked_at": searched.looked_at, "closed_logs": searched.closed,
        })  # fmt: skip
    elif by is not None:
        console().print(bars(counts, by))
    else:
        _tell_statements(found[:limit], len(found), 0)
        if len(found) > limit:
            note(f"{len(found) - limit:,} more: raise --limit")
    _tell_searched(searched, key)


def _tell_searched(searched: Searched, key: Path | None) -> None:
    note(f"looked into {searched.looked_at:,} statements that the index gave")
    if searched.closed:
        logs = "1 session" if searched.closed == 1 else f"{searched.closed:,} sessions"
        why = "no --key was given" if key is None else "the key is not one of theirs"
        note(f"{logs} could not be looked into: {why}, or the log is gone")


def _counted(found: Sequence[Found], by: By) -> list[Count]:
    sums: dict[str, int] = {}
    for one in found:
        for name in _names(one, by):
            sums[name] = sums.get(name, 0) + 1
    counts = [Count(name, statements) for name, statements in sums.items()]
    return sorted(counts, key=lambda count: count.of if by == "day" else (-count.statements, count.of))


def _names(one: Found, by: By) -> set[str]:
    columns = {*one.read, *one.written}
    match by:
        case "day":
            return {one.time[:10]}
        case "user":
            return {one.person}
        case "column":
            return columns
        case "relation":
            return {column.rpartition(".")[0] for column in columns}
        case "kind" | "verdict" | "rule" | "target" | "role":
            return {str(getattr(one, by))}


def _needs(directory: Path) -> None:
    if not (directory / "ledger.jsonl").is_file():
        raise Stopped(Exit.USAGE, f"there is no record at {directory}", "give its directory with --record")


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except NotAsked as error:
        raise Stopped(Exit.USAGE, str(error), "pgcurfew audit search --help says what can be asked") from None


@contextmanager
def _database() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        hint = "pgcurfew audit index --rebuild makes it anew"
        raise Stopped(Exit.REFUSED, f"the index cannot be used: {error}", hint) from None


@contextmanager
def open_index(directory: Path, *, follow: bool = True) -> Iterator[Index]:
    """The index of a record, up to date if that can be."""
    _needs(directory)
    with _database(), _understood():
        if follow:
            _follow(directory)
        try:
            found = Index(schema.readable(directory / schema.FILE))
        except schema.NoIndex as error:
            raise Stopped(Exit.REFUSED, str(error), "pgcurfew audit index makes it, by who may write there") from None
        try:
            yield found
        finally:
            found.close()


def _follow(directory: Path) -> None:
    try:
        with _progress("indexing", hidden=False) as progress:
            bring_up_to_date(directory, lambda done: progress(done.events, 0))
    except (sqlite3.OperationalError, PermissionError) as error:
        note(f"the index could not be brought up to date ({error}); it answers as of when it was")


@contextmanager
def _progress(what: str, *, hidden: bool) -> Iterator[Callable[[int, int], None]]:
    """Statements done, and of how many (0: nobody knows), on stderr where somebody watches."""
    stderr = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=stderr, transient=True, disable=hidden or not stderr.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
