"""Four spellings of an order, each one small function to the same record.

The exchange says the same in numbers and snake_case (stream and query) and in words and camelCase
(REST), and leaves out different fields in each (PROTOCOL §§ 3.3, 3.4, 5.3, 5.4).  What a spelling
does not say is None; only a missing status is concluded, by the rule of trap 52.
"""

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw

from reconciler.domain.facts import Order
from reconciler.domain.words import (
    CANCELED,
    FILLED,
    OPEN,
    PARTIALLY_FILLED,
    Side,
    is_market_type,
    is_terminal,
)
from reconciler.wire import vocabulary
from reconciler.wire.numbers import Id, exact, moment, moment_or_none, number
from reconciler.wire.records import ABSENT, Documented, Form, Ignored

EVENT_FINISHED = 3
"""Of `ordersPending_update`: 1 is new or activated, 2 changed, 3 filled or canceled."""


class StreamOrder(Documented, kw_only=True):
    """An order as the stream and its queries write it."""

    id: Id
    market: str
    type: int | str
    side: int
    amount: str
    deal_stock: str
    deal_money: str
    deal_fee: str
    ctime: Raw
    mtime: Raw = ABSENT
    ftime: Raw = ABSENT
    price: str | None = None
    left: str | None = None
    status: str | None = None
    client_order_id: str | None = None
    fee_asset: str | None = None
    post_only: Ignored = None
    ioc: Ignored = None
    stp: Ignored = None
    rpi: Ignored = None
    retail: Ignored = None
    reduce_only: Ignored = None
    position_side: Ignored = None
    source: Ignored = None
    activation_price: Ignored = None
    activation_condition: Ignored = None
    taker_fee: Ignored = None
    maker_fee: Ignored = None


class ActiveOrder(Documented, kw_only=True, rename="camel"):
    """An order as `POST orders` writes it, and a leg of a group (`wire.groups`), which has an
    `mtime` and may have some members in snake_case."""

    order_id: Id | str
    market: str
    side: int | str
    type: int | str
    timestamp: Raw
    amount: str
    deal_stock: str
    deal_money: str
    deal_fee: str
    left: str | None = None
    price: str | None = None
    status: str | None = None
    client_order_id: str | None = None
    fee_asset: str | None = None
    mtime: Raw = ABSENT
    post_only: Ignored = None
    snake_post_only: Ignored = msgspec.field(default=None, name="post_only")
    ioc: Ignored = None
    stp: Ignored = None
    rpi: Ignored = None
    retail: Ignored = None
    reduce_only: Ignored = None
    position_side: Ignored = None
    oto: Any = None
    taker_fee: Ignored = None
    maker_fee: Ignored = None
    activated: Ignored = None
    activation_condition: Ignored = None
    snake_activation_condition: Ignored = msgspec.field(default=None, name="activation_condition")
    activation_price: Ignored = None
    snake_activation_price: Ignored = msgspec.field(default=None, name="activation_price")


class PastOrder(Documented, kw_only=True, rename="camel"):
    """An order as `POST trade-account/order/history` writes it, under its market's name."""

    id: Id | str
    side: int | str
    type: int | str
    ctime: Raw
    amount: str
    deal_stock: str
    deal_money: str
    deal_fee: str
    ftime: Raw = ABSENT
    price: str | None = None
    status: str | None = None
    client_order_id: str | None = None
    fee_asset: str | None = None
    post_only: Ignored = None
    ioc: Ignored = None
    stp: Ignored = None
    rpi: Ignored = None
    retail: Ignored = None
    reduce_only: Ignored = None
    position_side: Ignored = None
    activated: Ignored = None
    activation_price: Ignored = None
    activation_condition: Ignored = None


def pending(seen: StreamOrder, event: int | None) -> Order:
    """From `ordersPending_update` with its event, or from `ordersPending_request` without."""
    type_, side = vocabulary.order_type(seen.type), vocabulary.side(seen.side)
    amount, left = exact(seen.amount), _exact_or_none(seen.left)
    filled_amount = exact(seen.deal_stock)
    finished = event == EVENT_FINISHED
    status = (
        vocabulary.status(seen.status)
        if seen.status
        else _status(type_, side, finished, amount, left, filled_amount)
    )
    return Order(
        order_id=seen.id,
        market=vocabulary.market(seen.market),
        side=side,
        type=type_,
        status=status,
        final=finished or is_terminal(status),
        price=limit_price(type_, seen.price),
        amount=amount,
        filled_amount=filled_amount,
        filled_total=exact(seen.deal_money),
        fee=exact(seen.deal_fee),
        remaining=left,
        fee_asset=vocabulary.name_or_none(seen.fee_asset),
        client_order_id=vocabulary.name_or_none(seen.client_order_id),
        created_at=moment(seen.ctime),
        updated_at=moment_or_none(seen.mtime),
        finished_at=moment_or_none(seen.ftime),
    )


