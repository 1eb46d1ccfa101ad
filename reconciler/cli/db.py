"""`reconciler db`: the schema of the database, and its backups."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from reconciler.cli.main import FINDINGS
from reconciler.cli.opening import common_options, configuration, database
from reconciler.configfile import Loaded
from reconciler.store import migrate
from reconciler.store.backup import Backup, BackupFailed, back_up
from reconciler.store.engine import Database, SchemaMismatch, redacted
from reconciler.store.shelf import Shelf
from reconciler.world import real


@click.group("db")
def command() -> None:
    """Look after the database: its schema, its backups."""


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


@command.command("backup")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--keep", type=click.IntRange(min=1), help="So many of a folder; default backup.keep."
)
@click.option("--json", "as_json", is_flag=True, help="For programs; the keys are stable.")
@common_options
def backup(path: Path | None, keep: int | None, as_json: bool, config: str | None) -> None:
    """Copy the record beside a running daemon, and prove the copy.

    PATH is a folder, where older backups go when there are enough, or a new file; without one the
    folder is backup.dir.  Leaves with 1 if the books of the copy don't follow from its facts.
    """
    loaded = configuration(config)
    record = database(loaded)
    shelf = _shelf(loaded, record, path)
    if shelf is None and keep is not None:
        raise click.UsageError("--keep is for a folder of backups, and PATH is a file")
    now = real().clock.now()
    target = shelf.place(now) if shelf is not None else path
    assert target is not None
    with _interruptible():
        made = back_up(record, target, os.environ)
    gone: list[Path] = []
    if shelf is not None and not made.proof.unequal:
        try:
            gone = shelf.trim(keep or loaded.config.backup.keep, now)
        except OSError as error:
            raise BackupFailed(f"{made.path} is made, but none of the old could go: {error}") from (
                error
            )
    if as_json:
        click.echo(json.dumps(_plain(made, gone), indent=1))
    else:
        for line in _lines(made, gone):
            click.echo(line)
    if made.proof.unequal:
        raise click.exceptions.Exit(FINDINGS)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Told to stop within it, nothing half made is left behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _shelf(loaded: Loaded, record: Database, path: Path | None) -> Shelf | None:
    """The folder that was meant; None if a file was."""
    if path is not None:
        return Shelf(path, record) if path.is_dir() else None
    if not loaded.config.backup.dir:
        raise click.UsageError("say where to: reconciler db backup PATH, or set backup.dir")
    folder = Path(loaded.config.backup.dir)
    if not folder.is_dir():
        raise BackupFailed(f"the folder {folder} (backup.dir) does not exist; create it")
    return Shelf(folder, record)


def _lines(made: Backup, gone: list[Path]) -> list[str]:
    proof = made.proof
    checks = ", ".join(f"{count} {state}" for state, count in proof.states.items())
    said = [f"{made.path}: {made.size} bytes, of {', '.join(proof.accounts) or 'no account'}"]
    if proof.unequal:
        said.append("the copy is faithful, but its books don't follow from its facts:")
        said += [f"  {name}: {found}" for name, all_ in proof.unequal.items() for found in all_[:5]]
        said.append("no older backup was removed; run: reconciler replay --verify")
    else:
        said.append(f"proven: {proof.postings} postings made anew from the facts are equal")
    said.append(f"balances against the exchange: {checks or 'none yet'}")
    return said + [f"removed: {path}" for path in gone]


def _plain(made: Backup, gone: list[Path]) -> dict[str, object]:
    return {
        "path": str(made.path),
        "bytes": made.size,
        "proven": not made.proof.unequal,
        "accounts": list(made.proof.accounts),
        "postings": made.proof.postings,
        "balance_check": made.proof.states,
        "unequal": {
            name: [str(each) for each in found] for name, found in made.proof.unequal.items()
        },
        "removed": [str(path) for path in gone],
    }
