"""Four spellings of a deal, each one small function to the same record (PROTOCOL §§ 3.5, 5.5, 5.6).

`deal_order_id` and `dealOrderId` name the counterparty's order and are not kept: four published
clients file deals under it (§ 9, trap 43).  The total is what the exchange printed; the stream
prints none, there it is price · amount, which is the same number (§ 7.3).
"""

from msgspec import Raw

from reconciler.domain.facts import Deal
from reconciler.domain.money import times
from reconciler.domain.words import Side
from reconciler.wire import vocabulary
from reconciler.wire.numbers import Id, exact, moment, number
from reconciler.wire.records import Documented, Form, Ignored


class PushedDeal(Documented, array_like=True):
    """`params` of `deals_update`: an array by position, of 8 entries in 2022 and 11 today."""

    id: Id
    time: Raw
    market: str
    order_id: Id
    price: str
    amount: str
    fee: str
    client_order_id: str | None = None
    side: int | None = None
    role: int | None = None
    fee_asset: str | None = None


class QueriedDeal(Documented, kw_only=True):
    """A record of `deals_request`."""

    id: Id
    time: Raw
    market: str
    order_id: Id
    side: int
    price: str
    amount: str
    deal: str
    fee: str
    role: int | None = None
    client_order_id: str | None = None
    fee_asset: str | None = None
    deal_order_id: Ignored = None
    rpi: Ignored = None


class PastDeal(Documented, kw_only=True, rename="camel"):
    """A record of `POST trade-account/executed-history`, under its market's name."""

    id: Id | str
    time: Raw
    order_id: Id | str
    side: int | str
    price: str
    amount: str
    deal: str
    fee: str
    role: int | str | None = None
    client_order_id: str | None = None
    fee_asset: str | None = None
    rpi: Ignored = None


class OrderDeal(Documented, kw_only=True, rename="camel"):
    """A record of `POST trade-account/order`: without market, side and own order id."""

    id: Id | str
    time: Raw
    price: str
    amount: str
    deal: str
    fee: str
    role: int | str | None = None
    client_order_id: str | None = None
    fee_asset: str | None = None
    deal_order_id: Ignored = None
    rpi: Ignored = None


def pushed(seen: PushedDeal) -> Deal:
    """From `deals_update`."""
    price, amount = exact(seen.price), exact(seen.amount)
    return Deal(
        deal_id=seen.id,
        order_id=seen.order_id,
        market=vocabulary.market(seen.market),
        side=None if seen.side is None else vocabulary.side(seen.side),
        role=None if seen.role is None else vocabulary.role(seen.role),
        price=price,
        amount=amount,
        total=times(price, amount),
        fee=exact(seen.fee),
        fee_asset=vocabulary.name_or_none(seen.fee_asset),
        client_order_id=vocabulary.name_or_none(seen.client_order_id),
        executed_at=moment(seen.time),
    )


def queried(seen: QueriedDeal) -> Deal:
    """From `deals_request`."""
    return Deal(
        deal_id=seen.id,
        order_id=seen.order_id,
        market=vocabulary.market(seen.market),
        side=vocabulary.side(seen.side),
        role=None if seen.role is None else vocabulary.role(seen.role),
        price=exact(seen.price),
        amount=exact(seen.amount),
        total=exact(seen.deal),
        fee=exact(seen.fee),
        fee_asset=vocabulary.name_or_none(seen.fee_asset),
        client_order_id=vocabulary.name_or_none(seen.client_order_id),
        executed_at=moment(seen.time),
    )


def past(seen: PastDeal, market: str) -> Deal:
    """From `POST trade-account/executed-history`."""
    return Deal(
        deal_id=number(seen.id),
        order_id=number(seen.order_id),
        market=vocabulary.market(market),
        side=vocabulary.side(seen.side),
        role=None if seen.role is None else vocabulary.role(seen.role),
        price=exact(seen.price),
        amount=exact(seen.amount),
        total=exact(seen.deal),
        fee=exact(seen.fee),
        fee_asset=vocabulary.name_or_none(seen.fee_asset),
        client_order_id=vocabulary.name_or_none(seen.client_order_id),
        executed_at=moment(seen.time),
    )


def of_order(seen: OrderDeal, order_id: int, market: str, side: Side) -> Deal:
    """From `POST trade-account/order`; what the record lacks is the order's."""
    return Deal(
        deal_id=number(seen.id),
        order_id=order_id,
        market=market,
        side=side,
        role=None if seen.role is None else vocabulary.role(seen.role),
        price=exact(seen.price),
        amount=exact(seen.amount),
        total=exact(seen.deal),
        fee=exact(seen.fee),
        fee_asset=vocabulary.name_or_none(seen.fee_asset),
        client_order_id=vocabulary.name_or_none(seen.client_order_id),
        executed_at=moment(seen.time),
    )


PUSHED_DEAL = Form(PushedDeal)
QUERIED_DEAL = Form(QueriedDeal)
PAST_DEAL = Form(PastDeal)
ORDER_DEAL = Form(OrderDeal)


def pushed_of(raw: Raw) -> tuple[Deal, int]:
    """`params` of `deals_update`."""
    seen, surplus = PUSHED_DEAL.read(raw)
    return pushed(seen), surplus


def queried_of(raw: Raw) -> tuple[Deal, int]:
    """A record of `deals_request`."""
    seen, surplus = QUERIED_DEAL.read(raw)
    return queried(seen), surplus


def past_of(raw: Raw, market: str) -> tuple[Deal, int]:
    """A record of `POST trade-account/executed-history`, under `market`."""
    seen, surplus = PAST_DEAL.read(raw)
    return past(seen, market), surplus


def of_order_of(raw: Raw, order_id: int, market: str, side: Side) -> tuple[Deal, int]:
    """A record of `POST trade-account/order` for this order."""
    seen, surplus = ORDER_DEAL.read(raw)
    return of_order(seen, order_id, market, side), surplus
