"""The law of replay: whatever arrived, in whatever batches, the frames that are kept make the
record again; and however many of the oldest are gone, what is left is contained in it."""

import random
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.domain.facts import Balance, BalanceReport, Fact, Unreadable
from reconciler.domain.words import Role, Source, Wallet
from reconciler.inbox import Batch
from reconciler.store.engine import Database, open_database
from tests.replay.telling import Told, said
from tests.store.samples import NOON, applier, deal, movement, order, rows, transaction

small = st.integers(0, 3)
names = st.sampled_from(["a", "B", "ä"])
amounts = st.sampled_from(["1", "1", "1", "1.5"]).map(Decimal)
"""Told differently now and then, which the exchange should not do."""
parts = st.none() | st.sampled_from(["0", "0.1", "0.25"]).map(Decimal)

deals = st.builds(
    lambda id_, order_id, role, fee: deal(id_, order_id=order_id, role=role, fee=fee),
    small,
    small,
    st.sampled_from([None, Role.MAKER]),
    amounts,
)
orders = st.builds(
    lambda id_, filled, final, text: order(
        id_,
        filled_amount=filled,
        final=final,
        status="canceled" if final else "open",
        client_order_id=text,
    ),
    small,
    amounts,
    st.booleans(),
    st.sampled_from([None, "a", "b\0"]),
)
transactions = st.builds(
    lambda id_, status, amount: transaction(id_, status=status, amount=amount),
    names,
    st.sampled_from(["pending", "confirming", "success", "canceled"]),
    amounts,
)
movements = st.builds(lambda id_, amount: movement(id_, amount=amount), names, amounts)
balances = st.builds(
    lambda asset, available, frozen, borrowed, total: Balance(
        asset=asset, available=available, frozen=frozen, borrowed=borrowed, total=total
    ),
    names,
    parts,
    parts,
    parts,
    amounts,
)
reports = st.builds(
    lambda wallet, told, complete: BalanceReport(
        wallet=wallet, balances=tuple(told), complete=complete, observed_at=0
    ),
    st.sampled_from(Wallet),
    st.lists(balances, max_size=3, unique_by=lambda one: one.asset),
    st.booleans(),
)
unreadable = st.builds(
    lambda reason: Unreadable(stream="deals", reason=reason, excerpt="", received_at=NOON), names
)
facts = st.lists(
    deals | orders | transactions | movements | reports | reports | unreadable,
    min_size=1,
    max_size=20,
)

law = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def emptied(database: Database) -> Database:
    with database.writing() as connection:
        for table in (
            "deals",
            "orders",
            "transactions",
            "movements",
            "balances",
            "balance_history",
            "quarantine",
            "frames",
        ):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    return database


def arrive(database: Database, told: Told, arrived: Sequence[Fact], seed: int) -> None:
    """One after the other in time, cut into batches and commits at random."""
    chance = random.Random(seed)
    left = [
        replace(fact, observed_at=NOON + n) if isinstance(fact, BalanceReport) else fact
        for n, fact in enumerate(arrived)
    ]
    now = NOON
    while left:
        commit: list[Batch] = []
        for _ in range(chance.randint(1, 3)):
            size = chance.randint(0, 4)
            commit.append(told.batch(*left[:size], source=chance.choice(list(Source))))
            left = left[size:]
        with database.writing() as connection:
            applier(database).apply(connection, commit, now=(now := now + 1))


def check_the_law(database: Database, arrived: Sequence[Fact], seed: int) -> None:
    told = Told()
    arrive(emptied(database), told, arrived, seed)
    found = told.verify(database)
    assert (said(found), found.damaged, found.is_good) == ([], 0, True)
    if found.rows > 1:
        gone = random.Random(seed).randrange(1, found.rows)
        with database.writing() as connection:
            connection.exec_driver_sql(f"DELETE FROM frames WHERE seq <= {gone}")
        found = told.verify(database)
        assert (said(found), found.damaged, found.is_whole) == ([], 0, False)


@law
@given(arrived=facts, seed=st.integers(0, 2**32))
def test_on_sqlite_the_frames_make_the_record(
    sqlite_url: str, arrived: list[Fact], seed: int
) -> None:
    check_the_law(open_database(sqlite_url), arrived, seed)


@law
@given(arrived=facts, seed=st.integers(0, 2**32))
def test_on_postgresql_the_frames_make_the_record(
    postgres_url: str, arrived: list[Fact], seed: int
) -> None:
    check_the_law(open_database(postgres_url), arrived, seed)


@settings(law, max_examples=5)
@given(arrived=facts, seed=st.integers(0, 2**32))
def test_a_record_that_lost_everything_is_made_again(
    sqlite_url: str, arrived: list[Fact], seed: int
) -> None:
    database, told = emptied(open_database(sqlite_url)), Told()
    arrive(database, told, arrived, seed)
    queries = [
        f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4"
        for table in ("deals", "orders", "transactions", "movements", "balances")
    ]
    before = [rows(database, query) for query in queries]
    with database.writing() as connection:
        for table in ("deals", "orders", "transactions", "movements", "balances"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    assert told.mend(database).is_good
    assert [rows(database, query) for query in queries] == before
