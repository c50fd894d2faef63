"""`detect`: free text with what is personal or secret in it replaced by a word in brackets, all of it in SQL.

    "call +49 151 2345678, card 4111 1111 1111 1111, order 1234567890123456"
    "call [phone], card [card], order 1234567890123456"

Five passes, each over what the one before left: keys and passwords, e-mail addresses, IBANs, identity numbers
with letters, and runs of digits (detect_numbers.py). The first, second and fourth are one regular expression
each; IBANs and digits are found by one and then judged by their check digits.

Time stays in proportion to the length of the text (PG manual 9.7.3): what may fail after it began is bounded or
begins where no other began, and what is not bounded cannot fail any more. When in doubt, a text loses a number too
many. Regular expressions compare in "C": classes are ASCII, and each character beyond is named.
"""

from __future__ import annotations

from masking.masks.detect_numbers import MARK, numbers
from masking.masks.types import plain_text_of
from masking.strip import quoted

#: What is drawn with no width: soft hyphen, zero-width spaces and joiners, marks of direction, variation selectors.
_INVISIBLE = r"[\u00AD\u034F\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u206F\uFE00-\uFE0F\uFEFF]"
#: Beside a visible ASCII character it only hides; between others it may be writing (Persian) or an emoji.
_HIDING = rf"{_INVISIBLE}+(?=[!-~])|(?<=[!-~]){_INVISIBLE}+"

_KEYS = "|".join(
    (
        # Private keys, to their end or that of the text.
        r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?(?: ?-{4,5})?(?:[^-]|-{1,3}[^-])*"
        r"(?:-{4,5} ?END[A-Z0-9 ]{0,60}-{0,5})?",
        r"PuTTY-User-Key-File-[0-9].*",
        # AWS key ids, tokens of GitHub, GitLab, Slack, Stripe, Google, npm, SendGrid and of whoever says "sk-".
        r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA|AGPA|ANPA|ANVA|APKA)[A-Z0-9]{12,}",
        r"gh[opusr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|gl[a-z]{2,4}-[A-Za-z0-9_-]{16,}",
        r"xox[a-z]-[A-Za-z0-9-]{8,}|(?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}",
        r"AIza[A-Za-z0-9_-]{30,}|ya29[.][A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{16,}|SG[.][A-Za-z0-9_-]{16,}[A-Za-z0-9._-]*",
        # JSON Web Tokens, signed or encrypted.
        r"eyJ[A-Za-z0-9_-]{8,}(?:[.][A-Za-z0-9_-]*)*",
        # What looks random: long, and small letters, capitals and digits in it. Hashes in hexadecimal are not.
        r"(?<![A-Za-z0-9/+_-])(?=[A-Z0-9/+_-]*[a-z])(?=[a-z0-9/+_-]*[A-Z])(?=[A-Za-z/+_-]*[0-9])"
        r"(?:[A-Za-z0-9_-]{32,}|[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+_-])=*",
    )
)
_KEY_SIGNS = r"[A-Za-z0-9/+_-]{16}|BEGIN|PuTTY|xox"
_SECRET_NAMES = (
    r"pass(?:word|phrase|wd|code|wort)|kennwort|mot de passe|(?<![a-z])(?:pass|pwd|pin|otp|cvv|cvc)|pwd|secret|token"
    r"|credentials?"
    r"|api[ _-]?key|access[ _-]?key(?:[ _-]?id)?|(?:secret|private|signing|encryption|account|auth)[ _-]?key"
    r"|authori[sz]ation"
)
_VALUE = r"""(?:"[^"]{0,255}"|'[^']{0,255}'|(?:(?:Bearer|Basic|Token|Digest)[ \t]+)?[^\s"',;]+)"""
#: The name of a secret and what is assigned to it; the name stays.
_ASSIGNED = (
    rf"""(?i)((?:{_SECRET_NAMES})["']?"""
    r"""(?:[ \t]{0,3}(?::=|=>|==|[:=])[ \t]{0,3}|[ \t]+(?:is|ist|est|lautet):?[ \t]+)"""
    r"""|\mbearer[ \t]+(?=[A-Za-z0-9._~+/=-]{16})|://[^\s/@:]{0,64}:)"""
)
_SECRETS = f"{_ASSIGNED}{_VALUE}"

#: Nobody assigns without one of these.
_SECRET_SIGNS = r"(?i)[:=]|\m(?:is|ist|est|lautet|bearer)\M"
_SECRET_WORDS = r"(?i)pass|kenn|pwd|pin|secret|token|credential|key|auth|bearer|cvv|cvc|otp|://"

