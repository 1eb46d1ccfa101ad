"""How orders meet: price before time, fees from what is received, funds frozen while they rest."""

import random

import pytest

from reconciler.simulator.engine import Engine
from reconciler.simulator.records import (
    Balance,
    BalanceMoved,
    Fees,
    Instruction,
    Kind,
    Market,
    Role,
    Side,
    Status,
    Step,
    Wallet,
)
from reconciler.simulator.rules import Refused
from tests.simulator.client import Now
from tests.simulator.trading import D, an_engine, deals, limit, market, seen, spot, stop


def test_the_better_price_is_met_first_and_at_one_price_the_older_order() -> None:
    engine = an_engine()
    late, _ = engine.place("alice", limit("sell", "1", "101"))
    first, _ = engine.place("alice", limit("sell", "1", "100"))
    second, _ = engine.place("bob", limit("sell", "1", "100"))
    _, events = engine.place("carol", limit("buy", "2.5", "101"))
    met = [(deal.counter_order_id, deal.price, deal.amount) for deal in deals(events, "carol")]
    assert met == [
        (first.order_id, D(100), D(1)),
        (second.order_id, D(100), D(1)),
        (late.order_id, D(101), D("0.5")),
    ]


def test_buyers_are_met_from_the_highest_price_down() -> None:
    engine = an_engine()
    low, _ = engine.place("alice", limit("buy", "1", "99"))
    high, _ = engine.place("bob", limit("buy", "1", "100"))
    _, events = engine.place("carol", limit("sell", "2", "99"))
    assert [d.counter_order_id for d in deals(events, "carol")] == [high.order_id, low.order_id]


def test_the_fee_of_a_buy_is_in_stock_and_of_a_sell_in_money() -> None:
    engine = an_engine()
    engine.place("alice", limit("sell", "0.160998", "105361.32"))
    _, events = engine.place("bob", limit("buy", "0.160998", "105361.32"))
    [sold], [bought] = deals(events, "alice"), deals(events, "bob")
    assert (sold.total, sold.fee, sold.fee_asset) == (
        D("16962.96179736"),
        D("16.96296179736"),
        "USDT",
    )
    assert (bought.fee, bought.fee_asset) == (D("0.000160998"), "BTC")
    assert spot(engine, "bob", "BTC").total == D("10.160837002")
    assert spot(engine, "alice", "USDT").total == D("1016945.99883556264")


def test_a_negative_fee_is_a_rebate_that_adds() -> None:
    """The maker sell recorded live: −0.01 % of 0.1422 × 540.7884 (ccxt issue 26364)."""
    fis = Market(
        name="FIS_USDT",
        stock="FIS",
        money="USDT",
        stock_decimals=4,
        money_decimals=4,
        amount_min=D("0.0001"),
        total_min=D(5),
        reference_price=D("0.14"),
    )
    engine = Engine([fis], now=Now(), chance=random.Random(1))
    engine.open_account("maker", Fees(maker=D("-0.0001")))
    engine.open_account("taker")
    engine.treasury.phantom("maker", Wallet.SPOT, "FIS", D(1000))
    engine.treasury.phantom("taker", Wallet.SPOT, "USDT", D(1000))
    engine.place("maker", limit("sell", "540.7884", "0.1422", "FIS_USDT"))
    _, events = engine.place("taker", limit("buy", "540.7884", "0.1422", "FIS_USDT"))
    [deal] = deals(events, "maker")
    assert deal.fee == D("-0.007690011048")
    assert spot(engine, "maker", "USDT").total == D("76.907800491048")


def test_one_order_pays_both_rates_if_it_was_taker_and_then_maker() -> None:
    engine = an_engine(fees=Fees(maker=D("0.0005"), taker=D("0.002")))
    engine.place("alice", limit("sell", "1", "100"))
    order, _ = engine.place("bob", limit("buy", "3", "100"))
    assert (order.status, order.fee) == (Status.PARTIALLY_FILLED, D("0.002"))
    _, events = engine.place("carol", limit("sell", "2", "100"))
    [(step, filled)] = seen(events, "bob")
    assert (step, filled.status, filled.fee) == (Step.FINISH, Status.FILLED, D("0.003"))


