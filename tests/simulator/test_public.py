"""The public channels: what is asked, what is told first, what after, and how often."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.records import Instruction, Side
from reconciler.simulator.server import serve
from tests.simulator.client import START, Ear, Now, opened
from tests.simulator.test_server import in_memory_websocket

Script = Callable[[Ear, Exchange, Now], Awaitable[None]]

MARKET = "BTC_USDT"


def heard(script: Script) -> None:
    """Runs a test with a stranger's WebSocket, on a clock that jumps."""

    async def main() -> None:
        now = Now()
        exchange = opened(now)
        async with serve(exchange, port=None) as server, trio.open_nursery() as nursery:
            ear = Ear(await in_memory_websocket(server, nursery))
            with trio.fail_after(1000):
                await script(ear, exchange, now)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def rest(exchange: Exchange, side: str, amount: str, price: str, market: str = MARKET) -> int:
    asked = Instruction(
        market=market, side=Side(side), amount=Decimal(amount), price=Decimal(price)
    )
    return exchange.place("treasury", asked).order_id


def book_of(exchange: Exchange) -> None:
    for price in ("99", "98.5", "98"):
        rest(exchange, "buy", "1", price)
    for price in ("101", "101.5", "103"):
        rest(exchange, "sell", "0.5", price)


async def silent(ear: Ear, seconds: float) -> None:
    assert ear.updates == []
    with trio.move_on_after(seconds) as waited:
        raise AssertionError(await ear.link.get_message())
    assert waited.cancelled_caught


async def done(ear: Ear, method: str, *params: Any) -> None:
    assert (await ear.ask(method, *params))["result"] == {"status": "success"}


# Depth


def test_depth_is_asked_for_without_authorization() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        book_of(exchange)
        result = (await ear.ask("depth_request", MARKET, 2, "0"))["result"]
        assert result["asks"] == [["101", "0.5"], ["101.5", "0.5"]]
        assert result["bids"] == [["99", "1"], ["98.5", "1"]]

    heard(script)


def test_prices_are_grouped_away_from_the_middle() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        rest(exchange, "buy", "1", "98.59")
        rest(exchange, "buy", "1", "98.51")
        rest(exchange, "sell", "1", "101.51")
        result = (await ear.ask("depth_request", MARKET, 10, "0.1"))["result"]
        assert result["bids"] == [["98.5", "2"]]
        assert result["asks"] == [["101.6", "1"]]

    heard(script)


def applied(book: dict[str, dict[str, str]], params: list[Any], last_id: int) -> int:
    """A client that follows the documented rules; returns the id of what it applied."""
    full, sent, market = params
    assert market == MARKET
    if full:
        assert "past_update_id" not in sent
        book["asks"], book["bids"] = dict(sent["asks"]), dict(sent["bids"])
    else:
        assert sent["past_update_id"] == last_id
        for side in ("asks", "bids"):
            for price, amount in sent.get(side, ()):
                book[side][price] = amount
                if amount == "0":
                    del book[side][price]
    assert sent["update_id"] > last_id
    return int(sent["update_id"])


def test_depth_begins_whole_and_goes_on_in_a_chain_of_changes() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        book_of(exchange)
        await done(ear, "depth_subscribe", MARKET, 5, "0", True)
        book: dict[str, dict[str, str]] = {}
        first = await ear.hear("depth_update")
        assert first[0] is True
        last_id = applied(book, first, 0)
        order = rest(exchange, "buy", "2", "98.5")
        second = await ear.hear("depth_update")
        assert second[0] is False
        assert second[1]["bids"] == [["98.5", "3"]]
        assert "asks" not in second[1]
        last_id = applied(book, second, last_id)
        exchange.cancel("treasury", MARKET, order)
        exchange.fill("treasury", MARKET, "buy", "0.1", "100")  # past the book
        rest(exchange, "buy", "0.5", "101")  # meets the best ask
        last_id = applied(book, await ear.hear("depth_update"), last_id)
        assert book["asks"] == {"101.5": "0.5", "103": "0.5"}
        assert book["bids"] == {"99": "1", "98.5": "1", "98": "1"}

    heard(script)


def test_a_level_that_another_pushes_out_of_sight_is_zero() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        rest(exchange, "buy", "1", "99")
        await done(ear, "depth_subscribe", MARKET, 1, "0", True)
        await ear.hear("depth_update")
        rest(exchange, "buy", "1", "99.5")
        assert (await ear.hear("depth_update"))[1]["bids"] == [["99.5", "1"], ["99", "0"]]

    heard(script)


def test_changes_of_a_tenth_of_a_second_come_together() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await done(ear, "depth_subscribe", MARKET, 5, "0", True)
        await ear.hear("depth_update")
        for price in ("97", "98", "99"):
            rest(exchange, "buy", "1", price)
        began = trio.current_time()
        bids = (await ear.hear("depth_update"))[1]["bids"]
        assert bids == [["99", "1"], ["98", "1"], ["97", "1"]]
        assert trio.current_time() - began <= 0.11
        await silent(ear, 5)

    heard(script)


