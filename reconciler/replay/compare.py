"""What is known against what the kept frames tell, row by row, with no more than a few in memory.

Where every frame is kept, from the first on, the two must be equal.  Where the oldest are gone,
what is told must be contained in what is known: the join of the two is what is known.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import Literal

from sqlalchemy import Column

from reconciler.domain.merge import Restated
from reconciler.domain.moments import iso
from reconciler.replay.reader import Found, Group
from reconciler.replay.tables import Derived, overlaid
from reconciler.store.columns import Moment
from reconciler.store.statements import Values

Kind = Literal["missing", "different", "surplus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A row that is not what the frames make it."""

    derived: Derived
    key: Values
    known: Found | None
    """None: no such row is known."""
    told: Values | None
    """What it should say.  None: no frame tells of it."""

    @property
    def kind(self) -> Kind:
        if self.known is None:
            return "missing"
        return "surplus" if self.told is None else "different"

    def __str__(self) -> str:
        columns = {column.name: column for column in self.derived.columns}
        key = zip(self.derived.key, self.key, strict=True)
        where = f"{self.derived.table.name} {' '.join(_shown(columns[n], v) for n, v in key)}"
        if self.known is None:
            return f"{where}: the frames tell of it, the record does not have it"
        if self.told is None:
            return f"{where}: the record has it, no frame tells of it"
        parts = zip(columns.values(), self.known.says, self.told, strict=True)
        return f"{where}: " + ", ".join(
            f"{column.name} is {_shown(column, was)}, the frames tell {_shown(column, now)}"
            for column, was, now in parts
            if was != now
        )


def differences(
    derived: Derived,
    known: Iterable[Group],
    told: Iterable[Group],
    *,
    is_whole: bool,
    is_on_record: Callable[[str], bool],
) -> Iterator[Difference]:
    """Between one table's rows, both by key.  `is_whole` says that no frame is gone;
    `is_on_record` whether the quarantine has it that a thing was told in contradictory ways."""
    before: Found | None = None
    for key, ours, theirs in _paired(known, told):
        left, right = _unequal(ours, theirs)
        for row, says in zip_longest(left, right):
            if row is None:
                if is_whole or _is_news(derived, before, says, is_on_record):
                    yield Difference(derived=derived, key=key, known=None, told=says)
            elif says is None:
                if is_whole and derived.is_exhaustive:
                    yield Difference(derived=derived, key=key, known=row, told=None)
            else:
                should = says if is_whole else _joined(derived, row.says, says, is_on_record)
                if should != row.says:
                    yield Difference(derived=derived, key=key, known=row, told=should)
        before = ours[-1] if ours else before


def _unequal(ours: list[Found], theirs: list[Found]) -> tuple[list[Found], list[Values]]:
    """Those of one key that have no equal on the other side."""
    right = [row.says for row in theirs]
    left = []
    for row in ours:
        if row.says in right:
            right.remove(row.says)
        else:
            left.append(row)
    return left, right


def _is_news(
    derived: Derived, before: Found | None, told: Values, is_on_record: Callable[[str], bool]
) -> bool:
    """Whether what is told would have become a row even after what is told no more."""
    if before is not None and not derived.is_news(before.says, told):
        return False
    what = derived.contradiction(told)
    return what is None or not is_on_record(what)


def _joined(
    derived: Derived, known: Values, told: Values, is_on_record: Callable[[str], bool]
) -> Values:
    try:
        return derived.join(known, told)
    except Restated as restated:
        return known if is_on_record(restated.what) else overlaid(known, told)
    except (ArithmeticError, ValueError, KeyError):
        return overlaid(known, told)  # What is known isn't even a fact.


def _paired(
    known: Iterable[Group], told: Iterable[Group]
) -> Iterator[tuple[Values, list[Found], list[Found]]]:
    """Both sides' rows of each key, in the order of the keys."""
    sides = heapq.merge(
        ((key, 0, rows) for key, rows in known),
        ((key, 1, rows) for key, rows in told),
        key=itemgetter(0, 1),
    )
    for key, group in groupby(sides, key=itemgetter(0)):
        rows = {side: found for _, side, found in group}
        yield key, rows.get(0, []), rows.get(1, [])


def _shown(column: Column[object], value: object) -> str:
    if isinstance(column.type, Moment) and isinstance(value, int):
        return iso(value)
    return "nothing" if value is None else str(value)
