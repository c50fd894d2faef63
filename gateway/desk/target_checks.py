"""Is a target fit to be given access to: can it be reached, what can the gateway's login do there, is its clock ours,
and does the policy fit it?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime

from config.settings import Settings, Target
from gateway.channel import ChannelClosed
from gateway.desk.findings import Finding, ok, problem, warning
from gateway.desk.targets import TargetUnavailable, connected, read_catalog
from gateway.policies import Policies, check_against, check_targets
from gateway.session.reading import QuestionRefused, Reading
from protocol.errors import ProtocolViolation

#: How far two clocks may be apart.
SKEW_SECONDS = 5.0
_PATIENCE = 20.0
_CLOCK = "SELECT (pg_catalog.extract('epoch', pg_catalog.clock_timestamp()))::pg_catalog.text"
_POWERS = """
    SELECT r.rolsuper AS superuser, r.rolcreaterole AS createrole, r.rolreplication AS replication,
           r.rolbypassrls AS bypassrls, r.rolcreatedb AS createdb,
           ARRAY(SELECT g.rolname FROM pg_catalog.pg_roles g
                 WHERE g.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program',
                                     'pg_write_all_data', 'pg_read_all_data', 'pg_signal_backend')
                   AND pg_catalog.pg_has_role(r.oid, g.oid, 'MEMBER')) AS memberships,
           (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c
            WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')) AS owned
    FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER"""
#: What lets its holder out of the database, or past its rules.
_FAR = ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program", "pg_write_all_data")


def policy(policies: Policies, settings: Settings) -> Iterator[Finding]:
    """Does the policy give anything, to anybody, anywhere?"""
    roles = policies.file.roles
    for wrong in check_targets(policies, settings.targets):
        yield problem("policy", str(wrong), "correct the name, or add the target to the settings")
    giving = [name for name, role in roles.items() if role.relations]
    if not giving:
        yield problem(
            "policy",
            "no role can see any relation: whoever connects finds an empty database",
            "propose some: pgcurfew policy scan --role ROLE --write",
        )
        return
    for name, role in roles.items():
        if not role.relations:
            yield warning("policy", f"the role {name} lists no relation", f"pgcurfew policy scan --role {name}")
    yield ok("policy", f"{len(giving)} roles give access to something")


async def target(name: str, where: Target, policies: Policies, clock: Callable[[], datetime]) -> list[Finding]:
    """Everything about one target."""
    about = f"target {name}"
    try:
        found = await _asked(about, name, where, clock)
        catalog = await read_catalog(name, where)
    except TargetUnavailable as error:
        return [problem(about, str(error), f"check [targets.{name}]: host, port, login, password, sslrootcert")]
    except (TimeoutError, OSError, QuestionRefused, ChannelClosed, ProtocolViolation) as error:
        return [
            problem(about, f"could not be asked: {error or type(error).__name__}", "try again; see the server's log")
        ]
    for wrong in check_against(policies, catalog, name):
        found.append(problem(about, str(wrong), '"pgcurfew policy check" shows all of them'))
    return found


async def _asked(about: str, name: str, where: Target, clock: Callable[[], datetime]) -> list[Finding]:
    async with asyncio.timeout(_PATIENCE), connected(name, where) as channel:
        reading = Reading(channel)
        found = [ok(about, f'can be reached and lets "{where.user}" in')]
        before = clock().timestamp()
        theirs = float(await reading.fetchval(_CLOCK) or 0)
        after = clock().timestamp()
        found += _clock(about, theirs, before, after)
        [powers] = await reading.fetch(_POWERS)
        return [*found, *_powers(about, where.user, powers)]


def _clock(about: str, theirs: float, before: float, after: float) -> Iterator[Finding]:
    apart = max(before - theirs, theirs - after, 0.0)
    if apart > SKEW_SECONDS:
        ahead = "behind" if theirs < before else "ahead of"
        yield problem(
            about,
            f"its clock is {apart:.0f} s {ahead} this host's: times in the record would not fit those of its log",
            'have both hosts follow one time source: see "timedatectl" or "chronyc tracking"',
        )


def _powers(about: str, user: str, powers: dict[str, object]) -> Iterator[Finding]:
    hint = f'take it away, and give "{user}" the rights on the relations of the policy and no others: docs/targets.md'
    if powers["superuser"]:
        yield problem(about, f'the gateway logs in as "{user}", a superuser: a mistake has no limits', hint)
        return
    memberships = powers["memberships"]
    assert isinstance(memberships, list)
    far = [name for name in memberships if name in _FAR]
    attributes = [word for word in ("createrole", "replication", "bypassrls", "createdb") if powers[word]]
    for word in [*attributes, *far]:
        yield problem(about, f'the login "{user}" has {word}, which no session needs', hint)
    for word in set(memberships) - set(far):
        yield warning(about, f'the login "{user}" is a member of {word}', hint)
    if powers["owned"]:
        yield warning(about, f'the login "{user}" owns {powers["owned"]} relations, and can change what they are', hint)
