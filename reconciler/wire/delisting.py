"""Orders that a delisting ended, and those by which it converted what was held.

(PROTOCOL § 5.8, trap 92.)  The latter are orders that nobody placed, move money, and may be told
nowhere else: such a row is an order and a movement.
"""

from msgspec import Raw

from reconciler.domain.facts import Movement, Order
from reconciler.domain.money import ZERO, minus
from reconciler.domain.words import MovementKind, Side, wallet_of
from reconciler.wire import vocabulary
from reconciler.wire.numbers import Id, Misshapen, exact, moment, number
from reconciler.wire.orders import limit_price
from reconciler.wire.records import Documented, Form


class DelistedRow(Documented, kw_only=True, rename="camel"):
    """A record of `POST trade-account/order/history/query`."""

    id: Id | str
    market: str
    side: int | str
    type: int | str
    status: str
    delisting_kind: str
    amount: str
    deal_stock: str
    deal_money: str
    fee: str
    created_at: Raw
    finish_at: Raw
    price: str | None = None
    fee_asset: str | None = None
    client_order_id: str | None = None


def delisted_of(raw: Raw) -> tuple[tuple[Order | Movement, ...], int]:
    """A record of `POST trade-account/order/history/query`."""
    seen, surplus = _DELISTED.read(raw)
    order = _order(seen)
    match seen.delisting_kind:
        case "canceled":
            return (order,), surplus
        case "reverse":
            return (order, _conversion(order)), surplus
    # Whether money moved must be known, unlike what an order's end is called.
    raise Misshapen(f"{seen.delisting_kind[:40]!a} is not a kind of delisting")


def _order(seen: DelistedRow) -> Order:
    type_ = vocabulary.order_type(seen.type)
    return Order(
        order_id=number(seen.id),
        market=vocabulary.market(seen.market),
        side=vocabulary.side(seen.side),
        type=type_,
        status=vocabulary.status(seen.status),
        final=True,
        price=limit_price(type_, seen.price),
        amount=exact(seen.amount),
        filled_amount=exact(seen.deal_stock),
        filled_total=exact(seen.deal_money),
        fee=exact(seen.fee),
        remaining=None,
        fee_asset=vocabulary.name_or_none(seen.fee_asset),
        client_order_id=vocabulary.name_or_none(seen.client_order_id),
        created_at=moment(seen.created_at),
        updated_at=None,
        finished_at=moment(seen.finish_at),
    )


def _conversion(order: Order) -> Movement:
    base, quote = order.filled_amount, order.filled_total
    if order.side is Side.SELL:
        base = minus(ZERO, base)
    else:
        quote = minus(ZERO, quote)
    assert order.finished_at is not None
    return Movement(
        kind=MovementKind.DELISTING,
        movement_id=str(order.order_id),
        wallet=wallet_of(order.type),
        asset=None,
        amount=base,
        counter_amount=quote,
        fee=order.fee,
        status=order.status,
        settled=True,
        market=order.market,
        order_id=order.order_id,
        occurred_at=order.finished_at,
    )


_DELISTED = Form(DelistedRow)
