"""The one door: review(sql, policy, catalog) -> Review. It never raises.

parse -> judge and edit -> print -> parse the print and compare
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from masking.analyse import Analysis
from masking.catalog import Catalog
from masking.messages import messages_of
from masking.nodes import kind_of
from masking.parse import Message, fingerprint, normalize, parse, pg, print_tree, too_deep
from masking.policy import RolePolicy
from masking.positions import position_in_original
from masking.refusal import Forbidden
from masking.search_path import honoured, schemas
from masking.sight import sight_of
from masking.statements import judge_statement, statement_kind, statement_name
from masking.verdict import Passed, Refusal, Refused, Review, Rewritten, Statement, Touched, Verdict
from masking.walk import Touch
from masking.writes import modify

__all__ = ["INTERNAL_RULE", "position_in_original", "review", "review_parameters", "review_search_path"]

#: The rule of a refusal that is our own bug: the caller logs it. SQLSTATE XX000.
INTERNAL_RULE = "internal"


def review(sql: str, policy: RolePolicy, catalog: Catalog) -> Review:
    """Judge every statement of a query string for one role over one snapshot.

    In: the client's text. Out: one verdict a statement, in order; a text that does not parse is one
    Refused without a statement; an empty one has no verdicts. One refusal refuses the whole string.
    """
    try:
        source = sql.encode()
    except UnicodeEncodeError:
        return Review((Refused(None, Refusal("22021", "encoding", 'invalid byte sequence for encoding "UTF8"')),))
    try:
        tree = parse(sql)
    except Forbidden as reason:
        return Review((Refused(None, reason.refusal(source)),))
    except Exception as error:  # whatever it is: law 3
        return Review((Refused(None, _internal(error)),))
    #: Temporary tables that statements before this one make or drop: what they are then, nobody knows yet.
    changed: set[str] = set()
    return Review(tuple(_judge(raw, tree, source, policy, catalog, changed) for raw in tree.stmts))


def review_parameters(oids: Iterable[int], policy: RolePolicy, catalog: Catalog) -> Refusal | None:
    """Judge the parameter types of a Parse message, by OID. Out: why they are refused, or None."""
    try:
        sight_of(policy, catalog).calls.judge_parameters(oids)
    except Forbidden as reason:
        return reason.refusal(b"")
    except Exception as error:  # whatever it is: law 3
        return _internal(error)
    return None


def review_search_path(value: str, policy: RolePolicy, catalog: Catalog) -> tuple[str, ...] | Refusal:
    """Judge the search_path of a startup packet. Out: the path to begin with, or why it is refused."""
    try:
        return honoured(schemas(value), catalog, sight_of(policy, catalog).visible.schemas)
    except Forbidden as reason:
        return reason.refusal(b"")
    except Exception as error:  # whatever it is: law 3
        return _internal(error)


def _internal(error: Exception) -> Refusal:
    """Only the kind of the error is told: its text could quote the statement."""
    return Refusal(
        "XX000",
        INTERNAL_RULE,
        f"the statement could not be judged ({type(error).__name__}), so it was not run",
        hint="This is a fault of the gateway; please report it with the session's number.",
    )


def _judge(
    raw: Message, tree: Message, source: bytes, policy: RolePolicy, catalog: Catalog, changed: set[str]
) -> Verdict:
    start, end = _place(raw, source)
    text = source[start:end].decode()
    characters = len(source[:start].decode())
    node = raw.stmt
    statement = Statement(
        kind=statement_kind(node),
        normalized=normalize(text, kind_of(node)),
        fingerprint=fingerprint(text),
        start=characters,
        end=characters + len(text),
        name=statement_name(node),
    )
    analysis: Analysis | None = None
    try:
        analysis = Analysis(sight_of(policy, catalog), modify)
        analysis.changed = changed
        judge_statement(analysis, node)
        told = messages_of(analysis, statement.kind, node)
        printed = analysis.splices.into(print_tree(_alone(raw, tree)))
    except Forbidden as reason:
        return Refused(_completed(statement, analysis), reason.refusal(source))
    except RecursionError:
        return Refused(statement, too_deep().refusal(source))
    except Exception as error:  # whatever it is: law 3
        return Refused(statement, _internal(error))
    complete = replace(_completed(statement, analysis), messages=told)
    return Rewritten(complete, printed) if analysis.masked else Passed(complete, printed)


def _place(raw: Message, source: bytes) -> tuple[int, int]:
    """Where a statement stands: [start, end) in bytes, without white space around it."""
    start = raw.stmt_location
    end = start + raw.stmt_len if raw.stmt_len else len(source)
    text = source[start:end]
    start += len(text) - len(text.lstrip())
    return start, max(start, end - (len(text) - len(text.rstrip())))


def _alone(raw: Message, tree: Message) -> Message:
    """One statement as a tree of its own: the whole tree, where it is the only one (a copy costs as much as
    parsing does)."""
    if len(tree.stmts) == 1:
        raw.ClearField("stmt_location")
        raw.ClearField("stmt_len")
        return tree
    alone = pg.ParseResult(version=tree.version)
    alone.stmts.add().stmt.CopyFrom(raw.stmt)
    return alone


def _completed(statement: Statement, analysis: Analysis | None) -> Statement:
    """With what the analysis gathered until it ended."""
    if analysis is None:
        return statement
    return Statement(
        kind=statement.kind,
        normalized=statement.normalized,
        fingerprint=statement.fingerprint,
        start=statement.start,
        end=statement.end,
        touched=tuple(_touched(touch) for touch in analysis.touched.values()),
        name=statement.name,
        writes=analysis.writes,
    )


def _touched(touch: Touch) -> Touched:
    seen = touch.seen
    order = [column.name for column in seen.relation.columns]
    read = tuple(name for name in order if name in touch.read)
    return Touched(
        relation=seen.relation.qualified,
        read=read,
        written=tuple(name for name in order if name in touch.written),
        masked=tuple((name, seen.masks[name].kind.value) for name in read if name in seen.masks),
        lookups=tuple(touch.lookups),
    )
