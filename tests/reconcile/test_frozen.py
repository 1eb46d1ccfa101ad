"""What open orders freeze: exact for what is documented, a range for what is not."""

from decimal import Decimal

import pytest

from reconciler.domain.facts import Market
from reconciler.domain.words import Side
from reconciler.reconcile.frozen import Range, finding, plausible
from tests.store.samples import order

MARKETS = {"BTC_USDT": Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")}


def span(least: str, most: str) -> Range:
    return Range(least=Decimal(least), most=Decimal(most))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"side": Side.SELL}, {"BTC": span("0.5", "0.5")}),
        ({"side": Side.SELL, "remaining": Decimal("0.2")}, {"BTC": span("0.2", "0.2")}),
        ({"side": Side.BUY, "price": Decimal(30)}, {"USDT": span("15", "15.015")}),
        ({"type": "stop_limit", "price": Decimal(30)}, {"USDT": span("0", "15.015")}),
        ({"side": Side.SELL, "type": "stop_limit"}, {"BTC": span("0", "0.5")}),
        ({"type": "stop_market", "price": None, "remaining": Decimal(7)}, {"USDT": span("0", "7")}),
        ({"type": "margin_limit"}, {}),
        ({"market": "ETH_USDT"}, {}),
        (
            {"side": Side.SELL, "remaining": None, "filled_amount": Decimal("0.125")},
            {"BTC": span("0.375", "0.375")},
        ),
    ],
)  # fmt: skip
def test_one_order_freezes(changes: dict[str, object], expected: dict[str, Range]) -> None:
    assert plausible([order(1, **changes)], MARKETS) == expected


def test_orders_add_up() -> None:
    orders = [order(n, side=Side.SELL, type="limit" if n else "stop_limit") for n in range(3)]
    assert plausible(orders, MARKETS) == {"BTC": span("1", "1.5")}


@pytest.mark.parametrize(
    ("shown", "is_found"),
    [("0", True), ("0.98", True), ("0.99", False), ("1", False), ("1.5", False), ("1.51", True)],
)
def test_what_is_shown_was_cut_and_is_found_outside_the_range(shown: str, is_found: bool) -> None:
    found = finding("BTC", Decimal(shown), span("0.995", "1.5"), decimals=2)
    assert (found is not None) is is_found
