"""What traders may do beyond plain spot trading: finer orders, paperwork, margin.

Each pursuit is a list of acts with weights, which `life` mixes with its own.  As there, a refusal
is an ordinary outcome.
"""

import random
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from enum import Enum, auto
from typing import TypeAlias

from reconciler.simulator.accounts import Account
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.numbers import affordable, cut, plus, times
from reconciler.simulator.papers import Direction
from reconciler.simulator.records import Instruction, Kind, Market, Side, Stp, Wallet
from reconciler.simulator.transactions import PARTIAL, Method

Acts: TypeAlias = list[tuple[Callable[[], object], int]]

_STATUSES = (1, 2, 3, 3, 3, 4, 5, 7, 9, 10, 15, 18, 21, 22, 27, 28)
"""Of transactions; those that don't follow are refused."""

_RESERVE = Decimal(1_000_000_000)


class Pursuit(Enum):
    """What else goes on."""

    ORDERS = auto()
    """Stops, modifications, mass cancels, self-trade prevention."""
    PAPERS = auto()
    """Deposits and withdrawals with their statuses, codes, conversions, lending, mining."""
    MARGIN = auto()
    """Positions, funding, borrowing, and now and then a liquidation."""


def acts(
    pursuits: Collection[Pursuit],
    exchange: Exchange,
    chance: random.Random,
    accounts: Sequence[str],
    bots: Sequence[str],
) -> Acts:
    """All acts of the pursuits, in the order in which `Pursuit` names them."""
    makers = {Pursuit.ORDERS: _Orders, Pursuit.PAPERS: _Papers, Pursuit.MARGIN: _Margin}
    found: Acts = []
    for pursuit in Pursuit:
        if pursuit in pursuits:
            found += makers[pursuit](exchange, chance, accounts, bots).acts()
    return found


class _Trader:
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


class _Orders(_Trader):
    def acts(self) -> Acts:
        return [(self._stop, 12), (self._modify, 8), (self._prevent, 4), (self._cancel_all, 1)]

    def _market(self) -> Market:
        return self.chance.choice([m for m in self.exchange.markets.values() if not m.is_futures])

    def _stop(self) -> None:
        market, side = self._market(), self.side()
        kind = self.chance.choice((Kind.STOP_LIMIT, Kind.STOP_MARKET))
        amount = self.amount(market)
        if kind is Kind.STOP_MARKET and side is Side.BUY:
            amount = cut(times(market.total_min, self.ratio(150, 900)), market.money_decimals)
        self.exchange.place(
            self.account().name,
            Instruction(
                market=market.name,
                side=side,
                kind=kind,
                amount=amount,
                price=self.near(market) if kind.has_limit else None,
                activation_price=self.near(market),
            ),
        )

    def _modify(self) -> None:
        account = self.account()
        orders = [o for o in account.open_orders.values() if not o.asked.kind.is_margin]
        if orders:
            order = self.chance.choice(orders)
            price = self.near(order.market) if order.asked.kind.has_limit else None
            activation = self.near(order.market) if order.asked.kind.is_stop else None
            self.exchange.modify(
                account.name,
                order.market.name,
                order.order_id,
                price=price,
                activation_price=activation,
            )

    def _prevent(self) -> None:
        """An order that meets the account's own first, if anything."""
        account, market, side = self.account(), self._market(), self.side()
        best = self.engine.books[market.name].best(side.opposite)
        if best is not None:
            stp = self.chance.choice((Stp.OLD, Stp.NEW, Stp.BOTH))
            self.exchange.place(
                account.name,
                Instruction(
                    market=market.name,
                    side=side,
                    amount=self.amount(market),
                    price=best.limit,
                    stp=stp,
                ),
            )

    def _cancel_all(self) -> None:
        self.exchange.cancel_all(self.account().name, [self._market().name])


