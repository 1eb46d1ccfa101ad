"""The book as such: levels, queues, and what it would cost to take from it."""

import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.simulator.matching import Book, LiveOrder
from reconciler.simulator.records import Instruction, Side

MARKET = DEFAULT_MARKETS[0]


def an_order(number: int, side: Side, price: int, amount: int = 1) -> LiveOrder:
    asked = Instruction(market=MARKET.name, side=side, amount=Decimal(amount), price=Decimal(price))
    return LiveOrder(
        order_id=number,
        account="treasury",
        market=MARKET,
        asked=asked,
        created_at=number,
        updated_at=number,
        remaining=Decimal(amount),
    )


@given(prices=st.lists(st.integers(1, 9), max_size=30), seed=st.integers())
def test_orders_are_met_by_price_then_age_also_after_others_left(
    prices: list[int], seed: int
) -> None:
    for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
        book = Book(MARKET)
        orders = [an_order(number, side, price) for number, price in enumerate(prices)]
        for order in orders:
            book.add(order)
        gone = random.Random(seed).sample(orders, len(orders) // 2)
        for order in gone:
            book.remove(order)
        left = sorted(
            (order for order in orders if order not in gone),
            key=lambda order: (sign * order.limit, order.order_id),
        )
        assert list(book.orders(side)) == left
        assert book.best(side) is (left[0] if left else None)


def test_the_cost_is_that_of_the_cheapest_orders_first() -> None:
    book = Book(MARKET)
    book.add(an_order(1, Side.SELL, 110, 2))
    book.add(an_order(2, Side.SELL, 100, 1))
    assert book.cost(Decimal("1.5")) == 155
    assert book.cost(Decimal(99)) == 320
