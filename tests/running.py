"""Runs an async test to its end, within a limit."""

from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

import trio

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def run(main: Callable[[*Ts], Awaitable[T]], *args: *Ts, seconds: float = 30) -> T:
    """The result of `main(*args)` in a trio run of its own; TooSlowError after `seconds`."""

    async def limited() -> T:
        with trio.fail_after(seconds):
            return await main(*args)

    return trio.run(limited)
