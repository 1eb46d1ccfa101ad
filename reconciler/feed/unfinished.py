"""Orders that the record believes open: which the exchange lists no more, and how they ended.

`order/history` may go by the time of creation (PROTOCOL § 9, trap 34), so an order that ended
within a window need not be in it; it is found by its id.  Cancelled orders of some accounts leave
no record at all.  Such a one is closed as `vanished`, with an order of our own as evidence, only
when two passes agree: all lists answered and named it in neither, and it was asked for by its id in
vain in both (traps 23 and 59).
"""

from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from reconciler.domain.facts import Fact, Order
from reconciler.domain.words import VANISHED
from reconciler.feed.pages import End, Listing, read_on
from reconciler.feed.reader import Reader
from reconciler.feed.rows import all_understood
from reconciler.wire import rest
from reconciler.wire.replay import inferred

ACTIVE_PAGE = 100

CONDITIONAL = "conditional_orders"
OCO = "oco_orders"
"""Orders that wait for others may be listed nowhere else (trap 60).  The second is the older list
and says nothing that the first does not."""


class Unfinished:
    """Of one pass."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._loose: dict[int, Order] = {}
        """Believed open, not listed, and not asked for by their ids yet."""
        self._lists_are_whole = True

    async def read_lists(self) -> None:
        """The active orders as they stand.  What is believed is asked first: an order that is
        placed later is not missing from a list that was read before."""
        on = self._reader.on
        self._loose = {order.order_id: order for order in await on.past.open_orders(on.account)}
        await self._read("active_orders", rest.active_orders)
        for name, page in ((CONDITIONAL, rest.conditional_orders), (OCO, rest.oco_orders)):
            read = partial(self._read, name, page)
            answered = await on.circuits.guarded(on, name, read)
            if answered is None and name == CONDITIONAL:
                self._lists_are_whole = False

    async def look_up(self, created_before: int | None = None) -> None:
        """How those ended that are believed open and not listed: all that are left, or the older
        ones."""
        on = self._reader.on
        still_open = {order.order_id for order in await on.past.open_orders(on.account)}
        for order_id, order in sorted(self._loose.items()):
            if created_before is None or (order.created_at or 0) < created_before:
                del self._loose[order_id]
                if order_id in still_open:
                    await self._look_up(order)

    async def _read(self, name: str, page: Callable[[int, int], rest.Call[rest.Page]]) -> bool:
        # Orders that end meanwhile move later ones forward, past an offset that only grows: hence
        # steps of half a page.  One that slips through all the same is asked for by its id.
        listing = Listing(name=name, rows=ACTIVE_PAGE, page=page, overlap=2, readings=1)
        end = await read_on(self._reader, listing, is_enough=self._see)
        self._lists_are_whole = self._lists_are_whole and end is End.WHOLE
        return True

    def _see(self, facts: Sequence[Fact]) -> bool:
        self._lists_are_whole = self._lists_are_whole and all_understood(facts)
        for fact in facts:
            if isinstance(fact, Order):
                self._loose.pop(fact.order_id, None)
                self._reader.on.recall.missing.pop(fact.order_id, None)
        return False

    async def _look_up(self, order: Order) -> None:
        on = self._reader.on
        answers = []
        for call in (rest.order_by_id(order.order_id), rest.active_order(order)):
            answers.append(await self._reader.ask(call))
            if answers[-1].value.count:
                on.recall.missing.pop(order.order_id, None)
                await self._reader.keep(answers)
                return
        await self._reader.keep(answers)
        await self._miss(order)

    async def _miss(self, order: Order) -> None:
        """It was asked for in vain: in the second pass, it has vanished."""
        on = self._reader.on
        now = on.world.clock.now()
        since = on.recall.missing.setdefault(order.order_id, now)
        if since == now:
            on.log.info("order.unaccounted", order_id=order.order_id)
        if now - since < on.sweep or not self._lists_are_whole:
            return
        ended = replace(order, status=VANISHED, final=True)
        await self._reader.conclude(ended, inferred(ended, now))
        del on.recall.missing[order.order_id]
        on.log.warning("order.vanished", order_id=order.order_id, market=order.market)
