"""What the facts of a transaction did to the books.

Facts come in any order: a deal before its order, an order's type after its deals, a deposit long
before it is credited.  So each is posted from what is stored of it by now, and posted again for the
difference when more is known.  A deal whose wallet can't be told yet waits.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, Dialect, Integer, Text, bindparam, delete, literal_column, select

from reconciler.domain.facts import Deal, Market, Movement, Transaction
from reconciler.domain.moments import MOMENT_MAX
from reconciler.domain.words import Wallet, wallet_of
from reconciler.ledger.entry import Entry
from reconciler.ledger.postings import (
    deal_entry,
    movement_entry,
    readings_differ,
    transaction_entry,
)
from reconciler.store import schema
from reconciler.store.columns import encoding_of
from reconciler.store.history_rows import HistoryRows, storable_movement, storable_transaction
from reconciler.store.ledger import Ledger, Posted
from reconciler.store.markets import Markets
from reconciler.store.rows import Rows, storable_deal
from reconciler.store.statements import Change, LookUp, Read, Values, Write

FUTURES = "futures"
ORDER_UNKNOWN = "its order is unknown"
SIDE_UNKNOWN = "its side is unknown"
MARKET_UNKNOWN = "its market is unknown"
ASSUMED = "posted as spot, as its order is in no history"

READING = "reading"
"""A conclusion: the other reading of a transaction's fee (`ledger.postings.transaction_entry`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Another way to read the fee of a transaction."""

    key: str
    more: Decimal
    """What the main wallet would then have more."""
    since: int
    until: int


