"""Orders of one account that would meet: whom self-trade prevention cancels."""

import pytest

from reconciler.simulator.records import Balance, Status, Step
from tests.simulator.trading import D, an_engine, deals, limit, seen, spot


@pytest.mark.parametrize(
    ("mode", "old", "new"),
    [
        ("co", Status.CANCELED_STP, Status.OPEN),
        ("cn", Status.OPEN, Status.CANCELED_STP),
        ("cb", Status.CANCELED_STP, Status.CANCELED_STP),
    ],
)
def test_self_trade_prevention_cancels_the_old_the_new_or_both(
    mode: str, old: Status, new: Status
) -> None:
    engine = an_engine()
    resting, _ = engine.place("alice", limit("sell", "1", "100"))
    incoming, events = engine.place("alice", limit("buy", "1", "100", stp=mode))
    truth = {order.order_id: order for order in engine.accounts["alice"].truth().orders}
    assert truth[resting.order_id].status is old
    assert truth[incoming.order_id].status is incoming.status is new
    assert not deals(events, "alice")
    held = D(1) if old is Status.OPEN else D(0)
    assert spot(engine, "alice", "BTC") == Balance(available=10 - held, frozen=held)


def test_what_was_filled_before_the_order_met_its_own_stays_filled() -> None:
    engine = an_engine()
    engine.place("bob", limit("sell", "1", "99"))
    engine.place("alice", limit("sell", "1", "100"))
    order, events = engine.place("alice", limit("buy", "3", "100", stp="cn"))
    assert (order.status, order.filled_amount, order.remaining) == (
        Status.CANCELED_STP,
        D(1),
        D(2),
    )
    assert [step for step, _ in seen(events, "alice")] == [Step.FINISH]


def test_the_mode_of_the_order_that_comes_decides() -> None:
    engine = an_engine()
    engine.place("alice", limit("sell", "1", "100", stp="cb"))
    _, events = engine.place("alice", limit("buy", "1", "100"))
    assert len(deals(events, "alice")) == 2


def test_orders_of_others_are_met_all_the_same() -> None:
    engine = an_engine()
    engine.place("alice", limit("sell", "1", "100"))
    engine.place("bob", limit("sell", "1", "100"))
    order, _ = engine.place("alice", limit("buy", "1", "100", stp="co"))
    assert order.status is Status.FILLED
