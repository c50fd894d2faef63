"""What the door asks of access. `Access` answers in its own process, `workers.remote` from another one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol

from gateway.access.models import Admission, GrantEnded

Listener = Callable[[GrantEnded], None]


class Gate(Protocol):
    """Who may come in, who may stay."""

    async def admit(self, token: str, *, user: str, database: str, client: str, certificate: str = "") -> Admission:
        """Let somebody in who shows a token as password. `client` is the address and port of the other side,
        `certificate` the thumbprint of the certificate that TLS has seen. Raises AdmissionRefused."""
        ...

    def leave(self, admission: Admission) -> None:
        """The session of this admission is over."""
        ...

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` in the event loop whenever a grant or a token ends before its time."""
        ...

    async def still_valid(
        self, grant_ids: Collection[str], token_ids: Collection[str] = ()
    ) -> Mapping[str, datetime | None]:
        """Which of these grants give access now, and until when; and which of these tokens were not revoked."""
        ...
