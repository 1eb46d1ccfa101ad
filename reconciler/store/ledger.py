"""Entries become rows: the legs in the order in which things happened, each with the balance after
it, and what every book gained by it.

A fact that turns up late is put where it belongs, and the balances after it are moved; so the
balance at any moment is one look-up.  Nothing is ever changed or taken back otherwise: where a fact
changes what it did (a withdrawal is cancelled), the difference is posted.  What an entry is says
`ledger.postings`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Dialect, Integer, bindparam, literal_column, select, update

from reconciler.domain.moments import DAY, MOMENT_MAX, iso
from reconciler.domain.money import ZERO, canonical, minus, plus
from reconciler.domain.words import Wallet
from reconciler.ledger.entry import Entry, Leg
from reconciler.store import schema
from reconciler.store.columns import Amount, encoding_of
from reconciler.store.statements import Change, LookUp, Read, Values, Write, exact_sum

Place = tuple[str, str]
"""A wallet (empty: transit) and an asset in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A leg as it was posted."""

    occurred_at: int
    latest_at: int | None
    amount: Decimal
    balance_after: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What a wallet's ledger says around a report."""

    before: Decimal
    """The balance before the first line."""
    lines: tuple[Line, ...]
    """Those without and with an exact time that lie within."""
    floating: tuple[Line, ...]
    """Those that began before and may have happened within."""


_ZERO, _ONE, _MANY = (literal_column(number, Integer) for number in ("0", "1", "200"))
"""Not parameters: those of a `Read` have names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What a leg that was just posted did."""

    place: Place
    by: int
    """When it had happened at the latest."""
    amount: Decimal


@dataclass(slots=True)
class _New:
    """A leg on its way."""

    entry: Entry
    entry_id: int
    number: int
    leg: Leg
    balance_after: Decimal = field(default=ZERO)