class Bookkeeping:
    """Posts facts, for one kind of database.  Remembers nothing between calls."""

    def __init__(self, dialect: Dialect, ledger: Ledger) -> None:
        self._ledger = ledger
        encoding = encoding_of(dialect)
        self._encoding = encoding
        self._rows = Rows(encoding=encoding)
        histories = HistoryRows(encoding=encoding)
        self._transaction_of = histories.transaction_of
        self._movement_of = histories.movement_of
        self._deals = LookUp(dialect, schema.deals, by=["order_id", "deal_id"])
        self._orders = LookUp(dialect, schema.orders, by=["order_id"])
        self._transactions = LookUp(dialect, schema.transactions, by=["kind", "transaction_id"])
        self._movements = LookUp(dialect, schema.movements, by=["kind", "movement_id"])
        self._conclude = Write(dialect, schema.conclusions)
        self._with_fee = Read(
            dialect,
            select(schema.transactions)
            .where(
                schema.transactions.c.account_id == bindparam("account"),
                schema.transactions.c.asset == bindparam("asset"),
                schema.transactions.c.fee != literal_column("'0'", Text),
            )
            .order_by(
                schema.transactions.c.updated_at.desc(), schema.transactions.c.created_at.desc()
            )
            .limit(literal_column("32", Integer))
            .offset(literal_column("0", Integer)),
        )
        self._readings = LookUp(dialect, schema.conclusions, by=["kind", "reference"])
        waiting = schema.waiting_deals
        self._wait = Write(dialect, waiting, overwritten=["reason"])
        self._waiting_of = LookUp(dialect, waiting, by=["order_id"])
        self._waiting_for = Read(
            dialect,
            select(waiting).where(
                waiting.c.account_id == bindparam("account"),
                waiting.c.reason == bindparam("reason"),
                waiting.c.executed_at < bindparam("until"),
            ),
        )
        self._waits_no_more = Change(
            dialect,
            delete(waiting).where(
                waiting.c.account_id == bindparam("account"),
                waiting.c.order_id == bindparam("order"),
                waiting.c.deal_id == bindparam("deal"),
            ),
        )
        moved, posted = schema.movements, schema.postings
        self._unposted_movements = Read(
            dialect,
            select(moved)
            .outerjoin(
                posted,
                (posted.c.account_id == moved.c.account_id)
                & (posted.c.kind == moved.c.kind)
                & (posted.c.reference == moved.c.movement_id),
            )
            .where(
                moved.c.account_id == bindparam("account"),
                moved.c.market.is_not(None),
                posted.c.account_id.is_(None),
            ),
        )
        self._markets = Markets(dialect)

    def deals(
        self, connection: Connection, account_id: int, deals: Sequence[Deal], *, fresh: bool
    ) -> list[Posted]:
        """Posts deals of a batch; `fresh` if none of them was known before."""
        stored = [deal for deal in map(storable_deal, deals) if deal is not None]
        if not fresh:
            keys = list({(deal.order_id, deal.deal_id): None for deal in stored})
            found = {row[1:3]: row for row in self._deals(connection, account_id, keys)}
            stored = [self._rows.deal_of(row) for row in found.values()]
        return self._post(connection, account_id, stored, fresh=fresh)

    def orders(
        self, connection: Connection, account_id: int, order_ids: Iterable[int]
    ) -> list[Posted]:
        """Posts the deals that waited for one of these orders, or were posted without it."""
        waiting = self._waiting_of(connection, account_id, [(id_,) for id_ in order_ids])
        return self._again(connection, account_id, set(waiting))

    def markets(self, connection: Connection, account_id: int, *, now: int) -> list[Posted]:
        """Posts the deals and movements that waited for a market, after markets were stored."""
        waiting = self._waits(connection, account_id, MARKET_UNKNOWN, MOMENT_MAX)
        posted = self._again(connection, account_id, waiting)
        unposted = self._unposted_movements(connection, account=account_id)
        return posted + self.movements(
            connection, account_id, [self._movement_of(row) for row in unposted], now=now
        )

    def covered(self, connection: Connection, account_id: int, until: int) -> list[Posted]:
        """After orders are proven complete up to `until`: a deal before it whose order is still
        unknown has none on record (a business account's cancelled one), and is posted as spot."""
        late = self._waits(connection, account_id, ORDER_UNKNOWN, until)
        return self._again(connection, account_id, late, assume=True)

    def transactions(
        self, connection: Connection, account_id: int, facts: Sequence[Transaction]
    ) -> list[Posted]:
        """Posts what the deposits and withdrawals did by now."""
        known_as = filter(None, map(storable_transaction, facts))
        keys = list({(str(fact.kind), fact.transaction_id): None for fact in known_as})
        readings = {
            row[2]
            for row in self._readings(
                connection, account_id, [(READING, f"{kind}:{id_}") for kind, id_ in keys]
            )
        }
        entries = [
            transaction_entry(known, other_reading=key_of(known) in readings)
            for known in map(
                self._transaction_of, set(self._transactions(connection, account_id, keys))
            )
        ]
        return self._ledger.amend(connection, account_id, _sorted(entries))

    def other_readings(self, connection: Connection, account_id: int, asset: str) -> list[Reading]:
        """Of the transactions with a fee that changed last, or still may, those that could be read
        otherwise, the newest first."""
        rows = self._with_fee(connection, account=account_id, asset=asset)
        known = {key_of(one): one for one in map(self._transaction_of, rows)}
        keys = [(READING, key) for key in known]
        read = {row[2] for row in self._readings(connection, account_id, keys)}
        return [
            Reading(key=key, more=more, since=one.created_at, until=one.updated_at)
            for key, one in known.items()
            if key not in read and (more := readings_differ(one))
        ]

    def read_otherwise(
        self, connection: Connection, account_id: int, key: str, *, now: int
    ) -> list[Posted]:
        """The balance says that the fee of this transaction was taken the other way."""
        moment = self._encoding.moment(now)
        note = "the balance fits if its fee is read this way"
        self._conclude(connection, [(account_id, READING, key, "null", note, moment)])
        kind, _, id_ = key.partition(":")
        entries = [
            transaction_entry(known, other_reading=True)
            for known in map(
                self._transaction_of,
                set(self._transactions(connection, account_id, [(kind, id_)])),
            )
        ]
        return self._ledger.amend(connection, account_id, entries, restated=True)

    def movements(
        self, connection: Connection, account_id: int, facts: Sequence[Movement], *, now: int
    ) -> list[Posted]:
        """Posts what other movements did by now."""
        known_as = filter(None, map(storable_movement, facts))
        keys = list({(str(fact.kind), fact.movement_id): None for fact in known_as})
        entries = []
        for known in map(self._movement_of, set(self._movements(connection, account_id, keys))):
            market = self._markets.named(connection, known.market) if known.market else None
            entry = movement_entry(known, market, now)
            if entry is not None:
                entries.append(entry)
        return self._ledger.amend(connection, account_id, _sorted(entries))

    def _again(
        self,
        connection: Connection,
        account_id: int,
        waiting: Iterable[Values],
        *,
        assume: bool = False,
    ) -> list[Posted]:
        """Posts waiting deals, those that can be posted now."""
        keys = [(row[1], row[2]) for row in waiting]
        if not keys:
            return []
        rows = {row[1:3]: row for row in self._deals(connection, account_id, keys)}
        deals = [self._rows.deal_of(row) for row in rows.values()]
        return self._post(connection, account_id, deals, fresh=False, assume=assume)

    def _post(
        self,
        connection: Connection,
        account_id: int,
        deals: Sequence[Deal],
        *,
        fresh: bool,
        assume: bool = False,
    ) -> list[Posted]:
        names = {deal.market for deal in deals}
        markets = {name: self._markets.named(connection, name) for name in names}
        wallets = self._wallets(connection, account_id, deals, markets)
        entries: list[Entry] = []
        waiting: list[tuple[Deal, str]] = []
        assumed = set() if fresh else self._assumed(connection, account_id, deals)
        for deal in deals:
            market, wallet = markets[deal.market], wallets.get(deal.order_id)
            if market is None:
                waiting.append((deal, MARKET_UNKNOWN))
            elif deal.side is None:
                waiting.append((deal, SIDE_UNKNOWN))
            elif market.kind == FUTURES:
                continue
            elif wallet is not None:
                entries.append(deal_entry(deal, market, wallet))
            else:
                is_assumed = assume or (deal.order_id, deal.deal_id) in assumed
                waiting.append((deal, ASSUMED if is_assumed else ORDER_UNKNOWN))
                if is_assumed:
                    entries.append(deal_entry(deal, market, Wallet.SPOT))
        self._wait(
            connection,
            [
                (
                    account_id,
                    deal.order_id,
                    deal.deal_id,
                    self._encoding.moment(deal.executed_at),
                    reason,
                )
                for deal, reason in waiting
            ],
        )
        if not fresh:
            still = {(deal.order_id, deal.deal_id) for deal, _ in waiting}
            for deal in deals:
                if (deal.order_id, deal.deal_id) not in still:
                    self._waits_no_more(
                        connection, account=account_id, order=deal.order_id, deal=deal.deal_id
                    )
        write = self._ledger.post if fresh else self._ledger.amend
        return write(connection, account_id, _sorted(entries))

    def _waits(
        self, connection: Connection, account_id: int, reason: str, until: int
    ) -> Iterator[Values]:
        """The deals before a moment that wait for this reason."""
        moment = self._encoding.moment(until)
        return self._waiting_for(connection, account=account_id, reason=reason, until=moment)

    def _assumed(
        self, connection: Connection, account_id: int, deals: Sequence[Deal]
    ) -> set[tuple[int, int]]:
        """Those of the deals that are posted as spot already; told once more, they stay it."""
        keys = list({(deal.order_id,): None for deal in deals})
        waiting = self._waiting_of(connection, account_id, keys)
        return {(row[1], row[2]) for row in waiting if row[4] == ASSUMED}

    def _wallets(
        self,
        connection: Connection,
        account_id: int,
        deals: Sequence[Deal],
        markets: dict[str, Market | None],
    ) -> dict[int, Wallet]:
        """The wallet of each known order.  Futures need none looked up."""
        wanted = {
            deal.order_id
            for deal in deals
            if (market := markets[deal.market]) is not None and market.kind != FUTURES
        }
        rows = self._orders(connection, account_id, [(order_id,) for order_id in wanted])
        return {row[1]: wallet_of(row[4]) for row in rows}


def key_of(known: Transaction) -> str:
    """By which a conclusion knows a transaction."""
    return f"{known.kind}:{known.transaction_id}"


def _sorted(entries: list[Entry]) -> list[Entry]:
    """In the order of time, so that a rebuild numbers them alike."""
    return sorted(entries, key=lambda entry: (entry.occurred_at, entry.kind, entry.reference))
