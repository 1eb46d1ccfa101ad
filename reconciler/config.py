"""What can be configured: one frozen value, and the checks that its types can't make.

`configfile` builds it; functions get the few values that they need, not the whole.  What a hook
must be like is checked in `hookconfig`.
"""

from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from reconciler.address import NotAnAddress, Tcp, Unix, address, is_loopback
from reconciler.domain.moments import DAY, SECOND, NotAMoment, duration, from_iso
from reconciler.domain.money import NotANumber, amount
from reconciler.domain.words import Wallet
from reconciler.secret import Secret

SILENCE_MAX = 50 * SECOND
"""The exchange cuts after a minute without a message of ours; ten seconds are for the way."""

REGIONS = {
    "com": ("https://whitebit.com", "wss://api.whitebit.com/ws"),
    "eu": ("https://whitebit.eu", "wss://api.whitebit.eu/ws"),
}


class ConfigError(Exception):
    """What is wrong, under which key, and where that was said."""

    def __init__(self, where: str, key: str, problem: str) -> None:
        self.where, self.key = where, key
        super().__init__(f"{where}: {key}: {problem}" if key else f"{where}: {problem}")


class Duration(int):
    """A duration in microseconds, written `"500ms"`, `"5s"`, `"2m"`, `"1h"`, `"30d"`."""


class Size(int):
    """A number of bytes, written `"512KiB"`, `"64MiB"`, `"4GiB"`, or `"0"`."""


class Interval(int):
    """How often, in microseconds: a duration, or `"off"`, which is 0."""


Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Database(_Section, frozen=True):
    url: str = "sqlite:///reconciler.db"


class Exchange(_Section, frozen=True):
    region: Literal["com", "eu"] = "com"
    rest_url: str = ""
    ws_url: str = ""

    @property
    def rest(self) -> str:
        """Root of the REST API, without a trailing slash."""
        return (self.rest_url or REGIONS[self.region][0]).rstrip("/")

    @property
    def ws(self) -> str:
        return self.ws_url or REGIONS[self.region][1]


class Account(_Section, frozen=True):
    name: Name
    api_key: Secret | None = None
    api_key_file: str = ""
    api_secret: Secret | None = None
    api_secret_file: str = ""
    markets: tuple[str, ...] = ()
    wallets: tuple[Wallet, ...] = (Wallet.SPOT, Wallet.MAIN, Wallet.COLLATERAL)


class Feed(_Section, frozen=True):
    ping_interval: Duration = Duration(20_000_000)
    ping_timeout: Duration = Duration(10_000_000)
    backoff_min: Duration = Duration(1_000_000)
    backoff_max: Duration = Duration(30_000_000)


class Backfill(_Section, frozen=True):
    since: str = "180d"
    overlap: Duration = Duration(60_000_000)
    sweep: Duration = Duration(60_000_000)

    def since_moment(self, now: int) -> int:
        """Where a first start begins, as a moment."""
        try:
            return now - duration(self.since)
        except NotAMoment:
            return from_iso(self.since)


class Journal(_Section, frozen=True):
    keep: Duration = Duration(2_592_000_000_000)
    size: Size = Size(4 << 30)


class Reconcile(_Section, frozen=True):
    poll: Duration = Duration(30_000_000)
    settle: Duration = Duration(5_000_000)
    display_decimals: Annotated[int, msgspec.Meta(ge=0, le=18)] = 8
    tolerance: str | dict[str, str] = "0"


class Backup(_Section, frozen=True):
    dir: str = ""
    keep: Annotated[int, msgspec.Meta(ge=1)] = 14
    max_age: Duration = Duration(172_800_000_000)


class Http(_Section, frozen=True):
    listen: str = "127.0.0.1:9464"
    hosts: tuple[str, ...] = ()
    amounts: bool = False

    @property
    def address(self) -> Tcp | Unix | None:
        """Where to listen; None if nowhere.  Raises NotAnAddress."""
        return address(self.listen) if self.listen else None


class Log(_Section, frozen=True):
    format: Literal["auto", "console", "json"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class _Alert(_Section, frozen=True, kw_only=True):
    """What every way of telling somebody has."""

    name: Name = ""
    events: tuple[str, ...] = ("*",)
    timeout: Duration = Duration(30 * SECOND)
    repeat: Interval = Interval(DAY)
    heartbeat: Interval = Interval(0)


class ExecAlert(_Alert, frozen=True, kw_only=True, tag="exec", tag_field="type"):
    command: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class WebhookAlert(_Alert, frozen=True, kw_only=True, tag="webhook", tag_field="type"):
    url: Secret | None = None
    url_file: str = ""
    secret: Secret | None = None
    secret_file: str = ""
    allow_http: bool = False
    allow_private: bool = False


class AppriseAlert(_Alert, frozen=True, kw_only=True, tag="apprise", tag_field="type"):
    url: Secret | None = None
    url_file: str = ""


Alert: TypeAlias = ExecAlert | WebhookAlert | AppriseAlert


class Config(_Section, frozen=True):
    """All that can be said in the file; see CONTRACT in the README."""

    database: Database = Database()
    exchange: Exchange = Exchange()
    accounts: tuple[Account, ...] = ()
    feed: Feed = Feed()
    backfill: Backfill = Backfill()
    journal: Journal = Journal()
    reconcile: Reconcile = Reconcile()
    backup: Backup = Backup()
    http: Http = Http()
    log: Log = Log()
    alerts: tuple[Alert, ...] = ()


def check(config: Config, where: str) -> None:
    """What the types can't say.  Raises ConfigError, naming the place as `where`."""

    def refuse(key: str, problem: str) -> None:
        raise ConfigError(where, key, problem)

    names = [account.name for account in config.accounts]
    for index, name in enumerate(names):
        if name in names[:index]:
            refuse(f"accounts[{index}].name", f"{name!r} is there twice")
    for index, account in enumerate(config.accounts):
        if not account.wallets:
            refuse(f"accounts[{index}].wallets", "at least one of spot, main, collateral")
    for key, url, schemes in (
        ("exchange.rest_url", config.exchange.rest, ("https", "http")),
        ("exchange.ws_url", config.exchange.ws, ("wss", "ws")),
    ):
        parts = urlsplit(url)
        if parts.scheme not in schemes or not parts.hostname:
            refuse(key, f"{url!r} is not a {schemes[0]}:// address")
        if parts.scheme in ("http", "ws") and not is_loopback(parts.hostname or ""):
            refuse(key, f"{url!r} would send signed requests in the clear; only loopback may")
    try:
        config.backfill.since_moment(0)
    except NotAMoment:
        refuse("backfill.since", f"{config.backfill.since!r} is neither a duration nor a date")
    if config.feed.backoff_min > config.feed.backoff_max:
        refuse("feed.backoff_min", "is longer than feed.backoff_max")
    try:
        _ = config.http.address
    except NotAnAddress as error:
        refuse("http.listen", str(error))
    if config.feed.ping_interval > SILENCE_MAX:
        refuse("feed.ping_interval", "the exchange cuts at 60s of silence; 50s at most")
    tolerance = config.reconcile.tolerance
    for asset, text in (tolerance if isinstance(tolerance, dict) else {"": tolerance}).items():
        try:
            amount(text)
        except NotANumber as error:
            refuse("reconcile.tolerance" + (f".{asset}" if asset else ""), str(error))
