"""The journal keeps within its limits, the oldest going first, and is never emptied."""

import random
from itertools import pairwise

from reconciler.domain.facts import Frame
from reconciler.domain.moments import DAY
from reconciler.store.apply import Applier
from reconciler.store.engine import Database
from reconciler.store.frames import Kept
from reconciler.store.retention import BYTES_DELETED_MAX, PAUSE, Retention, Trimmer
from tests.store.samples import ACCOUNT, NOON, batch, journal

PLENTY = 1 << 40


def incompressible(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def keep(database: Database, *frames: bytes, at: int = 0, account: str = ACCOUNT) -> None:
    """A commit for each frame, `at` microseconds after noon."""
    applier = Applier(database)
    for text in frames:
        one = Frame(received_at=NOON + at, asked="", text=text)
        with database.writing() as connection:
            applier.apply(connection, [batch(frames=[one], account=account)], now=NOON + at)


def trim(
    database: Database, trimmer: Trimmer, *, at: int = 0, account: str = ACCOUNT, steps: int = 100
) -> int:
    """As many steps as are due; how many that were."""
    for step in range(steps):
        if not trimmer.is_due(account, NOON + at):
            return step
        with database.writing() as connection:
            trimmer.step(connection, account, NOON + at)
    return steps


def seqs(database: Database, account: str = ACCOUNT) -> list[int]:
    return [row.seq for row in journal(database, account)]


def held(rows: list[Kept]) -> int:
    return sum(len(row.body) for row in rows)


def test_what_is_too_old_goes(database: Database) -> None:
    for day in range(5):
        keep(database, b"a", b"b", at=day * DAY)
    trimmer = Trimmer(Retention(keep=2 * DAY, size=PLENTY))
    trim(database, trimmer, at=4 * DAY)
    assert seqs(database) == [5, 6, 7, 8, 9, 10]


def test_what_is_too_much_goes_the_oldest_first(database: Database) -> None:
    keep(database, *(incompressible(10_000, seed) for seed in range(20)))
    trim(database, Trimmer(Retention(keep=DAY, size=55_000)))
    assert seqs(database) == [16, 17, 18, 19, 20]


def test_the_newest_row_stays_whatever_the_limits(database: Database) -> None:
    keep(database, b"a", b"b", b"c")
    trim(database, Trimmer(Retention(keep=1, size=0)), at=DAY)
    assert seqs(database) == [3]


def test_what_stays_is_a_chain_that_goes_on(database: Database) -> None:
    keep(database, b"a", b"b", b"c")
    trim(database, Trimmer(Retention(keep=DAY, size=0)))
    keep(database, b"d", b"e")
    rows = journal(database)
    assert [row.seq for row in rows] == [3, 4, 5]
    assert all(after.previous == before.digest for before, after in pairwise(rows))


def test_what_comes_later_is_counted_too(database: Database) -> None:
    trimmer = Trimmer(Retention(keep=DAY, size=55_000))
    for turn in range(4):
        keep(database, *(incompressible(10_000, 10 * turn + n) for n in range(4)))
        trim(database, trimmer, at=turn * PAUSE)
        assert 40_000 <= held(journal(database)) <= 55_000


def test_an_account_is_looked_at_once_in_a_while(database: Database) -> None:
    trimmer = Trimmer(Retention(keep=DAY, size=PLENTY))
    keep(database, b"a")
    assert trim(database, trimmer) == 1
    assert trim(database, trimmer, at=PAUSE - 1) == 0
    assert trim(database, trimmer, at=PAUSE) == 1


def test_each_account_has_limits_of_its_own(database: Database) -> None:
    keep(database, b"a", b"b")
    keep(database, b"a", b"b", account="desk")
    trimmer = Trimmer(Retention(keep=DAY, size=0))
    trim(database, trimmer)
    assert (seqs(database), seqs(database, "desk")) == ([2], [1, 2])
    trim(database, trimmer, account="desk")
    assert seqs(database, "desk") == [2]


def test_an_account_without_a_journal_is_left_alone(database: Database) -> None:
    trimmer = Trimmer(Retention(keep=DAY, size=0))
    assert trim(database, trimmer, account="nobody") == 1


def test_much_goes_in_small_steps(database: Database) -> None:
    size = BYTES_DELETED_MAX // 4
    keep(database, *(incompressible(size, seed) for seed in range(17)))
    trimmer = Trimmer(Retention(keep=DAY, size=0))
    trim(database, trimmer, steps=1)
    assert seqs(database) == list(range(5, 18))
    assert trim(database, trimmer) > 2
    assert seqs(database) == [17]


def test_what_others_have_trimmed_is_counted_anew(database: Database) -> None:
    ours, theirs = (Trimmer(Retention(keep=DAY, size=limit)) for limit in (55_000, 25_000))
    keep(database, *(incompressible(10_000, seed) for seed in range(5)))
    trim(database, ours)
    trim(database, theirs)
    assert seqs(database) == [4, 5]
    keep(database, *(incompressible(10_000, seed) for seed in range(5, 8)))
    trim(database, ours, at=PAUSE)
    assert seqs(database) == [4, 5, 6, 7, 8]


def test_a_step_that_failed_is_made_again(database: Database) -> None:
    keep(database, *(incompressible(10_000, seed) for seed in range(5)))
    trimmer = Trimmer(Retention(keep=DAY, size=25_000))
    with database.connect() as connection, connection.begin() as transaction:
        trimmer.step(connection, ACCOUNT, NOON)
        transaction.rollback()
    trimmer.forget()
    trim(database, trimmer)
    assert seqs(database) == [4, 5]
