"""Whether an answer holds all there is, and reading on where it does not.

A short page proves the end of a list only if the exchange could have given more, and some
deployments silently give less than is asked for (PROTOCOL § 9, trap 27): so an answer longer than
any that was proven whole is proven by asking for what comes after it.  Pages overlap, since lists
move while they are read, and a reading of several pages is repeated until it tells nothing new
(trap 23).
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum

from reconciler.domain.facts import Fact
from reconciler.feed.listener import Listener
from reconciler.feed.reader import Reader
from reconciler.feed.rest import Answer
from reconciler.feed.rows import keys_of
from reconciler.wire.rest import Call, Page

REACH = 10_000
"""Offset and limit together, at most (trap 35).  Where more is documented, an older document says
the same (PROTOCOL § 10.1, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list, or the part of it within a window of time, as it can be asked for."""

    name: str
    """Of the call: lists of one name have pages of one length."""
    rows: int
    """To ask for at a time: the documented most."""
    page: Callable[[int, int], Call[Page]]
    """An offset and a limit to the call."""
    reach: int = REACH
    to_the_end: bool = False
    """Whether rows change where they stand, so that all of them are read each time."""
    overlap: int = 10
    """Each page begins so much of a page before the end of the last: a tenth."""
    readings: int = 5
    """At most, until one tells nothing new."""
    parts: Callable[[Listener], Awaitable[Sequence["Listing"]]] | None = None
    """Shorter lists that it can be asked for by, where it has more rows than it gives up."""


class End(Enum):
    """What a reading came to."""

    WHOLE = "the list's end"
    ENOUGH = "what was wanted"
    CUT_OFF = "the last row that can be asked for"
    RESTLESS = "no two readings that agree"


def nothing_is_enough(_: Sequence[Fact]) -> bool:
    """To read a list to its end."""
    return False


async def first_page(reader: Reader, listing: Listing) -> tuple[bool, Sequence[Answer[Page]]]:
    """Whether the first page is the only one, and what was told to know that; nothing of it is
    committed yet."""
    answer = await reader.ask(listing.page(0, listing.rows))
    ends, beyond = await _ends(reader, listing, answer, 0, listing.rows)
    return ends, (answer, *beyond)


async def read_on(
    reader: Reader,
    listing: Listing,
    *,
    peek: int | None = None,
    is_enough: Callable[[Sequence[Fact]], bool] = nothing_is_enough,
) -> End:
    """All pages from the top on, until one `is_enough`; committed one by one.

    The first may be a shorter one of `peek` rows.  A page alone is told at one moment and needs no
    repetition.
    """
    known: set[Hashable] = set()
    for _ in range(listing.readings):
        before = len(known)
        end, pages = await _once(reader, listing, peek, is_enough, known)
        if pages == 1 or len(known) == before or listing.readings == 1:
            return end
    return End.RESTLESS


async def _once(
    reader: Reader,
    listing: Listing,
    peek: int | None,
    is_enough: Callable[[Sequence[Fact]], bool],
    known: set[Hashable],
) -> tuple[End, int]:
    """One reading, and how many pages it took."""
    offset, pages = 0, 0
    while (limit := min(peek or listing.rows, listing.reach - offset)) > 0:
        answer = await reader.ask(listing.page(offset, limit))
        pages, peek = pages + 1, None
        ends, beyond = await _ends(reader, listing, answer, offset, limit)
        await reader.keep((answer, *beyond))
        for page in (answer, *beyond):
            known |= keys_of(page.value.facts)
        if is_enough(answer.value.facts):
            return End.ENOUGH, pages
        if ends:
            return End.WHOLE, pages
        count = answer.value.count
        offset += count if offset + count >= listing.reach else count - count // listing.overlap
    return End.CUT_OFF, pages


async def _ends(
    reader: Reader, listing: Listing, answer: Answer[Page], offset: int, limit: int
) -> tuple[bool, Sequence[Answer[Page]]]:
    """Whether the list ends with this page, and what more was asked to know it."""
    paging = reader.on.recall.paging[listing.name]
    count = answer.value.count
    if count > paging.rows(limit):
        paging.most = 0
    if count >= paging.rows(limit):
        return False, ()
    if count < paging.whole:
        return True, ()
    # From the row that this page ends with: rows that arrived in between push only known ones
    # there.
    last = offset + count - 1
    beyond = await reader.ask(listing.page(last, min(listing.rows, listing.reach - last)))
    if keys_of(beyond.value.facts) <= keys_of(answer.value.facts):
        paging.whole = count
        return True, (beyond,)
    paging.most = count
    return False, (beyond,)
