"""approve, deny."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.ask import Reason, RequestId, must_have_reason
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, clock_time, put_json, tell
from gateway.cli.wishes import Relations, parts_of, said_wish, seconds_of

app = typer.Typer()


@app.command()
def approve(
    request_id: RequestId,
    reason: Reason = "",
    duration: Annotated[str | None, typer.Option("--for", help="For less time than was asked for.")] = None,
    relation: Relations = [],  # noqa: B006 -- typer copies it
    as_json: Json = False,
) -> None:
    """Approve somebody's request, or less of it. With the last approval that the role demands, the grant begins.

    Name the request as it was shown to you: "req_4f….2" is what it became by an edit, and "req_4f…" what was first
    asked. What was edited since is not approved.
    """
    plain, version = version_of(request_id)
    body: dict[str, object] = {"reason": reason, "version": version}
    if duration is not None:
        body["seconds"] = seconds_of(duration)
    if parts := parts_of(relation):
        body["relations"] = parts
    with Client.signed_in() as client:
        after = client.post("requests", plain, "approve", body=body)
        grant = client.get("grants", after["grant"]) if after["grant"] and not as_json else None
    if as_json:
        put_json(after)
        return
    if grant is not None and after["extends"]:
        tell(f"approved: grant {grant['id']} of {after['person']} goes on until {clock_time(grant['ends_at'])}")
        return
    if grant is not None:
        when = f"from {clock_time(grant['starts_at'])} " if grant["state"] == "scheduled" else ""
        tell(f"approved: {after['person']} has {after['role']} on {after['target']}, grant {grant['id']}")
        tell(f"{when}until {clock_time(grant['ends_at'])}")
        return
    tell(f"approved: {after['reference']} ({said_wish(after)}) waits for another reviewer")


@app.command()
def deny(request_id: RequestId, reason: Reason = "", as_json: Json = False) -> None:
    """Deny somebody's request, with a reason."""
    must_have_reason(reason)
    with Client.signed_in() as client:
        after = client.post("requests", version_of(request_id)[0], "deny", body={"reason": reason})
    if as_json:
        put_json(after)
        return
    tell(f"denied: {after['id']}")


def version_of(reference: str) -> tuple[str, int]:
    """The request's id and its version: "req_4f….2" is the second. Raises Stopped."""
    plain, dot, number = reference.partition(".")
    if not dot:
        return plain, 1
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= 1_000_000):
        raise Stopped(Exit.USAGE, f'"{reference}" names no version of a request', 'see "pgcurfew requests"')
    return plain, int(number)
