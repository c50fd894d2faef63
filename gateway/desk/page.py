"""Who can see what, as one HTML page: no script, nothing from elsewhere, every name escaped."""

from __future__ import annotations

from html import escape
from itertools import groupby

from gateway.audit.visible import visible
from gateway.desk.outlook import Cell, Line, Outlook, Shown

_STYLE = """
:root { color-scheme: light dark; --line: #d5d9e0; --soft: #f4f6f9; --text: #1c2330; --dim: #667085; --page: #fff;
  --clear: #fde7d6; --masked: #dcebfb; --none: transparent; }
@media (prefers-color-scheme: dark) { :root { --line: #333b48; --soft: #1d232d; --text: #e4e8ef; --dim: #97a1b2;
  --page: #14181f; --clear: #5a3415; --masked: #17385c; } }
* { box-sizing: border-box; }
body { margin: 2rem; font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--page); }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
p, ul { margin: .25rem 0 1rem; color: var(--dim); max-width: 60rem; }
.key { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; padding: 0; list-style: none; }
.key span { padding: 0 .5rem; border-radius: .25rem; color: var(--text); margin-right: .35rem;
  border: 1px solid var(--line); }
.wide { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 0; margin-bottom: 2rem; }
th, td { text-align: left; padding: .28rem .75rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--soft); border-bottom: 2px solid var(--line); z-index: 1; }
th.relation { background: var(--soft); padding-top: .6rem; font-size: 1rem; }
th[scope=row] { font-weight: normal; font-family: ui-monospace, monospace; font-size: .9em; white-space: pre; }
td.type { color: var(--dim); font-size: .85em; }
.clear { background: var(--clear); }
.masked { background: var(--masked); }
.unclassified, .unread, .hidden { color: var(--dim); }
b { font-weight: 600; }
code { overflow-wrap: anywhere; }
@media print { body { margin: 0; } thead th { position: static; } }
"""

_KEY = (
    (Shown.CLEAR, "clear", "as it is stored"),
    (Shown.MASKED, "a mask", "its mask; the value never leaves the database"),
    (Shown.UNCLASSIFIED, "NULL", "nobody has classified it"),
    (Shown.UNREAD, "not read", "the role does not read it: NULL"),
    (Shown.HIDDEN, "–", "the relation is out of the role's sight"),
)


def page(outlook: Outlook) -> str:
    """The page. Names of a database can hold anything: they are escaped, and what does not print is shown as its
    number."""
    roles = "".join(f'<th scope="col">{_safe(role)}</th>' for role in outlook.roles)
    body = "".join(
        _relation(name, list(lines), len(outlook.roles)) for name, lines in groupby(outlook.lines, lambda x: x.relation)
    )
    table = (
        f'<div class="wide"><table><thead><tr><th scope="col">column</th><th scope="col">type</th>{roles}</tr></thead>'
        f"{body}</table></div>"
        if outlook.lines
        else "<p>No role can see anything here.</p>"
    )
    key = "".join(f'<li><span class="{shown}">{word}</span>{what}</li>' for shown, word, what in _KEY)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Who can see what: {_safe(outlook.target)}</title>\n<style>{_STYLE}</style></head>\n<body>"
        f"<h1>Who can see what: {_safe(outlook.target)}</h1>\n"
        f"<p>Policy version <code>{_safe(outlook.policy_version)}</code>, {len(outlook.roles)} roles, "
        f"{len(outlook.lines)} columns that somebody can see.</p>\n"
        f'<ul class="key">{key}<li><span><b>writes</b></span>the role may write it</li></ul>\n'
        f"{table}\n{_hidden(outlook)}</body></html>\n"
    )


def _relation(name: str, lines: list[Line], roles: int) -> str:
    head = f'<tr><th class="relation" scope="rowgroup" colspan="{roles + 2}">{_safe(name)}</th></tr>'
    return f"<tbody>{head}{''.join(map(_line, lines))}</tbody>\n"


def _line(line: Line) -> str:
    cells = "".join(_cell(cell) for cell in line.cells)
    return f'<tr><th scope="row">{_safe(line.column)}</th><td class="type">{_safe(line.type_name)}</td>{cells}</tr>'


def _cell(cell: Cell) -> str:
    writes = ", <b>writes</b>" if cell.writes else ""
    return f'<td class="{cell.shown}">{_safe(in_words(cell))}{writes}</td>'


def in_words(cell: Cell) -> str:
    """What a cell says, without what may be written."""
    match cell.shown:
        case Shown.MASKED:
            return cell.mask
        case Shown.UNCLASSIFIED:
            return "NULL"
        case Shown.UNREAD:
            return "not read"
        case Shown.HIDDEN:
            return "–"
        case Shown.CLEAR:
            return "clear"


def _hidden(outlook: Outlook) -> str:
    if not outlook.hidden:
        return ""
    names = ", ".join(f"<code>{_safe(name)}</code>" for name in outlook.hidden)
    return f"<p>Out of every role's sight ({len(outlook.hidden)}): {names}</p>\n"


def _safe(text: str) -> str:
    return escape(visible(text), quote=True)
