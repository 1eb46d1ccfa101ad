"""The exchange's spelling of orders that hang on each other: three of the same order.

See PROTOCOL § 5.7 and § 3.3.
"""

from reconciler.simulator.dialect import (
    CONDITION,
    STATUS,
    TYPE_WORD,
    Row,
    activation,
    active_order,
    pending_order,
    short_seconds,
    trigger_prices,
)
from reconciler.simulator.numbers import text
from reconciler.simulator.records import Market, Order


def oco_leg(order: Order, market: Market) -> Row:
    """In `oco-orders` and the answers of the calls that place and cancel a pair: in snake case, but
    not all of it."""
    row = _leg(order, market) | {"post_only": order.post_only}
    if order.activation_price is not None:
        row |= {
            "activation_price": text(order.activation_price),
            "activation_condition": CONDITION[order.side],
            "activated": int(order.is_activated),
        }
    return row


def conditional_leg(order: Order, market: Market) -> Row:
    """The same in `conditional-orders`: in camel case."""
    row = _leg(order, market) | {"postOnly": order.post_only}
    if order.activation_price is not None:
        row |= {"activationPrice": text(order.activation_price)} | activation(order)
    return row


def _leg(order: Order, market: Market) -> Row:
    row = {
        "orderId": order.order_id,
        "clientOrderId": order.client_order_id,
        "market": order.market,
        "side": order.side.value,
        "type": TYPE_WORD[order.kind],
        "timestamp": short_seconds(order.created_at),
        "mtime": short_seconds(order.updated_at),
        "dealMoney": text(order.filled_total),
        "dealStock": text(order.filled_amount),
        "amount": text(order.amount),
        "left": text(order.remaining),
        "dealFee": text(order.fee),
        "status": STATUS[order.status],
        "stp": order.stp.value,
        "reduceOnly": order.reduce_only,
    }
    if order.price is not None:
        row["price"] = text(order.price)
    if market.is_futures:
        row["positionSide"] = "BOTH"
    return row


def oto(order: Order) -> Row:
    """In `conditional-orders`: an order that triggers others, which is also among the open ones."""
    return {
        "id": order.oto_id,
        "type": "oto",
        **trigger_prices(order, "stopLossPrice", "takeProfitPrice"),
        "conditionalOrder": active_order(order),
    }


def oto_update(order: Order) -> Row:
    """`otoOrdersPending_update`, which no document names (PROTOCOL § 3.3)."""
    prices = trigger_prices(order, "stop_loss_price", "take_profit_price")
    return {"id": order.oto_id, "trigger_order": pending_order(order), **prices}
