"""What the exchange remembers of one account: deals and finished orders, newest first.

Rows are kept sorted by id, which rises with the time they are searched by (a deal's execution, an
order's *creation*: the ancestor engine filters its order history by that, PROTOCOL § 5.4).
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

from reconciler.simulator.records import Deal, Order

T = TypeVar("T")

_order_id = attrgetter("order_id")
_created_at = attrgetter("created_at")
_executed_at = attrgetter("executed_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a list is asked for: since ≤ time < until, newest first, then a page of it.

    PROTOCOL § 10.2 leaves open whether the end is exclusive; here it is, which is the harder case.
    """

    since: int
    until: int
    offset: int
    limit: int


class History:
    """The lists of one account."""

    def __init__(self) -> None:
        self.deals: list[Deal] = []
        self.finished: list[Order] = []
        self._deals_of_market: dict[str, list[Deal]] = defaultdict(list)
        self._deals_of_order: dict[int, list[Deal]] = defaultdict(list)
        self._finished_in_market: dict[str, list[Order]] = defaultdict(list)
        self._finished_by_id: dict[int, Order] = {}

    def add_deal(self, deal: Deal) -> None:
        """Deals come in the order of their ids."""
        self.deals.append(deal)
        self._deals_of_market[deal.market].append(deal)
        self._deals_of_order[deal.order_id].append(deal)

    def finish(self, order: Order) -> None:
        """Orders finish in any order."""
        insort(self.finished, order, key=_order_id)
        insort(self._finished_in_market[order.market], order, key=_order_id)
        self._finished_by_id[order.order_id] = order

    def deals_page(self, window: Window, market: str | None = None) -> list[Deal]:
        """Deals by execution time."""
        rows = self.deals if market is None else self._deals_of_market.get(market, [])
        return _page(rows, _executed_at, window)

    def finished_page(
        self, window: Window, market: str | None = None, status: str | None = None
    ) -> list[Order]:
        """Finished orders by creation time."""
        rows = self.finished if market is None else self._finished_in_market.get(market, [])
        if status is not None:
            rows = [order for order in rows if order.status == status]
        return _page(rows, _created_at, window)

    def deals_of_order(self, order_id: int) -> Sequence[Deal]:
        """Oldest first; empty for an unknown or foreign order."""
        return self._deals_of_order.get(order_id, ())

    def finished_order(self, order_id: int) -> Order | None:
        """By id, however old."""
        return self._finished_by_id.get(order_id)

    def finished_of_client(self, client_order_id: str, market: str | None) -> list[Order]:
        """Newest first: a client id may be used again."""
        rows = self.finished if market is None else self._finished_in_market.get(market, [])
        return [order for order in reversed(rows) if order.client_order_id == client_order_id]


def _page(rows: list[T], moment: Callable[[T], int], window: Window) -> list[T]:
    first = bisect_left(rows, window.since, key=moment)
    last = bisect_left(rows, window.until, key=moment) - window.offset
    page = rows[max(first, last - window.limit) : max(first, last)]
    page.reverse()
    return page
