"""The law of the record: it does not matter how often, in which order or in which transactions the
same facts arrive."""

import random
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.domain.facts import Deal, Fact, Movement, Order, Transaction
from reconciler.domain.words import Role, Source
from reconciler.inbox import Span
from reconciler.store.engine import Database, open_database
from reconciler.store.reads import Reads
from tests.store.samples import ACCOUNT, NOON, apply, batch, deal, movement, order, transaction

small = st.integers(0, 4)
volumes = st.sampled_from(["0", "0.1", "0.25", "0.50"]).map(Decimal)

deals = st.builds(
    lambda id_, order_id, role: deal(id_, order_id=order_id, role=role),
    small,
    small,
    st.sampled_from([None, Role.MAKER]),
)
orders = st.builds(
    lambda id_, filled, left, final, updated_at, text: order(
        id_,
        filled_amount=filled,
        filled_total=filled,
        remaining=left,
        final=final,
        status="canceled" if final else "open",
        updated_at=updated_at,
        client_order_id=text,
    ),
    small,
    volumes,
    st.none() | volumes,
    st.booleans(),
    st.none() | st.integers(NOON, NOON + 5),
    st.sampled_from([None, "a", "b\0"]),
)
ids = st.sampled_from(["1", "2", "3\0"])
transactions = st.builds(
    lambda id_, status, hash_, updated_at: transaction(
        id_, status=status, transaction_hash=hash_, updated_at=updated_at
    ),
    ids,
    st.sampled_from(["confirming", "frozen", "canceled", "success"]),
    st.sampled_from([None, "a", "b\0"]),
    st.integers(NOON, NOON + 5),
)
movements = st.builds(
    lambda id_, status, fee: movement(id_, status=status, settled=status == "paid", fee=fee),
    ids,
    st.sampled_from(["pending", "canceled", "paid"]),
    st.sampled_from([None, Decimal("0.50")]),
)
facts = st.lists(deals | orders | transactions | movements, max_size=12)

Record = tuple[list[Deal], list[Order], list[Transaction], list[Movement]]


def record(database: Database) -> Record:
    reads = Reads(database)
    return (
        reads.deals(ACCOUNT),
        reads.orders(ACCOUNT),
        reads.transactions(ACCOUNT),
        reads.movements(ACCOUNT),
    )


def emptied(database: Database) -> Database:
    with database.writing() as connection:
        for table in ("deals", "orders", "transactions", "movements"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    return database


def in_random_batches(database: Database, arrived: list[Fact], chance: random.Random) -> None:
    """Every fact at least once, some more often, cut into batches and transactions at random."""
    left = arrived + [fact for fact in arrived if chance.random() < 0.5]
    chance.shuffle(left)
    while left:
        transaction = []
        for _ in range(chance.randint(1, 3)):
            size = chance.randint(0, 5)
            transaction.append(batch(*left[:size], source=chance.choice(list(Source))))
            left = left[size:]
        apply(database, *transaction)


def check_the_law(database: Database, arrived: list[Fact], seed: int) -> None:
    apply(emptied(database), batch(*arrived))
    once = record(database)
    in_random_batches(database, arrived, random.Random(seed))
    assert record(database) == once, "what is known already changes nothing"
    in_random_batches(emptied(database), arrived, random.Random(seed))
    assert record(database) == once


law = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@law
@given(arrived=facts, seed=st.integers(0, 2**32))
def test_on_sqlite_the_record_depends_on_the_facts_alone(
    sqlite_url: str, arrived: list[Fact], seed: int
) -> None:
    check_the_law(open_database(sqlite_url), arrived, seed)


@law
@given(arrived=facts, seed=st.integers(0, 2**32))
def test_on_postgresql_the_record_depends_on_the_facts_alone(
    postgres_url: str, arrived: list[Fact], seed: int
) -> None:
    check_the_law(open_database(postgres_url), arrived, seed)


def test_both_databases_hold_the_same_record(sqlite_url: str, postgres_url: str) -> None:
    arrived = [deal(n, price=Decimal(n).scaleb(-n)) for n in range(1, 30)]
    both = [open_database(url) for url in (sqlite_url, postgres_url)]
    for database in both:
        apply(database, batch(*arrived, order(1), order(2, price=None)))
        apply(database, batch(transaction("1"), movement("1", fee=Decimal("-1E-12"))))
    assert record(both[0]) == record(both[1])


def span(since: int, until: int, stream: str = "deals") -> Span:
    return Span(stream=stream, since=NOON + since, until=NOON + until)


def test_spans_that_meet_become_one(database: Database) -> None:
    apply(database, batch(spans=[span(0, 5), span(9, 12)]))
    reads = Reads(database)
    assert reads.spans(ACCOUNT, "deals") == ((NOON, NOON + 5), (NOON + 9, NOON + 12))
    assert reads.unproven(ACCOUNT, "deals", NOON, NOON + 12) == ((NOON + 5, NOON + 9),)
    apply(database, batch(spans=[span(5, 9), span(1, 2, "orders")]))
    assert reads.spans(ACCOUNT, "deals") == ((NOON, NOON + 12),)
    assert reads.covered_until(ACCOUNT, "deals") == NOON + 12
    assert reads.covered_until(ACCOUNT, "orders") == NOON + 2


def test_an_empty_span_proves_nothing(database: Database) -> None:
    apply(database, batch(spans=[span(3, 3)]))
    assert Reads(database).covered_until(ACCOUNT, "deals") is None


def test_a_span_that_ends_before_it_begins_is_a_bug(database: Database) -> None:
    with pytest.raises(AssertionError):
        apply(database, batch(deal(1), spans=[span(3, 2)]))
    assert Reads(database).deals(ACCOUNT) == []
