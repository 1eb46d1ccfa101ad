"""The exchange's spelling of what is public: books, trades, candles, statistics, best prices.

The WebSocket and the generations of REST name the same things differently; shapes are those of the
vendor's files and of PROTOCOL § 4.
"""

from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

from reconciler.simulator.depth import Levels, levels, rows, sorted_rows
from reconciler.simulator.dialect import Row, long_seconds
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import cut, minus, text, times
from reconciler.simulator.records import Side
from reconciler.simulator.tape import DAY_S, SECOND, Candle, Trade

_PERCENT = Context(prec=40, rounding=ROUND_DOWN)


# The book


def book_page(exchange: Exchange, market: str, limit: int, interval: Decimal) -> Row:
    """`depth_request`."""
    book = exchange.engine.books[market]
    return {
        "timestamp": long_seconds(exchange.now()),
        "asks": rows(levels(book, Side.SELL, limit, interval)),
        "bids": rows(levels(book, Side.BUY, limit, interval)),
    }


def depth_snapshot(exchange: Exchange, market: str, sides: dict[Side, Levels]) -> list[Any]:
    """`depth_update`, whole: no `past_update_id`."""
    book = _depth(exchange, market) | {
        "asks": rows(sides[Side.SELL]),
        "bids": rows(sides[Side.BUY]),
    }
    return [True, book, market]


def depth_delta(
    exchange: Exchange, market: str, past_update_id: int, changed: dict[Side, Levels]
) -> list[Any]:
    """`depth_update`, what changed; a side without changes is absent."""
    book = _depth(exchange, market) | {"past_update_id": past_update_id}
    for side, name in ((Side.SELL, "asks"), (Side.BUY, "bids")):
        if changed[side]:
            book[name] = sorted_rows(changed[side], side)
    return [False, book, market]


def _depth(exchange: Exchange, market: str) -> Row:
    tape = exchange.tape[market]
    return {
        "timestamp": long_seconds(tape.changed_at or exchange.now()),
        "update_id": tape.update_id,
        "event_time": long_seconds(exchange.now()),
    }


def best(exchange: Exchange, market: str) -> tuple[str, str, str, str]:
    """Price and amount of the best bid, then of the best ask; zeros for an empty side."""
    found: list[str] = []
    for side in (Side.BUY, Side.SELL):
        top = rows(levels(exchange.engine.books[market], side, 1))
        found += top[0] if top else ("0", "0")
    bid, bid_amount, ask, ask_amount = found
    return bid, bid_amount, ask, ask_amount


def book_ticker(exchange: Exchange, market: str, prices: tuple[str, str, str, str]) -> list[Any]:
    """One row of `bookTicker_update`."""
    tape = exchange.tape[market]
    changed_at, now = tape.changed_at or exchange.now(), exchange.now()
    return [long_seconds(changed_at), long_seconds(now), market, tape.update_id, *prices]


# Trades and candles


def trade(made: Trade) -> Row:
    """`trades`, query and update."""
    return {
        "id": made.trade_id,
        "time": long_seconds(made.time),
        "price": text(made.price),
        "amount": text(made.amount),
        "type": made.side.value,
        "rpi": False,
    }


def candle_row(candle: Candle, market: str) -> list[Any]:
    """`candles`: close before high and low."""
    return [*kline_row(candle), market]


def kline_row(candle: Candle) -> list[Any]:
    """REST `kline`: the same without the market."""
    prices = (candle.first, candle.last, candle.high, candle.low, candle.volume, candle.total)
    return [candle.time_s, *(text(number) for number in prices)]


# Statistics


def last_day(exchange: Exchange, market: str) -> Candle:
    """The last 24 hours."""
    now_s = exchange.now() // SECOND
    return exchange.tape[market].summary(now_s - DAY_S, now_s + 1)


def statistics(exchange: Exchange, market: str, period_s: int) -> Row:
    """`market`, query and update."""
    now_s = exchange.now() // SECOND
    total = exchange.tape[market].summary(now_s - period_s, now_s + 1)
    said = _statistics(total)
    return {"period": period_s, "last": said.pop("last"), "close": text(total.last)} | said


def statistics_today(exchange: Exchange, market: str) -> Row:
    """`marketToday`: since midnight UTC."""
    now_s = exchange.now() // SECOND
    return _statistics(exchange.tape[market].summary(now_s // DAY_S * DAY_S, now_s + 1))


def _statistics(total: Candle) -> Row:
    return {
        "last": text(total.last),
        "open": text(total.first),
        "high": text(total.high),
        "low": text(total.low),
        "volume": text(total.volume),
        "deal": text(total.total),
    }


def change_percent(total: Candle) -> str:
    """From the first price to the last, with two decimals."""
    if not total.first:
        return "0"
    risen = times(minus(total.last, total.first), Decimal(100))
    return text(cut(_PERCENT.divide(risen, total.first), 2))
