"""What was earned on a market: each sale against what was paid for what it sold.  Pure.

Two ways to say which purchase was sold: the first one (FIFO), or all that is held at its average
cost.  A position knows one market of one account and takes its deals in the order of time.  Where a
deal lies in the database, and what to do with one that turns up late, is not known here.

A cost is divided where a sale takes a part of what was bought.  It is cut at `DECIMALS` places, and
whoever takes the last of it takes all that is left: so the costs of the sales and of what is still
held always add up to what was paid, to the last digit.
"""

from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct

from reconciler.domain.facts import Deal, Market
from reconciler.domain.money import EXACT, ZERO, minus, plus, times
from reconciler.domain.words import Side

DECIMALS = 18
"""More than an amount times a price has at this exchange, so that only a fee is ever cut."""

LOTS_WAITING_MAX = 1_000
"""Purchases kept in memory; the others are asked for when their turn comes."""


class Flow(Struct, frozen=True, kw_only=True):
    """What a deal moved, fees included; negative is given away."""

    base: Decimal
    quote: Decimal


class Lot(Struct, frozen=True, kw_only=True):
    """A purchase, or what is left of it."""

    number: int
    quantity: Decimal
    cost: Decimal


class Sale(Struct, frozen=True, kw_only=True):
    """What of a deal was sold from known purchases, or, without costs, from what nobody saw bought.

    A deal is both where the known purchases end in the middle of it.
    """

    quantity: Decimal
    proceeds: Decimal
    fifo_cost: Decimal | None
    average_cost: Decimal | None


class State(Struct, frozen=True, kw_only=True):
    """What is held after a deal: all that the next one needs to know of those before."""

    lot: Lot
    """The one that the next sale takes from; none is left of it if the position is closed."""
    held: Decimal
    cost: Decimal
    """Of all that is held, at average cost."""


NOTHING = State(lot=Lot(number=0, quantity=ZERO, cost=ZERO), held=ZERO, cost=ZERO)


def flow_of(deal: Deal, market: Market) -> Flow:
    """A fee in the base or quote asset belongs to what was moved; in a third asset to neither."""
    gained = deal.side is Side.BUY
    base = deal.amount if gained else minus(ZERO, deal.amount)
    quote = minus(ZERO, deal.total) if gained else deal.total
    if deal.fee:
        fee_asset = deal.fee_asset or (market.base_asset if gained else market.quote_asset)
        if fee_asset == market.base_asset:
            base = minus(base, deal.fee)
        elif fee_asset == market.quote_asset:
            quote = minus(quote, deal.fee)
    return Flow(base=base, quote=quote)


class Position:
    """What is held of a market's base asset, and what it cost.

    `more` gives the purchases with numbers above the given one, by number: the next
    `LOTS_WAITING_MAX`, fewer only if there are no more.
    """

    def __init__(self, state: State, more: Callable[[int], Iterable[Lot]]) -> None:
        self._lot = state.lot
        self._held = state.held
        self._cost = state.cost
        self._more = more
        self._waiting: deque[Lot] = deque()
        self._all_wait = state is NOTHING
        """Whether every purchase after the lot is in memory."""

    @property
    def state(self) -> State:
        """After all that was taken."""
        return State(lot=self._lot, held=self._held, cost=self._cost)

    def take(self, number: int, flow: Flow) -> tuple[Sale, ...]:
        """The next deal.  Returns what it sold: nothing if it bought."""
        if flow.base > 0:
            self._buy(Lot(number=number, quantity=flow.base, cost=minus(ZERO, flow.quote)))
            return ()
        quantity = minus(ZERO, flow.base)
        if quantity <= self._held:
            return (self._sell(quantity, flow.quote),)
        known, sales = self._held, list[Sale]()
        proceeds = _share(flow.quote, known, quantity)
        if known:
            sales.append(self._sell(known, proceeds))
        rest = Sale(
            quantity=minus(quantity, known),
            proceeds=minus(flow.quote, proceeds),
            fifo_cost=None,
            average_cost=None,
        )
        return (*sales, rest)

    def _buy(self, lot: Lot) -> None:
        if not self._held:
            self._lot, self._all_wait = lot, True
        elif self._all_wait and len(self._waiting) < LOTS_WAITING_MAX:
            self._waiting.append(lot)
        else:
            self._all_wait = False
        self._held = plus(self._held, lot.quantity)
        self._cost = plus(self._cost, lot.cost)

    def _sell(self, quantity: Decimal, proceeds: Decimal) -> Sale:
        average = _share(self._cost, quantity, self._held)
        self._held = minus(self._held, quantity)
        self._cost = minus(self._cost, average)
        return Sale(
            quantity=quantity,
            proceeds=proceeds,
            fifo_cost=self._first_out(quantity),
            average_cost=average,
        )

    def _first_out(self, quantity: Decimal) -> Decimal:
        """What so much of the first purchases cost."""
        cost = ZERO
        while quantity > self._lot.quantity:
            cost = plus(cost, self._lot.cost)
            quantity = minus(quantity, self._lot.quantity)
            self._lot = self._next()
        part = _share(self._lot.cost, quantity, self._lot.quantity)
        self._lot = Lot(
            number=self._lot.number,
            quantity=minus(self._lot.quantity, quantity),
            cost=minus(self._lot.cost, part),
        )
        return plus(cost, part)

    def _next(self) -> Lot:
        if not self._waiting:
            assert not self._all_wait, "as much is held as was bought and not sold"
            self._waiting.extend(self._more(self._lot.number))
            self._all_wait = len(self._waiting) < LOTS_WAITING_MAX
        return self._waiting.popleft()


def _share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """whole · part / of, cut; all of it if the part is all."""
    if part == of:
        return whole
    if not part:
        return ZERO
    scaled = times(whole, part).scaleb(DECIMALS, EXACT)
    return EXACT.divide_int(scaled, of).scaleb(-DECIMALS, EXACT)
