"""Deposits and withdrawals: which status follows which, and what each means in money.

The tables are those of PROTOCOL § 5.9 and § 7.6.  A transaction says at any moment what the main
wallet has got or given for it; so whoever changes its status moves the difference, and no more.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from reconciler.simulator.numbers import ZERO, minus, negative, plus


class Method(IntEnum):
    """In the exchange's own numbers."""

    DEPOSIT = 1
    WITHDRAWAL = 2


PENDING, SUCCESS, CANCELED, UNCONFIRMED, CONFIRMING, PARTIAL = 1, 3, 4, 5, 15, 18
FROZEN, UNCREDITED, ORIGIN_UNKNOWN, ORIGIN_CHECKED = 21, 22, 27, 28
"""The statuses that the simulator itself gives; the exchange knows more for the same."""

_SUCCESSES = frozenset({3, 7})
_PENDING = frozenset({1, 2, 6, *range(10, 18)})
_TAKES_NOTHING = frozenset({CANCELED, UNCONFIRMED})

_DEPOSIT_ENDS = _SUCCESSES | {CANCELED, 9, FROZEN, UNCREDITED}
_DEPOSIT_STEPS: dict[int, frozenset[int]] = {
    UNCONFIRMED: frozenset({CONFIRMING, CANCELED, 9}),
    CONFIRMING: _DEPOSIT_ENDS | {ORIGIN_UNKNOWN, ORIGIN_CHECKED},
    ORIGIN_UNKNOWN: frozenset({ORIGIN_CHECKED, CANCELED, 9}),
    ORIGIN_CHECKED: _DEPOSIT_ENDS | {ORIGIN_UNKNOWN},
    FROZEN: _SUCCESSES | {CANCELED, 9, UNCREDITED},
    UNCREDITED: _SUCCESSES | {CANCELED, 9},
}
_WITHDRAWAL_ENDS = _SUCCESSES | {CANCELED, PARTIAL}
_WITHDRAWAL_STEPS: dict[int, frozenset[int]] = {
    status: _PENDING | _WITHDRAWAL_ENDS | {UNCONFIRMED, FROZEN} for status in _PENDING
} | {
    UNCONFIRMED: _PENDING | {CANCELED},
    FROZEN: _PENDING | _WITHDRAWAL_ENDS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A deposit or a withdrawal, at one moment.

    `is_fee_included` is the reading of `amount` that the exchange doesn't tell: a deposit credits
    amount − fee if it is, else amount; a withdrawal takes amount if it is (`withdraw`), else
    amount + fee (`withdraw-pay`).
    """

    transaction_id: str
    unique_id: str | None
    method: Method
    asset: str
    amount: Decimal
    fee: Decimal
    is_fee_included: bool
    status: int
    created_at: int
    address: str
    memo: str
    network: str | None
    transaction_hash: str | None
    confirmations: tuple[int, int] | None = None
    """Actual and required, while a deposit waits for them."""
    processed: tuple[Decimal, Decimal] | None = None
    """Amount and fee of what was sent, of a withdrawal that succeeded in part."""

    def leads_to(self, status: int) -> bool:
        """May this be its next status?"""
        steps = _DEPOSIT_STEPS if self.method is Method.DEPOSIT else _WITHDRAWAL_STEPS
        return status in steps.get(self.status, frozenset())

    @property
    def is_final(self) -> bool:
        """Will its status never change again?"""
        steps = _DEPOSIT_STEPS if self.method is Method.DEPOSIT else _WITHDRAWAL_STEPS
        return self.status not in steps

    def effect(self) -> Decimal:
        """What the main wallet has got for it so far; negative: given.

        A withdrawal is debited when it is asked for, and given back when it is cancelled (PROTOCOL
        § 10.2, questions 9 and 10).
        """
        if self.method is Method.DEPOSIT:
            credited = minus(self.amount, self.fee) if self.is_fee_included else self.amount
            return credited if self.status in _SUCCESSES else ZERO
        if self.status in _TAKES_NOTHING:
            return ZERO
        if self.status == PARTIAL and self.processed is not None:
            return negative(plus(*self.processed))
        return negative(self.amount if self.is_fee_included else plus(self.amount, self.fee))