def test_an_order_that_is_matched_at_once_is_only_ever_seen_finished() -> None:
    engine = an_engine()
    engine.place("alice", limit("sell", "1", "100"))
    _, events = engine.place("bob", limit("buy", "1", "100"))
    assert [step for step, _ in seen(events, "bob")] == [Step.FINISH]


def test_a_taker_that_then_rests_is_seen_new_with_what_it_has_filled() -> None:
    engine = an_engine()
    engine.place("alice", limit("sell", "1", "100"))
    _, events = engine.place("bob", limit("buy", "3", "100"))
    [(step, order)] = seen(events, "bob")
    assert (step, order.filled_amount, order.remaining) == (Step.NEW, D(1), D(2))


def test_a_resting_order_is_updated_by_each_fill_and_finished_by_the_last() -> None:
    engine = an_engine()
    engine.place("alice", limit("sell", "1", "100"))
    _, first = engine.place("bob", limit("buy", "0.4", "100"))
    _, last = engine.place("bob", limit("buy", "0.6", "100"))
    assert [(step, o.status) for step, o in seen(first + last, "alice")] == [
        (Step.UPDATE, Status.PARTIALLY_FILLED),
        (Step.FINISH, Status.FILLED),
    ]


def test_a_resting_buy_freezes_price_times_rest_and_a_sell_its_rest() -> None:
    engine = an_engine()
    engine.place("alice", limit("buy", "2", "100"))
    engine.place("bob", limit("sell", "3", "200"))
    engine.place("carol", limit("sell", "0.5", "100"))
    assert spot(engine, "alice", "USDT").frozen == D(150)
    assert spot(engine, "bob", "BTC") == Balance(available=D(7), frozen=D(3))


def test_a_taker_gets_the_better_price_and_pays_no_more() -> None:
    engine = an_engine()
    engine.place("alice", limit("sell", "1", "100"))
    engine.place("bob", limit("buy", "1", "120"))
    assert spot(engine, "bob", "USDT") == Balance(available=D(999_900))


def test_a_cancel_gives_back_what_was_frozen() -> None:
    engine = an_engine()
    order, _ = engine.place("alice", limit("buy", "2", "100"))
    ended, events = engine.cancel("alice", "BTC_USDT", order.order_id)
    assert (ended.status, ended.remaining) == (Status.CANCELED, D(2))
    assert spot(engine, "alice", "USDT") == Balance(available=D(1_000_000))
    assert [step for step, _ in seen(events, "alice")] == [Step.FINISH]


def test_the_amount_of_a_market_buy_is_money_and_may_leave_dust() -> None:
    engine = an_engine()
    engine.place("alice", limit("sell", "5", "99999.99"))
    order, _ = engine.place("bob", market("buy", "10"))
    assert (order.status, order.filled_amount) == (Status.FILLED, D("0.0001"))
    assert (order.filled_total, order.remaining) == (D("9.999999"), D("0.000001"))


def test_a_market_order_that_empties_the_book_is_cancelled_with_its_rest() -> None:
    engine = an_engine()
    engine.place("alice", limit("buy", "1", "100"))
    order, _ = engine.place("bob", market("sell", "3"))
    assert (order.status, order.remaining) == (Status.CANCELED, D(2))
    engine.place("alice", limit("sell", "1", "100"))
    order, _ = engine.place("bob", market("buy", "300"))
    assert (order.status, order.remaining) == (Status.CANCELED, D(200))


def test_a_stock_market_buy_counts_in_stock() -> None:
    engine = an_engine()
    engine.place("alice", limit("sell", "1", "100"))
    engine.place("alice", limit("sell", "1", "110"))
    order, _ = engine.place("bob", market("buy", "1.5", Kind.STOCK_MARKET))
    assert (order.status, order.filled_total) == (Status.FILLED, D(155))


