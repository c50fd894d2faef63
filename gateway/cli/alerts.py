"""alerts list, test: the policy's alert rules over the record, on the gateway's host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from config.durations import parse_duration
from config.load import load_policy
from config.problems import ConfigError
from gateway.alerts.history import would_have_fired
from gateway.audit import lines
from gateway.audit.facts import AlertFired
from gateway.audit.places import all_records
from gateway.audit.replay import read_events
from gateway.cli.output import Exit, Json, Stopped, clock_time, note, put_json, put_table
from gateway.cli.place import reading, settings_of

app = typer.Typer(help="Alert rules: what fired, and what would have.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", envvar="PGCURFEW_CONFIG", help="The gateway's settings file.")]
Since = Annotated[str, typer.Option("--since", help='How far back: "7d", "12h".')]
DEFAULT = Path("pgcurfew.toml")


@app.command("list")
def list_alerts(since: Since = "7d", config: Config = DEFAULT, as_json: Json = False) -> None:
    """Alerts that fired, the latest first."""
    directory = settings_of(config).record.directory
    start = _start(since)
    found: list[tuple[str, AlertFired]] = []
    with reading(directory):
        for path in (path for record in all_records(directory) for path in lines.logs(record / "control")):
            with lines.opened(path) as log:
                found += [
                    (event.time, event.fact)
                    for event in read_events(log)
                    if isinstance(event.fact, AlertFired) and datetime.fromisoformat(event.time) >= start
                ]
    found.sort(key=lambda one: one[0], reverse=True)
    if as_json:
        put_json([{"at": at, **{name: getattr(fact, name) for name in fact.__struct_fields__}} for at, fact in found])
        return
    put_table(
        ("when", "rule", "severity", "what", "session", "done"),
        [(clock_time(at), fact.rule, fact.severity, fact.text, fact.session, fact.action) for at, fact in found],
        nothing=f"no alert rule fired in {since}",
    )


@app.command("test")
def try_rule(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's name in the policy, [alerts.RULE].")],
    since: Since = "7d",
    policy: Annotated[Path | None, typer.Option("--policy", help="Take the rule from this policy file.")] = None,
    config: Config = DEFAULT,
    as_json: Json = False,
) -> None:
    """When a rule would have fired, by the record. Nothing is sent and nobody is locked."""
    settings = settings_of(config)
    place = policy or settings.policy.file
    try:
        rules = load_policy(place).alerts
    except ConfigError as error:
        problems = "; ".join(str(problem) for problem in error.problems)
        raise Stopped(Exit.USAGE, problems, "pgcurfew policy check says more") from None
    if rule not in rules:
        known = ", ".join(rules) or "none"
        raise Stopped(Exit.USAGE, f'there is no alert rule "{rule}" in {place}', f"its rules: {known}")
    if rules[rule].when == "record":
        raise Stopped(Exit.REFUSED, "what could not be recorded is not in the record", "try it with a full disk")
    start, end = _start(since), datetime.now(UTC)
    directory = settings.record.directory
    with reading(directory), Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:
        task = progress.add_task("reading the record", total=None)
        found = would_have_fired(
            directory,
            {rule: rules[rule]},
            since=start,
            until=end,
            read=lambda done, of: progress.update(task, completed=done, total=of),
        )
    if as_json:
        put_json(
            [
                {"at": at.isoformat(), "text": one.text, "person": one.person, "session": one.session}
                for at, one in found
            ]
        )
        return
    put_table(
        ("when", "what", "session"),
        [(clock_time(at.isoformat()), one.text, one.session) for at, one in found],
        nothing=f'"{rule}" would not have fired in {since}',
    )
    if found:
        people = {one.person for _, one in found if one.person}
        times = "once" if len(found) == 1 else f"{len(found)} times"
        note(f"{times}, for {len(people)} {'person' if len(people) == 1 else 'people'}")


def _start(since: str) -> datetime:
    try:
        return datetime.now(UTC) - timedelta(seconds=parse_duration(since))
    except (ValueError, OverflowError) as error:
        raise Stopped(Exit.USAGE, f'--since "{since}": {error}', "such as --since 7d") from None
