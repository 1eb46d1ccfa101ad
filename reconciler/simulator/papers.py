"""What the exchange has on paper about an account's money that moved without a deal.

Deposits and withdrawals, codes, conversions, transfers between master and sub-account, interest and
mining.  Transfers between own wallets are on no paper (PROTOCOL § 7.8), nor are phantoms.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum, StrEnum

from reconciler.simulator.transactions import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A bearer code, worth an amount to whoever applies it."""

    code: str
    asset: str
    amount: Decimal
    creator: str
    passphrase: str
    is_applied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeUse:
    """A code was created (a negative amount) or applied (a positive one)."""

    code: str
    asset: str
    amount: Decimal
    external_id: str
    used_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One asset was given for another.  `steps` are (from, to, rate)."""

    conversion_id: int
    given_asset: str
    given: Decimal
    received_asset: str
    received: Decimal
    rate: Decimal
    steps: tuple[tuple[str, str, Decimal], ...]
    converted_at: int


class Direction(StrEnum):
    """Of a transfer between a master and its sub-account."""

    TO_SUB = "main_to_sub"
    TO_MASTER = "sub_to_main"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubTransfer:
    """Only the master has it on paper."""

    transaction_id: str
    sub_id: str
    direction: Direction
    asset: str
    amount: Decimal
    moved_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Investment:
    """Money that was lent, for a fixed term or a flexible one."""

    investment_id: str
    plan_id: str
    asset: str
    is_flexible: bool
    amount: Decimal
    interest: Decimal
    """Paid so far."""
    is_open: bool
    created_at: int
    updated_at: int


class Action(IntEnum):
    """What happened to a flexible investment, in the exchange's own numbers."""

    REINVEST = 2
    EARN = 4
    CLOSE = 5
    OPEN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class LendingRow:
    """A payment of interest of a fixed investment; or any action on a flexible one."""

    transaction_id: str
    plan_id: str
    investment_id: str
    asset: str
    amount: Decimal
    action: Action
    is_flexible: bool
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MiningReward:
    """A payout of the mining pool, to the main wallet or to an address outside."""

    pool_account: str
    asset: str
    total: Decimal
    fee: Decimal
    reward: Decimal
    is_outside: bool
    status: str
    """`pending`, `successful` or `canceled`."""
    earned_at: int
    paid_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delisted:
    """An order that a delisting ended, or made to convert what was held (`is_reverse`)."""

    order_id: int
    client_order_id: str
    market: str
    side: str
    kind: str
    price: Decimal
    amount: Decimal
    filled_amount: Decimal
    filled_total: Decimal
    fee: Decimal
    fee_asset: str
    is_reverse: bool
    created_at: int
    finished_at: int


@dataclass(slots=True)
class Papers:
    """Of one account; each list in the order of time."""

    transactions: dict[str, Transaction] = field(default_factory=dict)
    code_uses: list[CodeUse] = field(default_factory=list)
    conversions: list[Conversion] = field(default_factory=list)
    sub_transfers: list[SubTransfer] = field(default_factory=list)
    investments: dict[str, Investment] = field(default_factory=dict)
    lending: list[LendingRow] = field(default_factory=list)
    mining: list[MiningReward] = field(default_factory=list)
    delisted: list[Delisted] = field(default_factory=list)
