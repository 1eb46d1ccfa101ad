"""What one fill does to one of its two sides: the wallets, the order, and the deal on record.

The fee is taken from what the side receives, maker or taker alike (PROTOCOL § 7.1); a negative rate
gives instead of taking.  What a maker gives comes out of what its order froze, what a taker gives
out of what is available (§ 7.5).  On margin the fee is always in money,
and positions change instead.
"""

from dataclasses import dataclass
from decimal import Decimal

from reconciler.simulator.accounts import Account
from reconciler.simulator.margin import Margin
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


def settle(
    account: Account,
    order: LiveOrder,
    counter: LiveOrder,
    role: Role,
    fill: Fill,
    margin: Margin,
) -> Deal:
    """Moves the money of `account`, advances its order, and files its side of the deal."""
    market, side = order.market, order.asked.side
    maker = role is Role.MAKER
    if market.is_futures:
        rate = account.fees.futures_maker if maker else account.fees.futures_taker
    else:
        rate = account.fees.maker if maker else account.fees.taker
    if order.asked.kind.is_margin:
        got_asset, fee = market.money, times(fill.total, rate)
        signed = fill.amount if side is Side.BUY else negative(fill.amount)
        margin.take(account, market, order.order_id, signed, fill.price, fee)
    else:
        got_asset, fee = _exchange_assets(account, order, fill, rate, maker=maker)
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


def _exchange_assets(
    account: Account, order: LiveOrder, fill: Fill, rate: Decimal, *, maker: bool
) -> tuple[str, Decimal]:
    """The fee of a spot fill and its asset, which is the one that the side receives."""
    market = order.market
    if order.asked.side is Side.BUY:
        given, got_asset, got = fill.total, market.stock, fill.amount
    else:
        given, got_asset, got = fill.amount, market.money, fill.total
    fee = times(got, rate)
    if maker:
        account.wallets.spend_frozen(order.given_asset, given)
        order.frozen = minus(order.frozen, given)
    else:
        account.wallets.change(Wallet.SPOT, order.given_asset, negative(given))
    account.wallets.change(Wallet.SPOT, got_asset, minus(got, fee))
    return got_asset, fee
