"""The closed vocabularies.  Order types and statuses are open ones (the exchange adds to them),
so they stay lower-case text; what is known of them is said by the functions below."""

from enum import StrEnum


class Side(StrEnum):
    """Of our own order."""

    BUY = "buy"
    SELL = "sell"


class Role(StrEnum):
    """Of our own order in a deal."""

    MAKER = "maker"
    TAKER = "taker"


class Wallet(StrEnum):
    """One of the three places where the exchange keeps an account's assets."""

    SPOT = "spot"
    MAIN = "main"
    COLLATERAL = "collateral"


class Source(StrEnum):
    """How a row was first learned."""

    STREAM = "stream"
    QUERY = "query"
    BACKFILL = "backfill"
    SWEEP = "sweep"


class TransactionKind(StrEnum):
    """Which way a transaction with the outside goes."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"


class MovementKind(StrEnum):
    """Why money moved that is neither a deal nor a deposit or withdrawal."""

    CODE = "code"
    CONVERSION = "conversion"
    SUB_TRANSFER = "sub_transfer"
    LENDING = "lending"
    INTEREST = "interest"
    MINING = "mining"
    FUNDING = "funding"
    POSITION = "position"
    DELISTING = "delisting"


class GapState(StrEnum):
    """Of a span that a stream's record does not cover."""

    OPEN = "open"
    """To be read yet."""
    CLOSED = "closed"
    UNREACHABLE = "unreachable"
    """The exchange tells no one any more, or not this key."""


class Phase(StrEnum):
    """Where a session is on its straight line."""

    WAITING = "waiting"
    """There is none: another process holds the account."""
    CONNECTING = "connecting"
    AUTHORIZED = "authorized"
    SUBSCRIBED = "subscribed"
    LIVE = "live"
    DOWN = "down"
    REFUSED = "refused"
    """The exchange refuses the credentials; it is asked again, rarely."""


OPEN = "open"
PARTIALLY_FILLED = "partially_filled"
FILLED = "filled"
CANCELED = "canceled"
VANISHED = "vanished"

PENDING = "pending"
SUCCESS = "success"
PARTIAL = "partial"
CONFIRMING = "confirming"
UNCONFIRMED = "unconfirmed"
FROZEN = "frozen"
UNCREDITED = "uncredited"
TRAVEL_RULE_WAITING = "travel_rule_waiting"
TRAVEL_RULE_IN_PROGRESS = "travel_rule_in_progress"
"""Statuses of deposits and withdrawals, with `canceled`; an unknown number is kept as its text."""

_SETTLED = frozenset({SUCCESS, PARTIAL, CANCELED, UNCREDITED})

_COLLATERAL_TYPES = frozenset(
    {
        "margin_limit",
        "margin_market",
        "margin_stop_limit",
        "margin_stop_market",
        "normalization",
    }
)
_SPOT_TYPES = frozenset({"limit", "market", "stock_market", "stop_limit", "stop_market"})


def is_known_type(type_: str) -> bool:
    """Whether the exchange documents this type of order, and so the wallet that it trades in."""
    return type_ in _SPOT_TYPES or type_ in _COLLATERAL_TYPES


def is_market_type(type_: str) -> bool:
    """Whether orders of this type carry no limit price (the exchange prints `"0"`)."""
    return type_.endswith("market")


def wallet_of(type_: str) -> Wallet:
    """The wallet that an order of this type trades in (PROTOCOL § 7.10)."""
    return Wallet.COLLATERAL if type_ in _COLLATERAL_TYPES else Wallet.SPOT


def is_terminal(status: str) -> bool:
    """Whether the status alone says that the order is finished.

    `partially_filled` does not: it is final only where the exchange calls it history.
    """
    return status in (FILLED, VANISHED) or "canceled" in status


def is_settled(status: str) -> bool:
    """Whether a deposit or withdrawal of this status will not change any more (PROTOCOL § 5.9).

    `unconfirmed` and `frozen` are not final: a user may confirm, a check may end.
    """
    return status in _SETTLED
