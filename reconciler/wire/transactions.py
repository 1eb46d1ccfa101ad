"""Deposits and withdrawals, as `POST main-account/history` writes them (PROTOCOL § 5.9).

Documents and live answers spell the ids differently, old rows have none, and a row's `createdAt`
stays when its status changes (traps 36, 61, 64).  So both spellings are read, an id is made where
there is none, and `updated_at` is when we were told.
"""

from decimal import Decimal

import msgspec
from msgspec import Raw

from reconciler.domain import words
from reconciler.domain.facts import Transaction
from reconciler.domain.words import TransactionKind
from reconciler.wire import vocabulary
from reconciler.wire.identity import key
from reconciler.wire.numbers import exact_of, exact_or_none, is_given, moment
from reconciler.wire.records import ABSENT, Documented, Form, Ignored, mapping

METHODS = {TransactionKind.DEPOSIT: 1, TransactionKind.WITHDRAWAL: 2}
"""How the exchange numbers them, in questions and answers."""


class TransactionRow(Documented, kw_only=True, rename="camel"):
    """A record of `POST main-account/history`."""

    ticker: str
    method: int | str
    amount: Raw
    fee: Raw
    status: int | str
    created_at: Raw
    transaction_id: str | None = None
    documented_transaction_id: str | None = msgspec.field(default=None, name="transaction_id")
    unique_id: str | None = None
    documented_unique_id: str | None = msgspec.field(default=None, name="unique_id")
    address: str | None = None
    memo: str | None = None
    network: str | None = None
    transaction_hash: str | None = None
    details: Raw = ABSENT
    confirmations: Raw = ABSENT
    currency: Ignored = None
    description: Ignored = None
    centralized: Ignored = None


class Processed(Documented, kw_only=True, rename="camel"):
    """What was sent of a withdrawal that succeeds in part."""

    processed_amount: Raw = ABSENT
    processed_fee: Raw = ABSENT
    request_amount: Ignored = None
    normalize_transaction: Ignored = None


def transaction_of(raw: Raw, seen_at: int) -> tuple[Transaction, int]:
    """A record of `POST main-account/history`, as it stood at `seen_at`."""
    seen, surplus = _ROW.read(raw)
    kind = vocabulary.transaction_kind(seen.method)
    amount, created_at = exact_of(seen.amount), moment(seen.created_at)
    unique_id = vocabulary.name_or_none(seen.unique_id or seen.documented_unique_id)
    given_id = vocabulary.name_or_none(seen.transaction_id or seen.documented_transaction_id)
    processed_amount, processed_fee, extra = _processed(seen.details)
    return Transaction(
        transaction_id=given_id or _made_id(kind, unique_id, seen, amount, created_at),
        kind=kind,
        asset=vocabulary.name(seen.ticker),
        network=vocabulary.shown_or_none(seen.network),
        amount=amount,
        fee=exact_of(seen.fee),
        status=status(kind, seen.status),
        processed_amount=processed_amount,
        processed_fee=processed_fee,
        address=vocabulary.shown_or_none(seen.address),
        transaction_hash=vocabulary.shown_or_none(seen.transaction_hash),
        unique_id=unique_id,
        created_at=created_at,
        updated_at=seen_at,
    ), surplus + extra


def status(kind: TransactionKind, spelled: int | str) -> str:
    """A word of ours; a number that isn't documented for this kind stays as it came (trap 63)."""
    known = _DEPOSIT if kind is TransactionKind.DEPOSIT else _WITHDRAWAL
    return known.get(str(spelled)) or vocabulary.status(str(spelled))


def _made_id(
    kind: TransactionKind,
    unique_id: str | None,
    seen: TransactionRow,
    amount: Decimal,
    created_at: int,
) -> str:
    """Of an old row.  One transaction of a chain can carry several deposits (trap 64)."""
    if kind is TransactionKind.WITHDRAWAL:
        return unique_id or key(created_at, seen.ticker, amount, seen.address, seen.memo)
    return key(
        seen.transaction_hash,
        seen.ticker,
        seen.network,
        seen.address,
        seen.memo,
        amount,
        created_at,
    )


def _processed(details: Raw) -> tuple[Decimal | None, Decimal | None, int]:
    partial = mapping(details).get("partial", ABSENT) if is_given(details) else ABSENT
    if not is_given(partial) or not mapping(partial):
        return None, None, 0
    seen, surplus = _PROCESSED.read(partial)
    return exact_or_none(seen.processed_amount), exact_or_none(seen.processed_fee), surplus


_ROW = Form(TransactionRow)
_PROCESSED = Form(Processed)

_DEPOSIT = {
    "3": words.SUCCESS,
    "7": words.SUCCESS,
    "4": words.CANCELED,
    "9": words.CANCELED,
    "5": words.UNCONFIRMED,
    "15": words.CONFIRMING,
    "21": words.FROZEN,
    "22": words.UNCREDITED,
    "27": words.TRAVEL_RULE_WAITING,
    "28": words.TRAVEL_RULE_IN_PROGRESS,
}
_WITHDRAWAL = {
    **{str(number): words.PENDING for number in (1, 2, 6, *range(10, 18))},
    "3": words.SUCCESS,
    "7": words.SUCCESS,
    "4": words.CANCELED,
    "5": words.UNCONFIRMED,
    "18": words.PARTIAL,
    "21": words.FROZEN,
}
