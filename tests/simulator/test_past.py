"""A long past is lived in a short time, by the engine's own laws, and then time goes on."""

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.markets import DEFAULT_MARKETS, FUTURES
from reconciler.simulator.past import DAY, Past, live_through
from reconciler.simulator.records import Truth
from reconciler.simulator.server import serve
from reconciler.simulator.sight import HISTORIES
from tests.running import run
from tests.simulator.client import KEY, SECRET, START, Now, calling
from tests.simulator.test_pursuits import moved
from tests.simulator.test_sight import rows

PAST = Past(
    days=100,
    deals=2_500,
    bursts=2,
    burst_deals=600,
    orders=400,
    papers=600,
    margin=400,
    deposits=100,
    delisted=("DOGE_USDT",),
)


def lived(seed: int = 1) -> tuple[Exchange, Now]:
    now = Now()
    exchange = Exchange((*DEFAULT_MARKETS, *FUTURES), now=now, seed=seed)
    exchange.open_account("treasury", KEY, SECRET, is_business=True)
    exchange.open_account("sub", master="treasury")
    live_through(exchange, PAST, ["treasury"], seed=seed)
    return exchange, now


@cache
def once() -> Exchange:
    return lived()[0]


def truth() -> Truth:
    return once().truth("treasury")


def test_so_much_happened_and_all_of_it_before_now() -> None:
    moments = [deal.executed_at for deal in truth().deals]
    assert len(moments) >= PAST.deals
    assert min(moments) < START - 98 * DAY
    assert START - DAY < max(moments) < START
    days = Counter(moment // DAY for moment in moments)
    assert len(days) >= 100


def test_hundreds_of_deals_are_in_one_second_and_in_one_microsecond() -> None:
    moments = [deal.executed_at for deal in truth().deals]
    [(_, in_a_second), (_, in_another), *_] = Counter(m // 1_000_000 for m in moments).most_common()
    assert min(in_a_second, in_another) >= PAST.burst_deals
    [(_, at_once), (_, next_most), *_] = Counter(moments).most_common()
    assert at_once >= PAST.burst_deals > next_most


def test_orders_have_one_deal_or_several_and_some_live_for_days() -> None:
    deals = Counter(deal.order_id for deal in truth().deals)
    assert set(deals.values()) >= {1, 2, 3, 4, 5}
    ages = [(o.finished_at or o.created_at) - o.created_at for o in truth().orders]
    assert sum(age > 2 * DAY for age in ages) >= 10


def test_every_balance_is_the_sum_of_its_history() -> None:
    for name in once().engine.accounts:
        known = once().truth(name)
        totals = moved(known)
        assert all(balance.total == totals[key] for key, balance in known.balances.items())


def test_the_same_seed_gives_the_same_past() -> None:
    def told(seed: int) -> Any:
        return lived(seed)[0].truth("treasury")

    assert told(1) == truth()
    assert told(2) != truth()


def test_time_goes_on_and_so_does_everything() -> None:
    exchange, now = lived()
    assert exchange.now() == START
    now.pass_seconds(5)
    deal = exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "100000")
    assert deal.executed_at == START + 5_000_000
    assert exchange.truth("treasury").deals[-1] == deal


def test_every_history_has_something_to_tell() -> None:
    middle = START // 1_000_000 - 50 * 86_400
    of_a_delisting = {"startDate": middle - 3_600, "endDate": middle + 3_600}

    async def main() -> None:
        async with serve(once()) as server, calling(server) as rest:
            for path in sorted(HISTORIES):
                dates = of_a_delisting if path.endswith("order/history/query") else {}
                assert await rows(rest, path, once(), **dates), path

    run(main)


@pytest.mark.parametrize("past", [Past(days=1, deals=9), Past(days=1, deals=3, bursts=0)])
def test_a_short_past_is_as_short_as_it_was_asked_for(past: Past) -> None:
    exchange = Exchange(DEFAULT_MARKETS[3:6], now=Now())
    exchange.open_account("treasury")
    live_through(exchange, replace(past, orders=0, papers=0), ["treasury"])
    assert len(exchange.truth("treasury").deals) == past.deals


def test_an_exchange_has_one_past_only() -> None:
    exchange = Exchange(now=Now())
    exchange.open_account("treasury", funds={"BTC": "1"})
    with pytest.raises(AssertionError):
        live_through(exchange, Past(deals=1), ["treasury"])
