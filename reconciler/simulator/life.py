"""Life on the markets: seeded traders that place, cancel, cross and move money.

`Traders` keeps every spot book populated with the orders of bots, and lets the accounts it is given
trade with them and with themselves; what else goes on, its `Pursuit`s say.  It never asks for what
an account can't pay, and a refusal that happens all the same is an ordinary outcome.
"""

import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from decimal import Decimal

import trio

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import ZERO, affordable, cut, negative, plus, times
from reconciler.simulator.pursuits import Pursuit, acts
from reconciler.simulator.records import Instruction, Kind, Market, Order, Side, Wallet
from reconciler.simulator.trader import Acts, act_once

BOTS = ("bot-1", "bot-2", "bot-3")
"""The others."""

OPEN_ORDERS_MAX = 20
"""Per trader and market; whoever has more cancels the oldest."""

_TICK_S = 0.02
_BURST_STEPS = 20
_TRIES_MAX = 20
_RESERVE = Decimal(1_000_000_000)
_SPREAD = Decimal("0.002")
_STEP = Decimal("0.0005")


class Traders:
    """All traders of one exchange, ours and the others."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        chance: random.Random,
        accounts: Sequence[str],
        pursuits: Collection[Pursuit] = (),
    ) -> None:
        self._exchange = exchange
        self._chance = chance
        self._accounts = list(accounts)
        self._prices = {m.name: m.reference_price for m in exchange.markets.values()}
        for bot in BOTS:
            if bot not in exchange.engine.accounts:
                exchange.open_account(bot)
        self._acts: Acts = [
            (self._quote, 35),
            (self._rest, 20),
            (self._take, 18),
            (self._take_at_market, 8),
            (self._cancel, 12),
            (self._trade_with_self, 2),
            (self._move_money, 5),
            *acts(pursuits, exchange, chance, self._accounts, BOTS),
        ]

    def step(self) -> None:
        """One random act of one random trader."""
        act_once(self._acts, self._chance)

    def deal(self, parts: int = 1) -> bool:
        """One deal of a random account with the house, or so many of one order; False if the
        account can't pay."""
        account, market = self._any_account(), self._any_market()
        price, side = self._price(market), self._any_side()
        amount = self._affordable(account, market, side, price)
        if amount is None:
            side = side.opposite
            amount = self._affordable(account, market, side, price)
        if amount is None:
            return False
        self._exchange.fill(account, market.name, side, amount, price, parts=parts)
        return True

    async def burst(self, deals: int) -> int:
        """Makes so many deals as fast as it can, letting others run in between; returns how many
        were made (fewer only if the accounts run out of money)."""
        made = 0
        for number in range(deals * _TRIES_MAX):
            if made == deals:
                break
            made += self.deal()
            if number % _BURST_STEPS == 0:
                await trio.lowlevel.checkpoint()
        return made

    async def live(self, rate: float, sleep: Callable[[float], Awaitable[object]]) -> None:
        """Acts at about `rate` operations per second until cancelled."""
        due = 0.0
        while True:
            await sleep(_TICK_S)
            due += rate * _TICK_S
            while due >= 1:
                self.step()
                due -= 1

    # What a trader does

    def _quote(self) -> None:
        """A bot rests an order, which keeps the book populated."""
        bot, market, side = self._chance.choice(BOTS), self._any_market(), self._any_side()
        self._supply(bot, market)
        self._limit(bot, market, side, self._away(market, side))

    def _rest(self) -> None:
        """An account rests an order; bots will meet it when the price gets there."""
        market, side = self._any_market(), self._any_side()
        self._limit(self._any_account(), market, side, self._away(market, side))

    def _take(self) -> None:
        """Somebody meets the best order of the other side, in part or with a rest."""
        market, side = self._any_market(), self._any_side()
        best = self._exchange.engine.books[market.name].best(side.opposite)
        if best is not None:
            trader = self._any_trader()
            if trader in BOTS:
                self._supply(trader, market)
            ioc = self._chance.random() < 0.2
            self._limit(trader, market, side, best.limit, ioc=ioc)

    def _take_at_market(self) -> None:
        account, market, side = self._any_account(), self._any_market(), self._any_side()
        price = self._price(market)
        amount = self._affordable(account, market, side, price)
        if amount is None:
            return
        kind = self._chance.choice((Kind.MARKET, Kind.STOCK_MARKET))
        if kind is Kind.MARKET and side is Side.BUY:
            amount = cut(times(amount, price), market.money_decimals)
        self._exchange.place(
            account, Instruction(market=market.name, side=side, kind=kind, amount=amount)
        )

    def _cancel(self) -> None:
        trader, market = self._any_trader(), self._any_market()
        orders = self._open(trader, market)
        if orders:
            self._exchange.cancel(trader, market.name, self._chance.choice(orders))

    def _trade_with_self(self) -> None:
        """An account crosses its own best order, where that is the best of all."""
        account, market, side = self._any_account(), self._any_market(), self._any_side()
        best = self._exchange.engine.books[market.name].best(side.opposite)
        if best is not None and best.account == account:
            self._limit(account, market, side, best.limit)

    def _move_money(self) -> None:
        account = self._any_account()
        asset = self._chance.choice(self._exchange.engine.assets)
        origin, target = self._chance.choice(
            (
                (Wallet.MAIN, Wallet.SPOT),
                (Wallet.SPOT, Wallet.MAIN),
                (Wallet.MAIN, Wallet.COLLATERAL),
                (Wallet.COLLATERAL, Wallet.MAIN),
            )
        )
        there = self._exchange.engine.accounts[account].wallets.available(origin, asset)
        amount = cut(times(there, self._ratio(1, 20)), 8)
        if amount:
            self._exchange.transfer(account, asset, amount, origin, target)

    def _limit(
        self, trader: str, market: Market, side: Side, price: Decimal, *, ioc: bool = False
    ) -> Order | None:
        amount = self._affordable(trader, market, side, price)
        if amount is None:
            return None
        orders = self._open(trader, market)
        if len(orders) >= OPEN_ORDERS_MAX:
            self._exchange.cancel(trader, market.name, orders[0])
        return self._exchange.place(
            trader,
            Instruction(market=market.name, side=side, amount=amount, price=price, ioc=ioc),
        )

    # What it knows

    def _any_account(self) -> str:
        return self._chance.choice(self._accounts)

    def _any_trader(self) -> str:
        return self._chance.choice([*self._accounts, *BOTS])

    def _any_market(self) -> Market:
        """Futures are a pursuit of their own."""
        markets = self._exchange.markets.values()
        return self._chance.choice([market for market in markets if not market.is_futures])

    def _any_side(self) -> Side:
        return self._chance.choice((Side.BUY, Side.SELL))

    def _ratio(self, low: int, high: int) -> Decimal:
        """A random percentage, as a ratio."""
        return Decimal(self._chance.randint(low, high)).scaleb(-2)

    def _price(self, market: Market) -> Decimal:
        """The market's price, which wanders a little at each look and stays near its reference."""
        drift = self._chance.choice((-_STEP, ZERO, _STEP))
        wandered = times(self._prices[market.name], plus(Decimal(1), drift))
        low, high = (
            times(market.reference_price, Decimal("0.8")),
            times(market.reference_price, Decimal("1.2")),
        )
        price = cut(min(max(wandered, low), high), market.money_decimals)
        self._prices[market.name] = price
        return price

    def _away(self, market: Market, side: Side) -> Decimal:
        """A price a little on the passive side of the market's."""
        away = times(_SPREAD, self._ratio(10, 300))
        factor = plus(Decimal(1), negative(away) if side is Side.BUY else away)
        return cut(times(self._price(market), factor), market.money_decimals)

    def _affordable(
        self, trader: str, market: Market, side: Side, price: Decimal
    ) -> Decimal | None:
        """A random amount that the trader can pay and the market accepts; None if there is none."""
        wallets = self._exchange.engine.accounts[trader].wallets
        step = market.stock_decimals
        least = plus(affordable(market.total_min, price, step), market.amount_min)
        if side is Side.BUY:
            most = affordable(wallets.available(Wallet.SPOT, market.money), price, step)
        else:
            most = cut(wallets.available(Wallet.SPOT, market.stock), step)
        wanted = cut(times(least, Decimal(self._chance.randint(100, 2000)).scaleb(-2)), step)
        amount = min(max(wanted, least), most)
        return amount if amount >= least else None

    def _open(self, trader: str, market: Market) -> list[int]:
        orders = self._exchange.engine.accounts[trader].open_orders.values()
        return [
            order.order_id
            for order in orders
            if order.market is market and not order.asked.kind.is_margin
        ]

    def _supply(self, bot: str, market: Market) -> None:
        for asset in (market.stock, market.money):
            wallets = self._exchange.engine.accounts[bot].wallets
            if wallets.available(Wallet.SPOT, asset) < _RESERVE:
                self._exchange.deposit(bot, asset, _RESERVE)
                self._exchange.transfer(bot, asset, _RESERVE, Wallet.MAIN, Wallet.SPOT)


async def live(
    exchange: Exchange,
    *,
    rate: float,
    chance: random.Random,
    accounts: Sequence[str],
    pursuits: Collection[Pursuit] = (),
    sleep: Callable[[float], Awaitable[object]] = trio.sleep,
) -> None:
    """Acts at about `rate` operations per second until cancelled."""
    await Traders(exchange, chance=chance, accounts=accounts, pursuits=pursuits).live(rate, sleep)
