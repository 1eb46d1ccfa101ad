"""What the exchange does on its own: the marks of liquidation, deleveraging and delisting."""

from decimal import Decimal

from reconciler.simulator.engine import Engine
from reconciler.simulator.records import Alarm, BorrowAlarm, PositionAlarm, Status, Wallet
from tests.simulator.trading import D, a_futures_engine, collateral, limit, margin, seen


def with_positions() -> Engine:
    """Alice is long, Bob short."""
    engine = a_futures_engine()
    engine.place("bob", margin("sell", "2", "100000"))
    engine.place("alice", margin("buy", "2", "100000"))
    return engine


def test_a_liquidation_ends_the_orders_and_sells_the_position_under_its_own_mark() -> None:
    engine = with_positions()
    engine.place("alice", margin("buy", "0.1", "90000"))
    engine.place("carol", margin("buy", "5", "95000"))
    events = engine.enforcement.liquidate("alice", "BTC_PERP")
    alarms = [event for event in events if isinstance(event, PositionAlarm)]
    assert [event.alarm for event in alarms] == [Alarm.LIQUIDATION]
    [(_, cancelled), (_, sold)] = seen(events, "alice")
    assert cancelled.status is Status.AUTO_CANCELED_LIQUIDATION
    assert (sold.status, sold.source) == (Status.FILLED, "liquidation")
    assert sold.client_order_id == f"liquidation_{sold.order_id}_!"
    assert not engine.accounts["alice"].portfolio.open


def test_what_nobody_takes_stays_and_the_order_ends_partially_filled() -> None:
    engine = with_positions()
    engine.place("carol", margin("buy", "0.5", "95000"))
    events = engine.enforcement.liquidate("alice", "BTC_PERP")
    [(_, sold)] = seen(events, "alice")
    assert (sold.status, sold.remaining) == (Status.PARTIALLY_FILLED, D("1.5"))
    assert engine.accounts["alice"].portfolio.open["BTC_PERP"].amount == D("1.5")


def test_the_exchange_bears_what_the_collateral_can_t() -> None:
    engine = with_positions()
    engine.place("carol", margin("buy", "5", "40000"))
    engine.enforcement.liquidate("alice", "BTC_PERP")
    assert collateral(engine, "alice") == 0
    reasons = [m.reason for m in engine.accounts["alice"].movements]
    assert reasons[-4:] == ["insurance", "realized_pnl", "insurance", "margin_fee"]


def test_who_is_deleveraged_has_an_order_that_he_never_placed() -> None:
    engine = with_positions()
    events = engine.enforcement.deleverage("alice", "BTC_PERP", "bob", D(95_000))
    [(_, opened), (_, theirs)] = seen(events, "bob")
    assert opened.order_id == theirs.order_id
    assert (theirs.source, theirs.post_only, theirs.reduce_only) == ("adl", True, False)
    assert theirs.client_order_id == f"adl_{theirs.order_id}_!"
    assert not engine.accounts["bob"].portfolio.open
    assert not engine.accounts["alice"].portfolio.open
    assert not any(engine.margin.pool.values())


def test_a_margin_call_is_only_said() -> None:
    engine = with_positions()
    [event] = engine.enforcement.warn("alice", "BTC_PERP")
    assert isinstance(event, PositionAlarm)
    assert event.alarm is Alarm.MARGIN_CALL


def test_alarms_name_all_that_is_borrowed_and_leave_it_owed() -> None:
    """One collateral stands for positions and borrows; only the account's own are named."""
    engine = with_positions()
    engine.margin.borrow("alice", "BTC", D(1))
    engine.margin.borrow("alice", "ETH", D(2))
    engine.margin.borrow("bob", "BTC", D(3))
    owed = dict(engine.accounts["alice"].portfolio.borrows)
    warned = engine.enforcement.warn("alice", "BTC_PERP")
    liquidated = engine.enforcement.liquidate("alice", "BTC_PERP")
    for events, alarm in ((warned, Alarm.MARGIN_CALL), (liquidated, Alarm.LIQUIDATION)):
        alarms = [event for event in events if isinstance(event, BorrowAlarm)]
        assert alarms == [BorrowAlarm("alice", alarm, borrow) for borrow in owed.values()]
    assert engine.accounts["alice"].portfolio.borrows == owed


def test_a_delisted_market_vanishes_with_its_orders_and_positions() -> None:
    engine = with_positions()
    order, _ = engine.place("alice", margin("buy", "0.1", "90000"))
    engine.enforcement.delist("BTC_PERP")
    assert "BTC_PERP" not in engine.markets
    alice = engine.accounts["alice"]
    ended = alice.history.finished_order(order.order_id)
    assert ended is not None
    assert ended.status is Status.CANCELED
    assert not alice.portfolio.open
    [row] = alice.papers.delisted
    assert (row.order_id, row.is_reverse) == (order.order_id, False)
    assert not any(engine.margin.pool.values())


def test_holdings_that_no_other_market_trades_are_converted() -> None:
    engine = a_futures_engine()
    engine.place("bob", limit("sell", "1000", "0.2", "DOGE_USDT"))
    engine.place("alice", limit("buy", "1000", "0.2", "DOGE_USDT"))
    before = engine.accounts["bob"].wallets.available(Wallet.SPOT, "USDT")
    engine.enforcement.delist("DOGE_USDT")
    bob = engine.accounts["bob"]
    assert bob.wallets.available(Wallet.SPOT, "DOGE") == 0
    got = Decimal(99_000) * Decimal("0.2") * Decimal("0.999")
    assert bob.wallets.available(Wallet.SPOT, "USDT") == before + got
    [row] = bob.papers.delisted
    assert (row.client_order_id, row.is_reverse) == (f"delisting-{row.order_id}", True)
