"""The record is what the kept frames make it, or it is said where it is not, and mended."""

from decimal import Decimal
from typing import Any

import pytest

from reconciler.domain.facts import Fact, Market, Unreadable
from reconciler.domain.words import Source
from reconciler.replay.compare import Kind
from reconciler.replay.run import replay
from reconciler.store.apply import Applier
from reconciler.store.engine import Database, open_database
from reconciler.store.holders import AccountHeld
from reconciler.store.lock import open_locks
from tests.replay.telling import Told, said
from tests.store.samples import (
    ACCOUNT,
    NOON,
    apply,
    balance,
    batch,
    deal,
    movement,
    order,
    report,
    rows,
    transaction,
)

TABLES = (
    "deals",
    "orders",
    "balances",
    "balance_history",
    "transactions",
    "movements",
    "quarantine",
)
MARKET = Market(name="BTC_USDT", base_asset="BTC", quote_asset="USDT", kind="spot")
UNREADABLE = Unreadable(stream="deals", reason="odd", excerpt="[]", received_at=NOON)
DELETE_OLDEST = "DELETE FROM frames WHERE seq <= {}"


def change(database: Database, *statements: str) -> None:
    with database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.fixture
def told() -> Told:
    return Told()


def fill(database: Database, told: Told) -> None:
    """Something of everything, in three commits."""
    opening = report(0, balance("BTC", "1"))
    later = order(10, filled_amount=Decimal("0.25"), updated_at=NOON + 9)
    risen = report(5, balance("BTC", "2"), balance("USDT", "0.5"))
    highest = report(6, balance("BTC", "3"))
    commits = (
        [told.batch(MARKET, deal(1, role=None), order(10), opening)],
        [
            told.batch(transaction("a"), movement("b"), UNREADABLE, source=Source.BACKFILL),
            told.batch(deal(1), deal(2, order_id=11), source=Source.SWEEP),
        ],
        [told.batch(later, order(11, client_order_id="ä_%"), risen, highest)],
    )
    applier = Applier(database)
    for batches in commits:
        with database.writing() as connection:
            applier.apply(connection, batches, now=NOON)


def test_an_untouched_record_is_what_its_frames_tell(database: Database, told: Told) -> None:
    fill(database, told)
    found = told.verify(database)
    assert (found.is_good, found.is_whole, found.damaged, said(found)) == (True, True, 0, [])
    assert (found.rows, found.frames) == (4, 13)


def test_a_record_without_frames_has_nothing_to_compare(database: Database, told: Told) -> None:
    apply(database, batch(deal(1)))
    found = told.verify(database)
    assert (found.rows, found.first, found.is_good) == (0, 0, True)
    assert replay(database, told.decode, only="nobody").accounts == ()


ALTERED = {
    "values": (
        "UPDATE deals SET fee = '7' WHERE deal_id = 1",
        "UPDATE orders SET status = 'filled' WHERE order_id = 11",
        "UPDATE balances SET total = '3' WHERE asset = 'USDT'",
        "UPDATE balance_history SET available = '3' WHERE asset = 'USDT'",
        "UPDATE transactions SET amount = '3'",
        "UPDATE movements SET amount = '3'",
        "UPDATE quarantine SET reason = 'strange'",
    ),
    "sources": (
        "UPDATE deals SET source = 'query'",
        "UPDATE orders SET source = 'query' WHERE order_id = 11",
        "UPDATE balances SET source = 'query' WHERE asset = 'BTC'",
    ),
    "rows gone": (
        "DELETE FROM deals WHERE deal_id = 1",
        "DELETE FROM orders WHERE order_id = 10",
        "DELETE FROM balances WHERE asset = 'BTC'",
        "DELETE FROM balance_history WHERE asset = 'USDT'",
        "DELETE FROM transactions",
        "DELETE FROM movements",
        "DELETE FROM quarantine",
    ),
}


KIND: dict[str, Kind] = {"values": "different", "sources": "different", "rows gone": "missing"}


@pytest.mark.parametrize("altered", ALTERED)
def test_what_somebody_altered_is_found_row_by_row_and_mended(
    database: Database, told: Told, altered: str
) -> None:
    fill(database, told)
    change(database, *ALTERED[altered])
    mended = told.mend(database)
    kind = KIND[altered]
    counts = {(table, kind): 1 for table in TABLES[: len(ALTERED[altered])]}
    if altered == "sources":
        counts["deals", kind] = 2
    assert mended.comparison.counts == counts
    assert (mended.comparison.mended, mended.is_good) == (sum(counts.values()), True)
    after = told.verify(database)
    assert (said(after), after.is_good) == ([], True)


def test_to_verify_changes_nothing(database: Database, told: Told) -> None:
    fill(database, told)
    change(database, "DELETE FROM deals")
    found = told.verify(database)
    assert (found.comparison.left, found.comparison.mended, found.is_good) == (2, 0, False)
    assert rows(database, "SELECT count(*) FROM deals") == [(0,)]


