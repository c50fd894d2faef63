"""break-glass, emergencies, review."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.ask import Reason, Role, Target, must_have_reason
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, clock_time, left, put_json, put_table, tell
from gateway.cli.wishes import Relations, parts_of, seconds_of

app = typer.Typer()


@app.command("break-glass")
def break_glass(
    target: Target,
    role: Role,
    reason: Reason = "",
    duration: Annotated[str | None, typer.Option("--for", help="For less time than emergencies give.")] = None,
    relation: Relations = [],  # noqa: B006 -- typer copies it
    as_json: Json = False,
) -> None:
    """In an emergency: access at once, without an approval. Everybody who is to know is told, and somebody else has
    to review it in writing; without that you are locked out."""
    must_have_reason(reason)
    body: dict[str, object] = {"target": target, "role": role, "reason": reason}
    if duration is not None:
        body["seconds"] = seconds_of(duration)
    if parts := parts_of(relation):
        body["relations"] = parts
    with Client.signed_in() as client:
        given = client.post("break-glass", body=body)
        grant = client.get("grants", given["grant"])
    if as_json:
        put_json(grant)
        return
    tell(f"the glass is broken: {grant['role']} on {grant['target']} until {clock_time(grant['ends_at'])}")
    tell(f'somebody else has to review it: pgcurfew review {grant["id"]} --text "…"')


@app.command()
def emergencies(as_json: Json = False) -> None:
    """Emergencies that wait for a review."""
    with Client.signed_in() as client:
        found = client.get("emergencies")["emergencies"]
    if as_json:
        put_json(found)
        return
    rows = [(one["grant"], one["person"], left(one["due_at"])) for one in found]
    put_table(("grant", "who", "to be reviewed within"), rows, nothing="no emergency waits for a review")


@app.command()
def review(
    grant_id: Annotated[str, typer.Argument(metavar="GRANT", help="A grant that was taken in an emergency, grant_…")],
    text: Annotated[
        str, typer.Option("--text", help="What was done, whether it was needed, and what follows from it.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Review somebody's emergency, in writing; "pgcurfew sessions" and "replay" show what was done."""
    if not text.strip():
        raise Stopped(Exit.USAGE, "a review is written", 'say it with --text "…"; it is kept with the grant', "text")
    with Client.signed_in() as client:
        done = client.post("grants", grant_id, "review", body={"text": text})
    if as_json:
        put_json(done)
        return
    tell(f"reviewed: {done['grant']} of {done['person']}")
