"""Keys and other secrets: whether each is there, and who can read the files they lie in."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path

from reconciler.config import AppriseAlert, ConfigError, ExecAlert, WebhookAlert
from reconciler.configfile import Loaded
from reconciler.doctor.finding import Finding, fail, ok, warn
from reconciler.secret import Credentials


def examine(loaded: Loaded, found: dict[str, Credentials]) -> Iterator[Finding]:
    """Puts what is there into `found`, by account, so that it can be tried."""
    if not loaded.config.accounts:
        yield fail("secrets", "there is no account; add [[accounts]] with a name and a key")
    missing = False
    for account in loaded.config.accounts:
        try:
            found[account.name] = loaded.credentials(account)
        except ConfigError as error:
            missing = True
            yield fail("secrets", str(error))
    for one, other in _sharing(found):
        yield fail("secrets", f"{one} and {other} have one key; each account needs its own")
    if found and not missing:
        yield ok("secrets", f"of {', '.join(found)}")
    for path in _files(loaded):
        yield from _exposed(path)


def _sharing(found: dict[str, Credentials]) -> Iterator[tuple[str, str]]:
    owners: dict[str, str] = {}
    for name, credentials in found.items():
        owner = owners.setdefault(credentials.key.reveal(), name)
        if owner != name:
            yield owner, name


def _files(loaded: Loaded) -> Iterator[Path]:
    """Those with a secret in them."""
    for account in loaded.config.accounts:
        yield from map(Path, filter(None, (account.api_key_file, account.api_secret_file)))
    for alert in loaded.config.alerts:
        if isinstance(alert, WebhookAlert | AppriseAlert) and alert.url_file:
            yield Path(alert.url_file)
        if isinstance(alert, WebhookAlert) and alert.secret_file:
            yield Path(alert.secret_file)
    if _says_a_secret(loaded):
        yield Path(loaded.where)


def _says_a_secret(loaded: Loaded) -> bool:
    config = loaded.config
    return (
        any(account.api_key or account.api_secret for account in config.accounts)
        or any(not isinstance(alert, ExecAlert) and alert.url for alert in config.alerts)
        or any(isinstance(alert, WebhookAlert) and alert.secret for alert in config.alerts)
        or _PASSWORD.match(config.database.url) is not None
    )


_PASSWORD = re.compile(r"[^/]*//[^/@:]*:[^/@]+@")


def _exposed(path: Path) -> Iterator[Finding]:
    """What can't be looked at was told of already, by who wanted to read it."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if mode & stat.S_IROTH:
        yield warn("secrets", f"everybody on this machine may read {path}; run: chmod o-r {path}")
    if mode & stat.S_IWOTH:
        yield warn("secrets", f"everybody on this machine may write {path}; run: chmod o-w {path}")
