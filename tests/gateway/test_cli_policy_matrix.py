"""policy matrix: who can see what, as a table, as JSON and as one HTML page."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.support.host import POLICY, Host

WRITER = """
[roles.writer]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read", "update"]
reveal = ["public.customers.email"]

[roles.writer.relations]
"public.customers" = { read = ["id", "email"], write = ["city"] }

"""


def test_every_role_sees_what_the_judge_lets_it_see(host: Host) -> None:
    before = '[classification."public.customers"]'
    host.write("policy.toml", POLICY.replace(before, WRITER + before))
    answer = host.runs("matrix", "--json").json()
    cells = {(line["relation"], line["column"]): line["roles"] for line in answer["columns"]}

    def seen(relation: str, column: str, role: str) -> tuple[str, str, bool]:
        cell = cells[(relation, column)][role]
        return cell["shown"], cell["mask"], cell["writes"]

    assert seen("public.customers", "id", "support") == ("clear", "", False)
    assert seen("public.customers", "email", "support") == ("masked", "partial style=email", False)
    assert seen("public.customers", "email", "writer") == ("clear", "", False)
    assert seen("public.customers", "phone", "support") == ("unclassified", "", False)
    assert seen("public.customers", "phone", "writer") == ("unread", "", False)
    assert seen("public.customers", "city", "writer") == ("unread", "", True)
    assert seen("public.staff", "salary", "support") == ("unread", "", False)
    assert seen("public.staff", "id", "writer") == ("hidden", "", False)
    assert "sales.orders" in answer["out_of_sight"]
    table = host.runs("matrix")
    assert "public.customers.email" in table.out
    assert "not read, writes" in table.out
    assert "Out of every role's sight" in table.out


class Page(HTMLParser):
    """Collects what a browser would load or run, and what it would show."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_loads_and_runs_nothing(odd_host: Host) -> None:
    assert odd_host.runs("scan", "--role", "support", "--no-sample", "--write").code == 0
    ran = odd_host.runs("matrix", "--html", "who.html")
    assert ran.code == 0, ran.said
    source = (odd_host.home / "who.html").read_text()
    page = Page()
    page.feed(source)
    assert page.tags <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "p", "ul", "li", "span", "div"),
        *("table", "thead", "tbody", "tr", "th", "td", "b", "code"),
    }
    assert not [a for a in page.attributes if a[1] in ("src", "href", "style") or a[1].startswith("on")]
    assert "default-src 'none'" in source
    assert "@import" not in source
    assert "url(" not in source
    # The names are there as text, each as it is called, and none of them as HTML.
    assert 'public.Odd "q" <script>alert(1)</script> # ]' in page.text
    assert "e-mail <b>" in page.text
    assert "\\x1b[2J email" in page.text
    assert "\\u202eliame email" in page.text
    assert "partial style=email" in page.text
    assert "<script" not in source


def test_a_relation_that_is_not_there(host: Host) -> None:
    ran = host.runs("matrix", "--relation", "public.nothing")
    assert ran.code == 2
    assert "shop has no relation public.nothing" in ran.err
