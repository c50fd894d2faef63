"""Search in what is sealed, for who has an auditor's key: the client's own texts and parameters of the statements
that the index finds, opened one by one out of the record itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import msgspec
import zstandard
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pglast.parser import ParseError, scan

from gateway.audit import chain, lines
from gateway.audit.facts import ResultRecorded, Sealed, SessionOpened, StatementEnded, StatementJudged
from gateway.audit.index.answering import Index
from gateway.audit.index.questions import Found, Question
from gateway.audit.replay import Event, Unreadable, read_events, record_id
from gateway.audit.seal import CannotOpen, Opener


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the contents must hold: `value` is a whole constant, parameter or value of a recorded result; `text`
    stands anywhere in the text, in these, or in the server's message, whatever its case."""

    value: str | None = None
    text: str | None = None

    def fits(self, content: Sealed, original: str) -> bool:
        """Whether this statement's content holds it. `original` is its text, which a run of a prepared
        statement has from where it was prepared."""
        if self.text is not None:
            wanted = self.text.lower()
            seen = (cell or "" for row in content.rows for cell in row)
            everything = (original, content.message or "", *(value or "" for value in content.parameters), *seen)
            if not any(wanted in part.lower() for part in everything):
                return False
        if self.value is None:
            return True
        forms = _forms(self.value)
        return (
            not forms.isdisjoint(content.parameters)
            or any(not forms.isdisjoint(row) for row in content.rows)
            or has_constant(original, self.value)
        )


@lru_cache(maxsize=8)
def _forms(value: str) -> frozenset[str]:
    """How a parameter of this value may stand in the record: as text, or as the bytes of a binary one."""
    forms = {value, f"\\x{value.encode().hex()}"}
    if re.fullmatch(r"-?\d{1,19}", value):
        number = int(value)
        forms |= {
            f"\\x{number.to_bytes(size, 'big', signed=True).hex()}"
            for size in (2, 4, 8)
            if -(1 << (8 * size - 1)) <= number < 1 << (8 * size - 1)
        }
    elif re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
        forms.add(f"\\x{value.replace('-', '').lower()}")
    return frozenset(forms)


def has_constant(sql: str, value: str) -> bool:
    """Whether the text holds the value as a constant of its own: 42 is in `id = 42`, and not in `id = 420`."""
    if value.removeprefix("-") not in sql and value.replace("'", "''") not in sql:
        return False
    try:
        tokens = scan(sql)
    except ParseError:
        return False  # never a statement
    before = None
    for token in tokens:
        text = sql[token.start : token.end + 1]
        if token.name in _NUMBERS and value in (text, f"-{text}" if before == "-" else text):
            return True
        if token.name in _STRINGS and _unquoted(text) == value:
            return True
        before = text
    return False


_STRINGS = frozenset({"SCONST", "USCONST", "BCONST", "XCONST"})
_NUMBERS = frozenset({"ICONST", "FCONST"})


def _unquoted(text: str) -> str:
    start, end = text.find("'"), text.rfind("'")
    if 0 <= start < end:
        return text[start + 1 : end].replace("''", "'")
    if text.startswith("$"):  # $$…$$ or $tag$…$tag$
        tag = text[: text.find("$", 1) + 1]
        return text[len(tag) : -len(tag)]
    return text


@dataclass(slots=True)
class Searched:
    """How far a search in contents came: statements looked at, and logs whose contents the key does not open."""

    looked_at: int = 0
    closed: int = 0


def search_contents(
    index: Index,
    directory: Path,
    question: Question,
    wanted: Wanted,
    key: X25519PrivateKey | None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Found], Searched]:
    """The statements that the question finds and whose contents hold what is wanted, the latest first.
    Without a key only what was never sealed is looked at. Raises OSError, sqlite3.Error, NotAsked."""
    total, candidates = index.candidates(question)
    searched = Searched()
    contents: dict[int, tuple[str, tuple[str | None, ...]]] = {}
    names: dict[str, str] = {}
    for (place, path, session), some in groupby(candidates, key=lambda row: row[:3]):
        events = {line: event for *_, line, event in some}
        if place not in names:
            names[place] = record_id(directory / place)
        try:
            with lines.opened(directory / place / path) as file:
                log = _Log(file, chain.log_name(names[place], session), key)
                for line, original, content in log.statements(events):
                    if wanted.fits(content, original):
                        contents[events[line]] = (original, content.parameters)
        except (FileNotFoundError, Unreadable, CannotOpen, zstandard.ZstdError):
            searched.closed += 1
        searched.looked_at += len(events)
        if progress is not None:
            progress(searched.looked_at, total)
    found = []
    for one in index.found(sorted(contents, reverse=True)):
        original, parameters = contents[one.id]
        found.append(replace(one, text=original or one.text, opened=True, parameters=parameters))
    return found, searched


class _Log:
    """One session's log, of which some statements are opened."""

    def __init__(self, file: Iterator[bytes], name: str, key: X25519PrivateKey | None) -> None:
        self._events = read_events(file)
        first = next(self._events, None)
        if first is None or not isinstance(first.fact, SessionOpened):
            raise Unreadable("the log does not begin with a session's opening")
        sealed = first.seal is not None and first.seal.sealing == "auditors"
        if sealed and key is None:
            raise CannotOpen("it is sealed, and there is no key")
        self._opener = Opener(name, first.seal, key) if sealed and first.seal is not None and key is not None else None

    def statements(self, wanted: dict[int, int]) -> Iterator[tuple[int, str, Sealed]]:
        """Line, original text and content of each statement on these lines."""
        prepared: dict[int, Event] = {}
        #: The errors' messages come later than their statements.
        open_: dict[int, tuple[int, str, Sealed]] = {}
        for event in self._events:
            match event.fact:
                case StatementJudged() as judged:
                    if judged.how == "parse":
                        prepared[judged.number] = event
                    if event.seq in wanted and (content := self._content(event, judged.sealed)) is not None:
                        original = content.text or ""
                        if not original and judged.of in prepared:
                            before = prepared[judged.of]
                            original = (self._content(before, _sealed(before)) or Sealed()).text or ""
                        open_[judged.number] = (event.seq, original, content)
                case ResultRecorded(number=number, sealed=plain) if number in open_:
                    line, original, content = open_[number]
                    seen = self._content(event, plain)
                    if seen is not None:
                        open_[number] = line, original, msgspec.structs.replace(content, rows=seen.rows)
                case StatementEnded(number=number, sealed=plain) if number in open_:
                    line, original, content = open_.pop(number)
                    said = self._content(event, plain)
                    if said is not None and said.message:
                        content = msgspec.structs.replace(content, message=said.message)
                    yield line, original, content
                case _:
                    pass
        yield from open_.values()

    def _content(self, event: Event, plain: Sealed | None) -> Sealed | None:
        if plain is not None or event.box is None or self._opener is None:
            return plain
        return self._opener.open(event.box, event.seq, getattr(event.fact, "normalized", ""))


def _sealed(event: Event) -> Sealed | None:
    return event.fact.sealed if isinstance(event.fact, StatementJudged) else None
