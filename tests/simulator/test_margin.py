"""Margin and futures: what fills, funding and borrowing do to the collateral wallet."""

from decimal import Decimal

import pytest

from reconciler.simulator.records import (
    Instruction,
    Kind,
    PositionsMoved,
    Side,
    Status,
    Wallet,
)
from reconciler.simulator.rules import Refused
from tests.simulator.trading import D, a_futures_engine, collateral, deals, limit, margin


def test_opening_takes_the_fee_at_once_and_nothing_else() -> None:
    engine = a_futures_engine()
    engine.place("bob", margin("sell", "1", "100000"))
    _, events = engine.place("alice", margin("buy", "1", "100000"))
    [deal] = deals(events, "alice")
    assert (deal.fee, deal.fee_asset) == (D(35), "USDT")
    assert collateral(engine, "alice") == D(99_965)
    assert collateral(engine, "bob") == D(99_990)
    position = engine.accounts["alice"].portfolio.open["BTC_PERP"]
    assert (position.amount, position.realized) == (D(1), D(-35))
    assert PositionsMoved("alice") in events


def test_closing_realises_the_profit_of_one_and_the_loss_of_the_other() -> None:
    engine = a_futures_engine()
    engine.place("bob", margin("sell", "1", "100000"))
    engine.place("alice", margin("buy", "1", "100000"))
    engine.place("bob", margin("buy", "1", "101000"))
    engine.place("alice", margin("sell", "1", "101000"))
    assert collateral(engine, "alice") == D(99_965) + D(1000) - D("35.35")
    assert collateral(engine, "bob") == D(99_990) - D(1000) - D("10.1")
    for name in ("alice", "bob"):
        portfolio = engine.accounts[name].portfolio
        assert not portfolio.open
        assert len(portfolio.changes) == 2
        assert len(portfolio.closed) == 1
    assert not any(engine.margin.pool.values())


def test_a_fill_beyond_the_position_turns_it() -> None:
    engine = a_futures_engine()
    engine.place("bob", margin("sell", "1", "100000"))
    engine.place("alice", margin("buy", "1", "100000"))
    first = engine.accounts["alice"].portfolio.open["BTC_PERP"]
    engine.place("bob", margin("buy", "3", "100000"))
    engine.place("alice", margin("sell", "3", "100000"))
    turned = engine.accounts["alice"].portfolio.open["BTC_PERP"]
    assert (turned.amount, turned.base_price) == (D(-2), D(100_000))
    assert turned.position_id != first.position_id


def test_funding_is_the_position_times_price_times_rate_exactly() -> None:
    engine = a_futures_engine()
    engine.place("bob", margin("sell", "0.019", "50938.2"))
    engine.place("alice", margin("buy", "0.019", "50938.2"))
    before = collateral(engine, "alice")
    engine.margin.fund("BTC_PERP", Decimal("0.00017674"), Decimal("50938.2"))
    [paid] = engine.accounts["alice"].portfolio.fundings
    assert paid.amount == D("-0.171053531892")  # the vendor's own example
    assert collateral(engine, "alice") == before + paid.amount
    [got] = engine.accounts["bob"].portfolio.fundings
    assert got.amount == -paid.amount


def test_who_lacks_the_margin_is_refused_and_can_t_move_what_is_needed_away() -> None:
    engine = a_futures_engine()
    with pytest.raises(Refused, match="balance"):
        engine.place("alice", margin("buy", "11", "100000"))
    engine.place("alice", margin("buy", "5", "100000"))
    with pytest.raises(Refused, match="balance"):
        engine.place("alice", margin("buy", "5.1", "100000"))
    with pytest.raises(Refused, match="balance"):
        engine.treasury.transfer("alice", "USDT", D(50_001), Wallet.COLLATERAL, Wallet.MAIN)
    engine.treasury.transfer("alice", "USDT", D(50_000), Wallet.COLLATERAL, Wallet.MAIN)
    assert engine.collateral(engine.accounts["alice"], "USDT").usable == 0


def test_a_spot_pair_is_traded_on_margin_against_the_same_book() -> None:
    engine = a_futures_engine()
    engine.place("bob", limit("sell", "1", "100000"))
    asked = Instruction(market="BTC_USDT", side=Side.BUY, kind=Kind.MARGIN_MARKET, amount=D("0.5"))
    order, _ = engine.place("alice", asked)
    assert (order.status, order.fee, order.fee_asset) == (Status.FILLED, D(50), "USDT")
    assert engine.accounts["alice"].wallets.available(Wallet.SPOT, "BTC") == 10
    assert engine.margin.pool == {"BTC": D("0.5"), "USDT": D(-50_000)}
    with pytest.raises(Refused, match="available"):
        engine.place("alice", limit("buy", "1", "1000", "BTC_PERP"))


def test_a_reduction_ends_when_it_would_do_more_than_reduce() -> None:
    engine = a_futures_engine()
    with pytest.raises(Refused, match="reduce"):
        engine.place("alice", margin("sell", "1", "110000", reduce_only=True))
    engine.place("bob", margin("sell", "1", "100000"))
    engine.place("alice", margin("buy", "1", "100000"))
    order, _ = engine.place("alice", margin("sell", "1", "110000", reduce_only=True))
    engine.place("bob", margin("buy", "0.5", "100000"))
    engine.place("alice", margin("sell", "0.5", "100000"))
    ended = engine.accounts["alice"].history.finished_order(order.order_id)
    assert ended is not None
    assert ended.status is Status.AUTO_CANCELED_REDUCE_ONLY


def test_borrowing_credits_the_wallet_and_is_owed() -> None:
    engine = a_futures_engine()
    engine.margin.borrow("alice", "BTC", D(1))
    has = engine.collateral(engine.accounts["alice"], "BTC")
    assert (has.balance, has.borrowed) == (D(1), D(1))
    engine.margin.borrow("alice", "BTC", D(-1))
    assert not engine.accounts["alice"].portfolio.borrows
