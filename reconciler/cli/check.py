"""`reconciler check`: the doctor.  Looks at everything a run needs, and says what to do."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import click
import trio

from reconciler.cli.main import FINDINGS
from reconciler.cli.opening import common_options, configuration, credentials, database
from reconciler.config import Account, ConfigError
from reconciler.configfile import Loaded
from reconciler.domain.moments import SECOND
from reconciler.feed.once import BALANCES
from reconciler.feed.rest import (
    CallRefused,
    Common,
    CredentialsRefused,
    ExchangeAway,
    Rest,
    open_rest,
)
from reconciler.log import open_log
from reconciler.secret import Credentials
from reconciler.store import migrate
from reconciler.store.engine import DatabaseUnusable, SchemaMismatch, redacted
from reconciler.wire import rest as calls
from reconciler.world import World, real

OFFSET_MAX = 3 * SECOND
"""The exchange refuses what is more than five seconds off; two are for the way."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    ok: bool
    what: str
    said: str


@click.command("check")
@common_options
def command(config: str | None) -> None:
    """Look at everything that a run needs: configuration, secrets, database, exchange, clock.

    Leaves with 1 if anything needs doing.
    """
    loaded = configuration(config)
    world = real()
    findings: list[Finding] = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        mark = click.style("ok  ", fg="green") if finding.ok else click.style("FAIL", fg="red")
        click.echo(f"{mark}  {finding.what:<22} {finding.said}")

    tell(Finding(True, "configuration", loaded.where))
    keys: dict[str, Credentials] = {}
    for finding in _secrets(loaded, keys):
        tell(finding)
    for finding in _database(loaded):
        tell(finding)

    async def exchange() -> None:
        async for finding in _exchange(loaded, keys, world):
            tell(finding)

    trio.run(exchange)
    bad = sum(not finding.ok for finding in findings)
    if bad:
        click.echo(f"\n{bad} finding{'' if bad == 1 else 's'}")
        raise click.exceptions.Exit(FINDINGS)
    click.echo("\nall is well; start: reconciler run")


def _secrets(loaded: Loaded, keys: dict[str, Credentials]) -> Iterator[Finding]:
    try:
        keys.update(credentials(loaded))
    except ConfigError as error:
        yield Finding(False, "secrets", str(error))
    else:
        yield Finding(True, "secrets", f"of {', '.join(keys)}")


def _database(loaded: Loaded) -> Iterator[Finding]:
    try:
        record = database(loaded)
        found = migrate.current(record)
        yield Finding(True, "database", redacted(record.url))
        migrate.require_head(record)
    except SchemaMismatch as error:
        yield Finding(False, "schema", str(error))
    except DatabaseUnusable as error:
        yield Finding(False, "database", str(error))
    else:
        yield Finding(True, "schema", str(found))


async def _exchange(
    loaded: Loaded, keys: dict[str, Credentials], world: World
) -> AsyncIterator[Finding]:
    log = open_log(clock=world.clock, level="error")
    root, common = loaded.config.exchange.rest, Common.of(world, keys=len(keys))
    async with open_rest(world, root, None, log, common=common) as public:
        try:
            await public.calibrate()
        except ExchangeAway as error:
            yield Finding(False, "exchange", f"{root}: {error}")
            return
        except CallRefused as error:
            yield Finding(False, "exchange", str(error))
            return
        yield Finding(True, "exchange", root)
        yield _clock(public)
    for account in loaded.config.accounts:
        if account.name not in keys:
            continue
        async with open_rest(world, root, keys[account.name], log, common=common) as private:
            async for finding in _permissions(account, private, world.clock.now() // SECOND):
                yield finding


def _clock(public: Rest) -> Finding:
    """A run corrects its nonces by what it measures, but not the moments that it writes down; and
    what can't be measured can't be corrected either."""
    offset, unsure = public.exchange.offset, public.exchange.uncertainty
    assert unsure is not None, "it was measured"
    said = f"{offset / SECOND:+.1f}s from the exchange's" if offset else "agrees"
    said += f", known to ±{unsure / SECOND:.1f}s"
    if abs(offset) > OFFSET_MAX:
        return Finding(False, "clock", f"{said}; set it (NTP): ours is the time of what is kept")
    if unsure > OFFSET_MAX:
        return Finding(False, "clock", f"{said}; the exchange answers too slowly to sign for it")
    return Finding(True, "clock", said)


async def _permissions(account: Account, private: Rest, now_s: int) -> AsyncIterator[Finding]:
    """Each call that a run makes, made once."""
    wanted: list[calls.Call[Any]] = [calls.websocket_token(), calls.active_orders(0, 1)]
    for wallet, balances in BALANCES.items():
        if wallet in account.wallets:
            wanted.append(balances())
    wanted.append(calls.order_history(now_s - 60, now_s, 0, 1))
    wanted.append(calls.deals_history(now_s - 60, now_s, 0, 1))
    refused = []
    for call in wanted:
        try:
            await private.ask(call, attempts=2)
        except CredentialsRefused as error:
            yield Finding(False, f"account {account.name}", str(error))
            return
        except (CallRefused, ExchangeAway) as error:
            refused.append(str(error))
    if refused:
        for problem in refused:
            yield Finding(False, f"account {account.name}", problem)
    else:
        yield Finding(True, f"account {account.name}", f"may make all {len(wanted)} calls")
