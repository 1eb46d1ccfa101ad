"""What REST clients can do: place, modify and cancel orders."""

from collections.abc import Callable
from typing import Any, TypeAlias

from reconciler.simulator import dialect
from reconciler.simulator.accounts import Account
from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.records import Instruction, Kind, Side, Stp
from reconciler.simulator.refusals import refusal
from reconciler.simulator.rules import Refused

Write: TypeAlias = Callable[[Exchange, Account, Asked], Any]

STP = {stp.value: stp for stp in Stp} | {
    "cancel_old": Stp.OLD,
    "cancel_new": Stp.NEW,
    "cancel_both": Stp.BOTH,
}
"""The short words and the ones of before, which are understood but not answered."""

_FAMILIES = ("spot", "margin", "futures")

BULK_MAX, CANCEL_BULK_MAX = 20, 100
"""Orders per `order/bulk` and `order/cancel/bulk`."""


# Placing


def placing(kind: Kind) -> Write:
    """The call that places orders of this kind."""

    def call(exchange: Exchange, account: Account, asked: Asked) -> Any:
        return _place(exchange, account, asked, kind)

    return call


def _place(exchange: Exchange, account: Account, asked: Asked, kind: Kind) -> Any:
    """The amount of a market buy, and of a stop for one, is in money."""
    plain = kind in (Kind.LIMIT, Kind.MARGIN_LIMIT)
    instruction = Instruction(
        market=asked.needed("market", exchange.markets),
        side=Side(asked.needed("side", frozenset(Side))),
        kind=kind,
        amount=asked.amount("amount"),
        price=asked.amount("price") if kind.has_limit else None,
        activation_price=asked.amount("activation_price") if kind.is_stop else None,
        client_order_id=asked.text("clientOrderId") or "",
        post_only=plain and asked.flag("postOnly"),
        ioc=plain and asked.flag("ioc"),
        stp=STP[asked.one_of("stp", STP) or "no"],
        reduce_only=kind.is_margin and asked.flag("reduceOnly"),
        stop_loss=asked.amount_or_none("stopLoss") if kind.is_margin else None,
        take_profit=asked.amount_or_none("takeProfit") if kind.is_margin else None,
    )
    return dialect.active_order(exchange.place(account.name, instruction))


def bulk_of(kind: Kind) -> Write:
    """The call that places several limit orders, each with a result or an error of its own; with
    `stopOnFail` none after the first error is tried."""
    place_one = placing(kind)

    def call(exchange: Exchange, account: Account, asked: Asked) -> Any:
        answers: list[dict[str, Any]] = []
        for part in asked.parts("orders", BULK_MAX):
            answers.append(_one_of_many(place_one, exchange, account, part))
            if answers[-1]["error"] and asked.flag("stopOnFail"):
                break
        return answers

    return call


def _one_of_many(call: Write, exchange: Exchange, account: Account, part: Asked | None) -> Any:
    try:
        if part is None:
            raise Invalid("request", "Invalid order format")
        return {"result": call(exchange, account, part), "error": None}
    except (Invalid, Refused) as error:
        return {"result": None, "error": refusal(error).envelope()}


# Changing and cancelling


def modify(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/modify`; the amount of a stop for a market buy is called `total`."""
    market = asked.needed("market", exchange.markets)
    order_id = _order_id(account, asked, market)
    amount, total = asked.amount_or_none("amount"), asked.amount_or_none("total")
    price, activation = asked.amount_or_none("price"), asked.amount_or_none("activationPrice")
    if amount is not None and total is not None:
        raise Invalid("amount", "The amount and total are mutually exclusive.")
    if all(given is None for given in (amount, total, price, activation)):
        raise Invalid("amount", "At least one of the parameters is required.")
    order = exchange.modify(
        account.name,
        market,
        order_id,
        amount=amount if total is None else total,
        price=price,
        activation_price=activation,
    )
    return dialect.active_order(order)


def cancel_order(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/cancel`, by exactly one of the two ids."""
    market = asked.needed("market", exchange.markets)
    order_id = _order_id(account, asked, market)
    return dialect.active_order(exchange.cancel(account.name, market, order_id))


def cancel_bulk(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/cancel/bulk`: each is tried, whatever becomes of the others."""
    parts = asked.parts("orders", CANCEL_BULK_MAX)
    return [_one_of_many(cancel_order, exchange, account, part) for part in parts]


def cancel_all(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/cancel/all`, of one market or all."""
    market = asked.one_of("market", exchange.markets)
    kinds = asked.texts("type")
    if not set(kinds) <= set(_FAMILIES):
        raise Invalid("type", "The selected type is invalid.")
    exchange.cancel_all(account.name, None if market is None else [market], kinds or _FAMILIES)
    return []


def _order_id(account: Account, asked: Asked, market: str) -> int:
    """Of the open order that is meant; 0, which none has, if its client id is unknown."""
    order_id, client_order_id = asked.integer("orderId"), asked.text("clientOrderId")
    if (order_id is None) == (client_order_id is None):
        raise Invalid("orderId", "OrderId field is required.")
    if order_id is not None:
        return order_id
    return next(
        (
            order.order_id
            for order in account.open_orders.values()
            if order.asked.client_order_id == client_order_id and order.asked.market == market
        ),
        0,
    )


WRITES: dict[str, Write] = {
    "/api/v4/order/new": placing(Kind.LIMIT),
    "/api/v4/order/market": placing(Kind.MARKET),
    "/api/v4/order/stock_market": placing(Kind.STOCK_MARKET),
    "/api/v4/order/stop_limit": placing(Kind.STOP_LIMIT),
    "/api/v4/order/stop_market": placing(Kind.STOP_MARKET),
    "/api/v4/order/bulk": bulk_of(Kind.LIMIT),
    "/api/v4/order/modify": modify,
    "/api/v4/order/cancel": cancel_order,
    "/api/v4/order/cancel/bulk": cancel_bulk,
    "/api/v4/order/cancel/all": cancel_all,
}
