"""The alert hooks: whether each could tell somebody.  Nothing is sent; that is `alerts test`."""

import shutil
from urllib.parse import urlsplit

import trio

from reconciler.address import is_loopback
from reconciler.alerts.addresses import is_own, is_public
from reconciler.alerts.exec import environment
from reconciler.config import AppriseAlert, ConfigError, ExecAlert, WebhookAlert
from reconciler.configfile import Loaded
from reconciler.doctor.finding import Finding, Tell, fail, note, ok
from reconciler.world import World

RESOLVE_SECONDS_MAX = 5


async def examine(loaded: Loaded, world: World, tell: Tell) -> None:
    """Hook by hook."""
    try:
        alerts = loaded.alerts()
    except ConfigError as error:
        tell(fail("hooks", str(error)))
        return
    if not alerts:
        tell(note("hooks", "there is none, so nobody is told of a drift; add [[alerts]]"))
    for alert in alerts:
        what = f"hook {alert.name}"
        match alert:
            case ExecAlert():
                tell(program(what, alert.command[0]))
            case WebhookAlert():
                tell(await _webhook(what, alert, world))
            case AppriseAlert():
                tell(ok(what, "has its library and a URL; run: reconciler alerts test"))


def program(what: str, name: str) -> Finding:
    """As the hook would find it."""
    found = shutil.which(name, path=environment()["PATH"])
    if found is None:
        return fail(what, f"{name} is no program that this user may run; check path and mode")
    return ok(what, f"runs {found}")


async def _webhook(what: str, alert: WebhookAlert, world: World) -> Finding:
    """Its URL may be a password, so only scheme and host are shown."""
    assert alert.url is not None, "read by Loaded.alerts"
    parts = urlsplit(alert.url.reveal())
    host = parts.hostname or ""
    place = f"{parts.scheme}://{host}"
    try:
        with trio.fail_after(RESOLVE_SECONDS_MAX):
            addresses = await world.resolve(host)
    except (OSError, trio.TooSlowError) as error:
        why = getattr(error, "strerror", None) or "no answer"
        return fail(what, f"{place} can't be resolved: {why}")
    fitting = is_own if is_loopback(host) else is_public
    if not alert.allow_private and not any(map(fitting, addresses)):
        return fail(
            what,
            f"{place} leads to {', '.join(addresses)}, which is not of the public Internet; "
            "set allow_private = true if that is meant",
        )
    return ok(what, f"{place} is known; run: reconciler alerts test")
