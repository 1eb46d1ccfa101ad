"""The join: two sights of one order (or deal) make one, whatever the order of arrival.

`merge_orders` is commutative, associative and idempotent, because every field is joined by itself
in a total order: terminal beats open, more filled beats less, later beats earlier, present beats
absent.  So duplicates, re-reads and the race between stream and query cannot corrupt a row
(property tests: `tests/domain/test_merge.py`).
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from msgspec.structs import replace

from reconciler.domain.facts import Deal, Order
from reconciler.domain.words import CANCELED, FILLED, OPEN, PARTIALLY_FILLED, VANISHED

T = TypeVar("T")

_STATUS_RANK = {
    # Open: a status that we do not know outranks the usual ones, as it says more.
    "new": 0,
    "pending": 0,
    OPEN: 1,
    PARTIALLY_FILLED: 2,
    # Final: what the exchange says beats what was concluded from silence, and a cause
    # (`canceled_stp`) beats the plain word that another channel uses for the same end.
    VANISHED: 0,
    CANCELED: 1,
    FILLED: 3,
}
_STATUS_RANK_OTHER = 4


class Restated(Exception):
    """The exchange tells an immutable fact differently from how it told it before."""

    def __init__(self, what: str, field: str, known: object, seen: object) -> None:
        self.what, self.field, self.known, self.seen = what, field, known, seen
        super().__init__(f"{what} restated: {field} was {known}, now {seen}")


def merge_orders(known: Order, seen: Order) -> Order:
    """What is known of an order after one more sight of it.

    Both must be of the same order id.  Returns `known` itself when nothing is new.
    """
    assert known.order_id == seen.order_id
    if known == seen:
        return known
    final, _, status = max(_standing(known), _standing(seen))
    filled_amount, filled_total, fee = max(_progress(known), _progress(seen))
    merged = Order(
        order_id=known.order_id,
        market=max(known.market, seen.market),
        side=max(known.side, seen.side),
        type=max(known.type, seen.type),
        status=status,
        final=final,
        price=_present(max, known.price, seen.price),
        amount=_present(max, known.amount, seen.amount),
        filled_amount=filled_amount,
        filled_total=filled_total,
        fee=fee,
        remaining=_present(min, known.remaining, seen.remaining),
        fee_asset=_present(max, known.fee_asset, seen.fee_asset),
        client_order_id=_present(max, known.client_order_id, seen.client_order_id),
        created_at=_present(min, known.created_at, seen.created_at),
        updated_at=_present(max, known.updated_at, seen.updated_at),
        finished_at=_present(max, known.finished_at, seen.finished_at),
    )
    return known if merged == known else merged


def merge_deals(known: Deal, seen: Deal) -> Deal:
    """`known` with what only `seen` says.  Deals are immutable: a contradiction raises Restated."""
    gained: dict[str, object] = {}
    for field in Deal.__struct_fields__:
        was, now = getattr(known, field), getattr(seen, field)
        if was == now or now is None:
            continue
        if was is not None:
            raise Restated(f"deal {known.deal_id} of order {known.order_id}", field, was, now)
        gained[field] = now
    return replace(known, **gained) if gained else known


def _standing(order: Order) -> tuple[bool, int, str]:
    """Final beats open; within a class by rank; among equals by spelling, so that it is total."""
    return order.final, _STATUS_RANK.get(order.status, _STATUS_RANK_OTHER), order.status


def _progress(order: Order) -> tuple[Decimal, Decimal, Decimal]:
    """Volume only grows; the fee need not (rebates), so it goes with the volume it was seen at."""
    return order.filled_amount, order.filled_total, order.fee


def _present(pick: Callable[[T, T], T], known: T | None, seen: T | None) -> T | None:
    if known is None:
        return seen
    if seen is None:
        return known
    return pick(known, seen)
