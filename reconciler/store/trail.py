"""A balance back to its evidence: the lines of the ledger around a moment, the fact behind each,
how that was learned, and the frame that told it; and the report that it is held against.

All is read in one transaction, so it is of one moment.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Table, select

from reconciler.domain.moments import MOMENT_MAX
from reconciler.domain.money import ZERO
from reconciler.domain.words import TransactionKind
from reconciler.ledger.postings import DEAL
from reconciler.reconcile.judge import Proof
from reconciler.store import schema
from reconciler.store.clocks import Clocks
from reconciler.store.engine import Database
from reconciler.store.explaining import ADJUSTMENT
from reconciler.store.ledger import Place
from reconciler.store.openings import OPENING
from reconciler.store.sightings import Decoder, Sighting, Sightings
from reconciler.store.steps import TRANSFER

LINES_AFTER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What the exchange said of the balance last."""

    total: Decimal
    available: Decimal | None
    frozen: Decimal | None
    borrowed: Decimal | None
    observed_at: int
    """Our clock."""
    source: str
    told_by: Sighting | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the ledger's balance was found to be against the reports, now."""

    state: str
    """As `v_balance_check` shows it."""
    expected: Decimal | None
    reported: Decimal
    difference: Decimal | None
    verified_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the ledger, and what is behind it."""

    entry_id: int
    occurred_at: int
    latest_at: int | None
    kind: str
    reference: str
    amount: Decimal
    fee: Decimal
    balance_after: Decimal
    contra: str
    fact: dict[str, Any] | None
    """The row behind it, of deals, transactions, movements or conclusions."""
    source: str | None
    """How it was first learned; None of a conclusion."""
    told_by: Sighting | None
    """Of an opening the report that it was taken from.  None of other conclusions, or if that frame
    is not kept (any more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A balance, and where it comes from."""

    at: int | None
    """The moment asked for, the exchange's clock; None: now."""
    balance: Decimal
    before: tuple[Step, ...]
    """The last lines up to then, oldest first."""
    after: tuple[Step, ...]
    """And the first ones after it."""
    reported: Reported | None
    checked: Checked | None


class NoSuchAccount(Exception):
    """The record has no account of this name."""


def trail(
    database: Database,
    account: str,
    place: Place,
    decode: Decoder,
    *,
    at: int | None = None,
    lines: int = 10,
) -> Trail:
    """Follows a balance back.  Raises NoSuchAccount, DatabaseUnusable."""
    with database.reading() as connection:
        a = schema.accounts.c
        account_id = connection.execute(select(a.account_id).where(a.name == account)).scalar()
        if account_id is None:
            raise NoSuchAccount(account)
        sightings = Sightings(database.dialect, decode)
        return _Following(connection, account_id, place, sightings).trail(at, lines)


class _Following:
    def __init__(
        self, connection: Connection, account_id: int, place: Place, sightings: Sightings
    ) -> None:
        self._connection = connection
        self._account_id = account_id
        self._place = place
        self._sightings = sightings
        self._offset = Clocks(connection.dialect).skew_of(connection, account_id).offset

    def trail(self, at: int | None, lines: int) -> Trail:
        p = schema.postings.c
        until = MOMENT_MAX if at is None else at
        newest = (p.occurred_at.desc(), p.entry_id.desc(), p.leg.desc())
        oldest = (p.occurred_at, p.entry_id, p.leg)
        before = self._lines().where(p.occurred_at <= until).order_by(*newest).limit(lines)
        after = self._lines().where(p.occurred_at > until).order_by(*oldest).limit(LINES_AFTER)
        steps = [self._step(row) for row in self._connection.execute(before).all()][::-1]
        return Trail(
            at=at,
            balance=steps[-1].balance_after if steps else ZERO,
            before=tuple(steps),
            after=tuple(self._step(row) for row in self._connection.execute(after).all()),
            reported=self._reported(until),
            checked=self._checked(),
        )

    def _lines(self) -> Select[Any]:
        p = schema.postings.c
        return select(schema.postings).where(
            p.account_id == self._account_id,
            p.wallet == self._place[0],
            p.asset == self._place[1],
        )

    def _step(self, row: Any) -> Step:
        table, key = _behind(row.kind, row.reference)
        where = [table.c[name] == value for name, value in key.items()]
        found = self._connection.execute(
            select(table).where(table.c.account_id == self._account_id, *where)
        ).first()
        fact = None if found is None else dict(found._mapping)
        concluded = table is schema.conclusions
        told_by = None
        if row.kind == OPENING:
            told_by = self._opened_by()
        elif not concluded:
            told_by = self._sightings.of_fact(
                self._connection,
                self._account_id,
                row.kind,
                row.reference,
                row.occurred_at - self._offset,
            )
        return Step(
            entry_id=row.entry_id,
            occurred_at=row.occurred_at,
            latest_at=row.latest_at,
            kind=row.kind,
            reference=row.reference,
            amount=row.amount,
            fee=row.fee,
            balance_after=row.balance_after,
            contra=row.contra,
            fact=fact and {name: fact[name] for name in fact if name not in _HIDDEN},
            source=None if concluded or fact is None else fact["source"],
            told_by=told_by,
        )

    def _reported(self, until: int) -> Reported | None:
        b, h = schema.balances.c, schema.balance_history.c
        by = until - self._offset
        latest = select(schema.balances).where(
            b.account_id == self._account_id,
            b.wallet == self._place[0],
            b.asset == self._place[1],
            b.observed_at <= by,
        )
        earlier = (
            select(schema.balance_history)
            .where(
                h.account_id == self._account_id,
                h.wallet == self._place[0],
                h.asset == self._place[1],
                h.observed_at <= by,
            )
            .order_by(h.observed_at.desc(), h.id.desc())
            .limit(1)
        )
        row = self._connection.execute(latest).first() or self._connection.execute(earlier).first()
        if row is None:
            return None
        return Reported(
            total=row.total,
            available=row.available,
            frozen=row.frozen,
            borrowed=row.borrowed,
            observed_at=row.observed_at,
            source=row.source,
            told_by=self._sightings.of_report(
                self._connection, self._account_id, self._place, row.observed_at
            ),
        )

    def _opened_by(self) -> Sighting | None:
        """The report that the opening was taken from."""
        proof = self._proof()
        opened_at = (
            None if proof is None else msgspec.json.decode(proof.proof, type=Proof).opened_at
        )
        if opened_at is None:
            return None
        return self._sightings.of_report(self._connection, self._account_id, self._place, opened_at)

    def _checked(self) -> Checked | None:
        row = self._proof()
        if row is None:
            return None
        state = _SHOWN.get(row.state, row.state)
        return Checked(
            state=state,
            expected=row.expected,
            reported=row.reported,
            difference=row.difference,
            verified_at=row.verified_at,
        )

    def _proof(self) -> Any:
        p = schema.proofs.c
        return self._connection.execute(
            select(schema.proofs).where(
                p.account_id == self._account_id,
                p.wallet == self._place[0],
                p.asset == self._place[1],
            )
        ).first()


def _behind(kind: str, reference: str) -> tuple[Table, dict[str, object]]:
    """The table and key of what an entry was made of."""
    if kind == DEAL:
        deal_id, _, order_id = reference.partition(":")
        return schema.deals, {"deal_id": int(deal_id), "order_id": int(order_id)}
    if kind in _TRANSACTIONS:
        return schema.transactions, {"kind": kind, "transaction_id": reference}
    if kind in _CONCLUDED:
        return schema.conclusions, {"kind": kind, "reference": reference}
    return schema.movements, {"kind": kind, "movement_id": reference}


_SHOWN = {"opening": "pending", "moving": "drift"}
"""As `v_balance_check` shows states."""
_TRANSACTIONS = frozenset(map(str, TransactionKind))
_CONCLUDED = frozenset({OPENING, TRANSFER, ADJUSTMENT})
_HIDDEN = frozenset({"account_id", "source", "body", "kind"})
