"""One stream during one pass over history: asks, commits what it is told, adds up what was new.

A page's rows and the text that they were read from go into the record together, and what they prove
with them or after them, never before.
"""

from collections.abc import Sequence

from reconciler.domain.facts import Deal, Fact, Frame, Order
from reconciler.domain.spans import Stretch
from reconciler.domain.words import Source
from reconciler.feed.learned import Learned
from reconciler.feed.listener import Listener
from reconciler.feed.progress import Meter
from reconciler.feed.rest import Answer
from reconciler.inbox import Span
from reconciler.wire.rest import Call, Page


class Reader:
    """Of one stream of one account."""

    def __init__(self, on: Listener, source: Source, stream: str, told: int, meter: Meter) -> None:
        self.on = on
        self.stream = stream
        self.meter = meter
        self.learned = Learned()
        self.found = 0
        """Deals and orders that were not known, or not known to have ended, although a stream
        should have told of them by now: what happened before `told`."""
        self._source = source
        self._told = told

    async def ask(self, call: Call[Page]) -> Answer[Page]:
        """One page; nothing of it is in the record yet."""
        answer = await self.on.rest.read(call)
        self.on.figures.move()
        self.on.figures.surplus += answer.value.surplus
        self.meter.rows += answer.value.count
        return answer

    async def keep(self, answers: Sequence[Answer[Page]], *proven: Stretch) -> None:
        """Commit pages, and the time that is proven complete by them."""
        facts = tuple(fact for answer in answers for fact in answer.value.facts)
        frames = tuple(answer.frame for answer in answers)
        await self._commit(facts, frames, proven)

    async def conclude(self, order: Order, evidence: Frame) -> None:
        """Commit what was concluded of an order."""
        await self._commit((order,), (evidence,), ())

    async def _commit(
        self, facts: Sequence[Fact], frames: Sequence[Frame], proven: Sequence[Stretch]
    ) -> None:
        spans = tuple(Span(stream=self.stream, since=low, until=high) for low, high in proven)
        applied = await self.on.commit(self._source, facts, spans, frames=frames)
        self.learned += applied
        late = [type(fact) for fact in facts if _told_by(fact) < self._told]
        self.found += min(applied.deals, late.count(Deal))
        self.found += min(applied.orders_found, late.count(Order))


def _told_by(fact: Fact) -> int:
    """When a stream had the last thing to tell of it."""
    match fact:
        case Deal():
            return fact.executed_at
        case Order():
            return fact.finished_at or fact.created_at or 0
        case _:
            return 0
