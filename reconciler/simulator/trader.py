"""What all who trade at random know: whom they act for, what is near the market and accepted."""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import TypeAlias

from reconciler.simulator.accounts import Account
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import affordable, cut, plus, times
from reconciler.simulator.records import Market, Side
from reconciler.simulator.rules import Refused

Acts: TypeAlias = list[tuple[Callable[[], object], int]]
"""With their weights."""


def act_once(acts: Acts, chance: random.Random) -> None:
    """One of them; that it is refused is an ordinary outcome."""
    [act] = chance.choices([act for act, _ in acts], [weight for _, weight in acts])
    with suppress(Refused):
        act()


class Trader:
    """Acts for accounts of ours, and with bots where somebody else is needed."""

    def __init__(
        self,
        exchange: Exchange,
        chance: random.Random,
        accounts: Sequence[str],
        bots: Sequence[str],
    ) -> None:
        self.exchange = exchange
        self.engine = exchange.engine
        self.chance = chance
        self.accounts = accounts
        self.bots = bots

    def acts(self) -> Acts:
        """With their weights."""
        raise NotImplementedError

    def account(self) -> Account:
        """A random one of ours."""
        return self.engine.accounts[self.chance.choice(self.accounts)]

    def side(self) -> Side:
        """A random one."""
        return self.chance.choice((Side.BUY, Side.SELL))

    def ratio(self, low: int, high: int) -> Decimal:
        """A random percentage, as a ratio."""
        return Decimal(self.chance.randint(low, high)).scaleb(-2)

    def near(self, market: Market) -> Decimal:
        """A price within two percent of the last."""
        price = times(self.engine.last_price(market.name), self.ratio(98, 102))
        return cut(price, market.money_decimals)

    def amount(self, market: Market) -> Decimal:
        """A small one that the market accepts."""
        price = self.engine.last_price(market.name)
        least = plus(market.amount_min, affordable(market.total_min, price, market.stock_decimals))
        return cut(times(least, self.ratio(150, 900)), market.stock_decimals)
