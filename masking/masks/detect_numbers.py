"""Runs of digits in free text: which of them are cards, telephone numbers or identity numbers.

A run is taken whole, with all that people and their enemies put between digits. It is then read as groups of
digits, and every window of whole groups is asked for its check digits: `2024 4111 1111 1111 1111` has a card in it,
and `1234567890123456`, one group without valid check digits, is an order number and stays.
"""

from __future__ import annotations

from masking.strip import quoted

#: Cuts texts apart; a text's own are taken out before.
MARK = "\x01"

#: What stands between the digits of one number: blanks, dots, dashes, slashes, parentheses, and what is not seen.
_SEPARATORS = (
    r"[\s./()_\u00A0\u00AD\u00B7\u061C\u1680\u180E\u2000-\u2027\u202A-\u206F\u2212\u3000\u30FB\uFE00-\uFE0F\uFE58"
    r"\uFE63\uFEFF\uFF0D\uFF0E-]*"
)
#: Digits of other scripts, full-width, mathematical, raised, lowered and encircled ones.
_OTHER_DIGITS = (
    r"\u00B2\u00B3\u00B9\u0660-\u0669\u06F0-\u06F9\u07C0-\u07C9\u0966-\u096F\u09E6-\u09EF\u0A66-\u0A6F\u0AE6-\u0AEF"
    r"\u0B66-\u0B6F\u0BE6-\u0BEF\u0C66-\u0C6F\u0CE6-\u0CEF\u0D66-\u0D6F\u0E50-\u0E59\u0ED0-\u0ED9\u0F20-\u0F29"
    r"\u1040-\u1049\u17E0-\u17E9\u1810-\u1819\u2070-\u2079\u2080-\u2089\u2460-\u2468\u2776-\u277E\uFF10-\uFF19"
    r"\U0001D7CE-\U0001D7FF\U0001FBF0-\U0001FBF9"
)
_DIGIT = f"[0-9{_OTHER_DIGITS}]"
_RUN = rf"[(]?[+\uFF0B]?{_DIGIT}(?:{_SEPARATORS}{_DIGIT}){{6,}}"
#: A run with more digits is masked without being asked: the time it would take grows with it.
_MOST_DIGITS = 60

# Over the run's groups, parted by hyphens; a date in it is "x".
_DATES = (
    r"\m(?:(?:19|20)[0-9]{2}-(?:0?[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])-(?:0?[1-9]|[12][0-9]|3[01])-(?:19|20)[0-9]{2})\M"
)
_SOCIAL_SECURITY = r"\m[0-9]{3}-[0-9]{2}-[0-9]{4}\M"
_TELEPHONE = "|".join(
    (
        r"\m00[1-9](?:-?[0-9]){6,}",  # 0049 …
        r"\m0[1-9](?:-?[0-9]){7,}",  # 0151 …, 01 23 45 67 89
        r"\m1?-?[0-9]{3}-[0-9]{3}-?[0-9]{4}\M",  # (555) 123-4567
        r"\m1?[2-9][0-9]{2}[2-9][0-9]{6}\M",  # 5552345678
        r"\m[0-9]{6}-[0-9]{4}\M",
    )
)


def numbers(text: str) -> str:
    """SQL of the text with the numbers in it replaced that are somebody's."""
    marked = rf"{MARK}\&{MARK}"
    cut = f"pg_catalog.regexp_replace(pgcurfew_text.v, {quoted(_RUN)}, {quoted(marked)}, 'g')"
    shown = (
        "SELECT pg_catalog.string_agg(CASE WHEN pg_catalog.mod(pgcurfew_cut.n, 2) OPERATOR(pg_catalog.=) 0 "
        f"THEN COALESCE({_word('pgcurfew_cut.v')}, pgcurfew_cut.v) ELSE pgcurfew_cut.v END, '' "
        "ORDER BY pgcurfew_cut.n) "
        f"FROM pg_catalog.unnest(pg_catalog.string_to_array({cut}, {quoted(MARK)})) "
        "WITH ORDINALITY AS pgcurfew_cut(v, n)"
    )
    return (
        f"(SELECT CASE WHEN pgcurfew_text.v OPERATOR(pg_catalog.~) {quoted(_DIGIT)} THEN ({shown}) "
        f"ELSE pgcurfew_text.v END FROM (SELECT {text} AS v OFFSET 0) AS pgcurfew_text)"
    )


def _word(run: str) -> str:
    """What to say instead of the run, or NULL when it is nobody's."""
    groups = (
        f"pg_catalog.ltrim(pg_catalog.regexp_replace(pg_catalog.regexp_replace({run}, '[^0-9]+', '-', 'g'), "
        f"{quoted(_DATES)}, 'x', 'g'), '-')"
    )
    return (
        f"(SELECT CASE WHEN {run} OPERATOR(pg_catalog.~) {quoted(f'[{_OTHER_DIGITS}]')} "
        f"OR pg_catalog.length(pg_catalog.replace(pgcurfew_run.v, '-', '')) OPERATOR(pg_catalog.>) {_MOST_DIGITS} "
        "THEN '[number]' "
        f"WHEN pgcurfew_run.v OPERATOR(pg_catalog.~) {quoted(_SOCIAL_SECURITY)} THEN '[id]' "
        rf"WHEN {run} OPERATOR(pg_catalog.~) '^[(]?[+\uFF0B]' "
        rf"OR {run} OPERATOR(pg_catalog.~) '^[0-9]{{3}}[-\u2010-\u2015][0-9]{{4}}$' "
        f"OR pgcurfew_run.v OPERATOR(pg_catalog.~) {quoted(_TELEPHONE)} THEN '[phone]' "
        f"ELSE ({_windows()}) END FROM (SELECT {groups} AS v OFFSET 0) AS pgcurfew_run)"
    )


