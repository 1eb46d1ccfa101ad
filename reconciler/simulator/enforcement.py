"""What the exchange does to accounts on its own: liquidation, auto-deleveraging, delisting.

The marks that clients know such orders by are those of PROTOCOL § 6.3 and § 5.8.  Nothing here
looks for a reason: whoever calls has one.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from reconciler.simulator.accounts import Account
from reconciler.simulator.floor import Floor
from reconciler.simulator.ids import Ids
from reconciler.simulator.margin import MONEY
from reconciler.simulator.matching import LiveOrder
from reconciler.simulator.numbers import ZERO, minus, negative, times
from reconciler.simulator.papers import Delisted
from reconciler.simulator.records import (
    Alarm,
    BorrowAlarm,
    Event,
    Instruction,
    Kind,
    Market,
    PositionAlarm,
    PositionsMoved,
    Side,
    Status,
    Wallet,
)
from reconciler.simulator.told import Told
from reconciler.simulator.treasury import Treasury


class Enforcement:
    """Of one exchange."""

    def __init__(
        self, accounts: dict[str, Account], floor: Floor, ids: Ids, treasury: Treasury
    ) -> None:
        self._accounts = accounts
        self._floor = floor
        self._ids = ids
        self._treasury = treasury

    def warn(self, account: str, market: str) -> list[Event]:
        """A margin call: nothing changes but the word."""
        return self._alarms(account, market, Alarm.MARGIN_CALL)

    def liquidate(self, account: str, market: str) -> list[Event]:
        """Ends the account's orders there and sells (or buys back) its position at the market.

        What nobody takes stays a position, and the order ends partially filled.  What is borrowed
        stays owed: only the word of it is given.
        """
        told = Told()
        order = self._begin_liquidation(account, market, told)
        self._floor.enter(order, told)
        return told.events()

    def deleverage(
        self, account: str, market: str, counterparty: str, price: Decimal
    ) -> list[Event]:
        """Liquidates against the opposite position of another account, which never asked for it."""
        told = Told()
        order = self._begin_liquidation(account, market, told)
        theirs = self._accounts[counterparty].portfolio.open[market].amount
        amount = min(order.remaining, theirs.copy_abs())
        asked = Instruction(
            market=market,
            side=order.asked.side.opposite,
            kind=Kind.MARGIN_LIMIT,
            amount=amount,
            price=price,
            post_only=True,
            source="adl",
        )
        maker = self._marked(self._floor.begin(counterparty, asked))
        self._floor.open(maker, told)
        self._floor.fill(maker, order, amount, told)
        self._floor.rest_or_end(order, told)
        self._floor.activate_stops(market, told)
        return told.events()

    def _alarms(self, account: str, market: str, alarm: Alarm) -> list[Event]:
        """Of the position, and of all that is borrowed: one collateral stands for both.  Which
        borrows the vendor names is undocumented (PROTOCOL § 3.8)."""
        portfolio = self._accounts[account].portfolio
        position = PositionAlarm(account, alarm, portfolio.open[market])
        return [position, *(BorrowAlarm(account, alarm, b) for b in portfolio.borrows.values())]

    def _begin_liquidation(self, account: str, market: str, told: Told) -> LiveOrder:
        known = self._accounts[account]
        position = known.portfolio.open[market]
        for alarm in self._alarms(account, market, Alarm.LIQUIDATION):
            told.say(alarm)
        self._cancel(
            [order for order in known.open_orders.values() if order.market.name == market],
            Status.AUTO_CANCELED_LIQUIDATION,
            told,
        )
        asked = Instruction(
            market=market,
            side=Side.SELL if position.amount > 0 else Side.BUY,
            kind=Kind.MARGIN_MARKET,
            amount=position.amount.copy_abs(),
            ioc=True,
            source="liquidation",
        )
        return self._marked(self._floor.begin(account, asked))

    def _marked(self, order: LiveOrder) -> LiveOrder:
        name = f"{order.asked.source}_{order.order_id}_!"
        order.asked = replace(order.asked, client_order_id=name)
        return order

    # Delisting

    def delist(self, name: str) -> list[Event]:
        """The market vanishes: orders are cancelled, positions settled at the last price, and
        holdings that no other market trades are converted to money."""
        told, market, price = Told(), self._floor.markets[name], self._floor.last[name]
        events: list[Event] = []
        for account in self._accounts.values():
            orders = [o for o in account.open_orders.values() if o.market is market]
            self._cancel(orders, Status.CANCELED, told)
            account.papers.delisted += [_cancelled(order) for order in orders]
            self._settle(account, market, price, told)
        self._floor.close(name)
        if not any(market.stock in (m.stock, m.money) for m in self._floor.markets.values()):
            for account in self._accounts.values():
                events += self._convert(account, market, price)
        return told.events() + events

    def _settle(self, account: Account, market: Market, price: Decimal, told: Told) -> None:
        position = account.portfolio.open.get(market.name)
        if position is not None:
            self._floor.margin.take(account, market, 0, negative(position.amount), price, ZERO)
            told.say(PositionsMoved(account.name))
            told.balance(account.name, MONEY, Wallet.COLLATERAL)

    def _convert(self, account: Account, market: Market, price: Decimal) -> list[Event]:
        amount = account.wallets.available(Wallet.SPOT, market.stock)
        if not amount:
            return []
        total = times(amount, price)
        fee = times(total, account.fees.taker)
        now, order_id = self._ids.stamp(), self._ids.order()
        account.papers.delisted.append(
            Delisted(
                order_id=order_id,
                client_order_id=f"delisting-{order_id}",
                market=market.name,
                side=Side.SELL,
                kind=Kind.MARKET,
                price=price,
                amount=amount,
                filled_amount=amount,
                filled_total=total,
                fee=fee,
                fee_asset=market.money,
                is_reverse=True,
                created_at=now,
                finished_at=now,
            )
        )
        return self._treasury.move(
            [
                (account, Wallet.SPOT, market.stock, negative(amount)),
                (account, Wallet.SPOT, market.money, minus(total, fee)),
            ],
            "delisting",
        )

    def _cancel(self, orders: Iterable[LiveOrder], status: Status, told: Told) -> None:
        for order in list(orders):
            self._floor.withdraw(order, status, told)


def _cancelled(order: LiveOrder) -> Delisted:
    assert order.finished_at is not None
    return Delisted(
        order_id=order.order_id,
        client_order_id=f"delisting-{order.order_id}",
        market=order.market.name,
        side=order.asked.side,
        kind=order.asked.kind,
        price=order.asked.price or ZERO,
        amount=order.asked.amount,
        filled_amount=order.filled_amount,
        filled_total=order.filled_total,
        fee=order.fee,
        fee_asset=order.fee_asset,
        is_reverse=False,
        created_at=order.created_at,
        finished_at=order.finished_at,
    )