_AT = r"(?:@|\uFF20|\uFE6B|%40|[ ]?[(\[{<][ ]?(?:at|AT|\u00E4t)[ ]?[)\]}>][ ]?)"
_LOCAL = r"""(?:[^\s@\uFF20\uFE6B<>()\[\]{},;:"]{1,64}|"[^"\n]{1,64}")"""
_EMAILS = (
    rf"""{_LOCAL}(?:{_AT}[^\s@\uFF20\uFE6B<>()\[\]{{}},;:"'!?]+|[ ]{{0,2}}{_AT}[ ]{{0,2}}[A-Za-z0-9.-]+"""
    r"""(?:[.]|[ ]dot[ ]|[ ]?[(\[{]dot[)\]}][ ]?)[A-Za-z]{2,})"""
)

_EMAIL_SIGNS = r"[@\uFF20\uFE6B]|%40|[(\[{<] ?(?:at|AT|\u00E4t)"

#: What stands between the characters of one number; "~" in a pattern.
_GAP = r"[\s./\u00A0\u2000-\u2015\u202F-]*"
_LETTER_IDS = "|".join(
    (
        # United Kingdom: National Insurance number.
        r"\m[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z](?:~[0-9]{2}){3}~[A-Da-d]\M",
        # France: social security number of those born in Corsica.
        r"\m[1-478]~[0-9]{2}~[0-9]{2}~2[ABab]~[0-9]{3}~[0-9]{3}(?:~[0-9]{2})?\M",
        # Germany: pension insurance number.
        r"\m[0-9]{2}~[0-3][0-9]~[01][0-9]~[0-9]{2}~[A-Za-z]~[0-9]{3}\M",
        # Italy: codice fiscale.
        r"\m[A-Za-z]{6}~[0-9]{2}[A-Za-z][0-9]{2}~[A-Za-z][0-9]{3}~[A-Za-z]\M",
        # Any country, when the text says what it is.
        r"\m(?:[Ss][Ss][Nn]|[Ss]ocial [Ss]ecurity(?: [Nn]umber| [Nn]o[.]?)?|BSN|bsn|NINO|NIR|Steuer-?(?:ID|Id|id)"
        r"(?:Nr[.]?)?|[Pp]assport(?: [Nn]umber| [Nn]o[.]?)?)[ \t]{0,3}(?:[:=#]|is|ist)?[ \t]{0,3}[A-Z]{0,3}[0-9]"
        r"(?:~[A-Z0-9]){5,}",
    )
).replace("~", _GAP)
#: Six digits, or there is no such number.
_ID_SIGNS = "[0-9](?:[^0-9]*[0-9]){5}"

#: Length of the IBAN by country (ISO 13616 registry).
_IBAN_LENGTHS = (
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27"
    "GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22"
    "MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28"
    "TL23TN24TR26UA29VA22VG24XK20YE30"
)
_IBAN_START = "[A-Za-z]{2}~[0-9]{2}(?:~[A-Za-z0-9]){11}".replace("~", _GAP)
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: No IBAN is longer than this, separators included; from one start to the next are at least four characters.
_IBAN_REACH = 110


def detect(value: str) -> str:
    """SQL of the text without what was found in it."""
    text = f"pg_catalog.translate({plain_text_of(value)}, {quoted(MARK)}, '')"
    text = _replaced(text, _HIDING, "")
    text = _where(f"{_has(_KEY_SIGNS)}", text, _KEYS, "[key]")
    text = _where(f"{_has(_SECRET_SIGNS)} AND {_has(_SECRET_WORDS)}", text, _SECRETS, r"\1[secret]")
    text = _where(_has(_EMAIL_SIGNS), text, _EMAILS, "[email]")
    text = _where(_has(_ID_SIGNS), _ibans(text), _LETTER_IDS, "[id]")
    return numbers(text)


def _has(pattern: str) -> str:
    return f"pgcurfew_text.v OPERATOR(pg_catalog.~) {quoted(pattern)}"


def _where(condition: str, text: str, pattern: str, word: str) -> str:
    """Large expressions cost a hundred times what small ones do; a small one tells whether to ask at all."""
    return (
        f"(SELECT CASE WHEN {condition} THEN {_replaced('pgcurfew_text.v', pattern, word)} ELSE pgcurfew_text.v END "
        f"FROM (SELECT {text} AS v OFFSET 0) AS pgcurfew_text)"
    )


def _replaced(text: str, pattern: str, word: str) -> str:
    return f"pg_catalog.regexp_replace({text}, {quoted(pattern)}, {quoted(word)}, 'g')"