class Ledger:
    """The writing half of the books, for one kind of database.  Remembers nothing between calls."""

    def __init__(self, dialect: Dialect) -> None:
        self._encoding = encoding_of(dialect)
        postings, p = schema.postings, schema.postings.c
        here = (
            (p.account_id == bindparam("account"))
            & (p.wallet == bindparam("wallet"))
            & (p.asset == bindparam("asset"))
        )
        forward = (p.occurred_at, p.entry_id, p.leg)
        backward = tuple(column.desc() for column in forward)
        line = select(p.occurred_at, p.latest_at, p.amount, p.balance_after).where(here)
        self._insert = Write(dialect, postings)
        self._up_to = Read(
            dialect,
            line.where(p.occurred_at <= bindparam("at"))
            .order_by(*backward)
            .limit(_ONE)
            .offset(_ZERO),
        )
        self._after = Read(
            dialect,
            line.where(p.occurred_at > bindparam("at"))
            .order_by(*forward)
            .limit(_ONE)
            .offset(_ZERO),
        )
        self._before = Read(
            dialect,
            line.where(p.occurred_at < bindparam("at"))
            .order_by(*backward)
            .limit(_ONE)
            .offset(_ZERO),
        )
        self._within = Read(
            dialect,
            line.where(
                p.occurred_at >= bindparam("first"), p.occurred_at <= bindparam("last")
            ).order_by(*forward),
        )
        self._floating = Read(
            dialect,
            line.where(
                p.latest_at.is_not(None),
                p.latest_at >= bindparam("first"),
                p.occurred_at < bindparam("first"),
            ).order_by(*forward),
        )
        self._first = Read(dialect, line.order_by(*forward).limit(_ONE).offset(_ZERO))
        self._newest = Read(dialect, line.order_by(*backward).limit(_MANY).offset(_ZERO))
        self._move = Change(
            dialect,
            update(postings)
            .where(here, p.occurred_at > bindparam("after"), p.occurred_at <= bindparam("until"))
            .values(
                balance_after=exact_sum(dialect, p.balance_after, bindparam("by", type_=Amount))
            ),
        )
        self._posted = LookUp(dialect, postings, by=["kind", "reference"])
        self._add_turnovers = Write(dialect, schema.turnovers, added=["amount"])
        self._add_books = Write(dialect, schema.books, added=["balance"])
        self._put_journal = Write(dialect, schema.journals, overwritten=["last_entry_id"])
        self._last_id = Read(
            dialect,
            select(schema.journals.c.last_entry_id).where(
                schema.journals.c.account_id == bindparam("account")
            ),
        )

    # Writing

    def post(
        self, connection: Connection, account_id: int, entries: Sequence[Entry]
    ) -> list[Posted]:
        """Posts entries of facts that were never posted.  Returns what they did."""
        entries = [entry for entry in entries if entry.legs]
        if not entries:
            return []
        (last_id,) = next(self._last_id(connection, account=account_id), (0,))
        news = [
            _New(entry, entry_id, number, leg)
            for entry_id, entry in enumerate(entries, last_id + 1)
            for number, leg in enumerate(entry.legs)
        ]
        self._put_journal(connection, [(account_id, last_id + len(entries))])
        places: dict[Place, list[_New]] = {}
        for new in news:
            places.setdefault((new.leg.wallet or "", new.leg.asset), []).append(new)
        for place, theirs in places.items():
            self._settle(connection, account_id, place, theirs)
        self._insert(connection, [self._row(account_id, new) for new in news])
        self._turn_over(connection, account_id, news)
        return [
            Posted(
                place=(new.leg.wallet or "", new.leg.asset),
                by=new.entry.latest_at or new.entry.occurred_at,
                amount=new.leg.amount,
            )
            for new in news
        ]

    def amend(
        self,
        connection: Connection,
        account_id: int,
        entries: Sequence[Entry],
        *,
        restated: bool = False,
    ) -> list[Posted]:
        """Posts, of each entry, what its fact was not posted for yet: all of a new one, nothing of
        one that says what it said, else the difference.  That happened after what was posted, as
        far as is known; if the entry is `restated`, at its own time."""
        unique = {(entry.kind, entry.reference): entry for entry in entries}
        known: dict[tuple[str, str], list[Values]] = {}
        for row in set(self._posted(connection, account_id, list(unique))):
            known.setdefault((row[7], row[8]), []).append(row)
        return self.post(
            connection,
            account_id,
            [
                entry if key not in known else self._difference(entry, known[key], restated)
                for key, entry in unique.items()
            ],
        )

    def _difference(self, entry: Entry, rows: Sequence[Values], restated: bool) -> Entry:
        """What the entry says beyond its rows."""
        number, stamp = self._encoding.amount_of, self._encoding.stamp_of
        sums: dict[tuple[str, str, str, str], tuple[Decimal, Decimal]] = {}
        for row in rows:
            key = row[1], row[2], row[12], row[13]
            amount, fee = sums.get(key, (ZERO, ZERO))
            sums[key] = minus(amount, number(row[9])), minus(fee, number(row[10]))
        for leg in entry.legs:
            key = leg.wallet or "", leg.asset, leg.contra, leg.fee_book
            amount, fee = sums.get(key, (ZERO, ZERO))
            sums[key] = plus(amount, leg.amount), plus(fee, leg.fee)
        legs = tuple(
            Leg(
                wallet=Wallet(wallet) if wallet else None,
                asset=asset,
                amount=amount,
                fee=fee,
                contra=contra,
                fee_book=fee_book,
            )
            for (wallet, asset, contra, fee_book), (amount, fee) in sums.items()
            if amount or fee
        )
        if restated:
            return replace(entry, legs=legs)
        occurred_at = max(entry.occurred_at, *(stamp(row[6]) or stamp(row[3]) for row in rows))
        latest_at = entry.latest_at and max(entry.latest_at, occurred_at)
        return replace(entry, legs=legs, occurred_at=occurred_at, latest_at=latest_at)

    def _settle(
        self, connection: Connection, account_id: int, place: Place, news: list[_New]
    ) -> None:
        """Gives each new leg the balance after it, and moves the balances of what comes later."""
        news.sort(key=lambda new: (new.entry.occurred_at, new.entry_id, new.number))
        where = {"account": account_id, "wallet": place[0], "asset": place[1]}
        stamp = self._encoding.stamp
        first, last = news[0].entry.occurred_at, news[-1].entry.occurred_at
        newest = next(self._up_to(connection, **where, at=stamp(MOMENT_MAX)), None)
        later: Values | None = None
        if newest is None or newest[0] <= stamp(first):  # as nearly always
            balance = ZERO if newest is None else self._encoding.amount_of(newest[3])
        else:
            later = next(self._after(connection, **where, at=stamp(first)))
            balance = self._balance_up_to(connection, where, first)
        in_a_hole = later is None or self._encoding.stamp_of(later[0]) > last
        total = ZERO
        for new in news:
            if not in_a_hole:
                balance = self._balance_up_to(connection, where, new.entry.occurred_at)
            total = plus(total, new.leg.amount)
            new.balance_after = plus(balance, total)
        if later is None:
            return
        moves: dict[int, Decimal] = {}
        total = ZERO
        for new in news:
            total = plus(total, new.leg.amount)
            moves[new.entry.occurred_at] = total
        starts = [last] if in_a_hole else list(moves)
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            if moves[start]:
                until = self._encoding.stamp(MOMENT_MAX if end is None else end)
                self._move(
                    connection,
                    by=canonical(moves[start]),
                    **where,
                    after=stamp(start),
                    until=until,
                )

    def _balance_up_to(self, connection: Connection, where: dict[str, Any], at: int) -> Decimal:
        row = next(self._up_to(connection, **where, at=self._encoding.stamp(at)), None)
        balance: Decimal = ZERO if row is None else self._encoding.amount_of(row[3])
        return balance

    def _row(self, account_id: int, new: _New) -> Values:
        leg, entry = new.leg, new.entry
        return (
            account_id,
            str(leg.wallet) if leg.wallet else "",
            leg.asset,
            self._encoding.stamp(entry.occurred_at),
            new.entry_id,
            new.number,
            self._encoding.stamp(entry.latest_at),
            entry.kind,
            entry.reference,
            canonical(leg.amount),
            canonical(leg.fee),
            canonical(minus(ZERO, plus(leg.amount, leg.fee))),
            leg.contra,
            leg.fee_book,
            canonical(new.balance_after),
        )

    def _turn_over(self, connection: Connection, account_id: int, news: Iterable[_New]) -> None:
        days: dict[tuple[str, str, str, str], Decimal] = {}
        books: dict[tuple[str, str], Decimal] = {}
        spelled: dict[int, str] = {}
        for new in news:
            number = new.entry.occurred_at // DAY
            day = spelled.get(number) or spelled.setdefault(number, iso(number * DAY)[:10])
            for posting in new.leg.postings():
                key = day, posting.book, posting.asset, new.entry.kind
                days[key] = plus(days.get(key, ZERO), posting.amount)
        for (_, book, asset, _), by in days.items():
            books[book, asset] = plus(books.get((book, asset), ZERO), by)
        # In one order always, so that two writers can't wait for each other.
        self._add_turnovers(
            connection,
            [(account_id, *key, canonical(by)) for key, by in sorted(days.items()) if by],
        )
        self._add_books(
            connection,
            [(account_id, *key, canonical(by)) for key, by in sorted(books.items()) if by],
        )

    # Reading

    def around(
        self, connection: Connection, account_id: int, place: Place, first: int, last: int
    ) -> Stretch:
        """The ledger of a place from `first` to `last`."""
        where = {"account": account_id, "wallet": place[0], "asset": place[1]}
        stamp = self._encoding.stamp
        row = next(self._before(connection, **where, at=stamp(first)), None)
        within = self._within(connection, **where, first=stamp(first), last=stamp(last))
        floating = self._floating(connection, **where, first=stamp(first))
        return Stretch(
            before=ZERO if row is None else self._encoding.amount_of(row[3]),
            lines=tuple(map(self._line, within)),
            floating=tuple(map(self._line, floating)),
        )

    def first_at(self, connection: Connection, account_id: int, place: Place) -> int | None:
        """When the place's ledger begins."""
        where = {"account": account_id, "wallet": place[0], "asset": place[1]}
        row = next(self._first(connection, **where), None)
        found: int | None = None if row is None else self._encoding.stamp_of(row[0])
        return found

    def balance(self, connection: Connection, account_id: int, place: Place) -> Decimal:
        """The balance after all that was posted."""
        where = {"account": account_id, "wallet": place[0], "asset": place[1]}
        return self._balance_up_to(connection, where, MOMENT_MAX)

    def open_lines(
        self, connection: Connection, account_id: int, place: Place, most: int
    ) -> list[Line]:
        """The last lines that have not been evened out: those since the balance was last zero,
        without those that cancel each other; at most so many."""
        where = {"account": account_id, "wallet": place[0], "asset": place[1]}
        still: list[Line] = []
        for line in map(self._line, self._newest(connection, **where)):
            if not line.balance_after:
                break
            opposite = minus(ZERO, line.amount)
            evened = next((one for one in still if one.amount == opposite), None)
            if evened is None:
                still.append(line)
            else:
                still.remove(evened)
        return still[-most:]

    def _line(self, row: Values) -> Line:
        return Line(
            occurred_at=self._encoding.stamp_of(row[0]),
            latest_at=self._encoding.stamp_of(row[1]),
            amount=self._encoding.amount_of(row[2]),
            balance_after=self._encoding.amount_of(row[3]),
        )
