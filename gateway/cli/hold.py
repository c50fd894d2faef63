"""grants, revoke."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.ask import Reason, must_have_reason
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, clock_time, left, put_json, put_table, tell

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
    return [one for one in found if one["person"] == client.profile.name]


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
    if one["revoked_by"]:
        state = f"revoked by {one['revoked_by']}: {one['revoked_reason']}"
    ends, approvers = clock_time(one["ends_at"]), ", ".join(one["approvers"])
    return one["id"], state, one["person"], one["target"], one["role"], ends, one["reason"], approvers
