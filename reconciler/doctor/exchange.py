"""The exchange and its clock; then, key by key, its rights."""

from collections.abc import Mapping

from reconciler.configfile import Loaded
from reconciler.doctor import rights
from reconciler.doctor.finding import Finding, Tell, fail, ok
from reconciler.domain.moments import SECOND
from reconciler.feed.rest import CallRefused, Common, ExchangeAway, Rest, open_rest
from reconciler.log import open_log
from reconciler.secret import Credentials
from reconciler.wire import rest as calls
from reconciler.world import World

OFFSET_MAX = 3 * SECOND
"""The exchange refuses what is more than five seconds off; two are for the way."""


async def examine(
    loaded: Loaded, keys: Mapping[str, Credentials], world: World, tell: Tell, *, powers: bool
) -> None:
    """The keys are those that could be read; with `powers` it is asked what they may do besides."""
    log = open_log(clock=world.clock, level="error")
    root, common = loaded.config.exchange.rest, Common.of(world, keys=len(keys))
    async with open_rest(world, root, None, log, common=common) as public:
        try:
            await public.calibrate()
            await public.ask(calls.markets(), attempts=2)
        except ExchangeAway as error:
            tell(fail("exchange", f"{root}: {error}"))
            return
        except CallRefused as error:
            tell(fail("exchange", str(error)))
            return
        tell(ok("exchange", root))
        tell(_clock(public))
    for account in loaded.config.accounts:
        if account.name in keys:
            async with open_rest(world, root, keys[account.name], log, common=common) as private:
                await rights.examine(
                    account, private, world.clock.now() // SECOND, tell, powers=powers
                )


def _clock(public: Rest) -> Finding:
    """A run corrects its nonces by what it measures, but not the moments that it writes down; and
    what can't be measured can't be corrected either."""
    offset, unsure = public.exchange.offset, public.exchange.uncertainty
    assert unsure is not None, "it was measured"
    said = f"{offset / SECOND:+.1f}s from the exchange's" if offset else "agrees"
    said += f", known to ±{unsure / SECOND:.1f}s"
    if abs(offset) > OFFSET_MAX:
        return fail("clock", f"{said}; set it (NTP): ours is the time of what is kept")
    if unsure > OFFSET_MAX:
        return fail("clock", f"{said}; the exchange answers too slowly to sign for it")
    return ok("clock", said)
