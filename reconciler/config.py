"""One frozen value, built once: the TOML file, the environment over it, and the secrets it names.

The file is `--config`, else `$RECONCILER_CONFIG`, else `./reconciler.toml`, else
`/etc/reconciler/reconciler.toml`.  `RECONCILER_FEED__PING_INTERVAL=30s` overrides
`feed.ping_interval`.  Every error names the key and where it was said; nothing is ever printed with
a secret in it.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec

from reconciler.domain.moments import NotAMoment, duration, from_iso
from reconciler.domain.money import NotANumber, amount
from reconciler.domain.words import Wallet

ENVIRONMENT_PREFIX = "RECONCILER_"
PLACES = (Path("reconciler.toml"), Path("/etc/reconciler/reconciler.toml"))
SECRET_BYTES_MAX = 4096
"""A key is 32 characters; a longer file is not one."""

REGIONS = {
    "com": ("https://whitebit.com", "wss://api.whitebit.com/ws"),
    "eu": ("https://whitebit.eu", "wss://api.whitebit.eu/ws"),
}


class ConfigError(Exception):
    """What is wrong, under which key, and where that was said."""

    def __init__(self, where: str, key: str, problem: str) -> None:
        self.where, self.key = where, key
        super().__init__(f"{where}: {key}: {problem}" if key else f"{where}: {problem}")


class Secret:
    """Text that cannot be printed: only `reveal()` gives it, and it is called where it is sent."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        return self.__text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


class Span(int):
    """A duration in microseconds, written `"500ms"`, `"5s"`, `"2m"`, `"1h"`, `"30d"`."""


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
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    api_key: Secret | None = None
    api_key_file: str = ""
    api_secret: Secret | None = None
    api_secret_file: str = ""
    markets: tuple[str, ...] = ()
    wallets: tuple[Wallet, ...] = (Wallet.SPOT, Wallet.MAIN, Wallet.COLLATERAL)


class Feed(_Section, frozen=True):
    ping_interval: Span = Span(20_000_000)
    ping_timeout: Span = Span(10_000_000)
    backoff_min: Span = Span(1_000_000)
    backoff_max: Span = Span(30_000_000)


class Backfill(_Section, frozen=True):
    since: str = "180d"
    overlap: Span = Span(60_000_000)
    sweep: Span = Span(60_000_000)

    def since_moment(self, now: int) -> int:
        """Where a first start begins, as a moment."""
        try:
            return now - duration(self.since)
        except NotAMoment:
            return from_iso(self.since)


class Reconcile(_Section, frozen=True):
    poll: Span = Span(30_000_000)
    settle: Span = Span(5_000_000)
    display_decimals: Annotated[int, msgspec.Meta(ge=0, le=18)] = 8
    tolerance: str | dict[str, str] = "0"


class Http(_Section, frozen=True):
    listen: str = "127.0.0.1:9464"


