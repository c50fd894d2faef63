"""A notice as JSON by POST, signed as Standard Webhooks has it (standardwebhooks.com, spec section
"Signature scheme"): whoever receives it can tell that it is ours, whole, fresh, and seen before or not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

import httpx
import msgspec

from gateway.notices.notice import Notice
from gateway.notices.sink import posted


def signature(key: bytes, delivery: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: HMAC-SHA-256 over id, time and body, in base64."""
    signed = b"%b.%d.%b" % (delivery.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class WebhookSink:
    """One address. Raises what `posted` raises."""

    def __init__(self, url: str, key: bytes, client: httpx.AsyncClient) -> None:
        self._url = url
        self._key = key
        self._client = client

    async def send(self, notice: Notice, *, delivery: str, now: datetime) -> None:
        """POST it. Raises Refused, Unsure."""
        body = msgspec.json.encode({"type": f"pgcurfew.{notice.event}", "timestamp": notice.at, "data": notice})
        timestamp = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": delivery,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._key, delivery, timestamp, body),
        }
        await posted(self._client, self._url, body, headers)
