"""What everybody may ask about trading over REST: tickers, books, trades, candles.

Three generations of the interface are alive: v4 is documented, v1 (`ticker`, `kline`) and v2
(`ticker`) are what ccxt still calls; their shapes are those that its sources quote.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from reconciler.simulator import quotes
from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.depth import LIMIT_MAX, levels, rows
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import ZERO, text, times
from reconciler.simulator.records import Side
from reconciler.simulator.tape import DAY_S, SECOND, Trade

PublicRead: TypeAlias = Callable[[Exchange, Asked], Any]

TRADES_MAX = 100

DEPTH_PERCENT = 2
"""`orderbook/depth`: how far from the last price it goes (http-v4.yaml)."""

KLINE_ROWS_MAX, KLINE_ROWS_DEFAULT = 1440, 1440

INTERVALS_S = {
    f"{number}{unit}": number * seconds
    for unit, seconds, numbers in (
        ("m", 60, (1, 3, 5, 15, 30)),
        ("h", 3600, (1, 2, 4, 6, 8, 12)),
        ("d", DAY_S, (1, 3)),
        ("w", 7 * DAY_S, (1,)),
        ("M", 30 * DAY_S, (1,)),
    )
    for number in numbers
}
"""Of `kline`."""


def tickers(exchange: Exchange, _: Asked) -> Any:
    """Every market's last price and day."""
    said = {}
    for name in exchange.markets:
        day = quotes.last_day(exchange, name)
        said[name] = {
            "base_id": 0,
            "quote_id": 0,
            "last_price": text(exchange.tape[name].last_price),
            "quote_volume": text(day.total),
            "base_volume": text(day.volume),
            "isFrozen": False,
            "change": quotes.change_percent(day),
        }
    return said


def order_book(exchange: Exchange, asked: Asked) -> Any:
    """The best levels; `limit` 0 is the default, `level` groups prices by so many digits."""
    market = _market(exchange, asked)
    limit = asked.integer("limit", 0, LIMIT_MAX) or LIMIT_MAX
    level = asked.integer("level", 0, 10) or 0
    decimals = exchange.markets[market].money_decimals
    interval = Decimal(1).scaleb(level - decimals) if level else ZERO
    return _book(exchange, market, limit, interval)


def order_book_depth(exchange: Exchange, asked: Asked) -> Any:
    """All levels within `DEPTH_PERCENT` of the last price."""
    market = _market(exchange, asked)
    last = exchange.tape[market].last_price
    low = times(last, Decimal(100 - DEPTH_PERCENT).scaleb(-2))
    high = times(last, Decimal(100 + DEPTH_PERCENT).scaleb(-2))
    book = _book(exchange, market, 2**31)
    for side in ("asks", "bids"):
        book[side] = [row for row in book[side] if low <= Decimal(row[0]) <= high]
    return book


def _book(exchange: Exchange, market: str, limit: int, interval: Decimal = ZERO) -> dict[str, Any]:
    book = exchange.engine.books[market]
    return {
        "ticker_id": market,
        "timestamp": exchange.now() // SECOND,
        "asks": rows(levels(book, Side.SELL, limit, interval)),
        "bids": rows(levels(book, Side.BUY, limit, interval)),
    }


def trades(exchange: Exchange, asked: Asked) -> Any:
    """The latest, newest first; what the file calls *quote* volume is in stock."""
    market = _market(exchange, asked)
    side = asked.text("type")
    if side not in (None, "buy", "sell"):
        raise Invalid("type", "Type should be 'sell' or 'buy'.")
    made = exchange.tape[market].latest(TRADES_MAX if side is None else 2**31)
    return [_trade(one) for one in made if side in (None, one.side)][:TRADES_MAX]


def _trade(made: Trade) -> Any:
    return {
        "tradeID": made.trade_id,
        "price": text(made.price),
        "quote_volume": text(made.amount),
        "base_volume": text(made.total),
        "trade_timestamp": made.time // SECOND,
        "type": made.side.value,
        "rpi": False,
    }


def ticker_v1(exchange: Exchange, asked: Asked) -> Any:
    """One market's day and best prices."""
    market = _market(exchange, asked)
    day = quotes.last_day(exchange, market)
    bid, _, ask, _ = quotes.best(exchange, market)
    return _success(
        {
            "open": text(day.first),
            "bid": bid,
            "ask": ask,
            "low": text(day.low),
            "high": text(day.high),
            "last": text(day.last),
            "volume": text(day.volume),
            "deal": text(day.total),
            "change": quotes.change_percent(day),
        }
    )


def tickers_v2(exchange: Exchange, _: Asked) -> Any:
    """Every market's day and best prices."""
    now = datetime.fromtimestamp(exchange.now() // SECOND, UTC)
    said = []
    for name in exchange.markets:
        day = quotes.last_day(exchange, name)
        bid, _amount, ask, _amount = quotes.best(exchange, name)
        said.append(
            {
                "lastUpdateTimestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "tradingPairs": name,
                "lastPrice": text(day.last),
                "lowestAsk": ask,
                "highestBid": bid,
                "baseVolume24h": text(day.volume),
                "quoteVolume24h": text(day.total),
                "tradesEnabled": True,
            }
        )
    return _success(said)


def kline_v1(exchange: Exchange, asked: Asked) -> Any:
    """Candles, oldest first: the last `limit` before `end`, or the first from `start` on."""
    market = _market(exchange, asked)
    interval = asked.one_of("interval", INTERVALS_S) or "1h"
    interval_s = INTERVALS_S[interval]
    limit = asked.integer("limit", 1, KLINE_ROWS_MAX) or KLINE_ROWS_DEFAULT
    now_s = exchange.now() // SECOND
    end_s = min(asked.integer("end") or now_s, now_s)
    start_s = asked.integer("start")
    if start_s is None:
        start_s = max(end_s - (limit - 1) * interval_s, 0)
    end_s = min(end_s, start_s + limit * interval_s)
    found = exchange.tape[market].candles(start_s, end_s + 1, interval_s)
    return _success([quotes.kline_row(candle) for candle in found[:limit]])


def _success(result: Any) -> Any:
    return {"success": True, "message": "", "result": result}


def _market(exchange: Exchange, asked: Asked) -> str:
    market = asked.text("market")
    if market is None or market not in exchange.markets:
        raise Invalid("market", "Market is not available.")
    return market


MARKET_READS: dict[str, PublicRead] = {
    "/api/v4/public/ticker": tickers,
    "/api/v4/public/orderbook/depth/{market}": order_book_depth,
    "/api/v4/public/orderbook/{market}": order_book,
    "/api/v4/public/trades/{market}": trades,
    "/api/v2/public/ticker": tickers_v2,
    "/api/v1/public/ticker": ticker_v1,
    "/api/v1/public/kline": kline_v1,
}
