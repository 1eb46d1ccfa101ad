"""The journal made anew, from the facts and the conclusions alone: does it say what the running one
says?

Nothing is written.  Only sums are kept in memory, so the size of the record doesn't matter; each
line of the running journal is held against the sum of those before it besides.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import msgspec
from sqlalchemy import Connection, Dialect, and_, bindparam, select

from reconciler.domain.facts import Market
from reconciler.domain.moments import iso
from reconciler.domain.money import ZERO, canonical, plus
from reconciler.domain.words import Wallet, wallet_of
from reconciler.ledger.books import wallet_book
from reconciler.ledger.entry import Entry
from reconciler.ledger.postings import deal_entry, movement_entry, transaction_entry
from reconciler.store import schema
from reconciler.store.bookkeeping import ASSUMED, FUTURES, READING
from reconciler.store.columns import encoding_of
from reconciler.store.engine import Database
from reconciler.store.history_rows import HistoryRows
from reconciler.store.markets import Markets
from reconciler.store.rows import Rows
from reconciler.store.statements import Read, Values

Sums = dict[tuple[str, str], Decimal]
"""Of a book and an asset in it."""

_DEAL = len(schema.deals.c)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unequal:
    """Where the running journal and the one made anew part."""

    what: str
    """`book`, `turnover`, or `line`: the last of a wallet's asset, or the first that is not the
    sum of those before it."""
    book: str
    asset: str
    running: Decimal
    rebuilt: Decimal
    at: int | None = None
    """Of a line within the journal."""

    def __str__(self) -> str:
        when = "" if self.at is None else f" at {iso(self.at)}"
        return (
            f"{self.what} {self.book} {self.asset}{when}: "
            f"{canonical(self.running)} in the journal, {canonical(self.rebuilt)} by the facts"
        )


def unequal_books(database: Database, *, only: str | None = None) -> dict[str, list[Unequal]]:
    """The accounts, or only this one, whose books are not what the record makes them.  Raises
    DatabaseUnusable."""
    rebuild = Rebuild(database.dialect)
    names = select(schema.accounts.c.name, schema.accounts.c.account_id)
    with database.reading() as connection:
        accounts = connection.execute(names.order_by(schema.accounts.c.name)).all()
        found = {
            name: rebuild.differences(connection, id_)
            for name, id_ in accounts
            if only in (None, name)
        }
    return {name: unequal for name, unequal in found.items() if unequal}


class Rebuild:
    """Makes journals of one kind of database anew."""

    def __init__(self, dialect: Dialect) -> None:
        self._encoding = encoding = encoding_of(dialect)
        self._deal_of = Rows(encoding=encoding).deal_of
        self._histories = HistoryRows(encoding=encoding)
        d, o, w = schema.deals, schema.orders.c, schema.waiting_deals.c
        m = schema.markets
        self._deals = Read(
            dialect,
            select(d, o.type, w.reason, m.c.base_asset, m.c.quote_asset, m.c.kind)
            .outerjoin(
                schema.orders, and_(o.account_id == d.c.account_id, o.order_id == d.c.order_id)
            )
            .outerjoin(
                schema.waiting_deals,
                and_(
                    w.account_id == d.c.account_id,
                    w.order_id == d.c.order_id,
                    w.deal_id == d.c.deal_id,
                ),
            )
            .outerjoin(m, m.c.name == d.c.market)
            .where(d.c.account_id == bindparam("account")),
        )
        self._transactions, self._movements, self._conclusions, self._books, self._turnovers = (
            Read(dialect, select(table).where(table.c.account_id == bindparam("account")))
            for table in (
                schema.transactions,
                schema.movements,
                schema.conclusions,
                schema.books,
                schema.turnovers,
            )
        )
        p = schema.postings.c
        self._lines = Read(
            dialect,
            select(p.wallet, p.asset, p.occurred_at, p.amount, p.balance_after)
            .where(p.account_id == bindparam("account"))
            .order_by(p.wallet, p.asset, p.occurred_at, p.entry_id, p.leg),
        )

    def books(self, connection: Connection, account_id: int) -> Sums:
        """What every book holds by the facts and conclusions."""
        sums: Sums = {}
        for entry in self._entries(connection, account_id):
            for posting in entry.postings():
                _add(sums, posting.book, posting.asset, posting.amount)
        return sums

    def differences(self, connection: Connection, account_id: int) -> list[Unequal]:
        """Where the running journal says something else; empty if it is as it should be."""
        rebuilt = self.books(connection, account_id)
        number = self._encoding.amount_of
        running: Sums = {}
        turned: Sums = {}
        for row in self._books.streamed(connection, account=account_id):
            _add(running, row[1], row[2], number(row[3]))
        for row in self._turnovers.streamed(connection, account=account_id):
            _add(turned, row[2], row[3], number(row[5]))
        last, broken = self._last_lines(connection, account_id)
        places = {key: by for key, by in rebuilt.items() if key[0].startswith(_PLACES)}
        return [
            *_compared("book", running, rebuilt),
            *_compared("turnover", turned, rebuilt),
            *_compared("line", last, places),
            *broken,
        ]

    def _entries(self, connection: Connection, account_id: int) -> Iterator[Entry]:
        readings = set()
        for row in self._conclusions(connection, account=account_id):
            if row[1] == READING:
                readings.add(row[2])
            else:
                yield _ENTRY.decode(row[3])
        for row in self._transactions.streamed(connection, account=account_id):
            known = self._histories.transaction_of(row)
            reading = f"{known.kind}:{known.transaction_id}" in readings
            yield transaction_entry(known, other_reading=reading)
        markets = Markets(connection.dialect).all(connection)
        for row in self._movements.streamed(connection, account=account_id):
            movement = self._histories.movement_of(row)
            market = markets.get(movement.market) if movement.market else None
            moved = movement_entry(movement, market, movement.occurred_at)
            if moved is not None:
                yield moved
        for row in self._deals.streamed(connection, account=account_id):
            deal = self._deal_entry(row)
            if deal is not None:
                yield deal

    def _deal_entry(self, row: Values) -> Entry | None:
        """None of a deal that has to wait, or moves nothing."""
        type_, reason, base, quote, kind = row[_DEAL:]
        deal = self._deal_of(row[:_DEAL])
        if base is None or deal.side is None or kind == FUTURES:
            return None
        if type_ is None and reason != ASSUMED:
            return None
        wallet = Wallet.SPOT if type_ is None else wallet_of(type_)
        market = Market(name=deal.market, base_asset=base, quote_asset=quote, kind=kind)
        return deal_entry(deal, market, wallet)

    def _last_lines(self, connection: Connection, account_id: int) -> tuple[Sums, list[Unequal]]:
        """The balance after the last line of each place, and the first lines that don't add up."""
        number, stamp_of = self._encoding.amount_of, self._encoding.stamp_of
        last: Sums = {}
        sums: Sums = {}
        broken: dict[tuple[str, str], Unequal] = {}
        for wallet, asset, at, amount, after in self._lines.streamed(
            connection, account=account_id
        ):
            book = wallet_book(Wallet(wallet) if wallet else None, asset)
            key = book, asset
            _add(sums, book, asset, number(amount))
            last[key] = number(after)
            if last[key] != sums[key] and key not in broken:
                broken[key] = Unequal(
                    what="line",
                    book=book,
                    asset=asset,
                    running=last[key],
                    rebuilt=sums[key],
                    at=stamp_of(at),
                )
        return last, list(broken.values())


_ENTRY = msgspec.json.Decoder(Entry)
_PLACES = tuple(wallet_book(wallet, "") for wallet in (*Wallet, None))


def _add(sums: Sums, book: str, asset: str, amount: Decimal) -> None:
    sums[book, asset] = plus(sums.get((book, asset), ZERO), amount)


def _compared(what: str, running: Sums, rebuilt: Sums) -> Iterable[Unequal]:
    for key in sorted(running.keys() | rebuilt.keys()):
        ours, theirs = running.get(key, ZERO), rebuilt.get(key, ZERO)
        if ours != theirs:
            yield Unequal(what=what, book=key[0], asset=key[1], running=ours, rebuilt=theirs)
