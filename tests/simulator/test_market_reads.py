"""What anybody may ask over REST, in the three generations of the interface that clients use."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.markets import DEFAULT_MARKETS, FUTURES, WITHDRAWAL_FEES
from reconciler.simulator.numbers import ZERO, text
from reconciler.simulator.records import Instruction, Side
from reconciler.simulator.server import serve
from tests.running import run
from tests.simulator.client import START, Now, calling, opened

Get = Callable[[str], Awaitable[Any]]
Script = Callable[[Get, Exchange, Now], Awaitable[None]]

MINUTE = START // 60_000_000 * 60


def asked(script: Script) -> None:
    async def main() -> None:
        now = Now()
        exchange = opened(now)
        async with serve(exchange) as server, calling(server) as rest:

            async def get(path: str) -> Any:
                return (await rest.http.get(f"{server.rest_url}/api/{path}")).json()

            await script(get, exchange, now)

    run(main)


def place(exchange: Exchange, side: str, amount: str, price: str) -> None:
    asked = Instruction(
        market="BTC_USDT", side=Side(side), amount=Decimal(amount), price=Decimal(price)
    )
    exchange.place("treasury", asked)


def test_the_book_is_cut_to_the_limit_and_grouped_by_level() -> None:
    async def script(get: Get, exchange: Exchange, _: Now) -> None:
        for price in ("99.99", "99.95", "98"):
            place(exchange, "buy", "1", price)
        place(exchange, "sell", "1", "100.01")
        book = await get("v4/public/orderbook/BTC_USDT?limit=2")
        assert book["bids"] == [["99.99", "1"], ["99.95", "1"]]
        assert book["timestamp"] == START // 1_000_000
        grouped = await get("v4/public/orderbook/BTC_USDT?level=1")
        assert grouped["bids"] == [["99.9", "2"], ["98", "1"]]
        assert grouped["asks"] == [["100.1", "1"]]
        whole = await get("v4/public/orderbook/BTC_USDT?limit=0")
        assert len(whole["bids"]) == 3

    asked(script)


def test_the_depth_reaches_two_percent_from_the_last_price() -> None:
    async def script(get: Get, exchange: Exchange, _: Now) -> None:
        exchange.fill("treasury", "BTC_USDT", "buy", "0.1", "100")
        for price in ("98", "97.99"):
            place(exchange, "buy", "1", price)
        place(exchange, "sell", "1", "102.01")
        book = await get("v4/public/orderbook/depth/BTC_USDT")
        assert (book["bids"], book["asks"]) == ([["98", "1"]], [])

    asked(script)


def test_trades_are_newest_first_and_by_side_if_one_is_named() -> None:
    async def script(get: Get, exchange: Exchange, _: Now) -> None:
        ids = [
            exchange.fill("treasury", "BTC_USDT", side, "0.1", "100").deal_id
            for side in ("buy", "sell", "buy")
        ]
        page = await get("v4/public/trades/BTC_USDT")
        assert [trade["tradeID"] for trade in page] == ids[::-1]
        assert (page[0]["quote_volume"], page[0]["base_volume"]) == ("0.1", "10")
        sold = await get("v4/public/trades/BTC_USDT?type=sell")
        assert [trade["tradeID"] for trade in sold] == [ids[1]]

    asked(script)


def test_all_generations_of_tickers_agree() -> None:
    async def script(get: Get, exchange: Exchange, _: Now) -> None:
        for price in ("100", "110"):
            exchange.fill("treasury", "BTC_USDT", "buy", "0.1", price)
        place(exchange, "buy", "1", "99")
        fourth = (await get("v4/public/ticker"))["BTC_USDT"]
        first = (await get("v1/public/ticker?market=BTC_USDT"))["result"]
        second = (await get("v2/public/ticker"))["result"]
        [ours] = [row for row in second if row["tradingPairs"] == "BTC_USDT"]
        assert fourth["last_price"] == first["last"] == ours["lastPrice"] == "110"
        assert fourth["base_volume"] == first["volume"] == ours["baseVolume24h"] == "0.2"
        assert fourth["quote_volume"] == first["deal"] == ours["quoteVolume24h"] == "21"
        assert fourth["change"] == first["change"] == "10"
        assert first["bid"] == ours["highestBid"] == "99"
        assert first["ask"] == ours["lowestAsk"] == "0"

    asked(script)


def test_candles_are_the_last_before_the_end_or_the_first_from_the_start() -> None:
    async def script(get: Get, exchange: Exchange, now: Now) -> None:
        for price in ("100", "101", "102"):
            exchange.fill("treasury", "BTC_USDT", "buy", "0.1", price)
            now.pass_seconds(60)
        path = "v1/public/kline?market=BTC_USDT&interval=1m"
        rows = (await get(path))["result"]
        assert [row[0] for row in rows] == [MINUTE + 60 * n for n in range(4)]
        assert rows[0] == [MINUTE, "100", "100", "100", "100", "0.1", "10"]
        assert [row[0] for row in (await get(f"{path}&limit=2"))["result"]] == [
            MINUTE + 120,
            MINUTE + 180,
        ]
        first = (await get(f"{path}&limit=2&start={MINUTE}"))["result"]
        assert [row[0] for row in first] == [MINUTE, MINUTE + 60]

    asked(script)


def test_what_is_wrong_is_said_by_field() -> None:
    async def script(get: Get, _: Exchange, __: Now) -> None:
        unknown = {"market": ["Market is not available."]}
        assert await get("v4/public/orderbook/A_B") == unknown
        assert await get("v4/public/trades/A_B") == unknown
        assert await get("v1/public/ticker") == unknown
        assert "type" in await get("v4/public/trades/BTC_USDT?type=x")
        assert "limit" in await get("v4/public/orderbook/BTC_USDT?limit=101")

    asked(script)


@pytest.mark.parametrize("path", ["fee", "assets"])
def test_every_asset_is_there(path: str) -> None:
    async def script(get: Get, exchange: Exchange, _: Now) -> None:
        assert sorted(await get(f"v4/public/{path}")) == exchange.engine.assets

    asked(script)


def test_perpetual_markets_are_listed_apart_and_count_as_margin_markets() -> None:
    async def main() -> None:
        exchange = Exchange((*DEFAULT_MARKETS, *FUTURES), now=Now())
        async with serve(exchange) as server, calling(server) as rest:
            listed = (await rest.get("public/futures")).json()["result"]
            assert [row["ticker_id"] for row in listed] == ["BTC_PERP", "ETH_PERP"]
            margin = (await rest.get("public/collateral/markets")).json()["result"]
            assert margin == ["BTC_USDT", "ETH_USDT", "BTC_PERP", "ETH_PERP"]

    run(main)


def test_the_public_list_of_fees_says_what_a_withdrawal_costs() -> None:
    async def script(get: Get, _: Exchange, __: Now) -> None:
        fees = await get("v4/public/fee")
        said = {asset: row["withdraw"]["fixed"] for asset, row in fees.items()}
        assert said == {asset: text(WITHDRAWAL_FEES.get(asset, ZERO)) for asset in fees}
        assert (said["BTC"], fees["BTC"]["deposit"]["fixed"]) == ("0.0004", None)

    asked(script)
