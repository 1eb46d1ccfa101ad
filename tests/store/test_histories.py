"""Deposits, withdrawals and movements, on both databases."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from reconciler.domain.facts import Movement, Transaction
from reconciler.domain.words import MovementKind, Source, TransactionKind, Wallet
from reconciler.inbox import Applied
from reconciler.store import schema
from reconciler.store.columns import ID_MAX
from reconciler.store.engine import Database, open_database
from reconciler.store.reads import Reads
from reconciler.store.statements import LookUp
from tests.store.samples import ACCOUNT, NOON, apply, batch, movement, rows, transaction


def quarantine(database: Database) -> list[tuple[object, ...]]:
    return rows(database, "SELECT stream, reason FROM v_quarantine ORDER BY id")


WHOLE_TRANSACTION = Transaction(
    kind=TransactionKind.WITHDRAWAL,
    transaction_id="0b8c7a3e",
    asset="BTC",
    network="BTC",
    amount=Decimal("1234567890123456789012345678.901234567891"),
    fee=Decimal("0.000000000001"),
    status="partial",
    processed_amount=Decimal("0.1"),
    processed_fee=Decimal(0),
    address="bc1q",
    transaction_hash="00ab",
    unique_id="mine",
    created_at=NOON,
    updated_at=NOON + 1,
)
WHOLE_MOVEMENT = Movement(
    kind=MovementKind.POSITION,
    movement_id="7/8/9",
    wallet=Wallet.COLLATERAL,
    asset="USDT",
    amount=Decimal("-0.000000000001"),
    counter_asset="USDT",
    counter_amount=Decimal("-1234567890123456789012345678.901234567891"),
    fee=Decimal("-0.1"),
    status="closed",
    settled=True,
    market="BTC_PERP",
    order_id=ID_MAX,
    reference="7",
    occurred_at=NOON,
)


def test_every_field_comes_back(database: Database) -> None:
    bare = movement("bare", asset=None, counter_asset=None, counter_amount=None, settled=False)
    arrived = batch(WHOLE_TRANSACTION, transaction("d"), WHOLE_MOVEMENT, bare)
    assert apply(database, arrived) == [Applied(transactions=2, movements=2)]
    assert Reads(database).transactions(ACCOUNT) == [transaction("d"), WHOLE_TRANSACTION]
    assert Reads(database).movements(ACCOUNT) == [bare, WHOLE_MOVEMENT]


def test_what_is_known_already_is_not_learned_again(database: Database) -> None:
    seen = batch(transaction("d"), movement("c"), source=Source.BACKFILL)
    assert apply(database, seen, seen) == [Applied(transactions=1, movements=1), Applied()]
    again = transaction("d", updated_at=NOON + 9)
    assert apply(database, batch(again, source=Source.SWEEP)) == [Applied()]


def test_a_status_that_goes_on_is_learned_and_the_source_stays(database: Database) -> None:
    apply(database, batch(transaction("d"), source=Source.BACKFILL))
    credited = transaction("d", status="success", updated_at=NOON + 9)
    assert apply(database, batch(credited, source=Source.SWEEP)) == [Applied(transactions=1)]
    assert Reads(database).transactions(ACCOUNT) == [credited]
    assert rows(database, "SELECT source FROM transactions") == [("backfill",)]
    assert apply(database, batch(transaction("d"))) == [Applied()]


def test_sights_in_one_batch_are_joined(database: Database) -> None:
    credited = transaction("d", status="success", updated_at=NOON)
    assert apply(database, batch(credited, transaction("d"))) == [Applied(transactions=1)]
    assert Reads(database).transactions(ACCOUNT) == [credited]


def test_one_id_may_name_a_deposit_and_a_withdrawal(database: Database) -> None:
    both = transaction("1"), transaction("1", kind=TransactionKind.WITHDRAWAL)
    moved = movement("1"), movement("1", kind=MovementKind.LENDING)
    assert apply(database, batch(*both, *moved)) == [Applied(transactions=2, movements=2)]


def test_a_settled_one_told_differently_is_a_finding_and_the_known_one_stays(
    database: Database,
) -> None:
    known = transaction("d", status="success"), movement("c")
    apply(database, batch(*known))
    restated = [replace(fact, amount=Decimal(7)) for fact in known]
    assert apply(database, batch(*restated)) == [Applied(unreadable=2)]
    assert Reads(database).transactions(ACCOUNT) == [known[0]]
    assert Reads(database).movements(ACCOUNT) == [known[1]]
    assert quarantine(database) == [
        ("transactions", "deposit d restated: amount was 100.5, now 7"),
        ("movements", "conversion c restated: amount was -0.25, now 7"),
    ]
    # Each sweep reads it again, and we are told again.
    later = replace(restated[0], updated_at=NOON + 99)
    assert apply(database, batch(later, restated[1]), now=NOON + 99) == [Applied()]


def test_contradictions_in_one_batch_keep_the_first(database: Database) -> None:
    told = movement("c"), movement("c", amount=Decimal(7))
    assert apply(database, batch(*told)) == [Applied(movements=1, unreadable=1)]
    assert Reads(database).movements(ACCOUNT) == [movement("c")]


def test_an_order_id_that_no_database_holds_is_a_finding(database: Database) -> None:
    applied = apply(database, batch(movement("a", order_id=ID_MAX + 1), movement("b")))
    assert applied == [Applied(movements=1, unreadable=1)]
    assert quarantine(database) == [("movements", "the id does not fit into 64 bits")]


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "'; DROP TABLE movements; --", ""])
def test_hostile_text_is_stored_and_read_again_without_contradiction(
    database: Database, text: str
) -> None:
    arrived = batch(
        transaction(text, address=text, network=text, status=text),
        movement(text, reference=text, status=text, market=text),
    )
    assert apply(database, arrived) == [Applied(transactions=1, movements=1)]
    assert apply(database, arrived) == [Applied()]


def test_any_number_is_looked_up(database: Database) -> None:
    many = [transaction(f"{n:04}") for n in range(1100)]
    assert apply(database, batch(*many)) == [Applied(transactions=1100)]
    credited = [replace(fact, status="success") for fact in many]
    assert apply(database, batch(*credited)) == [Applied(transactions=1100)]
    assert Reads(database).transactions(ACCOUNT) == credited


def test_sqlite_looks_them_up_by_their_whole_key(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    for table, by in (
        (schema.transactions, ("kind", "transaction_id")),
        (schema.movements, ("kind", "movement_id")),
    ):
        query = LookUp(database.dialect, table, by=by)._text(8)
        with database.reading() as connection:
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {query}", (1,) * query.count("?")
            ).all()
        key = " AND ".join(f"{name}=?" for name in ["account_id", *by])
        assert f"SEARCH {table.name} USING PRIMARY KEY ({key})" in [row[3] for row in plan]
