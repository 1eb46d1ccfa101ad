"""`reconciler simulate`: the simulated exchange alone, for any client."""

import random
import signal

import click
import trio

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.life import live
from reconciler.simulator.server import serve
from reconciler.world import World, real

FUNDS = {
    "USDT": "1000000",
    "BTC": "20",
    "ETH": "300",
    "SOL": "5000",
    "DUSDT": "100000",
    "DBTC": "5",
}
"""What every simulated account begins with."""


@click.command("simulate")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    show_default=True,
    help="0 takes a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--seed", default=1, show_default=True, help="The same seed, the same life.")
@click.option(
    "--rate", default=5.0, show_default=True, help="Operations per second; 0 for a still market."
)
@click.option("--accounts", default=1, show_default=True, help="How many accounts to open.")
def command(port: int, host: str, seed: int, rate: float, accounts: int) -> None:
    """Run a simulated exchange: REST and WebSocket on one port, until told to stop.

    It prints what to put into a client's configuration.  Keys follow from the seed.
    """
    if rate < 0:
        raise click.BadParameter("a rate is not negative", param_hint="--rate")
    if accounts < 1:
        raise click.BadParameter("at least one", param_hint="--accounts")
    try:
        trio.run(_simulate, real(), host, port, seed, rate, accounts)
    except* OSError as group:
        raise click.UsageError(f"{host}:{port}: {group.exceptions[0]}") from None


async def _simulate(
    world: World, host: str, port: int, seed: int, rate: float, accounts: int
) -> None:
    exchange = Exchange(now=world.clock.now, seed=seed)
    chance = random.Random(f"keys {seed}")
    names = [f"account-{number + 1}" for number in range(accounts)]
    keys = {
        name: (f"{chance.getrandbits(128):032x}", f"{chance.getrandbits(128):032x}")
        for name in names
    }
    for name, (key, secret) in keys.items():
        exchange.open_account(name, key, secret, FUNDS)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with serve(exchange, host=host, port=port) as server, trio.open_nursery() as nursery:
            click.echo("[exchange]")
            click.echo(f'rest_url = "{server.rest_url}"')
            click.echo(f'ws_url = "{server.ws_url}"')
            for name, (key, secret) in keys.items():
                click.echo(f'\n[[accounts]]\nname = "{name}"')
                click.echo(f'api_key = "{key}"\napi_secret = "{secret}"')
            click.echo("\n# ready; Ctrl-C ends it")
            if rate:
                traders = random.Random(f"life {seed}")
                nursery.start_soon(_live, exchange, rate, traders, names)
            await anext(signals)
            nursery.cancel_scope.cancel()


async def _live(exchange: Exchange, rate: float, chance: random.Random, names: list[str]) -> None:
    await live(exchange, rate=rate, chance=chance, accounts=names)
