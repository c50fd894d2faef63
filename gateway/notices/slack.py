"""A notice in the format of Slack's incoming webhooks, which others speak too."""

from __future__ import annotations

import json
from datetime import datetime

import httpx

from gateway.audit.visible import visible
from gateway.notices.notice import Notice, lines
from gateway.notices.sink import posted

#: A field may have 2,000 characters.
_LONGEST = 2000
_MARKS = {"critical": ":rotating_light:", "warning": ":warning:", "notice": ":key:"}


class SlackSink:
    """One incoming webhook."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client

    async def send(self, notice: Notice, *, delivery: str, now: datetime) -> None:
        """POST it. Raises Refused, Unsure."""
        body = json.dumps(message(notice)).encode()
        await posted(self._client, self._url, body, {"Content-Type": "application/json"})


def message(notice: Notice) -> dict[str, object]:
    """The message: blocks of plain text, in which nothing is markup, and the same as one text for
    notifications and for what knows no blocks."""
    title = f"{_MARKS.get(notice.severity, ':key:')} {visible(notice.title)}"
    listed = [(name, value) for name, value in lines(notice) if name != "link"]
    blocks: list[dict[str, object]] = [{"type": "section", "text": _plain(title)}]
    # A section takes ten fields.
    for start in range(0, len(listed), 10):
        fields = [_plain(f"{name}: {value}") for name, value in listed[start : start + 10]]
        blocks.append({"type": "section", "fields": fields})
    text = "\n".join([title, *(f"{name}: {value}" for name, value in listed)])
    if notice.link:
        link = f"<{visible(notice.link).replace('>', '').replace('|', '')}>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link}})
    return {"text": escaped(text), "blocks": blocks}


def escaped(text: str) -> str:
    """Text in which Slack sees no mention and no link of somebody's own (its manual: "Escaping text")."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, entity)
    return text


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text[:_LONGEST], "emoji": True}