def test_ioc_fills_what_it_can_and_cancels_the_rest() -> None:
    engine = an_engine()
    engine.place("alice", limit("sell", "1", "100"))
    order, _ = engine.place("bob", limit("buy", "3", "100", ioc=True))
    assert (order.status, order.filled_amount, order.remaining) == (Status.CANCELED, D(1), D(2))
    assert spot(engine, "bob", "USDT").frozen == 0


def test_a_self_trade_gives_one_deal_id_to_two_orders_and_costs_two_fees() -> None:
    engine = an_engine()
    resting, _ = engine.place("alice", limit("sell", "1", "100"))
    taking, events = engine.place("alice", limit("buy", "1", "100"))
    maker, taker = deals(events, "alice")
    assert maker.deal_id == taker.deal_id
    assert (maker.order_id, maker.role) == (resting.order_id, Role.MAKER)
    assert (taker.order_id, taker.role) == (taking.order_id, Role.TAKER)
    assert spot(engine, "alice", "BTC") == Balance(available=D("9.999"))
    assert spot(engine, "alice", "USDT") == Balance(available=D("999999.9"))


def test_an_operation_tells_each_balance_once_and_last() -> None:
    engine = an_engine()
    for _ in range(3):
        engine.place("alice", limit("sell", "1", "100"))
    _, events = engine.place("bob", limit("buy", "3", "100"))
    assert events[-2:] == [
        BalanceMoved("alice", Wallet.SPOT, ("USDT", "BTC")),
        BalanceMoved("bob", Wallet.SPOT, ("USDT", "BTC")),
    ]
    assert sum(isinstance(event, BalanceMoved) for event in events) == 2


def test_a_cross_makes_exactly_one_deal_whatever_rests_on_the_book() -> None:
    engine = an_engine()
    engine.place("carol", limit("sell", "1", "90"))
    (maker, taker), events = engine.cross("bob", "alice", limit("buy", "1", "100"), owner="alice")
    assert (taker.side, taker.price, maker.side) == (Side.BUY, D(100), Side.SELL)
    assert deals(events, "carol") == []
    assert engine.books["BTC_USDT"].best(Side.SELL) is not None


def test_a_transfer_leaves_no_trace_but_in_the_truth() -> None:
    engine = an_engine()
    events = engine.treasury.transfer("alice", "BTC", D(4), Wallet.SPOT, Wallet.COLLATERAL)
    assert events == [
        BalanceMoved("alice", Wallet.SPOT, ("BTC",)),
        BalanceMoved("alice", Wallet.COLLATERAL, ("BTC",)),
    ]
    truth = engine.accounts["alice"].truth()
    assert [m.amount for m in truth.movements[-2:]] == [D(-4), D(4)]
    assert truth.balances[Wallet.COLLATERAL, "BTC"] == Balance(available=D(4))


