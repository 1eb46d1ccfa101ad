"""What SIGHUP means to a daemon: read the configuration again, for its secrets and log level.

All else in the file wants a restart, which is said.  What can't be read changes nothing but the
log; whether new credentials work is found out by who uses them (`feed/renewal.py`).
"""

from collections.abc import AsyncIterator, Iterable, Mapping

from msgspec import structs

from reconciler.alerts.renewal import HookSecrets
from reconciler.cli.opening import configuration, credentials
from reconciler.config import Account, Config, ConfigError
from reconciler.feed.renewal import Keyring
from reconciler.hookconfig import hook_secrets
from reconciler.log import Filter, Logger
from reconciler.secret import Credentials, Secret


async def reload_at(
    signals: AsyncIterator[int],
    path: str | None,
    config: Config,
    keyring: Keyring,
    hooks: HookSecrets,
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
        changed = [*_changed(config, loaded.config)]
        renewed: list[str] = []
        try:
            alerts = loaded.alerts()
        except ConfigError as error:
            # No reason for an account to wait for its new key.
            log.error("alerts.kept", why=str(error), do="mend it, and send SIGHUP again")
        else:
            shown.hide(hook_secrets(alerts))
            changed += ["alerts"] if hooks.wants_restart(alerts) else []
            renewed = hooks.renew(alerts)
        log.info(
            "reload.done",
            log_level=shown.level,
            new_credentials=tried,
            new_hook_secrets=renewed,
            wants_restart=changed,
        )


def secrets_of(keys: Mapping[str, Credentials]) -> list[Secret]:
    """All that must not be seen of them."""
    return [secret for key in keys.values() for secret in (key.key, key.secret)]


def _changed(before: Config, after: Config) -> Iterable[str]:
    """The sections in which anything differs that is not read anew; hooks know of theirs."""
    old, new = _lasting(before), _lasting(after)
    for section in Config.__struct_fields__:
        if getattr(old, section) != getattr(new, section):
            yield section


def _lasting(config: Config) -> Config:
    return structs.replace(
        config,
        log=structs.replace(config.log, level="info"),
        accounts=tuple(map(_without_credentials, config.accounts)),
        alerts=(),
    )


def _without_credentials(account: Account) -> Account:
    return structs.replace(
        account, api_key=None, api_key_file="", api_secret=None, api_secret_file=""
    )
