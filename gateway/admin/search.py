"""Search over the record's index: auditors find everything, others what they did themselves."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.access.models import Person
from gateway.access.permissions import Action, Denied, SessionOf, may
from gateway.access.scopes import Scope
from gateway.admin.answers import Refused, answer
from gateway.admin.bodies import CountAnswer, FoundAnswer, SearchAnswer
from gateway.admin.endpoints import Endpoint, limit_of, one_query
from gateway.admin.openapi import Described, Query
from gateway.audit.index import schema
from gateway.audit.index.answering import Index
from gateway.audit.index.questions import BYS, MOST, WORDS, By, NotAsked, Question, by_of, question_of

_HINT: Final = "see /v1/openapi.json, or pgcurfew audit search --help"


class Search:
    """What the handler works with."""

    def __init__(self, directory: Path, clock: Callable[[], datetime]) -> None:
        self._directory = directory
        self._clock = clock

    async def search(self, request: Request, person: Person) -> Response:
        known = {*WORDS, "by", "limit", "before"}
        for name in request.query_params:
            if name not in known:
                raise Refused(422, "query", "there is no such parameter here", _HINT)
        words = {name: word for name in WORDS if (word := one_query(request, name)) is not None}
        by, before, limit = one_query(request, "by"), one_query(request, "before") or "0", limit_of(request)
        if not (before.isascii() and before.isdigit() and len(before) <= 19):
            raise Refused(422, "before", "before is the number that the page before ended with", _HINT)
        try:
            question = question_of(words, self._clock())
            grouped = None if by is None else by_of(by)
            if isinstance(may(person, Action.SEE, SessionOf("")), Denied):
                if question.person not in (None, person.name):
                    raise Refused(403, "not-permitted", "only auditors search what others did", "leave person out")
                question = replace(question, person=person.name)
            found = await asyncio.to_thread(self._answer, question, grouped, limit, int(before))
        except NotAsked as error:
            raise Refused(422, "question", str(error), _HINT) from None
        return answer(found)

    def _answer(self, question: Question, by: By | None, limit: int, before: int) -> SearchAnswer:
        try:
            index = Index(schema.readable(self._directory / schema.FILE))
        except schema.NoIndex:
            hint = "record.index makes the gateway keep one; pgcurfew audit search --config asks the record itself"
            raise Refused(503, "no-index", "there is no index over the record here", hint) from None
        try:
            at = index.state_at()
            if by is not None:
                counts = index.counts(question, by)
                told = tuple(CountAnswer(of=count.of, statements=count.statements) for count in counts)
                total = sum(count.statements for count in counts)
                return SearchAnswer(statements=(), total=total, before=0, counts=told, indexed_at=at)
            page = index.page(question, limit=limit, before=min(before, (1 << 63) - 1))
        except sqlite3.Error:
            raise Refused(503, "index", "the index cannot be read now", "try again soon") from None
        finally:
            index.close()
        statements: list[dict[str, Any]] = [msgspec.to_builtins(found) for found in page.found]
        found = tuple(FoundAnswer.model_construct(**one) for one in statements)
        return SearchAnswer(statements=found, total=page.total, before=page.before, counts=(), indexed_at=at)


def search_endpoints(search: Search) -> tuple[Endpoint, ...]:
    """One: /v1/audit/search."""
    described = {
        "access": 'of relation or column: only "read" or "written"',
        "text": "words of the normalised text; a last * stands for any ending",
        "since": "a time, UTC unless it says otherwise",
        "until": "a time",
        "month": "2026-03, or march",
        "verdict": "passed, masked or refused",
    }
    queries = tuple(Query(word, "string", described.get(word, f"of this {word}")) for word in WORDS)
    return (
        Endpoint(
            Described(
                "GET",
                "/v1/audit/search",
                "Statements of the record",
                SearchAnswer,
                queries=(
                    *queries,
                    Query("by", "string", f"counts instead: by {', '.join(BYS)}"),
                    Query("limit", "integer", f"how many at most, up to {MOST}", {"minimum": 1, "maximum": MOST}),
                    Query("before", "integer", "what the page before ended with", {"minimum": 0}),
                ),
            ),
            Scope.RECORD,
            search.search,
        ),
    )
