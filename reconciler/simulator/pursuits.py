"""What traders may do beyond plain spot trading: finer orders, paperwork, margin.

Each pursuit is a list of acts with weights, which `life` mixes with its own.  As there, a refusal
is an ordinary outcome.
"""

import random
from collections.abc import Collection, Sequence
from decimal import Decimal
from enum import Enum, auto

from reconciler.simulator.accounts import Account
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.margin_trader import MarginTrader
from reconciler.simulator.numbers import cut, plus, times
from reconciler.simulator.papers import Direction
from reconciler.simulator.records import Instruction, Kind, Market, Side, Stp, Wallet
from reconciler.simulator.trader import Acts, Trader
from reconciler.simulator.transactions import PARTIAL, Method

_STATUSES = (1, 2, 3, 3, 3, 4, 5, 7, 9, 10, 15, 18, 21, 22, 27, 28)
"""Of transactions; those that don't follow are refused."""


class Pursuit(Enum):
    """What else goes on."""

    ORDERS = auto()
    """Stops, modifications, mass cancels, self-trade prevention."""
    PAPERS = auto()
    """Deposits and withdrawals with their statuses, codes, conversions, lending, mining."""
    MARGIN = auto()
    """Positions, orders that hang on each other, funding, borrowing, now and then a liquidation."""


def acts(
    pursuits: Collection[Pursuit],
    exchange: Exchange,
    chance: random.Random,
    accounts: Sequence[str],
    bots: Sequence[str],
) -> Acts:
    """All acts of the pursuits, in the order in which `Pursuit` names them."""
    makers = {Pursuit.ORDERS: _Orders, Pursuit.PAPERS: _Papers, Pursuit.MARGIN: MarginTrader}
    found: Acts = []
    for pursuit in Pursuit:
        if pursuit in pursuits:
            found += makers[pursuit](exchange, chance, accounts, bots).acts()
    return found


class _Orders(Trader):
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


class _Papers(Trader):
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
