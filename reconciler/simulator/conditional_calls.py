"""What REST clients can ask and do about orders that hang on each other (PROTOCOL § 5.7).

The vendor spells the same order in three ways here: see `conditional_dialect`.
"""

from dataclasses import replace
from typing import Any

from reconciler.simulator.accounts import Account
from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.conditional_dialect import conditional_leg, oco_leg, oto
from reconciler.simulator.conditionals import Legs
from reconciler.simulator.dialect import Row
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import text
from reconciler.simulator.reads import OFFSET_MAX, ORDERS_MAX, Read
from reconciler.simulator.records import Instruction, Kind, Side
from reconciler.simulator.rules import Refused
from reconciler.simulator.writes import STP


def place_pair(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/collateral/oco`."""
    take_profit = Instruction(
        market=asked.needed("market", exchange.markets),
        side=Side(asked.needed("side", frozenset(Side))),
        kind=Kind.MARGIN_LIMIT,
        amount=asked.amount("amount"),
        price=asked.amount("price"),
        client_order_id=asked.text("clientOrderId") or "",
        stp=STP[asked.one_of("stp", STP) or "no"],
        reduce_only=asked.flag("reduceOnly"),
    )
    stop_loss = replace(
        take_profit,
        kind=Kind.MARGIN_STOP_LIMIT,
        price=asked.amount("stop_limit_price"),
        activation_price=asked.amount("activation_price"),
    )
    placed = exchange.told(
        exchange.engine.conditionals.place(
            account.name, stop_loss=stop_loss, take_profit=take_profit
        )
    )
    rates = _rates(exchange, account, take_profit.market)
    row = _oco(exchange, placed)
    for leg in ("stop_loss", "take_profit"):
        row[leg] |= rates
    return row | {"reduceOnly": take_profit.reduce_only}


def _rates(exchange: Exchange, account: Account, market: str) -> Row:
    fees = account.fees
    if exchange.markets[market].is_futures:
        return {"takerFee": text(fees.futures_taker), "makerFee": text(fees.futures_maker)}
    return {"takerFee": text(fees.taker), "makerFee": text(fees.maker)}


# Lists


def conditional_orders(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`conditional-orders`: pairs and orders that trigger others, newest first."""
    market = asked.one_of("market", exchange.markets)
    offset, limit = asked.page(ORDERS_MAX, OFFSET_MAX, default=100)
    conditionals = exchange.engine.conditionals
    rows = [
        _conditional(exchange, legs)
        for legs in conditionals.pairs(account.name)
        if market in (None, legs.take_profit.market)
    ]
    rows += [
        oto(order)
        for order in conditionals.triggers(account.name)
        if market in (None, order.market)
    ]
    rows.sort(key=lambda row: -row["id"])
    page = rows[offset : offset + limit]
    return {"limit": limit, "offset": offset, "total": len(rows), "records": page}


def oco_orders(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`oco-orders`: the pairs alone, spelled otherwise."""
    market = asked.one_of("market", exchange.markets)
    offset, limit = asked.page(ORDERS_MAX, OFFSET_MAX)
    rows = [
        _oco(exchange, legs)
        for legs in exchange.engine.conditionals.pairs(account.name)
        if market in (None, legs.take_profit.market)
    ]
    return rows[offset : offset + limit]


def _conditional(exchange: Exchange, legs: Legs) -> Row:
    market = exchange.markets[legs.take_profit.market]
    return {
        "id": legs.pair.pair_id,
        "type": "oco",
        "stopLoss": conditional_leg(legs.stop_loss, market),
        "takeProfit": conditional_leg(legs.take_profit, market),
    }


def _oco(exchange: Exchange, legs: Legs) -> Row:
    market = exchange.markets[legs.take_profit.market]
    return {
        "id": legs.pair.pair_id,
        "stop_loss": oco_leg(legs.stop_loss, market),
        "take_profit": oco_leg(legs.take_profit, market),
    }


# Cancelling


def cancel_oco(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/oco-cancel`, by exactly one of the pair's two ids."""
    market = asked.needed("market", exchange.markets)
    pair_id, client_order_id = asked.integer("orderId"), asked.text("clientOrderId")
    if (pair_id is None) == (client_order_id is None):
        raise Invalid("orderId", "OrderId field is required.")
    ended = exchange.told(
        exchange.engine.conditionals.cancel_pair(
            account.name, market, pair_id=pair_id, client_order_id=client_order_id or ""
        )
    )
    return _oco(exchange, ended)


def cancel_oto(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/oto-cancel`: the order ends, and what it would have triggered never comes."""
    market, oto_id = asked.needed("market", exchange.markets), _id(asked, "otoId")
    try:
        exchange.publish(exchange.engine.conditionals.cancel_trigger(account.name, market, oto_id))
    except Refused as refused:
        raise Refused("oto", refused.message) from None
    return []


def cancel_conditional(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/conditional-cancel`: either kind."""
    market, wanted = asked.needed("market", exchange.markets), _id(asked, "id")
    conditionals = exchange.engine.conditionals
    try:
        if any(order.oto_id == wanted for order in conditionals.triggers(account.name)):
            exchange.publish(conditionals.cancel_trigger(account.name, market, wanted))
        else:
            exchange.told(conditionals.cancel_pair(account.name, market, pair_id=wanted))
    except Refused as refused:
        raise Refused("conditional", refused.message) from None
    return []


def _id(asked: Asked, name: str) -> int:
    value = asked.integer(name)
    if value is None:
        raise Invalid(name, f"{name} field is required.")
    return value


CONDITIONAL_CALLS: dict[str, Read] = {
    "/api/v4/conditional-orders": conditional_orders,
    "/api/v4/oco-orders": oco_orders,
    "/api/v4/order/collateral/oco": place_pair,
    "/api/v4/order/oco-cancel": cancel_oco,
    "/api/v4/order/oto-cancel": cancel_oto,
    "/api/v4/order/conditional-cancel": cancel_conditional,
}
