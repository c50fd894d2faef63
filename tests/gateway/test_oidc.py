"""Sign-in by an identity provider that really runs: in a browser's steps, and by a code on another device."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from config.oidc import Oidc
from config.secrets import SecretReference
from gateway.access.sign_in_models import Identity
from gateway.admin.pages import SESSION, VISITOR
from tests.support.access import House, Served, serving
from tests.support.identity_provider import IdentityProvider, running_identity_provider

#: The provider under test speaks of the future of its own libraries.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    with running_identity_provider(tmp_path_factory.mktemp("idp")) as found:
        yield found


@pytest.fixture
async def served(tmp_path: Path, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("OIDC_SECRET", "s3cret:with/odd characters")
    oidc = Oidc(
        issuer=idp.issuer,
        client_id="gate",
        client_secret=SecretReference.parse("env:OIDC_SECRET"),
        ca=idp.ca,
        groups={"idp-leads": "leads", "idp-admins": "admins"},
        allowed_domains=("example.org",),
        add_people=True,
    )
    async with House.open(tmp_path / "store.db", oidc=oidc) as house:
        house.clock.now = datetime.now(UTC)
        await house.populate()
        async with serving(house, tmp_path) as api:
            yield api


def says(idp: IdentityProvider, subject: str, name: str, *groups: str, email: str = "", **more: Any) -> None:
    address = email or f"{name}@example.org"
    idp.say(subject, preferred_username=name, email=address, groups=list(groups), **{"email_verified": True, **more})


def csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
    assert found is not None, page.text
    return found[1]


async def to_the_provider(browser: httpx.AsyncClient) -> str:
    """The provider's address that the sign-in page sends the browser to."""
    page = await browser.get("/login")
    sent = await browser.post("/login/provider", data={"csrf": csrf(page)})
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


