"""What must be so of the configured hooks: their names, what they ask for, where they may lead.

Addresses are secrets, so what is wrong with one is said without it.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import chain, count

import msgspec

from reconciler.address import is_loopback, is_number
from reconciler.config import Alert, AppriseAlert, ConfigError, ExecAlert, WebhookAlert
from reconciler.domain.events import Event
from reconciler.domain.moments import MINUTE, SECOND
from reconciler.secret import Secret

PORT_MAX = 65_535

ALERT_TIMEOUT_MAX = 2 * MINUTE
"""Nobody hears of anything by a hook that hangs, so it can't for long."""


def named(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Each with a name: its own, else its type, with `-2` and so on where that is taken."""
    taken = {alert.name for alert in alerts}
    found: list[Alert] = []
    for alert in alerts:
        kind = str(alert.__struct_config__.tag)
        numbered = chain([kind], (f"{kind}-{number}" for number in count(2)))
        name = alert.name or next(name for name in numbered if name not in taken)
        taken.add(name)
        found.append(msgspec.structs.replace(alert, name=name))
    return tuple(found)


def hook_secrets(alerts: Sequence[Alert]) -> list[Secret]:
    """All that must not be seen of them."""
    said: list[Secret | None] = []
    for alert in alerts:
        if isinstance(alert, WebhookAlert):
            said += alert.url, alert.secret
        elif isinstance(alert, AppriseAlert):
            said.append(alert.url)
    return [secret for secret in said if secret is not None]


def renewable(alert: Alert) -> Secret | None:
    """What may be replaced while the hook is in use: what a webhook signs with, and an address for
    apprise, which is nothing but a secret."""
    match alert:
        case WebhookAlert():
            return alert.secret
        case AppriseAlert():
            return alert.url
        case ExecAlert():
            return None


def lasting(alert: Alert) -> Alert:
    """All the rest of a section, wherever it was read from."""
    match alert:
        case WebhookAlert():
            return msgspec.structs.replace(alert, secret=None, secret_file="", url_file="")
        case AppriseAlert():
            return msgspec.structs.replace(alert, url=None, url_file="")
        case ExecAlert():
            return alert


def address_problem(url: Secret, *, allow_http: bool) -> str:
    """Why events can't be posted to that address, without showing it; "" if they can."""
    match = _ADDRESS.fullmatch(url.reveal())
    if match is None or int(match["port"] or 0) > PORT_MAX:
        return "is not an https:// address"
    name = match["number"] or match["name"]
    is_numeric = match["number"] or name.rstrip(".").rpartition(".")[2].isdigit()
    if is_numeric and not is_number(name):
        return "is not an https:// address"
    if match["scheme"] == "http" and not allow_http and not is_loopback(name):
        return f"http://{name} would be told in the clear; only loopback may, or allow_http = true"
    return ""


_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?:(?:(?![/?#@\\])[!-~])*@)?"
    r"(?:(?P<name>(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?)|\[(?P<number>[0-9A-Fa-f:.]+)\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?:[/?](?:(?![#\\])[!-~])*)?"
)
"""Strict, so that whoever reads the address later can't read another host in it."""


def check_alerts(alerts: Sequence[Alert], where: str) -> None:
    """What their types can't say.  Raises ConfigError, naming the place as `where`."""
    for key, problem in _wrong(alerts):
        raise ConfigError(where, key, problem)


def _wrong(alerts: Sequence[Alert]) -> Iterator[tuple[str, str]]:
    """Keys and what is wrong with them."""
    said = [alert.name for alert in alerts]
    for index, alert in enumerate(alerts):
        at = f"alerts[{index}]"
        if alert.name and alert.name in said[:index]:
            yield f"{at}.name", f"{alert.name!r} is there twice"
        if alert.timeout > ALERT_TIMEOUT_MAX:
            yield f"{at}.timeout", "2m at most"
        for key, interval in (("repeat", alert.repeat), ("heartbeat", alert.heartbeat)):
            if 0 < interval < SECOND:
                yield f"{at}.{key}", '1s at least, or "off"'
        if not alert.events:
            yield f"{at}.events", 'matches no event; leave it out to hear of all, or ["*"]'
        for number, pattern in enumerate(alert.events):
            if not any(fnmatchcase(event, pattern) for event in Event):
                yield f"{at}.events[{number}]", f"{pattern!r} matches no event{_meant(pattern)}"
        if isinstance(alert, ExecAlert) and alert.command[0].find("/") > 0:
            yield f"{at}.command[0]", f"{alert.command[0]!r} is no absolute path; it is run in /"


def _meant(pattern: str) -> str:
    families = {event.partition(".")[0] + ".*" for event in Event if "." in event}
    close = get_close_matches(pattern, [*Event, *sorted(families)], n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(Event)}"
