"""What all sinks have in common: a notice goes there, or it says why not."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import httpx

from gateway.notices.notice import Notice

#: A try may take so long (seconds).
TRY_SECONDS = 10.0


class Refused(Exception):
    """The other side did not take it, or was not reached; the message holds no secret. `wait` is how
    many seconds it asked us to wait."""

    def __init__(self, reason: str, *, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Unsure(Refused):
    """It was sent, and nobody said whether it arrived."""


class Sink(Protocol):
    """Where notices go."""

    async def send(self, notice: Notice, *, delivery: str, now: datetime) -> None:
        """Deliver it; `delivery` names it, the same at each try. Raises Refused, Unsure."""
        ...


async def posted(client: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str]) -> None:
    """POST, and any answer of 200 to 299 is well; redirects are not followed. Raises Refused, Unsure."""
    try:
        answer = await client.post(url, content=body, headers=headers, timeout=TRY_SECONDS)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise Refused(f"not reached: {_kind(error)}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unsure(f"no answer: {_kind(error)}") from None
    if not answer.is_success:
        raise Refused(f"answered {answer.status_code}", wait=_wait(answer.headers.get("retry-after", "")))


def _kind(error: Exception) -> str:
    """What went wrong, without the address, which may be a secret."""
    return type(error).__name__


def _wait(text: str) -> float:
    """Retry-After in seconds (RFC 9110, 10.2.3); a date is not looked at."""
    return float(min(int(text[:6]), 3600)) if text.isascii() and text.isdigit() else 0.0
