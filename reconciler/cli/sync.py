"""`reconciler sync`: one pass and leave, from cron or by hand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import click
import trio
from msgspec import structs
from rich.console import Console

from reconciler.alerts.opening import open_hooks
from reconciler.cli.main import FINDINGS, REFUSED, explain
from reconciler.cli.opening import common_options, configuration, credentials, database
from reconciler.cli.progress import shown
from reconciler.cli.reloading import secrets_of
from reconciler.config import Account, Alert, Config
from reconciler.configfile import Loaded
from reconciler.daemon import Office, open_office
from reconciler.domain.moments import SECOND, iso
from reconciler.feed.learned import Learned
from reconciler.feed.once import sync_once
from reconciler.feed.rest import CallRefused, CredentialsRefused, ExchangeAway
from reconciler.hookconfig import hook_secrets
from reconciler.log import Logger, open_log
from reconciler.secret import Credentials
from reconciler.store.engine import Database, DatabaseAway, DatabaseUnusable
from reconciler.store.holders import AccountHeld
from reconciler.store.migrate import require_head
from reconciler.store.reads import Reads
from reconciler.store.status import AccountStatus
from reconciler.world import World, real

PATIENCE_SECONDS = 10
"""How long it waits for an account that somebody else holds: a daemon that is being restarted gives
it back by then, and cron comes again."""

_PROBLEMS = (DatabaseUnusable, CredentialsRefused, CallRefused, ExchangeAway)
"""What ends the pass of one account and says nothing about the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a pass over one account came to: one of the two."""

    learned: Learned | None = None
    problem: Exception | None = None


@click.command("sync")
@click.option(
    "--account", "names", metavar="NAME", multiple=True, help="This one; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys are stable.")
@common_options
def command(names: tuple[str, ...], as_json: bool, config: str | None) -> None:
    """Bring the record up to date once, without listening, and leave.

    The hooks are told what they should hear of it.  Leaves with 1 if there is a drift that nobody
    has explained, with 4 if somebody else, such as a daemon, holds an account, and with 3 if the
    credentials of one are refused; the others are read to their end all the same.
    """
    loaded = _only(names, configuration(config))
    keys, alerts = credentials(loaded), loaded.alerts()
    record = database(loaded)
    require_head(record)
    world = real()
    log = open_log(
        clock=world.clock,
        format_=loaded.config.log.format,
        # What is ordinary, the command itself says at the end.
        level="warning" if loaded.config.log.level == "info" else loaded.config.log.level,
        secrets=[*secrets_of(keys), *hook_secrets(alerts)],
    )
    outcomes = trio.run(sync, loaded.config, keys, record, world, log, alerts)
    status = {account.account: account for account in Reads(record).status()}
    if as_json:
        accounts = [_plain(name, each, status.get(name)) for name, each in outcomes.items()]
        click.echo(json.dumps({"accounts": accounts}, indent=1))
    raise click.exceptions.Exit(tell(outcomes, status, in_words=not as_json))


async def sync(
    config: Config,
    keys: Mapping[str, Credentials],
    database: Database,
    world: World,
    log: Logger,
    alerts: Sequence[Alert] = (),
) -> dict[str, Outcome]:
    """What a pass over each account came to; they neither wait for each other nor fail together.

    Raises DatabaseAway when the database can't be written for long: nobody waits for cron.
    """
    outcomes: dict[str, Outcome] = {}
    async with (
        open_hooks(alerts, world) as hooks,
        open_office(config, keys, database, world, log, hooks) as office,
        shown(office.running.feeds, Console(stderr=True)),
        trio.open_nursery() as impatience,
    ):
        impatience.start_soon(_lose_patience, office, world)
        async with trio.open_nursery() as passes:
            for account in config.accounts:
                passes.start_soon(_pass, office, account, outcomes)
        impatience.cancel_scope.cancel()
    return {account.name: outcomes[account.name] for account in config.accounts}


async def _pass(office: Office, account: Account, outcomes: dict[str, Outcome]) -> None:
    try:
        learned = await office.attend(account, sync_once, patience=PATIENCE_SECONDS)
    except _PROBLEMS as problem:
        outcomes[account.name] = Outcome(problem=problem)
    else:
        outcomes[account.name] = Outcome(learned=learned)


async def _lose_patience(office: Office, world: World) -> None:
    writer = office.running.writer
    while True:
        since = writer.away_since
        if since is not None and world.clock.now() - since > PATIENCE_SECONDS * SECOND:
            raise DatabaseAway(f"could not be written for {PATIENCE_SECONDS} seconds; see the log")
        await trio.sleep(1)


def _only(names: tuple[str, ...], loaded: Loaded) -> Loaded:
    """The configuration with these accounts alone, if any is named."""
    if not names:
        return loaded
    known = {account.name: account for account in loaded.config.accounts}
    for name in names:
        if name not in known:
            problem = f"{loaded.where} names no account {name!r}"
            raise click.BadParameter(problem, param_hint="--account")
    accounts = tuple(known[name] for name in dict.fromkeys(names))
    return replace(loaded, config=structs.replace(loaded.config, accounts=accounts))


def _plain(name: str, outcome: Outcome, status: AccountStatus | None) -> dict[str, object]:
    covered = {} if status is None else status.covered_until
    return {
        "account": name,
        "learned": None if outcome.learned is None else asdict(outcome.learned),
        "covered_until": {stream: iso(until) for stream, until in sorted(covered.items())},
        "open_drifts": 0 if status is None else status.open_drifts,
        "problem": None if outcome.problem is None else explain(outcome.problem)[0],
    }


def tell(
    outcomes: Mapping[str, Outcome], status: Mapping[str, AccountStatus], *, in_words: bool
) -> int:
    """A line for each account; the exit code: of several that of refused credentials, which nobody
    but a person can mend, else the highest."""
    codes = [FINDINGS if status[name].open_drifts else 0 for name in outcomes if name in status]
    for name, outcome in outcomes.items():
        if outcome.problem is not None:
            line, code = explain(outcome.problem)
            who = "" if isinstance(outcome.problem, AccountHeld) else f"account {name}: "
            click.echo(f"reconciler: {who}{line}", err=True)
            codes.append(code)
        elif outcome.learned is not None and in_words:
            click.echo(_line(name, outcome.learned, status[name]))
    return REFUSED if REFUSED in codes else max(codes)


def _line(name: str, learned: Learned, status: AccountStatus) -> str:
    news = ", ".join(
        f"{count:,} {what[:-1] if count == 1 else what}"
        for what, count in asdict(learned).items()
        if count
    )
    said = f"{name}: {news or 'nothing'} learned"
    listened_to = status.covered_until.keys() - set(status.refused_streams)
    if listened_to:
        said += f"; complete until {iso(min(status.covered_until[s] for s in listened_to))}"
    if status.open_drifts:
        said += f"; drifts open: {status.open_drifts}"
    return said
