"""`pgcurfew doctor`: what is wrong with an installation, and what to do about it.

On the gateway's host it looks at everything that the settings name; elsewhere at what a client needs.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated

import httpx
import typer

from config.load import load_policy
from config.problems import ConfigError
from config.settings import Settings, is_loopback
from gateway.cli.client import trusted
from gateway.cli.output import Exit, Json, Stopped, put_json, tell
from gateway.cli.policy import log_to_stderr
from gateway.cli.policy_sources import in_use, settings_of
from gateway.cli.profile import last_profile
from gateway.desk import host_checks, target_checks
from gateway.desk.findings import Finding, ok, problem, warning
from gateway.policies import Policies, compile_policies

_MARKS = {"ok": "ok      ", "warning": "warning ", "problem": "PROBLEM "}


def doctor(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", envvar="PGCURFEW_CONFIG", help="The gateway's settings file, on its host."),
    ] = None,
    api: Annotated[str, typer.Option("--api", help="Look at what a client of this gateway needs.")] = "",
    ca: Annotated[Path | None, typer.Option("--ca", help="PEM file with the authority of its certificate.")] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong, and what to do.

    With settings (--config, or pgcurfew.toml here) it looks at the gateway's host: settings and secrets, certificate,
    ports, store, record, policy, and every target. Otherwise at this machine as a client: psql, and whether the
    gateway's API can be reached. Nothing is changed. Exit codes: 0 nothing is wrong (warnings aside), 1 something is.
    """
    log_to_stderr()
    file = config or (Path("pgcurfew.toml") if Path("pgcurfew.toml").exists() and not api else None)
    found = list(_here() if file is None else _host(file))
    if file is None:
        found += _client(api, ca)
    if as_json:
        put_json({"findings": [asdict(finding) for finding in found], "problems": _problems(found)})
    else:
        for finding in found:
            tell(f"{_MARKS[finding.level]} {finding.about}: {finding.message}")
            if finding.hint:
                tell(f"          → {finding.hint}")
        count = _problems(found)
        tell("nothing is wrong" if not count else f"{count} problem{'s' * (count != 1)}")
    if _problems(found):
        raise typer.Exit(int(Exit.REFUSED))


def _problems(found: list[Finding]) -> int:
    return sum(finding.level == "problem" for finding in found)


def utc_now() -> datetime:
    return datetime.now(UTC)


def _host(file: Path) -> Iterator[Finding]:
    settings, problems = settings_of(file, files=True)
    for wrong in problems:
        yield problem("settings", str(wrong), "correct the line; docs/examples/pgcurfew.toml shows every setting")
    if settings is None:
        return
    if not problems:
        yield ok("settings", f"{file} can be used")
    yield from host_checks.certificate(settings, utc_now())
    yield from host_checks.keys(settings)
    yield from host_checks.ports(settings)
    yield from asyncio.run(host_checks.store(settings))
    yield from host_checks.record(settings)
    policies = None
    try:
        policies = compile_policies(load_policy(settings.policy.file))
    except ConfigError as error:
        for wrong in error.problems:
            yield problem("policy", str(wrong), "correct the line; docs/examples/policy.toml shows every key")
    if policies is not None:
        yield from target_checks.policy(policies, settings)
        yield from asyncio.run(_targets(settings, policies))


async def _targets(settings: Settings, policies: Policies) -> list[Finding]:
    used = dict(in_use(policies, settings))
    found = [
        warning(f"target {name}", "no role names it", "give it to a role, or take it out")
        for name in settings.targets
        if name not in used
    ]
    for name, where in used.items():
        found += await target_checks.target(name, where, policies, utc_now)
    return found


def _here() -> Iterator[Finding]:
    psql = shutil.which("psql")
    if psql is None:
        yield warning(
            "psql", "there is no psql on this machine", "install PostgreSQL's client, or use another (docs/clients.md)"
        )
    else:
        yield ok("psql", psql)


def _client(api: str, ca: Path | None) -> Iterator[Finding]:
    """Whether the API can be reached, and whether its clock is ours."""
    last = last_profile()
    address = api or (last.api if last else "")
    authority = str(ca) if ca else (last.ca if last and not api else None)
    if not address:
        yield problem(
            "api", "nobody has signed in here, and no address was given", "pgcurfew doctor --api https://…, or login"
        )
        return
    try:
        loopback = is_loopback(httpx.URL(address).host)
        answer = httpx.get(f"{address}/v1/sign-in", verify=trusted(authority), timeout=10, trust_env=not loopback)
    except Stopped as stopped:
        yield problem("api", stopped.message, stopped.hint)
        return
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        hint = "check address and firewall"
        if "certificate" in str(error).lower():
            hint = "name the authority of its certificate: --ca FILE; and the host as the certificate has it"
        yield problem("api", f"{address} cannot be reached: {error or type(error).__name__}", hint)
        return
    yield ok("api", f"{address} answers")
    said = answer.headers.get("date")
    if said:
        apart = (utc_now() - parsedate_to_datetime(said)).total_seconds()
        if abs(apart) > target_checks.SKEW_SECONDS:
            yield problem(
                "clock",
                f"this machine's clock is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the gateway's",
                'have it follow a time source: see "timedatectl"',
            )
