"""The exchange's spelling of its records: four of an order, four of a deal, and balances.

Shapes and field names are those of PROTOCOL § 3 and § 5 (from the vendor's AsyncAPI and OpenAPI
files).  Times are printed as the doubles that the exchange prints: 17 digits on the WebSocket
(`1738230617.8867061`), the shortest form over REST.
"""

from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from reconciler.simulator.numbers import ZERO, cut, shown, text, times
from reconciler.simulator.papers import Delisted
from reconciler.simulator.positions import Borrow, Position
from reconciler.simulator.records import (
    Balance,
    Collateral,
    Deal,
    Kind,
    Order,
    Role,
    Side,
    Status,
)

Row: TypeAlias = dict[str, Any]

_SIDE = {Side.SELL: 1, Side.BUY: 2}
_ROLE = {Role.MAKER: 1, Role.TAKER: 2}
TYPE = {
    Kind.LIMIT: 1,
    Kind.MARKET: 2,
    Kind.STOP_LIMIT: 3,
    Kind.STOP_MARKET: 4,
    Kind.MARGIN_LIMIT: 7,
    Kind.MARGIN_MARKET: 8,
    Kind.MARGIN_STOP_LIMIT: 9,
    Kind.MARGIN_STOP_MARKET: 10,
    Kind.STOCK_MARKET: 202,
}
TYPE_WORD = {
    Kind.LIMIT: "limit",
    Kind.MARKET: "market",
    Kind.STOP_LIMIT: "stop limit",
    Kind.STOP_MARKET: "stop market",
    Kind.MARGIN_LIMIT: "margin limit",
    Kind.MARGIN_MARKET: "margin market",
    Kind.MARGIN_STOP_LIMIT: "margin stop limit",
    Kind.MARGIN_STOP_MARKET: "trigger margin market",
    Kind.STOCK_MARKET: "stock market",
}
CONDITION = {Side.BUY: "gte", Side.SELL: "lte"}
STATUS = {status: status.upper() for status in Status}

# Times


def long_seconds(moment: int) -> msgspec.Raw:
    """Unix seconds of a moment in µs, as a JSON number of 17 significant digits."""
    return msgspec.Raw(f"{moment / 1_000_000:.17g}".encode())


def short_seconds(moment: int) -> float:
    """Unix seconds of a moment in µs; JSON writes the shortest number that is this double."""
    return moment / 1_000_000


# Orders


def pending_order(order: Order) -> Row:
    """`ordersPending`, query and update (PROTOCOL § 3.3); it names no fee asset, and doesn't say
    whether a stop was activated."""
    row = {
        "id": order.order_id,
        "market": order.market,
        "type": TYPE[order.kind],
        "side": _SIDE[order.side],
        "post_only": order.post_only,
        "ioc": order.ioc,
        "ctime": long_seconds(order.created_at),
        "mtime": long_seconds(order.updated_at),
        "price": text(order.price or ZERO),
        "amount": text(order.amount),
        "left": text(order.remaining),
        "deal_stock": text(order.filled_amount),
        "deal_money": text(order.filled_total),
        "deal_fee": text(order.fee),
        "client_order_id": order.client_order_id,
        "stp": order.stp.value,
        "status": STATUS[order.status],
        "position_side": "BOTH",
        "rpi": False,
        "retail": False,
        "reduce_only": order.reduce_only,
    }
    if order.activation_price is not None:
        row["activation_price"] = text(order.activation_price)
        row["activation_condition"] = CONDITION[order.side]
    return row


def executed_order(order: Order) -> Row:
    """`ordersExecuted`, query (PROTOCOL § 3.4): a finish time and a fee asset, but no `left`."""
    assert order.finished_at is not None
    return {
        "id": order.order_id,
        "ctime": long_seconds(order.created_at),
        "ftime": long_seconds(order.finished_at),
        "market": order.market,
        "source": order.source,
        "type": TYPE[order.kind],
        "side": _SIDE[order.side],
        "post_only": order.post_only,
        "ioc": order.ioc,
        "price": text(order.price or ZERO),
        "amount": text(order.amount),
        "deal_stock": text(order.filled_amount),
        "deal_money": text(order.filled_total),
        "deal_fee": text(order.fee),
        "client_order_id": order.client_order_id,
        "status": STATUS[order.status],
        "fee_asset": order.fee_asset,
        "rpi": False,
        "retail": False,
        "reduce_only": order.reduce_only,
    }


