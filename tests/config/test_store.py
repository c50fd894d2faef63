"""Where the store is: one of two, read strictly, and never with a password in it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from config.store import Store, StoreAddress, store_address

READ = [
    ("postgresql://me@db/store", StoreAddress(("db",), (5432,), "me", "store")),
    ("postgres://me@db:6000/store", StoreAddress(("db",), (6000,), "me", "store")),
    ("postgresql://me@[::1]:6000/s", StoreAddress(("::1",), (6000,), "me", "s")),
    ("postgresql://me@[::1]/s", StoreAddress(("::1",), (5432,), "me", "s")),
    ("postgresql://me@a:1,b/s", StoreAddress(("a", "b"), (1, 5432), "me", "s")),
    ("postgresql://m%40e@/s?host=/run/pg", StoreAddress(("/run/pg",), (5432,), "m@e", "s")),
]
REFUSED = [
    ("sqlite:///x", "postgresql://"),
    ("postgresql://me:hunter2@db/store", "by reference"),
    ("postgresql://db/store", "a login"),
    ("postgresql://me@db", "a database"),
    ("postgresql://me@db/store?sslmode=disable", "sslmode does not stand"),
    ("postgresql://me@db:0/store", "port"),
    ("postgresql://me@db/store?host=/run", "Unix socket"),
    ("postgresql://me@[::1/store", "postgresql://"),
]


@pytest.mark.parametrize(("url", "address"), READ)
def test_an_address_is_read(url: str, address: StoreAddress) -> None:
    assert store_address(url) == address


@pytest.mark.parametrize(("url", "why"), REFUSED)
def test_what_is_wrong_with_an_address_is_said(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        store_address(url)
    assert "hunter2" not in str(caught.value)


def test_the_store_is_one_of_the_two() -> None:
    for given in ({}, {"path": "x", "url": "postgresql://me@db/store"}):
        with pytest.raises(ValidationError, match="either path"):
            Store.model_validate(given)
    with pytest.raises(ValidationError, match="belongs to url"):
        Store.model_validate({"path": "x", "password": "env:X"})
    with pytest.raises(ValidationError, match="go together"):
        Store.model_validate({"url": "postgresql://me@db/store", "sslcert": "x"})
    with pytest.raises(ValidationError, match="everybody"):
        Store.model_validate({"url": "postgresql://me@db/store", "sslmode": "verify-ca"})
