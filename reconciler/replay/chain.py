"""Whether the journal is as it was written: each row by its digest, all of them by their links.

Pure: rows in, rows and findings out.  A row that is taken off the end leaves no mark here; that the
record then has rows which no frame tells is found by comparing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.store.frames import GENESIS, Kept, Unopenable, digest_of, opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What is wrong with a row of the journal, or with a few that are missing together."""

    seq: int
    last: int
    recorded_at: int | None
    """None of a row that is not there."""
    problem: str


def checked(rows: Iterable[Kept]) -> Iterator[Kept | Damage]:
    """The rows of one account that are as they were written, and the damage of the others."""
    before: Kept | None = None
    for row in rows:
        if before is not None and row.seq != before.seq + 1:
            yield _missing(before.seq + 1, row.seq - 1)
            before = None
        problem = _problem(row, before)
        before = row
        if problem is None:
            yield row
        else:
            yield Damage(seq=row.seq, last=row.seq, recorded_at=row.recorded_at, problem=problem)


def _problem(row: Kept, before: Kept | None) -> str | None:
    if digest_of(row) != row.digest:
        return "it was changed after it was written"
    if before is not None and not _follows(row, before):
        return "it does not follow the row before it; one of the two was exchanged"
    if row.seq == 1 and row.previous != GENESIS:
        return "it is the first row, but follows another one"
    try:
        opened(row)
    except Unopenable as reason:
        return str(reason)
    return None


def _follows(row: Kept, before: Kept) -> bool:
    """A row of which only the digest was changed is still the one that the next names."""
    return row.previous == before.digest or row.previous == digest_of(before)


def _missing(first: int, last: int) -> Damage:
    problem = "it is missing" if first == last else f"it and all up to {last} are missing"
    return Damage(seq=first, last=last, recorded_at=None, problem=problem)
