"""`reconciler run`: the daemon, until SIGTERM or SIGINT."""

import faulthandler
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from functools import partial
from typing import TextIO, cast

import click
import trio
from rich.console import Console
from rich.file_proxy import FileProxy

from reconciler import __version__
from reconciler.alerts.opening import open_hooks
from reconciler.alerts.renewal import HookSecrets
from reconciler.cli.opening import common_options, configuration, credentials, database
from reconciler.cli.progress import shown
from reconciler.cli.reloading import reload_at, secrets_of
from reconciler.config import Http
from reconciler.configfile import Loaded
from reconciler.daemon import Running, open_daemon
from reconciler.feed.renewal import Keyring
from reconciler.hookconfig import hook_secrets
from reconciler.log import Filter, Logger, open_log
from reconciler.secret import Credentials
from reconciler.service.notify import manager, status
from reconciler.service.readiness import tell_state
from reconciler.service.watchdog import keep_watch
from reconciler.store.engine import Database, redacted
from reconciler.store.migrate import require_head
from reconciler.store.standing import Standing, standing_of
from reconciler.world import World, real

STOP_SECONDS_MAX = 10
"""From SIGTERM on.  A writer that can be interrupted gives up earlier, see `daemon.py`."""


@click.command("run")
@common_options
def command(config: str | None) -> None:
    """Listen to the configured accounts and keep the record, until told to stop.

    SIGTERM and SIGINT commit what has arrived and leave with 0; a second one leaves at once.
    SIGHUP reads credentials, the hooks' secrets and the log's level again.  Leaves with 3 if the
    credentials of every account are refused and none was ever live.
    """
    loaded = configuration(config)
    keys = credentials(loaded)
    record = database(loaded)
    require_head(record)
    # A watchdog kills with SIGABRT: the journal then shows where each thread stood.
    faulthandler.enable()
    trio.run(run, loaded, config, keys, record, real(), Console(stderr=True))


async def run(
    loaded: Loaded,
    path: str | None,
    keys: Mapping[str, Credentials],
    database: Database,
    world: World,
    console: Console,
) -> None:
    """The daemon until a signal comes, and those who look after it: a service manager, a terminal
    that shows how far long readings of history are, who wants it to read `path` again."""
    keyring, alerts = Keyring(keys), loaded.alerts()
    secrets = HookSecrets(alerts)
    filter_ = Filter(loaded.config.log.level, [*secrets_of(keys), *hook_secrets(alerts)])
    log = _open_log(loaded, filter_, world, console)
    boss = manager(loaded.environment, os.getpid())
    with _signals(is_attended=console.is_terminal) as (ends, hangups):
        async with trio.open_nursery() as nursery:
            log.info(
                "daemon.start",
                version=__version__,
                accounts=list(keyring),
                exchange=loaded.config.exchange.rest,
                database=redacted(database.url),
            )
            async with (
                world.thread("status") as asking,
                open_hooks(alerts, world, secrets) as hooks,
                open_daemon(loaded.config, keyring, database, world, log, hooks) as running,
                _pages(loaded.config.http, running, database, world, log),
                shown(running.feeds, console, idle=False),
                trio.open_nursery() as watchers,
            ):
                ask = partial(asking, _standing, database, tuple(keyring))
                watchers.start_soon(keep_watch, running, boss, log)
                watchers.start_soon(tell_state, running, boss, ask)
                watchers.start_soon(
                    reload_at, hangups, path, loaded.config, keyring, secrets, filter_, log
                )
                log.info("daemon.stop", signal=signal.Signals(await anext(ends)).name)
                boss.tell("STOPPING=1", status("committing what has arrived"))
                watchers.cancel_scope.cancel()
                nursery.start_soon(_leave_now, ends, log)
            log.info("daemon.stopped", committed_facts=running.writer.facts)
            nursery.cancel_scope.cancel()


@contextmanager
def _signals(*, is_attended: bool) -> Iterator[tuple[AsyncIterator[int], AsyncIterator[int]]]:
    """Those that end it, and those at which it reads its configuration again.

    Who closes a terminal hangs up too, and wants no daemon to stay behind.
    """
    ends = [signal.SIGTERM, signal.SIGINT]
    with trio.open_signal_receiver(signal.SIGHUP) as hangups:
        if is_attended:
            ends.append(signal.SIGHUP)
        with trio.open_signal_receiver(*ends) as leaving:
            yield leaving, hangups


def _open_log(loaded: Loaded, filter_: Filter, world: World, console: Console) -> Logger:
    return open_log(
        clock=world.clock,
        format_=loaded.config.log.format,
        filter_=filter_,
        # Lines of the log stand above what is drawn in place.
        to=cast("TextIO", FileProxy(console, sys.stderr)) if console.is_terminal else None,
    )


def _pages(
    http: Http, running: Running, database: Database, world: World, log: Logger
) -> AbstractAsyncContextManager[object]:
    if http.address is None:
        return nullcontext()
    # Server, templates and metrics are slow to load, and need not be for a daemon without pages.
    from reconciler.web.serving import open_web

    return open_web(http, running, database, world, log)


def _standing(database: Database, accounts: Sequence[str]) -> Standing:
    with database.reading() as connection:
        return standing_of(connection, accounts)


async def _leave_now(signals: AsyncIterator[int], log: Logger) -> None:
    """A second signal means now, and so does a call to the database that nothing can interrupt: the
    record is safe at every moment, so nothing is lost by it."""
    with trio.move_on_after(STOP_SECONDS_MAX):
        number = await anext(signals)
        log.warning("daemon.killed", signal=signal.Signals(number).name)
        os._exit(128 + number)
    log.warning("daemon.undrained", seconds=STOP_SECONDS_MAX)
    os._exit(0)
