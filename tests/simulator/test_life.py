"""Laws that hold after any life on the markets, whoever did whatever."""

import random
from collections import defaultdict
from decimal import Decimal

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.simulator.exchange import HOUSE, Exchange
from reconciler.simulator.life import BOTS, OPEN_ORDERS_MAX, Traders, live
from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.simulator.numbers import minus, negative, plus, times
from reconciler.simulator.records import Event, Fees, Role, Side, Truth, Wallet
from tests.running import run
from tests.simulator.client import Now

OURS = ("treasury", "desk")
FUNDS = {"BTC": "2", "ETH": "50", "USDT": "200000", "SOL": "100", "DOGE": "50000"}
STOCK = {market.name: market.stock for market in DEFAULT_MARKETS}
MONEY = {market.name: market.money for market in DEFAULT_MARKETS}


class Recorder:
    """Hears all that is told of an account."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def hear(self, event: Event, _: dict[str, str]) -> None:
        self.heard.append(event)


def lived(seed: int, steps: int) -> tuple[Exchange, list[Event]]:
    """An exchange after so many steps, and what was told of our accounts."""
    now = Now()
    exchange = Exchange(now=now, seed=seed)
    recorder = Recorder()
    for name, fees in zip(OURS, (Fees(), Fees(maker=Decimal("-0.0001"))), strict=True):
        exchange.open_account(name, funds=FUNDS, fees=fees)
        exchange.listen(name, recorder)
    traders = Traders(exchange, chance=random.Random(seed), accounts=OURS)
    for _ in range(steps):
        now.moment += 1_000
        traders.step()
    return exchange, recorder.heard


def derived(truth: Truth) -> dict[tuple[Wallet, str], Decimal]:
    """Totals as the sum of everything that ever moved them."""
    totals: dict[tuple[Wallet, str], Decimal] = defaultdict(Decimal)

    def add(wallet: Wallet, asset: str, amount: Decimal) -> None:
        totals[wallet, asset] = plus(totals[wallet, asset], amount)

    for movement in truth.movements:
        add(movement.wallet, movement.asset, movement.amount)
    for deal in truth.deals:
        sign = 1 if deal.side is Side.BUY else -1
        add(Wallet.SPOT, STOCK[deal.market], times(Decimal(sign), deal.amount))
        add(Wallet.SPOT, MONEY[deal.market], times(Decimal(-sign), deal.total))
        add(Wallet.SPOT, deal.fee_asset, negative(deal.fee))
    return totals


lives = given(seed=st.integers(0, 10**6), steps=st.integers(1, 400))
few = settings(max_examples=15, deadline=None)


@few
@lives
def test_every_balance_is_the_sum_of_its_history(seed: int, steps: int) -> None:
    exchange, _ = lived(seed, steps)
    for name in (*OURS, *BOTS, HOUSE):
        truth = exchange.truth(name)
        totals = derived(truth)
        assert totals.keys() == truth.balances.keys()
        assert all(truth.balances[key].total == total for key, total in totals.items())


@few
@lives
def test_money_is_conserved_but_for_fees_and_what_came_from_outside(seed: int, steps: int) -> None:
    exchange, _ = lived(seed, steps)
    left: dict[str, Decimal] = defaultdict(Decimal)
    for name in exchange.engine.accounts:
        truth = exchange.truth(name)
        for (_, asset), balance in truth.balances.items():
            left[asset] = plus(left[asset], balance.total)
        for deal in truth.deals:
            left[deal.fee_asset] = plus(left[deal.fee_asset], deal.fee)
        for movement in truth.movements:
            if movement.reason != "transfer":
                left[movement.asset] = minus(left[movement.asset], movement.amount)
    assert not any(left.values())


@few
@lives
def test_what_is_frozen_is_what_open_orders_lock_and_nothing_is_negative(
    seed: int, steps: int
) -> None:
    exchange, _ = lived(seed, steps)
    for name in exchange.engine.accounts:
        truth = exchange.truth(name)
        locked: dict[str, Decimal] = defaultdict(Decimal)
        for order in truth.orders:
            if order.finished_at is None:
                assert order.price is not None
                buys = order.side is Side.BUY
                asset = MONEY[order.market] if buys else STOCK[order.market]
                amount = times(order.remaining, order.price) if buys else order.remaining
                locked[asset] = plus(locked[asset], amount)
        for (wallet, asset), balance in truth.balances.items():
            assert balance.available >= 0
            assert balance.frozen == (locked[asset] if wallet is Wallet.SPOT else 0)


@few
@lives
def test_each_order_is_the_sum_of_its_deals(seed: int, steps: int) -> None:
    exchange, _ = lived(seed, steps)
    for name in OURS:
        truth = exchange.truth(name)
        for order in truth.orders:
            deals = [deal for deal in truth.deals if deal.order_id == order.order_id]
            assert sum(deal.amount for deal in deals) == order.filled_amount
            assert sum(deal.total for deal in deals) == order.filled_total
            assert sum(deal.fee for deal in deals) == order.fee


@few
@lives
def test_no_book_is_crossed(seed: int, steps: int) -> None:
    exchange, _ = lived(seed, steps)
    for book in exchange.engine.books.values():
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        assert bid is None or ask is None or bid.limit < ask.limit


def test_the_same_seed_gives_the_same_records_byte_for_byte() -> None:
    (first, told), (second, told_again) = lived(7, 2_000), lived(7, 2_000)
    assert repr(told).encode() == repr(told_again).encode()
    assert repr(first.truth("treasury")) == repr(second.truth("treasury"))
    assert repr(told) != repr(lived(8, 2_000)[1])


def test_a_long_life_has_everything_in_it() -> None:
    exchange, _ = lived(3, 6_000)
    deals = [deal for name in OURS for deal in exchange.truth(name).deals]
    kinds = {order.kind for name in OURS for order in exchange.truth(name).orders}
    assert len(deals) > 500
    assert len(kinds) == 3
    assert {deal.role for deal in deals} == set(Role)
    assert len({deal.deal_id for deal in deals}) < len(deals), "no self-trade"
    assert any(m.reason == "transfer" for name in OURS for m in exchange.truth(name).movements[20:])
    assert all(book.best(side) for book in exchange.engine.books.values() for side in Side)
    for account in exchange.engine.accounts.values():
        assert len(account.open_orders) <= OPEN_ORDERS_MAX * len(DEFAULT_MARKETS)


def test_a_burst_makes_as_many_deals_as_it_was_asked_for() -> None:
    exchange, _ = lived(5, 10)
    before = len(exchange.truth("treasury").deals) + len(exchange.truth("desk").deals)
    made = run(Traders(exchange, chance=random.Random(5), accounts=OURS).burst, 300)
    after = len(exchange.truth("treasury").deals) + len(exchange.truth("desk").deals)
    assert made == 300 == after - before


def test_life_goes_at_the_rate_it_was_given() -> None:
    exchange = Exchange(now=Now())
    exchange.open_account("treasury", funds=FUNDS)

    class Counted(Traders):
        steps = 0

        def step(self) -> None:
            self.steps += 1

    traders = Counted(exchange, chance=random.Random(1), accounts=["treasury"])

    async def ten_seconds() -> None:
        with trio.move_on_after(10):
            await traders.live(30, trio.sleep)

    trio.run(ten_seconds, clock=trio.testing.MockClock(autojump_threshold=0))
    assert 295 <= traders.steps <= 300


def test_life_ends_when_it_is_cancelled() -> None:
    exchange = Exchange(now=Now())
    exchange.open_account("treasury", funds=FUNDS)

    async def a_minute() -> None:
        with trio.move_on_after(60):
            await live(exchange, rate=20, chance=random.Random(1), accounts=["treasury"])

    trio.run(a_minute, clock=trio.testing.MockClock(autojump_threshold=0))
    assert exchange.truth("treasury").deals