def _windows() -> str:
    """The words for all windows of whole groups; of several the first: a card before an identity number."""
    size = "pg_catalog.length(pgcurfew_window.v)"
    word = (
        f"CASE WHEN pgcurfew_window.v OPERATOR(pg_catalog.~) '[^0-9]' THEN NULL "
        f"WHEN {size} OPERATOR(pg_catalog.>=) 13 AND {size} OPERATOR(pg_catalog.<=) 19 "
        f"AND {_card(size)} THEN '[card]' "
        f"WHEN {size} OPERATOR(pg_catalog.=) 9 AND {_bsn()} THEN '[id]' "
        f"WHEN {size} OPERATOR(pg_catalog.=) 11 AND {_tax_number()} THEN '[id]' "
        f"WHEN {size} OPERATOR(pg_catalog.=) 15 THEN {_nir()} END"
    )
    last = "LEAST(pg_catalog.cardinality(pgcurfew_groups.v), pgcurfew_first.n OPERATOR(pg_catalog.+) 18)"
    return (
        f"SELECT pg_catalog.min({word}) "
        "FROM (SELECT pg_catalog.string_to_array(pgcurfew_run.v, '-') AS v OFFSET 0) AS pgcurfew_groups "
        "CROSS JOIN LATERAL pg_catalog.generate_series(1, pg_catalog.cardinality(pgcurfew_groups.v)) "
        "AS pgcurfew_first(n) "
        f"CROSS JOIN LATERAL pg_catalog.generate_series(pgcurfew_first.n, {last}) AS pgcurfew_last(n) "
        "CROSS JOIN LATERAL (SELECT pg_catalog.array_to_string("
        "pgcurfew_groups.v[pgcurfew_first.n:pgcurfew_last.n], '') AS v OFFSET 0) AS pgcurfew_window"
    )


def _digit(place: str) -> str:
    return f"(pg_catalog.ascii(pg_catalog.substr(pgcurfew_window.v, {place}, 1)) OPERATOR(pg_catalog.-) 48)"


def _sum(expression: str, count: str) -> str:
    return f"(SELECT pg_catalog.sum({expression}) FROM pg_catalog.generate_series(1, {count}) AS pgcurfew_digit(n))"


def _card(size: str) -> str:
    """Luhn: from the right, each second digit counts double, less 9 where that has two digits."""
    digit = _digit("pgcurfew_digit.n")
    twice = f"pg_catalog.substr('0246813579', {digit} OPERATOR(pg_catalog.+) 1, 1)::pg_catalog.int4"
    odd = f"pg_catalog.mod({size} OPERATOR(pg_catalog.-) pgcurfew_digit.n, 2) OPERATOR(pg_catalog.=) 1"
    return (
        f"pg_catalog.mod({_sum(f'CASE WHEN {odd} THEN {twice} ELSE {digit} END', size)}, 10) OPERATOR(pg_catalog.=) 0"
    )


def _bsn() -> str:
    """Netherlands: nine digits, weighed 9 to 2 and -1, are divisible by 11."""
    weight = "CASE pgcurfew_digit.n WHEN 9 THEN -1 ELSE 10 OPERATOR(pg_catalog.-) pgcurfew_digit.n END"
    total = _sum(f"{_digit('pgcurfew_digit.n')} OPERATOR(pg_catalog.*) {weight}", "9")
    return f"pg_catalog.mod({total}, 11) OPERATOR(pg_catalog.=) 0"


def _tax_number() -> str:
    """Germany: no leading zero, and among the first ten of eleven digits one stands twice or three times."""
    first = "pg_catalog.left(pgcurfew_window.v, 1) OPERATOR(pg_catalog.<>) '0'"
    distinct = (
        "(SELECT pg_catalog.count(DISTINCT pg_catalog.substr(pgcurfew_window.v, pgcurfew_digit.n, 1)) "
        "FROM pg_catalog.generate_series(1, 10) AS pgcurfew_digit(n))"
    )
    ten = "pg_catalog.left(pgcurfew_window.v, 10)"
    others = f"pg_catalog.replace({ten}, pg_catalog.substr(pgcurfew_window.v, pgcurfew_digit.n, 1), '')"
    # The sum of squares of how often each stands there: 8 + 4, or 7 + 9.
    squares = _sum(f"10 OPERATOR(pg_catalog.-) pg_catalog.length({others})", "10")
    known = "ANY ('{12,16}'::pg_catalog.int8[])"
    return f"{first} AND {distinct} OPERATOR(pg_catalog.>=) 8 AND {squares} OPERATOR(pg_catalog.=) {known}"


def _nir() -> str:
    """France: sex, year and month of birth, …; the last two digits are 97 less the rest of the others by 97."""
    rest = "pg_catalog.mod(pg_catalog.left(pgcurfew_window.v, 13)::pg_catalog.int8, 97)"
    key = "pg_catalog.right(pgcurfew_window.v, 2)::pg_catalog.int8"
    valid = f"97 OPERATOR(pg_catalog.-) {rest} OPERATOR(pg_catalog.=) {key}"
    return f"CASE WHEN {valid} THEN '[id]' END"
