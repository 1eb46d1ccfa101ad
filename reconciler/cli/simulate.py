"""`reconciler simulate`: the simulated exchange alone, for any client."""

import signal
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click
import trio

from reconciler.simulator.booth import ALL_MARKETS, Booth, Plan, market_named, open_booth
from reconciler.simulator.deeds import Deed
from reconciler.simulator.past import past_of
from reconciler.simulator.records import Market
from reconciler.simulator.rules import Refused
from reconciler.simulator.script import Script, ScriptError, read
from reconciler.world import World, real

SPEED_MAX = 10_000


def _markets(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[Market, ...]:
    try:
        markets = tuple(market_named(name) for name in names)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if len({market.name for market in markets}) < len(markets):
        raise click.BadParameter("a market is named twice")
    return markets


def _script(_: click.Context, __: click.Parameter, file: Path | None) -> Script:
    """In TOML, or in JSON if the file's name says so."""
    try:
        return read(file.read_bytes(), toml=file.suffix != ".json") if file else Script()
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}") from None
    except ScriptError as error:
        raise click.BadParameter(f"{file}: {error}") from None


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
    "--rate",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="Operations per second; 0 for a still market.",
)
@click.option(
    "--accounts",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many accounts to open.",
)
@click.option(
    "--market",
    "markets",
    callback=_markets,
    multiple=True,
    help="A market to open, BTC_USDT, or XRP_USDT=0.6 with a price; may be repeated.",
)
@click.option(
    "--warm-up",
    type=click.IntRange(0, 1_000_000),
    default=0,
    show_default=True,
    help="Operations before the doors open, so that books aren't empty.",
)
@click.option(
    "--past",
    "past_days",
    type=click.IntRange(0, 3_650),
    default=0,
    show_default=True,
    help="Days of trading before the doors open, of which histories tell.",
)
@click.option(
    "--past-deals",
    type=click.IntRange(0, 1_000_000),
    default=10_000,
    show_default=True,
    help="How many deals were made in these days.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0.01, SPEED_MAX),
    default=1.0,
    show_default=True,
    help="How many seconds pass in one; every limit and interval follows.",
)
@click.option(
    "--script",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_script,
    help="What shall go wrong, and when.",
)
@click.option("--control-port", type=int, help="Opens the control endpoint, on loopback only.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Writes what happens to this file, as JSON lines.",
)
def command(
    port: int,
    host: str,
    seed: int,
    rate: float,
    accounts: int,
    markets: tuple[Market, ...],
    warm_up: int,
    past_days: int,
    past_deals: int,
    speed: float,
    script: Script,
    control_port: int | None,
    record: Path | None,
) -> None:
    """Run a simulated exchange: REST and WebSocket on one port, until told to stop.

    It prints what to put into a client's configuration.  Keys follow from the seed.
    """
    plan = Plan(
        markets=markets or ALL_MARKETS,
        accounts=accounts,
        seed=seed,
        rate=rate,
        warm_up=warm_up,
        past=past_of(past_days, past_deals) if past_days else None,
        script=script,
    )
    with ExitStack() as files:
        try:
            to = files.enter_context(record.open("wb")) if record else None
        except OSError as error:
            raise click.BadParameter(f"{record}: {error.strerror}", param_hint="--record") from None
        clock = None if speed == 1 else _faster(speed)
        try:
            trio.run(_simulate, real(), plan, host, port, control_port, to, clock=clock)
        except* OSError as group:
            raise click.UsageError(f"{host}:{port}: {group.exceptions[0]}") from None


def _faster(speed: float) -> trio.abc.Clock:
    # It brings trio's whole set of tools for tests, and with it pytest where there is one.
    from trio.testing import MockClock

    return MockClock(rate=speed)


async def _simulate(
    world: World,
    plan: Plan,
    host: str,
    port: int,
    control_port: int | None,
    record: BinaryIO | None,
) -> None:
    began_us, began_s = world.clock.now(), trio.current_time()

    def now() -> int:
        """The wall's time when it began, and the runner's from then on, which may be faster."""
        return began_us + int((trio.current_time() - began_s) * 1_000_000)

    def refused(deed: Deed, why: Refused) -> None:
        click.echo(f"the script's {type(deed).__name__.lower()} was refused: {why}", err=True)

    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with open_booth(
            plan,
            now=now,
            host=host,
            port=port,
            control_port=control_port,
            record=record,
            refused=refused,
        ) as booth:
            _introduce(booth)
            await anext(signals)


def _introduce(booth: Booth) -> None:
    """What a client needs to know, as `reconciler` reads it."""
    click.echo("[exchange]")
    click.echo(f'rest_url = "{booth.server.rest_url}"')
    click.echo(f'ws_url = "{booth.server.ws_url}"')
    for login in booth.logins:
        click.echo(f'\n[[accounts]]\nname = "{login.name}"')
        click.echo(f'api_key = "{login.key}"\napi_secret = "{login.secret}"')
    if booth.control_url:
        click.echo(f"\n# control endpoint: {booth.control_url}")
    click.echo("\n# ready; Ctrl-C ends it")
