"""`reconciler db`: the schema of the database."""

import click

from reconciler.cli.opening import common_options, configuration, database
from reconciler.store import migrate
from reconciler.store.engine import SchemaMismatch, redacted


@click.group("db")
def command() -> None:
    """Look after the database's schema."""


@command.command("upgrade")
@common_options
def upgrade(config: str | None) -> None:
    """Create the schema, or bring it up to this version.  Safe to repeat."""
    record = database(configuration(config))
    where = redacted(record.url)
    before = migrate.current(record)
    migrate.upgrade(record)
    after = migrate.current(record)
    if before == after:
        click.echo(f"{where}: already at {after}")
    else:
        click.echo(f"{where}: upgraded from {before or 'empty'} to {after}")


@command.command("current")
@common_options
def current(config: str | None) -> None:
    """Say which schema the database has, and which one this version wants."""
    record = database(configuration(config))
    found, wanted = migrate.current(record), migrate.head()
    verdict = "up to date" if found == wanted else str(SchemaMismatch(found, wanted))
    click.echo(f"{redacted(record.url)}: at {found or 'empty'}, wanted {wanted}: {verdict}")
