"""One account after the other: check its journal, make its record anew, compare, mend.

All that is compared is of one moment, however long it takes and whatever a daemon does meanwhile,
as one transaction reads it.  Who mends must hold the account as a daemon does.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, func, select

from reconciler.domain.words import Source
from reconciler.inbox import Batch, Hold
from reconciler.replay.chain import Damage, checked
from reconciler.replay.compare import Difference, differences
from reconciler.replay.mend import Mender
from reconciler.replay.reader import Reader
from reconciler.replay.report import Comparison, Report, Result
from reconciler.replay.scratch import Decoder, Scratch, open_scratch
from reconciler.replay.tables import MARKETS, OF_ACCOUNT, RESTATED, Derived
from reconciler.store.columns import storable
from reconciler.store.engine import Database
from reconciler.store.frames import Journal
from reconciler.store.holders import (
    AccountHeld,
    Fence,
    Fenced,
    Holder,
    holder_of,
    last_holder,
    take,
)
from reconciler.store.lock import open_locks
from reconciler.store.schema import accounts, frames, quarantine

Progress = Callable[[str, int, int], None]
"""Told an account, how many rows of its journal are done, and how many there are."""

Note = Callable[[Difference], None]


def replay(
    database: Database,
    decode: Decoder,
    *,
    only: str | None = None,
    mending: Holder | None = None,
    progress: Progress = lambda account, done, total: None,
) -> Result:
    """Replays the journals of all accounts, or of one; mends as that holder, or only compares.

    Raises AccountHeld where an account is to be mended that another process has, or gets meanwhile,
    and DatabaseUnusable.
    """
    with ExitStack() as stack:
        holds: Mapping[str, Hold] | None = None
        if mending is not None:
            with database.reading() as connection:
                names = [name for name, _ in _journals(connection, only)]
            holds = stack.enter_context(_held(database, names, mending))
        connection = stack.enter_context(database.reading())
        _take_texts_as_they_are(connection)
        now = 0 if mending is None else mending.since
        work = _Work(database, connection, stack.enter_context(open_scratch(decode)), holds, now)
        reports = [
            work.account(name, id_, progress)
            for name, id_ in _journals(connection, only)
            if holds is None or name in holds
        ]
        # The scratch has what the account told last that was heard last: of all, or it is no proof.
        is_all = only is None and not any(report.damaged for report in reports)
        markets = work.markets() if is_all else Comparison()
    return Result(accounts=tuple(sorted(reports, key=lambda one: one.account)), markets=markets)


class _Work:
    """A state of the record, the scratch beside it, and under what right to mend."""

    def __init__(
        self,
        database: Database,
        connection: Connection,
        scratch: Scratch,
        holds: Mapping[str, Hold] | None,
        now: int,
    ) -> None:
        self._database = database
        self._known = connection
        self._scratch = scratch
        self._journal = Journal(database.dialect)
        self._holds = holds
        self._now = now

    def account(self, name: str, id_: int, progress: Progress) -> Report:
        """Checks, replays and compares one account; one whose journal is damaged is not mended."""
        report = Report(account=name)
        self._check(report, id_)
        if report.rows:
            self._tell(report, id_, progress)
            with self._noting(report.comparison, name, id_, only_note=report.damaged > 0) as note:
                for derived in OF_ACCOUNT:
                    self._compare(derived, note, name, id_, is_whole=report.is_whole)
        return report

    def markets(self) -> Comparison:
        """Compares what belongs to no account."""
        comparison = Comparison()
        with self._noting(comparison) as note:
            self._compare(MARKETS, note, is_whole=True)
        return comparison

    def _check(self, report: Report, id_: int) -> None:
        for found in checked(self._journal.rows(self._known, id_)):
            if isinstance(found, Damage):
                report.damaged_by(found)
            else:
                report.count(found)

    def _tell(self, report: Report, id_: int, progress: Progress) -> None:
        """Makes the record of the rows behind the last that is damaged."""
        done = 0
        for row in self._journal.rows(self._known, id_, after=report.sound_after):
            self._scratch.add(report.account, row)
            progress(report.account, done := done + 1, report.rows)
        self._scratch.finish()

    def _compare(
        self, derived: Derived, note: Note, name: str = "", id_: int = 0, *, is_whole: bool
    ) -> None:
        with self._scratch.database.reading() as told:
            known_groups = Reader(derived, self._known.dialect).groups(self._known, id_)
            told_groups = Reader(derived, told.dialect).groups(told, _number(told, name))
            for difference in differences(
                derived,
                known_groups,
                told_groups,
                is_whole=is_whole,
                is_on_record=lambda what: self._is_quarantined(id_, what),
            ):
                note(difference)

    def _is_quarantined(self, id_: int, what: str) -> bool:
        """Whether it is on record that the exchange told this thing differently before."""
        told = quarantine.c.reason.startswith(storable(f"{what}{RESTATED}"), autoescape=True)
        found = select(quarantine.c.id).where(quarantine.c.account_id == id_, told)
        return self._known.execute(found.limit(1)).first() is not None

    @contextmanager
    def _noting(
        self,
        comparison: Comparison,
        name: str | None = None,
        id_: int | None = None,
        *,
        only_note: bool = False,
    ) -> Iterator[Note]:
        """Takes differences, and mends those that can be, in a transaction that begins with the
        first of them."""
        mender: Mender | None = None
        with ExitStack() as stack:

            def note(difference: Difference) -> None:
                nonlocal mender
                comparison.note(difference)
                if self._holds is None or only_note or difference.told is None:
                    return
                if mender is None:
                    writing = stack.enter_context(self._database.writing())
                    if name is not None and id_ is not None:
                        # Nobody else may have held it since what is compared was read.
                        claim = Batch(account=name, source=Source.QUERY, hold=self._holds[name])
                        try:
                            Fence(writing.dialect).check(writing, {name: id_}, [claim])
                        except Fenced:
                            raise AccountHeld(name, last_holder(writing, name)) from None
                    mender = Mender(writing, id_, self._now)
                mender.mend(difference)
                comparison.mended += 1

            yield note
            if mender is not None:
                mender.flush()


@contextmanager
def _held(database: Database, names: list[str], holder: Holder) -> Iterator[Mapping[str, Hold]]:
    """The right to write these accounts, which no daemon has meanwhile."""
    locks = open_locks(database)
    try:
        holds = {}
        for name in names:
            if not locks.acquire(name):
                raise AccountHeld(name, holder_of(database, name))
            token = take(database, name, name=holder.name, now=holder.since)
            holds[name] = Hold(token=token, lost=lambda: None)
        yield holds
    finally:
        locks.close()


def _journals(connection: Connection, only: str | None) -> list[tuple[str, int]]:
    """The accounts by name and number, in the order in which they were last heard."""
    heard = (
        select(func.max(frames.c.recorded_at))
        .where(frames.c.account_id == accounts.c.account_id)
        .scalar_subquery()
    )
    wanted = select(accounts.c.name, accounts.c.account_id).order_by(heard, accounts.c.name)
    if only is not None:
        wanted = wanted.where(accounts.c.name == only)
    return [(row.name, row.account_id) for row in connection.execute(wanted)]


def _number(connection: Connection, name: str) -> int | None:
    return connection.execute(select(accounts.c.account_id).where(accounts.c.name == name)).scalar()


def _take_texts_as_they_are(connection: Connection) -> None:
    """Bytes in a SQLite file that became no text are compared too, instead of ending it all."""
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" and driver is not None:
        driver.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
