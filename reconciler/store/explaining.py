"""Drifts as people work through them: to list, to acknowledge, to explain.

An explanation posts the difference to `equity:suspense`, with the person's note, and moves the
proof with it: one transaction, in which no daemon commits anything to the account.
"""

from dataclasses import dataclass
from decimal import Decimal

import msgspec
from sqlalchemy import Connection, select, update

from reconciler.domain.money import canonical, minus, plus
from reconciler.domain.words import Wallet
from reconciler.ledger import books
from reconciler.ledger.entry import Entry, Leg
from reconciler.reconcile import judge
from reconciler.reconcile.drift import DriftState
from reconciler.reconcile.judge import Proof
from reconciler.store.clocks import Clocks
from reconciler.store.conclusions import Conclusions
from reconciler.store.drifts import WHOLE, Drift, acknowledge, drift_of, explained
from reconciler.store.engine import Database
from reconciler.store.holders import hold_off
from reconciler.store.ledger import Ledger
from reconciler.store.schema import drifts, is_open_drift, proofs

ADJUSTMENT = "adjustment"


class NoSuchDrift(Exception):
    """There is no drift of this number."""


class AlreadyClosed(Exception):
    """The drift is over: it resolved itself, or was explained in another way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What an explanation came to."""

    drift: Drift
    """As it is now."""
    is_new: bool
    """False if it was explained so before."""


def listed(database: Database, *, account: str | None = None, closed: bool = False) -> list[Drift]:
    """The open drifts, or all, oldest first.  Raises DatabaseUnusable."""
    query = WHOLE.order_by(drifts.c.drift_id)
    if not closed:
        query = query.where(is_open_drift)
    with database.reading() as connection:
        found = [drift_of(row) for row in connection.execute(query)]
    return [drift for drift in found if account in (None, drift.account)]


def explain(database: Database, drift_id: int, *, note: str, now: int) -> Explained:
    """Posts what the reports differ by, so that the balance is verified from now on, and closes the
    drift.  Doing it again changes nothing.

    Raises NoSuchDrift, AlreadyClosed, DatabaseUnusable.
    """
    with database.writing() as connection:
        drift = _alone_with(connection, drift_id)
        if drift.state is DriftState.EXPLAINED and drift.explanation == note:
            return Explained(drift=drift, is_new=False)
        if drift.state is not DriftState.OPEN:
            how = f"{drift.state}" + (f" ({drift.explanation})" if drift.explanation else "")
            raise AlreadyClosed(f"drift {drift_id} is {how} already")
        amount = _adjust(connection, drift)
        skew = Clocks(connection.dialect).skew_of(connection, drift.account_id)
        expected = minus(drift.reported, amount)
        entry = Entry(
            kind=ADJUSTMENT,
            reference=str(drift_id),
            occurred_at=drift.parted_until + skew.offset,
            legs=(
                Leg(
                    wallet=Wallet(drift.wallet),
                    asset=drift.asset,
                    amount=amount,
                    contra=books.SUSPENSE,
                ),
            ),
        )
        conclusions = Conclusions(connection.dialect, Ledger(connection.dialect))
        conclusions.conclude(connection, drift.account_id, entry, note=note, now=now)
        explained(connection, drift, note=note, expected=expected, now=now)
        return Explained(drift=_drift(connection, drift_id), is_new=True)


def acknowledged(database: Database, drift_id: int, *, now: int) -> Drift:
    """Notes that somebody has seen an open drift.  Raises as `explain` does."""
    with database.writing() as connection:
        drift = _alone_with(connection, drift_id)
        if drift.state is not DriftState.OPEN:
            raise AlreadyClosed(f"drift {drift_id} is {drift.state} already")
        if drift.acknowledged_at is None:
            acknowledge(connection, drift, now=now)
        return _drift(connection, drift_id)


def _alone_with(connection: Connection, drift_id: int) -> Drift:
    """The drift, of whose account nobody writes anything until the transaction ends."""
    hold_off(connection, _drift(connection, drift_id).account_id)
    return _drift(connection, drift_id)


def _drift(connection: Connection, drift_id: int) -> Drift:
    row = connection.execute(WHOLE.where(drifts.c.drift_id == drift_id)).first()
    if row is None:
        raise NoSuchDrift(f"there is no drift {drift_id}; see: reconciler drift list --all")
    return drift_of(row)


def _adjust(connection: Connection, drift: Drift) -> Decimal:
    """Moves the proof to where the reports are.  Returns by how much, as exact as is known now."""
    c = proofs.c
    here = (
        c.account_id == drift.account_id,
        c.wallet == drift.wallet,
        c.asset == drift.asset,
    )
    row = connection.execute(select(proofs).where(*here)).one()
    proof = msgspec.json.decode(row.proof, type=Proof)
    amount = judge.drifted_by(proof, Decimal(1).scaleb(-row.decimals))
    assert amount, f"drift {drift.drift_id} is open, and its proof has none"
    proof = judge.adjusted(proof, amount)
    expected = plus(minus(row.reported, row.difference), amount)
    connection.execute(
        update(proofs)
        .where(*here)
        .values(
            proof=msgspec.json.encode(proof).decode(),
            state="verified" if proof.is_verified else "pending",
            expected=expected,
            difference=minus(row.reported, expected),
            verified_at=proof.verified_at,
        )
    )
    return amount


def told(drift: Drift) -> str:
    """One line for people."""
    sign = "+" if drift.difference > 0 else ""
    return f"{drift.account} {drift.wallet} {drift.asset} {sign}{canonical(drift.difference)}"
