"""Lists of markets are sent whole, where they change, and survive refusals and new listings."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import trio

from reconciler.domain.moments import MINUTE, SECOND, seconds
from reconciler.domain.words import Phase
from reconciler.feed.link import RequestRefused
from reconciler.feed.session import MARKETS_INTERVAL, session
from reconciler.feed.wanted import NAMES_MAX
from reconciler.simulator.faults import Answer, Point, Refuse, Rule
from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.simulator.records import Instruction, Market, Side
from tests.feed.memory import ACCOUNT, Stage, open_stage, run
from tests.feed.peers import ending

PENDING, EXECUTED = "ordersPending_subscribe", "ordersExecuted_subscribe"
NAMES = [market.name for market in DEFAULT_MARKETS]
SWEEP = MARKETS_INTERVAL + MINUTE
SELDOM: dict[str, Any] = {"sweep": SWEEP, "poll": SWEEP, "ping_interval": 50 * SECOND}
"""What a listener does over and over while a test waits for the next hour."""
LATER_S = seconds(SWEEP + MINUTE)
"""The markets are read again with the first sweep after the hour."""


def listed(stage: Stage, markets: Sequence[Market]) -> Rule:
    """From now on the exchange says that these are its markets."""
    body = [
        {"name": market.name, "stock": market.stock, "money": market.money, "type": "spot"}
        for market in markets
    ]
    answer = Answer(200, msgspec.json.encode(body).decode())
    rule = Rule(point=Point.REQUEST, act=answer, name="/api/v4/public/markets", times=None)
    return stage.exchange.faults.add(rule)


def named(name: str) -> Market:
    return replace(DEFAULT_MARKETS[0], name=name, stock=name.partition("_")[0])


def place(stage: Stage, market: str) -> None:
    asked = Instruction(market=market, side=Side.BUY, amount=Decimal(1), price=Decimal(10))
    stage.exchange.place(ACCOUNT, asked)


async def live(stage: Stage) -> None:
    stage.nursery.start_soon(session, stage.on)
    await stage.on.figures.until_live()
    await trio.sleep(30)


async def are_told(stage: Stage, names: Sequence[str]) -> bool:
    """Whether an order of each of these markets comes by the stream."""
    before = {order.order_id for order in stage.reads.open_orders(ACCOUNT)}
    for name in names:
        place(stage, name)
    await trio.sleep(1)
    orders = stage.reads.open_orders(ACCOUNT)
    return sorted(o.market for o in orders if o.order_id not in before) == sorted(names)


def lists(stage: Stage) -> list[Any]:
    """The lists of open orders that were sent, each followed by the same of finished ones."""
    pending = stage.network.params_of(PENDING)
    assert stage.network.params_of(EXECUTED) == [[names, 0] for names in pending]
    return pending


def dropped(stage: Stage) -> list[str]:
    return [line["market"] for line in stage.logged("market.dropped")]


# Refusals


def test_a_market_that_vanishes_before_the_subscription_is_dropped(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM, markets=DEFAULT_MARKETS[:3]) as stage:
            delist = stage.exchange.engine.enforcement.delist
            stage.network.when(PENDING, lambda: delist("ETH_BTC"))
            await live(stage)
            assert stage.network.params_of(PENDING) == [NAMES[:3], NAMES[:2]]
            assert stage.network.asked.count("public/markets") == 2
            assert dropped(stage) == ["ETH_BTC"]
            assert stage.on.figures.sessions == 1
            assert await are_told(stage, NAMES[:2])

    run(main)


@pytest.mark.parametrize("odd", [["ODD_USDT"], ["A_USDT", "B_USDT", "C_USDT"]])
def test_markets_that_are_listed_and_refused_all_the_same_are_left_out_for_the_others(
    sqlite_url: str, odd: list[str]
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM) as stage:
            listed(stage, [*DEFAULT_MARKETS[:4], *map(named, odd), *DEFAULT_MARKETS[4:]])
            await live(stage)
            assert dropped(stage) == odd
            assert stage.network.params_of(PENDING)[-1] == NAMES
            assert stage.on.figures.sessions == 1
            assert await are_told(stage, NAMES[:2])
            asked_at_first = stage.network.asked.count("public/markets")
            await trio.sleep(2 * LATER_S)
            assert stage.network.asked.count("public/markets") == asked_at_first + 2
            assert stage.network.params_of(PENDING)[-1] == NAMES
            assert dropped(stage) == odd

    run(main)


def test_a_list_that_is_refused_once_is_sent_again(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM, markets=DEFAULT_MARKETS[:3]) as stage:
            stage.exchange.faults.add(Rule(point=Point.CALL, act=Refuse(9), name=EXECUTED))
            await live(stage)
            assert dropped(stage) == []
            assert stage.on.figures.sessions == 1
            assert await are_told(stage, NAMES[:2])

    run(main)


@pytest.mark.parametrize("code", [1, 2, 6])
def test_a_refusal_that_is_not_about_names_ends_the_session(sqlite_url: str, code: int) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM) as stage:
            rule = Rule(point=Point.CALL, act=Refuse(code), name=PENDING, times=None)
            stage.exchange.faults.add(rule)
            with ending(f"code {code}", RequestRefused):
                await session(stage.on)
            assert dropped(stage) == []
            assert stage.on.figures.lives == 0

    run(main)


def test_a_list_that_is_too_long_for_the_exchange_ends_the_session(sqlite_url: str) -> None:
    """Each half is taken: nothing is wrong with any name."""

    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM) as stage:
            asked = stage.network.requests

            def refuse_whole() -> None:
                if len(asked[-1][1]) == len(NAMES):
                    rule = Rule(point=Point.CALL, act=Refuse(1), name=PENDING)
                    stage.exchange.faults.add(rule)

            stage.network.when(PENDING, refuse_whole, times=1_000)
            with ending("code 1", RequestRefused):
                await session(stage.on)
            assert dropped(stage) == []

    run(main)


# New listings


def test_a_market_that_is_listed_while_live_is_listened_to_without_another_connection(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM) as stage:
            rule = listed(stage, DEFAULT_MARKETS[:5])
            await live(stage)
            stage.exchange.faults.remove(rule)
            await trio.sleep(LATER_S)
            assert lists(stage) == [NAMES[:5], NAMES]
            assert stage.network.asked.count("connect") == 1
            assert stage.on.figures.phase is Phase.LIVE
            assert await are_told(stage, ["BTC_USDT", "DOGE_USDT"])

    run(main)


def test_one_that_was_configured_before_it_was_listed_is_picked_up(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM, wanted=("SOL_USDT",)) as stage:
            rule = listed(stage, DEFAULT_MARKETS[:1])
            await live(stage)  # deals and balances need no list
            assert lists(stage) == []
            stage.exchange.faults.remove(rule)
            await trio.sleep(LATER_S)
            assert lists(stage) == [["SOL_USDT"]]
            assert await are_told(stage, ["SOL_USDT"])

    run(main)


def test_one_that_is_gone_is_dropped_and_an_empty_list_is_never_sent(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM, wanted=("SOL_USDT",)) as stage:
            await live(stage)
            stage.exchange.engine.enforcement.delist("SOL_USDT")
            await trio.sleep(LATER_S)
            assert lists(stage) == [["SOL_USDT"]]
            assert stage.network.params_of("ordersPending_unsubscribe") == [[]]
            assert stage.network.params_of("ordersExecuted_unsubscribe") == [[]]
            assert dropped(stage) == ["SOL_USDT"]
            assert (stage.on.figures.phase, stage.on.figures.sessions) == (Phase.LIVE, 1)

    run(main)


def test_only_the_connection_whose_list_changes_is_sent_it_and_more_are_opened_as_needed(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        many = tuple(named(f"A{number}_USDT") for number in range(2 * NAMES_MAX + 1))
        names = [market.name for market in many]
        early = names[:50] + names[51:150]
        async with open_stage(sqlite_url, **SELDOM, markets=many) as stage:
            rule = listed(stage, [market for market in many if market.name in early])
            await live(stage)
            assert lists(stage) == [early[:100], early[100:]]
            stage.exchange.faults.remove(rule)
            rule = listed(stage, many[:151])
            await trio.sleep(LATER_S)
            later = [*early[100:], names[50], names[150]]
            assert lists(stage)[2:] == [later]
            stage.exchange.faults.remove(rule)
            await trio.sleep(LATER_S)
            full = [*later, *names[151:200]]
            assert lists(stage)[3:] == [full, names[200:]]
            assert stage.network.asked.count("connect") == 3
            assert await are_told(stage, [names[0], names[50], names[150], names[200]])

    run(main)


def test_a_market_that_vanishes_as_another_comes_costs_nothing_but_itself(sqlite_url: str) -> None:
    """The list is refused while live, and the one before it is gone by then."""

    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM) as stage:
            rule = listed(stage, DEFAULT_MARKETS[:5])
            await live(stage)
            stage.exchange.faults.remove(rule)
            delist = stage.exchange.engine.enforcement.delist
            stage.network.when(PENDING, lambda: delist("ETH_BTC"))
            await trio.sleep(LATER_S)
            left = [name for name in NAMES if name != "ETH_BTC"]
            assert stage.network.params_of(PENDING) == [NAMES[:5], NAMES, left]
            assert dropped(stage) == ["ETH_BTC"]
            assert stage.on.figures.sessions == 1
            assert await are_told(stage, ["BTC_USDT", "DOGE_USDT"])

    run(main)


@pytest.mark.parametrize("before", [PENDING, EXECUTED, "balanceSpot_request", "orders"])
def test_what_happens_while_lists_change_is_in_the_record_once_live_again(
    sqlite_url: str, before: str
) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM) as stage:
            rule = listed(stage, DEFAULT_MARKETS[:5])
            await live(stage)
            stage.exchange.faults.remove(rule)
            known: list[bool] = []

            def happens() -> None:
                for name in ("BTC_USDT", "DOGE_USDT"):
                    place(stage, name)
                    stage.exchange.fill(ACCOUNT, name, "buy", "10", "0.5")

            stage.network.when("public/markets", lambda: stage.network.when(before, happens))
            await trio.sleep(LATER_S)
            assert await is_right(stage), known
            assert {deal.market for deal in stage.reads.deals(ACCOUNT)} == {"BTC_USDT", "DOGE_USDT"}

    run(main)


async def is_right(stage: Stage) -> bool:
    verdict = await stage.verdict()
    return not [found for found in verdict.differences if "main" not in found]


def test_a_listing_that_cannot_be_read_while_live_ends_nothing(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, **SELDOM) as stage:
            await live(stage)
            answer = Answer(502, "<html>")
            rule = Rule(point=Point.REQUEST, act=answer, name="/api/v4/public/markets", times=None)
            stage.exchange.faults.add(rule)
            await trio.sleep(LATER_S)
            assert stage.logged("sweep.failed")
            assert (stage.on.figures.phase, stage.on.figures.sessions) == (Phase.LIVE, 1)
            assert await are_told(stage, ["BTC_USDT"])

    run(main)
