"""The join: two sights of one thing make one, whatever the order of arrival.

It is commutative, associative and idempotent, because every field is joined by itself in a total
order: terminal beats open, more filled beats less, later beats earlier, present beats absent.  So
duplicates, re-reads and the race between stream and query cannot corrupt a row (property tests:
`tests/domain/test_merge.py`).  What the exchange must not tell differently raises `Restated`.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from msgspec.structs import replace

from reconciler.domain.facts import Deal, Movement, Order, Transaction
from reconciler.domain.words import (
    CANCELED,
    CONFIRMING,
    FILLED,
    FROZEN,
    OPEN,
    PARTIAL,
    PARTIALLY_FILLED,
    PENDING,
    SUCCESS,
    TRAVEL_RULE_IN_PROGRESS,
    TRAVEL_RULE_WAITING,
    UNCONFIRMED,
    UNCREDITED,
    VANISHED,
    is_settled,
)

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

_TRANSACTION_RANK = {
    # On its way: what was told last holds, as a withdrawal may go to and fro (PROTOCOL § 5.9); of
    # what was told at one moment, whatever is further, and most a status that we do not know.
    PENDING: 0,
    CONFIRMING: 1,
    TRAVEL_RULE_WAITING: 2,
    TRAVEL_RULE_IN_PROGRESS: 3,
    UNCONFIRMED: 4,
    FROZEN: 5,
    # Settled: what moved money beats what moved none.
    UNCREDITED: 0,
    CANCELED: 1,
    PARTIAL: 2,
    SUCCESS: 3,
}
_TRANSACTION_RANK_OTHER = 6

_MOVEMENT_BEGUN = frozenset({"active", "new", PENDING})
"""Statuses of movements that another one follows (PROTOCOL § 5.10, 5.13)."""

Stage = tuple[bool, int, int, str]
"""How far a transaction or movement is: settled or not, when that was told if it may yet change, by
rank, by spelling."""


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


def merge_transactions(known: Transaction, seen: Transaction) -> Transaction:
    """What is known of a deposit or withdrawal after one more sight of it.

    Both must be of the same key.  Returns `known` itself when nothing is new.  A settled one told
    with other amounts, and any told with another asset, raises Restated.
    """
    assert (known.kind, known.transaction_id) == (seen.kind, seen.transaction_id)
    if known == seen:
        return known
    what = f"{known.kind} {known.transaction_id}"
    _same(what, known, seen, "asset")
    was, now = _stage(known), _stage(seen)
    amounts = ("amount", "fee", "processed_amount", "processed_fee")
    merged = replace(
        known,
        **_amounts(what, known, seen, was, now, amounts),
        status=max(was, now)[-1],
        network=_present(max, known.network, seen.network),
        address=_present(max, known.address, seen.address),
        transaction_hash=_present(max, known.transaction_hash, seen.transaction_hash),
        unique_id=_present(max, known.unique_id, seen.unique_id),
        created_at=min(known.created_at, seen.created_at),
        updated_at=_earliest_of_further((was, known.updated_at), (now, seen.updated_at)),
    )
    return known if merged == known else merged


def merge_movements(known: Movement, seen: Movement) -> Movement:
    """What is known of a movement after one more sight of it; as `merge_transactions`.  When it
    occurred is said by the sight that is further."""
    assert (known.kind, known.movement_id) == (seen.kind, seen.movement_id)
    if known == seen:
        return known
    what = f"{known.kind} {known.movement_id}"
    _same(what, known, seen, "wallet", "asset", "counter_asset")
    was, now = _movement_stage(known), _movement_stage(seen)
    settled, *_, status = max(was, now)
    merged = replace(
        known,
        **_amounts(what, known, seen, was, now, ("amount", "counter_amount", "fee")),
        wallet=_present(max, known.wallet, seen.wallet),
        asset=_present(max, known.asset, seen.asset),
        counter_asset=_present(max, known.counter_asset, seen.counter_asset),
        status=status,
        settled=settled,
        market=_present(max, known.market, seen.market),
        order_id=_present(max, known.order_id, seen.order_id),
        reference=_present(max, known.reference, seen.reference),
        occurred_at=_earliest_of_further(
            (_authority(was), known.occurred_at), (_authority(now), seen.occurred_at)
        ),
    )
    return known if merged == known else merged


def _stage(transaction: Transaction) -> Stage:
    status = transaction.status
    rank = _TRANSACTION_RANK.get(status, _TRANSACTION_RANK_OTHER)
    settled = is_settled(status)
    return settled, 0 if settled else transaction.updated_at, rank, status


def _movement_stage(movement: Movement) -> Stage:
    return movement.settled, 0, int(movement.status not in _MOVEMENT_BEGUN), movement.status


def _authority(stage: Stage) -> Stage:
    """Who is believed about amounts: whoever is further, and all that are settled alike."""
    return (True, 0, 0, "") if stage[0] else stage


def _earliest_of_further(was: tuple[Stage, int], now: tuple[Stage, int]) -> int:
    """The moment told by the sight that is further, of two alike the earlier one."""
    return min(moment for stage, moment in (was, now) if stage == max(was[0], now[0]))


def _same(what: str, known: object, seen: object, *fields: str) -> None:
    """Raises Restated if both say something, and not the same."""
    for field in fields:
        was, now = getattr(known, field), getattr(seen, field)
        if was != now and was is not None and now is not None:
            raise Restated(what, field, was, now)


def _amounts(
    what: str, known: object, seen: object, was: Stage, now: Stage, fields: tuple[str, ...]
) -> dict[str, Decimal | None]:
    """The amounts of the sight that is further.  Of two that are settled each may say what the
    other does not; of two alike and still on their way the greater amount is taken, so that it does
    not matter which came first."""
    if _authority(was) != _authority(now):
        further = known if _authority(was) > _authority(now) else seen
        return {field: getattr(further, field) for field in fields}
    if was[0]:
        _same(what, known, seen, *fields)
    return {field: _present(max, getattr(known, field), getattr(seen, field)) for field in fields}


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
