"""What most commands begin with: the options, the configuration, the database."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.config import ConfigError
from reconciler.configfile import Loaded, load
from reconciler.secret import Credentials
from reconciler.store.engine import Database, open_database

F = TypeVar("F", bound=Callable[..., Any])


def common_options(command: F) -> F:
    """`--config` and `--debug`, before or after the subcommand's name."""
    command = click.option("--debug", is_flag=True, expose_value=False, hidden=True)(command)
    return click.option(
        "--config", metavar="PATH", help="The configuration file.", callback=_inherited
    )(command)


def _inherited(ctx: click.Context, _: click.Parameter, value: str | None) -> str | None:
    return value or (ctx.find_root().obj or {}).get("config")


def configuration(path: str | None) -> Loaded:
    """The configuration.  Raises ConfigError."""
    return load(path, os.environ)


def credentials(loaded: Loaded) -> dict[str, Credentials]:
    """Of every account, by its name.  Raises ConfigError, also where there is no account, and where
    two have one key: they would record the same deals twice, and use each other's nonces."""
    if not loaded.config.accounts:
        raise ConfigError(
            loaded.where, "accounts", "there is none; add [[accounts]] with a name and a key"
        )
    found: dict[str, Credentials] = {}
    owners: dict[str, str] = {}
    for account in loaded.config.accounts:
        found[account.name] = loaded.credentials(account)
        owner = owners.setdefault(found[account.name].key.reveal(), account.name)
        if owner != account.name:
            key = f"accounts.{account.name}.api_key"
            raise ConfigError(loaded.where, key, f"is the key of {owner!r} too; each needs its own")
    return found


def database(loaded: Loaded) -> Database:
    """The configured database, not yet connected to.  Raises DatabaseUnusable."""
    return open_database(loaded.config.database.url)
