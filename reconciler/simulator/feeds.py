"""What one WebSocket has subscribed to of the public channels: each feed knows what it told last
and, when it is time to look, tells what is new.

Intervals and contents are those of PROTOCOL § 4.  A feed that was just subscribed to tells all it
has.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from reconciler.simulator import quotes
from reconciler.simulator.depth import Levels, difference, levels
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import text
from reconciler.simulator.records import Side
from reconciler.simulator.tape import DAY_S, SECOND

KEEPALIVE_S = 10.0
"""Without a change, after which the whole book is sent again."""

REPLAY_TRADES_MAX = 100

Tell: TypeAlias = Callable[[str, Any], None]
"""Takes the method of an update and its params."""


class Feed(Protocol):
    """One subscription."""

    interval_s: float
    """Between two looks; with 0 it looks whenever a market of its changes."""

    def covers(self, market: str) -> bool:
        """Does it tell of that market?"""
        ...

    def look(self, time_s: float) -> None:
        """Tells what is new.  `time_s` is of a clock that never jumps."""
        ...


class Depth:
    """The book of one market: first whole, then what changed, chained by update ids."""

    interval_s = 0.1

    def __init__(
        self, exchange: Exchange, tell: Tell, market: str, limit: int, interval: Decimal
    ) -> None:
        self._exchange, self._tell = exchange, tell
        self.market, self._limit, self._interval = market, limit, interval
        self._told: dict[Side, Levels] = {}
        self._told_id = self._seen_id = -1
        self._told_at_s = 0.0

    def covers(self, market: str) -> bool:
        """The one."""
        return market == self.market

    def look(self, time_s: float) -> None:
        """A snapshot at first and after `KEEPALIVE_S` of silence; else a delta, if there is one.
        The chain links what was *told*: changes out of sight move the id without a word."""
        update_id = self._exchange.tape[self.market].update_id
        if not self._told or time_s - self._told_at_s >= KEEPALIVE_S:
            self._told = self._sides()
            params = quotes.depth_snapshot(self._exchange, self.market, self._told)
        elif update_id == self._seen_id:
            return
        else:
            sides = self._sides()
            changed = {side: difference(self._told[side], sides[side]) for side in Side}
            self._seen_id = update_id
            if not any(changed.values()):
                return
            params = quotes.depth_delta(self._exchange, self.market, self._told_id, changed)
            self._told = sides
        self._told_id = self._seen_id = update_id
        self._told_at_s = time_s
        self._tell("depth_update", params)

    def _sides(self) -> dict[Side, Levels]:
        book = self._exchange.engine.books[self.market]
        return {side: levels(book, side, self._limit, self._interval) for side in Side}


class _OfMarkets:
    """Something that is told of several markets; None means all."""

    def __init__(self, exchange: Exchange, tell: Tell, markets: frozenset[str] | None) -> None:
        self._exchange, self._tell = exchange, tell
        self._wanted = markets

    @property
    def markets(self) -> Iterable[str]:
        return sorted(self._exchange.markets if self._wanted is None else self._wanted)

    def covers(self, market: str) -> bool:
        """One of them."""
        return self._wanted is None or market in self._wanted


class Trades(_OfMarkets):
    """Trades as they are made, after a replay of the latest."""

    interval_s = 0.0

    def __init__(self, exchange: Exchange, tell: Tell, markets: frozenset[str] | None) -> None:
        super().__init__(exchange, tell, markets)
        self._told_ids: dict[str, int] = {}

    def look(self, time_s: float) -> None:
        """Newest first."""
        for market in self.markets:
            after_id = self._told_ids.get(market, 0)
            # Only a replay is limited: later ones come before so many could have been made.
            made = self._exchange.tape[market].latest(REPLAY_TRADES_MAX, after_id)
            if made:
                self._told_ids[market] = made[0].trade_id
                self._tell("trades_update", [market, [quotes.trade(one) for one in made]])


class BookTicker(_OfMarkets):
    """The best prices, whenever they change."""

    interval_s = 0.0

    def __init__(self, exchange: Exchange, tell: Tell, markets: frozenset[str] | None) -> None:
        super().__init__(exchange, tell, markets)
        self._told: dict[str, tuple[str, str, str, str]] = {}

    def look(self, time_s: float) -> None:
        """A row for each market with news, all in one update."""
        news = []
        for market in self.markets:
            prices = quotes.best(self._exchange, market)
            if self._told.get(market) != prices:
                self._told[market] = prices
                news.append(quotes.book_ticker(self._exchange, market, prices))
        if news:
            self._tell("bookTicker_update", news)


class Figures(_OfMarkets):
    """Something that is said of each market once a second, if it is not what was said last."""

    interval_s = 1.0

    def __init__(
        self,
        exchange: Exchange,
        tell: Tell,
        markets: frozenset[str],
        method: str,
        figure: Callable[[Exchange, str], Any],
    ) -> None:
        super().__init__(exchange, tell, markets)
        self._method, self._figure = method, figure
        self._told: dict[str, Any] = {}

    def look(self, time_s: float) -> None:
        """An update for each market with news."""
        for market in self.markets:
            said = self._figure(self._exchange, market)
            if self._told.get(market) != said:
                self._told[market] = said
                self._tell(self._method, [market, said])


class Candles:
    """The candle of now, and the one before it when that is finished."""

    interval_s = 0.5

    def __init__(self, exchange: Exchange, tell: Tell, market: str, period_s: int) -> None:
        self._exchange, self._tell = exchange, tell
        self._market, self._period_s = market, period_s
        self._told: list[Any] = []

    def covers(self, market: str) -> bool:
        """The one."""
        return market == self._market

    def look(self, time_s: float) -> None:
        """The rows from the last that was told on, if they changed."""
        now_s = self._exchange.now() // SECOND
        since_s = self._told[-1][0] if self._told else now_s
        candles = self._exchange.tape[self._market].candles(since_s, now_s + 1, self._period_s)
        said = [quotes.candle_row(candle, self._market) for candle in candles]
        if said and said != self._told[-1:]:
            self._told = said
            self._tell("candles_update", said)


def last_price(exchange: Exchange, market: str) -> Any:
    """For `Figures`."""
    return text(exchange.tape[market].last_price)


def last_day(exchange: Exchange, market: str) -> Any:
    """For `Figures`."""
    return quotes.statistics(exchange, market, DAY_S)