def _ibans(text: str) -> str:
    """The text is cut before whatever may begin an IBAN; each piece then knows what follows it, and whether an IBAN
    begins there, or one that began before still covers it."""
    cut = _replaced("pgcurfew_text.v", f"(?={_IBAN_START})", MARK)
    pieces = (
        "SELECT pgcurfew_cut.n AS n, pgcurfew_cut.v AS v, pg_catalog.left(pg_catalog.string_agg("
        f"pg_catalog.left(pgcurfew_cut.v, {_IBAN_REACH}), '') OVER (ORDER BY pgcurfew_cut.n "
        f"ROWS BETWEEN CURRENT ROW AND {_IBAN_REACH // 4} FOLLOWING), {_IBAN_REACH}) AS ahead, "
        "pg_catalog.sum(pg_catalog.length(pgcurfew_cut.v)) OVER (ORDER BY pgcurfew_cut.n) "
        "OPERATOR(pg_catalog.-) pg_catalog.length(pgcurfew_cut.v) AS start "
        f"FROM pg_catalog.unnest(pg_catalog.string_to_array({cut}, {quoted(MARK)})) "
        "WITH ORDINALITY AS pgcurfew_cut(v, n)"
    )
    length = _iban_length("pgcurfew_piece.ahead")
    judged = (
        "SELECT pgcurfew_piece.n AS n, pgcurfew_piece.v AS v, pgcurfew_piece.start AS start, "
        f"CASE WHEN pgcurfew_piece.n OPERATOR(pg_catalog.>) 1 THEN {length} ELSE 0 END AS size "
        f"FROM ({pieces}) AS pgcurfew_piece OFFSET 0"
    )
    covered = (
        "SELECT pgcurfew_judged.n AS n, pgcurfew_judged.v AS v, pgcurfew_judged.size AS size, "
        "(pg_catalog.max(CASE WHEN pgcurfew_judged.size OPERATOR(pg_catalog.>) 0 "
        "THEN pgcurfew_judged.start OPERATOR(pg_catalog.+) pgcurfew_judged.size ELSE 0 END) "
        "OVER (ORDER BY pgcurfew_judged.n) OPERATOR(pg_catalog.-) pgcurfew_judged.start)::pg_catalog.int4 AS hidden "
        f"FROM ({judged}) AS pgcurfew_judged"
    )
    shown = (
        "SELECT pg_catalog.string_agg(pg_catalog.concat(CASE WHEN pgcurfew_covered.size OPERATOR(pg_catalog.>) 0 "
        "THEN '[iban]' END, pg_catalog.substr(pgcurfew_covered.v, GREATEST(pgcurfew_covered.hidden, 0) "
        "OPERATOR(pg_catalog.+) 1)), '' ORDER BY pgcurfew_covered.n) "
        f"FROM ({covered}) AS pgcurfew_covered"
    )
    return (
        f"(SELECT CASE WHEN pgcurfew_text.v OPERATOR(pg_catalog.~) {quoted(_IBAN_START)} THEN ({shown}) "
        f"ELSE pgcurfew_text.v END FROM (SELECT {text} AS v OFFSET 0) AS pgcurfew_text)"
    )


def _iban_length(ahead: str) -> str:
    """How many characters the IBAN takes that `ahead` begins with, separators included; 0 if there is none."""
    letters = f"pg_catalog.upper(pg_catalog.regexp_replace({ahead}, '[^A-Za-z0-9]', '', 'g'))"
    place = f"pg_catalog.strpos({quoted(_IBAN_LENGTHS)}, pg_catalog.left(pgcurfew_iban.v, 2))"
    size = f"pg_catalog.substr({quoted(_IBAN_LENGTHS)}, pgcurfew_country.place OPERATOR(pg_catalog.+) 2, 2)"
    turned = (
        "pg_catalog.concat(pg_catalog.substr(pg_catalog.left(pgcurfew_iban.v, pgcurfew_size.v), 5), "
        "pg_catalog.left(pgcurfew_iban.v, 4))"
    )
    letter = f"pg_catalog.substr({turned}, pgcurfew_digit.n, 1)"
    digits = (
        f"SELECT pg_catalog.string_agg((pg_catalog.strpos({quoted(_ALPHABET)}, {letter}) "
        "OPERATOR(pg_catalog.-) 1)::pg_catalog.text, '' ORDER BY pgcurfew_digit.n)::pg_catalog.numeric "
        "FROM pg_catalog.generate_series(1, pgcurfew_size.v) AS pgcurfew_digit(n)"
    )
    raw = "pg_catalog.concat('^(?:[^A-Za-z0-9]*[A-Za-z0-9]){', pgcurfew_size.v, '}')"
    return (
        f"(SELECT CASE WHEN pg_catalog.length(pgcurfew_iban.v) OPERATOR(pg_catalog.<) pgcurfew_size.v THEN 0 "
        f"WHEN pg_catalog.mod(({digits}), 97) OPERATOR(pg_catalog.=) 1 "
        f"THEN pg_catalog.length(pg_catalog.substring({ahead}, {raw})) ELSE 0 END "
        f"FROM (SELECT {letters} AS v OFFSET 0) AS pgcurfew_iban "
        f"CROSS JOIN LATERAL (SELECT {place} AS place OFFSET 0) AS pgcurfew_country "
        "CROSS JOIN LATERAL (SELECT CASE WHEN pgcurfew_country.place OPERATOR(pg_catalog.>) 0 "
        f"THEN {size}::pg_catalog.int4 ELSE 1000 END AS v OFFSET 0) AS pgcurfew_size)"
    )
