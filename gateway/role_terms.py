"""On which terms a role is given, from the policy file and from who owns its targets."""

from __future__ import annotations

from collections.abc import Mapping

from config.policy_access import DAYS, AutoApprove, minutes, split
from config.policy_access import BreakGlass as WrittenGlass
from config.policy_file import EVERY, Role
from gateway.access.extent import UNCLASSIFIED, ColumnShown, RelationShown
from gateway.access.models import RoleTerms, TokenTerms
from gateway.access.terms import AutoApproval, BreakGlass, Circle, Hours
from masking.policy import CLEAR, Mask

#: Seconds: where the file says nothing.
A_DAY = 86_400


def terms_of(
    name: str, role: Role, classification: Mapping[str, Mapping[str, Mask]], owners: Mapping[str, tuple[str, ...]]
) -> RoleTerms:
    """What those who ask and those who decide need to know of the role."""
    requester_groups, requester_people = split(role.requesters)
    approver_groups, approver_people = split(role.approvers)
    everybody = EVERY in role.requesters
    glass = role.break_glass
    return RoleTerms(
        role=name,
        targets=frozenset(role.targets),
        max_seconds=role.max_duration,
        approver_groups=approver_groups,
        requester_groups=frozenset() if everybody else requester_groups,
        approvals=role.approvals,
        sessions=role.sessions,
        reason_min_length=role.reason.min_length,
        reason_pattern=role.reason.pattern,
        reason_choices=role.reason.choices,
        requester_people=frozenset() if everybody else requester_people,
        approver_people=approver_people,
        owner_approves=role.owner_approves,
        owners={target: Circle(*split(whom)) for target, whom in owners.items() if target in role.targets},
        distinct_groups=role.distinct_groups,
        pending_seconds=role.answer_within or A_DAY,
        lapse_seconds=role.lapse_after or A_DAY,
        auto=tuple(_auto(rule, auto) for rule, auto in role.auto_approve.items()),
        break_glass=None if glass is None else _in_emergencies(glass),
        statements=tuple(role.statements),
        shown=_shown(role, classification),
        token=TokenTerms(
            single_use=role.token.single_use,
            networks=role.token.network,
            certificate=role.token.certificate == "required",
            max_seconds=role.token.max,
        ),
    )


def _in_emergencies(glass: WrittenGlass) -> BreakGlass:
    return BreakGlass(Circle(*split(glass.people)), glass.max_duration, glass.review_within or A_DAY)


def _auto(name: str, auto: AutoApprove) -> AutoApproval:
    hours = None
    if auto.hours is not None or set(auto.days) != set(DAYS):
        start, end = minutes(auto.hours or "00:00-24:00")
        hours = Hours(frozenset(map(DAYS.index, auto.days)), start, end, auto.zone)
    return AutoApproval(name, Circle(*split(auto.requesters)), auto.max_duration, hours, frozenset(auto.targets))


def _shown(role: Role, classification: Mapping[str, Mapping[str, Mask]]) -> tuple[RelationShown, ...]:
    """What the role sees of each relation, as far as the file can tell."""
    return tuple(
        RelationShown(name, _columns_shown(name, rule.read, role, classification.get(name, {})), tuple(rule.write))
        for name, rule in sorted(role.relations.items())
    )


def _columns_shown(
    relation: str, read: tuple[str, ...], role: Role, masks: Mapping[str, Mask]
) -> tuple[ColumnShown, ...]:
    if not read:
        return ()
    revealed = {column.removeprefix(f"{relation}.") for column in role.reveal if column.startswith(f"{relation}.")}
    named = list(dict.fromkeys([*masks, *sorted(revealed)])) if EVERY in read else list(read)
    names = [*(name for name in named if name != EVERY), *([EVERY] if EVERY in read else [])]
    default = masks.get(EVERY)

    def shown(name: str) -> str:
        mask = CLEAR if name in revealed else masks.get(name, default)
        return UNCLASSIFIED if mask is None else mask.kind.value

    return tuple(ColumnShown(name, shown(name)) for name in names)
