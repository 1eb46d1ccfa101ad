"""The stops of one market: orders that wait for the market to reach their activation price.

A buy is due when the market is at or above its price, a sell at or below
(http-trade-v4.yaml, `order/stop_limit`).  What becomes of a due one is the floor's business.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

from reconciler.simulator.matching import LiveOrder
from reconciler.simulator.numbers import negative
from reconciler.simulator.records import Side


class Stops:
    """All that wait, the next to be due first, at one price the oldest."""

    def __init__(self) -> None:
        self._waiting: dict[Side, list[LiveOrder]] = {side: [] for side in Side}

    def add(self, order: LiveOrder) -> None:
        """It waits from now on."""
        insort(self._waiting[order.asked.side], order, key=_turn)

    def remove(self, order: LiveOrder) -> None:
        """It waits no more."""
        waiting = self._waiting[order.asked.side]
        at = bisect_left(waiting, _turn(order), key=_turn)
        assert waiting[at] is order
        del waiting[at]

    def due(self, last: Decimal) -> LiveOrder | None:
        """The first whose price the market has reached; None if there is none."""
        buys, sells = self._waiting[Side.BUY], self._waiting[Side.SELL]
        if buys and _price(buys[0]) <= last:
            return buys[0]
        if sells and _price(sells[0]) >= last:
            return sells[0]
        return None

    def __iter__(self) -> Iterator[LiveOrder]:
        for waiting in self._waiting.values():
            yield from waiting


def _price(order: LiveOrder) -> Decimal:
    assert order.asked.activation_price is not None
    return order.asked.activation_price


def _turn(order: LiveOrder) -> tuple[Decimal, int]:
    price = _price(order)
    return (price if order.asked.side is Side.BUY else negative(price)), order.order_id
