"""Conversions: a quote that is good for ten seconds, and what confirming it does.

The exchange itself is the other side, at the last prices.  From which wallets it takes, four
sources say in four ways (PROTOCOL § 7.7), so it is an argument.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from reconciler.simulator.accounts import Account
from reconciler.simulator.ids import Ids
from reconciler.simulator.numbers import SHOWN_DECIMALS, affordable, cut, minus, negative, times
from reconciler.simulator.papers import Conversion
from reconciler.simulator.records import Event, Market, Wallet
from reconciler.simulator.rules import Refused
from reconciler.simulator.treasury import Leg, Treasury

QUOTE_LIFE_US = 10_000_000

_RATE_DECIMALS = 16
_ONE = Decimal(1)

Path: TypeAlias = tuple[tuple[str, str, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An offer to one account."""

    quote_id: int
    account: str
    given_asset: str
    given: Decimal
    received_asset: str
    received: Decimal
    path: Path
    expires_at: int

    @property
    def rate(self) -> Decimal:
        """Received for one given, over the whole path."""
        rate = _ONE
        for _, _, step in self.path:
            rate = times(rate, step)
        return cut(rate, _RATE_DECIMALS)


class Conversions:
    """Of one exchange."""

    def __init__(
        self,
        accounts: dict[str, Account],
        markets: Mapping[str, Market],
        last_price: Callable[[str], Decimal],
        ids: Ids,
        treasury: Treasury,
        *,
        sources: tuple[Wallet, ...] = (Wallet.MAIN,),
        target: Wallet = Wallet.MAIN,
    ) -> None:
        self._accounts = accounts
        self._markets = markets
        self._last_price = last_price
        self._ids = ids
        self._treasury = treasury
        self._quotes: dict[int, Quote] = {}
        self.sources = sources
        """Drained in this order."""
        self.target = target

    def estimate(
        self, account: str, origin: str, target: str, amount: Decimal, *, is_received: bool = False
    ) -> Quote:
        """What converting `amount` would give; of `origin`, or of `target` if `is_received`.
        Raises Refused."""
        path = self._path(origin, target)
        rate = _ONE
        for _, _, step in path:
            rate = times(rate, step)
        if is_received:
            given, received = affordable(amount, rate, SHOWN_DECIMALS), amount
        else:
            given, received = amount, cut(times(amount, rate), SHOWN_DECIMALS)
        if not given or not received:
            raise Refused("conversion_size", "validation.amount_too_small")
        self._split(self._accounts[account], origin, given)
        quote = Quote(
            quote_id=self._ids.small(),
            account=account,
            given_asset=origin,
            given=given,
            received_asset=target,
            received=received,
            path=path,
            expires_at=self._ids.stamp() + QUOTE_LIFE_US,
        )
        self._quotes[quote.quote_id] = quote
        return quote

    def confirm(self, account: str, quote_id: int) -> tuple[Conversion, list[Event]]:
        """Converts as quoted.  Raises Refused if the quote is unknown, used or too old, or if the
        money is gone."""
        quote = self._quotes.get(quote_id)
        if quote is None or quote.account != account:
            raise Refused("quote", "Quote could not be found")
        now = self._ids.stamp()
        if now >= quote.expires_at:
            raise Refused("quote_age", "api.converter.quoteExpired")
        known = self._accounts[account]
        legs = self._split(known, quote.given_asset, quote.given)
        legs.append((known, self.target, quote.received_asset, quote.received))
        events = self._treasury.move(legs, "conversion")
        del self._quotes[quote_id]
        conversion = Conversion(
            conversion_id=quote_id,
            given_asset=quote.given_asset,
            given=quote.given,
            received_asset=quote.received_asset,
            received=quote.received,
            rate=quote.rate,
            steps=quote.path,
            converted_at=now,
        )
        known.papers.conversions.append(conversion)
        return conversion, events

    def _path(self, origin: str, target: str) -> Path:
        """Directly, or over one asset between."""
        if step := self._step(origin, target):
            return (step,)
        for middle in sorted({market.money for market in self._markets.values()}):
            first, second = self._step(origin, middle), self._step(middle, target)
            if first and second:
                return (first, second)
        raise Refused("conversion_market", "Conversion markets not available")

    def _step(self, origin: str, target: str) -> tuple[str, str, Decimal] | None:
        if f"{origin}_{target}" in self._markets:
            return origin, target, self._last_price(f"{origin}_{target}")
        if f"{target}_{origin}" in self._markets:
            price = self._last_price(f"{target}_{origin}")
            return origin, target, affordable(_ONE, price, _RATE_DECIMALS)
        return None

    def _split(self, account: Account, asset: str, amount: Decimal) -> list[Leg]:
        """Over the wallets that pay."""
        legs: list[Leg] = []
        for wallet in self.sources:
            part = min(amount, self._treasury.spendable(account, wallet, asset))
            if part:
                legs.append((account, wallet, asset, negative(part)))
                amount = minus(amount, part)
        if amount:
            raise Refused("conversion_means", "validation.balance")
        return legs
