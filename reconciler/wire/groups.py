"""Orders that depend on each other: one that cancels the other (OCO), one that triggers (OTO).

(PROTOCOL § 5.7.)  A group has an id of its own, which is nobody's key; its legs are orders with
theirs, and whether `POST orders` lists those too is not documented (trap 60).  Two calls and two
generations of documents spell the members in camelCase and snake_case.
"""

import msgspec
from msgspec import Raw

from reconciler.domain.facts import Order
from reconciler.wire.numbers import Misshapen, is_given
from reconciler.wire.orders import active_of
from reconciler.wire.records import ABSENT, Documented, Form, Ignored


class Group(Documented, kw_only=True):
    """A record of `POST conditional-orders` or `POST oco-orders`."""

    stop_loss: Raw = ABSENT
    camel_stop_loss: Raw = msgspec.field(default=ABSENT, name="stopLoss")
    take_profit: Raw = ABSENT
    camel_take_profit: Raw = msgspec.field(default=ABSENT, name="takeProfit")
    conditional_order: Raw = ABSENT
    camel_conditional_order: Raw = msgspec.field(default=ABSENT, name="conditionalOrder")
    id: Ignored = None
    type: Ignored = None
    conditional_order_type: Ignored = None
    camel_conditional_order_type: Ignored = msgspec.field(default=None, name="conditionalOrderType")
    stop_loss_price: Ignored = None
    camel_stop_loss_price: Ignored = msgspec.field(default=None, name="stopLossPrice")
    take_profit_price: Ignored = None
    camel_take_profit_price: Ignored = msgspec.field(default=None, name="takeProfitPrice")


def group_of(raw: Raw) -> tuple[tuple[Order, ...], int]:
    """A record of `POST conditional-orders` or `POST oco-orders`: the orders in it."""
    seen, surplus = _GROUP.read(raw)
    legs = [
        leg
        for leg in (
            seen.stop_loss,
            seen.camel_stop_loss,
            seen.take_profit,
            seen.camel_take_profit,
            seen.conditional_order,
            seen.camel_conditional_order,
        )
        if is_given(leg)
    ]
    if not legs:
        raise Misshapen("a group without an order")
    read = [active_of(leg) for leg in legs]
    return tuple([order for order, _ in read]), surplus + sum(extra for _, extra in read)


_GROUP = Form(Group)