def test_an_account_without_recorded_cancels_has_them_only_in_the_truth() -> None:
    engine = an_engine()
    engine.open_account("desk", records_cancels=False)
    engine.treasury.phantom("desk", Wallet.SPOT, "BTC", D(1))
    order, _ = engine.place("desk", limit("sell", "1", "100"))
    ended, _ = engine.cancel("desk", "BTC_USDT", order.order_id)
    assert engine.accounts["desk"].history.finished == []
    assert engine.accounts["desk"].truth().orders == (ended,)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (limit("buy", "1", "100", "BTC_EUR"), "market"),
        (limit("buy", "0.0000001", "100"), "amount"),
        (limit("buy", "1", "100.001"), "price"),
        (limit("buy", "0.01", "100"), "total"),
        (limit("buy", "100", "100000"), "balance"),
        (limit("sell", "11", "100"), "balance"),
        (limit("buy", "1", "100", ioc=True, post_only=True), "ioc"),
        (limit("buy", "1", "130", post_only=True), "post_only"),
        (market("sell", "1"), "liquidity"),
        (market("buy", "1"), "total"),
        (market("buy", "9.5", Kind.STOCK_MARKET), "balance"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_changes_nothing(asked: Instruction, reason: str) -> None:
    engine = an_engine()
    engine.place("carol", limit("sell", "5", "120"))
    for _ in range(9):
        engine.treasury.phantom("carol", Wallet.SPOT, "BTC", D(1))
        engine.place("carol", limit("sell", "1", "500000"))
    before = engine.accounts["alice"].truth()
    with pytest.raises(Refused) as refused:
        engine.place("alice", asked)
    assert refused.value.reason == reason
    assert engine.accounts["alice"].truth() == before


def test_a_client_id_is_unique_among_open_orders_of_a_market_and_free_afterwards() -> None:
    engine = an_engine()
    asked = Instruction(
        market="BTC_USDT", side=Side.BUY, amount=D(1), price=D(100), client_order_id="mine-1"
    )
    order, _ = engine.place("alice", asked)
    with pytest.raises(Refused):
        engine.place("alice", asked)
    engine.cancel("alice", "BTC_USDT", order.order_id)
    again, _ = engine.place("alice", asked)
    assert again.order_id > order.order_id


def test_time_never_goes_back() -> None:
    now = Now()
    engine = an_engine(now=now)
    first, _ = engine.place("alice", limit("sell", "1", "100"))
    now.moment -= 5_000_000
    second, _ = engine.place("alice", limit("sell", "1", "100"))
    assert second.created_at == first.created_at


def test_a_modified_order_ends_and_another_with_its_client_id_stands_in_for_it() -> None:
    engine = an_engine()
    asked = Instruction(
        market="BTC_USDT", side=Side.BUY, amount=D(2), price=D(100), client_order_id="mine"
    )
    old, _ = engine.place("alice", asked)
    engine.place("bob", limit("sell", "0.5", "100"))
    new, events = engine.modify("alice", "BTC_USDT", old.order_id, price=D(90))
    assert [(step, o.order_id, o.status) for step, o in seen(events, "alice")] == [
        (Step.FINISH, old.order_id, Status.CANCELED),
        (Step.NEW, new.order_id, Status.OPEN),
    ]
    assert (new.amount, new.price, new.client_order_id, new.filled_amount) == (
        D("1.5"),
        D(90),
        "mine",
        D(0),
    )
    assert spot(engine, "alice", "USDT").frozen == D(135)


def test_a_modification_may_use_what_the_old_order_froze_and_changes_nothing_if_refused() -> None:
    engine = an_engine()
    old, _ = engine.place("alice", limit("buy", "8", "100000"))
    with pytest.raises(Refused):
        engine.modify("alice", "BTC_USDT", old.order_id, amount=D("10.1"))
    assert engine.accounts["alice"].open_orders[old.order_id].seen() == old
    engine.modify("alice", "BTC_USDT", old.order_id, amount=D(10))
    assert spot(engine, "alice", "USDT") == Balance(available=D(0), frozen=D(1_000_000))


def test_a_modified_stop_waits_for_its_new_price() -> None:
    engine = an_engine()
    old, _ = engine.place("alice", stop("sell", "1", "90000", "89000"))
    new, _ = engine.modify("alice", "BTC_USDT", old.order_id, activation_price=D(80_000))
    assert (new.activation_price, new.price, new.is_activated) == (D(80_000), D(89_000), False)
    engine.place("bob", limit("buy", "1", "85000"))
    engine.place("carol", limit("sell", "1", "85000"))
    assert not engine.accounts["alice"].open_orders[new.order_id].is_activated


def test_all_orders_are_cancelled_at_once_or_those_of_some_markets() -> None:
    engine = an_engine()
    engine.place("alice", limit("buy", "1", "100"))
    engine.place("alice", stop("sell", "1", "90000"))
    engine.place("alice", limit("buy", "100", "0.1", "DOGE_USDT"))
    engine.cancel_all("alice", ["DOGE_USDT"])
    assert len(engine.accounts["alice"].open_orders) == 2
    events = engine.cancel_all("alice")
    assert [order.status for _, order in seen(events, "alice")] == [Status.CANCELED] * 2
    assert spot(engine, "alice", "USDT") == Balance(available=D(1_000_000))
