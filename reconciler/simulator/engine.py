"""The exchange without its doors: accounts, order books, wallets and history, pure.

Time, chance and the first ids are arguments; nothing here waits or does I/O, so the same seed and
the same operations give the same records, byte for byte.  Each operation returns the events that
it caused, in order; telling them to anyone is the caller's business.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal

from reconciler.simulator.accounts import Account
from reconciler.simulator.conditionals import Conditionals
from reconciler.simulator.conversions import Conversions
from reconciler.simulator.enforcement import Enforcement
from reconciler.simulator.floor import Floor
from reconciler.simulator.ids import Ids
from reconciler.simulator.lending import Lending
from reconciler.simulator.matching import LiveOrder, crosses
from reconciler.simulator.numbers import affordable
from reconciler.simulator.records import (
    Collateral,
    Deal,
    Event,
    Fees,
    Freezing,
    Instruction,
    Kind,
    Market,
    Order,
    Side,
    Status,
)
from reconciler.simulator.rules import Refused, check, check_means
from reconciler.simulator.told import Told
from reconciler.simulator.treasury import Treasury


class Engine:
    """Accounts that trade with each other."""

    def __init__(
        self, markets: Iterable[Market], *, now: Callable[[], int], chance: random.Random
    ) -> None:
        self.accounts: dict[str, Account] = {}
        self._ids = Ids(now=now, chance=chance)
        self._floor = Floor(markets, self.accounts, self._ids)
        self.markets, self.books = self._floor.markets, self._floor.books
        self.margin = self._floor.margin
        self.treasury = Treasury(self.accounts, self._ids, self.margin)
        self.enforcement = Enforcement(self.accounts, self._floor, self._ids, self.treasury)
        self.conditionals = Conditionals(self.accounts, self._floor, self._check)
        self.lending = Lending(self.accounts, self._ids, self.treasury)
        self.conversions = Conversions(
            self.accounts, self.markets, self.last_price, self._ids, self.treasury
        )
        self.assets = sorted({a for m in self.markets.values() for a in (m.stock, m.money)})
        """Every asset of every market, in alphabetical order."""

    def open_account(
        self,
        name: str,
        fees: Fees | None = None,
        *,
        records_cancels: bool = True,
        freezing: Freezing | None = None,
        is_business: bool = False,
        master: str | None = None,
    ) -> Account:
        """A new login, without money; with a `master`, one of its sub-accounts."""
        assert name not in self.accounts, f"account {name} exists"
        assert master is None or master in self.accounts
        account = Account(
            name=name,
            fees=fees or Fees(),
            records_cancels=records_cancels,
            freezing=freezing or Freezing(),
            is_business=is_business,
            master=master,
        )
        self.accounts[name] = account
        return account

    def last_price(self, market: str) -> Decimal:
        """Of the last deal; before the first, the market's reference price."""
        return self._floor.last[market]

    def collateral(self, account: Account, asset: str) -> Collateral:
        """What its collateral wallet has of the asset."""
        return self.margin.collateral(account, asset)

    # Orders

    def place(self, account: str, asked: Instruction) -> tuple[Order, list[Event]]:
        """Matches what can be matched at once; the rest of a limit order goes on the book.

        Raises Refused when the instruction breaks a rule of its market, or its account lacks the
        means.
        """
        self._check(account, asked)
        told = Told()
        order = self._floor.begin(account, asked)
        self._floor.enter(order, told)
        return order.seen(), told.events()

    def cancel(self, account: str, market: str, order_id: int) -> tuple[Order, list[Event]]:
        """Raises Refused when there is no such open order."""
        order = self._open_order(account, market, order_id)
        told = Told()
        self._floor.withdraw(order, Status.CANCELED, told)
        return order.seen(), told.events()

    def cancel_all(
        self,
        account: str,
        markets: Iterable[str] | None = None,
        families: Iterable[str] = ("spot", "margin", "futures"),
    ) -> list[Event]:
        """Every open order of the markets (of all, if none are named) and families."""
        wanted = self.markets.keys() if markets is None else set(markets)
        told = Told()
        for order in list(self.accounts[account].open_orders.values()):
            if order.market.name in wanted and order.family in families:
                self._floor.withdraw(order, Status.CANCELED, told)
        return told.events()

    def modify(
        self,
        account: str,
        market: str,
        order_id: int,
        *,
        amount: Decimal | None = None,
        price: Decimal | None = None,
        activation_price: Decimal | None = None,
    ) -> tuple[Order, list[Event]]:
        """Ends the order and places another with a new id and the same client id, for the amount
        (without one, for what remained) and at the prices that are given.

        Raises Refused as `place` does; then nothing has changed.
        """
        old = self._open_order(account, market, order_id)
        asked = replace(
            old.asked,
            amount=amount or old.remaining,
            price=price or old.asked.price,
            activation_price=activation_price or old.asked.activation_price,
        )
        self._check(account, asked, old)
        told = Told()
        self._floor.withdraw(old, Status.CANCELED, told)
        order = self._floor.begin(account, asked)
        order.is_activated = old.is_activated and activation_price is None
        self._floor.enter(order, told)
        return order.seen(), told.events()

    def cross(
        self, maker: str, taker: str, asked: Instruction, *, owner: str, parts: int = 1
    ) -> tuple[tuple[Deal, Deal], list[Event]]:
        """One deal, or so many, past the book: `owner`, one of the two, gets what it asked for.

        For scripted tests, which want this price and amount whatever else rests on the book.
        Returns the two sides of the last deal, maker's first.  Raises Refused as `place` does.
        """
        assert asked.kind is Kind.LIMIT
        decimals = self.markets[asked.market].stock_decimals
        part = affordable(asked.amount, Decimal(parts), decimals)
        if not part:
            raise Refused("amount", f"{asked.amount} can't be split into {parts}")
        given = Instruction(
            market=asked.market, side=asked.side.opposite, amount=asked.amount, price=asked.price
        )
        terms = {name: asked if name == owner else given for name in (maker, taker)}
        for name, instruction in terms.items():
            check(instruction, self.accounts[name], self.markets)
        told = Told()
        resting = self._floor.begin(maker, terms[maker])
        self._floor.open(resting, told)
        incoming = self._floor.begin(taker, terms[taker])
        for _ in range(parts - 1):
            self._floor.fill(resting, incoming, part, told)
        sides = self._floor.fill(resting, incoming, resting.remaining, told)
        self._floor.rest_or_end(incoming, told)
        self._floor.activate_stops(asked.market, told)
        return sides, told.events()

    # What may be asked

    def _check(self, account: str, asked: Instruction, replaced: LiveOrder | None = None) -> None:
        known = self.accounts[account]
        check(asked, known, self.markets, replaced)
        book = self.books[asked.market]
        best = book.best(asked.side.opposite)
        if asked.kind.is_margin:
            self.margin.check(known, asked, replaced)
        if not asked.kind.has_limit and not asked.kind.is_stop and best is None:
            raise Refused("liquidity", "No liquidity in the order book.")
        if asked.post_only and best is not None and crosses(asked, best.limit):
            raise Refused("post_only", "Order would match immediately.")
        if asked.kind is Kind.STOCK_MARKET and asked.side is Side.BUY:
            check_means(known, book.market.money, book.cost(asked.amount))

    def _open_order(self, account: str, market: str, order_id: int) -> LiveOrder:
        order = self.accounts[account].open_orders.get(order_id)
        if order is None or order.market.name != market or order.pair is not None:
            raise Refused("order", "Unexecuted order was not found.")
        return order