def active_order(order: Order) -> Row:
    """REST `orders` and the answers of `order/new` and its kin (PROTOCOL § 5.3).  A price is absent
    where there is none, the fee asset where nothing was charged yet."""
    row = {
        "orderId": order.order_id,
        "clientOrderId": order.client_order_id,
        "market": order.market,
        "side": order.side.value,
        "type": TYPE_WORD[order.kind],
        "timestamp": short_seconds(order.created_at),
        "dealMoney": text(order.filled_total),
        "dealStock": text(order.filled_amount),
        "amount": text(order.amount),
        "left": text(order.remaining),
        "dealFee": text(order.fee),
        "postOnly": order.post_only,
        "ioc": order.ioc,
        "status": STATUS[order.status],
        "stp": order.stp.value,
        "positionSide": "BOTH",
        "rpi": False,
        "reduceOnly": order.reduce_only,
    }
    if order.price is not None:
        row["price"] = text(order.price)
    if order.filled_amount:
        row["feeAsset"] = order.fee_asset
    if order.activation_price is not None:
        row["activation_price"] = text(order.activation_price)
        row |= activation(order)
    if order.oto_id is not None:
        row["oto"] = {"otoId": order.oto_id} | trigger_prices(order, "stopLoss", "takeProfit")
    return row


def finished_order(order: Order) -> Row:
    """REST `trade-account/order/history` (PROTOCOL § 5.4): `id`, not `orderId`; the market is the
    key of the map around it."""
    assert order.finished_at is not None
    row = {
        "id": order.order_id,
        "clientOrderId": order.client_order_id,
        "ctime": short_seconds(order.created_at),
        "ftime": short_seconds(order.finished_at),
        "side": order.side.value,
        "type": TYPE_WORD[order.kind],
        "amount": text(order.amount),
        "price": text(order.price or ZERO),
        "dealStock": text(order.filled_amount),
        "dealMoney": text(order.filled_total),
        "dealFee": text(order.fee),
        "feeAsset": order.fee_asset,
        "postOnly": order.post_only,
        "ioc": order.ioc,
        "status": STATUS[order.status],
        "positionSide": "BOTH",
        "rpi": False,
        "reduceOnly": order.reduce_only,
    }
    if order.activation_price is not None:
        row["activationPrice"] = text(order.activation_price)
        row |= activation(order)
    return row


def activation(order: Order) -> Row:
    """Of a stop: a number, although prose calls it a boolean (http-trade-v4.yaml)."""
    return {"activated": int(order.is_activated), "activationCondition": CONDITION[order.side]}


def trigger_prices(order: Order, stop_loss: str, take_profit: str) -> Row:
    """Under these names, if there are any."""
    prices = {stop_loss: order.stop_loss, take_profit: order.take_profit}
    return {name: text(price) for name, price in prices.items() if price is not None}


# Deals


def deal_update(deal: Deal) -> list[Any]:
    """`deals_update`: eleven places, of which none is the total (PROTOCOL § 3.5)."""
    return [
        deal.deal_id,
        long_seconds(deal.executed_at),
        deal.market,
        deal.order_id,
        text(deal.price),
        text(deal.amount),
        text(deal.fee),
        deal.client_order_id,
        _SIDE[deal.side],
        _ROLE[deal.role],
        deal.fee_asset,
    ]


def queried_deal(deal: Deal) -> Row:
    """`deals_request`; `deal_order_id` is the counterparty's order."""
    return {
        "time": long_seconds(deal.executed_at),
        "id": deal.deal_id,
        "side": _SIDE[deal.side],
        "role": _ROLE[deal.role],
        "price": text(deal.price),
        "amount": text(deal.amount),
        "deal": text(deal.total),
        "fee": text(deal.fee),
        "order_id": deal.order_id,
        "deal_order_id": deal.counter_order_id,
        "market": deal.market,
        "client_order_id": deal.client_order_id,
        "fee_asset": deal.fee_asset,
    }


