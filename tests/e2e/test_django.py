"""Django's ORM through the gateway: inspectdb, reading, writing, bulk, server-side cursors."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import django
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connections, models, transaction
from django.db.models import Count, Exists, F, OuterRef, Subquery, Sum, Window
from django.db.models.functions import RowNumber, TruncMonth

from tests.support.gateway import Given, RunningGateway


def database(gateway: RunningGateway, given: Given, **options: Any) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given.target,
        "USER": given.person,
        "PASSWORD": given.token,
        "HOST": "localhost",
        "PORT": gateway.port,
        "OPTIONS": {"sslmode": "verify-full", "sslrootcert": str(gateway.ca_file), **options},
    }


@pytest.fixture(scope="module")
def shop(gateway: RunningGateway) -> Iterator[SimpleNamespace]:
    """Django, set up once, with models over the shop and pgbench's accounts."""
    reading, writing = gateway.give(), gateway.give("bench", target="bench")
    settings.configure(
        DATABASES={
            "default": database(gateway, reading),
            "bound": database(gateway, reading, server_side_binding=True),
            "bench": database(gateway, writing),
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.postgres"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        TIME_ZONE="UTC",
        USE_TZ=True,
    )
    django.setup()
    yield SimpleNamespace(**_models())
    connections.close_all()


def _models() -> dict[str, type[models.Model]]:
    class Customer(models.Model):
        full_name = models.TextField()
        email = models.TextField()
        city = models.TextField()
        segment = models.TextField()
        created_at = models.DateTimeField()

        class Meta:
            app_label, managed, db_table = "contenttypes", False, "customers"

    class Order(models.Model):
        customer = models.ForeignKey(Customer, models.DO_NOTHING)
        status = models.TextField()
        total = models.DecimalField(max_digits=12, decimal_places=2)
        items = models.JSONField()
        placed_at = models.DateTimeField()

        class Meta:
            app_label, managed, db_table = "contenttypes", False, 'sales"."orders'

    class Account(models.Model):
        aid = models.IntegerField(primary_key=True)
        bid = models.IntegerField()
        abalance = models.IntegerField()
        filler = models.CharField(max_length=84, null=True)

        class Meta:
            app_label, managed, db_table = "contenttypes", False, "pgbench_accounts"

    return {"Customer": Customer, "Order": Order, "Account": Account}


def test_inspectdb_writes_models(shop: SimpleNamespace) -> None:
    said = io.StringIO()
    call_command("inspectdb", stdout=said, include_views=True)
    models_of = ("class Customers(", "class CustomerOverview(", "class SupportTickets(")
    for words in (*models_of, "email = models.TextField(unique"):
        assert words in said.getvalue()
    assert "Unable to inspect" not in said.getvalue()


def test_introspection(shop: SimpleNamespace) -> None:
    connection = connections["default"]
    assert "customers" in connection.introspection.table_names()
    with connection.cursor() as cursor:
        assert connection.introspection.get_primary_key_columns(cursor, "customers") == ["id"]
        assert connection.introspection.get_relations(cursor, "support_tickets")["staff_id"] == ("id", "staff")
        assert "customers_email_key" in connection.introspection.get_constraints(cursor, "customers")
        assert connection.introspection.get_sequences(cursor, "customers")[0]["name"] == "customers_id_seq"
    assert connection.is_usable()


@pytest.mark.parametrize("alias", ["default", "bound"])
def test_queries_read_masks(shop: SimpleNamespace, alias: str) -> None:
    customers, orders = shop.Customer.objects.using(alias), shop.Order.objects.using(alias)
    assert "***@" in customers.order_by("id").first().email
    assert customers.filter(city__icontains="mil", created_at__year__gte=2020).exclude(segment="vip").exists()
    assert not customers.filter(email__icontains=customers.count()).exists()
    pairs = [(o.customer.email, o.total) for o in orders.select_related("customer").order_by("id")[:3]]
    assert all("***@" in email for email, _ in pairs)
    assert len(customers.prefetch_related("order_set")[:20]) == 20
    assert {row["status"] for row in orders.values("status").annotate(n=Count("id"), s=Sum("total"))} >= {"paid"}
    assert orders.filter(items__0__isnull=False).exists()
    assert orders.dates("placed_at", "month").count() > 3
    assert customers.filter(city__iregex="^m").exists()
    ranked = orders.annotate(r=Window(RowNumber(), partition_by=["customer"], order_by="placed_at"))
    assert ranked.values_list("r", flat=True)[0] == 1
    last = orders.filter(customer=OuterRef("pk")).order_by("-placed_at").values("total")[:1]
    assert customers.annotate(last=Subquery(last)).filter(last__gt=0).exists()
    assert customers.filter(Exists(orders.filter(customer=OuterRef("pk")))).exists()
    assert orders.filter(pk=1).union(orders.filter(pk=2)).count() == 2
    assert "Index" in orders.filter(pk=1).explain()


def test_truncated_dates(shop: SimpleNamespace) -> None:
    # Not with server-side binding: there PostgreSQL itself sees two different expressions in GROUP BY.
    months = shop.Order.objects.annotate(m=TruncMonth("placed_at")).values("m").annotate(n=Count("id")).order_by("m")
    assert sum(month["n"] for month in months) == shop.Order.objects.count()


def test_an_iterator_is_a_server_side_cursor(shop: SimpleNamespace) -> None:
    assert sum(1 for _ in shop.Order.objects.iterator(chunk_size=100)) == shop.Order.objects.count()


def test_a_lock_that_the_role_may_not_take_leaves_the_connection_usable(shop: SimpleNamespace) -> None:
    with pytest.raises(DatabaseError, match="not permitted"), transaction.atomic():
        shop.Order.objects.select_for_update().get(pk=1)
    assert shop.Order.objects.count() > 0


def test_writes_and_transactions(shop: SimpleNamespace) -> None:
    account, accounts = shop.Account, shop.Account.objects.using("bench")
    mine = accounts.filter(aid__gte=9_000_000)
    with transaction.atomic("bench"):
        accounts.bulk_create([account(aid=9_000_000 + n, bid=1, abalance=n) for n in range(2500)], batch_size=500)
        assert mine.update(abalance=F("abalance") + 1) == 2500
        one = accounts.select_for_update().get(aid=9_000_001)
        one.abalance = 5
        one.save()
        with transaction.atomic("bench"):
            accounts.bulk_update([account(aid=9_000_000 + n, bid=1, abalance=-3) for n in range(100)], ["abalance"])
            assert mine.filter(abalance=-3).count() == 100
            transaction.set_rollback(True, "bench")
        assert mine.filter(abalance=-3).count() == 0
        again = [account(aid=9_000_000, bid=1, abalance=8)]
        accounts.bulk_create(again, update_conflicts=True, unique_fields=["aid"], update_fields=["abalance"])
        accounts.bulk_create(again, ignore_conflicts=True)
        assert accounts.get(aid=9_000_000).abalance == 8
        _, created = accounts.get_or_create(aid=9_900_000, defaults={"bid": 1, "abalance": 0})
        assert created
        assert mine.delete()[0] == 2501
        transaction.set_rollback(True, "bench")


def test_an_integrity_error_is_djangos_own(shop: SimpleNamespace) -> None:
    with transaction.atomic("bench"):
        with pytest.raises(IntegrityError, match="pgbench_accounts_pkey"), transaction.atomic("bench"):
            shop.Account.objects.using("bench").create(aid=1, bid=1, abalance=0)
        assert shop.Account.objects.using("bench").filter(aid=1).count() == 1
