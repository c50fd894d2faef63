"""How people sign in, kept on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from config.store import Store
from gateway.access.lockout import BY_PERSON
from gateway.access.models import Person
from gateway.access.scopes import Scope
from gateway.access.sign_in_models import Identity, Invitation, Kind, LocalLogin, PendingSignIn, SignIn
from gateway.storage.opening import open_database
from gateway.storage.sign_in_store import StoredSignIns

NOW = datetime(2026, 11, 23, 12, 0, 0, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DIGEST = "0" * 64
OTHER = "1" * 64
SUBJECT = Identity("https://idp.test", "sub-1")


async def test_what_is_kept_comes_back_and_goes(store: Store) -> None:
    database = await open_database(store)
    try:
        kept = StoredSignIns(database)
        async with kept.change() as change:
            await change.add_person(Person("ann", frozenset({"leads"}), identity="anna"), b"a" * 32)
            await change.add_person(Person("robot", frozenset(), service=True), b"b" * 32)
            login = LocalLogin("ann", "$argon2id$v=19$", "sealed", 7)
            await change.put_local_login(login, [DIGEST, OTHER])
            assert not await change.use_step("ann", 7)
            assert await change.use_step("ann", 8)
            assert await change.use_recovery_code("ann", OTHER)
            assert not await change.use_recovery_code("ann", OTHER)
        assert await kept.local_login("ann") == LocalLogin("ann", "$argon2id$v=19$", "sealed", 8)
        assert await kept.person("ann") == Person("ann", frozenset({"leads"}), identity="anna")
        assert await kept.person("robot") == Person("robot", frozenset(), service=True)

        sign_in = SignIn(
            "sin_1", "ann", Kind.WEB, frozenset({Scope.SEE, Scope.CONNECT}), "oidc", "::1", NOW, NOW + HOUR
        )
        async with kept.change() as change:
            await change.add_sign_in(DIGEST, sign_in)
        found = await kept.sign_in(DIGEST, frozenset({Kind.WEB}), NOW)
        assert found is not None
        assert found[0] == sign_in
        assert await kept.sign_in(DIGEST, frozenset({Kind.CLI, Kind.SERVICE}), NOW) is None
        assert await kept.sign_in(DIGEST, frozenset({Kind.WEB}), NOW + HOUR) is None
        assert await kept.sign_ins("ann", NOW) == (sign_in,)
        async with kept.change() as change:
            assert await change.end_sign_in("sin_1")
            assert not await change.end_sign_in("sin_1")
            await change.add_sign_in(DIGEST, sign_in)
            assert await change.set_locked("ann", True)
            assert await change.set_locked("ann", False)
            assert await change.sign_ins("ann", NOW) == ()

            await change.put_invitation(DIGEST, Invitation("ann", "adam", NOW + HOUR))
            await change.put_invitation(OTHER, Invitation("ann", "adam", NOW + HOUR))
            assert await change.invitation(DIGEST, NOW) is None
            assert await change.offer(OTHER, "sealed")
        assert await kept.invitation(OTHER, NOW) == Invitation("ann", "adam", NOW + HOUR, "sealed")
        assert await kept.invitation(OTHER, NOW + HOUR) is None

        attempts = BY_PERSON.after_one_more(None, NOW)
        async with kept.change() as change:
            assert await change.use_invitation(OTHER)
            for _ in range(2):
                await change.put_attempts("person:ann", attempts)
                attempts = BY_PERSON.after_one_more(attempts, NOW)
            assert await change.bind(SUBJECT, "ann", NOW)
            assert not await change.bind(SUBJECT, "robot", NOW)
            assert not await change.bind(Identity("https://idp.test", "sub-2"), "ann", NOW)
            await change.put_pending(DIGEST, PendingSignIn("code", "x", {"nonce": "n"}, NOW + HOUR))
            assert await change.take_pending(DIGEST, "device", NOW) is None
            assert await change.take_pending(DIGEST, "code", NOW + HOUR) is None
            taken = await change.take_pending(DIGEST, "code", NOW)
            assert taken == PendingSignIn("code", "x", {"nonce": "n"}, NOW + HOUR)
            assert await change.take_pending(DIGEST, "code", NOW) is None
        counted = await kept.attempts("person:ann")
        assert counted is not None
        assert counted.failures == 2
        person = await kept.person_of(SUBJECT)
        assert person is not None
        assert person.name == "ann"
        assert await kept.identities("ann") == (SUBJECT,)
        assert await kept.ways() == {"ann": frozenset({"password", "identity"})}
        async with kept.change() as change:
            assert await change.unbind("ann") == 1
            assert await change.drop_local_login("ann")
            await change.tidy_sign_ins(NOW + timedelta(days=2))
        assert await kept.attempts("person:ann") is None
        assert await kept.ways() == {}
    finally:
        await database.close()
