"""ccxt over WebSocket: what it watches, public and private."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from ccxt.base.errors import NetworkError

from conformance.ccxt_rest import SYMBOL
from conformance.checks import Check, Setting, same

PATIENCE_S = 10


async def _until(watch: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]) -> Any:
    """The first that it brings of which this holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds(seen := await watch()):
            pass
        return seen


async def _acting(watch: Callable[[], Awaitable[Any]], act: Callable[[], Any]) -> Any:
    """What it brings once something was done, which begins after it has subscribed."""
    async with asyncio.timeout(PATIENCE_S):
        watching = asyncio.ensure_future(watch())
        while not watching.done():
            await asyncio.sleep(1)
            await asyncio.to_thread(act)
        return await watching


async def _ticker(x: Any, setting: Setting) -> None:
    await x.watch_ticker(SYMBOL)
    await asyncio.to_thread(setting.fill)
    later = await x.watch_ticker(SYMBOL)
    assert later["low"] <= later["last"] <= later["high"]
    assert later["baseVolume"] > 0


async def _order_book(x: Any, setting: Setting) -> None:
    book = await x.watch_order_book(SYMBOL, 10)
    assert 0 < len(book["bids"]) <= 10
    for _ in range(20):
        book = await x.watch_order_book(SYMBOL, 10)
    await asyncio.to_thread(setting.control, "/pause")
    await asyncio.sleep(0.5)
    true = await x.fetch_order_book(SYMBOL, 10)
    same(x.orderbooks[SYMBOL]["bids"][:10], true["bids"])
    same(x.orderbooks[SYMBOL]["asks"][:10], true["asks"])
    await asyncio.to_thread(setting.control, "/resume")


async def _trades(x: Any, setting: Setting) -> None:
    trades = await _acting(lambda: x.watch_trades(SYMBOL), setting.fill)
    same(trades[-1]["symbol"], SYMBOL)


async def _candles(x: Any, setting: Setting) -> None:
    rows = await _acting(lambda: x.watch_ohlcv(SYMBOL, "1m"), setting.fill)
    assert rows[-1][5] > 0


async def _balance(x: Any, setting: Setting) -> None:
    def of_either() -> Awaitable[Any]:
        watch = lambda: x.watch_balance({"type": "spot"})  # noqa: E731 - reads as a word below
        return _until(watch, lambda seen: bool({"BTC", "USDT"} & seen.keys()))

    # ccxt takes the first asset of an update only (its issue 29665), whichever that is.
    told = await _acting(of_either, setting.fill)
    assert all(told[asset]["free"] > 0 for asset in {"BTC", "USDT"} & told.keys())


async def _orders(x: Any, setting: Setting) -> None:
    def act() -> None:
        terms = {"market": "BTC_USDT", "side": "buy", "amount": "0.001", "price": "30000"}
        placed = setting.control("/place", account=setting.account, **terms)["result"]
        ids = {"market": "BTC_USDT", "order_id": placed["order_id"]}
        setting.control("/cancel", account=setting.account, **ids)

    await _acting(lambda: x.watch_orders(SYMBOL), act)
    seen = await _until(
        lambda: x.watch_orders(SYMBOL),
        lambda orders: any(order["status"] in ("open", "canceled") for order in orders),
    )
    assert all(order["symbol"] == SYMBOL for order in seen)


async def _my_trades(x: Any, setting: Setting) -> None:
    trades = await _acting(lambda: x.watch_my_trades(SYMBOL), setting.fill)
    ids = {str(deal["deal_id"]) for deal in setting.truth()["deals"]}
    assert {trade["id"] for trade in trades} <= ids


async def _reset(x: Any, setting: Setting) -> None:
    """ccxt opens another connection when it is asked again; a call that was under way in that
    moment may be told of the reset, as its users know."""
    await x.watch_ticker(SYMBOL)
    before = await asyncio.to_thread(setting.control, "/hangup", how="reset")
    same(before["result"], 1)
    for _ in range(3):
        async with asyncio.timeout(PATIENCE_S):
            try:
                ticker = await x.watch_ticker(SYMBOL)
            except NetworkError:
                ticker = await x.watch_ticker(SYMBOL)
        same(ticker["symbol"], SYMBOL)


def checks() -> Iterator[Check]:
    """In the order in which they run."""
    for call, run in (
        ("watchTicker", _ticker),
        ("watchOrderBook equals fetchOrderBook", _order_book),
        ("watchTrades", _trades),
        ("watchOHLCV", _candles),
        ("watchBalance", _balance),
        ("watchOrders", _orders),
        ("watchMyTrades", _my_trades),
        ("watchTicker after a reset", _reset),
    ):
        yield Check(client="ccxt WebSocket", call=call, run=run, known=KNOWN.get(call, ""))


KNOWN: dict[str, str] = {}
"""Calls that fail, and why."""
