"""New credentials for an account that is being listened to, without a restart.

They are tried before the old ones are given up: a key that the exchange refuses, or that can't be
tried now, changes nothing but the log.  The account gets a new session under the new key, and
others don't notice.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import trio

from reconciler.feed.account import listen
from reconciler.feed.listener import Listener
from reconciler.feed.rest import CallRefused, CredentialsRefused, ExchangeAway
from reconciler.secret import Credentials


class Keyring(Mapping[str, Credentials]):
    """Each account's credentials: those in use, and those that are offered in their place."""

    def __init__(self, credentials: Mapping[str, Credentials]) -> None:
        self._used = dict(credentials)
        self._offers: dict[str, trio.MemorySendChannel[Credentials]] = {}

    def __getitem__(self, account: str) -> Credentials:
        return self._used[account]

    def __iter__(self) -> Iterator[str]:
        return iter(self._used)

    def __len__(self) -> int:
        return len(self._used)

    def offer(self, account: str, credentials: Credentials) -> bool:
        """Whether they are other ones than those in use, and not still to be tried."""
        if self._used[account] == credentials:
            return False
        offers = self._offers.get(account)
        if offers is None:
            # Nobody uses the old ones now; the new ones are tried when it is the account's turn.
            self._used[account] = credentials
            return True
        try:
            offers.send_nowait(credentials)
        except trio.WouldBlock:
            return False
        return True

    def accept(self, account: str, credentials: Credentials) -> None:
        """They work, and are in use from now on."""
        self._used[account] = credentials

    @contextmanager
    def offers(self, account: str) -> Iterator[trio.MemoryReceiveChannel[Credentials]]:
        """What is offered while the block lasts."""
        send, receive = trio.open_memory_channel[Credentials](1)
        self._offers[account] = send
        try:
            yield receive
        finally:
            del self._offers[account]


async def listen_renewed(keyring: Keyring, on: Listener) -> None:
    """Listen to the account for ever, under the newest credentials that work."""
    with keyring.offers(on.account) as offers:
        while True:
            renewed: list[Listener] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(listen, on)
                renewed.append(await _renewed(keyring, on, offers))
                nursery.cancel_scope.cancel()
            [on] = renewed


async def _renewed(
    keyring: Keyring, on: Listener, offers: trio.MemoryReceiveChannel[Credentials]
) -> Listener:
    """The listener under the first credentials offered that work."""
    async for credentials in offers:
        rest = on.rest.under(credentials)
        try:
            # What a session begins with: who may not have this may not listen.
            await rest.token()
        except (CredentialsRefused, CallRefused, ExchangeAway) as error:
            on.log.error(
                "credentials.kept",
                why=f"the new ones were not taken: {error}",
                do=f"mend accounts.{on.account}.api_key and api_secret, and send SIGHUP again",
            )
            continue
        keyring.accept(on.account, credentials)
        on.circuits.doubt()
        on.log.info("credentials.renewed")
        return replace(on, rest=rest)
    raise AssertionError("the offers never end")