def test_ten_seconds_without_a_change_in_sight_bring_the_whole_book_again() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        rest(exchange, "buy", "1", "99")
        await done(ear, "depth_subscribe", MARKET, 1, "0", True)
        first = await ear.hear("depth_update")
        rest(exchange, "buy", "1", "9")  # out of sight
        began = trio.current_time()
        again = await ear.hear("depth_update")
        assert 9.8 < trio.current_time() - began <= 10.1
        assert again[0] is True
        assert "past_update_id" not in again[1]
        assert again[1]["update_id"] > first[1]["update_id"]
        rest(exchange, "buy", "1", "99")
        delta = await ear.hear("depth_update")
        assert delta[1]["past_update_id"] == again[1]["update_id"]

    heard(script)


def test_depth_adds_markets_or_drops_the_others() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        async def markets() -> set[str]:
            told = {(await ear.hear("depth_update"))[2]}
            with trio.move_on_after(11):  # the keepalives of all
                while True:
                    told.add((await ear.hear("depth_update"))[2])
            return told

        await done(ear, "depth_subscribe", MARKET, 1, "0", True)
        await done(ear, "depth_subscribe", "ETH_BTC", 1, "0", True)
        assert await markets() == {MARKET, "ETH_BTC"}
        await done(ear, "depth_subscribe", "SOL_USDT", 1, "0", False)
        assert await markets() == {"SOL_USDT"}
        await done(ear, "depth_subscribe", MARKET, 1, "0", True)
        await done(ear, "depth_unsubscribe", "SOL_USDT")
        assert await markets() == {MARKET}
        await done(ear, "depth_unsubscribe")
        await silent(ear, 20)

    heard(script)


# Trades


def test_trades_are_replayed_then_told_as_they_are_made() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        made = [
            exchange.fill("treasury", MARKET, side, "0.1", "100", role=role).deal_id
            for side, role in (("buy", "taker"), ("buy", "maker"))
        ]
        await done(ear, "trades_subscribe", MARKET)
        market, replay = await ear.hear("trades_update")
        assert market == MARKET
        assert [(trade["id"], trade["type"]) for trade in replay] == [
            (made[1], "sell"),
            (made[0], "buy"),
        ]
        assert replay[0] | {"id": 0, "type": ""} == {
            "id": 0,
            "type": "",
            "time": pytest.approx(START / 1e6),
            "price": "100",
            "amount": "0.1",
            "rpi": False,
        }
        third = exchange.fill("treasury", MARKET, "sell", "0.1", "100").deal_id
        assert [trade["id"] for trade in (await ear.hear("trades_update"))[1]] == [third]
        await done(ear, "trades_subscribe", "ETH_BTC")
        exchange.fill("treasury", MARKET, "sell", "0.1", "100")
        fourth = exchange.fill("treasury", "ETH_BTC", "buy", "1", "0.03").deal_id
        market, trades = await ear.hear("trades_update")
        assert (market, trades[0]["id"]) == ("ETH_BTC", fourth)
        await done(ear, "trades_subscribe")
        assert {(await ear.hear("trades_update"))[0] for _ in range(2)} == {MARKET, "ETH_BTC"}

    heard(script)


def test_trades_are_asked_for_from_an_id_on() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        ids = [exchange.fill("treasury", MARKET, "buy", "0.1", "100").deal_id for _ in range(4)]

        async def asked(limit: int, after_id: int) -> list[int]:
            said = await ear.ask("trades_request", MARKET, limit, after_id)
            return [trade["id"] for trade in said["result"]]

        assert await asked(100, 0) == ids[::-1]
        assert await asked(100, ids[1]) == [ids[3], ids[2]]
        assert await asked(1, 0) == [ids[3]]

    heard(script)


# Prices, candles, statistics


def test_the_last_price_is_told_at_once_and_then_once_a_second_if_it_changed() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await done(ear, "lastprice_subscribe", MARKET, "ETH_BTC")
        told = [await ear.hear("lastprice_update") for _ in range(2)]
        assert told == [[MARKET, "100000"], ["ETH_BTC", "0.03"]]
        await silent(ear, 5)
        for price in ("101", "102"):
            exchange.fill("treasury", MARKET, "buy", "0.1", price)
        assert await ear.hear("lastprice_update") == [MARKET, "102"]
        assert (await ear.ask("lastprice_request", MARKET))["result"] == "102"
        await done(ear, "lastprice_unsubscribe")
        exchange.fill("treasury", MARKET, "buy", "0.1", "103")
        await silent(ear, 5)

    heard(script)


