"""Records to try things on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gateway.audit import lines
from gateway.audit.facts import (
    GatewayStarted,
    GatewayStopped,
    Sealed,
    SessionClosed,
    SessionOpened,
    StatementEnded,
    StatementJudged,
)
from gateway.audit.journal import Disk
from gateway.audit.keeping import Copies, Keeping
from gateway.audit.record import Recorder
from gateway.audit.replay import read_events

CANARY = "canary-4711@example.org"


def opened(session: str = "s1", **changes: object) -> SessionOpened:
    facts: dict[str, object] = {
        "session": session,
        "person": "alice",
        "grant": "g-1",
        "reason": "ticket 42",
        "approvers": ("bob",),
        "role": "support",
        "target": "shop",
        "database": "shop",
        "client": "127.0.0.1:50000",
        "ends_at": "2026-11-23T14:00:00.000000Z",
        "token": "t-1",
        "policy_version": "p",
        "catalog_version": "c",
        "startup": {"application_name": "psql"},
    }
    return SessionOpened(**(facts | changes))  # type: ignore[arg-type]


def judged(number: int, **changes: object) -> StatementJudged:
    facts: dict[str, object] = {
        "number": number,
        "how": "simple",
        "kind": "select",
        "verdict": "rewritten",
        "normalized": "SELECT email FROM customers WHERE email = $1",
        "fingerprint": "a0b1c2d3",
        "read": ("public.customers.email",),
        "masks": ("public.customers.email:pseudonym",),
        "sealed": Sealed(text=f"SELECT email FROM customers WHERE email = '{CANARY}'", parameters=(CANARY, None)),
    }
    return StatementJudged(**(facts | changes))  # type: ignore[arg-type]


def ended(number: int, **changes: object) -> StatementEnded:
    facts: dict[str, object] = {
        "number": number,
        "outcome": "done",
        "rows": 3,
        "bytes": 120,
        "microseconds": 1500,
        "tag": "SELECT 3",
    }
    return StatementEnded(**(facts | changes))  # type: ignore[arg-type]


@dataclass
class Clock:
    """Ticks a millisecond each time it is asked."""

    now: datetime = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass
class Bench:
    """A record directory with its keys."""

    directory: Path
    signer: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    auditor: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    clock: Callable[[], datetime] = field(default_factory=Clock)

    def open(
        self,
        *,
        disk: Disk | None = None,
        sealing: str = "auditors",
        durability: str = "process",
        checkpoint_seconds: float = 5.0,
        keeping: Keeping | None = None,
        copies: Copies | None = None,
    ) -> Recorder:
        return Recorder.open(
            self.directory,
            signer=self.signer,
            recipients=[self.auditor.public_key()] if sealing == "auditors" else [],
            sealing=sealing,  # type: ignore[arg-type]
            durability=durability,  # type: ignore[arg-type]
            checkpoint_seconds=checkpoint_seconds,
            clock=self.clock,
            keeping=keeping,
            copies=copies,
            disk=disk,
        )

    def write_a_record(self, *, sealing: str = "auditors") -> None:
        """Two sessions and a control log, with a checkpoint in the middle."""
        recorder = self.open(sealing=sealing)
        recorder.note(GatewayStarted(version="1", policy_version="p", sealing=sealing))
        one = recorder.open_session(opened("s1"))
        two = recorder.open_session(opened("s2", person="carol"))
        one.append([judged(1), ended(1)])
        two.append([judged(1), ended(1)])
        recorder.checkpoint()
        refused = judged(2, verdict="refused", kind="delete", rule="statement-kind", reason="DELETE is not permitted")
        one.append([refused])
        one.append([judged(3)])
        one.append([ended(3)])
        one.close(SessionClosed(cause="client", statements=3, refused=1))
        two.close(SessionClosed(cause="grant-ended", statements=1))
        recorder.note(GatewayStopped(cause="SIGTERM"))
        recorder.close()

    def session_file(self, session: str = "s1") -> Path:
        return lines.plain(next((self.directory / "sessions").rglob(f"{session}.jsonl*")))


def facts_in(path: Path) -> list[object]:
    with path.open("rb") as file:
        return [event.fact for event in read_events(file)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "record")
