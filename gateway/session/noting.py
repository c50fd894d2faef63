"""What is noted of a statement that does not run as it was asked: refused, empty, or bound and not run."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.audit.facts import CancelAsked, Sealed, StatementJudged
from gateway.session import names
from gateway.session.conversation import Conversation
from gateway.session.judge import Judged, JudgedStatement
from gateway.session.replies import Running
from masking.policy import StatementKind
from masking.verdict import Refusal

#: What the readable record says where the refusal's own words hold a name that the client chose.
WITHOUT_NAME = {"unknown-statement": "the name is not known", "unknown-portal": "the name is not known"}
ANOTHER = ("another-statement", "another statement of the same query string was refused")


def note_refused(talk: Conversation, judged: Judged, how: str, cancelled_by: str | None = None) -> None:
    """One event for each statement of a refused string; those that were not the reason say so."""
    talk.refused += 1
    for statement in judged.statements:
        number = talk.next_number()
        if statement.verdict == "refused":
            talk.facts.append(statement.fact(number, how, talk.transaction))
            continue
        rule, reason = ANOTHER
        talk.facts.append(
            statement.fact(number, how, talk.transaction, verdict="refused", rule=rule, reason=reason)
        )  # fmt: skip
    if not judged.statements and judged.refusal is not None:
        talk.facts.append(_unread(talk, how, judged.refusal, Sealed(text=judged.original)))
    if cancelled_by is not None:
        talk.facts.append(CancelAsked(talk.numbered, cancelled_by))


def note_refusal(talk: Conversation, how: str, refusal: Refusal, content: Sealed) -> None:
    """A refusal that is about no text: of a name, of a message."""
    talk.refused += 1
    talk.facts.append(_unread(talk, how, refusal, content))


def note_not_now(
    talk: Conversation,
    how: str,
    refusal: Refusal,
    judged: Judged,
    *,
    of: int = 0,
    parameters: tuple[str | None, ...] = (),
) -> None:
    """A refusal of what was judged well: one event for each statement, with all that is known of it."""
    talk.refused += 1
    for statement in judged.statements:
        fact = statement.fact(
            talk.next_number(), how, talk.transaction, of=of, parameters=parameters,
            verdict="refused", rule=refusal.rule, reason=refusal.message,
        )  # fmt: skip
        talk.facts.append(fact)
    if not judged.statements:
        talk.facts.append(_unread(talk, how, refusal, Sealed(text=judged.original, parameters=parameters)))


def note_empty(talk: Conversation, how: str, now: float) -> Running:
    """A query string with no statement in it."""
    number = talk.next_number()
    talk.facts.append(nothing_to_run(number, how, talk.transaction))
    return Running(number, now)


def nothing_to_run(number: int, how: str, transaction: str) -> StatementJudged:
    """The event of a string with no statement in it."""
    return StatementJudged(
        number=number, how=how, kind=StatementKind.OTHER.value, verdict="passed", transaction=transaction
    )


def with_what_it_runs(talk: Conversation, statement: JudgedStatement, fact: StatementJudged) -> StatementJudged:
    """Of EXECUTE and FETCH, which name no relation themselves: what the named statement reads and writes."""
    behind = names.behind(talk, statement)
    if behind is None or behind.statement is None:
        return fact
    runs = behind.statement.event
    return replace(
        fact,
        of=fact.of or behind.number,
        relations=runs.relations,
        read=runs.read,
        written=runs.written,
        masks=runs.masks,
    )


def _unread(talk: Conversation, how: str, refusal: Refusal, content: Sealed) -> StatementJudged:
    return StatementJudged(
        number=talk.next_number(),
        how=how,
        kind=StatementKind.OTHER.value,
        verdict="refused",
        rule=refusal.rule,
        reason=WITHOUT_NAME.get(refusal.rule, refusal.message),
        transaction=talk.transaction,
        sealed=content,
    )
