"""Streams that can't be asked for by time: lists, newest first, from the top to what is proven.

Nothing freezes such a list, so it is read until a reading tells nothing new (`pages`), and its time
is proven when all of it is committed; a reading that was killed begins at the top again.  What a
list does not give up is left as a gap: what lies beyond the last row that can be asked for, and
where rows stood that could not be understood.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.domain.facts import Fact, Unreadable
from reconciler.domain.moments import SECOND
from reconciler.domain.spans import Stretch, gaps
from reconciler.domain.words import GapState
from reconciler.feed.gaps import OUT_OF_LIST, UNREADABLE, UNSETTLED, miss
from reconciler.feed.pages import End, Listing, read_on
from reconciler.feed.reader import Reader
from reconciler.feed.rows import key_of, moment_of

PEEK = 20
"""Rows to ask for first where little news is expected: every answer is kept as evidence."""


Gap = tuple[Stretch, str, GapState]


@dataclass(slots=True)
class Sight:
    """What was seen of one list between `since` and `until`."""

    since: int
    until: int
    oldest: int
    """The time of the oldest row seen."""
    doubtful: dict[Hashable, Stretch] = field(default_factory=dict)
    """Where each row stood that could not be understood."""

    def look(self, facts: Sequence[Fact]) -> bool:
        """One more page; says whether it reaches back behind `since`."""
        for key, (low, high) in doubts(facts, self.since, self.until):
            known_low, known_high = self.doubtful.get(key, (low, high))
            self.doubtful[key] = max(low, known_low), min(high, known_high)
        times = [at for fact in facts if (at := moment_of(fact)) is not None]
        oldest = min(times, default=self.until)
        self.oldest = min(self.oldest, oldest)
        return oldest < self.since


def doubts(facts: Sequence[Fact], since: int, until: int) -> Iterator[tuple[Hashable, Stretch]]:
    """Where on a page, newest first, rows stand that could not be understood: between the times of
    their neighbours, of which the exchange tells whole seconds."""
    newer = until
    waiting: list[Hashable] = []
    for fact in facts:
        if isinstance(fact, Unreadable):
            waiting.append(key_of(fact))
        elif (at := moment_of(fact)) is not None:
            yield from ((key, (max(at, since), newer)) for key in waiting)
            newer, waiting = min(at + SECOND, until), []
    yield from ((key, (since, newer)) for key in waiting)


async def read_lists(
    reader: Reader, listings: Sequence[Listing], time: Stretch, *, is_first: bool
) -> None:
    """Read `time` of all the lists, and prove what they tell of it together."""
    missed = [gap for listing in listings for gap in await _read(reader, listing, time, is_first)]
    await reader.keep((), *gaps([stretch for stretch, _, _ in missed], *time))
    for stretch, reason, state in missed:
        await miss(reader.on, reader.stream, stretch, reason, state)


async def _read(reader: Reader, listing: Listing, time: Stretch, is_first: bool) -> Sequence[Gap]:
    """What is missing of one list afterwards."""
    since, until = time
    sight = Sight(since, until, oldest=until)

    def is_enough(facts: Sequence[Fact]) -> bool:
        reaches = sight.look(facts)
        reader.meter.reach(since + until - max(since, sight.oldest))
        return reaches and not listing.to_the_end

    peek = None if is_first or listing.to_the_end else PEEK
    end = await read_on(reader, listing, peek=peek, is_enough=is_enough)
    if end is End.CUT_OFF and listing.parts is not None:
        parts = await listing.parts(reader.on)
        return [gap for part in parts for gap in await _read(reader, part, time, is_first=True)]
    missed: list[Gap] = []
    if end is End.CUT_OFF and sight.oldest >= since:
        missed.append(((since, sight.oldest + SECOND), OUT_OF_LIST, GapState.UNREACHABLE))
    if end is End.RESTLESS:
        missed.append((time, UNSETTLED, GapState.OPEN))
    for key, (low, high) in sight.doubtful.items():
        # A row is no younger than the moment at which it was first seen, though it may stand on top
        # of the list for days.
        first_seen = reader.on.recall.first_seen(key, reader.on.now())
        missed.append(((low, max(low, min(high, first_seen))), UNREADABLE, GapState.OPEN))
    return missed
