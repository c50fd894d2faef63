"""notices list, retry, test: what was sent to whom, and whether it arrived."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gateway.cli.client import Client
from gateway.cli.output import Json, clock_time, put_json, put_table, tell

app = typer.Typer(help="Notices: what was sent where, and whether it arrived.", no_args_is_help=True)


@app.command("list")
def list_notices(
    undelivered: Annotated[bool, typer.Option("--undelivered", help="Only those that wait or were given up.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """The latest notices, and how they stand. For administrators."""
    with Client.signed_in() as client:
        found = client.get("notices", undelivered="true" if undelivered else "false", limit=limit)["notices"]
    if as_json:
        put_json(found)
        return
    put_table(
        ("notice", "since", "sink", "state", "tries", "what", "error"),
        [_row(one) for one in found],
        nothing="no notices" if not undelivered else "everything was delivered",
    )


@app.command()
def retry(
    notice: Annotated[str, typer.Argument(metavar="NOTICE", help="A notice that was given up, dlv_…")],
    as_json: Json = False,
) -> None:
    """Try again to deliver a notice that was given up."""
    with Client.signed_in() as client:
        after = client.post("notices", notice, "retry")
    if as_json:
        put_json(after)
        return
    tell(f"{notice} is tried again")


@app.command("test")
def try_sink(
    sink: Annotated[str, typer.Argument(metavar="SINK", help="A sink of the settings, such as webhook.oncall.")],
    as_json: Json = False,
) -> None:
    """Send a notice to a sink that only says that it arrives."""
    with Client.signed_in() as client:
        after = client.post("notices", "test", body={"sink": sink})
    if as_json:
        put_json(after)
        return
    tell(f"on its way to {sink}; pgcurfew notices list says whether it arrived")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    since = clock_time(one["created_at"])
    return one["id"], since, one["sink"], one["state"], str(one["tries"]), one["title"], one["error"]
