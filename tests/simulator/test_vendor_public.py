"""The public side fits the vendor's own AsyncAPI and OpenAPI files, where they are at hand."""

from decimal import Decimal
from typing import Any

import pytest

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.markets import DEFAULT_MARKETS, FUTURES
from reconciler.simulator.records import Instruction, Side
from reconciler.simulator.server import serve
from tests.running import run
from tests.simulator.client import Ear, Now, Rest, calling
from tests.simulator.test_vendor import (
    VENDOR,
    answer,
    busy,
    complaints,
    document,
    resolved,
    spoken,
)

pytestmark = pytest.mark.skipif(not VENDOR.is_dir(), reason="the vendor's files are not at hand")

PUBLIC_PATHS = {
    "ticker": "ticker",
    "orderbook/BTC_USDT": "orderbook/{market}",
    "orderbook/BTC_USDT?limit=1&level=1": "orderbook/{market}",
    "orderbook/depth/BTC_USDT": "orderbook/depth/{market}",
    "trades/BTC_USDT": "trades/{market}",
    "trades/BTC_USDT?type=sell": "trades/{market}",
    "fee": "fee",
    "collateral/markets": "collateral/markets",
    "futures": "futures",
}


@pytest.mark.parametrize("path", PUBLIC_PATHS)
def test_market_data_over_rest_fits(path: str) -> None:
    async def script(exchange: Exchange, rest: Rest, __: Ear) -> None:
        busy(exchange)
        said = (await rest.get(f"public/{path}")).json()
        assert said
        assert complaints(said, answer(f"/api/v4/public/{PUBLIC_PATHS[path]}")) == []

    spoken(script)


PUBLIC_QUERIES: dict[str, tuple[str, list[Any]]] = {
    "depth_request": ("depth", ["BTC_USDT", 100, "0"]),
    "trades_request": ("trades", ["BTC_USDT", 100, 0]),
    "lastprice_request": ("lastprice", ["BTC_USDT"]),
    "candles_request": ("kline", ["BTC_USDT", 1_738_230_000, 1_738_231_000, 60]),
    "market_request": ("market", ["BTC_USDT", 86400]),
    "marketToday_query": ("market_today", ["BTC_USDT"]),
    "ping": ("service", []),
    "time": ("service", []),
}


def public_message(channel: str, name: str) -> Any:
    root = document(f"asyncapi/public/{channel}.yaml")
    return resolved(root["components"]["messages"][name]["payload"], root)


@pytest.mark.parametrize("method", PUBLIC_QUERIES)
def test_answers_to_public_queries_fit(method: str) -> None:
    channel, params = PUBLIC_QUERIES[method]

    async def script(exchange: Exchange, _: Rest, ear: Ear) -> None:
        busy(exchange)
        said = await ear.ask(method, *params)
        assert said["result"]
        name = f"{method.partition('_')[0]}Response"
        assert complaints(said, public_message(channel, name)) == []

    spoken(script)


PUBLIC_UPDATES: dict[str, tuple[str, str, list[Any]]] = {
    "depth": ("depth", "depthUpdate", ["BTC_USDT", 100, "0", True]),
    "trades": ("trades", "tradesUpdate", ["BTC_USDT"]),
    "lastprice": ("lastprice", "lastpriceUpdate", ["BTC_USDT"]),
    "candles": ("kline", "candlesUpdate", ["BTC_USDT", 60]),
    "market": ("market", "marketUpdate", ["BTC_USDT"]),
    "marketToday": ("market_today", "marketTodayUpdate", ["BTC_USDT"]),
    "bookTicker": ("book_ticker", "bookTickerUpdate", ["BTC_USDT"]),
}


@pytest.mark.parametrize("channel", PUBLIC_UPDATES)
def test_public_updates_fit(channel: str) -> None:
    file, name, params = PUBLIC_UPDATES[channel]

    async def script(exchange: Exchange, _: Rest, ear: Ear) -> None:
        busy(exchange)
        said = await ear.ask(f"{channel}_subscribe", *params)
        assert said["result"] == {"status": "success"}
        told = await ear.hear(f"{channel}_update")
        frame = {"id": None, "method": f"{channel}_update", "params": told}
        assert complaints(frame, public_message(file, name)) == []

    spoken(script)


def test_a_delta_without_a_side_does_not_fit() -> None:
    """Deliberate: the depth page of the vendor's site says that a side may be absent, the file
    that both are required (PROTOCOL § 4); absent is the harder case for a client."""

    async def script(exchange: Exchange, _: Rest, ear: Ear) -> None:
        await ear.ask("depth_subscribe", "BTC_USDT", 100, "0", True)
        await ear.hear("depth_update")
        busy(exchange)
        await ear.hear("depth_update")
        terms = Instruction(market="BTC_USDT", side=Side.BUY, amount=Decimal(1), price=Decimal(9))
        exchange.place("treasury", terms)
        told = await ear.hear("depth_update")
        frame = {"id": None, "method": "depth_update", "params": told}
        said = complaints(frame, public_message("depth", "depthUpdate"))
        assert all("'asks' is a required property" in complaint for complaint in said)
        assert told[0] is False

    spoken(script)


def test_the_list_of_perpetual_markets_fits() -> None:
    async def main() -> None:
        exchange = Exchange((*DEFAULT_MARKETS, *FUTURES), now=Now())
        async with serve(exchange) as server, calling(server) as rest:
            said = (await rest.get("public/futures")).json()
            assert complaints(said, answer("/api/v4/public/futures")) == []

    run(main)
