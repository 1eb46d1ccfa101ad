"""Which markets are wanted, and how they are spread over lists."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from reconciler.domain.words import Source
from reconciler.feed.rest import ExchangeAway
from reconciler.feed.wanted import Wanted, spread
from reconciler.simulator.faults import Answer, Point, Rule
from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.store import schema
from tests.feed.memory import Stage, open_stage, run

# How they are spread

names = st.lists(st.integers(0, 40).map(str), unique=True)


@given(names, st.lists(names, max_size=5), st.integers(1, 7))
def test_each_name_is_in_one_list_and_no_list_is_too_long(
    wanted: list[str], history: list[list[str]], most: int
) -> None:
    lists: list[tuple[str, ...]] = [()]
    for before in history:
        lists = spread(before, lists, most=most)
    after = spread(wanted, lists, most=most)
    assert sorted(name for those in after for name in those) == sorted(wanted)
    assert all(len(those) <= most for those in after)
    # No connection is closed, and none is opened while another has room.
    assert len(after) == max(len(lists), *(-(-len(those) // most) for those in (wanted, *history)))


@given(names, names, st.integers(1, 7))
def test_only_lists_with_a_change_are_touched(
    before: list[str], after: list[str], most: int
) -> None:
    first = spread(before, [()], most=most)
    then = spread(after, first, most=most)
    added = set(after) - set(before)
    for old, new in zip(first, then, strict=False):
        kept = tuple(name for name in old if name in after)
        assert new[: len(kept)] == kept
        assert set(new[len(kept) :]) <= added
    assert spread(after, then, most=most) == then


def test_they_are_spread_in_their_order() -> None:
    assert spread("abcde", [()], most=2) == [("a", "b"), ("c", "d"), ("e",)]
    assert spread("aefgcd", [("a", "b"), ("c", "d"), ("e",)], most=2) == [
        ("a", "f"),
        ("c", "d"),
        ("e", "g"),
    ]


# Which are wanted

ALL = tuple(market.name for market in DEFAULT_MARKETS)


def listed(stage: Stage, names: Sequence[str]) -> Rule:
    """From now on the exchange says that these are its markets."""
    known = {market.name: market for market in DEFAULT_MARKETS}
    body = [
        {"name": name, "stock": known[name].stock, "money": known[name].money, "type": "spot"}
        for name in names
    ]
    answer = Answer(200, msgspec.json.encode(body).decode())
    rule = Rule(point=Point.REQUEST, act=answer, name="/api/v4/public/markets", times=None)
    return stage.exchange.faults.add(rule)


def test_all_that_are_listed_unless_some_are_configured(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            wanted = Wanted(stage.on)
            assert await wanted.read()
            assert wanted.names == ALL
            assert not await wanted.read()

    run(main)


def test_all_that_are_listed_go_into_the_record_whichever_are_wanted(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url, wanted=("ETH_BTC",)) as stage:
            await Wanted(stage.on).read()
            await stage.on.commit(Source.QUERY, ())
            with stage.database.reading() as connection:
                assert set(connection.scalars(select(schema.markets.c.name))) == set(ALL)

    run(main)


def test_configured_ones_in_their_order_as_far_as_they_are_listed(sqlite_url: str) -> None:
    async def main() -> None:
        asked = ("SOL_USDT", "NEW_USDT", "BTC_USDT", "SOL_USDT")
        async with open_stage(sqlite_url, wanted=asked) as stage:
            wanted = Wanted(stage.on)
            await wanted.read()
            await wanted.read()
            assert wanted.names == ("SOL_USDT", "BTC_USDT")
            # Told once, not with each reading.
            assert [line["market"] for line in stage.logged("market.unlisted")] == ["NEW_USDT"]

    run(main)


def test_one_that_is_listed_later_is_picked_up_and_one_that_is_gone_dropped(
    sqlite_url: str,
) -> None:
    async def main() -> None:
        asked = ("BTC_USDT", "SOL_USDT")
        async with open_stage(sqlite_url, wanted=asked) as stage:
            wanted = Wanted(stage.on)
            rule = listed(stage, ["BTC_USDT", "ETH_USDT"])
            await wanted.read()
            assert wanted.names == ("BTC_USDT",)
            stage.exchange.faults.remove(rule)
            rule = listed(stage, ["ETH_USDT", "SOL_USDT"])
            assert await wanted.read()
            assert wanted.names == ("SOL_USDT",)
            assert [line["market"] for line in stage.logged("market.added")] == ["SOL_USDT"]
            assert [line["market"] for line in stage.logged("market.dropped")] == ["BTC_USDT"]
            stage.exchange.faults.remove(rule)
            listed(stage, ["ETH_USDT"])
            assert await wanted.read()
            assert not wanted.names

    run(main)


def test_one_that_is_left_out_stays_left_out(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            wanted = Wanted(stage.on)
            await wanted.read()
            wanted.leave_out({"ETH_BTC"})
            assert wanted.names == tuple(name for name in ALL if name != "ETH_BTC")
            assert not await wanted.read()
            assert [line["market"] for line in stage.logged("market.dropped")] == ["ETH_BTC"]

    run(main)


def test_an_empty_listing_is_not_believed(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_stage(sqlite_url) as stage:
            listed(stage, [])
            with pytest.raises(ExchangeAway, match="lists no markets"):
                await Wanted(stage.on).read()

    run(main)
