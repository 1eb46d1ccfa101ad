"""The exchange without its doors: accounts, order books, wallets and history, pure.

Time, chance and the first ids are arguments; nothing here waits or does I/O, so the same seed and
the same operations give the same records, byte for byte.  Each operation returns the events that
it caused, in order; telling them to anyone is the caller's business.
"""

import random
from collections.abc import Callable, Iterable
from decimal import Decimal

from reconciler.simulator.accounts import Account
from reconciler.simulator.clearing import Fill, settle
from reconciler.simulator.matching import Book, LiveOrder, crosses, locked
from reconciler.simulator.numbers import negative, plus, times
from reconciler.simulator.records import (
    BalanceMoved,
    Deal,
    DealMade,
    Event,
    Fees,
    Instruction,
    Kind,
    Market,
    Movement,
    Order,
    OrderSeen,
    Role,
    Side,
    Status,
    Step,
    Wallet,
)
from reconciler.simulator.rules import Refused, check, check_means

FIRST_ORDER_ID, FIRST_DEAL_ID = 1_503_279_262_131, 10_630_782_211
"""As large as those seen live in July 2025 (PROTOCOL § 6.2)."""

_ID_GAP_MAX = 1_000


class Engine:
    """Accounts that trade with each other."""

    def __init__(
        self, markets: Iterable[Market], *, now: Callable[[], int], chance: random.Random
    ) -> None:
        self.markets = {market.name: market for market in markets}
        self.assets = sorted({a for m in self.markets.values() for a in (m.stock, m.money)})
        """Every asset of every market, in alphabetical order."""
        self.books = {name: Book(market) for name, market in self.markets.items()}
        self.accounts: dict[str, Account] = {}
        self._now = now
        self._chance = chance
        self._latest = 0
        self._order_id = FIRST_ORDER_ID
        self._deal_id = FIRST_DEAL_ID

    def open_account(
        self, name: str, fees: Fees | None = None, *, records_cancels: bool = True
    ) -> Account:
        """A new login, without money."""
        assert name not in self.accounts, f"account {name} exists"
        account = Account(name=name, fees=fees or Fees(), records_cancels=records_cancels)
        self.accounts[name] = account
        return account

    # Orders

    def place(self, account: str, asked: Instruction) -> tuple[Order, list[Event]]:
        """Matches what can be matched at once; the rest of a limit order goes on the book.

        Raises Refused when the instruction breaks a rule of its market, or its account lacks the
        means.
        """
        self._check(account, asked)
        taker = self._begin(account, asked)
        told = _Told()
        book = self.books[asked.market]
        while taker.remaining and (match := book.next_match(taker)):
            maker, amount = match
            self._fill(maker, taker, amount, told)
            if not maker.remaining:
                book.remove(maker)
        self._rest_or_end(taker, told)
        return taker.seen(), told.events()

    def cancel(self, account: str, market: str, order_id: int) -> tuple[Order, list[Event]]:
        """Raises Refused when there is no such open order."""
        order = self.accounts[account].open_orders.get(order_id)
        if order is None or order.market.name != market:
            raise Refused("order", "Unexecuted order was not found.")
        told = _Told()
        self.books[market].remove(order)
        asset, amount = locked(order)
        self.accounts[account].wallets.thaw(asset, amount)
        told.balance(account, asset)
        order.updated_at = self._stamp()
        self._end(order, Status.CANCELED, told)
        return order.seen(), told.events()

    def cross(
        self, maker: str, taker: str, asked: Instruction, *, owner: str
    ) -> tuple[tuple[Deal, Deal], list[Event]]:
        """Exactly one deal, past the book: `owner`, one of the two, gets what it asked for.

        For scripted tests, which want this price and amount whatever else rests on the book.
        Returns the two sides of the deal, maker's first.  Raises Refused as `place` does.
        """
        assert asked.kind is Kind.LIMIT
        given = Instruction(
            market=asked.market, side=asked.side.opposite, amount=asked.amount, price=asked.price
        )
        terms = {name: asked if name == owner else given for name in (maker, taker)}
        for name, instruction in terms.items():
            check(instruction, self.accounts[name], self.markets)
        told = _Told()
        resting = self._begin(maker, terms[maker])
        self._freeze(resting, told)
        incoming = self._begin(taker, terms[taker])
        sides = self._fill(resting, incoming, asked.amount, told)
        self._rest_or_end(incoming, told)
        return sides, told.events()

    # Money that moves without a deal

    def deposit(self, account: str, asset: str, amount: Decimal) -> list[Event]:
        """To the main wallet."""
        assert amount > 0
        return self._move(account, "deposit", ((Wallet.MAIN, asset, amount),))

    def withdraw(self, account: str, asset: str, amount: Decimal) -> list[Event]:
        """From the main wallet.  Raises Refused when there is not enough."""
        assert amount > 0
        return self._move(account, "withdrawal", ((Wallet.MAIN, asset, negative(amount)),))

    def transfer(
        self, account: str, asset: str, amount: Decimal, origin: Wallet, target: Wallet
    ) -> list[Event]:
        """Between own wallets; no record of it is ever shown.  Raises Refused."""
        assert amount > 0
        legs = ((origin, asset, negative(amount)), (target, asset, amount))
        return self._move(account, "transfer", legs)

    def phantom(self, account: str, wallet: Wallet, asset: str, amount: Decimal) -> list[Event]:
        """Money that comes or goes without a reason: what a reconciler is there to find."""
        return self._move(account, "phantom", ((wallet, asset, amount),))

    def _move(
        self, account: str, reason: str, legs: tuple[tuple[Wallet, str, Decimal], ...]
    ) -> list[Event]:
        known = self.accounts[account]
        for wallet, asset, amount in legs:
            if plus(known.wallets.available(wallet, asset), amount) < 0:
                raise Refused("balance", "Not enough balance.")
        moved_at = self._stamp()
        told = _Told()
        for wallet, asset, amount in legs:
            known.wallets.change(wallet, asset, amount)
            known.movements.append(
                Movement(
                    wallet=wallet, asset=asset, amount=amount, reason=reason, moved_at=moved_at
                )
            )
            told.balance(account, asset, wallet)
        return told.events()

    # The life of an order

    def _check(self, account: str, asked: Instruction) -> None:
        known = self.accounts[account]
        check(asked, known, self.markets)
        book = self.books[asked.market]
        best = book.best(asked.side.opposite)
        if asked.kind is not Kind.LIMIT and best is None:
            raise Refused("liquidity", "No liquidity in the order book.")
        if asked.post_only and best is not None and crosses(asked, best.limit):
            raise Refused("post_only", "Order would match immediately.")
        if asked.kind is Kind.STOCK_MARKET and asked.side is Side.BUY:
            check_means(known, book.market.money, book.cost(asked.amount))

    def _begin(self, account: str, asked: Instruction) -> LiveOrder:
        self._order_id += self._chance.randrange(1, _ID_GAP_MAX)
        now = self._stamp()
        return LiveOrder(
            order_id=self._order_id,
            account=account,
            market=self.markets[asked.market],
            asked=asked,
            created_at=now,
            updated_at=now,
            remaining=asked.amount,
        )

    def _fill(
        self, maker: LiveOrder, taker: LiveOrder, amount: Decimal, told: "_Told"
    ) -> tuple[Deal, Deal]:
        self._deal_id += self._chance.randrange(1, _ID_GAP_MAX)
        fill = Fill(
            deal_id=self._deal_id,
            price=maker.limit,
            amount=amount,
            total=times(maker.limit, amount),
            executed_at=self._stamp(),
        )
        made = settle(self.accounts[maker.account], maker, taker, Role.MAKER, fill)
        taken = settle(self.accounts[taker.account], taker, maker, Role.TAKER, fill)
        if maker.remaining:
            told.say(OrderSeen(maker.account, Step.UPDATE, maker.seen()))
        else:
            self._end(maker, Status.FILLED, told)
        for order, deal in ((maker, made), (taker, taken)):
            told.say(DealMade(order.account, deal))
            told.balance(order.account, order.market.money)
            told.balance(order.account, order.market.stock)
        return made, taken

    def _rest_or_end(self, taker: LiveOrder, told: "_Told") -> None:
        if not taker.remaining:
            self._end(taker, Status.FILLED, told)
        elif taker.asked.kind is Kind.LIMIT and not taker.asked.ioc:
            self._freeze(taker, told)
            self.books[taker.market.name].add(taker)
        elif taker.counts_money and self.books[taker.market.name].best(Side.SELL):
            self._end(taker, Status.FILLED, told)  # what is left buys nothing: dust
        else:
            self._end(taker, Status.CANCELED, told)

    def _freeze(self, order: LiveOrder, told: "_Told") -> None:
        account = self.accounts[order.account]
        asset, amount = locked(order)
        account.wallets.freeze(asset, amount)
        account.open_orders[order.order_id] = order
        told.balance(order.account, asset)
        told.say(OrderSeen(order.account, Step.NEW, order.seen()))

    def _end(self, order: LiveOrder, status: Status, told: "_Told") -> None:
        order.status = status
        order.finished_at = order.updated_at
        seen = order.seen()
        canceled = status is Status.CANCELED
        self.accounts[order.account].finish(order, seen, canceled=canceled)
        told.say(OrderSeen(order.account, Step.FINISH, seen))

    def _stamp(self) -> int:
        """Never back: ids and times rise together, which the history relies on."""
        self._latest = max(self._latest, self._now())
        return self._latest


class _Told:
    """What one operation says: orders and deals at once, balances at its end, each asset once."""

    def __init__(self) -> None:
        self._said: list[Event] = []
        self._moved: dict[tuple[str, Wallet], dict[str, None]] = {}

    def say(self, event: Event) -> None:
        self._said.append(event)

    def balance(self, account: str, asset: str, wallet: Wallet = Wallet.SPOT) -> None:
        self._moved.setdefault((account, wallet), {})[asset] = None

    def events(self) -> list[Event]:
        for (account, wallet), assets in self._moved.items():
            self._said.append(BalanceMoved(account, wallet, tuple(assets)))
        return self._said
