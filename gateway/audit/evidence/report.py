"""The report: one page of HTML with nothing outside of it and no scripts, made to be printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Final

from jinja2 import Environment, StrictUndefined

from gateway.audit.facts import SessionOpened
from gateway.audit.index.questions import Affair
from gateway.audit.replay import Moment, Session, Statement
from gateway.audit.visible import visible

_WORDS: Final = {"passed": "passed", "rewritten": "masked", "refused": "refused"}


@dataclass(frozen=True, slots=True)
class Report:
    """What the page tells."""

    grant: str
    made_at: datetime
    affairs: Sequence[Affair]
    sessions: Sequence[Session]
    #: SHA-256 of the raw public key.
    fingerprint: str
    #: Texts and parameters are not shown.
    sealed: bool

    @property
    def opened(self) -> SessionOpened | None:
        return self.sessions[0].opened if self.sessions else None

    @property
    def statements(self) -> int:
        return sum(_ran(session) for session in self.sessions)

    @property
    def rows(self) -> int:
        return sum(statement.rows for session in self.sessions for statement in session.statements)

    @property
    def refused(self) -> int:
        return sum(statement.verdict == "refused" for session in self.sessions for statement in session.statements)


def _ran(session: Session) -> int:
    return sum(
        statement.verdict == "refused" or statement.how not in ("parse", "bind") for statement in session.statements
    )


def render(report: Report) -> str:
    """The page."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["shown"] = lambda text: visible(str(text))
    environment.filters["sql"] = lambda text: visible(str(text).strip(), lines=True)
    environment.filters["clock"] = lambda time: str(time)[:19].replace("T", " ")
    environment.filters["took"] = _took
    environment.tests["statement"] = lambda entry: isinstance(entry, Statement)
    environment.tests["moment"] = lambda entry: isinstance(entry, Moment)
    source = resources.files("gateway.audit.evidence").joinpath("report.html").read_text("utf-8")
    return environment.from_string(source).render(report=report, words=_WORDS)


def _took(microseconds: int) -> str:
    return f"{microseconds / 1000:.1f} ms" if microseconds < 1_000_000 else f"{microseconds / 1e6:.1f} s"
