"""Tells a client its balances: absolute values, at most once per interval, only what changed.

A value is read at the moment of telling, so whatever happened in between is never seen, and a
change that nets to zero within the interval is not told at all (PROTOCOL § 10.2, question 19).
"""

from collections.abc import Callable, Iterable
from typing import Any

import trio

from reconciler.simulator import dialect
from reconciler.simulator.records import Balance, Wallet

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
        self, balance: Callable[[str], Balance | None], tell: Callable[[str, list[Any]], None]
    ) -> None:
        """Calls `tell` with a method and its params.  `balance` gives None for what is not
        subscribed to."""
        while True:
            await self._any.wait()
            self._any = trio.Event()
            moved, self._moved = self._moved, {}
            news: dict[str, Any] = {}
            for asset in moved:
                now = balance(asset)
                if now is not None and self._told.get(asset) != (row := self._row(asset, now)):
                    news[asset] = row
            if news:
                self._told |= news
                params = [news] if self._wallet is Wallet.SPOT else list(news.values())
                tell(f"{CHANNEL[self._wallet]}_update", params)
            await trio.sleep(INTERVAL_S[self._wallet])

    def _row(self, asset: str, balance: Balance) -> dialect.Row:
        if self._wallet is Wallet.SPOT:
            return dialect.spot_balance(balance)
        return dialect.margin_update(asset, balance)
