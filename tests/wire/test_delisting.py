"""What a delisting did: orders ended, and orders that nobody placed and that moved money."""

import json
from decimal import Decimal

import pytest

from reconciler.domain.facts import Movement, Order, Unreadable
from reconciler.domain.words import MovementKind, Side, Wallet
from reconciler.wire.rest import Page, delisted_orders
from tests.wire.examples import example, rows

NAME = "trade-account/order/history/query"
CALL = delisted_orders(1_777_000_000, None, 0, 500)


def test_an_ended_order_is_an_order_and_a_conversion_a_movement_too() -> None:
    page = CALL.decode(example("rest", NAME), 1)
    assert (page.count, page.surplus) == (2, 0)
    ended, placed, converted = page.facts
    assert isinstance(ended, Order)
    assert (ended.order_id, ended.status, ended.final) == (2287000111222, "canceled", True)
    assert placed == Order(
        order_id=2286423327099,
        market="BTC_USDT",
        side=Side.SELL,
        type="market",
        status="filled",
        final=True,
        price=None,
        amount=Decimal("0.05"),
        filled_amount=Decimal("0.05"),
        filled_total=Decimal("3061.725"),
        fee=Decimal("1.5308625"),
        remaining=None,
        fee_asset="USDT",
        client_order_id="delisting-2286423327099",
        created_at=1778077388002424,
        updated_at=None,
        finished_at=1778077400123456,
    )
    assert converted == Movement(
        kind=MovementKind.DELISTING,
        movement_id="2286423327099",
        wallet=Wallet.SPOT,
        asset=None,
        amount=Decimal("-0.05"),
        counter_amount=Decimal("3061.725"),
        fee=Decimal("1.5308625"),
        status="filled",
        settled=True,
        market="BTC_USDT",
        order_id=2286423327099,
        occurred_at=1778077400123456,
    )


def test_a_conversion_that_bought() -> None:
    _, fact = changed(side="buy", type="margin market").facts
    assert isinstance(fact, Movement)
    assert (fact.amount, fact.counter_amount) == (Decimal("0.05"), Decimal("-3061.725"))
    assert fact.wallet is Wallet.COLLATERAL


@pytest.mark.parametrize(
    "bad", [{"delistingKind": "novel"}, {"finishAt": None}, {"side": "up"}, {"dealMoney": "NaN"}]
)
def test_what_is_not_understood_is_neither(bad: dict[str, object]) -> None:
    """Whether money moved must be known."""
    page = changed(**bad)
    assert page.count == 1
    assert [type(fact) for fact in page.facts] == [Unreadable]


def changed(**changes: object) -> Page:
    _, row = rows(NAME)
    return CALL.decode(json.dumps([row | changes]).encode(), 1)