def test_candles_say_close_before_high_and_low() -> None:
    async def script(ear: Ear, exchange: Exchange, now: Now) -> None:
        minute = START // 60_000_000 * 60
        for price in ("100", "120", "80", "110"):
            exchange.fill("treasury", MARKET, "buy", "0.1", price)
        row = [minute, "100", "110", "120", "80", "0.4", "41", MARKET]
        await done(ear, "candles_subscribe", MARKET, 60)
        assert await ear.hear("candles_update") == [row]
        now.pass_seconds(120)
        exchange.fill("treasury", MARKET, "buy", "0.1", "115")
        flat = [minute + 60, "110", "110", "110", "110", "0", "0", MARKET]
        new = [minute + 120, "115", "115", "115", "115", "0.1", "11.5", MARKET]
        assert await ear.hear("candles_update") == [row, flat, new]
        asked = await ear.ask("candles_request", MARKET, minute, minute + 180, 60)
        assert asked["result"] == [row, flat, new]
        [hour] = (await ear.ask("candles_request", MARKET, minute, minute + 180, 3600))["result"]
        assert hour[1:] == ["100", "115", "120", "80", "0.5", "52.5", MARKET]
        assert hour[0] % 3600 == 0

    heard(script)


def test_only_one_market_and_interval_has_candles() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await done(ear, "candles_subscribe", MARKET, 60)
        await done(ear, "candles_subscribe", "ETH_BTC", 300)
        exchange.fill("treasury", MARKET, "buy", "0.1", "100")
        exchange.fill("treasury", "ETH_BTC", "buy", "1", "0.03")
        assert [row[-1] for row in await ear.hear("candles_update")] == ["ETH_BTC"]
        await silent(ear, 5)

    heard(script)


def test_statistics_of_a_day_and_of_today() -> None:
    async def script(ear: Ear, exchange: Exchange, now: Now) -> None:
        for price in ("100", "120"):
            exchange.fill("treasury", MARKET, "buy", "0.1", price)
        now.pass_seconds(86_000)
        exchange.fill("treasury", MARKET, "buy", "0.1", "90")
        day = {"open": "100", "high": "120", "low": "90", "last": "90", "volume": "0.3"}
        today = {"open": "90", "high": "90", "low": "90", "last": "90", "volume": "0.1"}
        whole = day | {"deal": "31", "close": "90", "period": 86400}
        assert (await ear.ask("market_request", MARKET, 86400))["result"] == whole
        assert (await ear.ask("marketToday_query", MARKET))["result"] == today | {"deal": "9"}
        await done(ear, "market_subscribe", MARKET)
        await done(ear, "marketToday_subscribe", MARKET)
        assert await ear.hear("market_update") == [MARKET, whole]
        assert await ear.hear("marketToday_update") == [MARKET, today | {"deal": "9"}]
        await silent(ear, 3)

    heard(script)


def test_the_best_prices_are_told_the_moment_they_change_and_not_before() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        book_of(exchange)
        await done(ear, "bookTicker_subscribe", MARKET)
        [row] = await ear.hear("bookTicker_update")
        assert row[2] == MARKET
        assert row[4:] == ["99", "1", "101", "0.5"]
        rest(exchange, "buy", "1", "9")
        await silent(ear, 20)
        began = trio.current_time()
        rest(exchange, "buy", "1", "99.5")
        [newer] = await ear.hear("bookTicker_update")
        assert newer[3] > row[3]
        assert newer[4:] == ["99.5", "1", "101", "0.5"]
        assert trio.current_time() - began < 0.05
        await done(ear, "bookTicker_subscribe")
        assert len(await ear.hear("bookTicker_update")) == len(exchange.markets)

    heard(script)


WRONG: list[tuple[str, list[Any]]] = [
    ("depth_request", [MARKET, 101, "0"]),
    ("depth_request", ["A_B", 10, "0"]),
    ("depth_request", [MARKET, 10, "0.5"]),
    ("depth_request", [MARKET]),
    ("depth_subscribe", [MARKET, 7, "0", True]),
    ("depth_subscribe", [MARKET, 5, "0"]),
    ("trades_request", [MARKET, 0, 0]),
    ("trades_subscribe", ["A_B"]),
    ("lastprice_request", []),
    ("lastprice_subscribe", [1]),
    ("candles_request", [MARKET, 5, 4, 60]),
    ("candles_request", [MARKET, 0, 10**9, 60]),
    ("candles_subscribe", [MARKET, 7]),
    ("market_request", [MARKET, 0]),
    ("marketToday_query", [MARKET, "ETH_BTC"]),
    ("bookTicker_subscribe", ["A_B"]),
]


@pytest.mark.parametrize(("method", "params"), WRONG, ids=json.dumps)
def test_wrong_params_are_refused(method: str, params: list[Any]) -> None:
    async def script(ear: Ear, _: Exchange, __: Now) -> None:
        said = await ear.ask(method, *params)
        assert said["error"] == {"code": 1, "message": "invalid argument"}

    heard(script)


def test_a_wrong_market_leaves_the_subscription_as_it_was() -> None:
    async def script(ear: Ear, exchange: Exchange, _: Now) -> None:
        await done(ear, "trades_subscribe", MARKET)
        assert (await ear.ask("trades_subscribe", "A_B"))["error"]["code"] == 1
        exchange.fill("treasury", MARKET, "buy", "0.1", "100")
        assert (await ear.hear("trades_update"))[0] == MARKET

    heard(script)


def test_marketToday_has_no_request() -> None:
    async def script(ear: Ear, _: Exchange, __: Now) -> None:
        assert (await ear.ask("marketToday_request", MARKET))["error"]["code"] == 4

    heard(script)
