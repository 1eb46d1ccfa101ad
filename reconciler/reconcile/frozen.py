"""What the open orders should hold frozen on the spot wallet, as far as that is known.

A soft check: freezing never changes a total, and how much a stop or a limit buy freezes is not
documented, so each order gives a range (PROTOCOL § 7.5).  A figure outside all ranges is a finding
for people, and never a drift.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from reconciler.domain.facts import Market, Order
from reconciler.domain.money import ZERO, minus, plus, times
from reconciler.domain.words import Side, Wallet, is_market_type, wallet_of

TAKER_FEE = Decimal("0.001")
"""The usual one.  A limit buy was seen to freeze it in 2023 and should not any more."""


class Range(Struct, frozen=True, kw_only=True):
    """From the least to the most, both included."""

    least: Decimal = ZERO
    most: Decimal = ZERO

    def with_(self, other: "Range") -> "Range":
        """Both together."""
        return Range(least=plus(self.least, other.least), most=plus(self.most, other.most))


class FrozenFinding(Struct, frozen=True, kw_only=True):
    """An asset of which more or less is frozen than the open orders account for."""

    asset: str
    frozen: Decimal
    """As shown."""
    plausible: Range


def plausible(
    orders: Iterable[Order], markets: Mapping[str, Market], taker_fee: Decimal = TAKER_FEE
) -> dict[str, Range]:
    """By asset, what these open orders freeze.  One of an unlisted market tells nothing."""
    ranges: dict[str, Range] = {}
    for order in orders:
        market = markets.get(order.market)
        if market is None or wallet_of(order.type) is not Wallet.SPOT:
            continue
        asset, freezes = _of_order(order, market, taker_fee)
        ranges[asset] = ranges.get(asset, Range()).with_(freezes)
    return ranges


def finding(asset: str, shown: Decimal, expected: Range, *, decimals: int) -> FrozenFinding | None:
    """The finding, if what is shown, cut at `decimals`, is not within the range."""
    unit = Decimal(1).scaleb(-decimals)
    if shown <= expected.most and plus(shown, unit) > expected.least:
        return None
    return FrozenFinding(asset=asset, frozen=shown, plausible=expected)


def _of_order(order: Order, market: Market, taker_fee: Decimal) -> tuple[str, Range]:
    left = order.remaining
    if left is None:
        left = minus(order.amount or ZERO, order.filled_amount)
    left = max(left, ZERO)
    if order.side is Side.SELL:
        asset, least, most = market.base_asset, left, left
    elif is_market_type(order.type) or order.price is None:
        asset, least, most = market.quote_asset, left, left
    else:
        asset, least = market.quote_asset, times(left, order.price)
        most = plus(least, times(least, taker_fee))
    if order.type != "limit":
        least = ZERO  # Unknown of a stop that waits; what goes at once is never frozen.
    return asset, Range(least=least, most=most)
