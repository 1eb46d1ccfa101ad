"""What the status page shows of the record: accounts at a glance, proofs, drifts, coverage, deals.

All of one moment, each list bounded, so that a look costs the same however long the record is.
Only asks; what it means, and in which words it is told, is the page's.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from reconciler.domain.moments import DAY
from reconciler.domain.spans import Stretch
from reconciler.domain.words import GapState
from reconciler.store.clocks import Clocks
from reconciler.store.drifts import WHOLE, Drift, drift_of
from reconciler.store.engine import Database
from reconciler.store.horizon import Horizon
from reconciler.store.reads import Gap, gap_of
from reconciler.store.schema import (
    accounts,
    alerts,
    clocks,
    coverage,
    deals,
    deliveries,
    drifts,
    gaps,
    is_open_drift,
    is_pending,
    proofs,
)
from reconciler.store.status import AccountStatus, status_of

DEALS_MAX = 12
DRIFTS_MAX = 50
GAPS_MAX = 100
ALERTS_MAX = 20
DELIVERIES_MAX = 200
"""The latest, among which those are looked for that were given up."""
SPANS_MAX = 500
BALANCES_MAX = 3_000
"""Three wallets of as many assets as an exchange lists."""

RECENT = DAY
"""How far back gaps that are closed again are shown."""

_SHOWN = {"opening": "pending", "moving": "drift"}
"""States of a proof that the view, too, shows as others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceLine:
    """One asset in one wallet: what the ledger expects and the exchange reports."""

    wallet: str
    asset: str
    expected: Decimal | None
    reported: Decimal
    difference: Decimal | None
    state: str
    verified_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DealLine:
    """One fill, as the page lists it."""

    order_id: int
    deal_id: int
    executed_at: int
    market: str
    side: str | None
    role: str | None
    amount: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLine:
    """The exchange's clock less ours, microseconds."""

    offset: int
    uncertainty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """One alert on its way to one hook, or given up lately."""

    event: str
    hook: str
    state: str
    attempts: int
    created_at: int
    next_at: int
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOverview:
    """One account, as the record has it."""

    status: AccountStatus
    proven_until: int | None
    """By our clock: all that the exchange tells of the time before it is on record."""
    clock: ClockLine | None
    balances: Sequence[BalanceLine]
    drifts: Sequence[Drift]
    """The open ones, newest first."""
    deals: Sequence[DealLine]
    """The latest, newest first."""
    coverage: dict[str, tuple[Stretch, ...]]
    """By stream, in the exchange's time, oldest first."""
    gaps: Sequence[Gap]
    """Those that are not closed, and those of the last day; newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The record at a glance."""

    accounts: Mapping[str, AccountOverview] = field(default_factory=dict)
    alerts: Sequence[AlertLine] = ()
    waiting: Mapping[str, int] = field(default_factory=dict)
    """How many alerts each hook is yet to get."""


class Overviews:
    """Asks one database, one look at a time, for at most `limit` microseconds a query.

    PostgreSQL keeps that limit itself; SQLite must be told to `stop`, by another thread.
    """

    def __init__(self, database: Database, *, limit: int) -> None:
        self._database = database
        self._limit = limit
        self._asked: Any = None
        """The driver's connection, during a look."""

    def look(self, names: Iterable[str], now: int) -> Overview:
        """Those of these accounts that are on record, and the alerts; all of one moment.

        Raises DatabaseUnusable, also when it was stopped.
        """
        with self._database.reading(statement_timeout=self._limit) as connection:
            self._asked = connection.connection.driver_connection
            try:
                found = {name: overview_of(connection, name, now=now) for name in names}
                lines, waiting = alerts_of(connection)
            finally:
                self._asked = None
        known = {name: overview for name, overview in found.items() if overview is not None}
        return Overview(accounts=known, alerts=lines, waiting=waiting)

    def stop(self) -> None:
        """Ends the query of SQLite that is under way, if there is one.  Does not block, as asking
        a server to would."""
        asked = self._asked
        if isinstance(asked, sqlite3.Connection):
            with suppress(sqlite3.ProgrammingError):  # closed in this moment
                asked.interrupt()