class Log(_Section, frozen=True):
    format: Literal["auto", "console", "json"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class ExecAlert(_Section, frozen=True, tag="exec", tag_field="type"):
    command: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    events: tuple[str, ...] = ("*",)


class WebhookAlert(_Section, frozen=True, tag="webhook", tag_field="type"):
    url: str
    secret_file: str = ""
    events: tuple[str, ...] = ("*",)


class AppriseAlert(_Section, frozen=True, tag="apprise", tag_field="type"):
    url: Secret
    events: tuple[str, ...] = ("*",)


class Config(_Section, frozen=True):
    """All that can be said in the file; see CONTRACT in the README."""

    database: Database = Database()
    exchange: Exchange = Exchange()
    accounts: tuple[Account, ...] = ()
    feed: Feed = Feed()
    backfill: Backfill = Backfill()
    reconcile: Reconcile = Reconcile()
    http: Http = Http()
    log: Log = Log()
    alerts: tuple[ExecAlert | WebhookAlert | AppriseAlert, ...] = ()

    where: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs the calls of one account."""

    key: Secret
    secret: Secret


@dataclass(frozen=True, slots=True)
class Loaded:
    """The configuration and the name of the place it came from."""

    config: Config
    where: str
    environment: Mapping[str, str]

    def credentials(self, account: Account) -> Credentials:
        """The account's key and secret: said outright, in a file, or as a systemd credential.

        Raises ConfigError if one is missing, said twice or unreadable.
        """
        return Credentials(
            key=self._secret(account, "api_key", account.api_key, account.api_key_file),
            secret=self._secret(account, "api_secret", account.api_secret, account.api_secret_file),
        )

    def _secret(self, account: Account, key: str, said: Secret | None, file: str) -> Secret:
        name = f"accounts.{account.name}.{key}"
        if said is not None and file:
            raise ConfigError(self.where, name, f"give either {key} or {key}_file, not both")
        if said is not None:
            return _nonempty(said.reveal(), self.where, name)
        if file:
            return _read_secret(Path(file), self.where, f"{name}_file")
        folder = self.environment.get("CREDENTIALS_DIRECTORY")
        if folder and (path := Path(folder) / f"{account.name}.{key}").exists():
            return _read_secret(path, self.where, name)
        raise ConfigError(
            self.where,
            name,
            f"missing: give {key}, {key}_file or a systemd credential {account.name}.{key}",
        )


def find(path: str | None, environment: Mapping[str, str]) -> Path | None:
    """The file that will be read, or None where there is none (all from the environment)."""
    if path is not None:
        return Path(path)
    if said := environment.get(f"{ENVIRONMENT_PREFIX}CONFIG"):
        return Path(said)
    return next((place for place in PLACES if place.exists()), None)


def load(path: str | None, environment: Mapping[str, str]) -> Loaded:
    """Read, overlay, check.  Raises ConfigError."""
    file = find(path, environment)
    where = str(file) if file else "environment"
    raw = _read(file) if file else {}
    for variable, value in sorted(environment.items()):
        if variable.startswith(ENVIRONMENT_PREFIX) and variable != f"{ENVIRONMENT_PREFIX}CONFIG":
            _overlay(raw, variable, value)
    try:
        config = msgspec.convert(raw, Config, strict=False, dec_hook=_hook)
    except msgspec.ValidationError as error:
        key, problem = _explain(str(error))
        raise ConfigError(_said_where(key, where, environment), key, problem) from None
    _check(config, where)
    return Loaded(config, where, environment)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(str(file), "", "no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(file), "", f"can't be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(file), "", f"is not TOML: {error}") from None


def _overlay(raw: dict[str, Any], variable: str, value: str) -> None:
    """Put one variable in its place; `__` separates keys, a number picks a list item."""
    keys = variable[len(ENVIRONMENT_PREFIX) :].lower().split("__")
    at: Any = raw
    for key in keys[:-1]:
        at = _step(at, key, variable)
    if value.startswith(("[", "{")):
        try:
            said: Any = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"environment {variable}", "", f"is not TOML: {error}") from None
    else:
        said = value
    if isinstance(at, list):
        raise ConfigError(f"environment {variable}", "", "a list item has keys of its own")
    at[keys[-1]] = said


def _step(at: Any, key: str, variable: str) -> Any:
    if isinstance(at, list):
        if key.isdigit() and int(key) < len(at):
            return at[int(key)]
        raise ConfigError(f"environment {variable}", "", f"there is no item {key}")
    below = at.setdefault(key, {})
    if not isinstance(below, dict | list):
        raise ConfigError(f"environment {variable}", "", f"{key} is no section")
    return below


def _hook(type_: type, value: Any) -> Any:
    if type_ is Secret:
        if not isinstance(value, str):
            raise ValueError("expected text")
        return Secret(value)
    if type_ is Span:
        if not isinstance(value, str):
            raise ValueError('expected a duration such as "20s"')
        span = Span(duration(value))
        if span == 0:
            raise ValueError("a duration of zero")
        return span
    raise NotImplementedError(type_)


_PATH = re.compile(r"^(?P<problem>.*?)(?: - at `\$?\.?(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*)`")
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")


def _explain(message: str) -> tuple[str, str]:
    """A decoder's message as (key, problem) in the words of the file."""
    match = _PATH.match(message)
    assert match is not None
    path, problem = match["path"] or "", match["problem"]
    if unknown := _UNKNOWN.match(problem):
        field = unknown["field"]
        close = difflib.get_close_matches(field, _keys_below(path), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return _join(path, field), f"unknown key{hint}"
    if missing := _MISSING.match(problem):
        return _join(path, missing["field"]), "missing"
    return path, problem[:1].lower() + problem[1:]


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _keys_below(path: str) -> list[str]:
    """The keys that a section knows, by its path in a decoder's message."""
    sections: dict[str, list[type[msgspec.Struct]]] = {
        "": [Config],
        "accounts": [Account],
        "alerts": [ExecAlert, WebhookAlert, AppriseAlert],
    }
    for field in msgspec.structs.fields(Config):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            sections[field.name] = [field.type]
    found = sections.get(re.sub(r"\[.*\]", "", path), [])
    return [name for section in found for name in section.__struct_fields__]


def _said_where(key: str, where: str, environment: Mapping[str, str]) -> str:
    variable = ENVIRONMENT_PREFIX + re.sub(r"\[(\d+)\]", r"__\1", key).replace(".", "__").upper()
    return f"environment {variable}" if variable in environment else where


def _check(config: Config, where: str) -> None:
    """What the types can't say."""

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
        if parts.scheme in ("http", "ws") and not _is_loopback(parts.hostname):
            refuse(key, f"{url!r} would send signed requests in the clear; only loopback may")
    try:
        config.backfill.since_moment(0)
    except NotAMoment:
        refuse("backfill.since", f"{config.backfill.since!r} is neither a duration nor a date")
    if config.feed.backoff_min > config.feed.backoff_max:
        refuse("feed.backoff_min", "is longer than feed.backoff_max")
    if config.feed.ping_interval > 50_000_000:
        refuse("feed.ping_interval", "the exchange cuts at 60s of silence; 50s at most")
    tolerance = config.reconcile.tolerance
    for asset, text in (tolerance if isinstance(tolerance, dict) else {"": tolerance}).items():
        try:
            amount(text)
        except NotANumber as error:
            refuse("reconcile.tolerance" + (f".{asset}" if asset else ""), str(error))


def _is_loopback(host: str | None) -> bool:
    return host in ("localhost", "::1") or (host or "").startswith("127.")


def _read_secret(path: Path, where: str, key: str) -> Secret:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(SECRET_BYTES_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise ConfigError(where, key, f"{path} can't be read: {reason}") from None
    if len(text) > SECRET_BYTES_MAX:
        raise ConfigError(where, key, f"{path} is longer than any key")
    return _nonempty(text, where, key)


def _nonempty(text: str, where: str, key: str) -> Secret:
    stripped = text.strip()
    if not stripped:
        raise ConfigError(where, key, "is empty")
    if not stripped.isascii() or not stripped.isprintable():
        raise ConfigError(where, key, "has characters that no key has")
    return Secret(stripped)