def test_a_difference_says_what_is_and_what_should_be(database: Database, told: Told) -> None:
    fill(database, told)
    change(
        database,
        "UPDATE deals SET fee = '7', role = NULL WHERE deal_id = 2",
        "DELETE FROM orders WHERE order_id = 10",
        "UPDATE orders SET order_id = 99 WHERE order_id = 11",
    )
    assert said(told.verify(database)) == [
        "deals 11 2: role is nothing, the frames tell maker, fee is 7, "
        "the frames tell 0.000000000001",
        "orders 10: the frames tell of it, the record does not have it",
        "orders 11: the frames tell of it, the record does not have it",
        "orders 99: the record has it, no frame tells of it",
    ]


def test_what_no_frame_tells_is_reported_and_stays(database: Database, told: Told) -> None:
    fill(database, told)
    apply(database, batch(deal(5), movement("z"), UNREADABLE))
    mended = told.mend(database)
    assert mended.comparison.counts == {("deals", "surplus"): 1, ("movements", "surplus"): 1}
    assert (mended.comparison.mended, mended.is_good) == (0, False)
    assert rows(database, "SELECT count(*) FROM deals WHERE deal_id = 5") == [(1,)]


def test_a_decoder_that_was_mended_mends_the_record(database: Database, told: Told) -> None:
    """And what the old one could not read stays in the quarantine, without being a difference."""
    apply(database, told.batch(deal(1, fee=Decimal(8)), UNREADABLE))
    apply(database, told.batch(deal(2)))
    told.facts[:2] = [(deal(1, fee=Decimal("0.8")),), (deal(3),)]
    assert said(told.verify(database)) == [
        "deals 10 1: fee is 8, the frames tell 0.8",
        "deals 10 3: the frames tell of it, the record does not have it",
    ]
    assert told.mend(database).is_good
    assert rows(database, "SELECT deal_id FROM deals ORDER BY 1") == [(1,), (2,), (3,)]
    assert told.verify(database).is_good


def test_what_is_mended_is_posted(database: Database, told: Told) -> None:
    """As if it had been understood from the first."""
    moved = movement("a", amount=Decimal(-1)), transaction("b", fee=Decimal(0), status="success")
    wrong = deal(1, fee=Decimal(8)), order(10, type="margin_limit"), *moved
    right = deal(1, fee=Decimal("0.8")), order(10), movement("a"), moved[1]
    apply(database, told.batch(MARKET, *wrong, UNREADABLE))
    told.facts[1:] = [(fact,) for fact in (*right, deal(2, fee=Decimal(3)))]
    assert told.mend(database).is_good
    from_the_first = [fact for facts in told.facts for fact in facts]
    apply(database, batch(*from_the_first, account="desk"))
    query = "SELECT book, asset, balance FROM v_trial_balance WHERE account = '{}' ORDER BY 1, 2"
    books = [row for row in rows(database, query.format(ACCOUNT)) if row[2] not in ("0", 0)]
    assert books == rows(database, query.format("desk"))
    assert ("expenses:fees", "USDT", Decimal("3.8")) in [
        (book, asset, Decimal(str(amount))) for book, asset, amount in books
    ]


def test_markets_are_compared_when_all_accounts_are(database: Database, told: Told) -> None:
    newer = Market(name="BTC_USDT", base_asset="XBT", quote_asset="USDT", kind="spot")
    apply(database, told.batch(MARKET), now=NOON)
    apply(database, told.batch(newer, account="desk"), now=NOON + 1)
    assert replay(database, told.decode).is_good
    change(database, "UPDATE markets SET base_asset = 'ABC'")
    assert replay(database, told.decode, only=ACCOUNT).is_good
    found = replay(database, told.decode)
    assert [str(one) for one in found.markets.shown] == [
        "markets BTC_USDT: base_asset is ABC, the frames tell XBT"
    ]
    assert not found.is_good


def test_accounts_are_told_apart(database: Database, told: Told) -> None:
    apply(database, told.batch(deal(1)), told.batch(deal(1, fee=Decimal(2)), account="desk"))
    change(database, "UPDATE deals SET fee = '3' WHERE fee = '2'")
    found = {report.account: report.is_good for report in replay(database, told.decode).accounts}
    assert found == {ACCOUNT: True, "desk": False}


@pytest.mark.parametrize(("field", "seq"), [("body", 1), ("digest", 2), ("previous", 4)])
def test_a_flipped_byte_in_the_journal_is_named_and_nothing_is_written(
    database: Database, told: Told, field: str, seq: int
) -> None:
    fill(database, told)
    with database.writing() as connection:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        [[value]] = connection.exec_driver_sql(f"SELECT {field} FROM frames WHERE seq = {seq}")
        value = bytes([value[0] ^ 1]) + value[1:]
        connection.exec_driver_sql(
            f"UPDATE frames SET {field} = {mark} WHERE seq = {seq}", (value,)
        )
    found = told.verify(database)
    assert [(one.seq, one.recorded_at) for one in found.damage] == [(seq, NOON)]
    assert (said(found), found.is_whole, found.is_good) == ([], False, False)
    change(database, "DELETE FROM orders")
    found = told.mend(database)
    assert found.comparison.mended == 0
    assert rows(database, "SELECT count(*) FROM orders") == [(0,)]


