"""What the policy commands work on: the settings, the policy, and the catalogs of its targets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from config.load import load_policy, load_settings
from config.policy_file import Role
from config.problems import ConfigError, Problem, suggestion
from config.settings import Settings, Target
from gateway.cli.output import Exit, Stopped
from gateway.desk.catalog_file import CatalogFileError
from gateway.desk.catalog_file import read as read_saved
from gateway.desk.targets import TargetUnavailable, read_catalog
from gateway.policies import Policies, compile_policies
from masking.catalog import Catalog
from masking.policy import RolePolicy

Config = Annotated[Path, typer.Option("--config", "-c", envvar="PGCURFEW_CONFIG", help="The gateway's settings file.")]
PolicyPath = Annotated[
    Path | None, typer.Option("--policy", help="Another policy file than the settings name, before it is put in place.")
]
Saved = Annotated[
    list[Path] | None,
    typer.Option(
        "--catalog", help="A catalog saved by `policy snapshot`, instead of asking the database; repeat for more."
    ),
]


@dataclass
class Sources:
    """The policy, and where its targets' catalogs come from: saved files first, then the databases."""

    file: Path
    policies: Policies
    settings: Settings | None
    saved: dict[str, Catalog]
    _read: dict[str, Catalog] = field(default_factory=dict)

    def role(self, name: str) -> RolePolicy:
        """A role of the policy. Raises Stopped."""
        found = self.policies.role(name)
        if found is None:
            close = suggestion(name, self.policies.roles)
            hint = f"did you mean {close}?" if close else f"roles: {', '.join(self.policies.roles)}"
            raise Stopped(Exit.USAGE, f'the policy has no role "{name}"', hint)
        return found

    def catalog(self, target: str) -> Catalog:
        """A target's catalog. Raises Stopped."""
        if target in self.saved:
            return self.saved[target]
        if target not in self._read:
            try:
                self._read[target] = asyncio.run(read_catalog(target, self.target(target)))
            except TargetUnavailable as error:
                hint = "names can only be judged beside the database that has them; --catalog FILE takes a saved one"
                raise Stopped(Exit.UNREACHABLE, str(error), hint) from None
        return self._read[target]

    def target(self, name: str) -> Target:
        """What the settings say of a target. Raises Stopped."""
        if self.settings is None or name not in self.settings.targets:
            raise Stopped(Exit.USAGE, f'there is neither a saved catalog nor a target "{name}" in the settings')
        return self.settings.targets[name]

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target that some role names and that can be looked up, in the order of the settings."""
        named = {name for role in self.policies.file.roles.values() for name in role.targets}
        known = [*(self.settings.targets if self.settings else ()), *self.saved]
        return tuple(dict.fromkeys(name for name in known if name in named))

    def target_of(self, name: str, wanted: str | None) -> str:
        """The target that a role is judged on: the only one it has, or the one that was asked for. Raises Stopped."""
        role: Role = self.policies.file.roles[name]
        usable = [target for target in role.targets if target in self.targets]
        if wanted is None and len(usable) == 1:
            return usable[0]
        if wanted is None and not usable:
            raise Stopped(Exit.USAGE, f"no target of role {name} is known: {', '.join(role.targets)}")
        if wanted is None:
            raise Stopped(
                Exit.USAGE, f"role {name} has several targets", f"choose one with --target: {', '.join(usable)}"
            )
        if wanted not in usable:
            raise Stopped(Exit.USAGE, f'role {name} has no target "{wanted}"', f"targets: {', '.join(usable)}")
        return wanted

    def one_target(self, wanted: str | None) -> str:
        """The only target of the policy, or the one that was asked for. Raises Stopped."""
        known = self.targets
        if wanted is None and len(known) == 1:
            return known[0]
        if wanted is None and known:
            raise Stopped(Exit.USAGE, "there are several targets", f"choose one with --target: {', '.join(known)}")
        if wanted is None or wanted not in known:
            what = f'no role of the policy has a target "{wanted}"' if wanted else "no target of the policy is known"
            raise Stopped(Exit.USAGE, what, f"targets: {', '.join(known)}" if known else "")
        return wanted


def opened(config: Path, policy: Path | None, saved: list[Path] | None = None) -> Sources:
    """Read the files. With a policy and a saved catalog given, no settings need to be there. Raises Stopped."""
    settings, problems = settings_of(config, files=False)
    if settings is None and not (policy is not None and saved):
        raise unusable(problems)
    file = policy if policy is not None else settings.policy.file if settings is not None else Path("policy.toml")
    try:
        policies = compile_policies(load_policy(as_given(file)))
    except ConfigError as error:
        raise unusable(list(error.problems)) from None
    catalogs: dict[str, Catalog] = {}
    for path in saved or ():
        try:
            found = read_saved(path)
        except CatalogFileError as error:
            raise Stopped(Exit.USAGE, str(error)) from None
        if found.target in catalogs:
            raise Stopped(Exit.USAGE, f'two saved catalogs are of target "{found.target}"')
        catalogs[found.target] = found.catalog
    return Sources(file, policies, settings, catalogs)


def settings_of(config: Path, *, files: bool) -> tuple[Settings | None, list[Problem]]:
    """The settings where they are usable at all, and everything that is wrong with them."""
    try:
        return load_settings(as_given(config), files=files), []
    except ConfigError as error:
        problems = list(error.problems)
    if not files:
        return None, problems
    # A key that is not there must not keep the policy from being looked at.
    return settings_of(config, files=False)[0], problems


def as_given(path: Path) -> Path:
    """A path below the current directory is shown without it."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def in_use(policies: Policies, settings: Settings) -> Iterator[tuple[str, Target]]:
    """The targets that some role names."""
    named = {name for role in policies.file.roles.values() for name in role.targets}
    return ((name, target) for name, target in settings.targets.items() if name in named)


def unusable(problems: list[Problem]) -> Stopped:
    return Stopped(
        Exit.USAGE,
        "\n".join(str(problem) for problem in problems),
        "name the gateway's settings with --config FILE; `pgcurfew policy check` reports everything at once",
    )
