"""The exchange's time and numbers: both only ever rise, which its histories rely on.

The clock and chance are arguments, so the same seed numbers everything alike.
"""

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FIRST_ORDER_ID, FIRST_DEAL_ID = 1_503_279_262_131, 10_630_782_211
"""As large as those seen live in July 2025 (PROTOCOL § 6.2)."""

_GAP_MAX = 1_000


class Clock:
    """The time that it was given, unless somebody holds its hands."""

    def __init__(self, given: Callable[[], int]) -> None:
        self._given = given
        self._held: int | None = None

    def __call__(self) -> int:
        return self._given() if self._held is None else self._held

    @contextmanager
    def held(self) -> Iterator[Callable[[int], None]]:
        """Sets the time by hand, while the block lasts."""

        def set_to(moment: int) -> None:
            self._held = moment

        try:
            yield set_to
        finally:
            self._held = None


class Ids:
    """One counter per kind of thing, with the gaps that a busy exchange leaves."""

    def __init__(self, *, now: Callable[[], int], chance: random.Random) -> None:
        self._now = now
        self._chance = chance
        self._latest = 0
        self._order = FIRST_ORDER_ID
        self._deal = FIRST_DEAL_ID
        self._small = 0

    def stamp(self) -> int:
        """This moment in µs, never before the last one."""
        self._latest = max(self._latest, self._now())
        return self._latest

    def order(self) -> int:
        """Of an order."""
        self._order += self._gap()
        return self._order

    def deal(self) -> int:
        """Of a deal."""
        self._deal += self._gap()
        return self._deal

    def small(self) -> int:
        """Of things that are few: positions, quotes."""
        self._small += 1
        return self._small

    def uuid(self) -> str:
        """Of a transaction."""
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def word(self, bits: int) -> str:
        """So many bits of chance in hexadecimal: a transaction's hash, an address."""
        return f"{self._chance.getrandbits(bits):0{bits // 4}x}"

    def _gap(self) -> int:
        return self._chance.randrange(1, _GAP_MAX)
