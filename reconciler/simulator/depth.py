"""The order book as the public sees it: levels by price, and how two sights of them differ."""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from reconciler.simulator.matching import Book
from reconciler.simulator.numbers import EXACT, ZERO, plus, text, times
from reconciler.simulator.records import Side

INTERVALS = ("0", *(f"{Decimal(1).scaleb(-places):f}" for places in range(8, 0, -1)))
"""By which prices may be grouped; "0" groups nothing."""

LIMITS = (1, 5, 10, 20, 30, 50, 100)
"""How many levels a side one may subscribe to."""

LIMIT_MAX = 100

Levels = dict[Decimal, Decimal]
"""Amount by price, the best first."""


def levels(book: Book, side: Side, limit: int, interval: Decimal = ZERO) -> Levels:
    """The best `limit` prices of a side with the sum of what rests there."""
    found: Levels = {}
    for order in book.orders(side):
        price = grouped(order.limit, side, interval)
        if price not in found and len(found) == limit:
            break
        found[price] = plus(found.get(price, ZERO), order.remaining)
    return found


def grouped(price: Decimal, side: Side, interval: Decimal) -> Decimal:
    """The price of the group, never better than the order's own."""
    if not interval:
        return price
    rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    steps = EXACT.divide(price, interval).to_integral_value(rounding)
    return times(steps, interval)


def difference(before: Levels, after: Levels) -> Levels:
    """What changed, with zero for a price that is gone from sight."""
    changed = {price: amount for price, amount in after.items() if before.get(price) != amount}
    return changed | {price: ZERO for price in before if price not in after}


def rows(some: Levels) -> list[tuple[str, str]]:
    """As the exchange prints them."""
    return [(text(price), text(amount)) for price, amount in some.items()]


def sorted_rows(some: Levels, side: Side) -> list[tuple[str, str]]:
    """The best first, for levels that are in no order."""
    return rows(dict(_by_price(some.items(), side)))


def _by_price(
    items: Iterable[tuple[Decimal, Decimal]], side: Side
) -> list[tuple[Decimal, Decimal]]:
    return sorted(items, reverse=side is Side.BUY)
