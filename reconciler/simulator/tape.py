"""What everybody may know of the markets: the trades, the candles that they make, and how often the
book has changed.

It hears every event of the engine and keeps no account's name.  Candles are kept by the minute and
put together for longer intervals; times are µs, but whole seconds for candles as the exchange says
them.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import attrgetter
from typing import Protocol

from reconciler.simulator.numbers import ZERO, plus
from reconciler.simulator.records import Deal, DealMade, Event, Market, OrderSeen, Role, Side

TRADES_MAX = 10_000
"""Per market; older ones are in the candles only."""

MINUTE_S, DAY_S = 60, 86_400
SECOND = 1_000_000

FIRST_UPDATE_ID = 80_670_102

_opened_at = attrgetter("time_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A deal as strangers see it; its side is the taker's."""

    trade_id: int
    time: int
    price: Decimal
    amount: Decimal
    total: Decimal
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """What was traded in the interval that begins at `time_s`."""

    time_s: int
    first: Decimal
    last: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal = ZERO
    """In stock."""
    total: Decimal = ZERO
    """In money."""

    def and_then(self, later: "Candle") -> "Candle":
        """Both together, from the beginning of this one."""
        if not later.volume:
            return self
        if not self.volume:
            return replace(later, time_s=self.time_s)
        return Candle(
            time_s=self.time_s,
            first=self.first,
            last=later.last,
            high=max(self.high, later.high),
            low=min(self.low, later.low),
            volume=plus(self.volume, later.volume),
            total=plus(self.total, later.total),
        )


class Watcher(Protocol):
    """Hears which markets have news for everybody."""

    def changed(self, market: str) -> None:
        """There was a trade, or the book is another one."""
        ...


class MarketTape:
    """Of one market."""

    def __init__(self, market: Market) -> None:
        self.last_price = market.reference_price
        """The reference price before the first trade."""
        self.update_id = FIRST_UPDATE_ID
        """Rises with every change of the book."""
        self.changed_at = 0
        self.trades: deque[Trade] = deque(maxlen=TRADES_MAX)
        self._minutes: list[Candle] = []

    def add(self, deal: Deal) -> None:
        """Deals come in the order of their ids."""
        self.last_price = deal.price
        self.trades.append(
            Trade(
                trade_id=deal.deal_id,
                time=deal.executed_at,
                price=deal.price,
                amount=deal.amount,
                total=deal.total,
                side=deal.side,
            )
        )
        candle = Candle(
            time_s=deal.executed_at // SECOND // MINUTE_S * MINUTE_S,
            first=deal.price,
            last=deal.price,
            high=deal.price,
            low=deal.price,
            volume=deal.amount,
            total=deal.total,
        )
        if self._minutes and self._minutes[-1].time_s >= candle.time_s:
            self._minutes[-1] = self._minutes[-1].and_then(candle)
        else:
            self._minutes.append(candle)

    def latest(self, limit: int, after_id: int = 0) -> list[Trade]:
        """Trades with ids above `after_id`, newest first."""
        found: list[Trade] = []
        for trade in reversed(self.trades):
            if trade.trade_id <= after_id or len(found) == limit:
                break
            found.append(trade)
        return found

    def candles(self, since_s: int, until_s: int, interval_s: int) -> list[Candle]:
        """Oldest first, from the one that covers `since_s` or the first trade, whichever is later;
        where nothing was traded, a flat one at the last price."""
        if not self._minutes:
            return []
        first_s = max(since_s, self._minutes[0].time_s)
        return [
            replace(self.summary(time_s, time_s + interval_s), time_s=time_s)
            for time_s in range(first_s // interval_s * interval_s, until_s, interval_s)
        ]

    def summary(self, since_s: int, until_s: int) -> Candle:
        """All that was traded in that time; flat at the price before it if there was nothing."""
        low = bisect_left(self._minutes, since_s // MINUTE_S * MINUTE_S, key=_opened_at)
        high = bisect_left(self._minutes, until_s, key=_opened_at)
        minutes = self._minutes[low:high]
        if not minutes:
            price = self._minutes[low - 1].last if low else self._first_price()
            return Candle(time_s=since_s, first=price, last=price, high=price, low=price)
        total = minutes[0]
        for minute in minutes[1:]:
            total = total.and_then(minute)
        return total

    def _first_price(self) -> Decimal:
        return self._minutes[0].first if self._minutes else self.last_price


class Tape:
    """Of all markets."""

    def __init__(self, markets: Mapping[str, Market]) -> None:
        self._markets = {name: MarketTape(market) for name, market in markets.items()}
        self._watchers: dict[Watcher, None] = {}

    def __getitem__(self, market: str) -> MarketTape:
        return self._markets[market]

    def watch(self, watcher: Watcher) -> None:
        """From now on it hears which markets have news."""
        self._watchers[watcher] = None

    def ignore(self, watcher: Watcher) -> None:
        """No more."""
        self._watchers.pop(watcher, None)

    def hear(self, events: Iterable[Event], now: int) -> None:
        """What one operation caused."""
        changed = dict.fromkeys(self._heard(events))
        for market in changed:
            self._markets[market].update_id += 1
            self._markets[market].changed_at = now
        if changed and self._watchers:
            for watcher in list(self._watchers):
                for market in changed:
                    watcher.changed(market)

    def _heard(self, events: Iterable[Event]) -> Iterator[str]:
        for event in events:
            match event:
                case DealMade(_, deal):
                    if deal.role is Role.TAKER:
                        self._markets[deal.market].add(deal)
                    yield deal.market
                case OrderSeen(_, _, order):
                    yield order.market
