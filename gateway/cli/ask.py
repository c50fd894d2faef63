"""targets, request, edit, requests, cancel."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from config.durations import format_duration
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, clock_time, left, put_json, put_table, tell
from gateway.cli.wishes import At, Relations, moment_of, parts_of, said_wish, seconds_of

app = typer.Typer()

RequestId = Annotated[str, typer.Argument(metavar="REQUEST", help="A request's id, req_…")]
Target = Annotated[str, typer.Option("--target", "-t", help="The database to work on.")]
Role = Annotated[str, typer.Option("--role", "-r", help="What you want to be able to do there.")]
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
    target: Target,
    role: Role,
    duration: Annotated[str, typer.Option("--for", help='How long, such as "30m" or "2h".')] = "",
    reason: Reason = "",
    at: At = None,
    relation: Relations = [],  # noqa: B006 -- typer copies it
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would show you, and send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send it without asking whether to.")] = False,
    as_json: Json = False,
) -> None:
    """Ask for access, for a time, with a reason. Shows what will be visible and what masked before it is sent."""
    parts = parts_of(relation)
    if not dry_run and not duration:
        raise Stopped(Exit.USAGE, "for how long is not said", "such as --for 30m", "duration")
    with Client.signed_in() as client:
        if dry_run or not as_json:
            shown = preview(client, target, role, parts)
            if as_json:
                put_json(shown)
                return
            put_preview(shown)
        if dry_run:
            return
        if not as_json and not yes and sys.stdin.isatty():
            must_have_reason(reason)
            typer.confirm("send it?", default=True, abort=True)
        asked = ask(client, target=target, role=role, duration=duration, reason=reason, at=at, parts=parts)
    if as_json:
        put_json(asked)
        return
    _tell_asked(asked)


@app.command()
def edit(
    request_id: RequestId,
    duration: Annotated[str | None, typer.Option("--for", help="For how long instead.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", "-m", help="Why instead.")] = None,
    at: At = None,
    relation: Relations = [],  # noqa: B006 -- typer copies it
    as_json: Json = False,
) -> None:
    """Change a request of your own that waits. What was approved before counts no more."""
    body: dict[str, object] = {}
    if duration is not None:
        body["seconds"] = seconds_of(duration)
    if reason is not None:
        must_have_reason(reason)
        body["reason"] = reason
    if at is not None:
        body["starts_at"] = moment_of(at, datetime.now(UTC))
    if parts := parts_of(relation):
        body["relations"] = parts
    if not body:
        raise Stopped(Exit.USAGE, "nothing is to be changed", 'say what, such as --for 1h or --reason "…"')
    with Client.signed_in() as client:
        edited = client.post("requests", request_id.partition(".")[0], "edit", body=body)
    if as_json:
        put_json(edited)
        return
    tell(f"edited: {edited['reference']}; earlier approvals count no more")
    _tell_asked(edited)


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
def cancel(request_id: RequestId, as_json: Json = False) -> None:
    """Withdraw a request of your own."""
    with Client.signed_in() as client:
        after = client.post("requests", request_id.partition(".")[0], "cancel")
    if as_json:
        put_json(after)
        return
    tell(f"cancelled: {after['id']}")


def ask(
    client: Client,
    *,
    target: str,
    role: str,
    duration: str,
    reason: str,
    at: str | None = None,
    parts: dict[str, list[str]] | None = None,
) -> Any:
    """Send a request; the API's answer. Raises Stopped."""
    must_have_reason(reason)
    body: dict[str, object] = {"target": target, "role": role, "reason": reason, "seconds": seconds_of(duration)}
    if at is not None:
        body["starts_at"] = moment_of(at, datetime.now(UTC))
    if parts:
        body["relations"] = parts
    return client.post("requests", body=body)


def preview(client: Client, target: str, role: str, parts: dict[str, list[str]] | None) -> Any:
    """What the role would show; the API's answer. Raises Stopped."""
    body: dict[str, object] = {"target": target, "role": role}
    return client.post("preview", body=body | ({"relations": parts} if parts else {}))


def must_have_reason(reason: str) -> None:
    """Refuse an empty reason before anybody is asked. Raises Stopped."""
    if not reason.strip():
        hint = 'say it with --reason "…"; it is kept with everything that follows'
        raise Stopped(Exit.USAGE, "a reason is mandatory", hint, "reason")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    decisions = ", ".join(f"{decision['by']}: {decision['vote']}" for decision in one["decisions"])
    state = f"{one['state']}, {left(one['expires_at'])} left" if one["state"] == "pending" else one["state"]
    duration = said_wish(one)
    asked = clock_time(one["asked_at"])
    return one["reference"], state, one["person"], one["target"], one["role"], duration, one["reason"], asked, decisions


def _tell_asked(asked: dict[str, Any]) -> None:
    tell(f"asked: {asked['reference']}")
    tell(f"{asked['role']} on {asked['target']} for {said_wish(asked)}: {asked['reason']}")
    if asked["grant"]:
        tell(f"approved at once by the policy's own conditions: grant {asked['grant']}")
        return
    tell(f"a reviewer can now run: pgcurfew approve {asked['reference']}")


def put_preview(shown: dict[str, Any]) -> None:
    """What will be visible and what masked, as a table."""
    tell(f"{shown['role']} on {shown['target']}: {', '.join(shown['statements'])}")
    rows = [
        (
            one["relation"],
            ", ".join(_named(one["read"], "clear")) or "-",
            ", ".join(f"{_name(column)} ({column['shown']})" for column in one["read"] if _is_masked(column)) or "-",
            ", ".join(_named(one["read"], *_NOTHING)) or "-",
            ", ".join("all" if name == "*" else name for name in one["write"]) or "-",
        )
        for one in shown["relations"]
    ]
    put_table(("relation", "visible", "masked", "reads as NULL", "may be written"), rows, nothing="nothing at all")


#: What shows nothing of a value.
_NOTHING = ("null", "unclassified")


def _named(columns: list[dict[str, str]], *shown: str) -> list[str]:
    return [_name(column) for column in columns if column["shown"] in shown]


def _is_masked(column: dict[str, str]) -> bool:
    return column["shown"] not in ("clear", *_NOTHING)


def _name(column: dict[str, str]) -> str:
    return "the rest" if column["name"] == "*" else column["name"]
