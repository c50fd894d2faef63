"""People sign in by password and code, over a real socket: what opens, what does not, and what is kept of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.store import Store
from gateway.access import totp
from gateway.access.lockout import BY_ADDRESS, BY_PERSON, Attempts
from gateway.access.sign_in_models import Kind
from tests.support.access import START, House, Served, serving

PASSWORD = "correct horse battery staple"


@dataclass
class Enrolled:
    """Somebody with a password and an authenticator."""

    served: Served
    name: str
    secret: bytes
    recovery: list[str]
    bearer: str

    def code(self, *, steps: int = 0) -> str:
        at = self.served.house.clock() + timedelta(seconds=steps * totp.STEP_SECONDS)
        return totp.code_at(self.secret, at.timestamp())

    def body(self, **changed: str) -> dict[str, str]:
        return {"name": self.name, "password": PASSWORD, "code": self.code(), **changed}

    def later(self) -> None:
        """Let the next code come."""
        self.served.house.clock.move(seconds=totp.STEP_SECONDS)


@pytest.fixture
async def served(store: Store, tmp_path: Path) -> AsyncIterator[Served]:
    async with House.open(store) as house:
        await house.populate()
        async with serving(house, tmp_path) as api:
            yield api


async def enrol(served: Served, name: str = "alice") -> Enrolled:
    async with served.client("adam") as admin, served.client() as nobody:
        invited = (await admin.post(f"/v1/people/{name}/invite")).json()
        invitation = invited["invitation"]
        offered = (await nobody.post("/v1/enrol/begin", json={"invitation": invitation})).json()
        assert offered["otpauth"].startswith(f"otpauth://totp/pgcurfew:{name}?secret={offered['secret']}&")
        import base64

        secret = base64.b32decode(offered["secret"])
        code = totp.code_at(secret, served.house.clock().timestamp())
        body = {"invitation": invitation, "password": PASSWORD, "code": code}
        answer = await nobody.post("/v1/enrol", json=body)
        assert answer.status_code == 201, answer.text
        found = Enrolled(served, name, secret, answer.json()["recovery"], answer.json()["secret"])
        # Once.
        found.later()
        again = await nobody.post("/v1/enrol", json=body | {"code": found.code()})
        assert (again.status_code, again.json()["cause"]) == (401, "invitation")
        return found


@pytest.fixture
async def alice(served: Served) -> Enrolled:
    return await enrol(served)


async def sign_in(served: Served, body: dict[str, Any]) -> httpx.Response:
    async with served.client() as nobody:
        return await nobody.post("/v1/sign-in", json=body)


async def whoami(served: Served, secret: str) -> int:
    async with served.client(credential=secret) as client:
        return (await client.get("/v1/whoami")).status_code


async def test_password_and_code_open_the_api_until_one_signs_out(served: Served, alice: Enrolled) -> None:
    answer = await sign_in(served, alice.body())
    assert answer.status_code == 201
    signed_in = answer.json()
    assert (signed_in["name"], signed_in["groups"]) == ("alice", ["engineers"])
    async with served.client(credential=signed_in["secret"]) as client:
        assert (await client.get("/v1/whoami")).json()["name"] == "alice"
        listed = (await client.get("/v1/sign-ins")).json()["sign_ins"]
        assert {(one["how"], one["client"]) for one in listed} == {
            ("password", "127.0.0.1"),
            ("invitation", "127.0.0.1"),
        }
        assert (await client.post("/v1/sign-out")).status_code == 200
        assert (await client.get("/v1/whoami")).status_code == 401
    assert await whoami(served, alice.bearer) == 200
    assert "signed-out" in served.house.recorded()


async def test_nothing_that_opens_a_door_is_kept_or_recorded(served: Served, alice: Enrolled) -> None:
    signed_in = (await sign_in(served, alice.body())).json()
    await sign_in(served, alice.body(name="hunter2-typed-as-name"))
    kept = b"".join(path.read_bytes() for path in served.folder.glob("store.db*"))
    said = repr(served.house.facts)
    for secret in (PASSWORD, signed_in["secret"], alice.bearer, totp.as_text(alice.secret), *alice.recovery):
        assert secret.encode() not in kept
        assert secret not in said
    assert alice.secret not in kept
    assert "hunter2" not in said


async def test_a_code_opens_once_and_within_its_window(served: Served, alice: Enrolled) -> None:
    body = alice.body()
    assert (await sign_in(served, body)).status_code == 201
    assert (await sign_in(served, body)).status_code == 401
    # An earlier code is as dead as the one that was used.
    assert (await sign_in(served, alice.body(code=alice.code(steps=-1)))).status_code == 401
    assert (await sign_in(served, alice.body(code=alice.code(steps=1)))).status_code == 201
    alice.later()
    served.house.clock.move(seconds=5 * totp.STEP_SECONDS)
    for steps in (-2, 2):
        assert (await sign_in(served, alice.body(code=alice.code(steps=steps)))).status_code == 401
    assert (await sign_in(served, alice.body(code=alice.code(steps=-1)))).status_code == 201


async def test_the_same_code_twice_at_once_opens_once(served: Served, alice: Enrolled) -> None:
    body = alice.body()
    answers = await asyncio.gather(*(sign_in(served, body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401]


async def test_a_recovery_code_stands_in_once(served: Served, alice: Enrolled) -> None:
    first = alice.recovery[0].upper().replace("-", " ")
    assert (await sign_in(served, alice.body(code=first))).status_code == 201
    assert (await sign_in(served, alice.body(code=alice.recovery[0]))).status_code == 401
    assert (await sign_in(served, alice.body(code=alice.recovery[1], password="wrong " + PASSWORD))).status_code == 401
    assert (await sign_in(served, alice.body(code=alice.recovery[1]))).status_code == 201


#: What is wrong, and with which body; "alice" has a login, "erin" has none, "nobody" is nobody.
WRONG = {
    "the password": {"password": "correct horse battery stable"},
    "the code": {"code": "000000"},
    "a person without a login": {"name": "erin"},
    "nobody": {"name": "nobody"},
    "a name that cannot be": {"name": "' OR 1=1 --"},
    "a code of other digits": {"code": "１２３４５６"},
    "half a character": {"password": "\ud800 and more"},
}


async def test_whatever_is_wrong_the_answer_and_the_work_are_the_same(served: Served, alice: Enrolled) -> None:
    passwords = served.house.front.sign_ins.passwords
    answers = set()
    for changed in WRONG.values():
        before = passwords.computed
        async with served.client() as nobody:
            content = json.dumps(alice.body(**changed))
            answer = await nobody.post("/v1/sign-in", content=content, headers={"Content-Type": "application/json"})
        if answer.status_code == 422:  # not even text
            continue
        answers.add((answer.status_code, answer.text))
        assert passwords.computed == before + 1
    assert len(answers) == 1
    assert {status for status, _ in answers} == {401}


async def test_guessing_shuts_the_door_for_known_and_unknown_names_alike(served: Served, alice: Enrolled) -> None:
    async def guess(name: str) -> tuple[int, str]:
        answer = await sign_in(served, alice.body(name=name, password="a wrong one"))
        return answer.status_code, answer.json().get("hint", "")

    said = {}
    for name in ("alice", "nobody"):
        said[name] = [await guess(name) for _ in range(BY_PERSON.free + 2)]
    assert said["alice"] == said["nobody"]
    assert [status for status, _ in said["alice"]] == [401] * (BY_PERSON.free + 1) + [429]
    # The right password does not open a door that is shut, and nothing is hashed there.
    computed = served.house.front.sign_ins.passwords.computed
    shut = await sign_in(served, alice.body())
    assert (shut.status_code, shut.headers["retry-after"]) == (429, "1")
    assert served.house.front.sign_ins.passwords.computed == computed
    served.house.clock.move(seconds=1)
    assert (await sign_in(served, alice.body())).status_code == 201
    # What opened forgives: five more are free again.
    assert [(await guess("alice"))[0] for _ in range(BY_PERSON.free)] == [401] * BY_PERSON.free


async def test_a_shut_door_stays_shut_across_a_restart(
    served: Served, alice: Enrolled, store: Store, tmp_path: Path
) -> None:
    for _ in range(BY_PERSON.free + 1):
        await sign_in(served, alice.body(code="000000"))
    async with House.open(store) as again, serving(again, _folder(tmp_path / "again")) as other:
        again.clock.now = served.house.clock.now
        assert (await sign_in(other, alice.body())).status_code == 429


async def test_an_administrator_opens_a_shut_door(served: Served, alice: Enrolled) -> None:
    for _ in range(BY_PERSON.free + 2):
        await sign_in(served, alice.body(code="000000"))
    async with served.client("adam") as admin:
        assert (await admin.post("/v1/people/alice/lock", json={"reason": "guessed at"})).status_code == 200
        assert (await admin.post("/v1/people/alice/unlock")).status_code == 200
    assert (await sign_in(served, alice.body())).status_code == 201


def test_each_failure_beyond_the_free_ones_shuts_for_twice_as_long() -> None:
    now, attempts, waits = START, None, []
    for _ in range(20):
        attempts = BY_PERSON.after_one_more(attempts, now)
        waits.append(attempts.shut_for(now))
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900]
    long_ago = Attempts(1000, now - timedelta(hours=24), now)
    assert BY_ADDRESS.after_one_more(long_ago, now).failures == 1


async def test_one_address_that_tries_many_names_is_shut_out(served: Served, alice: Enrolled) -> None:
    async with served.client() as nobody:
        for number in range(BY_ADDRESS.free + 2):
            last = await nobody.post("/v1/sign-in", json=alice.body(name=f"guess{number}"))
    assert last.status_code == 429
    assert "too many failures" in served.house.facts[-1].reason


async def test_a_sign_in_is_over_at_its_second(served: Served, alice: Enrolled) -> None:
    signed_in = (await sign_in(served, alice.body())).json()
    life = served.house.front.sign_ins.terms.session
    served.house.clock.move(seconds=life.total_seconds() - 1)
    assert await whoami(served, signed_in["secret"]) == 200
    served.house.clock.move(seconds=1)
    assert await whoami(served, signed_in["secret"]) == 401


async def test_locking_ends_sign_ins_for_good(served: Served, alice: Enrolled) -> None:
    signed_in = (await sign_in(served, alice.body())).json()
    async with served.client("adam") as admin:
        await admin.post("/v1/people/alice/lock", json={"reason": "lost the laptop"})
        alice.later()
        refused = await sign_in(served, alice.body())
        assert (refused.status_code, refused.json()["cause"]) == (403, "person-locked")
        wrong = await sign_in(served, alice.body(code="000000"))
        assert (wrong.status_code, wrong.json()["cause"]) == (401, "sign-in")
        await admin.post("/v1/people/alice/unlock")
    assert await whoami(served, signed_in["secret"]) == 401
    alice.later()
    assert (await sign_in(served, alice.body())).status_code == 201


async def test_a_reset_voids_everything_and_invites(served: Served, alice: Enrolled) -> None:
    async with served.client("adam") as admin, served.client() as nobody:
        invited = (await admin.post("/v1/people/alice/reset")).json()
        assert await whoami(served, alice.bearer) == 401
        assert (await sign_in(served, alice.body())).status_code == 401
        assert (await sign_in(served, alice.body(code=alice.recovery[2]))).status_code == 401
        # A newer invitation voids the older one.
        newer = (await admin.post("/v1/people/alice/invite")).json()
        body = {"invitation": invited["invitation"]}
        assert (await nobody.post("/v1/enrol/begin", json=body)).status_code == 401
        served.house.clock.move(hours=24)
        body = {"invitation": newer["invitation"]}
        assert (await nobody.post("/v1/enrol/begin", json=body)).status_code == 401


async def test_a_weak_password_is_not_taken(served: Served) -> None:
    async with served.client("adam") as admin, served.client() as nobody:
        invitation = (await admin.post("/v1/people/alice/invite")).json()["invitation"]
        await nobody.post("/v1/enrol/begin", json={"invitation": invitation})
        for password in ("short", "alice alice alice", "aaaaaaaaaaaaaaaa", "pgcurfew-password", "x" * 300):
            body = {"invitation": invitation, "password": password, "code": "000000"}
            answer = await nobody.post("/v1/enrol", json=body)
            assert (answer.status_code, answer.json()["cause"]) == (422, "password")
            assert password not in answer.text


async def test_a_secret_opens_the_door_that_it_was_made_for_and_no_other(served: Served, alice: Enrolled) -> None:
    sign_ins = served.house.front.sign_ins
    from gateway.access.sign_in import From

    async with sign_ins.store.change() as change:
        web = await sign_ins.open(change, await change.person("alice"), Kind.WEB, how="password", came=From("x", "x"))  # type: ignore[arg-type]
    assert await whoami(served, web.secret) == 401
    assert await whoami(served, web.secret.replace("pgw_", "pgs_")) == 401
    async with served.client() as client:
        for name in ("__Host-pgcurfew", "pgcurfew", "Authorization"):
            answer = await client.get("/v1/whoami", headers={"Cookie": f"{name}={alice.bearer}"})
            assert answer.status_code == 401
    grant = await served.house.token("alice")
    assert await whoami(served, grant) == 401
    assert await whoami(served, "pgs_" + "a" * 20_000) == 401


async def test_a_service_account_has_short_tokens_within_their_scopes(served: Served) -> None:
    await served.house.add_service("robot")
    async with served.client("adam") as admin, served.client("robot") as robot:
        made = await admin.post("/v1/people/robot/token", json={"seconds": 3600, "scopes": ["see"]})
        assert made.status_code == 201
        token = made.json()["secret"]
        async with served.client(credential=token) as limited:
            assert (await limited.get("/v1/whoami")).json()["name"] == "robot"
            assert (await limited.get("/v1/grants")).status_code == 200
            ask = {"target": "shop", "role": "support", "reason": "ticket 4711: nightly run", "seconds": 60}
            for path, body in {"requests": ask, "people/robot/token": {"seconds": 60, "scopes": ["see"]}}.items():
                beyond = await limited.post(f"/v1/{path}", json=body)
                assert (beyond.status_code, beyond.json()["cause"]) == (403, "scope")
            assert (await limited.get("/v1/people")).json()["cause"] == "scope"
            # It ends itself, and no other token of the account.
            for path in ("people/robot/sign-out", "sign-ins/sin_other/end"):
                assert (await limited.post(f"/v1/{path}")).json()["cause"] == "scope"
        wide = await robot.post("/v1/people/robot/token", json={"seconds": 60, "scopes": ["see", "request"]})
        async with served.client(credential=wide.json()["secret"]) as asking:
            assert (await asking.post("/v1/requests", json=ask)).status_code == 201
        for scopes in ([], ["admin"], ["see", "decide"], ["everything"]):
            answer = await admin.post("/v1/people/robot/token", json={"seconds": 60, "scopes": scopes})
            assert answer.status_code == 422
        too_long = await admin.post("/v1/people/robot/token", json={"seconds": 86_401, "scopes": ["see"]})
        assert too_long.status_code == 422
        not_a_service = await admin.post("/v1/people/alice/token", json={"seconds": 60, "scopes": ["see"]})
        assert not_a_service.status_code == 409
        assert (await admin.post("/v1/people/robot/invite")).status_code == 409
        assert (await admin.post("/v1/people/robot/groups", json={"groups": ["admins"]})).status_code == 422
        served.house.clock.move(hours=1)
        assert await whoami(served, token) == 401


async def test_two_accounts_of_one_human_are_one_human(served: Served) -> None:
    async with served.client("adam") as admin:
        added = await admin.post("/v1/people", json={"name": "alice-lead", "groups": ["leads"], "identity": "alice"})
        assert (added.status_code, added.json()["identity"]) == (201, "alice")
    assert (await served.house.person("alice-lead")).human == (await served.house.person("alice")).human


async def test_every_change_to_people_is_recorded_or_does_not_happen(served: Served) -> None:
    from gateway.audit.journal import RecordUnavailable

    async with served.client("adam") as admin:
        assert (await admin.get("/v1/people")).status_code == 200

        def full(fact: object) -> None:
            raise RecordUnavailable("no space left")

        served.house.front.sign_ins.record = full
        for path, body in {
            "people": {"name": "zoe"},
            "people/alice/groups": {"groups": []},
            "people/alice/reset": {},
            "people/alice/invite": {},
        }.items():
            assert (await admin.post(f"/v1/{path}", json=body)).status_code == 503
        assert "zoe" not in {one["name"] for one in (await admin.get("/v1/people")).json()["people"]}
    [row] = await served.house.database.read("SELECT count(*) AS invited FROM invitations")
    assert row["invited"] == 0


def test_a_second_factor_is_sealed_to_its_person_and_key() -> None:
    box = totp.SecretBox(b"k" * 32)
    sealed = box.seal("alice", b"s" * 20, b"n" * 12)
    assert box.open("alice", sealed) == b"s" * 20
    assert box.open("bob", sealed) is None
    assert totp.SecretBox(b"o" * 32).open("alice", sealed) is None


#: RFC 6238, appendix B (SHA-1), the last six of its eight digits.
VECTORS = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}


@pytest.mark.parametrize("seconds", VECTORS)
def test_codes_are_those_of_the_rfc(seconds: int) -> None:
    secret = b"12345678901234567890"
    assert totp.code_at(secret, seconds) == VECTORS[seconds]
    step = seconds // 30
    assert totp.matching_step(secret, VECTORS[seconds], seconds, after=step - 2) == step
    assert totp.matching_step(secret, VECTORS[seconds], seconds, after=step) is None


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
