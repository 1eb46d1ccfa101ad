"""Positions: what a margin or futures account holds of a market, and what each fill does to one.

Everything is exact: a position keeps what it cost, not its base price, and a reduction releases a
share of the cost that is cut to twelve places; the last one releases all that is left.  So realised
profits add up to what was paid and got, to the last digit.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from reconciler.simulator.numbers import EXACT, ZERO, cut, minus, negative, plus, times

_SHARE_DECIMALS = 12
_PRICE_DECIMALS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Of one account in one market, at one moment."""

    position_id: int
    market: str
    amount: Decimal = ZERO
    """In stock; negative is short."""
    cost: Decimal = ZERO
    """What `amount` cost, in money; negative for a short one."""
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    """Got so far; negative: paid."""
    realized: Decimal = ZERO
    """Profit so far, after fees, without funding."""
    entered: Decimal = ZERO
    entered_total: Decimal = ZERO
    exited: Decimal = ZERO
    exited_total: Decimal = ZERO
    """All that was ever opened and closed: stock, and its price in money."""
    opened_at: int
    modified_at: int

    @property
    def base_price(self) -> Decimal:
        """What one unit of stock cost; 0 of a closed one."""
        return ratio(self.cost, self.amount) if self.amount else ZERO

    def value(self, price: Decimal) -> Decimal:
        """The profit that closing it at `price` would realise, before fees."""
        return minus(times(self.amount, price), self.cost)

    def traded(self, signed: Decimal, price: Decimal, fee: Decimal, at: int) -> "Position":
        """After a fill of `signed` stock (negative: sold), which must not lead through zero."""
        total = times(signed, price)
        if self.amount * signed >= 0:
            return replace(
                self,
                amount=plus(self.amount, signed),
                cost=plus(self.cost, total),
                fees=plus(self.fees, fee),
                realized=minus(self.realized, fee),
                entered=plus(self.entered, signed.copy_abs()),
                entered_total=plus(self.entered_total, total.copy_abs()),
                modified_at=at,
            )
        assert signed.copy_abs() <= self.amount.copy_abs(), "a position goes through zero"
        released = self._share(signed.copy_abs())
        profit = minus(negative(total), released)
        return replace(
            self,
            amount=plus(self.amount, signed),
            cost=minus(self.cost, released),
            fees=plus(self.fees, fee),
            realized=plus(self.realized, minus(profit, fee)),
            exited=plus(self.exited, signed.copy_abs()),
            exited_total=plus(self.exited_total, total.copy_abs()),
            modified_at=at,
        )

    def _share(self, closed: Decimal) -> Decimal:
        held = self.amount.copy_abs()
        if closed == held:
            return self.cost
        return ratio(times(self.cost, closed), held, _SHARE_DECIMALS)


def ratio(a: Decimal, b: Decimal, decimals: int = _PRICE_DECIMALS) -> Decimal:
    """a / b, cut to so many places."""
    shifted = EXACT.scaleb(a, decimals + 2)
    return cut(EXACT.scaleb(EXACT.divide_int(shifted, b), -decimals - 2), decimals)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChange:
    """One line of a position's history: what it was after a fill, and what the fill did."""

    position: Position
    order_id: int
    amount: Decimal
    price: Decimal
    fee: Decimal
    realized: Decimal
    """By this fill, after its fee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """One payment: amount = −position × price × rate, exactly; negative is paid."""

    position_id: int
    market: str
    rate: Decimal
    position_amount: Decimal
    price: Decimal
    amount: Decimal
    paid_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrow:
    """Of one asset, to the collateral wallet."""

    asset: str
    amount: Decimal
    opened_at: int
    modified_at: int


@dataclass(slots=True)
class Portfolio:
    """All positions of one account, open and past; lists in the order of time."""

    leverage: int = 10
    open: dict[str, Position] = field(default_factory=dict)
    """By market."""
    closed: list[Position] = field(default_factory=list)
    changes: list[PositionChange] = field(default_factory=list)
    fundings: list[Funding] = field(default_factory=list)
    borrows: dict[str, Borrow] = field(default_factory=dict)
    """By asset."""
