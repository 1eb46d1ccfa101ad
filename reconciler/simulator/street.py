"""The public side of one WebSocket: queries and subscriptions that need no authorization.

A repeated subscription replaces the old one of its channel, except for depth, which adds when its
last parameter says so.  Updates come from one task, which looks at each feed when it is due; feeds
that are told of changes at once look in the same moment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import trio

from reconciler.simulator import quotes
from reconciler.simulator.channels import INVALID_ARGUMENT, NAMES_MAX, Wrong
from reconciler.simulator.depth import INTERVALS, LIMIT_MAX, LIMITS
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.feeds import (
    BookTicker,
    Candles,
    Depth,
    Feed,
    Figures,
    Tell,
    Trades,
    last_day,
    last_price,
)
from reconciler.simulator.tape import DAY_S, MINUTE_S

ROWS_MAX = 10_000
"""Candles in one answer; more are undocumented."""

PERIOD_S_MAX = 31 * DAY_S

SUCCESS = {"status": "success"}


@dataclass(slots=True, eq=False)
class _Planned:
    feed: Feed
    at_s: float = 0.0
    """When it looks next, if it looks by the clock."""
    is_fresh: bool = True
    """It has told nothing yet: the answer to its request must go out first."""


class Street:
    """Of one connection."""

    def __init__(self, exchange: Exchange, tell: Tell) -> None:
        self._exchange, self._tell = exchange, tell
        self._feeds: dict[tuple[str, str], _Planned] = {}
        self._woken = trio.Event()
        self._queries: dict[str, Callable[[list[Any]], Any]] = {
            "depth_request": self._depth,
            "trades_request": self._trades,
            "lastprice_request": self._last_price,
            "candles_request": self._candles,
            "market_request": self._statistics,
            "marketToday_query": self._statistics_today,
        }
        self._subscribes: dict[str, Callable[[list[Any]], None]] = {
            "depth": self._subscribe_depth,
            "trades": self._subscribe_trades,
            "lastprice": self._subscribe_last_price,
            "candles": self._subscribe_candles,
            "market": self._subscribe_statistics,
            "marketToday": self._subscribe_today,
            "bookTicker": self._subscribe_book_ticker,
        }

    def knows(self, method: str) -> bool:
        """Is it one of ours?"""
        channel, _, verb = method.rpartition("_")
        return method in self._queries or (
            channel in self._subscribes and verb in ("subscribe", "unsubscribe")
        )

    def answer(self, method: str, params: list[Any]) -> Any:
        """The result of a request that is known.  Raises Wrong."""
        if method in self._queries:
            return self._queries[method](params)
        channel, _, verb = method.rpartition("_")
        if verb == "subscribe":
            self._subscribes[channel](params)
            self._woken.set()
        else:
            self._unsubscribe(channel, params)
        return SUCCESS

    def changed(self, market: str) -> None:
        """Feeds that wait for changes look at once."""
        for planned in list(self._feeds.values()):
            feed = planned.feed
            if not feed.interval_s and not planned.is_fresh and feed.covers(market):
                feed.look(trio.current_time())

    async def run(self) -> None:
        """Until cancelled."""
        self._exchange.tape.watch(self)
        try:
            while True:
                await self._wait()
                now_s = trio.current_time()
                for planned in list(self._feeds.values()):
                    if planned.is_fresh or (planned.feed.interval_s and planned.at_s <= now_s):
                        planned.is_fresh = False
                        planned.feed.look(now_s)
                        planned.at_s = now_s + planned.feed.interval_s
        finally:
            self._exchange.tape.ignore(self)

    async def _wait(self) -> None:
        dues = [planned.at_s for planned in self._feeds.values() if planned.feed.interval_s]
        with trio.move_on_at(min(dues, default=float("inf"))):
            await self._woken.wait()
            self._woken = trio.Event()

    # Queries

    def _depth(self, params: list[Any]) -> Any:
        match params:
            case [str() as market, int() as limit, str() as interval] if (
                0 < limit <= LIMIT_MAX and interval in INTERVALS
            ):
                return quotes.book_page(
                    self._exchange, self._known(market), limit, Decimal(interval)
                )
        raise Wrong(INVALID_ARGUMENT)

    def _trades(self, params: list[Any]) -> Any:
        match params:
            case [str() as market, int() as limit, int() as after_id] if 0 < limit <= LIMIT_MAX:
                made = self._exchange.tape[self._known(market)].latest(limit, after_id)
                return [quotes.trade(one) for one in made]
        raise Wrong(INVALID_ARGUMENT)

    def _last_price(self, params: list[Any]) -> Any:
        return last_price(self._exchange, self._one(params))

    def _candles(self, params: list[Any]) -> Any:
        match params:
            case [str() as market, int() as since_s, int() as until_s, int() as period_s] if (
                0 <= since_s <= until_s
                and _is_period(period_s)
                and (until_s - since_s) // period_s <= ROWS_MAX
            ):
                until_s = min(until_s, self._exchange.now() // 1_000_000)
                found = self._exchange.tape[self._known(market)].candles(
                    since_s, until_s + 1, period_s
                )
                return [quotes.candle_row(candle, market) for candle in found]
        raise Wrong(INVALID_ARGUMENT)

    def _statistics(self, params: list[Any]) -> Any:
        match params:
            case [str() as market, int() as period_s] if 0 < period_s <= PERIOD_S_MAX:
                return quotes.statistics(self._exchange, self._known(market), period_s)
        raise Wrong(INVALID_ARGUMENT)

    def _statistics_today(self, params: list[Any]) -> Any:
        return quotes.statistics_today(self._exchange, self._one(params))

    # Subscriptions

    def _subscribe_depth(self, params: list[Any]) -> None:
        match params:
            case [str() as market, int() as limit, str() as interval, bool() as adds] if (
                limit in LIMITS and interval in INTERVALS
            ):
                feed = Depth(
                    self._exchange, self._tell, self._known(market), limit, Decimal(interval)
                )
                if not adds:
                    self._unsubscribe("depth", [])
                self._plan("depth", feed, market)
            case _:
                raise Wrong(INVALID_ARGUMENT)

    def _subscribe_trades(self, params: list[Any]) -> None:
        self._plan("trades", Trades(self._exchange, self._tell, self._some(params) or None))

    def _subscribe_book_ticker(self, params: list[Any]) -> None:
        feed = BookTicker(self._exchange, self._tell, self._some(params) or None)
        self._plan("bookTicker", feed)

    def _subscribe_last_price(self, params: list[Any]) -> None:
        self._subscribe_figures("lastprice", params, last_price)

    def _subscribe_statistics(self, params: list[Any]) -> None:
        self._subscribe_figures("market", params, last_day)

    def _subscribe_today(self, params: list[Any]) -> None:
        self._subscribe_figures("marketToday", params, quotes.statistics_today)

    def _subscribe_figures(
        self, channel: str, params: list[Any], figure: Callable[[Exchange, str], Any]
    ) -> None:
        markets = self._some(params)
        feed = Figures(self._exchange, self._tell, markets, f"{channel}_update", figure)
        self._plan(channel, feed)

    def _subscribe_candles(self, params: list[Any]) -> None:
        match params:
            case [str() as market, int() as period_s] if _is_period(period_s):
                feed = Candles(self._exchange, self._tell, self._known(market), period_s)
                self._plan("candles", feed)
            case _:
                raise Wrong(INVALID_ARGUMENT)

    def _plan(self, channel: str, feed: Feed, market: str = "") -> None:
        self._feeds.pop((channel, market), None)
        self._feeds[channel, market] = _Planned(feed)

    def _unsubscribe(self, channel: str, params: list[Any]) -> None:
        """All of the channel; for depth, with a market, that one only."""
        for key in list(self._feeds):
            if key[0] == channel and (channel != "depth" or not params or key[1] in params):
                del self._feeds[key]

    # Parameters

    def _known(self, market: str) -> str:
        if market not in self._exchange.markets:
            raise Wrong(INVALID_ARGUMENT)
        return market

    def _one(self, params: list[Any]) -> str:
        match params:
            case [str() as market]:
                return self._known(market)
        raise Wrong(INVALID_ARGUMENT)

    def _some(self, params: list[Any]) -> frozenset[str]:
        if len(params) > NAMES_MAX or not all(isinstance(name, str) for name in params):
            raise Wrong(INVALID_ARGUMENT)
        return frozenset(self._known(name) for name in params)


def _is_period(period_s: int) -> bool:
    return 0 < period_s <= PERIOD_S_MAX and period_s % MINUTE_S == 0
