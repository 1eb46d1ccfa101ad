"""The order book of one market: price first, then time.

Knows which order is met next and by how much; it moves no money and tells nobody.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from reconciler.simulator.numbers import ZERO, affordable, minus, plus, times
from reconciler.simulator.records import Instruction, Market, Order, Pair, Side, Status


@dataclass(slots=True, kw_only=True, eq=False)
class LiveOrder:
    """An order while the engine works on it; `seen()` is what others get."""

    order_id: int
    account: str
    market: Market
    asked: Instruction
    created_at: int
    updated_at: int
    remaining: Decimal
    filled_amount: Decimal = ZERO
    filled_total: Decimal = ZERO
    fee: Decimal = ZERO
    frozen: Decimal = ZERO
    """What the spot wallet holds back for it, of its `given_asset`."""
    status: Status = Status.OPEN
    is_activated: bool = False
    finished_at: int | None = None
    pair: Pair | None = None
    oto_id: int | None = None
    is_quiet: bool = False
    """As its events say it."""

    @property
    def limit(self) -> Decimal:
        """The price of an order that may rest; market orders have none and never do."""
        assert self.asked.price is not None
        return self.asked.price

    @property
    def counts_money(self) -> bool:
        """True of a buy at the market, whose amount and remainder are in money."""
        return self.asked.counts_money

    @property
    def given_asset(self) -> str:
        """What a fill takes from the account."""
        return self.market.stock if self.asked.side is Side.SELL else self.market.money

    @property
    def fee_asset(self) -> str:
        """What a spot fill gives the account; money on margin."""
        spot_buy = self.asked.side is Side.BUY and not self.asked.kind.is_margin
        return self.market.stock if spot_buy else self.market.money

    @property
    def family(self) -> str:
        """As `order/cancel/all` parts them: `spot`, `margin` or `futures`."""
        if not self.asked.kind.is_margin:
            return "spot"
        return "futures" if self.market.is_futures else "margin"

    @property
    def is_waiting(self) -> bool:
        """True of a stop before its activation."""
        return self.asked.kind.is_stop and not self.is_activated

    def seen(self) -> Order:
        """The order at this moment."""
        asked, market = self.asked, self.market
        return Order(
            order_id=self.order_id,
            client_order_id=asked.client_order_id,
            market=market.name,
            side=asked.side,
            kind=asked.kind,
            status=self.status,
            price=asked.price,
            amount=asked.amount,
            remaining=self.remaining,
            filled_amount=self.filled_amount,
            filled_total=self.filled_total,
            fee=self.fee,
            fee_asset=self.fee_asset,
            post_only=asked.post_only,
            ioc=asked.ioc,
            source=asked.source,
            created_at=self.created_at,
            updated_at=self.updated_at,
            finished_at=self.finished_at,
            stp=asked.stp,
            activation_price=asked.activation_price,
            is_activated=self.is_activated,
            reduce_only=asked.reduce_only,
            pair=self.pair,
            oto_id=self.oto_id,
            stop_loss=asked.stop_loss,
            take_profit=asked.take_profit,
        )


class _Half:
    """One side of a book: levels by price, each a queue by arrival."""

    def __init__(self, side: Side) -> None:
        self._best = -1 if side is Side.BUY else 0
        self._prices: list[Decimal] = []
        self._levels: dict[Decimal, dict[int, LiveOrder]] = {}

    def add(self, price: Decimal, order: LiveOrder) -> None:
        level = self._levels.get(price)
        if level is None:
            level = self._levels[price] = {}
            insort(self._prices, price)
        level[order.order_id] = order

    def remove(self, price: Decimal, order_id: int) -> None:
        level = self._levels[price]
        del level[order_id]
        if not level:
            del self._levels[price]
            del self._prices[bisect_left(self._prices, price)]

    def best(self) -> LiveOrder | None:
        if not self._prices:
            return None
        return next(iter(self._levels[self._prices[self._best]].values()))

    def __iter__(self) -> Iterator[LiveOrder]:
        prices = reversed(self._prices) if self._best else iter(self._prices)
        for price in prices:
            yield from self._levels[price].values()


class Book:
    """The resting limit orders of one market."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self._halves = {side: _Half(side) for side in Side}

    def add(self, order: LiveOrder) -> None:
        """At the end of the queue at its price."""
        self._halves[order.asked.side].add(order.limit, order)

    def remove(self, order: LiveOrder) -> None:
        """KeyError if it isn't there."""
        self._halves[order.asked.side].remove(order.limit, order.order_id)

    def best(self, side: Side) -> LiveOrder | None:
        """The order of that side which is met first."""
        return self._halves[side].best()

    def orders(self, side: Side) -> Iterator[LiveOrder]:
        """All of that side, in the order in which they would be met."""
        return iter(self._halves[side])

    def cost(self, amount: Decimal) -> Decimal:
        """What buying up to `amount` of stock at the market costs now, in money."""
        cost = ZERO
        for maker in self.orders(Side.SELL):
            taken = min(amount, maker.remaining)
            cost = plus(cost, times(maker.limit, taken))
            amount = minus(amount, taken)
            if not amount:
                break
        return cost

    def next_match(self, taker: LiveOrder) -> tuple[LiveOrder, Decimal] | None:
        """Whom `taker` meets next and the amount in stock; None when nobody will."""
        maker = self.best(taker.asked.side.opposite)
        if maker is None or not crosses(taker.asked, maker.limit):
            return None
        wanted = taker.remaining
        if taker.counts_money:
            wanted = affordable(wanted, maker.limit, self.market.stock_decimals)
        amount = min(wanted, maker.remaining)
        return (maker, amount) if amount else None


def crosses(asked: Instruction, price: Decimal) -> bool:
    """Would an order on these terms trade at `price`?"""
    if asked.price is None:
        return True
    return asked.price >= price if asked.side is Side.BUY else asked.price <= price
