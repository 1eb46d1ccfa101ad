"""Drifts as rows: at most one is open of each asset in each wallet, and a closed one stays closed.

What may happen to a drift is the table in `reconcile.drift`; every change goes through it.  What
may be behind it is found by `store.attribution` and kept with it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Dialect, insert, select, update

from reconciler.domain.events import CANDIDATES_MAX, DriftNews, Event
from reconciler.domain.money import minus
from reconciler.reconcile.drift import DriftEvent, DriftState, lived
from reconciler.reconcile.explain import Candidate
from reconciler.reconcile.judge import Proof
from reconciler.reconcile.prefix import Skew
from reconciler.store.attribution import Attribution, Parted, decoded, encoded
from reconciler.store.ledger import Place
from reconciler.store.outbox import Outbox
from reconciler.store.schema import accounts, drifts, is_open_drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One drift, with all that is kept of it."""

    drift_id: int
    account: str
    account_id: int
    wallet: str
    asset: str
    expected: Decimal
    reported: Decimal
    difference: Decimal
    state: DriftState
    explanation: str | None
    candidates: tuple[Candidate, ...]
    parted_after: int | None
    parted_until: int
    detected_at: int
    changed_at: int
    acknowledged_at: int | None
    closed_at: int | None

    @property
    def place(self) -> Place:
        return self.wallet, self.asset

    @property
    def parted(self) -> Parted:
        return self.parted_after, self.parted_until


class Drifts:
    """Writes drifts, and the events that tell of them, for one kind of database."""

    def __init__(self, dialect: Dialect, outbox: Outbox) -> None:
        self._outbox = outbox
        self._attribution = Attribution(dialect)

    def detect(
        self,
        connection: Connection,
        account_id: int,
        place: Place,
        *,
        expected: Decimal,
        reported: Decimal,
        proof: Proof,
        parted: Parted,
        skew: Skew,
        now: int,
    ) -> DriftEvent:
        """A step stayed, as the proof has it: a new drift, or a change of the open one, of which
        people hear anew."""
        before = self.open_one(connection, account_id, place)
        if before is not None:
            lived(before.state, DriftEvent.CHANGED)
            parted = before.parted_after, parted[1]
        found = self._attribution.of_drift(connection, account_id, place, proof, parted, skew)
        values = {
            "expected": expected,
            "reported": reported,
            "difference": minus(reported, expected),
            "candidates": encoded(found),
            "changed_at": now,
            "acknowledged_at": None,
        }
        if before is not None:
            _change(connection, before, values)
            self._tell(connection, Event.DRIFT_CHANGED, before.drift_id, now)
            return DriftEvent.CHANGED
        row = connection.execute(
            insert(drifts)
            .values(
                account_id=account_id,
                wallet=place[0],
                asset=place[1],
                state=str(lived(None, DriftEvent.DETECTED)),
                parted_after=parted[0],
                parted_until=parted[1],
                detected_at=now,
                **values,
            )
            .returning(drifts.c.drift_id)
        )
        self._tell(connection, Event.DRIFT_DETECTED, row.scalar_one(), now)
        return DriftEvent.DETECTED

    def resolve(
        self,
        connection: Connection,
        account_id: int,
        place: Place,
        *,
        unit: Decimal,
        skew: Skew,
        now: int,
    ) -> DriftEvent | None:
        """The reports agree with the ledger again: because of records that came late, or of
        themselves."""
        drift = self.open_one(connection, account_id, place)
        if drift is None:
            return None
        values: dict[str, Any] = {
            "state": str(lived(drift.state, DriftEvent.RESOLVED)),
            "closed_at": now,
        }
        found = self._attribution.of_resolution(
            connection, account_id, place, drift.difference, unit, drift.parted, skew
        )
        if found:
            values["candidates"] = encoded((*found, *drift.candidates))
            values["explanation"] = "; ".join(each.said for each in found)
        _change(connection, drift, values)
        self._tell(connection, Event.DRIFT_RESOLVED, drift.drift_id, now)
        return DriftEvent.RESOLVED

    def open_one(self, connection: Connection, account_id: int, place: Place) -> Drift | None:
        """The open drift of the place, if there is one."""
        c = drifts.c
        query = WHOLE.where(
            c.account_id == account_id, c.wallet == place[0], c.asset == place[1], is_open_drift
        )
        row = connection.execute(query).first()
        return None if row is None else drift_of(row)

    def _tell(self, connection: Connection, event: Event, drift_id: int, now: int) -> None:
        self._outbox.put(connection, event, news_of(by_number(connection, drift_id)), now=now)


def explained(
    connection: Connection, drift: Drift, *, note: str, expected: Decimal, now: int
) -> None:
    """Closes a drift that a person has explained, and tells that: of a difference of what was
    reported to what was `expected`."""
    _change(
        connection,
        drift,
        {
            "state": str(lived(drift.state, DriftEvent.EXPLAINED)),
            "explanation": note,
            "expected": expected,
            "difference": minus(drift.reported, expected),
            "closed_at": now,
        },
    )
    news = news_of(by_number(connection, drift.drift_id))
    Outbox().put(connection, Event.DRIFT_RESOLVED, news, now=now)


def acknowledge(connection: Connection, drift: Drift, *, now: int) -> None:
    """Somebody has seen it; it stays what it is."""
    _change(connection, drift, {"acknowledged_at": now})


WHOLE = select(*drifts.c, accounts.c.name.label("account")).join(
    accounts, accounts.c.account_id == drifts.c.account_id
)


def by_number(connection: Connection, drift_id: int) -> Drift:
    """The drift of this number, which there is."""
    return drift_of(connection.execute(WHOLE.where(drifts.c.drift_id == drift_id)).one())


def news_of(drift: Drift) -> DriftNews:
    """What is told of a drift."""
    return DriftNews(
        account=drift.account,
        wallet=drift.wallet,
        asset=drift.asset,
        drift_id=drift.drift_id,
        expected=drift.expected,
        reported=drift.reported,
        difference=drift.difference,
        detected_at=drift.detected_at,
        closed_at=drift.closed_at,
        explanation=drift.explanation,
        candidates=tuple(each.said for each in drift.candidates[:CANDIDATES_MAX]),
    )


def drift_of(row: Any) -> Drift:
    """The drift in a row of `WHOLE`."""
    values = dict(row._mapping)
    values["state"] = DriftState(row.state)
    values["candidates"] = decoded(row.candidates)
    return Drift(**values)


def _change(connection: Connection, drift: Drift, values: dict[str, Any]) -> None:
    connection.execute(update(drifts).where(drifts.c.drift_id == drift.drift_id).values(**values))
