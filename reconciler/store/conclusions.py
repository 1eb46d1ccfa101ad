"""What was concluded and no record of the exchange says: openings, transfers between own wallets,
adjustments, the reading of a fee.

A conclusion is kept as the entry that it makes, so that the journal can be made anew from facts and
conclusions together.
"""

from decimal import Decimal
from itertools import count

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Dialect

from reconciler.domain.money import plus
from reconciler.ledger.entry import Entry
from reconciler.store import schema
from reconciler.store.columns import encoding_of
from reconciler.store.ledger import Ledger
from reconciler.store.statements import LookUp, Write

_ENTRY = msgspec.json.Decoder(Entry)


class Conclusions:
    """Writes conclusions and posts them, for one kind of database."""

    def __init__(self, dialect: Dialect, ledger: Ledger) -> None:
        self._ledger = ledger
        self._encoding = encoding_of(dialect)
        self._put = Write(dialect, schema.conclusions, overwritten=["body", "note", "concluded_at"])
        self._known = LookUp(dialect, schema.conclusions, by=["kind", "reference"])

    def conclude(
        self, connection: Connection, account_id: int, entry: Entry, *, note: str, now: int
    ) -> None:
        """Keeps the conclusion and posts its entry, or what of it is new."""
        body = msgspec.json.encode(entry).decode()
        moment = self._encoding.moment(now)
        self._put(connection, [(account_id, entry.kind, entry.reference, body, note, moment)])
        self._ledger.amend(connection, account_id, [entry])

    def unused(self, connection: Connection, account_id: int, kind: str, stem: str) -> str:
        """A reference that begins with `stem` and no conclusion of the kind has yet."""
        return next(
            reference
            for reference in (f"{stem}/{number}" for number in count())
            if not any(self._known(connection, account_id, [(kind, reference)]))
        )

    def correct(
        self, connection: Connection, account_id: int, kind: str, reference: str, by: Decimal
    ) -> None:
        """Adds to the one leg of a conclusion, an opening."""
        for row in set(self._known(connection, account_id, [(kind, reference)])):
            entry = _ENTRY.decode(row[3])
            (leg,) = entry.legs
            entry = replace(entry, legs=(replace(leg, amount=plus(leg.amount, by)),))
            body = msgspec.json.encode(entry).decode()
            self._put(connection, [(account_id, kind, reference, body, row[4], row[5])])
            self._ledger.amend(connection, account_id, [entry])
