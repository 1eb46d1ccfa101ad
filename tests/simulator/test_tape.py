"""The tape: candles add up to the trades, whatever the interval."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.simulator.records import Deal, Role, Side
from reconciler.simulator.tape import MarketTape

TRADES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=30
)
"""Seconds since the one before, price, amount."""

MINUTE_S = 60


def tape_of(trades: list[tuple[int, int, int]]) -> tuple[MarketTape, list[Deal]]:
    tape, now_s, deals = MarketTape(DEFAULT_MARKETS[0]), 0, []
    for number, (seconds, price, amount) in enumerate(trades):
        now_s += seconds
        deal = Deal(
            deal_id=number + 1,
            order_id=1,
            counter_order_id=2,
            market="BTC_USDT",
            side=Side.BUY,
            role=Role.TAKER,
            price=Decimal(price),
            amount=Decimal(amount),
            total=Decimal(price * amount),
            fee=Decimal(0),
            fee_asset="BTC",
            client_order_id="",
            executed_at=now_s * 1_000_000,
        )
        tape.add(deal)
        deals.append(deal)
    return tape, deals


@given(TRADES, st.sampled_from([60, 300, 3600]))
def test_candles_cover_every_minute_and_add_up(
    trades: list[tuple[int, int, int]], interval_s: int
) -> None:
    tape, deals = tape_of(trades)
    end_s = deals[-1].executed_at // 1_000_000 + 1
    candles = tape.candles(0, end_s, interval_s)
    times = [candle.time_s for candle in candles]
    assert times == list(range(times[0], times[-1] + 1, interval_s))
    assert all(time_s % interval_s == 0 for time_s in times)
    assert sum(candle.volume for candle in candles) == sum(deal.amount for deal in deals)
    assert sum(candle.total for candle in candles) == sum(deal.total for deal in deals)
    assert candles[0].first == deals[0].price
    assert candles[-1].last == deals[-1].price
    assert max(candle.high for candle in candles) == max(deal.price for deal in deals)
    assert min(candle.low for candle in candles) == min(deal.price for deal in deals)


@given(TRADES)
def test_a_quiet_minute_is_flat_at_the_price_before_it(trades: list[tuple[int, int, int]]) -> None:
    tape, deals = tape_of(trades)
    later_s = deals[-1].executed_at // 1_000_000 + 10 * MINUTE_S
    quiet = tape.summary(later_s, later_s + MINUTE_S)
    assert {quiet.first, quiet.last, quiet.high, quiet.low} == {deals[-1].price}
    assert quiet.volume == quiet.total == 0


def test_before_the_first_trade_there_is_the_reference_price_and_no_candle() -> None:
    tape = MarketTape(DEFAULT_MARKETS[0])
    assert tape.summary(0, 60).last == tape.last_price == DEFAULT_MARKETS[0].reference_price
    assert tape.candles(0, 600, 60) == []
