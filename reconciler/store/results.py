"""Keeps the results of every market: goes on from where they stood whenever deals are proven
complete, and makes them anew from a deal that turned up late.

Rests on coverage, so it runs once a sweep and not with every deal; a long history is worked off
some deals at a time.  What a sale earned says `ledger.results`; a deal that waits in the books
(`bookkeeping`) waits here too.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from sqlalchemy import Connection, Dialect

from reconciler.domain.facts import Deal, Market
from reconciler.domain.money import ZERO, minus
from reconciler.domain.money import canonical as text
from reconciler.domain.words import Wallet, wallet_of
from reconciler.inbox import Span
from reconciler.ledger.results import NOTHING, Flow, Lot, Position, State, flow_of
from reconciler.store import schema
from reconciler.store.bookkeeping import ASSUMED, FUTURES
from reconciler.store.columns import Encoding, encoding_of
from reconciler.store.result_rows import Statements, sale_values, state_values
from reconciler.store.rows import Rows
from reconciler.store.statements import Values

RESTS_ON = ("deals", "orders")
"""Streams: results go as far as both are proven complete, since an order says the wallet."""

DEALS_AT_ONCE = 50_000
"""In one transaction: about a second of the writer's time."""

ROWS_AT_ONCE = 1_000

_DEAL = len(schema.deals.c)


@dataclass(slots=True)
class _Book:
    """A market's results while they are written."""

    name: str
    position: Position
    number: int
    rows: list[Values] = field(default_factory=list)


class Results:
    """The results of one kind of database.  Remembers nothing between transactions."""

    def __init__(self, dialect: Dialect, *, at_once: int = DEALS_AT_ONCE) -> None:
        self._at_once = at_once
        self._sql = Statements(dialect)
        self._encoding = encoding_of(dialect)

    def keep(
        self,
        connection: Connection,
        account_id: int,
        deals: Sequence[Deal],
        spans: Iterable[Span],
        *,
        new_deals: int,
    ) -> None:
        """After deals were stored, of which so many were not known before, and coverage advanced
        by these spans: goes on as far as is proven."""
        if new_deals:
            self.note_late(connection, account_id, deals)
        if any(span.stream in RESTS_ON for span in spans):
            self._advance(connection, account_id)

    def note_late(self, connection: Connection, account_id: int, deals: Sequence[Deal]) -> None:
        """Those of the deals that the results have passed.  Some may be known for long: then their
        results are made once more and say the same."""
        end = self._end_of(connection, account_id)
        late: dict[str, int] = {}
        for deal in deals:
            if deal.executed_at < end:
                late[deal.market] = min(deal.executed_at, late.get(deal.market, end))
        self._are_late(connection, account_id, late.items())

    def _are_late(
        self, connection: Connection, account_id: int, late: Iterable[tuple[str, int]]
    ) -> None:
        moment = self._encoding.moment
        self._sql.put_late(connection, [(account_id, name, moment(since)) for name, since in late])

    def _advance(self, connection: Connection, account_id: int) -> None:
        """The late ones first, then what is new; what is too much, the next time."""
        until = self._proven_until(connection, account_id)
        end = self._end_of(connection, account_id)
        self._ask_again(connection, account_id)
        moment, moment_of = self._encoding.moment, self._encoding.moment_of
        left = self._at_once
        for name, late_since in self._sql.late(connection, account=account_id):
            work = self._work(connection, account_id)
            work.rewind(name, late_since)
            rows = self._sql.deals_of.streamed(
                connection, account=account_id, market=name, since=late_since, until=moment(end)
            )
            with closing(rows):
                stopped, left = work.do(rows, left)
            self._sql.late_no_more(connection, account=account_id, market=name)
            if stopped is not None:
                self._are_late(connection, account_id, [(name, moment_of(stopped))])
                return
        if until <= end:
            return
        rows = self._sql.deals.streamed(
            connection, account=account_id, since=moment(end), until=moment(until)
        )
        with closing(rows):
            stopped, _ = self._work(connection, account_id).do(rows, left)
        reached = moment(until) if stopped is None else stopped
        self._sql.put_end(connection, [(account_id, reached)])

    def _work(self, connection: Connection, account_id: int) -> "_Work":
        return _Work(self._sql, self._encoding, connection, account_id)

    def _ask_again(self, connection: Connection, account_id: int) -> None:
        """Whether a deal that was passed while it waited has found its place since."""
        for row in self._sql.unsure(connection, account=account_id):
            _, order_id, deal_id, market, executed_at, before, now = row
            if now != before:
                self._are_late(
                    connection, account_id, [(market, self._encoding.moment_of(executed_at))]
                )
                self._sql.unsure_no_more(
                    connection, account=account_id, order=order_id, deal=deal_id
                )

    def _proven_until(self, connection: Connection, account_id: int) -> int:
        proven: dict[str, object] = dict(self._sql.covered(connection, account=account_id))
        return min(self._encoding.moment_of(proven.get(stream)) or 0 for stream in RESTS_ON)

    def _end_of(self, connection: Connection, account_id: int) -> int:
        for (end,) in self._sql.end(connection, account=account_id):
            return int(self._encoding.moment_of(end))
        return 0


