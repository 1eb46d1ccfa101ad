"""Orders that only their deals tell of: asked for by their ids.

An order that was placed before the record begins, or before what the exchange remembers, and ended
after it, is in no window and on no list (PROTOCOL § 9, trap 34).  Without it nobody knows which
wallet its deals moved.
"""

from reconciler.feed.reader import Reader
from reconciler.wire import rest

LOOK_UPS_MAX = 200
"""In one pass; the next goes on.  Cancelled orders of some accounts are never found (trap 59)."""


async def look_up_orphans(reader: Reader, until: int) -> None:
    """The orders of deals up to `until`, when history has been read to there; each is asked for
    once in the life of a process."""
    on = reader.on
    asked = on.recall.orphans
    wanted = [id_ for id_ in await on.past.unknown_orders(on.account, until) if id_ not in asked]
    for order_id in wanted[:LOOK_UPS_MAX]:
        await reader.keep([await reader.ask(rest.order_by_id(order_id))])
        asked.add(order_id)
