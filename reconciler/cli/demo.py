"""`reconciler demo`: the whole program on the simulated exchange, in half a minute.

An exchange with traders on it, a daemon that listens to it over real sockets, an outage in the
middle, money that goes without a word, and at the end the comparison of the database with what
really happened.
"""

import io
import json
import random
import re
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click
import trio
from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape

from reconciler.alerts.hook import Message
from reconciler.cli.main import FINDINGS
from reconciler.cli.screen import Rate, look, screen
from reconciler.config import Account, Backfill, Config, Duration, Exchange, Feed, Http, Reconcile
from reconciler.daemon import Running, open_daemon
from reconciler.domain.moments import SECOND, NotAMoment, duration, seconds
from reconciler.hop import Hop
from reconciler.log import open_log
from reconciler.secret import Credentials, Secret
from reconciler.simulator.booth import FUNDS
from reconciler.simulator.exchange import Exchange as Simulated
from reconciler.simulator.life import live
from reconciler.simulator.server import Server, serve
from reconciler.store.engine import Database, open_database
from reconciler.store.migrate import upgrade
from reconciler.store.reads import Reads
from reconciler.verdict import Verdict, compare
from reconciler.web.serving import open_web
from reconciler.world import World, real

ACCOUNT = "treasury"
OUTAGE_SECONDS = 3
READY_SECONDS_MAX = 15
SETTLE_SECONDS_MAX = 20
"""How long the last events may take from the exchange to the disk; usually two, since balances are
told once a second."""

TAKEN = "-15"
"""USDT that the exchange takes without any record: what an alert is for."""

ALERT_SECONDS_MAX = 60
"""History is believed to be whole ten seconds back; until then the difference may have a reason."""

DRAW_SECONDS = 0.25
COLUMNS, LINES = 112, 40
"""Where there is no terminal that has a size."""


@dataclass(slots=True)
class Story:
    """What the screen tells, and what has happened so far."""

    console: Console
    lines: list[str] = field(default_factory=list)

    def tell(self, line: str) -> None:
        """One more thing that happened; on a terminal the screen shows it."""
        self.lines.append(line)
        if not self.console.is_terminal:
            self.console.print(line)


@dataclass(frozen=True, slots=True)
class Teller:
    """A hook that tells the story what it hears."""

    story: Story
    told: trio.Event = field(default_factory=trio.Event)
    name: str = "demo"
    events: tuple[str, ...] = ("drift.*",)
    repeat: int = 0
    heartbeat: int = 0

    async def deliver(self, message: Message) -> None:
        """One line of the story."""
        said = escape(json.loads(message.body)["message"])
        self.story.tell(f"[bold yellow]{message.event}[/]: {said}")
        self.told.set()


@click.command("demo")
@click.option("--for", "length", default="30s", show_default=True, help="How long to trade.")
@click.option("--seed", default=1, show_default=True, help="The same seed, the same traders.")
@click.option("--rate", default=40.0, show_default=True, help="Operations per second.")
@click.option(
    "--database", "url", metavar="URL", help="Keep the record there instead of a scratch file."
)
@click.option(
    "--picture", type=click.Path(dir_okay=False), hidden=True, help="Draw the end as SVG."
)
def command(length: str, seed: int, rate: float, url: str | None, picture: str | None) -> None:
    """See it work: no account, no configuration.

    Starts the simulated exchange and the daemon, takes the connection away in the middle, then 15
    USDT, and ends by comparing the database with what really happened.  Leaves with 0 only if they
    are equal and an alert told of the 15 USDT.
    """
    try:
        trade_seconds = seconds(duration(length))
    except NotAMoment as error:
        raise click.BadParameter(str(error), param_hint="--for") from None
    if not 10 <= trade_seconds <= 3600:
        raise click.BadParameter("between 10s and 1h", param_hint="--for")
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=COLUMNS)
    with tempfile.TemporaryDirectory(prefix="reconciler-demo.") as folder:
        database = open_database(url or f"sqlite:///{Path(folder) / 'demo.db'}")
        upgrade(database)
        if Reads(database).accounts():
            raise click.BadParameter(
                "holds a record already; give an empty one", param_hint="--database"
            )
        verdict, is_alerted = trio.run(
            _demo, real(), database, console, trade_seconds, seed, rate, picture
        )
    for difference in verdict.differences[:20]:
        console.print(f"  {difference}", style="red")
    console.print(str(verdict), style="bold green" if verdict.is_equal else "bold red")
    if not is_alerted:
        console.print(f"no alert after {ALERT_SECONDS_MAX} seconds", style="bold red")
    if not verdict.is_equal or not is_alerted:
        raise click.exceptions.Exit(FINDINGS)


