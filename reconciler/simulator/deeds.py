"""What can be done to the exchange from outside while it runs, as records that a script or the
control endpoint spells; `Hand` carries them out.

Deeds are named in the imperative; amounts are decimal text, times seconds.
"""

from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

import msgspec

from reconciler.simulator.acts import Answer, Cut, Rule
from reconciler.simulator.records import Kind, Role, Side, Wallet


class Deed(msgspec.Struct, frozen=True, tag_field="do", tag=str.lower, forbid_unknown_fields=True):
    """Something to do now."""


class Open(Deed, frozen=True, kw_only=True):
    """Opens an account, with a key to call by and funds in its spot wallet."""

    account: str
    key: str | None = None
    secret: str | None = None
    funds: dict[str, Decimal] = {}


class Fill(Deed, frozen=True, kw_only=True):
    """Makes exactly one deal of the account, past the book; or the same several times, of which
    the last one is told."""

    account: str
    market: str
    side: Side
    amount: Decimal
    price: Decimal
    role: Role = Role.TAKER
    client_order_id: str = ""
    times: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1


class Place(Deed, frozen=True, kw_only=True):
    """Places an order for an account, which may be a bot's."""

    account: str
    market: str
    side: Side
    amount: Decimal
    price: Decimal | None = None
    kind: Kind = Kind.LIMIT
    client_order_id: str = ""
    post_only: bool = False
    ioc: bool = False


class Cancel(Deed, frozen=True, kw_only=True):
    """Cancels an open order."""

    account: str
    market: str
    order_id: int


class Deposit(Deed, frozen=True, kw_only=True):
    """Brings money to the main wallet."""

    account: str
    asset: str
    amount: Decimal


class Withdraw(Deed, frozen=True, kw_only=True):
    """Takes money from the main wallet."""

    account: str
    asset: str
    amount: Decimal


class Transfer(Deed, frozen=True, kw_only=True):
    """Moves money between an account's own wallets."""

    account: str
    asset: str
    amount: Decimal
    origin: Wallet
    target: Wallet


class Phantom(Deed, frozen=True, kw_only=True):
    """Adds money (negative: takes it) without any record of why."""

    account: str
    asset: str
    amount: Decimal
    wallet: Wallet = Wallet.SPOT


class Hangup(Deed, frozen=True, kw_only=True):
    """Ends the WebSockets of the account (of all), by a reset or with a close code."""

    account: str | None = None
    how: Literal["reset"] | int = "reset"


class Stall(Deed, frozen=True, kw_only=True):
    """Lets nothing flow any more on the WebSockets of the account (of all), which stay open."""

    account: str | None = None


class Say(Deed, frozen=True, kw_only=True):
    """Sends a text frame as it is to the WebSockets of the account (of all)."""

    frame: str
    account: str | None = None


class Down(Deed, frozen=True, kw_only=True):
    """The exchange is gone: connections are reset, or answered with this."""

    act: Cut | Answer = Cut()


class Up(Deed, frozen=True):
    """It is back."""


class Skew(Deed, frozen=True, kw_only=True):
    """Sets the exchange's clock so many seconds ahead (negative: behind)."""

    seconds: float


class Retell(Deed, frozen=True, kw_only=True):
    """Tells the past otherwise from now on; what is not given is as at the beginning."""

    page_max: Annotated[int, msgspec.Meta(ge=1)] | None = None
    orders_by_end: bool = False
    lag_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 0.0


class Add(Deed, frozen=True, kw_only=True):
    """Adds a rule to the fault plan."""

    rule: Rule


class Remove(Deed, frozen=True, kw_only=True):
    """Removes the rule of that number; all of them, without one."""

    number: int | None = None


class Pause(Deed, frozen=True):
    """Life stands still."""


class Resume(Deed, frozen=True, kw_only=True):
    """Life goes on, at another rate if one is given."""

    rate: float | None = None


class Advance(Deed, frozen=True, kw_only=True):
    """So many operations of life at once, paused or not."""

    steps: int = 1


AnyDeed: TypeAlias = (
    Open
    | Fill
    | Place
    | Cancel
    | Deposit
    | Withdraw
    | Transfer
    | Phantom
    | Hangup
    | Stall
    | Say
    | Down
    | Up
    | Skew
    | Retell
    | Add
    | Remove
    | Pause
    | Resume
    | Advance
)
"""All of them, for decoding."""

DEEDS: dict[str, type[Deed]] = {kind.__name__.lower(): kind for kind in Deed.__subclasses__()}
"""By name."""