async def at_the_provider(idp: IdentityProvider, address: str, subject: str) -> dict[str, str]:
    """What the provider gives the browser to take back, after somebody signed in there."""
    import ssl

    context = ssl.create_default_context(cafile=str(idp.ca))
    async with httpx.AsyncClient(verify=context, trust_env=False) as elsewhere:
        answer = await elsewhere.post(address, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    back = answer.headers["location"]
    assert back.startswith("https://gate.test/login/callback?")
    return {key: values[0] for key, values in parse_qs(urlsplit(back).query).items()}


async def arrive(served: Served, idp: IdentityProvider, subject: str) -> httpx.Response:
    """The whole way; the last answer."""
    async with served.client() as browser:
        taken = await at_the_provider(idp, await to_the_provider(browser), subject)
        answer = await browser.get("/login/callback", params=taken)
        if answer.status_code != 303:
            return answer
        assert answer.headers["location"] == "/"
        return await browser.get("/")


async def test_a_browser_signs_in_by_code_and_pkce(served: Served, idp: IdentityProvider) -> None:
    says(idp, "sub-nina", "nina", "idp-leads", "everything")
    page = await arrive(served, idp, "sub-nina")
    assert page.status_code == 200
    assert "<h1>nina</h1>" in page.text
    person = await served.house.person("nina")
    # The one group that the settings map, and no other that the provider says.
    assert person.groups == {"leads"}
    assert len(idp.asked[-1]["code_verifier"]) >= 43
    assert served.house.recorded()[-4:] == ["person-added", "identity-linked", "person-groups", "signed-in"]
    assert served.house.facts[-1].how == "oidc"
    # Later the provider says otherwise.
    says(idp, "sub-nina", "another-name")
    assert (await arrive(served, idp, "sub-nina")).status_code == 200
    assert (await served.house.person("nina")).groups == frozenset()


async def test_the_browser_holds_cookies_that_no_page_of_another_can_use(served: Served, idp: IdentityProvider) -> None:
    says(idp, "sub-nina", "nina")
    async with served.client() as browser:
        page = await browser.get("/login")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert f"form-action 'self' {idp.issuer}" in policy
        assert "frame-ancestors 'none'" in policy
        assert "<script" not in page.text
        assert not re.search(r'(?:src|href|action)="(?!/)', page.text)
        taken = await at_the_provider(idp, await to_the_provider(browser), "sub-nina")
        answer = await browser.get("/login/callback", params=taken)
        cookies = answer.headers.get_list("set-cookie")
        [given] = [cookie for cookie in cookies if cookie.startswith(f"{SESSION}=pgw_")]
        for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
            assert word in given
        assert "Domain" not in given
        # The API does not look at cookies, and the cookie's secret is no bearer's.
        assert (await browser.get("/v1/whoami")).status_code == 401
        secret = browser.cookies[SESSION]
    async with served.client(credential=secret) as client:
        assert (await client.get("/v1/whoami")).status_code == 401


async def test_a_way_back_works_once_and_in_the_browser_that_left(served: Served, idp: IdentityProvider) -> None:
    says(idp, "sub-nina", "nina")
    async with served.client() as victim, served.client() as attacker:
        taken = await at_the_provider(idp, await to_the_provider(attacker), "sub-nina")
        await victim.get("/login")
        # Somebody else's way back would sign the victim in as the attacker.
        stolen = await victim.get("/login/callback", params=taken)
        assert (stolen.status_code, SESSION in victim.cookies) == (401, False)
        assert (await attacker.get("/login/callback", params=taken)).status_code == 401
        taken = await at_the_provider(idp, await to_the_provider(attacker), "sub-nina")
        for wrong in (taken | {"state": "x" * 43}, {"code": taken["code"]}, taken | {"iss": "https://evil.test"}):
            assert (await attacker.get("/login/callback", params=wrong)).status_code == 401
    assert served.house.recorded().count("signed-in") == 0


async def test_a_code_of_one_sign_in_is_no_good_in_another(served: Served, idp: IdentityProvider) -> None:
    """PKCE: the provider compares; and were it not to, the nonce would tell."""
    says(idp, "sub-nina", "nina")
    async with served.client() as one, served.client() as other:
        taken_by_one = await at_the_provider(idp, await to_the_provider(one), "sub-nina")
        taken_by_other = await at_the_provider(idp, await to_the_provider(other), "sub-nina")
        mixed = taken_by_other | {"code": taken_by_one["code"]}
        answer = await other.get("/login/callback", params=mixed)
        assert (answer.status_code, "invalid_grant" in answer.text) == (401, True)
        again = await at_the_provider(idp, await to_the_provider(other), "sub-nina")
        idp_challenges = idp._challenges
        idp_challenges[taken_by_one["code"]] = idp_challenges[again["code"]]
        answer = await other.get("/login/callback", params=again | {"code": taken_by_one["code"]})
        assert (answer.status_code, "of another sign-in" in answer.text) == (401, True)


async def test_who_stays_away_too_long_begins_again(served: Served, idp: IdentityProvider) -> None:
    says(idp, "sub-nina", "nina")
    async with served.client() as browser:
        taken = await at_the_provider(idp, await to_the_provider(browser), "sub-nina")
        served.house.clock.move(minutes=10)
        assert (await browser.get("/login/callback", params=taken)).status_code == 401


#: What the provider says of somebody, and why that does not let them in.
NOT_LET_IN = {
    "the name of somebody who is here": ({"name": "adam"}, "not linked to you"),
    "a name that is none": ({"name": "../../root"}, "no name here"),
    "no name": ({"name": ""}, "no name here"),
    "an address elsewhere": ({"name": "olga", "email": "olga@example.com"}, "no verified e-mail address"),
    "an address that is ours in part": ({"name": "olga", "email": "olga@evil-example.org"}, "no verified"),
    "an address that nobody verified": ({"name": "olga", "email_verified": False}, "no verified"),
    "an address that is verified in words": ({"name": "olga", "email_verified": "true"}, "no verified"),
}


@pytest.mark.parametrize("case", NOT_LET_IN)
async def test_what_the_provider_says_is_not_enough(served: Served, idp: IdentityProvider, case: str) -> None:
    said, why = NOT_LET_IN[case]
    before = {one.name for one in await served.house.store.people()}
    says(idp, f"sub-{abs(hash(case))}", **said)
    answer = await arrive(served, idp, f"sub-{abs(hash(case))}")
    assert (answer.status_code, why in answer.text) == (403, True)
    assert {one.name for one in await served.house.store.people()} == before
    assert served.house.recorded()[-1] == "sign-in-refused"


async def test_an_administrator_links_and_unlinks(served: Served, idp: IdentityProvider) -> None:
    says(idp, "sub-alice", "alice", "idp-leads")
    assert (await arrive(served, idp, "sub-alice")).status_code == 403
    async with served.client("adam") as admin:
        linked = await admin.post("/v1/people/alice/link", json={"subject": "sub-alice"})
        assert linked.json()["ways"] == ["identity"]
        assert (await admin.post("/v1/people/bob/link", json={"subject": "sub-alice"})).status_code == 409
        assert (await admin.post("/v1/people/alice/link", json={"subject": "another"})).status_code == 409
        page = await arrive(served, idp, "sub-alice")
        assert "<h1>alice</h1>" in page.text
        # Groups that an administrator gave stay.
        assert (await served.house.person("alice")).groups == {"engineers", "leads"}
        await admin.post("/v1/people/alice/lock", json={"reason": "a test"})
        assert (await arrive(served, idp, "sub-alice")).status_code == 403
        await admin.post("/v1/people/alice/unlock")
        assert (await admin.post("/v1/people/alice/unlink")).json()["ways"] == []
    assert (await arrive(served, idp, "sub-alice")).status_code == 403
    async with served.house.front.sign_ins.store.change() as change:
        # The same subject of another issuer is somebody else.
        assert await change.bind(Identity("https://other.test", "sub-alice"), "bob", served.house.clock())
    assert (await arrive(served, idp, "sub-alice")).status_code == 403


async def test_another_device_confirms(served: Served, idp: IdentityProvider) -> None:
    says(idp, "sub-nina", "nina", "idp-leads")
    async with served.client() as client:
        assert (await client.get("/v1/sign-in")).json() == {
            "password": True,
            "provider": "your company",
            "device": True,
        }
        began = (await client.post("/v1/sign-in/device")).json()
        assert began["address"] == f"{idp.issuer}/activate"
        wait = {"device": began["device"]}
        assert (await client.post("/v1/sign-in/device/wait", json=wait)).json() == {"signed_in": None}
        assert (await client.post("/v1/sign-in/device/wait", json={"device": "x" * 43})).status_code == 401
        idp.confirm(began["user_code"], "sub-nina")
        got = (await client.post("/v1/sign-in/device/wait", json=wait)).json()["signed_in"]
        assert (got["name"], got["groups"]) == ("nina", ["leads"])
        assert (await client.post("/v1/sign-in/device/wait", json=wait)).status_code == 401
    async with served.client(credential=got["secret"]) as nina:
        assert (await nina.get("/v1/whoami")).json()["name"] == "nina"
    kept = b"".join(path.read_bytes() for path in served.folder.glob("store.db*"))
    assert began["device"].encode() not in kept


async def test_the_command_line_waits_for_the_other_device(served: Served, idp: IdentityProvider) -> None:
    says(idp, "sub-nina", "nina")
    environment = {**os.environ, "PGCURFEW_HOME": str(served.folder / "home"), "NO_PROXY": "localhost"}
    command = (str(Path(sys.executable).with_name("pgcurfew")), "login", "--device", "--json")
    process = await asyncio.create_subprocess_exec(
        *command,
        "--api",
        served.url,
        "--ca",
        str(served.ca),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    shown = (await asyncio.wait_for(process.stderr.readline(), 30)).decode()
    found = re.search(r"confirm at (\S+) with the code (\w+)", shown)
    assert found is not None, shown
    assert found[1] == f"{idp.issuer}/activate"
    idp.confirm(found[2], "sub-nina")
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    assert json.loads(out)["name"] == "nina"
    assert "pgs_" not in shown + out.decode()
    assert tomllib.loads((served.folder / "home" / "login.toml").read_text())["name"] == "nina"


async def test_no_page_takes_a_form_from_elsewhere(served: Served, idp: IdentityProvider) -> None:
    says(idp, "sub-nina", "nina")
    async with served.client() as browser, served.client() as other:
        taken = await at_the_provider(idp, await to_the_provider(browser), "sub-nina")
        await browser.get("/login/callback", params=taken)
        foreign = csrf(await other.get("/login"))
        for form in ({"name": "nina"}, {"csrf": ""}, {"csrf": foreign}, {"csrf": "é"}):
            for path in ("/logout", "/sign-ins/end", "/login", "/login/provider"):
                assert (await browser.post(path, data=form)).status_code == 403
        token = csrf(await browser.get("/"))
        crossed = await browser.post("/logout", data={"csrf": token}, headers={"Sec-Fetch-Site": "cross-site"})
        assert crossed.status_code == 403
        typed = await browser.post("/logout", content=f"csrf={token}", headers={"Content-Type": "text/plain"})
        assert typed.status_code == 415
        too_large = await browser.post("/logout", data={"csrf": token, "x": "x" * 40_000})
        assert too_large.status_code == 413
        assert (await browser.get("/")).status_code == 200
        assert (await browser.post("/logout", data={"csrf": token})).headers["location"] == "/login"
        assert (await browser.get("/")).headers["location"] == "/login"


async def test_a_cookie_from_before_the_sign_in_is_not_the_one_after(served: Served, idp: IdentityProvider) -> None:
    """Session fixation: what somebody planted beforehand never becomes good."""
    says(idp, "sub-nina", "nina")
    async with served.client() as browser:
        planted = "pgw_" + "A" * 43
        browser.cookies.set(SESSION, planted, domain="localhost.local", path="/")
        visitor = "V" * 43
        browser.cookies.set(VISITOR, visitor, domain="localhost.local", path="/")
        taken = await at_the_provider(idp, await to_the_provider(browser), "sub-nina")
        answer = await browser.get("/login/callback", params=taken)
        assert answer.status_code == 303
        assert planted not in str(answer.headers.get_list("set-cookie"))
    async with served.client() as attacker:
        for value in (planted, visitor):
            answer = await attacker.get("/", headers={"Cookie": f"{SESSION}={value}"})
            assert answer.headers["location"] == "/login"


async def test_nothing_that_comes_in_says_where_to_go(served: Served, idp: IdentityProvider) -> None:
    says(idp, "sub-nina", "nina")
    async with served.client() as browser:
        page = await browser.get("/login?next=https://evil.test&redirect_uri=//evil.test")
        assert "evil" not in page.text
        sent = await browser.post("/login/provider?next=//evil.test", data={"csrf": csrf(page), "next": "//evil.test"})
        assert urlsplit(sent.headers["location"]).netloc == urlsplit(idp.issuer).netloc
        assert "evil" not in sent.headers["location"]
        taken = await at_the_provider(idp, sent.headers["location"], "sub-nina")
        back = await browser.get("/login/callback", params=taken | {"next": "https://evil.test"})
        assert back.headers["location"] == "/"
        said = await browser.get("/login/callback", params={"error": "<script>alert(1)</script>", "state": "x"})
        assert "<script>" not in said.text


async def test_strangers_do_not_fill_the_record_at_the_way_back(served: Served, idp: IdentityProvider) -> None:
    says(idp, "sub-nina", "nina")
    async with served.client() as browser:
        taken = await at_the_provider(idp, await to_the_provider(browser), "sub-nina")
        for query in ({"error": "access_denied", "state": "x"}, {"code": "x", "state": "x"}):
            statuses = [(await browser.get("/login/callback", params=query)).status_code for _ in range(40)]
            assert statuses[-1] == 429, statuses
        assert served.house.recorded().count("sign-in-refused") < 40
        # Who was at the provider already comes in: they were counted when they left.
        assert (await browser.get("/login/callback", params=taken)).headers["location"] == "/"


async def test_a_browser_signs_in_by_password(served: Served) -> None:
    from tests.gateway.test_sign_in import PASSWORD, enrol

    alice = await enrol(served)
    async with served.client() as browser:
        page = await browser.get("/login")
        form = {"csrf": csrf(page), "name": "alice", "password": "wrong " + PASSWORD, "code": alice.code()}
        wrong = await browser.post("/login", data=form)
        assert (wrong.status_code, "is wrong" in wrong.text, PASSWORD in wrong.text) == (401, True, False)
        answer = await browser.post("/login", data=form | {"password": PASSWORD})
        assert answer.headers["location"] == "/"
        home = await browser.get("/")
        assert "<h1>alice</h1>" in home.text
        [other] = re.findall(r'name="id" value="(sin_\w+)"', home.text)
        assert (await browser.post("/sign-ins/end", data={"csrf": csrf(home), "id": other})).status_code == 303
    async with served.client(credential=alice.bearer) as ended:
        assert (await ended.get("/v1/whoami")).status_code == 401


async def test_a_provider_that_is_away_is_said_to_be(tmp_path: Path, idp: IdentityProvider) -> None:
    oidc = Oidc(issuer="https://localhost:1", client_id="gate", ca=idp.ca)
    async with (
        House.open(tmp_path / "store.db", oidc=oidc) as house,
        serving(house, tmp_path) as served,
        served.client() as browser,
    ):
        page = await browser.get("/login")
        sent = await browser.post("/login/provider", data={"csrf": csrf(page)})
        assert (sent.status_code, "cannot be reached" in sent.text) == (503, True)
        assert (await browser.get("/v1/sign-in")).json()["device"] is False
