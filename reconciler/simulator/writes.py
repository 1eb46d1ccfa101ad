"""What REST clients can do: place and cancel orders, move money between their wallets."""

from collections.abc import Callable
from typing import Any, TypeAlias

from reconciler.simulator import dialect
from reconciler.simulator.accounts import Account
from reconciler.simulator.asked import Asked, Invalid
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import SHOWN_DECIMALS, cut
from reconciler.simulator.records import Instruction, Kind, Side, Wallet
from reconciler.simulator.rules import Refused

Write: TypeAlias = Callable[[Exchange, Account, Asked], Any]

_METHODS = {
    "deposit": (Wallet.MAIN, Wallet.SPOT),
    "withdraw": (Wallet.SPOT, Wallet.MAIN),
    "collateral-deposit": (Wallet.MAIN, Wallet.COLLATERAL),
    "collateral-withdraw": (Wallet.COLLATERAL, Wallet.MAIN),
}
"""The older way to name the two wallets of a transfer (main_api_v4.yaml)."""


def limit_order(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/new`."""
    return _place(exchange, account, asked, Kind.LIMIT)


def market_order(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/market`: the amount of a buy is in money."""
    return _place(exchange, account, asked, Kind.MARKET)


def stock_market_order(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/stock_market`: the amount is in stock, also of a buy."""
    return _place(exchange, account, asked, Kind.STOCK_MARKET)


def _place(exchange: Exchange, account: Account, asked: Asked, kind: Kind) -> Any:
    instruction = Instruction(
        market=asked.needed("market", exchange.markets),
        side=Side(asked.needed("side", frozenset(Side))),
        kind=kind,
        amount=asked.amount("amount"),
        price=asked.amount("price") if kind is Kind.LIMIT else None,
        client_order_id=asked.text("clientOrderId") or "",
        post_only=kind is Kind.LIMIT and asked.flag("postOnly"),
        ioc=kind is Kind.LIMIT and asked.flag("ioc"),
    )
    return dialect.active_order(exchange.place(account.name, instruction))


def cancel_order(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`order/cancel`, by exactly one of the two ids."""
    market = asked.needed("market", exchange.markets)
    order_id, client_order_id = asked.integer("orderId"), asked.text("clientOrderId")
    if (order_id is None) == (client_order_id is None):
        raise Invalid("orderId", "OrderId field is required.")
    if order_id is None:
        order_id = next(
            (
                order.order_id
                for order in account.open_orders.values()
                if order.asked.client_order_id == client_order_id and order.asked.market == market
            ),
            0,
        )
    return dialect.active_order(exchange.cancel(account.name, market, order_id))


def transfer(exchange: Exchange, account: Account, asked: Asked) -> Any:
    """`main-account/transfer`: answers an empty list, and no history will ever show it."""
    ticker = asked.needed("ticker", exchange.engine.assets)
    amount = asked.amount("amount")
    if not amount or cut(amount, SHOWN_DECIMALS) != amount:
        raise Invalid("amount", "The amount format is invalid.")
    if method := asked.one_of("method", _METHODS):
        origin, target = _METHODS[method]
    else:
        origin = Wallet(asked.needed("from", frozenset(Wallet)))
        target = Wallet(asked.needed("to", frozenset(Wallet)))
    if origin is target:
        raise Invalid("to", "The to and from must be different.")
    try:
        exchange.transfer(account.name, ticker, amount, origin, target)
    except Refused:
        raise Refused("transfer", "You don't have such amount for transfer.") from None
    return []


WRITES: dict[str, Write] = {
    "/api/v4/order/new": limit_order,
    "/api/v4/order/market": market_order,
    "/api/v4/order/stock_market": stock_market_order,
    "/api/v4/order/cancel": cancel_order,
    "/api/v4/main-account/transfer": transfer,
}

CREATED = frozenset({"/api/v4/main-account/transfer"})
"""Answered with 201 (PROTOCOL § 5.15)."""
