"""Fencing: each new holder gets a higher token, and none but the newest writes."""

import threading

import pytest

from reconciler.inbox import Batch, Hold
from reconciler.store.apply import Applier
from reconciler.store.engine import Database, DatabaseAway, open_database
from reconciler.store.holders import AccountHeld, Fenced, Holder, holder_of, take
from reconciler.store.reads import Reads
from tests.store.samples import ACCOUNT, NOON, apply, batch, deal


def under(token: int | None, *deal_ids: int, account: str = ACCOUNT) -> Batch:
    """A batch as its holder hands it over."""
    plain = batch(*map(deal, deal_ids), account=account)
    hold = None if token is None else Hold(token=token, lost=lambda: None)
    return Batch(account=account, source=plain.source, facts=plain.facts, hold=hold)


def deal_ids(database: Database, account: str = ACCOUNT) -> list[int]:
    return [known.deal_id for known in Reads(database).deals(account)]


def test_each_new_holder_gets_a_higher_token_and_is_the_one_on_record(database: Database) -> None:
    assert holder_of(database, ACCOUNT) is None
    first = take(database, ACCOUNT, name="one pid 1", now=NOON)
    second = take(database, ACCOUNT, name="two pid 2", now=NOON + 1)
    assert second > first
    assert holder_of(database, ACCOUNT) == Holder(name="two pid 2", since=NOON + 1)
    assert take(database, "desk", name="one pid 1", now=NOON) == first, "accounts are independent"


def test_who_comes_back_keeps_its_token_if_nobody_came_in_between(database: Database) -> None:
    mine = take(database, ACCOUNT, name="one pid 1", now=NOON)
    assert take(database, ACCOUNT, name="one pid 1", now=NOON + 1, mine=mine) == mine
    assert holder_of(database, ACCOUNT) == Holder(name="one pid 1", since=NOON)
    other = take(database, ACCOUNT, name="two pid 2", now=NOON + 2)
    assert take(database, ACCOUNT, name="one pid 1", now=NOON + 3, mine=mine) > other


def test_a_batch_under_a_stale_token_is_refused_with_its_whole_transaction(
    database: Database,
) -> None:
    old = take(database, ACCOUNT, name="one pid 1", now=NOON)
    apply(database, under(old, 1))
    new = take(database, ACCOUNT, name="two pid 2", now=NOON)
    stale, fresh, other = under(old, 2), under(new, 3), under(None, 4, account="desk")
    with pytest.raises(Fenced, match="treasury has a later holder") as fenced:
        apply(database, other, fresh, stale)
    assert fenced.value.batches == [stale]
    assert deal_ids(database) == [1]
    assert deal_ids(database, "desk") == []
    apply(database, other, fresh)
    assert deal_ids(database) == [1, 3]
    assert deal_ids(database, "desk") == [4]


def test_a_token_that_nobody_gave_out_is_stale(database: Database) -> None:
    with pytest.raises(Fenced):
        apply(database, under(1, 1))


def test_a_new_holder_waits_for_the_commit_that_is_under_way(postgres_url: str) -> None:
    """Or it would read a record that its forerunner is about to change."""
    database = open_database(postgres_url)
    old = take(database, ACCOUNT, name="one pid 1", now=NOON)
    seen: list[list[int]] = []

    def come() -> None:
        take(database, ACCOUNT, name="two pid 2", now=NOON)
        seen.append(deal_ids(database))

    coming = threading.Thread(target=come)
    with database.writing() as connection:
        Applier(database).apply(connection, [under(old, 1)], now=NOON)
        coming.start()
        while not _waiting(database):
            """It is on its way."""
    coming.join()
    assert seen == [[1]]


def _waiting(database: Database) -> bool:
    with database.reading() as connection:
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return bool(connection.exec_driver_sql(query).scalar_one())


def test_it_does_not_wait_for_ever(postgres_url: str) -> None:
    """A machine that is gone may have left a commit half done; the server will notice."""
    database = open_database(postgres_url)
    old = take(database, ACCOUNT, name="one pid 1", now=NOON)
    with database.writing() as connection:
        Applier(database).apply(connection, [under(old, 1)], now=NOON)
        with pytest.raises(DatabaseAway, match="lock timeout"):
            take(database, ACCOUNT, name="two pid 2", now=NOON, patience=1000)
    assert deal_ids(database) == [1]


def test_the_refusal_says_who_and_since_when() -> None:
    holder = Holder(name="desk1 pid 77", since=NOON)
    assert str(AccountHeld(ACCOUNT, holder)) == (
        "account treasury is held by desk1 pid 77 since 2026-01-02T12:00:00.123456Z; "
        "stop that one, or leave it the work"
    )
    assert "held by another process" in str(AccountHeld(ACCOUNT, None))
