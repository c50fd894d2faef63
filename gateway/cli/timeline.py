"""A recorded session as a person reads it: times, SQL, rows, durations, verdicts, masks, errors.
All text comes from a record that clients wrote into, and passes through `visible` first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import assert_never

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.style import Style
from rich.syntax import ANSI_DARK, ANSISyntaxTheme, Syntax
from rich.table import Table
from rich.text import Text

from config.durations import format_duration
from gateway.audit.facts import (
    AccessChanged,
    AlertFired,
    CancelAsked,
    CopyEnded,
    DoorRefused,
    EndMoved,
    ExpiryNoticed,
    GatewayStarted,
    GatewayStopped,
    Guarded,
    PolicyLoaded,
    RecordResumed,
    ResultRecorded,
    SecondLockTripped,
    SessionClosed,
    SessionOpened,
    SettingsReloaded,
    StatementEnded,
    StatementJudged,
    WorkerEnded,
    WorkerStarted,
)
from gateway.audit.replay import NOT_RUN, Moment, Session, SessionSummary, Statement, UnknownFact
from gateway.audit.visible import visible

_VERDICTS = {"passed": ("passed", "green"), "rewritten": ("masked", "cyan"), "refused": ("refused", "bold red")}
_OUTCOMES = {"failed": "bold yellow", "cut": "bold red", "skipped": "dim", "suspended": "blue"}
#: A longer parameter or reason is shortened; --json has all of it.
_LONGEST = 200
#: So many rows of a recorded result are shown.
_MOST_ROWS = 20
_INDENT = (0, 0, 0, 15)

#: In rich's own colours a parameter ($1) looks like an error.
_COLOURS = {
    token: Style(color="magenta") if str(token) == "Token.Name.Variable" else s for token, s in ANSI_DARK.items()
}
_sql = Syntax("", "postgresql", theme=ANSISyntaxTheme(_COLOURS))


def console() -> Console:
    """Where a record is shown. Wide where there is no terminal: what programs read is not folded."""
    return Console(width=None if sys.stdout.isatty() else 240, highlight=False, emoji=False, markup=False)


def sessions_table(summaries: Sequence[SessionSummary]) -> RenderableType:
    """One line a session, the latest first."""
    if not summaries:
        return Text("no sessions are recorded")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("session", "person", "target", "role", "grant", "started", "lasted"):
        table.add_column(name, no_wrap=name in ("session", "started"), overflow="fold")
    for name in ("statements", "refused"):
        table.add_column(name, justify="right")
    table.add_column("ended by")
    for one in summaries:
        table.add_row(
            *(_plain(cell) for cell in (one.session, one.person, one.target, one.role, one.grant)),
            Text(_local(one.started, "%Y-%m-%d %H:%M:%S")),
            Text(_lasted(one.started, one.ended)),
            Text(str(one.statements)),
            Text(str(one.refused), "bold red" if one.refused else "dim"),
            _cause(one.cause),
        )
    return table


def session_timeline(session: Session) -> RenderableType:
    """The whole session, from who and why to how it ended."""
    parts: list[RenderableType] = [session_head(session)]
    texts = {entry.number: entry for entry in session.statements}
    for entry in session.timeline:
        match entry:
            case Statement():
                parts.append(Group(*_statement(entry, texts)))
            case Moment():
                parts.append(_moment(entry))
            case _:
                assert_never(entry)
    parts.append(session_end(session))
    return Group(*parts)


def session_head(session: Session) -> RenderableType:
    """Who, where, why and when."""
    opened = session.opened
    title = Text.assemble("session ", (visible(opened.session), "bold"), "  ", (visible(opened.person), "bold"))
    title.append(f" on {visible(opened.target)} as {visible(opened.role)}")
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", justify="right")
    facts.add_column(overflow="fold")
    when = _local(session.started, "%Y-%m-%d %H:%M:%S %Z")
    for name, value in (
        ("when", f"{when}, {_lasted(session.started, session.ended)}"),
        ("why", opened.reason),
        ("grant", f"{opened.grant}, approved by {', '.join(opened.approvers) or 'nobody'}, until {_until(opened)}"),
        (
            "from",
            ", ".join(
                part
                for part in (opened.client, opened.tls or "no TLS", opened.certificate, _application(opened))
                if part
            ),
        ),
        ("policy", f"{opened.policy_version}; PostgreSQL {opened.server_version or '?'}"),
        ("sealed", _sealing(session)),
    ):
        facts.add_row(name, _plain(value))
    parts: list[RenderableType] = [Rule(title, align="left", style="dim"), facts]
    if session.problem:
        parts.append(Text(f"this record was changed: {session.problem}; see pgcurfew audit verify", "bold red"))
    if session.still_sealed:
        parts.append(Text(f"some contents could not be opened: {session.still_sealed}", "bold yellow"))
    return Group(*parts, Text())


def _until(opened: SessionOpened) -> str:
    try:
        return _local(opened.ends_at, "%H:%M:%S")
    except ValueError:
        return opened.ends_at or "?"


def _application(opened: SessionOpened) -> str:
    return opened.startup.get("application_name", "")


def _sealing(session: Session) -> str:
    if session.sealing == "off":
        return "no: texts and parameters are recorded in clear"
    if any(statement.opened for statement in session.statements):
        return "opened with your key"
    return "to the auditors: constants show as $1, $2, … (open with --key)"


def brief(statement: Statement, head: Text) -> RenderableType:
    """One statement by itself, after a beginning that says whose and where."""
    return Group(*_statement(statement, {}, head))


def statement_block(statement: Statement, session: str = "", *, runs: bool = False) -> RenderableType:
    """One statement as it stands in a timeline. `session` says of which session, where there are several;
    `runs`: it has no outcome yet."""
    return Group(*_statement(statement, {}, _beginning(statement, session), runs=runs))


def outcome_line(statement: Statement, session: str = "") -> RenderableType:
    """How a statement that was shown before came out."""
    line = _beginning(statement, session, statement.ended)
    for fact, style in _outcome(statement):
        line.append(visible(fact), style)
        line.append("  ")
    if statement.sqlstate:
        line.append(f"error {visible(statement.sqlstate)}", "yellow")
    return Group(line, Text())


def moment_line(moment: Moment, session: str = "") -> RenderableType:
    """Something that is no statement."""
    return Group(Text(visible(session), "dim"), _moment(moment)) if session else _moment(moment)


def closed_line(closed: SessionClosed, time: str, session: str = "") -> RenderableType:
    """The end of a session."""
    end = _ended(closed, time)
    return Rule(Text.assemble((f"{visible(session)}  ", "bold"), end) if session else end, align="left", style="dim")


def _beginning(statement: Statement, session: str, time: str = "") -> Text:
    line = Text.assemble((_local(time or statement.time, "%H:%M:%S.%f")[:12], "dim"), "  ")
    if session:
        line.append(f"{visible(session)} ", "dim")
    return line.append(f"#{statement.number} ", "bold")


def _statement(
    statement: Statement, texts: dict[int, Statement], head: Text | None = None, *, runs: bool = False
) -> Iterator[RenderableType]:
    word, style = _VERDICTS.get(statement.verdict, (statement.verdict, "bold"))
    line = _beginning(statement, "") if head is None else head
    line.append(visible(word), style)
    line.append(f"  {visible(_how(statement))}", "dim")
    for fact, fact_style in (("runs", "bold blue"),) if runs else _outcome(statement):
        line.append("  ")
        line.append(visible(fact), fact_style)
    yield line
    text = statement.text or getattr(texts.get(statement.of), "text", "")
    if text:
        yield Padding(_highlighted(text), _INDENT, expand=False)
    if statement.parameters:
        values = ", ".join(f"${n} = {_value(value)}" for n, value in enumerate(statement.parameters, 1))
        yield _note("with", values, "magenta")
    if statement.masks:
        yield _note("masked", ", ".join(_mask(mask) for mask in statement.masks), "cyan")
    if statement.lookups:
        yield _note("looked up by", ", ".join(statement.lookups), "yellow")
    if statement.verdict == "refused":
        yield _note(statement.rule or "refused", statement.reason, "red")
    if statement.sqlstate and statement.verdict != "refused":
        yield _note(f"error {statement.sqlstate}", statement.message or "(the message is sealed)", "yellow")
    if statement.recorded_rows:
        yield Padding(_result(statement), _INDENT, expand=False)
    if statement.cancelled_by:
        yield _note("cancelled", f"asked for by {statement.cancelled_by}", "yellow")
    yield Text()


def _result(statement: Statement) -> RenderableType:
    """The first rows as the client saw them."""
    if not statement.seen:
        rows = (
            "1 row of its result" if statement.recorded_rows == 1 else f"{statement.recorded_rows:,} rows of its result"
        )
        return Text(f"{rows} recorded, sealed to the auditors", "dim")
    table = Table(box=None, pad_edge=False, header_style="blue", show_header=bool(statement.columns))
    for index in range(max(len(row) for row in statement.seen)):
        name = statement.columns[index] if index < len(statement.columns) else ""
        table.add_column(_plain(name), overflow="fold")
    for row in statement.seen[:_MOST_ROWS]:
        table.add_row(*(Text("NULL", "dim") if value is None else _plain(value) for value in row))
    more = statement.rows - min(len(statement.seen), _MOST_ROWS)
    if more <= 0:
        return table
    return Group(table, Text(f"and {more:,} more; --json has all that is recorded ({len(statement.seen):,})", "dim"))


def _how(statement: Statement) -> str:
    match statement.how:
        case "parse":
            return f"{statement.kind}, prepared"
        case "bind":
            return f"{statement.kind}, bound to parameters: #{statement.of}"
        case "execute" if statement.of:
            return f"{statement.kind}, run of #{statement.of}"
        case _:
            return statement.kind


def _outcome(statement: Statement) -> Iterator[tuple[str, str]]:
    if statement.outcome == "refused" or (statement.how in NOT_RUN and not statement.outcome):
        return
    if not statement.outcome:
        yield "no outcome recorded", "dim"
        return
    if statement.outcome != "done":
        yield statement.outcome, _OUTCOMES.get(statement.outcome, "bold")
    elif statement.tag and not statement.tag.startswith("SELECT"):
        yield statement.tag, ""
    if statement.rows:
        yield f"{statement.rows:,} row{'' if statement.rows == 1 else 's'}", ""
    yield took(statement.microseconds), "dim" if statement.microseconds < 1_000_000 else "bold yellow"
    if statement.bytes:
        yield _size(statement.bytes), "dim"
    if statement.transaction != "I":
        yield {"T": "in a transaction", "E": "in a failed transaction"}.get(statement.transaction, "?"), "dim"


def _moment(moment: Moment) -> RenderableType:
    line = Text.assemble((_local(moment.time, "%H:%M:%S.%f")[:12], "dim"), "  ")
    text, style = _said(moment)
    return Group(line.append(visible(text), style), Text())


def moment_words(moment: Moment) -> str:
    """What happened, in a sentence."""
    return _said(moment)[0]


def _said(moment: Moment) -> tuple[str, str]:
    match moment.fact:
        case ExpiryNoticed(seconds_left=seconds):
            return f"was told that {format_duration(seconds)} are left", "yellow"
        case EndMoved(ends_at=ends_at):
            return f"the grant was extended: the session ends at {ends_at}", "yellow"
        case SecondLockTripped(number=number, table_oid=oid, attribute=attribute):
            return f"the second lock ended #{number}: column {attribute} of table {oid} came back unmasked", "bold red"
        case RecordResumed(since=since, cause=cause, facts=facts):
            return f"the record could not be written since {since} ({cause}): {facts} events turned down", "bold red"
        case Guarded(number=number):
            return f"#{number} ran in a transaction of the gateway's own, to be counted before its commit", "dim"
        case CancelAsked(number=number, by=by):
            return f"a cancel of #{number} was asked for by {by}", "yellow"
        case PolicyLoaded(policy_version=policy, before=before):
            return f"another policy is in force: {policy} (before: {before})", "yellow"
        case UnknownFact(type=kind):
            return f"an event that this version does not know: {kind}", "bold yellow"
        case (
            SessionOpened()
            | StatementJudged()
            | StatementEnded()
            | ResultRecorded()
            | CopyEnded()
            | SessionClosed()
            | DoorRefused()
            | GatewayStarted()
            | GatewayStopped()
            | SettingsReloaded()
            | WorkerStarted()
            | WorkerEnded()
            | AccessChanged()
            | AlertFired()
        ):
            return type(moment.fact).__name__, "dim"
        case _:
            assert_never(moment.fact)


_CAUSES = {
    "client": "the client left",
    "grant-ended": "the grant ended",
    "grant-revoked": "the grant was revoked",
    "person-locked": "the person was locked out",
    "killed": "killed",
    "upstream": "PostgreSQL closed the connection",
    "idle": "it did nothing for too long",
    "protocol": "the protocol was broken",
    "second-lock": "the second lock tripped",
    "record": "the record could not be written",
    "limit": "a limit was reached",
    "policy": "the policy has changed",
    "shutdown": "the gateway stopped",
    "cut": "the gateway crashed",
}


def _cause(cause: str) -> Text:
    if not cause:
        return Text("open", "bold green")
    return Text(visible(_CAUSES.get(cause, cause)), "" if cause == "client" else "yellow")


def session_end(session: Session) -> RenderableType:
    """How it ended."""
    closed = session.closed
    if closed is None:
        return Rule(Text("still open, or the gateway died and has not been started since"), align="left", style="dim")
    return Rule(_ended(closed, session.ended), align="left", style="dim")


def _ended(closed: SessionClosed, time: str) -> Text:
    end = Text.assemble((_local(time, "%H:%M:%S"), "dim"), "  ", _cause(closed.cause))
    if closed.detail:
        end.append(f" ({visible(closed.detail)})")
    plural = "" if closed.statements == 1 else "s"
    return end.append(f"; {closed.statements} statement{plural}, {closed.refused} refused")


def _highlighted(text: str) -> Text:
    shown = _sql.highlight(visible(text.strip(), lines=True))
    shown.rstrip()
    shown.no_wrap, shown.overflow = False, "fold"
    return shown


def _note(name: str, value: str, style: str) -> RenderableType:
    return Padding(Text.assemble((visible(name), style), "  ", visible(_short(value))), _INDENT, expand=False)


def _mask(mask: str) -> str:
    column, _, kind = mask.rpartition(":")
    return f"{column} ({kind})" if column else mask


def _value(value: str | None) -> str:
    return "NULL" if value is None else repr(_short(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _plain(text: str) -> Text:
    return Text(visible(_short(text)))


def took(microseconds: int) -> str:
    """A duration for people."""
    if microseconds < 1000:
        return f"{microseconds} µs"
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:.1f} ms"
    return f"{microseconds / 1_000_000:.2f} s"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _local(time: str, form: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime(form)


def _lasted(started: str, ended: str) -> str:
    if not ended:
        return "not ended"
    seconds = int((datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds())
    return format_duration(seconds) if seconds > 0 else "under 1s"
