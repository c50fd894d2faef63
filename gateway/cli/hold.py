"""grants, extend, done, revoke."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.ask import Reason, must_have_reason
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, clock_time, left, put_json, put_table, tell
from gateway.cli.wishes import said_parts, said_wish, seconds_of

app = typer.Typer()


@app.command()
def grants(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    target: Annotated[str | None, typer.Option("--target", "-t", help="Only for this target.")] = None,
    as_json: Json = False,
) -> None:
    """Grants that you hold or may see."""
    with Client.signed_in() as client:
        found = client.get("grants", all="true" if everything else "false", target=target)
    if as_json:
        put_json(found["grants"])
        return
    put_table(
        ("grant", "state", "who", "target", "role", "ends", "reason", "approved by"),
        [_row(one) for one in found["grants"]],
        nothing="no grants" if everything else "no active grants",
    )


@app.command()
def extend(
    grant_id: Annotated[str, typer.Argument(metavar="GRANT", help="A grant's id, grant_…")],
    duration: Annotated[str, typer.Option("--for", help='How much longer, such as "30m".')],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Ask for more time for a grant of yours. It needs a new approval, and open sessions then go on."""
    must_have_reason(reason)
    with Client.signed_in() as client:
        asked = client.post("grants", grant_id, "extend", body={"seconds": seconds_of(duration), "reason": reason})
    if as_json:
        put_json(asked)
        return
    tell(f"asked: {asked['id']}, to extend {grant_id} by {said_wish(asked)}")
    tell(f"a reviewer can now run: pgcurfew approve {asked['reference']}")


@app.command()
def done(
    grant_id: Annotated[
        str | None, typer.Argument(metavar="[GRANT]", help="Needed when you hold several active grants.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", "-m", help="A word on it, if you like.")] = "",
    as_json: Json = False,
) -> None:
    """Hand a grant of yours back before its end; its sessions are cut off within a second."""
    with Client.signed_in() as client:
        chosen = grant_id or only_grant(client)["id"]
        after = client.post("grants", chosen, "done", body={"reason": reason})
    if as_json:
        put_json(after)
        return
    tell(f"done: {after['id']}")


@app.command()
def revoke(
    grant_id: Annotated[str, typer.Argument(metavar="GRANT", help="A grant's id, grant_…")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """End a grant now; its sessions are cut off within a second."""
    must_have_reason(reason)
    with Client.signed_in() as client:
        after = client.post("grants", grant_id, "revoke", body={"reason": reason})
    if as_json:
        put_json(after)
        return
    tell(f"revoked: {after['id']} of {after['person']}")


def own_grants(client: Client, target: str | None = None) -> list[dict[str, Any]]:
    """The active grants of whoever is signed in."""
    found = client.get("grants", target=target, limit=1000)["grants"]
    return [one for one in found if one["person"] == client.profile.name and one["state"] == "active"]


def only_grant(client: Client) -> dict[str, Any]:
    """The one active grant of whoever is signed in. Raises Stopped."""
    match own_grants(client):
        case [one]:
            return one
        case []:
            hint = 'ask with: pgcurfew request --target … --role … --for 30m --reason "…"'
            raise Stopped(Exit.REFUSED, "you hold no active grant", hint, "no-grant")
        case several:
            listed = ", ".join(f"{one['id']} ({one['role']} on {one['target']})" for one in several)
            raise Stopped(Exit.USAGE, f"you hold several active grants: {listed}", "name one: pgcurfew token GRANT")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    state = f"{one['state']}, {left(one['ends_at'])} left" if one["state"] == "active" else one["state"]
    if one["state"] == "scheduled":
        state = f"begins {clock_time(one['starts_at'])}"
    if one["revoked_by"]:
        state = f"revoked by {one['revoked_by']}: {one['revoked_reason']}"
    parts = said_parts(one["relations"])
    role = f"{one['role']}: {parts}" if parts else one["role"]
    ends, approvers = clock_time(one["ends_at"]), ", ".join(one["approvers"])
    return one["id"], state, one["person"], one["target"], role, ends, one["reason"], approvers
