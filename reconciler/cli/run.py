"""`reconciler run`: the daemon, until SIGTERM or SIGINT."""

import os
import signal
import sys
from collections.abc import Mapping
from typing import TextIO, cast

import click
import trio
from rich.console import Console
from rich.file_proxy import FileProxy

from reconciler import __version__
from reconciler.cli.opening import common_options, configuration, credentials, database
from reconciler.cli.progress import shown
from reconciler.config import Config
from reconciler.daemon import open_daemon
from reconciler.log import Logger, open_log
from reconciler.secret import Credentials
from reconciler.store.engine import Database, redacted
from reconciler.store.migrate import require_head
from reconciler.world import World, real


@click.command("run")
@common_options
def command(config: str | None) -> None:
    """Listen to the configured accounts and keep the record, until told to stop.

    SIGTERM and SIGINT commit what has arrived and leave with 0; a second one leaves at once.
    """
    loaded = configuration(config)
    keys = credentials(loaded)
    record = database(loaded)
    require_head(record)
    world = real()
    console = Console(stderr=True)
    log = open_log(
        clock=world.clock,
        format_=loaded.config.log.format,
        level=loaded.config.log.level,
        secrets=[secret for key in keys.values() for secret in (key.key, key.secret)],
        # Lines of the log stand above what is drawn in place.
        to=cast("TextIO", FileProxy(console, sys.stderr)) if console.is_terminal else None,
    )
    trio.run(run, loaded.config, keys, record, world, log, console)


async def run(
    config: Config,
    keys: Mapping[str, Credentials],
    database: Database,
    world: World,
    log: Logger,
    console: Console,
) -> None:
    """The daemon until a signal comes; a terminal shows how far long readings of history are."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            log.info(
                "daemon.start",
                version=__version__,
                accounts=[account.name for account in config.accounts],
                exchange=config.exchange.rest,
                database=redacted(database.url),
            )
            async with (
                open_daemon(config, keys, database, world, log) as running,
                shown(running.feeds, console, idle=False),
            ):
                log.info("daemon.stop", signal=signal.Signals(await anext(signals)).name)
                nursery.start_soon(_leave_now, signals, log)
            log.info("daemon.stopped", committed_facts=running.writer.facts)
            nursery.cancel_scope.cancel()


async def _leave_now(signals: object, log: Logger) -> None:
    """A second signal means now: the record is safe at every moment, so nothing is lost by it."""
    number = await anext(signals)  # type: ignore[call-overload]
    log.warning("daemon.killed", signal=signal.Signals(number).name)
    os._exit(128 + number)
