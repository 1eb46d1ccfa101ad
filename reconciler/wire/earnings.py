"""Money that earns: lending for a fixed term, flexible lending, payouts of the mining pool.

(PROTOCOL § 5.13, q to s.)  What is lent lies outside the three wallets, so only what enters or
leaves the main wallet is settled; earnings that stay within a plan and payouts elsewhere are not.
"""

import msgspec
from msgspec import Raw, Struct

from reconciler.domain.facts import Movement
from reconciler.domain.money import ZERO, minus
from reconciler.domain.words import SUCCESS, MovementKind, Wallet
from reconciler.wire import vocabulary
from reconciler.wire.identity import key
from reconciler.wire.numbers import exact_of, exact_or_none, moment, moment_or_none
from reconciler.wire.records import ABSENT, Documented, Form, Ignored

CLOSED = 2
"""Of a fixed investment's status; 1 is active."""


class InvestmentRow(Documented, kw_only=True, rename="camel"):
    """A record of `POST main-account/smart/investments`."""

    id: str | int
    plan: "Plan"
    status: int
    created: Raw
    updated: Raw
    amount: Raw
    payment_time: Ignored = None
    interest_paid: Ignored = None


class Plan(Struct):
    """Of an investment."""

    ticker: str


class InterestRow(Documented, kw_only=True, rename="camel"):
    """A record of `POST main-account/smart/interest-payment-history`: it has no id."""

    investment_id: str | int
    amount: Raw
    ticker: str
    timestamp: Raw
    plan_id: Ignored = None


class FlexibleRow(Documented, kw_only=True, rename="camel"):
    """A record of `POST main-account/smart-flex/investments/history`."""

    investment_id: str | int
    currency: str
    amount: Raw
    action_type: int
    created_at: Raw
    transaction_id: str | int | None = None
    documented_transaction_id: str | int | None = msgspec.field(default=None, name="transaction_id")
    plan_id: Ignored = None


class RewardRow(Documented, kw_only=True, rename="camel"):
    """A record of `POST mining/rewards`: it has no id."""

    mining_account_name: str
    payout_destination: str
    reward_currency: str
    reward: Raw
    date: Raw
    status: str
    fee: Raw = ABSENT
    payout_time: Raw = ABSENT
    payout_address: str | None = None
    payout_transaction_hash: Ignored = None
    total_reward: Ignored = None
    fpps_rate: Ignored = None
    hash_rate: Ignored = None


def investment_of(raw: Raw) -> tuple[tuple[Movement, ...], int]:
    """A record of `POST main-account/smart/investments`: its money left, and may have come back."""
    seen, surplus = _INVESTMENT.read(raw)
    amount, given_id = exact_of(seen.amount), vocabulary.name(str(seen.id))
    lent = Movement(
        kind=MovementKind.LENDING,
        movement_id=f"{given_id}/open",
        wallet=Wallet.MAIN,
        asset=vocabulary.name(seen.plan.ticker),
        amount=minus(ZERO, amount),
        status=SUCCESS,
        settled=True,
        reference=given_id,
        occurred_at=moment(seen.created),
    )
    if seen.status != CLOSED:
        return (lent,), surplus
    returned = msgspec.structs.replace(
        lent, movement_id=f"{given_id}/close", amount=amount, occurred_at=moment(seen.updated)
    )
    return (lent, returned), surplus


def interest_of(raw: Raw) -> tuple[Movement, int]:
    """A record of `POST main-account/smart/interest-payment-history`."""
    seen, surplus = _INTEREST.read(raw)
    amount, paid_at = exact_of(seen.amount), moment(seen.timestamp)
    investment, asset = vocabulary.name(str(seen.investment_id)), vocabulary.name(seen.ticker)
    return Movement(
        kind=MovementKind.INTEREST,
        movement_id=key(investment, paid_at, asset, amount),
        wallet=Wallet.MAIN,
        asset=asset,
        amount=amount,
        status=SUCCESS,
        settled=True,
        reference=investment,
        occurred_at=paid_at,
    ), surplus


def flexible_of(raw: Raw) -> tuple[Movement, int]:
    """A record of `POST main-account/smart-flex/investments/history`.

    Of an action that we don't know nobody can say whether it moved money: it has not.
    """
    seen, surplus = _FLEXIBLE.read(raw)
    action, sign = _ACTIONS.get(seen.action_type, (str(seen.action_type), 0))
    amount = exact_of(seen.amount)
    given_id = seen.transaction_id or seen.documented_transaction_id or ""
    return Movement(
        kind=MovementKind.INTEREST if action == EARNED else MovementKind.LENDING,
        movement_id=vocabulary.name(str(given_id)),
        wallet=Wallet.MAIN,
        asset=vocabulary.name(seen.currency),
        amount=minus(ZERO, amount) if sign < 0 else amount,
        status=action,
        settled=sign != 0,
        reference=vocabulary.name(str(seen.investment_id)),
        occurred_at=moment(seen.created_at),
    ), surplus


def reward_of(raw: Raw) -> tuple[Movement, int]:
    """A record of `POST mining/rewards`."""
    seen, surplus = _REWARD.read(raw)
    account, asset = (
        vocabulary.name(seen.mining_account_name),
        vocabulary.name(seen.reward_currency),
    )
    earned_at, paid_at = moment(seen.date), moment_or_none(seen.payout_time)
    status = _REWARD_STATUSES.get(seen.status.lower()) or vocabulary.status(seen.status)
    is_ours = seen.payout_destination == "main_balance"
    return Movement(
        kind=MovementKind.MINING,
        movement_id=key(account, earned_at, asset, paid_at),
        wallet=Wallet.MAIN if is_ours else None,
        asset=asset,
        amount=exact_of(seen.reward),
        fee=exact_or_none(seen.fee),
        status=status,
        settled=is_ours and status == SUCCESS,
        reference=vocabulary.shown_or_none(seen.payout_address) or account,
        occurred_at=earned_at if paid_at is None else paid_at,
    ), surplus


EARNED = "earned"

_ACTIONS = {
    1: ("invested", -1),
    2: ("reinvested", 0),
    3: ("withdrawn", 1),
    4: (EARNED, 0),
    5: ("closed", 1),
    6: ("opened", -1),
}
"""Our word for each action, and whether it takes from the main wallet or gives to it."""

_REWARD_STATUSES = {"successful": SUCCESS}

_INVESTMENT = Form(InvestmentRow)
_INTEREST = Form(InterestRow)
_FLEXIBLE = Form(FlexibleRow)
_REWARD = Form(RewardRow)