def executed(seen: StreamOrder) -> Order:
    """From `ordersExecuted_update` (has `left` and `mtime`) or `ordersExecuted_request` (`ftime`).

    Whatever is told here is finished: nothing but the event differs from a pending one.
    """
    return pending(seen, EVENT_FINISHED)


def active(seen: ActiveOrder) -> Order:
    """From `POST orders`, which prints no time of the last change; legs of groups have one."""
    type_, side = vocabulary.order_type(seen.type), vocabulary.side(seen.side)
    amount, left = exact(seen.amount), _exact_or_none(seen.left)
    filled_amount = exact(seen.deal_stock)
    status = (
        vocabulary.status(seen.status)
        if seen.status
        else _status(type_, side, False, amount, left, filled_amount)
    )
    return Order(
        order_id=number(seen.order_id),
        market=vocabulary.market(seen.market),
        side=side,
        type=type_,
        status=status,
        final=is_terminal(status),
        price=limit_price(type_, seen.price),
        amount=amount,
        filled_amount=filled_amount,
        filled_total=exact(seen.deal_money),
        fee=exact(seen.deal_fee),
        remaining=left,
        fee_asset=vocabulary.name_or_none(seen.fee_asset),
        client_order_id=vocabulary.name_or_none(seen.client_order_id),
        created_at=moment(seen.timestamp),
        updated_at=moment_or_none(seen.mtime),
        finished_at=None,
    )


def past(seen: PastOrder, market: str) -> Order:
    """From `POST trade-account/order/history`, whose records stand under their market's name."""
    type_, side = vocabulary.order_type(seen.type), vocabulary.side(seen.side)
    amount, filled_amount = exact(seen.amount), exact(seen.deal_stock)
    return Order(
        order_id=number(seen.id),
        market=vocabulary.market(market),
        side=side,
        type=type_,
        status=(
            vocabulary.status(seen.status)
            if seen.status
            else _status(type_, side, True, amount, None, filled_amount)
        ),
        final=True,
        price=limit_price(type_, seen.price),
        amount=amount,
        filled_amount=filled_amount,
        filled_total=exact(seen.deal_money),
        fee=exact(seen.deal_fee),
        remaining=None,
        fee_asset=vocabulary.name_or_none(seen.fee_asset),
        client_order_id=vocabulary.name_or_none(seen.client_order_id),
        created_at=moment(seen.ctime),
        updated_at=None,
        finished_at=moment_or_none(seen.ftime),
    )


STREAM_ORDER = Form(StreamOrder)
ACTIVE_ORDER = Form(ActiveOrder)
PAST_ORDER = Form(PastOrder)


def pending_of(raw: Raw) -> tuple[Order, int]:
    """A record of `ordersPending_request`."""
    seen, surplus = STREAM_ORDER.read(raw)
    return pending(seen, None), surplus


def executed_of(raw: Raw) -> tuple[Order, int]:
    """A record of `ordersExecuted_update` or `ordersExecuted_request`."""
    seen, surplus = STREAM_ORDER.read(raw)
    return executed(seen), surplus


def active_of(raw: Raw) -> tuple[Order, int]:
    """A record of `POST orders`."""
    seen, surplus = ACTIVE_ORDER.read(raw)
    return active(seen), surplus


def past_of(raw: Raw, market: str) -> tuple[Order, int]:
    """A record of `POST trade-account/order/history`, under `market`."""
    seen, surplus = PAST_ORDER.read(raw)
    return past(seen, market), surplus


def _status(
    type_: str,
    side: Side,
    finished: bool,
    amount: Decimal,
    left: Decimal | None,
    filled_amount: Decimal,
) -> str:
    """What frames before 2025 don't say (PROTOCOL § 9, trap 52)."""
    if not finished:
        return PARTIALLY_FILLED if filled_amount else OPEN
    if side is Side.BUY and type_ in ("market", "stop_market"):
        # Its amount is in the quote asset, and dust too small to buy may be left.
        return FILLED if filled_amount else CANCELED
    nothing_left = not left if left is not None else filled_amount == amount
    return FILLED if nothing_left else CANCELED


def limit_price(type_: str, text: str | None) -> Decimal | None:
    """The limit; market orders have none, or `"0"`."""
    if text is None or is_market_type(type_):
        return None
    return exact(text) or None


def _exact_or_none(text: str | None) -> Decimal | None:
    return None if text is None else exact(text)
