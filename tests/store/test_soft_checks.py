"""Frozen against open orders, and finished orders against their deals, on both databases."""

from decimal import Decimal

from reconciler.domain.facts import Fact, Market
from reconciler.domain.moments import SECOND
from reconciler.domain.words import Side
from reconciler.inbox import Span
from reconciler.store.engine import Database
from reconciler.store.soft_checks import soft_findings
from tests.store.samples import ACCOUNT, NOON, apply, balance, batch, deal, order, report

MARKET = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")
LATER = NOON + 60 * SECOND


def found(database: Database, *facts: Fact, now: int = LATER) -> list[str]:
    covered = [
        Span(stream=stream, since=NOON - SECOND, until=LATER) for stream in ("deals", "orders")
    ]
    apply(database, batch(MARKET, *facts, spans=covered))
    return soft_findings(database, now=now)[ACCOUNT]


def test_what_open_orders_freeze_is_no_finding(database: Database) -> None:
    selling = order(1, side=Side.SELL)
    reports = report(30 * SECOND, balance("BTC", "1", "0.5"), balance("USDT", "9"))
    assert found(database, selling, reports) == []


def test_more_frozen_than_the_open_orders_account_for_is_one(database: Database) -> None:
    told = report(30 * SECOND, balance("BTC", "1", "0.7"))
    assert found(database, order(1, side=Side.SELL), told) == [
        "0.7 BTC is frozen, but the open orders account for 0.5"
    ]


def test_a_balance_told_amid_a_change_of_orders_is_not_judged(database: Database) -> None:
    told = report(30 * SECOND, balance("BTC", "1", "0.7"))
    changing = order(2, final=True, status="canceled", updated_at=NOON + 32 * SECOND)
    assert found(database, order(1, side=Side.SELL), changing, told) == []


def test_an_order_of_which_a_deal_is_missing_is_one(database: Database) -> None:
    filled = {"filled_amount": Decimal("0.5"), "filled_total": Decimal("20000.25")}
    done = {"final": True, "status": "filled", "remaining": Decimal(0)}
    first = order(10, **filled, **done)
    assert found(database, first, deal(1)) == [
        "order 10 on BTC_USDT says that 0.5 for 20000.25 was filled; "
        "in its deals 0.25 for 10000.125 is missing"
    ]
    assert found(database, deal(2)) == [], "it came"


def test_an_order_that_may_still_be_told_of_is_not_judged(database: Database) -> None:
    late = order(
        10,
        filled_amount=Decimal(1),
        final=True,
        status="filled",
        finished_at=LATER + SECOND,
    )
    assert found(database, late) == []