def executed_deal(deal: Deal) -> Row:
    """REST `trade-account/executed-history` (PROTOCOL § 5.5): no market, no counterparty."""
    return {
        "id": deal.deal_id,
        "clientOrderId": deal.client_order_id,
        "time": short_seconds(deal.executed_at),
        "side": deal.side.value,
        "role": _ROLE[deal.role],
        "amount": text(deal.amount),
        "price": text(deal.price),
        "deal": text(deal.total),
        "fee": text(deal.fee),
        "orderId": deal.order_id,
        "feeAsset": deal.fee_asset,
        "rpi": False,
    }


def deal_of_order(deal: Deal) -> Row:
    """REST `trade-account/order` (PROTOCOL § 5.6): neither market nor side nor the own order."""
    return {
        "time": short_seconds(deal.executed_at),
        "fee": text(deal.fee),
        "price": text(deal.price),
        "amount": text(deal.amount),
        "id": deal.deal_id,
        "dealOrderId": deal.counter_order_id,
        "clientOrderId": deal.client_order_id,
        "role": _ROLE[deal.role],
        "deal": text(deal.total),
        "feeAsset": deal.fee_asset,
        "rpi": False,
    }


# Balances


def spot_balance(balance: Balance) -> Row:
    """`balanceSpot` and REST alike; each part is cut by itself."""
    return {"available": shown(balance.available), "freeze": shown(balance.frozen)}


def margin_balance(collateral: Collateral) -> Row:
    """`balanceMargin_request`."""
    return {
        "balance": shown(collateral.balance),
        "borrow": shown(collateral.borrowed),
        "available_without_borrow": shown(collateral.usable),
        "available_with_borrow": shown(collateral.usable),
    }


def margin_update(asset: str, collateral: Collateral) -> Row:
    """One element of `balanceMargin_update`."""
    row = margin_balance(collateral)
    return {"a": asset} | dict(zip(("B", "b", "av", "ab"), row.values(), strict=True))


def margin_summary(asset: str, collateral: Collateral) -> Row:
    """One element of REST `collateral-account/balance-summary`."""
    names = ("balance", "borrow", "availableWithoutBorrow", "availableWithBorrow")
    row = margin_balance(collateral)
    return {"asset": asset} | dict(zip(names, row.values(), strict=True))


# Positions


def position(held: Position, price: Decimal, margin: Decimal, free: Decimal) -> Row:
    """`positionsMargin_update`, one record (PROTOCOL § 3.6); its profit is unrealised."""
    return {
        "id": held.position_id,
        "market": held.market,
        "ctime": long_seconds(held.opened_at),
        "mtime": long_seconds(held.modified_at),
        "amount": text(held.amount),
        "amount_in_money": text(times(held.amount, price).copy_abs()),
        "base_price": text(held.base_price),
        "pnl": text(held.value(price)),
        "liq_price": "0",
        "liq_stage": None,
        "unrealized_funding": "0",
        "funding": text(held.funding),
        "margin": text(margin),
        "free_margin": text(free),
        "realized_pnl": text(held.realized),
        "position_side": "BOTH",
    }


def borrow(owed: Borrow) -> Row:
    """`borrowsMargin_update`, one record (PROTOCOL § 3.7)."""
    return {
        "asset": owed.asset,
        "ctime": long_seconds(owed.opened_at),
        "mtime": long_seconds(owed.modified_at),
        "amount": text(owed.amount.copy_negate()),
        "unrealized_funding": "0",
        "liq_price": "NaN",
    }


def price_or_none(price: Decimal | None) -> str | None:
    """Null where there is none."""
    return None if price is None else text(price)


def delisted_order(row: Delisted) -> Row:
    """`trade-account/order/history/query` (PROTOCOL § 5.8): zero-padded, in lower case."""
    return {
        "id": row.order_id,
        "clientOrderId": row.client_order_id,
        "createdAt": short_seconds(row.created_at),
        "finishAt": short_seconds(row.finished_at),
        "market": row.market,
        "side": row.side,
        "type": TYPE_WORD[Kind(row.kind)],
        "price": padded(row.price),
        "amount": padded(row.amount),
        "dealStock": padded(row.filled_amount),
        "dealMoney": padded(row.filled_total),
        "fee": padded(row.fee),
        "feeAsset": row.fee_asset,
        "status": "filled" if row.is_reverse else "canceled",
        "delistingKind": "reverse" if row.is_reverse else "canceled",
    }


def padded(number: Decimal) -> str:
    """With ten places."""
    return f"{cut(number, 10):.10f}"
