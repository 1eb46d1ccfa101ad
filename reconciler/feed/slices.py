"""Streams that can be asked for by time: slices so thin that one answer holds each whole.

Such an answer tells the slice as it was at one moment: nothing can shift between its pages, and
the commit that stores its rows proves its time.  So coverage itself is the cursor, oldest first: a
reading that was killed goes on where the proof ends.  A slice that is too much for one answer is
read again in thinner ones; a single second that still is, by pages.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from reconciler.domain.facts import Fact
from reconciler.domain.moments import MINUTE, SECOND
from reconciler.domain.spans import Stretch
from reconciler.domain.words import GapState
from reconciler.feed.gaps import TOO_MANY, UNREADABLE, UNSETTLED, miss
from reconciler.feed.pages import End, Listing, first_page, read_on
from reconciler.feed.reader import Reader
from reconciler.feed.rows import all_understood
from reconciler.wire.rest import Call, Page

DOUBT = MINUTE
"""Nobody knows the time of a row that could not be understood, so all of its slice is not proven.
Narrowed down so far it is left as a gap, and the reading goes on behind it."""

DOUBTS_MAX = 100
"""Slices narrowed down for such rows in one reading: a change of the exchange's that spoils them
all should not make it ask for every minute of half a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed:
    """A list that takes a window of time, in whole seconds, of which the end may be left open."""

    name: str
    rows: int
    call: Callable[[int, int | None, int, int], Call[Page]]
    """Since, until, offset and limit to the call."""

    def within(self, since: int, until: int | None, floor: int) -> Listing:
        """What covers since <= moment < until, if not from before the floor.

        Neither the inclusiveness of the ends is documented nor how the exchange rounds, so a second
        is added at both (trap 31).
        """
        start = max(since // SECOND - 1, -(-floor // SECOND))
        end = None if until is None else -(-until // SECOND) + 1
        return Listing(name=self.name, rows=self.rows, page=partial(self.call, start, end))


async def read_slices(
    reader: Reader, windowed: Windowed, time: Stretch, *, floor: int, to_present: bool
) -> None:
    """Read and prove `time`, oldest first; and, `to_present`, what is younger still.

    That proves nothing: the exchange has not caught up with it.
    """
    at, until = time
    bound, doubts = until, DOUBTS_MAX
    may_be_open, is_present_read = to_present, False
    pace = reader.on.recall.pace[windowed.name]
    while at < until:
        bound = until if at >= bound else bound
        end = min(_second_after(at, pace.width), bound)
        is_open = may_be_open and end == until
        within = windowed.within(at, None if is_open else end, floor)
        is_whole, answers = await first_page(reader, within)
        is_doubtful = not all(all_understood(answer.value.facts) for answer in answers)
        is_proven = is_whole and not is_doubtful
        await reader.keep(answers, *[(at, end)] * is_proven)
        if is_open and not is_whole:
            may_be_open = False  # what is too much may all be younger than the slice
            continue
        narrowest = DOUBT if is_whole else SECOND
        if not is_proven and end - at > narrowest and (doubts or not is_whole):
            doubts -= is_whole
            bound = end
            pace.was_full(end - at)
            continue
        if is_whole:
            rows = reader.on.recall.paging[windowed.name].rows(windowed.rows)
            pace.held(end - at, answers[0].value.count, rows)
            if is_doubtful:
                await miss(reader.on, reader.stream, (at, end), UNREADABLE)
        else:
            await _page_through(reader, within, (at, end))
        at, is_present_read = end, is_open
        reader.meter.reach(at)
    if to_present and not is_present_read:
        present = windowed.within(until, None, floor)
        await read_on(reader, replace(present, readings=1))


async def _page_through(reader: Reader, within: Listing, time: Stretch) -> None:
    """One second that is too much for one answer."""
    is_doubtful = False

    def look(facts: Sequence[Fact]) -> bool:
        nonlocal is_doubtful
        is_doubtful = is_doubtful or not all_understood(facts)
        return False

    end = await read_on(reader, within, is_enough=look)
    if end is End.WHOLE and not is_doubtful:
        await reader.keep((), time)
    elif end is End.CUT_OFF:
        await miss(reader.on, reader.stream, time, TOO_MANY, GapState.UNREACHABLE)
    else:
        await miss(reader.on, reader.stream, time, UNREADABLE if is_doubtful else UNSETTLED)


def _second_after(at: int, width: int) -> int:
    """The last whole second of the `width` from `at` on, and no less than one."""
    return max((at + width) // SECOND, at // SECOND + 1) * SECOND
