"""What one fill does to one of its two sides: the wallets, the order, and the deal on record.

The fee is taken from what the side receives, maker or taker alike (PROTOCOL § 7.1); a negative rate
gives instead of taking.  What a maker gives comes out of what its order froze, what a taker gives
out of what is available (§ 7.5).
"""

from dataclasses import dataclass
from decimal import Decimal

from reconciler.simulator.accounts import Account
from reconciler.simulator.matching import LiveOrder
from reconciler.simulator.numbers import minus, negative, plus, times
from reconciler.simulator.records import Deal, Role, Side, Status, Wallet


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What both sides of a deal share."""

    deal_id: int
    price: Decimal
    amount: Decimal
    total: Decimal
    executed_at: int


def settle(account: Account, order: LiveOrder, counter: LiveOrder, role: Role, fill: Fill) -> Deal:
    """Moves the money of `account`, advances its order, and files its side of the deal."""
    market, side = order.market, order.asked.side
    if side is Side.BUY:
        given_asset, given, got_asset, got = market.money, fill.total, market.stock, fill.amount
    else:
        given_asset, given, got_asset, got = market.stock, fill.amount, market.money, fill.total
    maker = role is Role.MAKER
    fee = times(got, account.fees.maker if maker else account.fees.taker)
    if maker:
        account.wallets.spend_frozen(given_asset, given)
        order.frozen = minus(order.frozen, given)
    else:
        account.wallets.change(Wallet.SPOT, given_asset, negative(given))
    account.wallets.change(Wallet.SPOT, got_asset, minus(got, fee))
    _advance(order, fill, fee)
    deal = Deal(
        deal_id=fill.deal_id,
        order_id=order.order_id,
        counter_order_id=counter.order_id,
        market=market.name,
        side=side,
        role=role,
        price=fill.price,
        amount=fill.amount,
        total=fill.total,
        fee=fee,
        fee_asset=got_asset,
        client_order_id=order.asked.client_order_id,
        executed_at=fill.executed_at,
    )
    account.history.add_deal(deal)
    return deal


def _advance(order: LiveOrder, fill: Fill, fee: Decimal) -> None:
    used = fill.total if order.counts_money else fill.amount
    order.remaining = minus(order.remaining, used)
    order.filled_amount = plus(order.filled_amount, fill.amount)
    order.filled_total = plus(order.filled_total, fill.total)
    order.fee = plus(order.fee, fee)
    order.status = Status.PARTIALLY_FILLED
    order.updated_at = fill.executed_at
