"""Deals, orders and the rest become rows: new ones are inserted, known ones merged, contradictions
kept as findings.  (Balances have a file of their own.)

Each function takes the facts of one kind out of one batch and works in the caller's transaction.
What two sights of one thing make is said by `domain.merge`; here is only what is read and written
for it.  Applying a batch again, or after others, changes nothing that it already changed.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from sqlalchemy import Connection, Dialect, bindparam, or_, select, update

from reconciler.domain.facts import (
    Deal,
    Market,
    Order,
    SessionNotice,
    Unreadable,
)
from reconciler.domain.merge import Restated, merge_deals, merge_orders
from reconciler.store import schema
from reconciler.store.columns import encoding_of, storable
from reconciler.store.counts import Counts
from reconciler.store.rows import Rows, storable_deal, storable_order
from reconciler.store.statements import LookUp, Read, Values, Write

INTERRUPTED = "interrupted"
"""Why a session ended that nobody saw end: its process was killed."""

ID_BEYOND = "the id does not fit into 64 bits"

EXCERPT_MAX = 4000
"""Characters kept of what could not be understood."""


class Facts:
    """The writing half of the record, for one kind of database.  It keeps no state of the record in
    memory, so that a transaction rolled back leaves nothing behind."""

    def __init__(self, dialect: Dialect) -> None:
        self._rows = Rows(encoding=encoding_of(dialect))
        order_values = [c.name for c in schema.orders.c if not c.primary_key and c.name != "source"]
        session_values = [c.name for c in schema.sessions.c if not c.primary_key]
        self._insert_deals = Write(dialect, schema.deals)
        self._complete_deals = Write(
            dialect, schema.deals, overwritten=("side", "role", "fee_asset", "client_order_id")
        )
        self._known_deals = LookUp(dialect, schema.deals, by=["order_id", "deal_id"])
        self._put_orders = Write(dialect, schema.orders, overwritten=order_values)
        self._known_orders = LookUp(dialect, schema.orders, by=["order_id"])
        self._put_sessions = Write(dialect, schema.sessions, filled=session_values)
        self._put_markets = Write(
            dialect, schema.markets, overwritten=("base_asset", "quote_asset", "kind")
        )
        self._account_ids = Read(
            dialect,
            select(schema.accounts.c.account_id).where(schema.accounts.c.name == bindparam("name")),
        )
        self._add_accounts = Write(dialect, schema.accounts, generated=["account_id"])
        self._counts = Counts(dialect)
        self._add_findings = Write(dialect, schema.quarantine, generated=["id"])

    def account_id(self, connection: Connection, name: str) -> int:
        """The number of an account, given to it when its name is first seen."""
        for (known,) in self._account_ids(connection, name=name):
            return int(known)
        self._add_accounts(connection, [(name,)])
        return self.account_id(connection, name)

    def deals(
        self,
        connection: Connection,
        account_id: int,
        deals: Sequence[Deal],
        source: str,
        now: int,
    ) -> tuple[int, list[Unreadable]]:
        """Stores the deals.  Returns how many were not known, and what could not be stored: ids
        beyond the database's, and contradictions to what is known (the known stays)."""
        sights = [seen for seen in map(storable_deal, deals) if seen is not None]
        findings = [
            finding("deals", ID_BEYOND, deal, now)
            for deal in (deals if len(sights) < len(deals) else ())
            if storable_deal(deal) is None
        ]
        # Of two that contradict each other the first is believed, in one batch as in two.
        unique: dict[tuple[int, int], Deal] = {}
        for seen in sights:
            unique.setdefault((seen.order_id, seen.deal_id), seen)
        row = self._rows.deal
        inserted = self._insert_deals(
            connection, [row(account_id, seen, source) for seen in unique.values()]
        )
        self._counts.add(connection, account_id, deals=inserted)
        if inserted < len(sights):
            findings += self._complete(connection, account_id, list(unique), sights, source, now)
        return inserted, findings

    def _complete(
        self,
        connection: Connection,
        account_id: int,
        keys: Sequence[tuple[int, int]],
        sights: Iterable[Deal],
        source: str,
        now: int,
    ) -> list[Unreadable]:
        """Fills in what only a further sight of a known deal says."""
        known = {
            (deal.order_id, deal.deal_id): deal
            for deal in map(self._rows.deal_of, self._known_deals(connection, account_id, keys))
        }
        findings: list[Unreadable] = []
        gained: dict[tuple[int, int], Deal] = {}
        for seen in sights:
            key = seen.order_id, seen.deal_id
            if known[key] == seen:
                continue
            try:
                merged = merge_deals(known[key], seen)
            except Restated as restated:
                findings.append(finding("deals", str(restated), seen, now))
                continue
            if merged is not known[key]:
                known[key] = gained[key] = merged
        self._complete_deals(
            connection, [self._rows.deal(account_id, deal, source) for deal in gained.values()]
        )
        return findings

    def orders(
        self,
        connection: Connection,
        account_id: int,
        orders: Sequence[Order],
        source: str,
        now: int,
    ) -> tuple[int, int, list[Unreadable]]:
        """Merges the sights into what is known.  Returns of how many orders something new was
        learned, of how many of them that they exist or that they ended, and what could not be
        stored."""
        sights: dict[int, Order] = {}
        findings: list[Unreadable] = []
        for order in orders:
            seen = storable_order(order)
            if seen is None:
                findings.append(finding("orders", ID_BEYOND, order, now))
                continue
            earlier = sights.get(seen.order_id)
            sights[seen.order_id] = seen if earlier is None else merge_orders(earlier, seen)
        known = {
            row[1]: row
            for row in self._known_orders(connection, account_id, [(id_,) for id_ in sights])
        }
        changed: list[Order] = []
        found = 0
        for order_id, seen in sights.items():
            if order_id not in known:
                changed.append(seen)
                found += 1
                continue
            before = self._rows.order_of(known[order_id])
            merged = merge_orders(before, seen)
            if merged is not before:
                changed.append(merged)
                found += merged.final and not before.final
        self._put_orders(
            connection, [self._rows.order(account_id, order, source) for order in changed]
        )
        new = sum(order_id not in known for order_id in sights)
        self._counts.add(connection, account_id, orders=new)
        return len(changed), found, findings

    def markets(self, connection: Connection, markets: Sequence[Market]) -> None:
        """Keeps what the exchange lists; a market that is listed no more stays."""
        self._put_markets(
            connection,
            [
                (name, storable(m.base_asset), storable(m.quote_asset), storable(m.kind))
                for name, m in {storable(m.name): m for m in markets}.items()
            ],
        )

    def session(self, connection: Connection, account_id: int, notice: SessionNotice) -> None:
        """Adds what is new of a session.  One that connects ends those that nobody saw end."""
        moment = self._rows.encoding.moment
        if notice.connected_at is not None:
            sessions = schema.sessions.c
            connection.execute(
                update(schema.sessions)
                .where(
                    sessions.account_id == account_id,
                    sessions.session_id != notice.session_id,
                    sessions.disconnected_at.is_(None),
                    or_(
                        sessions.connected_at.is_(None),
                        sessions.connected_at <= notice.connected_at,
                    ),
                )
                .values(disconnected_at=notice.connected_at, reason=INTERRUPTED)
            )
        row = (
            account_id,
            notice.session_id,
            moment(notice.connected_at),
            moment(notice.authorized_at),
            moment(notice.live_at),
            moment(notice.disconnected_at),
            None if notice.reason is None else storable(notice.reason),
            moment(notice.recovered_at),
            notice.recovered_deals,
        )
        self._put_sessions(connection, [row])

    def quarantine(
        self, connection: Connection, account_id: int, findings: Sequence[Unreadable]
    ) -> int:
        """Keeps what could not be understood, each finding once.  Returns how many were new."""
        rows: dict[str, Values] = {}
        for finding in findings:
            stream, reason, excerpt = (
                storable(finding.stream),
                storable(finding.reason),
                storable(finding.excerpt)[:EXCERPT_MAX],
            )
            fingerprint = sha256(f"{stream}\n{reason}\n{excerpt}".encode()).hexdigest()
            received_at = self._rows.encoding.moment(finding.received_at)
            rows.setdefault(
                fingerprint, (account_id, received_at, stream, reason, excerpt, fingerprint)
            )
        return self._add_findings(connection, list(rows.values()))


def finding(stream: str, reason: str, fact: object, now: int) -> Unreadable:
    """What is kept of a fact that could not be stored."""
    return Unreadable(stream=stream, reason=reason, excerpt=repr(fact), received_at=now)
