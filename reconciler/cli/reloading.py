"""What SIGHUP means to a daemon: read the configuration again, for its credentials and log level.

All else in the file wants a restart, which is said.  What can't be read changes nothing but the
log; whether new credentials work is found out by who uses them (`feed/renewal.py`).
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from reconciler.cli.opening import configuration, credentials
from reconciler.config import Config, ConfigError
from reconciler.feed.renewal import Keyring
from reconciler.log import Filter, Logger
from reconciler.secret import Credentials, Secret

RENEWED = ("api_key", "api_key_file", "api_secret", "api_secret_file")


async def reload_at(
    signals: AsyncIterator[int],
    path: str | None,
    config: Config,
    keyring: Keyring,
    shown: Filter,
    log: Logger,
) -> None:
    """Read the configuration at `path` again at each signal; `config` is what the daemon runs
    with."""
    async for _ in signals:
        try:
            loaded = configuration(path)
            keys = credentials(loaded)
        except ConfigError as error:
            log.error("reload.failed", why=str(error), do="mend it, and send SIGHUP again")
            continue
        shown.hide(secrets_of(keys))
        shown.level = loaded.config.log.level
        tried = [name for name in keyring if name in keys and keyring.offer(name, keys[name])]
        log.info(
            "reload.done",
            log_level=shown.level,
            new_credentials=tried,
            wants_restart=_changed(config, loaded.config),
        )


def secrets_of(keys: Mapping[str, Credentials]) -> list[Secret]:
    """All that must not be seen of them."""
    return [secret for key in keys.values() for secret in (key.key, key.secret)]


def _changed(before: Config, after: Config) -> list[str]:
    """The sections in which anything differs that is not read anew."""
    old, new = _plain(before), _plain(after)
    return [section for section in old if old[section] != new[section]]


def _plain(config: Config) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(config, enc_hook=_revealed)
    plain["log"].pop("level")
    for account in plain["accounts"]:
        for key in RENEWED:
            account.pop(key)
    return plain


def _revealed(value: object) -> object:
    """Durations and sizes are integers; secrets of sections that are not read anew are compared."""
    return value.reveal() if isinstance(value, Secret) else repr(value)
