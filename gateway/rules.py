"""What is in force: the settings and the policy that goes with them, and what of them a reload can change.

A gateway has one `Rules` at a time. Another one is made whole and checked before it takes the
place of the first; what cannot change while the gateway runs keeps its old value.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.load import load_policy
from config.problems import ConfigError
from config.settings import Section, Settings, Target
from gateway.policies import Policies, check_alerts, check_certificates, check_owners, check_targets, compile_policies

#: Sections of which nothing changes while the gateway runs: ports, files that are open, keys that are stated there.
FIXED_SECTIONS = ("gateway", "api", "oidc", "metrics", "store", "record")
#: What cannot change of a target. Its hosts may: a snapshot knows which cluster it is of.
FIXED_OF_TARGETS = frozenset({"database", "user", "search_path", "catalog_refresh_seconds"})


@dataclass(frozen=True)
class Rules:
    """Settings and policy of one moment."""

    settings: Settings
    policies: Policies

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """The rules of these settings, with the policy file read now. Raises ConfigError with all problems."""
        owners = {name: target.owner for name, target in settings.targets.items()}
        policies = compile_policies(load_policy(settings.policy.file), _ceilings(settings), owners)
        problems = (
            *check_targets(policies, settings.targets),
            *check_owners(policies, owners),
            *check_alerts(policies, settings.targets, settings.notices.sinks),
            *check_certificates(policies, asked_for=settings.tls.asked_for != "off"),
        )
        if problems:
            raise ConfigError(problems)
        return cls(settings, policies)


@dataclass(frozen=True, slots=True)
class Difference:
    """What another settings file says, by the names of its keys."""

    #: The settings to go on with.
    settings: Settings
    changed: tuple[str, ...]
    #: These were changed too, and wait for the next start.
    needs_restart: tuple[str, ...]


def difference(now: Settings, read: Settings) -> Difference:
    """What a reload of `read` changes, and what it cannot."""
    changed: list[str] = []
    fixed: list[str] = []
    kept: dict[str, object] = {}
    for section in Settings.model_fields:
        before, after = getattr(now, section), getattr(read, section)
        if section == "targets":
            continue
        names = _differing(section, before, after)
        if section in FIXED_SECTIONS:
            fixed += names
            kept[section] = before
        else:
            changed += names
    targets: dict[str, Target] = {}
    for name, before in now.targets.items():
        after = read.targets.get(name)
        if after is None:
            fixed.append(f"targets.{name}")
            targets[name] = before
            continue
        names = _differing(f"targets.{name}", before, after)
        stay = [one for one in names if one.rpartition(".")[2] in FIXED_OF_TARGETS]
        fixed += stay
        changed += [one for one in names if one not in stay]
        targets[name] = after.model_copy(update={field: getattr(before, field) for field in FIXED_OF_TARGETS})
    fixed += [f"targets.{name}" for name in read.targets if name not in now.targets]
    merged = read.model_copy(update={**kept, "targets": targets})
    return Difference(merged, tuple(changed), tuple(fixed))


def _differing(section: str, before: Section, after: Section) -> list[str]:
    return [
        f"{section}.{field}" for field in type(before).model_fields if getattr(before, field) != getattr(after, field)
    ]


def _ceilings(settings: Settings) -> dict[str, int]:
    """The timeouts that the settings impose, in milliseconds."""
    limits = settings.limits
    imposed = {
        "statement_timeout": limits.statement_timeout_seconds,
        "idle_in_transaction_session_timeout": limits.idle_in_transaction_seconds,
    }
    return {name: seconds * 1000 for name, seconds in imposed.items() if seconds}
