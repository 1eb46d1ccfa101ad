"""What the record tells of an asset in a wallet: what was posted, waits, or happened elsewhere.

Every question is answered by an index and bounded, as it is asked within the writer's transaction.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from msgspec.structs import replace
from sqlalchemy import (
    BindParameter,
    Connection,
    Dialect,
    Integer,
    bindparam,
    literal_column,
    select,
)
from sqlalchemy.sql.elements import ColumnElement

from reconciler.domain.facts import Deal, Market, Transaction
from reconciler.domain.moments import DAY
from reconciler.domain.money import ZERO, minus, plus
from reconciler.domain.words import (
    SUCCESS,
    MovementKind,
    Side,
    Source,
    TransactionKind,
    Wallet,
    is_settled,
)
from reconciler.ledger.entry import Entry
from reconciler.ledger.postings import (
    deal_entry,
    deal_reference,
    movement_entry,
    transaction_entry,
)
from reconciler.reconcile.explain import CandidateKind, Hint, Told
from reconciler.store import schema
from reconciler.store.bookkeeping import ASSUMED
from reconciler.store.columns import encoding_of
from reconciler.store.history_rows import HistoryRows
from reconciler.store.ledger import Place
from reconciler.store.markets import Markets
from reconciler.store.rows import Rows
from reconciler.store.statements import LookUp, Read

LINES_MAX = 400
WAITING_MAX = 100
HISTORY_MAX = 200
TRANSIT_MAX = 50

BEFORE = DAY
"""How much earlier than the drift a record may be dated that has to do with it: of some histories
the exchange gives a day, or the moment of a request."""

_Key = tuple[str, str]
"""Kind and reference."""


class Witness:
    """What one kind of database has on record.  Remembers nothing between calls."""

    def __init__(self, dialect: Dialect) -> None:
        encoding = encoding_of(dialect)
        self._encoding = encoding
        self._deal_of = Rows(encoding=encoding).deal_of
        self._histories = HistoryRows(encoding=encoding)
        self._markets = Markets(dialect)
        self._deals = LookUp(dialect, schema.deals, by=["order_id", "deal_id"])
        self._posted = LookUp(dialect, schema.postings, by=["kind", "reference"])
        t, m = schema.transactions.c, schema.movements.c
        # Not parameters: those of a `Read` have names.
        most, none = (literal_column(str(number), Integer) for number in (HISTORY_MAX, 0))
        since: BindParameter[int] = bindparam("since")
        until: BindParameter[int] = bindparam("until")
        self._transactions = Read(
            dialect,
            select(schema.transactions)
            .where(
                t.account_id == bindparam("account"),
                t.asset == bindparam("asset"),
                t.created_at >= since,
                t.created_at <= until,
            )
            .order_by(t.created_at.desc())
            .limit(most)
            .offset(none),
        )
        self._movements = Read(
            dialect,
            select(schema.movements)
            .where(
                m.account_id == bindparam("account"),
                m.occurred_at >= since,
                m.occurred_at <= until,
            )
            .order_by(m.occurred_at.desc())
            .limit(most)
            .offset(none),
        )

    def lines(
        self, connection: Connection, account_id: int, place: Place, since: int, until: int
    ) -> list[Told]:
        """What was posted to the place in that time, the newest of it."""
        p = schema.postings.c
        rows = connection.execute(
            select(p.kind, p.reference, p.occurred_at, p.amount, p.fee)
            .where(*_of(account_id, place), p.occurred_at >= since, p.occurred_at <= until)
            .order_by(p.occurred_at.desc(), p.entry_id.desc(), p.leg.desc())
            .limit(LINES_MAX)
        ).all()
        keys = [_deal_key(row.reference) for row in rows if row.kind == "deal"]
        sources = {
            f"{row[2]}:{row[1]}": row[13] for row in self._deals(connection, account_id, keys)
        }
        return [
            Told(
                kind=row.kind,
                reference=row.reference,
                at=row.occurred_at,
                amount=row.amount,
                posted=row.amount,
                fee=row.fee,
                is_late=sources.get(row.reference) in _LATE
                if row.kind == "deal"
                else row.kind in _READ_LATER,
            )
            for row in rows
        ]

    def waiting(
        self, connection: Connection, account_id: int, place: Place, since: int, until: int
    ) -> tuple[list[Told], list[Hint]]:
        """Deals of that time that wait for their order, side or market, or were posted as spot
        without having found their order."""
        w = schema.waiting_deals.c
        waiting = connection.execute(
            select(w.order_id, w.deal_id, w.reason)
            .where(w.account_id == account_id, w.executed_at >= since, w.executed_at <= until)
            .order_by(w.executed_at.desc())
            .limit(WAITING_MAX)
        ).all()
        reasons = {(row.order_id, row.deal_id): row.reason for row in waiting}
        rows = {row[1:3]: row for row in self._deals(connection, account_id, list(reasons))}
        told: list[Told] = []
        hints: list[Hint] = []
        for key, row in rows.items():
            deal, reason = self._deal_of(row), reasons[key]
            reference = deal_reference(deal)
            market = self._markets.named(connection, deal.market)
            if market is None:
                said = f"deal {reference} on {deal.market} is not counted: {reason}"
                hints.append(Hint(kind=CandidateKind.WAITING_DEAL, reference=reference, said=said))
                continue
            for effect, fee in _effects(deal, market, place[1]):
                is_counted = reason == ASSUMED and place[0] == Wallet.SPOT
                told.append(
                    Told(
                        kind="deal",
                        reference=reference,
                        at=deal.executed_at,
                        amount=effect,
                        posted=effect if is_counted else ZERO,
                        fee=fee,
                        doubt=CandidateKind.WAITING_DEAL,
                        why=reason if is_counted else f"waits: {reason}",
                    )
                )
        return told, hints

    def history(
        self, connection: Connection, account_id: int, place: Place, since: int, until: int
    ) -> Iterator[Told]:
        """Deposits, withdrawals and other movements of the asset, whatever wallet they name."""
        asset, found = place[1], list[tuple[Entry, str, CandidateKind | None]]()
        moment = self._encoding.moment
        during = {"since": moment(since - BEFORE), "until": moment(until)}
        for row in self._transactions(connection, account=account_id, asset=asset, **during):
            known = self._histories.transaction_of(row)
            found.append((_as_if_done(known), *_doubt_of(known)))
        for row in self._movements(connection, account=account_id, **during):
            movement = self._histories.movement_of(row)
            market = self._markets.named(connection, movement.market) if movement.market else None
            if movement.market and market is None:
                continue
            entry = movement_entry(replace(movement, settled=True), market, movement.occurred_at)
            if entry is None:
                continue
            doubt = None if movement.settled else CandidateKind.UNSETTLED
            found.append((entry, "" if movement.settled else f"is {movement.status}", doubt))
        keys = [(entry.kind, entry.reference) for entry, _, _ in found]
        posted = self._posted_to(connection, account_id, place, keys)
        for entry, why, doubt in found:
            legs = [leg for leg in entry.legs if leg.asset == asset]
            if legs:
                yield Told(
                    kind=entry.kind,
                    reference=entry.reference,
                    at=entry.occurred_at,
                    amount=_sum(leg.amount for leg in legs),
                    posted=posted.get((entry.kind, entry.reference), ZERO),
                    fee=_sum(leg.fee for leg in legs),
                    doubt=doubt,
                    why=why,
                    is_late=True,
                )

    def in_transit(self, connection: Connection, account_id: int, asset: str) -> Iterator[Told]:
        """What has left or reached no wallet yet, as far as is known."""
        p = schema.postings.c
        rows = connection.execute(
            select(p.kind, p.reference, p.occurred_at, p.amount, p.balance_after)
            .where(*_of(account_id, ("", asset)))
            .order_by(p.occurred_at.desc(), p.entry_id.desc(), p.leg.desc())
            .limit(TRANSIT_MAX)
        )
        still: list[Told] = []
        for row in rows:
            if not row.balance_after:
                break
            opposite = [each for each in still if each.amount == minus(ZERO, row.amount)]
            if opposite:
                still.remove(opposite[0])
                continue
            still.append(
                Told(
                    kind=row.kind,
                    reference=row.reference,
                    at=row.occurred_at,
                    amount=row.amount,
                    posted=ZERO,
                    doubt=CandidateKind.TRANSIT,
                    why="stands in transit, as no wallet has shown it",
                )
            )
        return iter(still)

    def _posted_to(
        self, connection: Connection, account_id: int, place: Place, keys: Sequence[_Key]
    ) -> dict[_Key, Decimal]:
        sums: dict[_Key, Decimal] = {}
        for row in set(self._posted(connection, account_id, keys)):
            if row[1:3] == place:
                key = row[7], row[8]
                sums[key] = plus(sums.get(key, ZERO), self._encoding.amount_of(row[9]))
        return sums


_LATE = frozenset({str(Source.BACKFILL), str(Source.SWEEP)})
_READ_LATER = frozenset(map(str, (*TransactionKind, *MovementKind)))
"""No stream tells of them."""


def _of(account_id: int, place: Place) -> tuple[ColumnElement[bool], ...]:
    p = schema.postings.c
    return p.account_id == account_id, p.wallet == place[0], p.asset == place[1]


def _deal_key(reference: str) -> tuple[int, int]:
    deal_id, _, order_id = reference.partition(":")
    return int(order_id), int(deal_id)


def _effects(deal: Deal, market: Market, asset: str) -> Iterator[tuple[Decimal, Decimal]]:
    """What a deal does to the asset, and its fee; on either side, if its own is unknown."""
    for side in (deal.side,) if deal.side else (Side.BUY, Side.SELL):
        for leg in deal_entry(replace(deal, side=side), market, Wallet.SPOT).legs:
            if leg.asset == asset:
                yield leg.amount, leg.fee


def _as_if_done(known: Transaction) -> Entry:
    """What it does if it succeeds, or did."""
    done = known if known.processed_amount is not None else replace(known, status=SUCCESS)
    return transaction_entry(done)


def _doubt_of(known: Transaction) -> tuple[str, CandidateKind | None]:
    if known.status == SUCCESS:
        return "", None
    return f"is {known.status}", None if is_settled(known.status) else CandidateKind.UNSETTLED


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = plus(total, amount)
    return total
