"""Drifts as rows: at most one is open of each asset in each wallet, and a closed one stays closed.

What may happen to a drift is the table in `reconcile.drift`; every change goes through it.
"""

from decimal import Decimal

from sqlalchemy import Connection, Dialect, insert, select, update

from reconciler.domain.money import minus
from reconciler.reconcile.drift import DriftEvent, DriftState, lived
from reconciler.store.ledger import Place
from reconciler.store.schema import drifts


class Drifts:
    """Writes drifts, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def detect(
        self,
        connection: Connection,
        account_id: int,
        place: Place,
        *,
        expected: Decimal,
        reported: Decimal,
        parted: tuple[int | None, int],
        candidates: str = "[]",
        now: int,
    ) -> DriftEvent:
        """A step stayed: a new drift, or a change of the open one.  `parted` is between which
        moments ledger and reports parted."""
        values = {
            "expected": expected,
            "reported": reported,
            "difference": minus(reported, expected),
            "candidates": candidates,
            "changed_at": now,
        }
        open_id = self._open_id(connection, account_id, place)
        if open_id is not None:
            lived(DriftState.OPEN, DriftEvent.CHANGED)
            connection.execute(update(drifts).where(drifts.c.drift_id == open_id).values(values))
            return DriftEvent.CHANGED
        connection.execute(
            insert(drifts).values(
                account_id=account_id,
                wallet=place[0],
                asset=place[1],
                state=str(lived(None, DriftEvent.DETECTED)),
                parted_after=parted[0],
                parted_until=parted[1],
                detected_at=now,
                **values,
            )
        )
        return DriftEvent.DETECTED

    def resolve(
        self, connection: Connection, account_id: int, place: Place, *, now: int
    ) -> DriftEvent | None:
        """The reports agree with the ledger again."""
        open_id = self._open_id(connection, account_id, place)
        if open_id is None:
            return None
        connection.execute(
            update(drifts)
            .where(drifts.c.drift_id == open_id)
            .values(state=str(lived(DriftState.OPEN, DriftEvent.RESOLVED)), closed_at=now)
        )
        return DriftEvent.RESOLVED

    def _open_id(self, connection: Connection, account_id: int, place: Place) -> int | None:
        c = drifts.c
        found: int | None = connection.execute(
            select(c.drift_id).where(
                c.account_id == account_id,
                c.wallet == place[0],
                c.asset == place[1],
                c.state == str(DriftState.OPEN),
            )
        ).scalar()
        return found
