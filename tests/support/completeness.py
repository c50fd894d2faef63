"""Is everything in the record that reached PostgreSQL, and was it there before? PostgreSQL's own log is the witness.

Each statement carries a mark of its own (m_17) as a constant, a name or a parameter, so that the two can be put
side by side; those that have room for none (BEGIN, COMMIT) are known by their words.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pglast

from tests.support.record import Told
from tests.support.server_log import Line

MARK = re.compile(r"\bm_\d+\b")
#: What the gateway sends of its own: in place of a refused statement, around a write that it counts, and to learn
#: which cluster it is at, before a session begins.
OURS = ("pgcurfew refused this statement", "pgcurfew guard", " pg_catalog.pg_control_system() ")
_RUN = re.compile(r"(statement|execute (?:fetch from )?[^:]*): (.*)", re.DOTALL)
_PREPARED = re.compile(r"duration: [\d.]+ ms  (parse|bind) (?:.*?): (.*)", re.DOTALL)
#: PostgreSQL's log cuts its times to milliseconds.
_CUT = timedelta(milliseconds=1)

#: Backend, how it came (run, parse), and the statement's mark or its words.
Key = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Counted:
    """`reached` are statements that PostgreSQL says it was asked to run (or prepare), `recorded` those of them
    that the record holds; `late` those that it holds, but of a later time."""

    reached: int
    recorded: int
    missing: tuple[Key, ...]
    late: tuple[Key, ...]
    #: Events of statements that came to a good end, and that PostgreSQL never heard of.
    unheard: tuple[Key, ...]

    @property
    def figure(self) -> float:
        return self.recorded / self.reached if self.reached else 0.0


def compare(sessions: Iterable[list[Told]], lines: Iterable[Line]) -> Counted:
    """Put the record of sessions beside PostgreSQL's log of the same time."""
    events: dict[Key, list[datetime]] = defaultdict(list)
    pids = set()
    ran: Counter[Key] = Counter()
    for session in sessions:
        pids.add(session[0]["upstream_pid"])
        done = {told["number"] for told in session if told["outcome"] in ("done", "suspended")}
        for key, at, number in _of_a_session(session):
            events[key].append(at)
            ran[key] += number in done
    reached = 0
    missing, late = [], []
    taken: Counter[Key] = Counter()
    for key, at in _of_the_log(lines, pids):
        reached += 1
        pid, how, mark = key
        if how == "bind":  # it is told by the event of its run, or by its own
            key = next((one for one in (key, (pid, "run", mark)) if len(events[one]) > taken[one]), key)
            place = taken[key]
        else:
            place = taken[key]
            taken[key] += 1
        if place >= len(events[key]):
            missing.append(key)
        elif events[key][place] > at + _CUT:
            late.append(key)
    unheard = [key for key, times in ran.items() if key[1] == "run" and times > taken[key]]
    return Counted(reached, reached - len(missing), tuple(missing), tuple(late), tuple(unheard))


def _words(text: str) -> str:
    return " ".join(text.strip().rstrip(";").upper().split())


def _of_a_session(session: list[Told]) -> Iterator[tuple[Key, datetime, int]]:
    pid = session[0]["upstream_pid"]
    texts: dict[int, str] = {}
    for told in session:
        if told.type != "StatementJudged" or told["verdict"] == "refused":
            continue
        text = told.sealed.get("text") or texts.get(told["of"] or 0, "")
        texts[told["number"]] = text
        how = "run" if told["how"] in ("simple", "execute") else told["how"]
        parameters = " ".join(value or "" for value in told.sealed.get("parameters", ()))
        marks = MARK.findall(parameters) or MARK.findall(text)
        yield (pid, how, "" if how == "parse" else marks[0] if marks else _words(text)), told.time, told["number"]


def first_words(sessions: Iterable[list[Told]], lines: Iterable[Line]) -> tuple[Counter[Key], ...]:
    """Of any statements, marked or not, how many there were by backend and first word: those that came to a good end
    by the record, those that reached PostgreSQL by its log, and those that the record does not call refused."""
    done: Counter[Key] = Counter()
    passed: Counter[Key] = Counter()
    pids = set()
    for session in sessions:
        pids.add(session[0]["upstream_pid"])
        ended = {told["number"] for told in session if told["outcome"] in ("done", "suspended")}
        texts: dict[int, str] = {}
        for told in session:
            if told.type != "StatementJudged" or told["verdict"] == "refused":
                continue
            text = texts[told["number"]] = told.sealed.get("text") or texts.get(told["of"] or 0, "")
            if told["how"] in ("simple", "execute") and told["normalized"]:
                key = (session[0]["upstream_pid"], "run", _words(text).partition(" ")[0])
                passed[key] += 1
                done[key] += told["number"] in ended
    reached: Counter[Key] = Counter()
    for line in lines:
        run = _RUN.fullmatch(line.text)
        if line.pid in pids and line.level == "LOG" and run and not any(ours in line.text for ours in OURS):
            for text in pglast.split(run[2]):
                reached[line.pid, "run", _words(text).partition(" ")[0]] += 1
    return done, reached, passed


@dataclass(slots=True)
class _Open:
    """A line of the log whose parameters stand in the next."""

    line: Line
    how: str
    text: str
    parameters: str = ""
    details: list[str] = field(default_factory=list)


def _of_the_log(lines: Iterable[Line], pids: set[int]) -> Iterator[tuple[Key, datetime]]:
    last: dict[int, _Open] = {}
    found: list[_Open] = []
    for line in lines:
        if line.pid not in pids:
            continue
        open_ = last.get(line.pid)
        if line.level == "DETAIL" and open_ is not None and line.text.lower().startswith("parameters: "):
            open_.parameters = line.text
            continue
        run, prepared = _RUN.fullmatch(line.text), _PREPARED.fullmatch(line.text)
        if line.level != "LOG" or not (run or prepared):
            continue
        found_now = run or prepared
        assert found_now is not None
        how = "run" if run else found_now[1]
        last[line.pid] = _Open(line, how, found_now[2])
        if not any(ours in line.text for ours in OURS):
            found.append(last[line.pid])
    for each in found:
        simple = each.line.text.startswith("statement: ")
        marks = MARK.findall(each.parameters) or MARK.findall(each.text)
        if each.how == "parse":
            marks = [""]
        elif not simple:
            marks = marks[:1]
        for mark in marks or [_words(each.text)]:
            yield (each.line.pid, each.how, mark), each.line.time
