"""The questions that a feed asks of the record.  `store.reads` has the answers."""

from collections.abc import Mapping
from typing import Protocol

from reconciler.domain.facts import KeyNotice, Order, StreamNotice, Transaction
from reconciler.domain.spans import Stretch


class Past(Protocol):
    """What is already known, and known to be complete."""

    async def covered_until(self, account: str, stream: str) -> int | None:
        """The moment up to which the stream is proven complete, or None before the first proof."""
        ...

    async def open_orders(self, account: str) -> list[Order]:
        """The orders that the record believes to be on the book."""
        ...

    async def unknown_orders(self, account: str, until: int) -> list[int]:
        """The orders that are known by nothing but their deals before `until`, newest first."""
        ...

    async def coverage(self, account: str) -> Mapping[str, tuple[Stretch, ...]]:
        """The time for which each stream is proven complete, oldest first."""
        ...

    async def unsettled(self, account: str) -> list[Transaction]:
        """The deposits and withdrawals that may still change."""
        ...

    async def refused_streams(self, account: str) -> list[StreamNotice]:
        """The streams of which the exchange told this key nothing when last asked."""
        ...

    async def used_up(self, account: str) -> KeyNotice | None:
        """What was last committed of the account's key."""
        ...
