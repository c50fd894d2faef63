"""EXPLAIN: a plan tells more than the rows do, so it is asked for without what the role may not know.

    EXPLAIN (ANALYZE, BUFFERS) SELECT email FROM customers
    EXPLAIN (ANALYZE, COSTS off, BUFFERS off) SELECT email FROM (SELECT id, <mask>(email) AS email …) customers

Estimates come from the statistics of the raw columns (how long, how many distinct, how frequent). Filter
lines quote what views, row security policies and functions of users were defined with, literals included.
What ANALYZE counts below a view or a policy are rows that nobody was shown (PG manual 14.1, EXPLAIN).
"""

from __future__ import annotations

from dataclasses import dataclass

from masking.analyse import Analysis
from masking.nodes import message_children, strings, words
from masking.parse import Message, pg
from masking.refusal import Forbidden, by_policy
from masking.rules import WRITE_KINDS
from masking.sight import Seen, Sight

OPTIONS = words(
    """
    analyze verbose costs buffers wal timing summary format generic_plan memory serialize settings
    """
)

#: What counts bytes or estimates; off by default, except where it is written out.
_NUMBERS = ("costs", "buffers", "wal", "memory")

_OFF = words("off false no 0")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plan could tell beyond what the role is shown."""

    #: Estimates and sizes come from values that are masked, or from rows that are hidden.
    measures: bool = False
    #: Filters quote literals of a definition.
    quotes: bool = False
    #: Rows are counted that the role is not shown.
    counts_hidden: bool = False

    def __or__(self, other: Plan) -> Plan:
        return Plan(
            self.measures or other.measures,
            self.quotes or other.quotes,
            self.counts_hidden or other.counts_hidden,
        )


def runs(node: Message) -> bool:
    """Does this EXPLAIN run what it explains?"""
    return any(
        option.def_elem.defname.lower() == "analyze" and _is_on(option.def_elem) for option in node.explain_stmt.options
    )


def judge_options(analysis: Analysis, node: Message) -> None:
    """To be called when what EXPLAIN carries has been judged: refuses it, or edits its options."""
    message = node.explain_stmt
    options = {option.def_elem.defname.lower() for option in message.options if _is_on(option.def_elem)}
    plan = _plan(analysis, message.query)
    shown = analysis.policy.definitions == "full"
    if plan.quotes and not shown:
        raise _hides_definitions("of a view, a policy or a function whose text is hidden")
    if "verbose" in options and not shown and _may_insert(analysis, message.query):
        raise by_policy(
            "definitions-hidden",
            "EXPLAIN VERBOSE of a write is not permitted",
            "It prints the defaults of columns, whose literals are hidden; leave VERBOSE out.",
        )
    if plan.counts_hidden and "analyze" in options:
        raise by_policy(
            "plan-counts-hidden-rows",
            "EXPLAIN ANALYZE of this statement is not permitted",
            "It would count rows that a view or a policy hides; leave ANALYZE out.",
        )
    if plan.measures:
        _without_numbers(message, analyze="analyze" in options)
        analysis.masked = True


def _without_numbers(message: Message, *, analyze: bool) -> None:
    kept = [option for option in message.options if option.def_elem.defname.lower() not in _NUMBERS]
    copies = [pg.Node() for _ in kept]
    for copy, option in zip(copies, kept, strict=True):
        copy.CopyFrom(option)
    del message.options[:]
    message.options.extend(copies)
    # Since PostgreSQL 18, ANALYZE shows buffers unless it is told not to.
    message.options.extend(_off(name) for name in (("costs", "buffers") if analyze else ("costs",)))


def _off(name: str) -> Message:
    value = pg.Node(string=pg.String(sval="off"))
    return pg.Node(def_elem=pg.DefElem(defname=name, arg=value, defaction=pg.DEFELEM_UNSPEC))


def _is_on(option: Message) -> bool:
    """Is an option switched on, as far as anyone could say?"""
    if not option.HasField("arg"):
        return True
    if option.arg.HasField("integer"):
        return bool(option.arg.integer.ival)
    return " ".join(strings((option.arg,))).lower() not in _OFF


def _plan(analysis: Analysis, query: Message) -> Plan:
    sight = analysis.sight
    if query.HasField("execute_stmt"):
        # What it runs is not looked up here: all that the role could have prepared counts.
        found = Plan()
        for seen in sight.all_seen():
            if not seen.system:
                found |= _of_relation(sight, seen)
        return Plan(True, found.quotes, found.counts_hidden)
    found = Plan(quotes=_runs_code_of_users(analysis, query))
    for touch in analysis.touched.values():
        found |= _of_relation(sight, touch.seen)
    return found


def _of_relation(sight: Sight, seen: Seen) -> Plan:
    """What a plan over one relation could tell, and over all that it is a view of."""
    if seen.own:
        return Plan()
    if seen.system:
        return Plan(measures=seen.condition is not None, counts_hidden=seen.condition is not None)
    plan = Plan(measures=seen.protected, quotes=seen.relation.quotes, counts_hidden=seen.relation.hides_rows)
    todo, met = list(seen.relation.below), {seen.relation.oid}
    while todo:
        oid = todo.pop()
        if oid in met:
            continue
        met.add(oid)
        relation = sight.catalog.relation_by_oid.get(oid)
        below = None if relation is None else sight.see(relation)
        if relation is None or below is None or below.protected:
            plan |= Plan(measures=True, counts_hidden=True)
        if relation is not None:
            plan |= Plan(quotes=relation.quotes, counts_hidden=relation.hides_rows)
            todo += relation.below
    return Plan(plan.measures or plan.counts_hidden, plan.quotes, plan.counts_hidden)


def _runs_code_of_users(analysis: Analysis, query: Message) -> bool:
    """Does it call functions in SQL, which are put into the plan, or ones with defaults, which are printed?"""
    calls = analysis.calls
    todo = [query]
    while todo:
        message = todo.pop()
        match message.DESCRIPTOR.name:
            case "FuncCall" if calls.may_be_inlined(strings(message.funcname)):
                return True
            case "A_Expr" if calls.is_of_users(strings(message.name)):
                return True
            case "TypeName" if calls.casts_with_code_of_users(strings(message.names)):
                return True
        todo.extend(message_children(message))
    return False


def _may_insert(analysis: Analysis, query: Message) -> bool:
    """Could a plan of this compute defaults? What EXECUTE runs is not looked up: what the role may run counts."""
    if query.HasField("execute_stmt"):
        return bool(analysis.policy.statements & WRITE_KINDS)
    return analysis.writes


def _hides_definitions(what: str) -> Forbidden:
    return by_policy(
        "definitions-hidden",
        f"EXPLAIN {what} is not permitted",
        'Its plan quotes literals of the definition. Explain the query on the tables, or ask for definitions = "full".',
    )