def alerts_of(connection: Connection) -> tuple[Sequence[AlertLine], dict[str, int]]:
    """The alerts that are not delivered, oldest first; and how many wait, by hook."""
    d, a = deliveries.c, alerts.c
    wanted = select(
        a.event, d.hook, d.state, d.attempts, a.created_at, d.next_at, d.last_error
    ).join(alerts, a.alert_id == d.alert_id)
    pending = connection.execute(wanted.where(is_pending).order_by(d.number).limit(ALERTS_MAX))
    newest = select(d.number).order_by(d.number.desc()).limit(DELIVERIES_MAX)
    failed = connection.execute(
        wanted.where(d.number.in_(newest), d.state == "failed").order_by(d.number)
    )
    waiting = connection.execute(
        select(d.hook, func.count()).where(is_pending).group_by(d.hook).order_by(d.hook)
    )
    lines = [AlertLine(**row._mapping) for row in (*failed, *pending)]
    return lines[:ALERTS_MAX], dict(waiting.all())


def overview_of(connection: Connection, account: str, *, now: int) -> AccountOverview | None:
    """What the record has of the account; None if it has nothing."""
    found = connection.execute(
        select(accounts.c.account_id).where(accounts.c.name == account)
    ).scalar()
    if found is None:
        return None
    horizon, clocks = Horizon(connection.dialect), Clocks(connection.dialect)
    return AccountOverview(
        status=status_of(connection, account),
        proven_until=horizon.proven_until(connection, found, clocks.skew_of(connection, found)),
        clock=_clock(connection, found),
        balances=_balances(connection, found),
        drifts=_drifts(connection, found),
        deals=_deals(connection, found),
        coverage=_coverage(connection, found),
        gaps=_gaps(connection, found, now - RECENT),
    )


def _clock(connection: Connection, account_id: int) -> ClockLine | None:
    row = connection.execute(
        select(clocks.c.skew, clocks.c.uncertainty).where(clocks.c.account_id == account_id)
    ).first()
    return None if row is None else ClockLine(offset=row[0], uncertainty=row[1])


def _balances(connection: Connection, account_id: int) -> list[BalanceLine]:
    p = proofs.c
    rows = connection.execute(
        select(p.wallet, p.asset, p.expected, p.reported, p.difference, p.state, p.verified_at)
        .where(p.account_id == account_id)
        .order_by(p.wallet, p.asset)
        .limit(BALANCES_MAX)
    )
    return [
        BalanceLine(
            wallet=row.wallet,
            asset=row.asset,
            expected=row.expected,
            reported=row.reported,
            difference=row.difference,
            state=_SHOWN.get(row.state, row.state),
            verified_at=row.verified_at,
        )
        for row in rows
    ]


def _drifts(connection: Connection, account_id: int) -> list[Drift]:
    rows = connection.execute(
        WHOLE.where(drifts.c.account_id == account_id, is_open_drift)
        .order_by(drifts.c.drift_id.desc())
        .limit(DRIFTS_MAX)
    )
    return [drift_of(row) for row in rows]


def _deals(connection: Connection, account_id: int) -> list[DealLine]:
    d = deals.c
    wanted = [d[name] for name in DealLine.__dataclass_fields__]
    rows = connection.execute(
        select(*wanted)
        .where(d.account_id == account_id)
        .order_by(d.executed_at.desc())
        .limit(DEALS_MAX)
    )
    return [DealLine(**row._mapping) for row in rows]


def _coverage(connection: Connection, account_id: int) -> dict[str, tuple[Stretch, ...]]:
    c = coverage.c
    rows = connection.execute(
        select(c.stream, c.covered_from, c.covered_until)
        .where(c.account_id == account_id)
        .order_by(c.covered_from.desc())
        .limit(SPANS_MAX)
    )
    found: dict[str, list[Stretch]] = {}
    for stream, since, until in rows:
        found.setdefault(stream, []).append((since, until))
    return {stream: tuple(reversed(spans)) for stream, spans in found.items()}


def _gaps(connection: Connection, account_id: int, recent: int) -> list[Gap]:
    g = gaps.c
    rows = connection.execute(
        select(g.stream, g.gap_from, g.gap_until, g.reason, g.state, g.closed_at)
        .where(
            g.account_id == account_id,
            (g.state != str(GapState.CLOSED)) | (g.gap_until >= recent),
        )
        .order_by(g.gap_from.desc())
        .limit(GAPS_MAX)
    )
    return [*map(gap_of, rows)]
