"""The rules over days that are gone: the record is read as if it happened again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.alerts import Alert
from gateway.alerts.rules import AlertRules, Fired
from gateway.alerts.sights import AnySight
from gateway.alerts.usual import LOOKS_BACK, Book
from gateway.alerts.watch import Watch, sight_of
from gateway.audit import lines
from gateway.audit.facts import Fact, SessionOpened
from gateway.audit.places import all_records
from gateway.audit.replay import UnknownFact, read_events


def would_have_fired(
    directory: Path,
    alerts: Mapping[str, Alert],
    *,
    since: datetime,
    until: datetime,
    read: Callable[[int, int], None] = lambda done, of: None,
) -> list[tuple[datetime, Fired]]:
    """When these rules would have fired between two times, by the record below `directory`, in order. What was usual
    is taken from the record too, so it is read from four weeks (or what a rule remembers) before. `read` is told how
    many logs have been read, of how many. Raises Unreadable, OSError."""
    remembers = max([LOOKS_BACK * 86_400, *(rule.remember for rule in alerts.values() if _remembers(rule))])
    start = since - timedelta(days=LOOKS_BACK) if not any(map(_remembers, alerts.values())) else since
    start = min(start, since - timedelta(seconds=remembers))
    seen: list[tuple[datetime, AnySight]] = []
    logs = _logs(directory, start)
    for number, log in enumerate(logs, 1):
        seen += _sights(log)
        read(number, len(logs))
    seen.sort(key=lambda one: one[0])
    rules = AlertRules(alerts, Book())
    before = AlertRules({}, rules.book)
    found = []
    for at, sight in seen:
        if at < since:
            before.see(sight, at)
        elif at < until:
            found += [(at, one) for one in rules.see(sight, at)]
    return found


def _remembers(rule: Alert) -> bool:
    return rule.when in ("new-relation", "new-network")


def _logs(directory: Path, start: datetime) -> list[Path]:
    """Logs of days from the one before `start` on: a session that began then may have gone on."""
    first = (start - timedelta(days=1)).strftime("%Y/%m/%d")
    return [
        path
        for record in all_records(directory)
        for kind in ("sessions", "control")
        for path in lines.logs(record / kind)
        if "/".join(path.parts[-4:-1]) >= first
    ]


def _sights(path: Path) -> list[tuple[datetime, AnySight]]:
    with lines.opened(path) as log:
        return list(_seen(log))


def _seen(log: Iterable[bytes]) -> Iterator[tuple[datetime, AnySight]]:
    """What a running gateway would have seen of a log, and when."""
    clock = _Then()
    told: list[AnySight] = []
    watch: Watch | None = None
    for event in read_events(log):
        clock.now = datetime.fromisoformat(event.time)
        fact: Fact | UnknownFact = event.fact
        match fact:
            case UnknownFact():
                continue
            case SessionOpened():
                watch = Watch(fact, told.append, clock)
            case _ if watch is not None:
                watch.saw(fact)
            case _:
                sight = sight_of(fact)
                if sight is not None:
                    told.append(sight)
        yield from [(clock.now, sight) for sight in told]
        told.clear()
    if watch is not None:
        watch.close()
        yield from [(clock.now, sight) for sight in told]


class _Then:
    """The clock of what is read."""

    def __init__(self) -> None:
        self.now = datetime(1970, 1, 1, tzinfo=UTC)

    def __call__(self) -> float:
        return self.now.timestamp()
