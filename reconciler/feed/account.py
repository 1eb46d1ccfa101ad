"""One account: its supervised feed, and beside it what is asked for without one: the exchange's
clock, the balances that have no stream, and that it is down."""

import trio

from reconciler.domain.moments import seconds
from reconciler.domain.words import Source, Wallet
from reconciler.feed.figures import PATIENCE
from reconciler.feed.listener import Listener
from reconciler.feed.outages import tell_outages
from reconciler.feed.rest import CallRefused, CredentialsRefused, ExchangeAway
from reconciler.feed.supervisor import supervise
from reconciler.feed.timekeeping import keep_time
from reconciler.wire import rest


async def listen(on: Listener) -> None:
    """Listen to the account for ever."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_time, on)
        nursery.start_soon(supervise, on)
        nursery.start_soon(tell_outages, on)
        if Wallet.MAIN in on.wallets:
            nursery.start_soon(_poll_main, on)


async def _poll_main(on: Listener) -> None:
    """The main wallet has no stream, so it is asked for."""
    while True:
        await on.figures.until_admitted()
        on.figures.polling.beat(on.poll + PATIENCE)
        try:
            answer = await on.rest.read(rest.main_balances())
            await on.hand_over(Source.QUERY, answer.value, frames=(answer.frame,))
        except (ExchangeAway, CallRefused, CredentialsRefused) as error:
            # What refused credentials mean to the account is the supervisor's to decide.
            on.log.warning("balance.unread", wallet=Wallet.MAIN, why=str(error))
        await trio.sleep(seconds(on.poll))
