from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import inspect

from reconciler.domain.facts import (
    Balance,
    BalanceReport,
    GapNotice,
    Market,
    SessionNotice,
    Unreadable,
)
from reconciler.domain.moments import from_iso
from reconciler.domain.words import Source, Wallet
from reconciler.inbox import Span
from reconciler.store.engine import Database
from reconciler.store.views import VIEWS
from tests.store.samples import (
    NOON,
    apply,
    balance,
    batch,
    deal,
    order,
    report,
    rows,
    transaction,
)


def view(database: Database, name: str) -> list[dict[str, Any]]:
    """Rows in the spelling of SQLite, from either database, by id."""
    with database.reading() as connection:
        found = [
            {key: plain(value) for key, value in row.items()}
            for row in connection.exec_driver_sql(f"SELECT * FROM {name}").mappings()
        ]
    return sorted(found, key=lambda row: row.get("order_id", row.get("id", 0)))


def plain(value: object) -> object:
    if isinstance(value, Decimal):
        assert str(value) == str(value.normalize()) or "E" not in str(value)
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value


def test_every_view_has_exactly_the_columns_that_are_promised(database: Database) -> None:
    with database.reading() as connection:
        inspector = inspect(connection)
        found = {
            name: tuple(column["name"] for column in inspector.get_columns(name))
            for name in inspector.get_view_names()
        }
    assert found == VIEWS


def test_a_deal_shows_its_assets_and_every_digit(database: Database) -> None:
    market = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")
    apply(database, batch(deal(1, fee=Decimal("-0.000000000001")), market))
    assert view(database, "v_deals") == [
        {
            "account": "treasury",
            "deal_id": 1,
            "order_id": 10,
            "market": "BTC_USDT",
            "base_asset": "BTC",
            "quote_asset": "USDT",
            "side": "buy",
            "role": "maker",
            "price": "40000.5",
            "amount": "0.25",
            "total": "10000.125",
            "fee": "-0.000000000001",
            "fee_asset": "USDT",
            "client_order_id": None,
            "executed_at": "2026-01-02T12:00:00.123456Z",
            "source": "stream",
            "day": "2026-01-02",
        }
    ]


def test_a_deal_of_an_unlisted_market_is_shown_without_assets(database: Database) -> None:
    apply(database, batch(deal(1)))
    (row,) = view(database, "v_deals")
    assert (row["base_asset"], row["quote_asset"]) == (None, None)


def test_an_order_takes_its_fee_asset_from_its_deals(database: Database) -> None:
    apply(database, batch(order(10), order(11, fee_asset="WBT"), deal(1), deal(2, order_id=11)))
    assert [row["fee_asset"] for row in view(database, "v_orders")] == ["USDT", "WBT"]


def test_a_finished_order_was_finished_by_its_last_update_unless_a_time_was_printed(
    database: Database,
) -> None:
    later = {"updated_at": NOON + 1}
    apply(
        database,
        batch(
            order(1, **later),
            order(2, final=True, status="filled", **later),
            order(3, final=True, status="filled", finished_at=NOON + 2, **later),
        ),
    )
    assert [row["finished_at"] for row in view(database, "v_orders")] == [
        None,
        "2026-01-02T12:00:00.123457Z",
        "2026-01-02T12:00:00.123458Z",
    ]


def test_open_orders_are_the_ones_that_are_not_final(database: Database) -> None:
    apply(database, batch(order(1), order(2, final=True, status="partially_filled")))
    (row,) = view(database, "v_open_orders")
    assert row["order_id"] == 1
    assert row == view(database, "v_orders")[0]
    assert rows(database, "SELECT order_id FROM v_open_orders WHERE account = 'treasury'") == [(1,)]


def test_balances_and_their_history(database: Database) -> None:
    apply(
        database,
        batch(report(0, balance("BTC", "1.50", "0.5"))),
        batch(report(1, balance("BTC", "2")), source=Source.QUERY),
    )
    latest = {
        "account": "treasury",
        "wallet": "spot",
        "asset": "BTC",
        "available": "2",
        "frozen": "0",
        "borrowed": None,
        "total": "2",
        "observed_at": "2026-01-02T12:00:00.123457Z",
        "source": "query",
    }
    assert view(database, "v_balances") == [latest]
    before, after = view(database, "v_balance_history")
    assert after == {**latest, "id": 2}
    assert (before["available"], before["frozen"], before["total"]) == ("1.5", "0.5", "2")


def test_sessions_coverage_and_quarantine(database: Database) -> None:
    since, until = from_iso("1999-12-31"), from_iso("2000-01-01T00:00:00.000001Z")
    apply(
        database,
        batch(
            SessionNotice(session_id=4, connected_at=NOON, recovered_deals=3),
            Unreadable(stream="deals", reason="no price", excerpt="[1]", received_at=NOON),
            spans=[Span(stream="deals", since=since, until=until)],
        ),
    )
    (session,) = view(database, "v_sessions")
    assert (session["session_id"], session["recovered_deals"]) == (4, 3)
    assert session["connected_at"] == "2026-01-02T12:00:00.123456Z"
    assert session["live_at"] is None
    (span,) = view(database, "v_coverage")
    assert span["covered_from"] == "1999-12-31T00:00:00.000000Z"
    assert span["covered_until"] == "2000-01-01T00:00:00.000001Z"
    (finding,) = view(database, "v_quarantine")
    assert (finding["stream"], finding["reason"], finding["excerpt"]) == (
        "deals",
        "no price",
        "[1]",
    )


def test_collateral_has_a_borrowed_part(database: Database) -> None:
    shown = Balance(
        asset="USDT",
        available=Decimal("41.4684437"),
        frozen=None,
        borrowed=Decimal(7),
        total=Decimal(50),
    )
    apply(
        database,
        batch(
            BalanceReport(
                wallet=Wallet.COLLATERAL, balances=(shown,), complete=True, observed_at=NOON
            )
        ),
    )
    (row,) = view(database, "v_balances")
    assert (row["wallet"], row["borrowed"], row["total"]) == ("collateral", "7", "50")


def test_a_transaction_shows_every_digit_and_its_status(database: Database) -> None:
    apply(database, batch(transaction("0b8c", amount=Decimal(1000), network=None)))
    assert view(database, "v_transactions") == [
        {
            "account": "treasury",
            "transaction_id": "0b8c",
            "kind": "deposit",
            "asset": "USDT",
            "network": None,
            "amount": "1000",
            "fee": "0.000000000001",
            "status": "confirming",
            "created_at": "2026-01-02T12:00:00.123456Z",
            "updated_at": "2026-01-02T12:00:00.123457Z",
        }
    ]


def test_a_gap_shows_its_reason_and_when_it_closed(database: Database) -> None:
    since, until = from_iso("1999-12-31"), from_iso("2000-01-01T00:00:00.000001Z")
    gap = {
        "account": "treasury",
        "stream": "deals",
        "gap_from": "1999-12-31T00:00:00.000000Z",
        "gap_until": "2000-01-01T00:00:00.000001Z",
        "reason": "first start",
    }
    apply(
        database, batch(GapNotice(stream="deals", since=since, until=until, reason="first start"))
    )
    assert view(database, "v_gaps") == [{**gap, "state": "open", "closed_at": None}]
    apply(database, batch(spans=[Span(stream="deals", since=since, until=until)]), now=NOON)
    closed = {**gap, "state": "closed", "closed_at": "2026-01-02T12:00:00.123456Z"}
    assert view(database, "v_gaps") == [closed]
