"""Facts to store, with what a test doesn't care about filled in, and how to store them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from reconciler.domain.facts import (
    Balance,
    BalanceReport,
    Deal,
    Fact,
    Frame,
    Movement,
    Order,
    Transaction,
)
from reconciler.domain.moments import from_iso
from reconciler.domain.words import MovementKind, Role, Side, Source, TransactionKind, Wallet
from reconciler.inbox import Applied, Batch, Span
from reconciler.store.apply import Applier
from reconciler.store.engine import Database
from reconciler.store.facts import Facts
from reconciler.store.frames import Journal, Kept

ACCOUNT = "treasury"
NOON = from_iso("2026-01-02T12:00:00.123456Z")

DEAL = Deal(
    deal_id=1,
    order_id=10,
    market="BTC_USDT",
    side=Side.BUY,
    role=Role.MAKER,
    price=Decimal("40000.5"),
    amount=Decimal("0.25"),
    total=Decimal("10000.125"),
    fee=Decimal("0.000000000001"),
    fee_asset="USDT",
    client_order_id=None,
    executed_at=NOON,
)

ORDER = Order(
    order_id=10,
    market="BTC_USDT",
    side=Side.BUY,
    type="limit",
    status="open",
    final=False,
    price=Decimal("40000.5"),
    amount=Decimal("0.5"),
    filled_amount=Decimal(0),
    filled_total=Decimal(0),
    fee=Decimal(0),
    remaining=Decimal("0.5"),
    fee_asset=None,
    client_order_id="mine",
    created_at=NOON,
    updated_at=None,
    finished_at=None,
)

TRANSACTION = Transaction(
    kind=TransactionKind.DEPOSIT,
    transaction_id="d-1",
    asset="USDT",
    network="TRC20",
    amount=Decimal("100.5"),
    fee=Decimal("0.000000000001"),
    status="confirming",
    processed_amount=None,
    processed_fee=None,
    address="T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb",
    transaction_hash=None,
    unique_id=None,
    created_at=NOON,
    updated_at=NOON + 1,
)

MOVEMENT = Movement(
    kind=MovementKind.CONVERSION,
    movement_id="c-1",
    wallet=None,
    asset="BTC",
    amount=Decimal("-0.25"),
    counter_asset="USDT",
    counter_amount=Decimal("10000.125"),
    status="done",
    settled=True,
    occurred_at=NOON,
)


def deal(deal_id: int, **changes: object) -> Deal:
    return replace(DEAL, deal_id=deal_id, **changes)


def order(order_id: int, **changes: object) -> Order:
    return replace(ORDER, order_id=order_id, **changes)


def transaction(transaction_id: str, **changes: object) -> Transaction:
    return replace(TRANSACTION, transaction_id=transaction_id, **changes)


def movement(movement_id: str, **changes: object) -> Movement:
    return replace(MOVEMENT, movement_id=movement_id, **changes)


def balance(asset: str, available: str, frozen: str = "0") -> Balance:
    """One of the spot wallet."""
    return Balance(
        asset=asset,
        available=Decimal(available),
        frozen=Decimal(frozen),
        borrowed=None,
        total=Decimal(available) + Decimal(frozen),
    )


def report(at: int, *balances: Balance, complete: bool = False) -> BalanceReport:
    """One of the spot wallet, `at` microseconds after noon."""
    return BalanceReport(
        wallet=Wallet.SPOT, balances=balances, complete=complete, observed_at=NOON + at
    )


def batch(
    *facts: Fact,
    source: Source = Source.STREAM,
    spans: Sequence[Span] = (),
    account: str = ACCOUNT,
    frames: Sequence[Frame] = (),
) -> Batch:
    return Batch(
        account=account, source=source, facts=facts, spans=tuple(spans), frames=tuple(frames)
    )


def frame(text: str, *, asked: str = "", at: int = 0) -> Frame:
    """One received `at` microseconds after noon."""
    return Frame(received_at=NOON + at, asked=asked, text=text.encode())


def apply(database: Database, *batches: Batch, now: int = NOON) -> list[Applied]:
    """In one transaction."""
    with database.writing() as connection:
        return applier(database).apply(connection, batches, now=now)


_APPLIERS: dict[str, Applier] = {}
"""By the kind of database, as that is all they know: to compile their statements takes longer than
most tests."""


def applier(database: Database) -> Applier:
    """One that was used before, by whichever test, which makes no difference to it."""
    kind = database.dialect.name
    if kind not in _APPLIERS:
        _APPLIERS[kind] = Applier(database)
    return _APPLIERS[kind]


def journal(database: Database, account: str = ACCOUNT) -> list[Kept]:
    """The rows of an account's journal."""
    with database.reading() as connection:
        id_ = Facts(database.dialect).account_id(connection, account)
        return list(Journal(database.dialect).rows(connection, id_))


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]
