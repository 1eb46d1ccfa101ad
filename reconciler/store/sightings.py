"""Which kept frame told a fact: searched in the journal, from when it happened onwards.

A fact doesn't say where it was read, since most are told many times.  The journal is in the order
of time, so the first frame that tells it is near; how frames are read, the caller says.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import (
    BindParameter,
    Connection,
    Dialect,
    Integer,
    bindparam,
    literal_column,
    select,
)

from reconciler.domain.facts import BalanceReport, Deal, Fact, Frame, Movement, Transaction
from reconciler.domain.moments import MINUTE
from reconciler.ledger.postings import DEAL, deal_reference
from reconciler.store.columns import encoding_of
from reconciler.store.frames import Journal, Kept, Unopenable, opened
from reconciler.store.ledger import Place
from reconciler.store.schema import frames as table
from reconciler.store.statements import Read

ROWS_MAX = 1_000
"""Of the journal, for one fact.  Where a daemon listens a few do; where it begins, some hundred."""

EXCERPT = 240
"""Characters shown of a frame, around what was searched if that is in it."""

BEFORE = MINUTE
"""How much earlier, by our clock, than the exchange says that it happened."""

Decoder = Callable[[Frame], tuple[Fact, ...]]
"""What a frame tells; never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A frame that tells it."""

    seq: int
    """The row of the journal (table `frames`) that it lies in."""
    received_at: int
    asked: str
    """What it answers, as JSON; empty for an update."""
    excerpt: str


class Sightings:
    """Searches the journals of one kind of database."""

    def __init__(self, dialect: Dialect, decode: Decoder) -> None:
        self._decode = decode
        self._encoding = encoding_of(dialect)
        self._kept = Journal(dialect).kept
        since: BindParameter[int] = bindparam("since")
        self._from = Read(
            dialect,
            select(table)
            .where(table.c.account_id == bindparam("account"), table.c.recorded_at >= since)
            .order_by(table.c.seq)
            .limit(literal_column(str(ROWS_MAX), Integer))
            .offset(literal_column("0", Integer)),
        )

    def of_fact(
        self, connection: Connection, account_id: int, kind: str, reference: str, at: int
    ) -> Sighting | None:
        """The first frame that told the fact of an entry, which happened `at`, by our clock."""
        needle = reference.partition(":")[0] if kind == DEAL else ""

        def tells(frame: Frame) -> bool:
            if (not frame.asked and kind != DEAL) or needle.encode() not in frame.text:
                return False
            return any(_key(fact) == (kind, reference) for fact in self._decode(frame))

        return self._first(connection, account_id, at - BEFORE, tells, needle or reference)

    def of_report(
        self, connection: Connection, account_id: int, place: Place, at: int
    ) -> Sighting | None:
        """The frame received `at` that reported the balance of a place."""

        def tells(frame: Frame) -> bool:
            return frame.received_at == at and any(
                isinstance(fact, BalanceReport)
                and fact.wallet == place[0]
                and (fact.complete or any(one.asset == place[1] for one in fact.balances))
                for fact in self._decode(frame)
            )

        return self._first(connection, account_id, at - BEFORE, tells, f'"{place[1]}"')

    def _first(
        self,
        connection: Connection,
        account_id: int,
        since: int,
        tells: Callable[[Frame], bool],
        needle: str,
    ) -> Sighting | None:
        moment = self._encoding.moment(since)
        rows = self._from.streamed(connection, account=account_id, since=moment)
        for row in map(self._kept, rows):
            for frame in _frames(row):
                if tells(frame):
                    rows.close()
                    return Sighting(
                        seq=row.seq,
                        received_at=frame.received_at,
                        asked=frame.asked,
                        excerpt=_excerpt(frame.text.decode(errors="replace"), needle),
                    )
        return None


def _key(fact: Fact) -> tuple[str, str] | None:
    match fact:
        case Deal():
            return DEAL, deal_reference(fact)
        case Transaction():
            return str(fact.kind), fact.transaction_id
        case Movement():
            return str(fact.kind), fact.movement_id
    return None


def _frames(row: Kept) -> list[Frame]:
    try:
        return [frame for batch in opened(row) for frame in batch]
    except Unopenable:
        return []  # `reconciler replay --verify` tells of it.


def _excerpt(text: str, needle: str) -> str:
    if len(text) <= EXCERPT:
        return text
    start = max(0, min(text.find(needle) - EXCERPT // 2, len(text) - EXCERPT))
    before, after = "…" if start else "", "…" if start + EXCERPT < len(text) else ""
    return f"{before}{text[start : start + EXCERPT]}{after}"
