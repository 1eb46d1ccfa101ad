"""Money that changes hands within the exchange: codes, conversions, transfers to sub-accounts.

(PROTOCOL §§ 5.10 – 5.12.)  Codes reach this module as their hashes, see `cleansing`.  A conversion
names no wallet and documents contradict each other (§ 7.7); a transfer to a sub-account names none
either (§ 8).
"""

import msgspec
from msgspec import Raw, Struct

from reconciler.domain.facts import Movement
from reconciler.domain.money import ZERO, minus
from reconciler.domain.words import SUCCESS, MovementKind, Wallet
from reconciler.wire import vocabulary
from reconciler.wire.numbers import Misshapen, exact, exact_of, moment
from reconciler.wire.records import Documented, Form, Ignored


class CodeRow(Documented, kw_only=True):
    """A record of `POST main-account/codes/history`."""

    amount: str
    code: str
    date: Raw
    status: str
    ticker: str
    external_id: str | None = None


class ConversionRow(Documented, kw_only=True):
    """A record of `POST convert/history`: its assets stand in the path alone (trap 66)."""

    id: str | int
    date: Raw
    give: Raw
    receive: Raw
    path: list["Step"]
    rate: Ignored = None


class Step(Struct):
    """Of a conversion's path."""

    to: str
    source: str = msgspec.field(name="from")


class SubTransferRow(Documented, kw_only=True, rename="camel"):
    """A record of `POST sub-account/transfer/history`: `id` is the older name of the id."""

    direction: str
    currency: str
    amount: Raw
    created_at: Raw
    id: str | int | None = None
    transaction_id: str | int | None = None
    documented_transaction_id: str | int | None = msgspec.field(default=None, name="transaction_id")


class SubAccountRow(Struct):
    """An element of `POST sub-account/list`; the rest is about people."""

    id: str | int


def code_of(raw: Raw) -> tuple[Movement, int]:
    """A record of `POST main-account/codes/history`.

    A code that the account created and applied itself is there twice; the sign tells them apart
    (trap 65), so one without a sign is not guessed at.
    """
    seen, surplus = _CODE.read(raw)
    if seen.amount[:1] not in ("+", "-"):
        raise Misshapen(f"{seen.amount[:40]!a} has no sign to say which way the money went")
    verb = "applied" if seen.amount[0] == "+" else "created"
    return Movement(
        kind=MovementKind.CODE,
        movement_id=f"{vocabulary.name(seen.code)}/{verb}",
        wallet=Wallet.MAIN,
        asset=vocabulary.name(seen.ticker),
        amount=exact(seen.amount),
        status=vocabulary.status(seen.status),
        settled=True,
        reference=vocabulary.shown_or_none(seen.external_id),
        occurred_at=moment(seen.date),
    ), surplus


def conversion_of(raw: Raw) -> tuple[Movement, int]:
    """A record of `POST convert/history`."""
    seen, surplus = _CONVERSION.read(raw)
    if not seen.path:
        raise Misshapen("a conversion without a path names no assets")
    return Movement(
        kind=MovementKind.CONVERSION,
        movement_id=vocabulary.name(str(seen.id)),
        wallet=None,
        asset=vocabulary.name(seen.path[0].source),
        amount=minus(ZERO, exact_of(seen.give)),
        counter_asset=vocabulary.name(seen.path[-1].to),
        counter_amount=exact_of(seen.receive),
        status=SUCCESS,
        settled=True,
        occurred_at=moment(seen.date),
    ), surplus


def sub_transfer_of(raw: Raw, sub_account: str) -> tuple[Movement, int]:
    """A record of `POST sub-account/transfer/history`, signed as the master sees it."""
    seen, surplus = _SUB_TRANSFER.read(raw)
    amount = exact_of(seen.amount)
    match seen.direction:
        case "main_to_sub":
            amount = minus(ZERO, amount)
        case "sub_to_main":
            pass
        case _:
            raise Misshapen(f"{seen.direction[:40]!a} is not a direction")
    given_id = seen.transaction_id or seen.documented_transaction_id or seen.id or ""
    return Movement(
        kind=MovementKind.SUB_TRANSFER,
        movement_id=vocabulary.name(str(given_id)),
        wallet=None,
        asset=vocabulary.name(seen.currency),
        amount=amount,
        status=SUCCESS,
        settled=True,
        reference=sub_account,
        occurred_at=moment(seen.created_at),
    ), surplus


def sub_account_of(raw: Raw) -> str:
    """The id in an element of `POST sub-account/list`.  Raises ValueError."""
    return vocabulary.name(str(_SUB_ACCOUNT.decode(raw).id))


_CODE = Form(CodeRow)
_CONVERSION = Form(ConversionRow)
_SUB_TRANSFER = Form(SubTransferRow)
_SUB_ACCOUNT = msgspec.json.Decoder(SubAccountRow)
