"""The connections of one session, and the markets whose orders each is subscribed to.

A repeated subscription replaces the one before, so a list is always sent whole; what does not fit
into one needs another connection.  The exchange drops the old list before it looks at the new one,
so after a refusal we are subscribed to none of it or to a part (PROTOCOL § 3.0): such a list is
sent again, whatever it is by then.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass

from reconciler.feed.link import Link, RequestRefused
from reconciler.feed.wanted import Wanted, spread
from reconciler.wire import frames

REFUSALS_MAX = 10
"""In a row: each drops names or finds other markets listed, so more is no exchange to talk to."""

BAD_NAMES = (1, 9)
"""The codes of `invalid argument` and `market … does not exist` (PROTOCOL § 1.6)."""

Names = tuple[str, ...]
Open = Callable[[], AbstractAsyncContextManager[Link]]


class ListRefused(Exception):
    """The exchange does not take this list.  Remedy: read again what is listed."""

    def __init__(self, link: Link, names: Names, refusal: RequestRefused) -> None:
        self.link, self.names, self.refusal = link, names, refusal
        super().__init__(str(refusal))


@dataclass(slots=True)
class _Line:
    """A connection, and the list that was last sent over it."""

    link: Link
    names: Names = ()
    is_confirmed: bool = True


class OrderLists:
    """Of one session: `first` is its main connection; others are opened as they are needed, to
    stay in `links`."""

    def __init__(self, first: Link, links: AsyncExitStack, open_another: Open) -> None:
        self._lines = [_Line(first)]
        self._links = links
        self._open = open_another

    async def follow(self, wanted: Wanted) -> None:
        """Subscribe to the orders of the wanted markets; confirmed when it returns.

        Raises RequestRefused where the fault is not with single markets.
        """
        refusals = 0
        while True:
            try:
                await self._send(wanted.names)
            except ListRefused as refused:
                refusals += 1
                if refusals == REFUSALS_MAX:
                    raise refused.refusal from None
                # A market may have gone since we read the list.  If none has, the exchange lists
                # one that its streams don't know.
                if not await wanted.read():
                    wanted.leave_out(await _unknown(refused))
            else:
                return

    async def _send(self, names: Sequence[str]) -> None:
        """Each list that changes, whole.  Raises ListRefused."""
        for number, mine in enumerate(spread(names, [line.names for line in self._lines])):
            if number == len(self._lines):
                self._lines.append(_Line(await self._links.enter_async_context(self._open())))
            line = self._lines[number]
            if line.is_confirmed and mine == line.names:
                continue
            line.names, line.is_confirmed = mine, False
            try:
                await _subscribe(line.link, mine)
            except RequestRefused as refusal:
                if refusal.code not in BAD_NAMES:
                    raise
                raise ListRefused(line.link, mine, refusal) from refusal
            line.is_confirmed = True


async def _subscribe(link: Link, names: Sequence[str]) -> None:
    """An empty list may be acknowledged and mean nothing (trap 18), so none is ever sent."""
    if names:
        await link.ask(frames.subscribe_pending_orders(names))
        await link.ask(frames.subscribe_executed_orders(names))
    else:
        await link.ask(frames.unsubscribe_pending_orders())
        await link.ask(frames.unsubscribe_executed_orders())


async def _unknown(refused: ListRefused) -> set[str]:
    """The names of a refused list that are refused by themselves, found by halves.

    Raises RequestRefused if these are all: then the fault is not with names.
    """
    unknown = await _refused_of(refused.link, refused.names)
    if unknown == set(refused.names):
        raise refused.refusal
    return unknown


async def _refused_of(link: Link, names: Names) -> set[str]:
    try:
        await _subscribe(link, names)
    except RequestRefused as refusal:
        if refusal.code not in BAD_NAMES:
            raise
    else:
        return set()
    if len(names) == 1:
        return set(names)
    half = len(names) // 2
    return await _refused_of(link, names[:half]) | await _refused_of(link, names[half:])
