"""How far the account's record is known to be whole, and its wallets to be read.

The judgement waits for both: a report is a drift only if all records of its time are known, and an
asset that is new to a wallet began at nothing only if the wallet was read before.
"""

from sqlalchemy import Connection, Dialect, func, select, update

from reconciler.domain.facts import ClockNotice, PassNotice
from reconciler.domain.moments import SECOND
from reconciler.domain.words import GapState, TransactionKind
from reconciler.ledger.postings import NOT_DEBITED
from reconciler.reconcile.prefix import AHEAD, Skew
from reconciler.store import schema
from reconciler.store.columns import Moment, encoding_of
from reconciler.store.statements import Write

SLOW = ("mining",)
"""Streams whose rows turn up long after the money: no judgement waits for them."""

GAP_WAITED_FOR = 600 * SECOND
"""For so long after a gap no drift is decided, as what is missing there may explain it."""


class Horizon:
    """What is known of it in one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self._encoding = encoding_of(dialect)
        # The oldest reading that is not proven yet stays until it is.
        self._put_reading = Write(
            dialect, schema.readings, overwritten=["read_at"], kept=["unproven_at"]
        )
        self._put_pass = Write(dialect, schema.passes, overwritten=["passed_until"])
        self._put_clock = Write(dialect, schema.clocks, overwritten=["skew", "uncertainty"])

    def clock(self, connection: Connection, account_id: int, notice: ClockNotice) -> None:
        """Keeps what is known of the exchange's clock."""
        self._put_clock(connection, [(account_id, notice.offset, notice.uncertainty)])

    def passed(self, connection: Connection, account_id: int, notice: PassNotice) -> None:
        """Keeps up to when all histories were read."""
        self._put_pass(connection, [(account_id, self._encoding.moment(notice.until))])

    def read(self, connection: Connection, account_id: int, wallet: str, at: int) -> None:
        """Keeps that a wallet was read as a whole."""
        moment = self._encoding.moment(at)
        self._put_reading(connection, [(account_id, wallet, moment, moment, None)])

    def prove_readings(self, connection: Connection, account_id: int, proven: int) -> None:
        """Of each wallet the last reading by which all records were known."""
        r = schema.readings.c
        connection.execute(
            update(schema.readings)
            .where(r.account_id == account_id, r.unproven_at <= proven)
            .values(proven_at=r.unproven_at, unproven_at=r.read_at)
        )

    def readings(
        self, connection: Connection, account_id: int, wallet: str
    ) -> tuple[int | None, int | None]:
        """When the wallet was read so that all records of that time are known, and the oldest
        reading since."""
        r = schema.readings.c
        row = connection.execute(
            select(r.proven_at, r.unproven_at).where(r.account_id == account_id, r.wallet == wallet)
        ).first()
        return (None, None) if row is None else (row[0], row[1])

    def proven_until(self, connection: Connection, account_id: int, skew: Skew) -> int | None:
        """Up to when, by our clock, all that the exchange tells is known: as far as the last whole
        pass came, and no further than where a gap is yet to be filled.  One that passes leave open
        for long is not waited for: what is in it may never be understood."""
        p, g = schema.passes.c, schema.gaps.c
        passed: int | None = connection.execute(
            select(p.passed_until).where(p.account_id == account_id)
        ).scalar()
        if passed is None:
            return None
        gap = connection.execute(
            select(func.min(g.gap_from, type_=Moment)).where(
                g.account_id == account_id,
                g.state == str(GapState.OPEN),
                g.gap_until > passed - GAP_WAITED_FOR,
                g.stream.not_in(SLOW),
            )
        ).scalar()
        proven = passed if gap is None else min(passed, gap)
        return proven - skew.offset - skew.uncertainty - AHEAD

    def given_back_at(
        self, connection: Connection, account_id: int, asset: str, skew: Skew
    ) -> int | None:
        """When, by our clock, a withdrawal of the asset was last taken back: the record doesn't say
        that the money was away for a while, and reports may go on to show it for a moment."""
        t = schema.transactions.c
        found: int | None = connection.execute(
            select(func.max(t.updated_at, type_=Moment)).where(
                t.account_id == account_id,
                t.asset == asset,
                t.kind == str(TransactionKind.WITHDRAWAL),
                t.status.in_(NOT_DEBITED),
            )
        ).scalar()
        return None if found is None else found - skew.offset + skew.uncertainty

    def covered_from(self, connection: Connection, account_id: int) -> int | None:
        c = schema.coverage.c
        found: int | None = connection.execute(
            select(func.min(c.covered_from, type_=Moment)).where(
                c.account_id == account_id, c.stream == "deals"
            )
        ).scalar()
        return found

    def read_again_at(self, connection: Connection, account_id: int) -> int:
        """When the last of the wallets was last read as a whole: the oldest of those readings."""
        r = schema.readings.c
        found = connection.execute(
            select(func.min(r.read_at, type_=Moment)).where(r.account_id == account_id)
        ).scalar()
        return found or 0
