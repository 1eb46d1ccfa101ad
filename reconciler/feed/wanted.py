"""The markets whose orders an account listens to: decided here and nowhere else.

They are those that the exchange lists, of those that were asked for, less those that its streams
refuse all the same.  How they are spread over connections is a pure function that leaves alone
what need not change.
"""

from collections.abc import Collection, Sequence

from reconciler.domain.facts import Market
from reconciler.domain.words import Source
from reconciler.feed.listener import Listener
from reconciler.feed.rest import ExchangeAway
from reconciler.wire import rest

NAMES_MAX = 100
"""Markets in one subscription.  No limit is documented; about 700 names were refused
(PROTOCOL § 1.4)."""


class Wanted:
    """Of one session."""

    def __init__(self, on: Listener) -> None:
        self._on = on
        self._refused: set[str] = set()
        self._unlisted: frozenset[str] = frozenset()
        self.names: tuple[str, ...] = ()
        """None of them is a legal state: what was asked for may be listed later, and deals and
        balances are told without a list."""

    async def read(self) -> bool:
        """Ask what is listed; whether other markets are wanted now.

        All that is listed goes into the record, for the names of assets.
        """
        on, before = self._on, self.names
        answer = await on.rest.read(rest.markets())
        await on.hand_over(Source.QUERY, answer.value.facts, frames=(answer.frame,))
        listed = [fact.name for fact in answer.value.facts if isinstance(fact, Market)]
        if not listed:
            raise ExchangeAway("the exchange lists no markets")
        asked = on.markets or listed
        there = frozenset(listed).difference(self._refused)
        self.names = tuple(dict.fromkeys(name for name in asked if name in there))
        unlisted = frozenset(on.markets).difference(listed)
        for name in sorted(unlisted - self._unlisted):
            on.log.warning("market.unlisted", market=name)
        self._unlisted = unlisted
        self._tell_changes(before)
        return set(self.names) != set(before)

    def leave_out(self, names: Collection[str]) -> None:
        """Their streams don't know these; not asked for again in this session, since each refused
        list costs the one before it (PROTOCOL § 9, trap 19)."""
        before = self.names
        self._refused.update(names)
        self.names = tuple(name for name in self.names if name not in self._refused)
        self._tell_changes(before)

    def _tell_changes(self, before: Sequence[str]) -> None:
        for name in sorted(set(before).difference(self.names)):
            self._on.log.warning("market.dropped", market=name)
        if before:  # at first all are new
            for name in sorted(set(self.names).difference(before)):
                self._on.log.info("market.added", market=name)


def spread(
    names: Sequence[str], before: Sequence[Sequence[str]], *, most: int = NAMES_MAX
) -> list[tuple[str, ...]]:
    """The names as lists of at most so many.

    A name stays in the list in which it was before, so that only lists with a change are sent
    again.  A list that has lost all of its names stays, empty.
    """
    wanted = set(names)
    lists = [[name for name in those if name in wanted] for those in before]
    placed = {name for those in lists for name in those}
    for name in names:
        if name not in placed:
            free = next((those for those in lists if len(those) < most), None)
            if free is None:
                lists.append(free := [])
            free.append(name)
    return [tuple(those) for those in lists]
