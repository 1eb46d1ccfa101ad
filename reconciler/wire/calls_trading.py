"""The calls about orders and deals (PROTOCOL §§ 5.3 – 5.8).  Asked for as `wire.rest`."""

import dataclasses
from functools import partial
from typing import Any

import msgspec

from reconciler.domain.facts import Order
from reconciler.domain.words import Side
from reconciler.wire import deals, delisting, groups, orders
from reconciler.wire.call import Body, Call, Endpoint, enclosed, grouped, listed, window
from reconciler.wire.numbers import Id
from reconciler.wire.records import Page

_ACTIVE_ORDERS = Endpoint("active_orders", "orders", partial(listed, orders.active_of))


def active_orders(offset: int, limit: int) -> Call[Page]:
    """Open orders of all markets, spot and collateral; `limit` up to 100."""
    return _ACTIVE_ORDERS.call(offset=offset, limit=limit)


def active_order(order: Order) -> Call[Page]:
    """One order if it is open; an empty page if it isn't."""
    return _ACTIVE_ORDERS.call(market=order.market, orderId=order.order_id, offset=0, limit=1)


_CONDITIONAL_ORDERS = Endpoint(
    "conditional_orders", "conditional-orders", partial(enclosed, groups.group_of)
)


def conditional_orders(offset: int, limit: int) -> Call[Page]:
    """Open orders that cancel or trigger each other, a group each record; `limit` up to 100."""
    return _CONDITIONAL_ORDERS.call(offset=offset, limit=limit)


_OCO_ORDERS = Endpoint("oco_orders", "oco-orders", partial(listed, groups.group_of))


def oco_orders(offset: int, limit: int) -> Call[Page]:
    """Open orders that cancel each other, by an older endpoint; `limit` up to 100."""
    return _OCO_ORDERS.call(offset=offset, limit=limit)


_ORDER_HISTORY = Endpoint(
    "order_history", "trade-account/order/history", partial(grouped, orders.past_of)
)


def order_history(since_s: int, until_s: int | None, offset: int, limit: int) -> Call[Page]:
    """Finished orders of all markets, newest first; at most 31 days, not before six months ago.

    Without `until_s` up to the present, whatever second the exchange believes that to be.
    """
    within = window("startDate", since_s, "endDate", until_s)
    return _ORDER_HISTORY.call(**within, offset=offset, limit=limit)


_ORDER_BY_ID = Endpoint(
    "order_by_id", "trade-account/order/history", partial(grouped, orders.past_of)
)


def order_by_id(order_id: int) -> Call[Page]:
    """A finished order, whenever it was; an empty page if there is none."""
    return _ORDER_BY_ID.call(orderId=order_id)


_DELISTED_ORDERS = Endpoint(
    "delisted_orders",
    "trade-account/order/history/query",
    partial(listed, delisting.delisted_of),
)


def delisted_orders(since_s: int, until_s: int | None, offset: int, limit: int) -> Call[Page]:
    """Orders that a delisting ended, or converted holdings by, newest end first; at most 31 days,
    `limit` up to 500, and offset and limit together up to 10000."""
    within = window("startDate", since_s, "endDate", until_s)
    return _DELISTED_ORDERS.call(**within, offset=offset, limit=limit)


def _deals(answer: Body) -> Page:
    """The shape depends on the question (trap 30)."""
    if "market" not in answer.asked:
        return grouped(deals.past_of, answer)
    return listed(partial(deals.past_of, market=answer.said("market")), answer)


_DEALS_HISTORY = Endpoint("deals_history", "trade-account/executed-history", _deals)


def deals_history(
    since_s: int, until_s: int | None, offset: int, limit: int, market: str | None = None
) -> Call[Page]:
    """Fills of all markets, or of one, newest first; not before six months ago.

    Without `until_s` up to the present, as with `order_history`.
    """
    within = window("startDate", since_s, "endDate", until_s)
    only = {} if market is None else {"market": market}
    return _DEALS_HISTORY.call(**only, **within, offset=offset, limit=limit)


def _deals_of_order(answer: Body) -> Page:
    build = partial(
        deals.of_order_of,
        order_id=msgspec.convert(answer.asked.get("orderId"), Id),
        market=answer.said("market"),
        side=Side(answer.said("side")),
    )
    return enclosed(build, answer)


_DEALS_OF_ORDER = Endpoint("deals_of_order", "trade-account/order", _deals_of_order)


def deals_of_order(order: Order, offset: int, limit: int) -> Call[Page]:
    """Fills of one order, which the answer needs for market and side (trap 44)."""
    call = _DEALS_OF_ORDER.call(orderId=order.order_id, offset=offset, limit=limit)
    return dataclasses.replace(call, known={"market": order.market, "side": order.side})


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    _ACTIVE_ORDERS,
    _CONDITIONAL_ORDERS,
    _OCO_ORDERS,
    _ORDER_HISTORY,
    _ORDER_BY_ID,
    _DELISTED_ORDERS,
    _DEALS_HISTORY,
    _DEALS_OF_ORDER,
)
