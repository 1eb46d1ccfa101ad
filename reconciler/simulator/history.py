"""What the exchange remembers of one account: deals and finished orders, newest first.

Every list is kept in the order of the time it is searched by, so that a page costs the same however
long the past is.  Deals are searched by their execution, orders by their *creation* (the ancestor
engine does so, PROTOCOL § 5.4) or, where `Histories` says so, by their end.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from typing import Generic, TypeVar

from reconciler.simulator.numbers import times
from reconciler.simulator.records import Deal, Order

T = TypeVar("T")

_order_id = attrgetter("order_id")
_deal_id = attrgetter("deal_id")
_created_at = attrgetter("created_at")
_executed_at = attrgetter("executed_at")
_finished_at = attrgetter("finished_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a list is asked for: since ≤ time < until, newest first, then a page of it.

    PROTOCOL § 10.2 leaves open whether the end is exclusive; here it is, which is the harder case.
    """

    since: int
    until: int
    offset: int
    limit: int


def page(
    rows: Sequence[T],
    moment: Callable[[T], int],
    window: Window,
    keep: Callable[[T], bool] | None = None,
) -> list[T]:
    """Of rows in the order of `moment`; of those that are to be kept, if not all are."""
    first = bisect_left(rows, window.since, key=moment)
    last = bisect_left(rows, window.until, key=moment)
    if keep is None:
        last = max(first, last - window.offset)
        return [rows[at] for at in range(last - 1, max(first, last - window.limit) - 1, -1)]
    kept = (rows[at] for at in range(last - 1, first - 1, -1) if keep(rows[at]))
    return list(islice(kept, window.offset, window.offset + window.limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How much of the past is shown, and how truly."""

    horizon: int | None = None
    """Nothing later is written yet."""
    gone: int = 0
    """So many of the oldest deals, and so many of the oldest orders, are no more."""
    restated: int = 0
    """So many of the newest deals show another fee …"""
    factor: Decimal = Decimal(1)
    """… so many times what it was."""

    def reaches(self, moment: int) -> bool:
        """Is it written yet?"""
        return self.horizon is None or moment <= self.horizon


class _Sorted(Generic[T]):
    """Rows in the order of a key, those of all markets and those of each."""

    def __init__(self, key: Callable[[T], int]) -> None:
        self._key = key
        self._all: list[T] = []
        self._of_market: dict[str, list[T]] = defaultdict(list)

    def add(self, row: T, market: str) -> None:
        """Nearly always at the end."""
        for rows in (self._all, self._of_market[market]):
            if not rows or self._key(rows[-1]) <= self._key(row):
                rows.append(row)
            else:
                insort(rows, row, key=self._key)

    def of(self, market: str | None) -> list[T]:
        return self._all if market is None else self._of_market.get(market, [])


class History:
    """The lists of one account."""

    def __init__(self) -> None:
        self._deals = _Sorted[Deal](_deal_id)
        self._created = _Sorted[Order](_order_id)
        self._ended = _Sorted[Order](_finished_at)
        self._deals_of_order: dict[int, list[Deal]] = defaultdict(list)
        self._by_id: dict[int, Order] = {}
        self._by_client_id: dict[str, list[Order]] = defaultdict(list)
        self._sight: Sight | None = None

    @property
    def deals(self) -> list[Deal]:
        """All of them, by id."""
        return self._deals.of(None)

    @property
    def finished(self) -> list[Order]:
        """All of them, by id."""
        return self._created.of(None)

    def through(self, sight: Sight) -> "History":
        """The same lists, of which pages and look-ups show what the sight lets through."""
        seen = copy(self)
        seen._sight = sight
        return seen

    def add_deal(self, deal: Deal) -> None:
        """Deals come in the order of their ids."""
        self._deals.add(deal, deal.market)
        self._deals_of_order[deal.order_id].append(deal)

    def finish(self, order: Order) -> None:
        """Orders finish in any order."""
        self._created.add(order, order.market)
        self._ended.add(order, order.market)
        self._by_id[order.order_id] = order
        if order.client_order_id:
            insort(self._by_client_id[order.client_order_id], order, key=_order_id)

    def deals_page(self, window: Window, market: str | None = None) -> list[Deal]:
        """Deals by execution time."""
        keep = self._shows_deal if self._sight else None
        found = page(self._deals.of(market), _executed_at, window, keep)
        return [self._stated(deal) for deal in found] if self._sight else found

    def finished_page(
        self,
        window: Window,
        market: str | None = None,
        status: str | None = None,
        *,
        by_end: bool = False,
    ) -> list[Order]:
        """Finished orders by creation time, or by the time of their end."""

        def keep(order: Order) -> bool:
            return status in (None, order.status) and self._shows_order(order)

        rows, moment = (self._ended, _finished_at) if by_end else (self._created, _created_at)
        return page(rows.of(market), moment, window, keep if self._sight or status else None)

    def deals_of_order(self, order_id: int) -> Sequence[Deal]:
        """Oldest first; empty for an unknown or foreign order."""
        found = self._deals_of_order.get(order_id, ())
        return [self._stated(deal) for deal in found if self._shows_deal(deal)]

    def finished_order(self, order_id: int) -> Order | None:
        """By id, however old."""
        found = self._by_id.get(order_id)
        return found if found and self._shows_order(found) else None

    def finished_of_client(self, client_order_id: str, market: str | None) -> list[Order]:
        """Newest first: a client id may be used again."""
        return [
            order
            for order in reversed(self._by_client_id.get(client_order_id, ()))
            if market in (None, order.market) and self._shows_order(order)
        ]

    # What a sight lets through

    def _shows_deal(self, deal: Deal) -> bool:
        sight = self._sight
        return sight is None or (
            sight.reaches(deal.executed_at)
            and (not sight.gone or deal.deal_id > _oldest(self.deals, sight.gone, _deal_id))
        )

    def _shows_order(self, order: Order) -> bool:
        sight = self._sight
        return sight is None or (
            sight.reaches(order.finished_at or 0)
            and (not sight.gone or order.order_id > _oldest(self.finished, sight.gone, _order_id))
        )

    def _stated(self, deal: Deal) -> Deal:
        sight = self._sight
        if sight is None or not sight.restated:
            return deal
        newest = self.deals[-sight.restated :][0]
        if deal.deal_id < newest.deal_id:
            return deal
        return replace(deal, fee=times(deal.fee, sight.factor))


def _oldest(rows: Sequence[T], gone: int, key: Callable[[T], int]) -> int:
    """The id of the last row that is gone."""
    return key(rows[min(gone, len(rows)) - 1])
