"""Margin and futures: positions on the collateral wallet, with the exchange's pool behind them.

Fees and profits are realised at once, in money (PROTOCOL § 7.9).  The pool is the other side of all
that a position borrows, so that money is conserved: it pays for what a margin buy gets, and keeps
it until the position is closed.  Only money of a market is collateral for it.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from reconciler.simulator.accounts import Account
from reconciler.simulator.ids import Ids
from reconciler.simulator.matching import LiveOrder
from reconciler.simulator.numbers import ZERO, minus, negative, plus, times
from reconciler.simulator.positions import Borrow, Funding, Position, PositionChange, ratio
from reconciler.simulator.records import (
    Collateral,
    Event,
    Instruction,
    Market,
    Movement,
    PositionsMoved,
    Side,
    Wallet,
)
from reconciler.simulator.rules import Refused
from reconciler.simulator.told import Told

MONEY = "USDT"
"""What futures and margin are settled in."""


class Margin:
    """Of one exchange."""

    def __init__(
        self,
        accounts: dict[str, Account],
        last_price: Callable[[str], Decimal],
        ids: Ids,
    ) -> None:
        self._accounts = accounts
        self._last_price = last_price
        self._ids = ids
        self.pool: dict[str, Decimal] = defaultdict(Decimal)
        """What the exchange holds for positions; negative is lent."""

    # What an account can do

    def equity(self, account: Account) -> Decimal:
        """The collateral and what closing all positions at the last price would add, less debts."""
        total = account.wallets.available(Wallet.COLLATERAL, MONEY)
        if MONEY in account.portfolio.borrows:
            total = minus(total, account.portfolio.borrows[MONEY].amount)
        for position in account.portfolio.open.values():
            total = plus(total, position.value(self._last_price(position.market)))
        return total

    def used(self, account: Account, ended: LiveOrder | None = None) -> Decimal:
        """What positions and open orders but `ended` need of it, at the account's leverage."""
        exposure = ZERO
        for position in account.portfolio.open.values():
            price = self._last_price(position.market)
            exposure = plus(exposure, times(position.amount.copy_abs(), price))
        for order in account.open_orders.values():
            if order.pair is not None and order.is_waiting:
                continue  # only one of a pair executes
            if order.asked.kind.is_margin and not order.asked.reduce_only and order is not ended:
                price = order.asked.price or self._last_price(order.market.name)
                exposure = plus(exposure, times(order.remaining, price))
        return ratio(exposure, Decimal(account.portfolio.leverage))

    def free(self, account: Account, ended: LiveOrder | None = None) -> Decimal:
        """What can be used for more, or be moved away; negative when too much is used already."""
        return minus(self.equity(account), self.used(account, ended))

    def collateral(self, account: Account, asset: str) -> Collateral:
        """What the wallet has of the asset, and what of it can be used."""
        balance = account.wallets.available(Wallet.COLLATERAL, asset)
        debt = account.portfolio.borrows.get(asset)
        free = max(ZERO, self.free(account)) if asset == MONEY else balance
        return Collateral(
            balance=balance,
            borrowed=debt.amount if debt else ZERO,
            usable=min(balance, free),
        )

    def needed(self, account: Account, position: Position) -> Decimal:
        """What the position needs, at what it cost and the account's leverage."""
        return ratio(position.cost.copy_abs(), Decimal(account.portfolio.leverage))

    def liquidation_price(self, account: Account, position: Position) -> Decimal | None:
        """Where this position alone would use up the collateral; None if nowhere."""
        others = minus(self.equity(account), position.value(self._last_price(position.market)))
        price = ratio(minus(position.cost, others), position.amount)
        return price if price > 0 else None

    def check(
        self, account: Account, asked: Instruction, replaced: LiveOrder | None = None
    ) -> None:
        """Raises Refused if the account lacks the margin, or there is nothing to reduce."""
        position = account.portfolio.open.get(asked.market)
        amount = ZERO if position is None else position.amount
        held = negative(amount) if asked.side is Side.BUY else amount
        if asked.amount <= held:
            return
        if asked.reduce_only:
            raise Refused("reduce_only", "Reduce only order must reduce the position.")
        price = asked.price or self._last_price(asked.market)
        more = times(minus(asked.amount, max(held, ZERO)), price)
        if ratio(more, Decimal(account.portfolio.leverage)) > self.free(account, replaced):
            raise Refused("balance", "Not enough balance.")

    # What happens to its positions

    def take(
        self,
        account: Account,
        market: Market,
        order_id: int,
        signed: Decimal,
        price: Decimal,
        fee: Decimal,
    ) -> None:
        """One fill of `signed` stock (negative: sold) opens, increases, reduces, closes or turns a
        position."""
        self.pool[market.stock] = plus(self.pool[market.stock], signed)
        self.pool[market.money] = minus(self.pool[market.money], times(signed, price))
        old = account.portfolio.open.get(market.name)
        if old is not None and old.amount * signed < 0 and abs(signed) > abs(old.amount):
            closing = negative(old.amount)
            self._change(account, old, order_id, closing, price, fee)
            signed, fee, old = minus(signed, closing), ZERO, None
        if old is None:
            now = self._ids.stamp()
            old = Position(
                position_id=self._ids.small(), market=market.name, opened_at=now, modified_at=now
            )
        self._change(account, old, order_id, signed, price, fee)

    def _change(
        self,
        account: Account,
        old: Position,
        order_id: int,
        signed: Decimal,
        price: Decimal,
        fee: Decimal,
    ) -> None:
        portfolio = account.portfolio
        new = old.traded(signed, price, fee, self._ids.stamp())
        realized = minus(new.realized, old.realized)
        self._pay(account, "realized_pnl", plus(realized, fee))
        self._insure(account, negative(fee))
        self._move(account, MONEY, negative(fee), "margin_fee")
        portfolio.changes.append(
            PositionChange(
                position=new,
                order_id=order_id,
                amount=signed,
                price=price,
                fee=fee,
                realized=realized,
            )
        )
        if new.amount:
            portfolio.open[new.market] = new
        else:
            portfolio.open.pop(new.market, None)
            portfolio.closed.append(new)

    def fund(self, market: str, rate: Decimal, price: Decimal) -> list[Event]:
        """Funding of a market: every position pays or gets −amount × price × rate."""
        told = Told()
        for account in self._accounts.values():
            position = account.portfolio.open.get(market)
            if position is None:
                continue
            amount = negative(times(times(position.amount, price), rate))
            account.portfolio.fundings.append(
                Funding(
                    position_id=position.position_id,
                    market=market,
                    rate=rate,
                    position_amount=position.amount,
                    price=price,
                    amount=amount,
                    paid_at=self._ids.stamp(),
                )
            )
            account.portfolio.open[market] = replace(
                position, funding=plus(position.funding, amount)
            )
            self._pay(account, "funding", amount)
            told.say(PositionsMoved(account.name))
            told.balance(account.name, MONEY, Wallet.COLLATERAL)
        return told.events()

    def borrow(self, account: str, asset: str, amount: Decimal) -> list[Event]:
        """Credits the collateral wallet with borrowed money; a negative amount repays.  No list
        shows it."""
        known, now = self._accounts[account], self._ids.stamp()
        if plus(known.wallets.available(Wallet.COLLATERAL, asset), amount) < 0:
            raise Refused("balance", "Not enough balance.")
        old = known.portfolio.borrows.get(asset)
        owed = plus(old.amount if old else ZERO, amount)
        assert owed >= 0, "more is repaid than was borrowed"
        if owed:
            known.portfolio.borrows[asset] = Borrow(
                asset=asset, amount=owed, opened_at=old.opened_at if old else now, modified_at=now
            )
        else:
            known.portfolio.borrows.pop(asset, None)
        self._move(known, asset, amount, "borrow")
        self.pool[asset] = minus(self.pool[asset], amount)
        told = Told()
        told.say(PositionsMoved(account))
        told.balance(account, asset, Wallet.COLLATERAL)
        return told.events()

    def _pay(self, account: Account, reason: str, amount: Decimal) -> None:
        """To or from the pool."""
        self._insure(account, amount)
        self._move(account, MONEY, amount, reason)
        self.pool[MONEY] = minus(self.pool[MONEY], amount)

    def _insure(self, account: Account, amount: Decimal) -> None:
        """The pool bears what an account can't."""
        short = plus(account.wallets.available(Wallet.COLLATERAL, MONEY), amount)
        if short < 0:
            self._move(account, MONEY, negative(short), "insurance")
            self.pool[MONEY] = plus(self.pool[MONEY], short)

    def _move(self, account: Account, asset: str, amount: Decimal, reason: str) -> None:
        if amount:
            account.wallets.change(Wallet.COLLATERAL, asset, amount)
            account.movements.append(
                Movement(
                    wallet=Wallet.COLLATERAL,
                    asset=asset,
                    amount=amount,
                    reason=reason,
                    moved_at=self._ids.stamp(),
                )
            )
