"""The exchange without its doors: accounts, order books, wallets and history, pure.

Time, chance and the first ids are arguments; nothing here waits or does I/O, so the same seed and
the same operations give the same records, byte for byte.  Each operation returns the events that
it caused, in order; telling them to anyone is the caller's business.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from reconciler.simulator.history import History
from reconciler.simulator.matching import Book, LiveOrder, crosses
from reconciler.simulator.numbers import minus, plus, times
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
    Truth,
    Wallet,
)
from reconciler.simulator.rules import Refused, check
from reconciler.simulator.wallets import Wallets

FIRST_ORDER_ID = 1_503_279_262_131
FIRST_DEAL_ID = 10_630_782_211
"""As large as those seen live in July 2025 (PROTOCOL § 6.2)."""

_ID_GAP_MAX = 1_000


@dataclass(slots=True, kw_only=True)
class Account:
    """One login: its terms, its money, its orders and its past."""

    name: str
    fees: Fees
    records_cancels: bool
    wallets: Wallets = field(default_factory=Wallets)
    open_orders: dict[int, LiveOrder] = field(default_factory=dict)
    history: History = field(default_factory=History)
    movements: list[Movement] = field(default_factory=list)
    unrecorded: list[Order] = field(default_factory=list)


class Engine:
    """Accounts that trade with each other."""

    def __init__(
        self, markets: Iterable[Market], *, now: Callable[[], int], chance: random.Random
    ) -> None:
        self.markets = {market.name: market for market in markets}
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
        """`records_cancels=False` makes it one of those (B2B) whose cancelled orders are in no
        history (PROTOCOL § 6.3)."""
        assert name not in self.accounts, f"account {name} exists"
        account = Account(name=name, fees=fees or Fees(), records_cancels=records_cancels)
        self.accounts[name] = account
        return account

    def assets(self) -> list[str]:
        """Every asset of every market, in alphabetical order."""
        return sorted({a for m in self.markets.values() for a in (m.stock, m.money)})

    def truth(self, account: str) -> Truth:
        """All there is to know of the account, now."""
        known = self.accounts[account]
        orders = [*known.history.finished, *known.unrecorded]
        orders += [order.seen() for order in known.open_orders.values()]
        return Truth(
            deals=tuple(sorted(known.history.deals, key=lambda d: (d.deal_id, d.order_id))),
            orders=tuple(sorted(orders, key=lambda order: order.order_id)),
            movements=tuple(known.movements),
            balances=known.wallets.balances(),
        )

    # Orders

    def place(self, account: str, asked: Instruction) -> tuple[Order, list[Event]]:
        """Matches what can be matched at once; the rest of a limit order goes on the book.

        Raises Refused when the instruction breaks a rule of its market or of its account's means.
        """
        known = self.accounts[account]
        check(asked, self.markets, known.wallets, known.open_orders.values())
        book = self.books[asked.market]
        best = book.best(_opposite(asked.side))
        if asked.kind is not Kind.LIMIT and best is None:
            raise Refused("liquidity", "No liquidity in the order book.")
        if asked.post_only and best is not None and _meets(asked, best):
            raise Refused("post_only", "Order would match immediately.")
        if asked.kind is Kind.STOCK_MARKET and asked.side is Side.BUY:
            cost = book.cost(asked.amount)
            if known.wallets.available(Wallet.SPOT, book.market.money) < cost:
                raise Refused("balance", "Not enough balance.")
        taker = self._begin(account, asked)
        told = _Told()
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
            market=asked.market, side=_opposite(asked.side), amount=asked.amount, price=asked.price
        )
        terms = {name: asked if name == owner else given for name in (maker, taker)}
        for name, instruction in terms.items():
            known = self.accounts[name]
            check(instruction, self.markets, known.wallets, known.open_orders.values())
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
        return self._move(account, "withdrawal", ((Wallet.MAIN, asset, -amount),))

    def transfer(
        self, account: str, asset: str, amount: Decimal, origin: Wallet, target: Wallet
    ) -> list[Event]:
        """Between own wallets; no record of it is ever shown.  Raises Refused."""
        assert amount > 0
        legs = ((origin, asset, -amount), (target, asset, amount))
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
        price = maker.asked.price
        assert price is not None
        self._deal_id += self._chance.randrange(1, _ID_GAP_MAX)
        now = self._stamp()
        total = times(price, amount)
        sides = (
            self._side(maker, taker, Role.MAKER, price, amount, total, now, told),
            self._side(taker, maker, Role.TAKER, price, amount, total, now, told),
        )
        if maker.remaining:
            told.say(OrderSeen(maker.account, Step.UPDATE, maker.seen()))
        else:
            self._end(maker, Status.FILLED, told)
        for order, deal in ((maker, sides[0]), (taker, sides[1])):
            told.say(DealMade(order.account, deal))
        return sides

    def _side(
        self,
        order: LiveOrder,
        counter: LiveOrder,
        role: Role,
        price: Decimal,
        amount: Decimal,
        total: Decimal,
        now: int,
        told: "_Told",
    ) -> Deal:
        account, market, asked = self.accounts[order.account], order.market, order.asked
        if asked.side is Side.BUY:
            given_asset, given, got_asset, got = market.money, total, market.stock, amount
        else:
            given_asset, given, got_asset, got = market.stock, amount, market.money, total
        rate = account.fees.maker if role is Role.MAKER else account.fees.taker
        fee = times(got, rate)
        if role is Role.MAKER:
            account.wallets.spend_frozen(given_asset, given)
        else:
            account.wallets.change(Wallet.SPOT, given_asset, -given)
        account.wallets.change(Wallet.SPOT, got_asset, minus(got, fee))
        told.balance(order.account, given_asset)
        told.balance(order.account, got_asset)
        order.remaining = minus(order.remaining, total if order.counts_money else amount)
        order.filled_amount = plus(order.filled_amount, amount)
        order.filled_total = plus(order.filled_total, total)
        order.fee = plus(order.fee, fee)
        order.status = Status.PARTIALLY_FILLED
        order.updated_at = now
        deal = Deal(
            deal_id=self._deal_id,
            order_id=order.order_id,
            counter_order_id=counter.order_id,
            market=market.name,
            side=asked.side,
            role=role,
            price=price,
            amount=amount,
            total=total,
            fee=fee,
            fee_asset=got_asset,
            client_order_id=asked.client_order_id,
            executed_at=now,
        )
        account.history.add_deal(deal)
        return deal

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
        account = self.accounts[order.account]
        account.open_orders.pop(order.order_id, None)
        order.status = status
        order.finished_at = order.updated_at
        seen = order.seen()
        if status is Status.CANCELED and not account.records_cancels:
            account.unrecorded.append(seen)
        else:
            account.history.finish(seen)
        told.say(OrderSeen(order.account, Step.FINISH, seen))

    def _stamp(self) -> int:
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
        self._said += [
            BalanceMoved(account, wallet, tuple(assets))
            for (account, wallet), assets in self._moved.items()
        ]
        return self._said


def locked(order: LiveOrder) -> tuple[str, Decimal]:
    """Which asset a resting order freezes, and how much (PROTOCOL § 7.5, without a surcharge)."""
    if order.asked.side is Side.SELL:
        return order.market.stock, order.remaining
    assert order.asked.price is not None
    return order.market.money, times(order.asked.price, order.remaining)


def _opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def _meets(asked: Instruction, best: LiveOrder) -> bool:
    assert best.asked.price is not None
    return crosses(asked, best.asked.price)