class _Work:
    """Makes results of deals in the order of time, for one account in one transaction."""

    def __init__(
        self, sql: Statements, encoding: Encoding, connection: Connection, account_id: int
    ) -> None:
        self._sql = sql
        self._encoding = encoding
        self._deal_of = Rows(encoding=encoding).deal_of
        self._connection = connection
        self._account_id = account_id
        self._books: dict[str, _Book] = {}

    def rewind(self, market: str, since: object) -> None:
        """Forgets the market's results from a moment (of the database's spelling) on."""
        where = {"account": self._account_id, "market": market}
        row = next(self._sql.last_before(self._connection, **where, since=since), None)
        self._sql.forget(self._connection, **where, after=row[2] if row else 0)

    def do(self, rows: Iterable[Values], most: int) -> tuple[object, int]:
        """Takes deals until there are none, or so many were taken.  Returns the moment before
        which it stopped, None at the end, and how many more may be taken."""
        unsure: list[Values] = []
        reached, stopped = None, None
        for row in rows:
            at = row[12]
            if most <= 0 and at != reached:
                stopped = at
                break
            most, reached = most - 1, at
            type_, reason, base, quote, kind = row[_DEAL:]
            if reason is not None:
                unsure.append((self._account_id, row[1], row[2], row[3], at, reason))
            is_spot = type_ is None or wallet_of(type_) is Wallet.SPOT
            if reason in (None, ASSUMED) and is_spot and base is not None and kind != FUTURES:
                market = Market(name=row[3], base_asset=base, quote_asset=quote, kind=kind)
                self._take(row, flow_of(self._deal_of(row[:_DEAL]), market))
        for book in self._books.values():
            self._flush(book)
        self._sql.put_unsure(self._connection, unsure)
        return stopped, most

    def _take(self, row: Values, flow: Flow) -> None:
        book = self._books.get(row[3]) or self._open(row[3])
        book.number += 1
        sales = book.position.take(book.number, flow)
        book.rows.append(
            (
                self._account_id,
                book.name,
                book.number,
                row[12],
                row[2],
                row[1],
                text(flow.base),
                text(flow.quote),
                *sale_values(sales),
                *state_values(book.position.state),
            )
        )
        if len(book.rows) >= ROWS_AT_ONCE:
            self._flush(book)

    def _open(self, market: str) -> _Book:
        last = self._sql.last(self._connection, account=self._account_id, market=market)
        row, number_of = next(last, None), self._encoding.amount_of
        state = NOTHING
        if row is not None:
            lot, lot_quantity, lot_cost, held, held_cost = row[-5:]
            state = State(
                lot=Lot(number=lot, quantity=number_of(lot_quantity), cost=number_of(lot_cost)),
                held=number_of(held),
                cost=number_of(held_cost),
            )

        def more(after: int) -> Iterator[Lot]:
            self._flush(book)
            for number, quantity, value in self._sql.bought(
                self._connection, account=self._account_id, market=market, after=after
            ):
                cost = minus(ZERO, number_of(value))
                yield Lot(number=number, quantity=number_of(quantity), cost=cost)

        book = _Book(market, Position(state, more), row[2] if row else 0)
        self._books[market] = book
        return book

    def _flush(self, book: _Book) -> None:
        self._sql.insert(self._connection, book.rows)
        book.rows.clear()
