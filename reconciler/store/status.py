"""One account at a glance: what `reconciler status` shows, counted in the caller's transaction."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, func, select

from reconciler.domain.facts import SessionNotice
from reconciler.domain.money import ZERO
from reconciler.domain.words import GapState
from reconciler.store.columns import Moment
from reconciler.store.holders import Holder, last_holder
from reconciler.store.schema import (
    balances,
    counts,
    coverage,
    deals,
    drifts,
    gaps,
    is_open,
    is_open_drift,
    movements,
    number_of,
    orders,
    quarantine,
    refused_streams,
    sessions,
    transactions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatus:
    """One account at a glance."""

    account: str
    session: SessionNotice | None
    """The newest one, whole; not live any more if it has `disconnected_at`."""
    holder: Holder | None
    """Who took the account last; whether he still has it, only its lock knows."""
    deals: int
    orders: int
    open_orders: int
    balances: int
    """Assets of which something is left, over all wallets."""
    transactions: int
    movements: int
    open_gaps: int
    unreachable_gaps: int
    refused_streams: tuple[str, ...]
    open_drifts: int
    quarantined: int
    newest_deal_at: int | None
    covered_until: dict[str, int]
    """By stream."""


def status_of(connection: Connection, account: str) -> AccountStatus:
    """What the record holds of an account now."""

    def count(table: Table, *conditions: ColumnElement[bool]) -> int:
        rows = select(func.count()).where(table.c.account_id == number_of(account), *conditions)
        return connection.execute(rows).scalar_one()

    many = connection.execute(
        select(counts.c.deals, counts.c.orders).where(counts.c.account_id == number_of(account))
    ).first()
    return AccountStatus(
        account=account,
        session=_newest_session(connection, account),
        holder=last_holder(connection, account),
        deals=many.deals if many else 0,
        orders=many.orders if many else 0,
        open_orders=count(orders, is_open),
        balances=count(balances, balances.c.total != ZERO),
        transactions=count(transactions),
        movements=count(movements),
        open_gaps=count(gaps, gaps.c.state == str(GapState.OPEN)),
        unreachable_gaps=count(gaps, gaps.c.state == str(GapState.UNREACHABLE)),
        refused_streams=_refused_streams(connection, account),
        open_drifts=count(drifts, is_open_drift),
        quarantined=count(quarantine),
        newest_deal_at=newest_deal_at(connection, account),
        covered_until=_covered_until(connection, account),
    )


def newest_deal_at(connection: Connection, account: str) -> int | None:
    """When the account's latest known deal was executed."""
    newest = func.max(deals.c.executed_at, type_=Moment)
    return connection.execute(
        select(newest).where(deals.c.account_id == number_of(account))
    ).scalar()


def _covered_until(connection: Connection, account: str) -> dict[str, int]:
    covered = (
        select(coverage.c.stream, func.max(coverage.c.covered_until, type_=Moment))
        .where(coverage.c.account_id == number_of(account))
        .group_by(coverage.c.stream)
    )
    return dict(connection.execute(covered).all())


def _refused_streams(connection: Connection, account: str) -> tuple[str, ...]:
    refused = refused_streams.c
    names = select(refused.stream).where(refused.account_id == number_of(account))
    return tuple(connection.execute(names.order_by(refused.stream)).scalars())


def _newest_session(connection: Connection, account: str) -> SessionNotice | None:
    wanted = [column for column in sessions.c if column.name != "account_id"]
    row = connection.execute(
        select(*wanted)
        .where(sessions.c.account_id == number_of(account))
        .order_by(sessions.c.session_id.desc())
        .limit(1)
    ).first()
    return None if row is None else SessionNotice(**row._mapping)
