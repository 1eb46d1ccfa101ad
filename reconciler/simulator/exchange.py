"""The simulated exchange as its users hold it: engine, access, faults, and those who listen.

Every operation goes through here, so that whoever listens to an account hears of it in the same
moment.  Listeners must not block; what they hear is encoded at most once.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

from reconciler.simulator.access import Access
from reconciler.simulator.engine import Engine
from reconciler.simulator.faults import FaultPlan
from reconciler.simulator.ids import Clock
from reconciler.simulator.limits import Limits
from reconciler.simulator.markets import DEFAULT_MARKETS
from reconciler.simulator.numbers import times
from reconciler.simulator.records import (
    Deal,
    Event,
    Fees,
    Freezing,
    Histories,
    Instruction,
    Market,
    Order,
    Role,
    Side,
    Truth,
    Wallet,
)
from reconciler.simulator.tape import Tape

T = TypeVar("T")

HOUSE = "house"
"""The account that takes the other side of scripted fills; it always has enough."""

_HOUSE_RESERVE = Decimal(10_000)
"""How many fills of the same size the house provides for at once."""


class Listener(Protocol):
    """Hears what happens to one account."""

    def hear(self, event: Event, frames: dict[str, str]) -> None:
        """`frames` starts empty for each event and is shared by all its listeners: what one has
        encoded, the next need not."""
        ...


class Exchange:
    """`Exchange(now=clock.now)` is ready to trade; `server.serve` opens its doors."""

    def __init__(
        self,
        markets: Iterable[Market] = DEFAULT_MARKETS,
        *,
        now: Callable[[], int],
        seed: int = 0,
        histories: Histories | None = None,
    ) -> None:
        self.histories = histories or Histories()
        """May be changed at any time."""
        self.faults = FaultPlan(chance=random.Random(f"faults {seed}"))
        self.limits = Limits(now=now)
        self.clock = Clock(now)
        self.now = now = self.faults.skewed(self.clock)
        self.engine = Engine(markets, now=now, chance=random.Random(f"engine {seed}"))
        self.access = Access(now=now, chance=random.Random(f"access {seed}"))
        self.tape = Tape(self.engine.markets)
        self._listeners: dict[str, dict[Listener, None]] = {}  # ordered, unlike a set
        self.engine.open_account(HOUSE)

    @property
    def markets(self) -> Mapping[str, Market]:
        """By name."""
        return self.engine.markets

    def open_account(
        self,
        name: str,
        key: str | None = None,
        secret: str | None = None,
        funds: Mapping[str, Decimal | str] | None = None,
        *,
        wallet: Wallet = Wallet.SPOT,
        fees: Fees | None = None,
        records_cancels: bool = True,
        freezing: Freezing | None = None,
        is_business: bool = False,
        master: str | None = None,
    ) -> None:
        """A new login with `funds` in one of its wallets; without a key nobody can call for it."""
        self.engine.open_account(
            name,
            fees,
            records_cancels=records_cancels,
            freezing=freezing,
            is_business=is_business,
            master=master,
        )
        if key is not None and secret is not None:
            self.access.grant(name, key, secret)
        for asset, amount in (funds or {}).items():
            self.deposit(name, asset, amount)
            if wallet is not Wallet.MAIN:
                self.transfer(name, asset, amount, Wallet.MAIN, wallet)

    def truth(self, account: str) -> Truth:
        """What any record of the account must equal."""
        return self.engine.accounts[account].truth()

    # Operations; those that the engine may refuse raise `Refused`

    def place(self, account: str, asked: Instruction) -> Order:
        """The order as it is after all that could be matched at once."""
        order, events = self.engine.place(account, asked)
        self.publish(events)
        return order

    def cancel(self, account: str, market: str, order_id: int) -> Order:
        """The order as it ended."""
        order, events = self.engine.cancel(account, market, order_id)
        self.publish(events)
        return order

    def cancel_all(
        self,
        account: str,
        markets: Iterable[str] | None = None,
        families: Iterable[str] = ("spot", "margin", "futures"),
    ) -> None:
        """Every open order of the markets (of all, if none are named) and families."""
        self.publish(self.engine.cancel_all(account, markets, families))

    def modify(
        self,
        account: str,
        market: str,
        order_id: int,
        *,
        amount: Decimal | None = None,
        price: Decimal | None = None,
        activation_price: Decimal | None = None,
    ) -> Order:
        """The order that stands in for the old one, with a new id."""
        order, events = self.engine.modify(
            account,
            market,
            order_id,
            amount=amount,
            price=price,
            activation_price=activation_price,
        )
        self.publish(events)
        return order

    def fill(
        self,
        account: str,
        market: str,
        side: Side | str,
        amount: Decimal | str,
        price: Decimal | str,
        *,
        role: Role | str = Role.TAKER,
        client_order_id: str = "",
        parts: int = 1,
    ) -> Deal:
        """Exactly one deal of the account against the house, whatever rests on the book; or, in so
        many parts, that many deals of one order, of which the last is returned."""
        asked = Instruction(
            market=market,
            side=Side(side),
            amount=Decimal(amount),
            price=Decimal(price),
            client_order_id=client_order_id,
        )
        self._supply_house(asked)
        maker, taker = (account, HOUSE) if Role(role) is Role.MAKER else (HOUSE, account)
        deals, events = self.engine.cross(maker, taker, asked, owner=account, parts=parts)
        self.publish(events)
        return deals[0] if maker == account else deals[1]

    def deposit(self, account: str, asset: str, amount: Decimal | str) -> None:
        """To the main wallet."""
        self.publish(self.engine.treasury.deposit(account, asset, Decimal(amount)))

    def withdraw(self, account: str, asset: str, amount: Decimal | str) -> None:
        """From the main wallet."""
        self.publish(self.engine.treasury.withdraw(account, asset, Decimal(amount)))

    def transfer(
        self,
        account: str,
        asset: str,
        amount: Decimal | str,
        origin: Wallet | str,
        target: Wallet | str,
    ) -> None:
        """Between own wallets."""
        self.publish(
            self.engine.treasury.transfer(
                account, asset, Decimal(amount), Wallet(origin), Wallet(target)
            )
        )

    def phantom(
        self, account: str, asset: str, amount: Decimal | str, wallet: Wallet | str = Wallet.SPOT
    ) -> None:
        """Adds `amount` (negative: takes it) without any record of why."""
        self.publish(self.engine.treasury.phantom(account, Wallet(wallet), asset, Decimal(amount)))

    # Listening

    def listen(self, account: str, listener: Listener) -> None:
        """From now on `listener` hears what happens to the account."""
        self._listeners.setdefault(account, {})[listener] = None

    def ignore(self, account: str, listener: Listener) -> None:
        """No more."""
        self._listeners.get(account, {}).pop(listener, None)

    def told(self, done: tuple[T, Sequence[Event]]) -> T:
        """What an operation of the engine's departments gave, its events published:
        `exchange.told(exchange.engine.treasury.advance(…))`."""
        value, events = done
        self.publish(events)
        return value

    def publish(self, events: Sequence[Event]) -> None:
        """Everyone who listens hears of them now."""
        self.tape.hear(events, self.now())
        for event in events:
            listeners = self._listeners.get(event.account)
            if listeners:
                frames: dict[str, str] = {}
                for listener in list(listeners):
                    listener.hear(event, frames)

    def _supply_house(self, asked: Instruction) -> None:
        """So that it can take either side."""
        market = self.markets[asked.market]
        assert asked.price is not None
        for asset, amount in (
            (market.stock, asked.amount),
            (market.money, times(asked.amount, asked.price)),
        ):
            there = self.engine.accounts[HOUSE].wallets.available(Wallet.SPOT, asset)
            if there < amount:
                self.engine.treasury.phantom(
                    HOUSE, Wallet.SPOT, asset, times(amount, _HOUSE_RESERVE)
                )
