"""Facts to store, with what a test doesn't care about filled in, and how to store them."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from reconciler.domain.facts import Balance, BalanceReport, Deal, Fact, Order
from reconciler.domain.moments import from_iso
from reconciler.domain.words import Role, Side, Source, Wallet
from reconciler.inbox import Applied, Batch, Span
from reconciler.store.apply import Applier
from reconciler.store.engine import Database

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


def deal(deal_id: int, **changes: object) -> Deal:
    return replace(DEAL, deal_id=deal_id, **changes)


def order(order_id: int, **changes: object) -> Order:
    return replace(ORDER, order_id=order_id, **changes)


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
    *facts: Fact, source: Source = Source.STREAM, spans: Sequence[Span] = (), account: str = ACCOUNT
) -> Batch:
    return Batch(account=account, source=source, facts=facts, spans=tuple(spans))


def apply(database: Database, *batches: Batch, now: int = NOON) -> list[Applied]:
    """In one transaction."""
    with database.writing() as connection:
        return Applier(database).apply(connection, batches, now=now)


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]
