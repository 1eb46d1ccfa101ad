"""What an instruction must satisfy before the engine takes it: the market's steps and minima, flags
that exclude each other, and the account's means.

The words are the documented ones (http-trade-v4.yaml, "Error Codes"); which code and status they
travel with is `rest`'s business.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from reconciler.simulator.accounts import Account
from reconciler.simulator.freezing import price_of
from reconciler.simulator.matching import LiveOrder
from reconciler.simulator.numbers import ZERO, cut, minus, text, times
from reconciler.simulator.records import Instruction, Market, Side, Wallet

_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9_.\-]{0,64}", re.ASCII)


class Refused(Exception):
    """The exchange won't: `reason` is the field or the means that is at fault."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


def check(
    asked: Instruction,
    account: Account,
    markets: Mapping[str, Market],
    replaced: LiveOrder | None = None,
) -> None:
    """Raises Refused at the first rule that is broken.

    `replaced` ends if the new order is taken: its client id and what it froze are free again.
    """
    market = markets.get(asked.market)
    if market is None:
        raise Refused("market", "Market is not available.")
    if market.is_futures if not asked.kind.is_margin else not market.has_margin:
        raise Refused("market", "Market is not available.")
    if asked.ioc and asked.post_only:
        raise Refused("ioc", "Either IOC or PostOnly flag in true state is allowed.")
    others = (order for order in account.open_orders.values() if order is not replaced)
    _check_client_order_id(asked, others)
    _check_size(asked, market)
    _check_triggers(asked, market)
    if asked.kind.is_margin:
        return  # what it needs only the margin knows
    check_means(
        account,
        market.stock if asked.side is Side.SELL else market.money,
        minus(price_of(asked, asked.amount, account), replaced.frozen if replaced else ZERO),
    )


def check_means(account: Account, asset: str, amount: Decimal) -> None:
    """Raises Refused if the account's spot wallet has less than `amount` available."""
    if account.wallets.available(Wallet.SPOT, asset) < amount:
        raise Refused("balance", "Not enough balance.")


def _check_client_order_id(asked: Instruction, open_orders: Iterable[LiveOrder]) -> None:
    wanted = asked.client_order_id
    if not wanted:
        return
    if not _CLIENT_ORDER_ID.fullmatch(wanted):
        raise Refused(
            "client_order_id",
            "ClientOrderId field should contain only latin letters, numbers and dashes.",
        )
    if any(
        order.asked.client_order_id == wanted and order.asked.market == asked.market
        for order in open_orders
    ):
        raise Refused(
            "client_order_id", "This client order id is already used by the current account."
        )


def _check_size(asked: Instruction, market: Market) -> None:
    if asked.amount <= 0:
        raise Refused("amount", "Amount should be greater than 0.")
    if asked.kind.is_stop:
        _check_price("activation_price", asked.activation_price, market)
    if asked.counts_money:
        _check_step("amount", asked.amount, market.money_decimals)
        if asked.amount < market.total_min:
            raise Refused("total", f"Total amount is less than {text(market.total_min)}")
        return
    _check_step("amount", asked.amount, market.stock_decimals)
    if asked.amount < market.amount_min:
        raise Refused("amount", f"Given amount is less than min amount {text(market.amount_min)}")
    if not asked.kind.has_limit:
        return
    price = _check_price("price", asked.price, market)
    if times(price, asked.amount) < market.total_min:
        raise Refused("total", f"Total (amount * price) is less than {text(market.total_min)}")


def _check_triggers(asked: Instruction, market: Market) -> None:
    for field, price in (("stop_loss", asked.stop_loss), ("take_profit", asked.take_profit)):
        if price is not None:
            _check_price(field, price, market)
            if asked.reduce_only:
                raise Refused("reduce_only", f"Reduce only cannot be combined with {field}.")


def _check_price(field: str, price: Decimal | None, market: Market) -> Decimal:
    if price is None or price <= 0:
        raise Refused(field, f"{field.capitalize().replace('_', ' ')} should be greater than 0.")
    _check_step(field, price, market.money_decimals)
    return price


def _check_step(field: str, number: Decimal, decimals: int) -> None:
    if cut(number, decimals) != number:
        raise Refused(field, f"Min {field} step = {text(Decimal(1).scaleb(-decimals))}")
