"""Fencing: who wrote an account last, and the number that whoever comes later raises.

A lock can be lost without its holder noticing at once.  So each new holder raises the account's
token, and each commit compares it with the one that its batches carry, in the same transaction:
what comes late from a holder of before is refused whole.  The locks themselves are `store.lock`'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Dialect, bindparam, select

from reconciler.domain.moments import MILLISECOND, SECOND, iso
from reconciler.inbox import Batch
from reconciler.store.engine import Database, DatabaseUnusable
from reconciler.store.facts import Facts
from reconciler.store.schema import holders, number_of
from reconciler.store.statements import Read, upsert

LOCK_TIMEOUT = 5 * SECOND
"""How long a new holder waits on PostgreSQL for a commit of the one before, which is under way or
whose machine is gone, before it tries again."""


class Fenced(Exception):
    """These batches come from somebody who does not hold the account any more.  None was written,
    nor any other of their transaction.  Remedy: without them; and whose they are takes it anew."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = batches
        super().__init__(f"{', '.join({batch.account for batch in batches})} has a later holder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who took an account last."""

    name: str
    since: int

    def __str__(self) -> str:
        return f"{self.name} since {iso(self.since)}"


class AccountHeld(DatabaseUnusable):
    """Somebody else writes this account."""

    def __init__(self, account: str, holder: Holder | None) -> None:
        self.account, self.holder = account, holder
        who = "another process" if holder is None else str(holder)
        super().__init__(f"account {account} is held by {who}; stop that one, or leave it the work")


class Fence:
    """Compares tokens, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        # Shared, so that who wants to raise it waits for this commit.  SQLite has one writer.
        newest = select(holders.c.token).where(holders.c.account_id == bindparam("account"))
        self._newest = Read(dialect, newest.with_for_update(read=True))

    def check(
        self, connection: Connection, account_ids: Mapping[str, int], batches: Iterable[Batch]
    ) -> None:
        """Raises Fenced if any batch carries a token that is not the newest.  One that carries none
        is not compared."""
        newest: dict[str, int | None] = {}
        stale = []
        for batch in batches:
            if batch.hold is None:
                continue
            account = batch.account
            if account not in newest:
                found = self._newest(connection, account=account_ids[account])
                newest[account] = next((token for (token,) in found), None)
            if batch.hold.token != newest[account]:
                stale.append(batch)
        if stale:
            raise Fenced(stale)


def take(
    database: Database,
    account: str,
    *,
    name: str,
    now: int,
    mine: int | None = None,
    patience: int = LOCK_TIMEOUT,
) -> int:
    """The token of who has just acquired the account's lock.  Raises DatabaseUnusable.

    A new one, unless `mine`, which the same process got before, is still the newest: then nobody
    else has held the account in between, and what is queued under it is still right.
    """
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            limit = patience // MILLISECOND
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {limit:d}")
        id_ = Facts(database.dialect).account_id(connection, account)
        token = holders.c.token
        newest = connection.execute(select(token).where(holders.c.account_id == id_)).scalar()
        if mine is not None and mine == newest:
            return mine
        insert = upsert(connection.dialect, holders)
        row = insert.values(account_id=id_, token=1, holder=name, held_since=now)
        changed = {"token": token + 1, "holder": name, "held_since": now}
        raised = row.on_conflict_do_update(index_elements=[holders.c.account_id], set_=changed)
        return int(connection.execute(raised.returning(token)).scalar_one())


def hold_off(connection: Connection, account_id: int) -> None:
    """Until this transaction ends, no batch is committed to the account; what one was committing
    before is waited for.  Raises what `Database.told` makes of a wait that is too long.

    On SQLite that is so of itself: there is one writer.
    """
    if connection.dialect.name == "postgresql":
        limit = LOCK_TIMEOUT // MILLISECOND
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {limit:d}")
        mine = select(holders.c.token).where(holders.c.account_id == account_id)
        connection.execute(mine.with_for_update())


def holder_of(database: Database, account: str) -> Holder | None:
    """Who took the account last, whether or not he still has it.  Raises DatabaseUnusable."""
    with database.reading() as connection:
        return last_holder(connection, account)


def last_holder(connection: Connection, account: str) -> Holder | None:
    """The same, in the caller's transaction."""
    row = connection.execute(
        select(holders.c.holder, holders.c.held_since).where(
            holders.c.account_id == number_of(account)
        )
    ).first()
    return None if row is None else Holder(name=row.holder, since=row.held_since)
