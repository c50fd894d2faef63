"""targets, request, requests, approve, deny, cancel."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from config.durations import format_duration, parse_duration
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, clock_time, left, put_json, put_table, tell

app = typer.Typer()

RequestId = Annotated[str, typer.Argument(metavar="REQUEST", help="A request's id, req_…")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why; kept with everything that follows.")]


@app.command()
def targets(as_json: Json = False) -> None:
    """What you can ask for: targets, and the roles on them."""
    with Client.signed_in() as client:
        found = client.get("targets")
    if as_json:
        put_json(found)
        return
    rows = [
        (target["name"], role["role"], format_duration(role["max_seconds"]), str(role["approvals"]))
        for target in found["targets"]
        for role in target["roles"]
    ]
    put_table(("target", "role", "at most", "approvals"), rows, nothing="there is nothing that you can ask for")


@app.command()
def request(
    target: Annotated[str, typer.Option("--target", "-t", help="The database to work on.")],
    role: Annotated[str, typer.Option("--role", "-r", help="What you want to be able to do there.")],
    duration: Annotated[str, typer.Option("--for", help='How long, such as "30m" or "2h".')],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Ask for access, for a time, with a reason."""
    with Client.signed_in() as client:
        asked = ask(client, target=target, role=role, duration=duration, reason=reason)
    if as_json:
        put_json(asked)
        return
    tell(f"asked: {asked['id']}")
    tell(f"{asked['role']} on {asked['target']} for {format_duration(asked['seconds'])}: {asked['reason']}")
    tell(f"a reviewer can now run: pgcurfew approve {asked['id']}")


@app.command()
def requests(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are decided.")] = False,
    target: Annotated[str | None, typer.Option("--target", "-t", help="Only for this target.")] = None,
    as_json: Json = False,
) -> None:
    """Requests that you made or may decide on."""
    with Client.signed_in() as client:
        found = client.get("requests", all="true" if everything else "false", target=target)
    if as_json:
        put_json(found["requests"])
        return
    put_table(
        ("request", "state", "who", "target", "role", "for", "reason", "asked", "decisions"),
        [_row(one) for one in found["requests"]],
        nothing="no requests" if everything else "no pending requests",
    )


@app.command()
def approve(request_id: RequestId, reason: Reason = "", as_json: Json = False) -> None:
    """Approve somebody's request. With the last approval that the role demands, the grant begins."""
    with Client.signed_in() as client:
        after = client.post("requests", request_id, "approve", body={"reason": reason})
    if as_json:
        put_json(after)
        return
    if after["grant"]:
        tell(f"approved: {after['person']} has {after['role']} on {after['target']}, grant {after['grant']}")
        return
    tell(f"approved: {after['id']} waits for another reviewer")


@app.command()
def deny(request_id: RequestId, reason: Reason = "", as_json: Json = False) -> None:
    """Deny somebody's request, with a reason."""
    must_have_reason(reason)
    with Client.signed_in() as client:
        after = client.post("requests", request_id, "deny", body={"reason": reason})
    if as_json:
        put_json(after)
        return
    tell(f"denied: {after['id']}")


@app.command()
def cancel(request_id: RequestId, as_json: Json = False) -> None:
    """Withdraw a request of your own."""
    with Client.signed_in() as client:
        after = client.post("requests", request_id, "cancel")
    if as_json:
        put_json(after)
        return
    tell(f"cancelled: {after['id']}")


def ask(client: Client, *, target: str, role: str, duration: str, reason: str) -> Any:
    """Send a request; the API's answer. Raises Stopped."""
    must_have_reason(reason)
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise Stopped(Exit.USAGE, f'--for "{duration}": {error}', 'such as --for 30m, or --for "1h30m"') from None
    if not seconds:
        raise Stopped(Exit.USAGE, "--for: no time at all was asked for", "such as --for 30m")
    body: dict[str, object] = {"target": target, "role": role, "reason": reason, "seconds": seconds}
    return client.post("requests", body=body)


def must_have_reason(reason: str) -> None:
    """Refuse an empty reason before anybody is asked. Raises Stopped."""
    if not reason.strip():
        hint = 'say it with --reason "…"; it is kept with everything that follows'
        raise Stopped(Exit.USAGE, "a reason is mandatory", hint, "reason")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    decisions = ", ".join(f"{decision['by']}: {decision['vote']}" for decision in one["decisions"])
    state = f"{one['state']}, {left(one['expires_at'])} left" if one["state"] == "pending" else one["state"]
    duration = format_duration(one["seconds"])
    asked = clock_time(one["asked_at"])
    return one["id"], state, one["person"], one["target"], one["role"], duration, one["reason"], asked, decisions