class _Papers(_Trader):
    def acts(self) -> Acts:
        return [
            (self._expect_deposit, 2),
            (self._withdraw, 2),
            (self._advance, 6),
            (self._code, 2),
            (self._convert, 3),
            (self._lend, 2),
            (self._mine, 1),
            (self._to_sub, 1),
        ]

    def _some(self, account: Account, wallet: Wallet = Wallet.MAIN) -> tuple[str, Decimal]:
        asset = self.chance.choice(self.engine.assets)
        there = self.engine.treasury.spendable(account, wallet, asset)
        return asset, cut(times(there, self.ratio(1, 30)), 8)

    def _expect_deposit(self) -> None:
        amount = plus(Decimal(1), self.ratio(1, 900))
        fee = self.chance.choice((Decimal(0), Decimal("0.1")))
        included = self.chance.random() < 0.5
        asset = self.chance.choice(self.engine.assets)
        self.exchange.told(
            self.engine.treasury.expect_deposit(
                self.account().name, asset, amount, fee=fee, is_fee_included=included
            )
        )

    def _withdraw(self) -> None:
        account = self.account()
        asset, amount = self._some(account)
        if amount:
            self.exchange.told(
                self.engine.treasury.request_withdrawal(
                    account.name,
                    asset,
                    amount,
                    fee=cut(times(amount, self.ratio(0, 5)), 8),
                    is_fee_included=self.chance.random() < 0.5,
                    status=self.chance.choice((1, 1, 1, 5)),
                )
            )

    def _advance(self) -> None:
        account = self.account()
        waiting = [t for t in account.papers.transactions.values() if not t.is_final]
        if not waiting:
            return
        known, status = self.chance.choice(waiting), self.chance.choice(_STATUSES)
        processed = None
        if status == PARTIAL and known.method is Method.WITHDRAWAL:
            processed = (cut(times(known.amount, self.ratio(10, 60)), 8), Decimal(0))
        self.exchange.told(
            self.engine.treasury.advance(
                account.name, known.transaction_id, status, processed=processed
            )
        )

    def _code(self) -> None:
        account, taker = self.account(), self.account()
        asset, amount = self._some(account)
        if amount:
            use = self.exchange.told(self.engine.treasury.create_code(account.name, asset, amount))
            if self.chance.random() < 0.7:
                self.exchange.told(self.engine.treasury.apply_code(taker.name, use.code))

    def _convert(self) -> None:
        account = self.account()
        asset, amount = self._some(account)
        target = self.chance.choice(self.engine.assets)
        if amount and target != asset:
            quote = self.engine.conversions.estimate(account.name, asset, target, amount)
            self.exchange.told(self.engine.conversions.confirm(account.name, quote.quote_id))

    def _lend(self) -> None:
        account, lending = self.account(), self.engine.lending
        running = [i for i in account.papers.investments.values() if i.is_open]
        if running and self.chance.random() < 0.6:
            one = self.chance.choice(running)
            if self.chance.random() < 0.7:
                interest = cut(times(one.amount, Decimal("0.001")), 8)
                self.exchange.publish(lending.earn(account.name, one.investment_id, interest))
            else:
                self.exchange.publish(lending.close(account.name, one.investment_id))
            return
        asset, amount = self._some(account)
        if amount:
            flexible = self.chance.random() < 0.5
            self.exchange.told(lending.invest(account.name, asset, amount, is_flexible=flexible))

    def _mine(self) -> None:
        status = self.chance.choice(("successful", "successful", "pending", "canceled"))
        self.exchange.told(
            self.engine.lending.mine(
                self.account().name,
                self.chance.choice(self.engine.assets),
                self.ratio(1, 100),
                fee=Decimal("0.001"),
                is_outside=self.chance.random() < 0.2,
                status=status,
            )
        )

    def _to_sub(self) -> None:
        master = self.account()
        subs = self.engine.treasury.sub_accounts(master.name)
        if not subs:
            return
        sub, direction = self.chance.choice(subs), self.chance.choice(list(Direction))
        asset, amount = self._some(master if direction is Direction.TO_SUB else sub)
        if amount:
            self.exchange.told(
                self.engine.treasury.sub_transfer(master.name, sub.sub_id, direction, asset, amount)
            )


class _Margin(_Trader):
    def acts(self) -> Acts:
        return [
            (self._quote, 12),
            (self._take, 12),
            (self._stop, 3),
            (self._fund, 1),
            (self._borrow, 1),
            (self._liquidate, 1),
        ]

    def _market(self) -> Market:
        return self.chance.choice([m for m in self.exchange.markets.values() if m.has_margin])

    def _place(
        self,
        account: str,
        market: Market,
        side: Side,
        kind: Kind,
        *,
        price: Decimal | None = None,
        activation_price: Decimal | None = None,
    ) -> None:
        self.exchange.place(
            account,
            Instruction(
                market=market.name,
                side=side,
                kind=kind,
                amount=self.amount(market),
                price=price,
                activation_price=activation_price,
            ),
        )

    def _quote(self) -> None:
        bot, market, side = self.chance.choice(self.bots), self._market(), self.side()
        wallets = self.engine.accounts[bot].wallets
        if wallets.available(Wallet.COLLATERAL, "USDT") < _RESERVE:
            self.exchange.deposit(bot, "USDT", _RESERVE)
            self.exchange.transfer(bot, "USDT", _RESERVE, Wallet.MAIN, Wallet.COLLATERAL)
        self._place(bot, market, side, Kind.MARGIN_LIMIT, price=self.near(market))

    def _take(self) -> None:
        market, side = self._market(), self.side()
        if self.chance.random() < 0.5:
            self._place(self.account().name, market, side, Kind.MARGIN_MARKET)
        else:
            price = self.near(market)
            self._place(self.account().name, market, side, Kind.MARGIN_LIMIT, price=price)

    def _stop(self) -> None:
        market = self._market()
        activation = self.near(market)
        self._place(
            self.account().name,
            market,
            self.side(),
            Kind.MARGIN_STOP_MARKET,
            activation_price=activation,
        )

    def _fund(self) -> None:
        futures = [market for market in self.exchange.markets.values() if market.is_futures]
        if futures:
            market = self.chance.choice(futures).name
            rate = Decimal(self.chance.randint(-300, 300)).scaleb(-8)
            price = self.engine.last_price(market)
            self.exchange.publish(self.engine.margin.fund(market, rate, price))

    def _borrow(self) -> None:
        account, asset = self.account(), self.chance.choice(self.engine.assets)
        owed = account.portfolio.borrows.get(asset)
        amount = owed.amount.copy_negate() if owed else self.ratio(1, 100)
        self.exchange.publish(self.engine.margin.borrow(account.name, asset, amount))

    def _liquidate(self) -> None:
        account = self.account()
        if account.portfolio.open and self.chance.random() < 0.2:
            market = self.chance.choice(list(account.portfolio.open))
            self.exchange.publish(self.engine.enforcement.liquidate(account.name, market))
