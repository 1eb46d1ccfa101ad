"""Transactions and movements as rows and back, value by value in the order of the tables' columns.

As `rows` does it for deals, orders and balances.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from reconciler.domain.facts import Movement, Transaction
from reconciler.domain.money import canonical
from reconciler.domain.words import MovementKind, TransactionKind, Wallet, is_settled
from reconciler.store.columns import ID_MAX, Encoding, amount, storable
from reconciler.store.statements import Values

T = TypeVar("T", Transaction, Movement)

_TRANSACTION_TEXTS = (
    "transaction_id",
    "asset",
    "network",
    "status",
    "address",
    "transaction_hash",
    "unique_id",
)
_MOVEMENT_TEXTS = ("movement_id", "asset", "counter_asset", "status", "market", "reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRows:
    """The rows of one kind of database."""

    encoding: Encoding

    def transaction(self, account_id: int, known: Transaction, source: str) -> Values:
        """A row of `transactions`."""
        return (
            account_id,
            str(known.kind),
            known.transaction_id,
            known.asset,
            known.network,
            canonical(known.amount),
            canonical(known.fee),
            known.status,
            is_settled(known.status),
            amount(known.processed_amount),
            amount(known.processed_fee),
            known.address,
            known.transaction_hash,
            known.unique_id,
            self.encoding.moment(known.created_at),
            self.encoding.moment(known.updated_at),
            source,
        )

    def transaction_of(self, row: Values) -> Transaction:
        """The deposit or withdrawal in a row of `transactions`."""
        number = self.encoding.amount_of
        return Transaction(
            kind=TransactionKind(row[1]),
            transaction_id=row[2],
            asset=row[3],
            network=row[4],
            amount=number(row[5]),
            fee=number(row[6]),
            status=row[7],
            processed_amount=number(row[9]),
            processed_fee=number(row[10]),
            address=row[11],
            transaction_hash=row[12],
            unique_id=row[13],
            created_at=self.encoding.moment_of(row[14]),
            updated_at=self.encoding.moment_of(row[15]),
        )

    def movement(self, account_id: int, known: Movement, source: str) -> Values:
        """A row of `movements`."""
        return (
            account_id,
            str(known.kind),
            known.movement_id,
            known.wallet and str(known.wallet),
            known.asset,
            canonical(known.amount),
            known.counter_asset,
            amount(known.counter_amount),
            amount(known.fee),
            known.status,
            known.settled,
            known.market,
            known.order_id,
            known.reference,
            self.encoding.moment(known.occurred_at),
            source,
        )

    def movement_of(self, row: Values) -> Movement:
        """The movement in a row of `movements`."""
        number = self.encoding.amount_of
        return Movement(
            kind=MovementKind(row[1]),
            movement_id=row[2],
            wallet=None if row[3] is None else Wallet(row[3]),
            asset=row[4],
            amount=number(row[5]),
            counter_asset=row[6],
            counter_amount=number(row[7]),
            fee=number(row[8]),
            status=row[9],
            settled=bool(row[10]),
            market=row[11],
            order_id=row[12],
            reference=row[13],
            occurred_at=self.encoding.moment_of(row[14]),
        )


def storable_transaction(seen: Transaction) -> Transaction:
    """The same with texts that a database takes."""
    return _with_storable(seen, _TRANSACTION_TEXTS)


def storable_movement(seen: Movement) -> Movement | None:
    """The same with texts that a database takes; None if the order's id is too big."""
    if seen.order_id is not None and not 0 <= seen.order_id <= ID_MAX:
        return None
    return _with_storable(seen, _MOVEMENT_TEXTS)


def _with_storable(seen: T, fields: Iterable[str]) -> T:
    texts = {field: getattr(seen, field) for field in fields}
    mended = {
        field: storable(text)
        for field, text in texts.items()
        if text is not None and not text.isprintable()
    }
    return replace(seen, **mended) if mended else seen
