"""The questions that a feed asks of the record.  `store.reads` has the answers."""

from typing import Protocol

from reconciler.domain.facts import Order


class Past(Protocol):
    """What is already known, and known to be complete."""

    async def covered_until(self, account: str, stream: str) -> int | None:
        """The moment up to which the stream is proven complete, or None before the first proof."""
        ...

    async def open_orders(self, account: str) -> list[Order]:
        """The orders that the record believes to be on the book."""
        ...
