"""FROM: what each item adds to the names of its level (PG manual 7.2.1)."""

from __future__ import annotations

from collections.abc import Iterable

from masking.functions import SAMPLING_METHODS
from masking.invoke import Invocations
from masking.nodes import column_name, kind_of, strings
from masking.parse import Message, pg
from masking.refusal import by_policy, not_understood
from masking.scope import Entry, Output, Scope


class Sources(Invocations):
    """The walk over the items of FROM."""

    def from_item(self, node: Message, outer: Scope, level: Scope, everything: list[Entry]) -> list[Entry]:
        """One item of FROM: the entries it adds. `everything` gathers those of relations, hidden ones too."""
        match kind_of(node):
            case "range_var":
                return [self._from_relation(node, node.range_var, node, outer, everything)]
            case "range_table_sample":
                return [self._from_sample(node, outer, level, everything)]
            case "range_subselect":
                return [self._from_subselect(node.range_subselect, outer, level)]
            case "range_function":
                return [self._from_function(node.range_function, outer, level)]
            case "join_expr":
                return self._from_join(node.join_expr, outer, level, everything)
            case "range_table_func":
                return [self._from_table_function(node.range_table_func, outer, level)]
            case "json_table":
                return [self._from_json_table(node.json_table, outer, level)]
            case kind:
                raise not_understood(f"{kind} is not understood in FROM")

    def _from_relation(
        self, node: Message, reference: Message, place: Message, outer: Scope, everything: list[Entry]
    ) -> Entry:
        alias = reference.alias if reference.HasField("alias") else None
        name = alias.aliasname if alias else reference.relname
        renames = strings(alias.colnames) if alias else []
        if not reference.schemaname and place is node:
            cte = outer.cte(reference.relname)
            if cte is not None:
                return Entry(name, cte.output.renamed(renames), aliased=alias is not None)
        seen = self.relation(reference)
        own: list[str | None] = [column.name for column in seen.relation.columns]
        entry = Entry(
            name,
            Output(own).renamed(renames),
            seen=seen,
            node=node,
            aliased=alias is not None,
            only=not reference.inh,
        )
        everything.append(entry)
        return entry

    def _from_sample(self, node: Message, outer: Scope, level: Scope, everything: list[Entry]) -> Entry:
        sample = node.range_table_sample
        method = strings(sample.method)
        if method[:-1] not in ([], ["pg_catalog"]) or method[-1] not in SAMPLING_METHODS:
            raise by_policy(
                "function-not-allowed",
                f"sampling method {'.'.join(method)} is not permitted",
                "Use bernoulli or system.",
                sample.location,
            )
        if kind_of(sample.relation) != "range_var":
            raise not_understood("TABLESAMPLE is only understood on a relation", offset=sample.location)
        if len(method) == 1:
            sample.method.insert(0, pg.Node(string=pg.String(sval="pg_catalog")))
        entry = self._from_relation(node, sample.relation.range_var, sample.relation, outer, everything)
        around = Scope(outer, list(level.entries))
        self.expressions(sample.args, around)
        self.expression(sample, "repeatable", around)
        return entry

    def _from_subselect(self, item: Message, outer: Scope, level: Scope) -> Entry:
        parent = Scope(outer, list(level.entries)) if item.lateral else outer
        output = self.query(item.subquery, parent)
        name = item.alias.aliasname if item.HasField("alias") else ""
        return Entry(name, output.renamed(strings(item.alias.colnames)), aliased=True)

    def _from_function(self, item: Message, outer: Scope, level: Scope) -> Entry:
        around = Scope(outer, list(level.entries))
        name = ""
        for function in item.functions:
            call, *definitions = function.list.items
            # A function's column is called as the function is.
            name = name or column_name(call)
            self._call_in_from(call, around, item)
            for node in definitions:
                self._column_definitions(node.list.items if kind_of(node) == "list" else [])
        self._column_definitions(item.coldeflist)
        alias = item.alias if item.HasField("alias") else None
        columns: list[str | None] = list(strings(alias.colnames)) if alias else []
        columns += [node.column_def.colname for node in item.coldeflist]
        return Entry(alias.aliasname if alias else name, Output(columns, complete=False), aliased=True)

    def _call_in_from(self, call: Message, around: Scope, item: Message) -> None:
        if kind_of(call) == "func_call":
            message = call.func_call
            arguments = len(message.args)
            names = strings(message.funcname)
            plain = {"funcname", "args", "funcformat", "location"}
            if names == ["unnest"] and arguments > 1:
                # A form of its own, only under its plain name: PostgreSQL makes it pg_catalog's unnest of each.
                if item.coldeflist or any(field.name not in plain for field, _ in message.ListFields()):
                    raise not_understood("this form of unnest is not understood", offset=message.location)
                self.expressions(message.args, around)
                return
        before, label = self.replaced, column_name(call)
        self.expressions((call,), around)
        if self.replaced != before and len(item.functions) == 1 and not item.HasField("alias"):
            item.alias.aliasname = label
        if self.replaced != before and kind_of(call) != "func_call":
            raise not_understood("a definition cannot stand in FROM", hint="Call the function in the SELECT list.")

    def _column_definitions(self, nodes: Iterable[Message]) -> None:
        for node in nodes:
            definition = node.column_def
            for field_, _ in definition.ListFields():
                if field_.name not in ("colname", "type_name", "coll_clause", "is_local", "location"):
                    raise not_understood("this column definition is not understood", offset=definition.location)
            self.judge_type(definition.type_name)
            self.expressions(definition.type_name.typmods, Scope(None))

    def _from_table_function(self, item: Message, outer: Scope, level: Scope) -> Entry:
        """XMLTABLE."""
        around = Scope(outer, list(level.entries))
        self._rest(item, around, ("docexpr", "rowexpr", "namespaces", "columns"))
        names: list[str | None] = [node.range_table_func_col.colname for node in item.columns]
        alias = item.alias if item.HasField("alias") else None
        output = Output(names).renamed(strings(alias.colnames) if alias else [])
        return Entry(alias.aliasname if alias else "xmltable", output, aliased=True)

    def _from_json_table(self, item: Message, outer: Scope, level: Scope) -> Entry:
        self.require_version("JsonTable", item.location)
        around = Scope(outer, list(level.entries))
        for name in ("context_item", "pathspec", "on_error"):
            self.expression(item, name, around)
        self.expressions(item.passing, around)
        self.expressions(item.columns, around)
        alias = item.alias if item.HasField("alias") else None
        names: list[str | None] = list(strings(alias.colnames)) if alias else []
        return Entry(alias.aliasname if alias else "json_table", Output(names, complete=False), aliased=True)

    def _from_join(self, join: Message, outer: Scope, level: Scope, everything: list[Entry]) -> list[Entry]:
        left = self.from_item(join.larg, outer, level, everything)
        right = self.from_item(join.rarg, outer, Scope(None, [*level.entries, *left]), everything)
        if join.jointype != pg.JOIN_INNER:
            # The side that is not named, or both, may be filled up with NULLs.
            nullable = [
                *(left if join.jointype != pg.JOIN_LEFT else ()),
                *(right if join.jointype != pg.JOIN_RIGHT else ()),
            ]
            for entry in nullable:
                entry.nullable = True
        inner = Scope(outer, [*left, *right])
        self.expression(join, "quals", inner)
        for node in join.using_clause:
            self.calls.judge_implicit_operator("=", 0)
            for entry in inner.entries:
                if entry.has(node.string.sval):
                    self.refer(entry, node.string.sval, node, None, inner)
        if join.is_natural:
            self._natural_join(left, right, inner)
        entries = [*left, *right]
        if join.using_clause or join.is_natural:
            for entry in entries:
                entry.under_merge = True
        if join.HasField("join_using_alias"):
            merged: list[str | None] = list(strings(join.using_clause))
            entries.append(Entry(join.join_using_alias.aliasname, Output(merged), members=tuple(entries)))
        if not join.HasField("alias"):
            return entries
        return [self._aliased_join(join, entries)]

    def _natural_join(self, left: list[Entry], right: list[Entry], inner: Scope) -> None:
        self.calls.judge_implicit_operator("=", 0)
        names = {name for entry in left for name in entry.output.names if name}
        common = names & {name for entry in right for name in entry.output.names if name}
        for entry in inner.entries:
            for name in sorted(common):
                if entry.has(name):
                    self.refer(entry, name, None, None, inner)
            if any(e.raw for scope in inner.levels() for e in scope.entries):
                raise not_understood("NATURAL JOIN is not understood inside a write", hint="Use JOIN … USING or ON.")

    def _aliased_join(self, join: Message, entries: list[Entry]) -> Entry:
        """`(a JOIN b …) AS j` hides a and b behind j."""
        for entry in entries:
            _hide(entry)
        merge = bool(join.using_clause) or join.is_natural
        names = [name for entry in entries for name in entry.output.names]
        complete = not merge and all(entry.output.complete for entry in entries)
        output = Output(names, complete)
        renames = strings(join.alias.colnames)
        if renames:
            # Which column hides behind which name is not followed: a reference may mean any of them.
            for entry in entries:
                self._refer_whole(entry, Scope(None), 0, as_row=False)
            output = output.renamed(renames) if complete else Output([*renames], complete=False)
        return Entry(join.alias.aliasname, output, members=tuple(entries), aliased=True)


def _hide(entry: Entry) -> None:
    entry.under_aliased_join = True
    for member in entry.members:
        _hide(member)
