"""Stops: when they are due, in which order, and how they are seen."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.simulator.matching import LiveOrder
from reconciler.simulator.records import Balance, Kind, Side, Status, Step
from reconciler.simulator.rules import Refused
from reconciler.simulator.stops import Stops
from tests.simulator.trading import D, an_engine, deals, limit, seen, spot, stop


@given(prices=st.lists(st.integers(1, 9), max_size=20), last=st.integers(1, 9))
def test_a_buy_is_due_at_or_above_its_price_and_a_sell_at_or_below(
    prices: list[int], last: int
) -> None:
    for side, sign in ((Side.BUY, 1), (Side.SELL, -1)):
        stops = Stops()
        for number, price in enumerate(prices):
            stops.add(
                LiveOrder(
                    order_id=number,
                    account="alice",
                    market=DEFAULT_MARKETS[0],
                    asked=stop(side, "1", str(price)),
                    created_at=0,
                    updated_at=0,
                    remaining=D(1),
                )
            )
        due = []
        while order := stops.due(Decimal(last)):
            stops.remove(order)
            due.append(order.order_id)
        reached = [n for n, price in enumerate(prices) if sign * price <= sign * last]
        assert due == sorted(reached, key=lambda n: (sign * prices[n], n))
        assert len(list(stops)) == len(prices) - len(due)


def test_a_stop_limit_waits_and_is_seen_new_a_second_time_when_it_is_activated() -> None:
    engine = an_engine()
    waiting, told = engine.place("alice", stop("buy", "1", "120000", "125000"))
    assert (waiting.kind, waiting.status, waiting.is_activated) == (
        Kind.STOP_LIMIT,
        Status.OPEN,
        False,
    )
    engine.place("bob", limit("sell", "1", "119999"))
    _, early = engine.place("carol", limit("buy", "1", "119999"))
    engine.place("bob", limit("sell", "1", "120000"))
    _, late = engine.place("carol", limit("buy", "1", "120000"))
    assert not seen(early, "alice")
    [(first, _)], [(again, order)] = seen(told, "alice"), seen(late, "alice")
    assert first is again is Step.NEW
    assert (order.order_id, order.kind, order.status) == (
        waiting.order_id,
        Kind.STOP_LIMIT,
        Status.OPEN,
    )
    assert order.is_activated
    best = engine.books["BTC_USDT"].best(Side.BUY)
    assert best is not None
    assert best.order_id == waiting.order_id


def test_an_activated_stop_takes_what_it_meets_and_rests_with_the_remainder() -> None:
    engine = an_engine()
    engine.place("alice", stop("sell", "3", "90000", "89000"))
    engine.place("bob", limit("buy", "2", "90000"))
    _, events = engine.place("carol", limit("sell", "1", "90000"))
    assert [(step, order.remaining) for step, order in seen(events, "alice")] == [
        (Step.NEW, D(3)),
        (Step.UPDATE, D(2)),
    ]
    assert [deal.amount for deal in deals(events, "alice")] == [D(1)]
    assert spot(engine, "alice", "BTC") == Balance(available=D(7), frozen=D(2))


def test_the_amount_of_a_stop_for_a_market_buy_is_money() -> None:
    engine = an_engine()
    placed, _ = engine.place("alice", stop("buy", "1000", "110000"))
    engine.place("bob", limit("sell", "2", "110000"))
    _, events = engine.place("carol", limit("buy", "0.5", "110000"))
    [(_, activated), (_, filled)] = seen(events, "alice")
    assert activated.order_id == filled.order_id == placed.order_id
    assert (filled.status, filled.filled_amount) == (Status.FILLED, D("0.00909"))


def test_one_stop_may_set_off_the_next() -> None:
    engine = an_engine()
    engine.place("bob", limit("buy", "1", "95000"))
    engine.place("bob", limit("buy", "1", "90000"))
    engine.place("alice", stop("sell", "1", "95000"))
    second, _ = engine.place("carol", stop("sell", "0.5", "90000", "89000"))
    engine.place("carol", limit("sell", "1", "95000"))
    ended = engine.accounts["carol"].history.finished_order(second.order_id)
    assert ended is None
    engine.place("bob", limit("buy", "0.5", "89500"))
    ended = engine.accounts["carol"].history.finished_order(second.order_id)
    assert ended is not None
    assert ended.status is Status.FILLED


def test_a_stop_that_is_due_at_once_is_activated_at_once() -> None:
    engine = an_engine()
    _, events = engine.place("alice", stop("buy", "1", "99000", "98000"))
    assert [step for step, _ in seen(events, "alice")] == [Step.NEW, Step.NEW]


def test_a_stop_whose_account_has_spent_its_means_is_cancelled_when_activated() -> None:
    engine = an_engine()
    engine.place("alice", stop("sell", "10", "90000"))
    engine.place("alice", limit("sell", "10", "200000"))
    engine.place("bob", limit("buy", "1", "90000"))
    _, events = engine.place("carol", limit("sell", "0.5", "90000"))
    assert [(step, order.status) for step, order in seen(events, "alice")] == [
        (Step.NEW, Status.OPEN),
        (Step.FINISH, Status.CANCELED),
    ]


def test_a_stop_can_be_cancelled_while_it_waits() -> None:
    engine = an_engine()
    order, _ = engine.place("alice", stop("sell", "1", "90000", "89000"))
    ended, _ = engine.cancel("alice", "BTC_USDT", order.order_id)
    assert ended.status is Status.CANCELED
    assert not list(engine.accounts["alice"].open_orders)


@pytest.mark.parametrize("activation", ["0", "90000.001"])
def test_the_activation_price_has_the_steps_of_the_market(activation: str) -> None:
    with pytest.raises(Refused) as refused:
        an_engine().place("alice", stop("sell", "1", activation))
    assert refused.value.reason == "activation_price"