def test_what_was_kept_after_a_damage_is_compared(database: Database, told: Told) -> None:
    fill(database, told)
    apply(database, told.batch(deal(7)))
    change(
        database,
        "DELETE FROM frames WHERE seq IN (3, 4)",
        "UPDATE deals SET fee = '7' WHERE deal_id IN (1, 7)",
    )
    found = told.verify(database)
    assert [(one.seq, one.last) for one in found.damage] == [(3, 4)]
    assert said(found) == ["deals 10 7: fee is 7, the frames tell 0.000000000001"]


def test_a_text_that_became_none_is_a_difference(sqlite_url: str, told: Told) -> None:
    database = open_database(sqlite_url)
    fill(database, told)
    change(database, "UPDATE deals SET market = CAST(x'42ff43' AS TEXT) WHERE deal_id = 1")
    assert said(told.verify(database)) == [
        r"deals 10 1: market is B\xffC, the frames tell BTC_USDT"
    ]
    change(database, "UPDATE frames SET source = CAST(x'42ff43' AS TEXT) WHERE seq = 2")
    assert [one.seq for one in told.verify(database).damage] == [2]


def test_to_mend_an_account_it_must_be_free(database: Database, told: Told) -> None:
    fill(database, told)
    locks = open_locks(database)
    assert locks.acquire(ACCOUNT)
    with pytest.raises(AccountHeld):
        told.mend(database)
    assert told.verify(database).is_good
    locks.close()
    assert told.mend(database).is_good


def test_who_loses_the_account_meanwhile_mends_nothing(database: Database, told: Told) -> None:
    fill(database, told)
    change(database, "DELETE FROM deals")
    decode = told.decode

    def somebody_else_takes_it(frame: Any) -> tuple[Fact, ...]:
        change(database, "UPDATE holders SET token = token + 1, holder = 'another'")
        return decode(frame)

    told.decode = somebody_else_takes_it  # type: ignore[method-assign]
    with pytest.raises(AccountHeld, match="is held by another"):
        told.mend(database)
    assert rows(database, "SELECT count(*) FROM deals") == [(0,)]


def test_it_compares_one_state_while_a_daemon_goes_on_writing(
    database: Database, told: Told
) -> None:
    fill(database, told)
    decode, busy = told.decode, iter(range(100, 10_000))

    def meanwhile(frame: Any) -> tuple[Fact, ...]:
        apply(
            database, batch(deal(next(busy)), report(next(busy), balance("BTC", str(next(busy)))))
        )
        return decode(frame)

    told.decode = meanwhile  # type: ignore[method-assign]
    assert told.verify(database).is_good
    assert rows(database, "SELECT count(*) FROM deals") == [(15,)]


# What is left of a journal whose oldest rows are gone.


def test_what_is_left_of_a_journal_is_contained_in_the_record(
    database: Database, told: Told
) -> None:
    fill(database, told)
    for seq in (1, 2, 3):
        change(database, DELETE_OLDEST.format(seq))
        found = told.verify(database)
        assert (said(found), found.is_good, found.is_whole) == ([], True, False)
        assert found.rows == 4 - seq


@pytest.mark.parametrize("altered", ["values", "rows gone"])
def test_with_what_is_left_the_record_is_mended(
    database: Database, told: Told, altered: str
) -> None:
    fill(database, told)
    apply(database, told.batch(deal(1), order(10), report(9, balance("USDT", "7"))))
    change(database, *ALTERED[altered][:4], DELETE_OLDEST.format(2))
    found = told.mend(database)
    assert set(found.comparison.counts) >= {("deals", KIND[altered]), ("balances", KIND[altered])}
    assert found.is_good
    assert said(told.verify(database)) == []


def test_mending_with_what_is_left_keeps_what_only_the_rest_told(
    database: Database, told: Told
) -> None:
    apply(database, told.batch(deal(1), source=Source.SWEEP))
    apply(database, told.batch(deal(1, client_order_id=None, role=None, fee=Decimal(5))))
    change(database, DELETE_OLDEST.format(1), "DELETE FROM quarantine")
    assert said(told.verify(database)) == ["deals 10 1: fee is 0.000000000001, the frames tell 5"]
    assert told.mend(database).is_good
    assert rows(database, "SELECT role, source FROM deals") == [("maker", "sweep")]


@pytest.mark.parametrize("then", [[], [deal(1), transaction("a", status="success")]])
def test_a_contradiction_that_is_on_record_is_no_difference(
    database: Database, told: Told, then: list[Fact]
) -> None:
    """Nor that it is found the other way round, where what was told first is told no more."""
    apply(database, told.batch(deal(1), transaction("a", status="success")))
    other = deal(1, fee=Decimal(5)), transaction("a", status="success", amount=Decimal("9.25"))
    apply(database, told.batch(*other))
    apply(database, told.batch(*then))
    assert rows(database, "SELECT count(*) FROM quarantine") == [(2,)]
    change(database, DELETE_OLDEST.format(1))
    assert said(told.verify(database)) == []
