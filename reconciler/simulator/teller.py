"""Tells a client its balances and positions: absolute values, at most once per interval, only what
changed.

A value is read at the moment of telling, so whatever happened in between is never seen, and a
change that nets to zero within the interval is not told at all (PROTOCOL § 10.2, question 19).
"""

from collections.abc import Callable, Iterable
from typing import Any

import trio

from reconciler.simulator.dialect import Row
from reconciler.simulator.records import Wallet

INTERVAL_S = {Wallet.SPOT: 1.0, Wallet.COLLATERAL: 1.5}
"""Between two updates of a wallet (PROTOCOL § 3); the main wallet has no stream."""

CHANNEL = {Wallet.SPOT: "balanceSpot", Wallet.COLLATERAL: "balanceMargin"}


class Teller:
    """Of one wallet, to one client."""

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet
        self._moved: dict[str, None] = {}
        self._any = trio.Event()
        self._told: dict[str, Any] = {}

    def moved(self, assets: Iterable[str]) -> None:
        """These have new balances."""
        self._moved.update(dict.fromkeys(assets))
        self._any.set()

    def start_anew(self) -> None:
        """A new subscription knows nothing of what the last one was told."""
        self._moved.clear()
        self._told.clear()

    async def run(
        self, row: Callable[[str], Row | None], tell: Callable[[str, list[Any]], None]
    ) -> None:
        """Calls `tell` with a method and its params.  `row` gives None for what is not subscribed
        to."""
        while True:
            await self._any.wait()
            self._any = trio.Event()
            moved, self._moved = self._moved, {}
            news: dict[str, Any] = {}
            for asset in moved:
                now = row(asset)
                if now is not None and self._told.get(asset) != now:
                    news[asset] = now
            if news:
                self._told |= news
                params = [news] if self._wallet is Wallet.SPOT else list(news.values())
                tell(f"{CHANNEL[self._wallet]}_update", params)
            await trio.sleep(INTERVAL_S[self._wallet])


SNAPSHOT_INTERVAL_S = {"positionsMargin": 1.0, "borrowsMargin": 1.5}
"""Between two snapshots of a channel (PROTOCOL § 3)."""


class SnapshotTeller:
    """Of one channel that tells all there is whenever something changed, to one client."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._any = trio.Event()
        self._told: Any = None

    def moved(self) -> None:
        """Something may have changed."""
        self._any.set()

    def start_anew(self) -> None:
        """A new subscription is told what there is, if there is anything."""
        self._told = None
        self._any.set()

    async def run(
        self, snapshot: Callable[[str], Row | None], tell: Callable[[str, Any], None]
    ) -> None:
        """As `Teller.run`, with one object.  That nothing is left is told once; that there never
        was anything, not at all."""
        while True:
            await self._any.wait()
            self._any = trio.Event()
            now = snapshot(self._channel)
            if now is not None and now != self._told and (now["total"] or self._told):
                self._told = now
                tell(f"{self._channel}_update", now)
            await trio.sleep(SNAPSHOT_INTERVAL_S[self._channel])
