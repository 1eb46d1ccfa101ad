"""Reads the configuration: the TOML file, the environment over it, and the secrets it names.

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
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from reconciler.config import (
    Account,
    Alert,
    AppriseAlert,
    Config,
    ConfigError,
    Duration,
    ExecAlert,
    Interval,
    Size,
    WebhookAlert,
    check,
)
from reconciler.domain.moments import duration
from reconciler.hookconfig import address_problem, check_alerts, named
from reconciler.secret import Credentials, Secret

ENVIRONMENT_PREFIX = "RECONCILER_"
PLACES = (Path("reconciler.toml"), Path("/etc/reconciler/reconciler.toml"))
SECRET_BYTES_MAX = 4096
"""A key is 32 characters; a longer file is not one."""


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
            key=self._needed(account, "api_key", account.api_key, account.api_key_file),
            secret=self._needed(account, "api_secret", account.api_secret, account.api_secret_file),
        )

    def alerts(self) -> tuple[Alert, ...]:
        """The configured hooks, each with a name, and with what files and systemd credentials hold.

        Raises ConfigError as `credentials` does, and for an address that can't be told.
        """
        return tuple(self._whole(alert) for alert in named(self.config.alerts))

    def _whole(self, alert: Alert) -> Alert:
        at = f"alerts.{alert.name}"
        if isinstance(alert, ExecAlert):
            return alert
        url = self._secret("alerts", alert.name, "url", alert.url, alert.url_file)
        if url is None:
            credential = f"a systemd credential {alert.name}.url"
            raise ConfigError(
                self.where, f"{at}.url", f"missing: give url, url_file or {credential}"
            )
        if isinstance(alert, AppriseAlert):
            if find_spec("apprise") is None:
                problem = "needs the extra: pip install 'reconciler[apprise]'"
                raise ConfigError(self.where, f"{at}.type", problem)
            return msgspec.structs.replace(alert, url=url)
        if problem := address_problem(url, allow_http=alert.allow_http):
            raise ConfigError(self.where, f"{at}.url", problem)
        secret = self._secret("alerts", alert.name, "secret", alert.secret, alert.secret_file)
        return msgspec.structs.replace(alert, url=url, secret=secret)

    def _needed(self, account: Account, key: str, said: Secret | None, file: str) -> Secret:
        found = self._secret("accounts", account.name, key, said, file)
        if found is None:
            raise ConfigError(
                self.where,
                f"accounts.{account.name}.{key}",
                f"missing: give {key}, {key}_file or a systemd credential {account.name}.{key}",
            )
        return found

    def _secret(
        self, section: str, name: str, key: str, said: Secret | None, file: str
    ) -> Secret | None:
        at = f"{section}.{name}.{key}"
        if said is not None and file:
            raise ConfigError(self.where, at, f"give either {key} or {key}_file, not both")
        if said is not None:
            return _nonempty(said.reveal(), self.where, at)
        if file:
            return _read_secret(Path(file), self.where, f"{at}_file")
        folder = self.environment.get("CREDENTIALS_DIRECTORY")
        if folder and (path := Path(folder) / f"{name}.{key}").exists():
            return _read_secret(path, self.where, at)
        return None


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
    check(config, where)
    check_alerts(config.alerts, where)
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
    if type_ is Duration:
        if not isinstance(value, str):
            raise ValueError('expected a duration such as "20s"')
        if not (said := Duration(duration(value))):
            raise ValueError("a duration of zero")
        return said
    if type_ is Interval:
        return Interval(0 if value == "off" else _hook(Duration, value))
    if type_ is Size:
        return _size(value)
    raise NotImplementedError(type_)


_SIZE = re.compile(r"([0-9]{1,9})(KiB|MiB|GiB)", re.ASCII)
_SIZE_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def _size(value: Any) -> Size:
    if value == "0":
        return Size(0)
    if not isinstance(value, str) or (match := _SIZE.fullmatch(value)) is None:
        raise ValueError('expected a size such as "64MiB" or "4GiB", or "0"')
    return Size(int(match[1]) * _SIZE_UNITS[match[2]])


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
        known = _keys_below(path)
        if field in known:
            return _join(path, field), "not with this type"
        close = difflib.get_close_matches(field, known, n=1)
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


def _read_secret(path: Path, where: str, key: str) -> Secret:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(SECRET_BYTES_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise ConfigError(where, key, f"{path} can't be read: {reason}") from None
    if len(text) > SECRET_BYTES_MAX:
        raise ConfigError(where, key, f"{path} is longer than any key")
    return _nonempty(text, where, key, f"{path} ")


def _nonempty(text: str, where: str, key: str, who: str = "") -> Secret:
    stripped = text.strip()
    if not stripped:
        raise ConfigError(where, key, f"{who}is empty")
    if not stripped.isascii() or not stripped.isprintable():
        raise ConfigError(where, key, f"{who}has characters that no key has")
    return Secret(stripped)