async def _demo(
    world: World,
    database: Database,
    console: Console,
    trade_seconds: float,
    seed: int,
    rate: float,
    picture: str | None,
) -> tuple[Verdict, bool]:
    simulated = Simulated(now=world.clock.now, seed=seed)
    key, secret = (f"{world.chance.getrandbits(128):032x}" for _ in range(2))
    simulated.open_account(ACCOUNT, key, secret, FUNDS)
    credentials = Credentials(key=Secret(key), secret=Secret(secret))
    log = open_log(clock=world.clock, level="error", secrets=[credentials.key, credentials.secret])
    story = Story(console)
    teller = Teller(story)
    async with (
        world.thread("screen") as hop,
        serve(simulated) as server,
        trio.open_nursery() as nursery,
    ):
        config = _config(server)
        async with (
            open_daemon(config, {ACCOUNT: credentials}, database, world, log, [teller]) as running,
            open_web(config.http, running, database, world, log) as web,
        ):
            assert web is not None
            story.tell(f"the status page: http://{web.address}/")
            drawn = partial(_drawn, story, database, running, world, hop, Rate())
            nursery.start_soon(_show, console, drawn)
            await _until_live(running, story)
            await _trade(simulated, story, running, trade_seconds, seed, rate)
            with trio.move_on_after(ALERT_SECONDS_MAX):
                await teller.told.wait()
            verdict = await _settle(simulated, database, hop, story)
            if not console.is_terminal:
                console.print(await drawn(LINES))
            story.lines.append(f"[bold]{verdict}[/]")
            if picture is not None:
                await hop(_draw, await drawn(LINES), Path(picture))
        nursery.cancel_scope.cancel()
    return verdict, teller.told.is_set()


def _config(server: Server) -> Config:
    """As a user would write it, with shorter pauses than the exchange deserves."""
    return Config(
        exchange=Exchange(rest_url=server.rest_url, ws_url=server.ws_url),
        http=Http(listen="127.0.0.1:0"),
        accounts=(Account(name=ACCOUNT),),
        feed=Feed(backoff_min=Duration(SECOND // 4), backoff_max=Duration(SECOND)),
        backfill=Backfill(since="1h", sweep=Duration(5 * SECOND)),
        reconcile=Reconcile(poll=Duration(2 * SECOND)),
    )


async def _trade(
    simulated: Simulated,
    story: Story,
    running: Running,
    trade_seconds: float,
    seed: int,
    rate: float,
) -> None:
    """Life on the markets, with an outage in the middle during which it goes on."""
    async with trio.open_nursery() as traders:

        async def life() -> None:
            chance = random.Random(f"life {seed}")
            await live(simulated, rate=rate, chance=chance, accounts=[ACCOUNT])

        traders.start_soon(life)
        await trio.sleep((trade_seconds - OUTAGE_SECONDS) / 2)
        before = len(simulated.truth(ACCOUNT).deals)
        story.tell(f"[red]the connection is cut[/], for {OUTAGE_SECONDS} seconds; trading goes on")
        with simulated.faults.outage():
            await trio.sleep(OUTAGE_SECONDS)
        missed = len(simulated.truth(ACCOUNT).deals) - before
        story.tell(f"the exchange is back; {missed} deals happened that no connection told")
        await _until_live(running, story)
        simulated.phantom(ACCOUNT, "USDT", TAKEN)
        story.tell(f"the exchange takes [red]{TAKEN[1:]} USDT[/] without a word")
        await trio.sleep((trade_seconds - OUTAGE_SECONDS) / 2)
        traders.cancel_scope.cancel()
    story.tell("trading ends")


async def _until_live(running: Running, story: Story) -> None:
    feed = running.feeds[ACCOUNT]
    recovered = feed.recovered_deals
    with trio.move_on_after(READY_SECONDS_MAX):
        await feed.until_live()
        if feed.sessions == 1:
            story.tell("[green]live[/]: authorized, subscribed, complete up to now")
        else:
            found = feed.recovered_deals - recovered
            story.tell(f"[green]live again[/]: {found} deals recovered")
        return
    story.tell(f"[red]not live after {READY_SECONDS_MAX} seconds[/]: {escape(feed.last_reason)}")


async def _settle(simulated: Simulated, database: Database, hop: Hop, story: Story) -> Verdict:
    """Compare until equal, as the last events need a moment; the last comparison counts."""
    reads = Reads(database)
    story.tell("comparing every row with the exchange …")
    truth = simulated.truth(ACCOUNT)
    verdict = await hop(compare, reads, ACCOUNT, truth)
    for _ in range(SETTLE_SECONDS_MAX):
        if verdict.is_equal:
            break
        await trio.sleep(1)
        verdict = await hop(compare, reads, ACCOUNT, truth)
    return verdict


def _draw(drawing: RenderableType, path: Path) -> None:
    """An SVG of the screen, which fetches nothing: the reader's own monospace font will do."""
    canvas = Console(record=True, width=COLUMNS, file=io.StringIO())
    canvas.print(drawing)
    svg = canvas.export_svg(title="reconciler demo")
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


async def _drawn(
    story: Story,
    database: Database,
    running: Running,
    world: World,
    hop: Hop,
    rate: Rate,
    height: int,
) -> RenderableType:
    """The screen as it is now: what the database says, and how the feed is."""
    feed = running.feeds[ACCOUNT]
    return screen(
        title="reconciler demo: a simulated exchange, a real feed, a real database",
        story=story.lines,
        feed=feed,
        writer=running.writer,
        seen=await hop(look, database),
        rate=rate.mark(world.clock.now(), feed.facts),
        height=height,
    )


async def _show(console: Console, drawn: Callable[[int], Awaitable[RenderableType]]) -> None:
    """Draw the screen a few times a second; where there is no terminal, lines must do."""
    if not console.is_terminal:
        return
    with Live(console=console, auto_refresh=False) as display:
        while True:
            display.update(await drawn(console.height), refresh=True)
            await trio.sleep(DRAW_SECONDS)
