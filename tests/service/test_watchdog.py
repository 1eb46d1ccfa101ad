"""The watchdog is fed while every loop gets on, and not a moment longer."""

import io
from pathlib import Path

import trio

from reconciler.clock import VirtualClock
from reconciler.domain.moments import MINUTE, SECOND
from reconciler.log import open_log
from reconciler.pulse import Pulse
from reconciler.service.notify import Manager
from reconciler.service.watchdog import keep_watch
from tests.feed.memory import START, run
from tests.service.ear import open_ear
from tests.test_health import Seen


def test_it_is_fed_in_time_until_something_is_stuck_and_again_when_nothing_is(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        seen, text = Seen(loops={"writer thread": Pulse()}), io.StringIO()
        log = open_log(clock=VirtualClock(START), format_="json", to=text)
        with open_ear(str(tmp_path / "n")) as ear:
            async with trio.open_nursery() as nursery:
                manager = Manager(ear.address, 40 * SECOND)
                nursery.start_soon(keep_watch, seen, manager, log)
                await trio.sleep(59)
                fed = len(ear.listen())
                assert fed == 6, "four times in each period"
                seen.loops["writer thread"].beat(MINUTE)
                await trio.sleep(61)
                fed = len(ear.listen())
                await trio.sleep(600)
                assert len(ear.listen()) == fed
                assert text.getvalue().count("daemon.stuck") == 1
                assert "writer thread" in text.getvalue()
                seen.loops["writer thread"].rest()
                await trio.sleep(11)
                assert len(ear.listen()) > fed
                nursery.cancel_scope.cancel()

    run(main)


def test_without_a_watchdog_the_log_tells_all_the_same() -> None:
    async def main() -> None:
        seen, text = Seen(loops={"writer thread": Pulse()}), io.StringIO()
        log = open_log(clock=VirtualClock(START), format_="json", to=text)
        seen.loops["writer thread"].beat(MINUTE)
        with trio.move_on_after(120):
            await keep_watch(seen, Manager(), log)
        assert text.getvalue().count("daemon.stuck") == 1

    run(main)
