"""What an open order holds back in the spot wallet of its account, and when it lets go.

The rules are those of PROTOCOL § 7.5; where nobody documents them, the account's
`Freezing` decides.
Freezing never changes a total.
"""

from decimal import Decimal

from reconciler.simulator.accounts import Account
from reconciler.simulator.matching import LiveOrder
from reconciler.simulator.numbers import ZERO, minus, negative, plus, times
from reconciler.simulator.records import Instruction, Side


def price_of(asked: Instruction, amount: Decimal, account: Account) -> Decimal:
    """What `amount` of the instruction takes from its account at most, in the asset it gives.

    What a buy of stock at the market costs only the book knows: here it is nothing.
    """
    if asked.side is Side.SELL or asked.counts_money:
        return amount
    if asked.price is None:
        return ZERO
    price = times(asked.price, amount)
    if account.freezing.taker_fee:
        price = plus(price, times(price, max(account.fees.taker, ZERO)))
    return price


def hold(order: LiveOrder, account: Account) -> None:
    """Freezes what the order, which is open, needs now, and thaws what it needs no more."""
    if order.asked.kind.is_margin:
        return  # it lowers what is usable of the collateral instead
    needed = ZERO
    if not order.is_waiting or account.freezing.stops:
        needed = price_of(order.asked, order.remaining, account)
    more = minus(needed, order.frozen)
    if more > 0:
        account.wallets.freeze(order.given_asset, more)
    elif more < 0:
        account.wallets.thaw(order.given_asset, negative(more))
    order.frozen = needed


def release(order: LiveOrder, account: Account) -> None:
    """Thaws all: the order ends, or is about to take what it needs from what is available."""
    account.wallets.thaw(order.given_asset, order.frozen)
    order.frozen = ZERO
