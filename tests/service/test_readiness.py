"""Ready is the first account that is live; nothing that is away holds up a boot."""

from pathlib import Path

import trio

from reconciler.domain.words import Phase
from reconciler.service.notify import Manager
from reconciler.service.readiness import describe, tell_state
from reconciler.store.engine import DatabaseAway
from reconciler.store.standing import Standing
from tests.feed.memory import START, run
from tests.service.ear import Ear, open_ear
from tests.test_health import Seen, running

WELL = Standing(proven_until=START, open_drifts=0)


async def well() -> Standing:
    return WELL


async def away() -> Standing:
    raise DatabaseAway("it is gone")


async def told(path: Path, seen: Seen, then: object) -> None:
    with open_ear(str(path / "n")) as ear:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell_state, seen, Manager(ear.address), well)
            await then(ear)  # type: ignore[operator]
            nursery.cancel_scope.cancel()


def test_it_is_ready_when_the_first_account_is_live_and_says_so_once(tmp_path: Path) -> None:
    seen = running(Phase.CONNECTING, Phase.CONNECTING)

    async def then(ear: Ear) -> None:
        await trio.sleep(20)
        assert ear.lines("READY=") == []
        assert ear.lines("STATUS=")[-1].startswith("starting: 0 of 2 accounts live; a0: connecting")
        seen.feeds["a1"].tell(Phase.LIVE)
        await trio.sleep(60)
        assert ear.lines("READY=") == ["1"]
        assert ear.lines("STATUS=")[-1] == (
            "1 of 2 accounts live, proven until 2026-01-02T12:00:00Z, 0 drifts; a0: connecting"
        )

    run(told, tmp_path, seen, then)


def test_an_exchange_that_is_away_is_told_and_does_not_hold_up_the_boot(tmp_path: Path) -> None:
    seen = running(Phase.DOWN)
    seen.feeds["a0"].last_reason = "connection refused"

    async def then(ear: Ear) -> None:
        await trio.sleep(29)
        assert ear.lines("READY=") == []
        await trio.sleep(2)
        assert ear.lines("READY=") == ["1"]
        assert "a0: connection refused" in ear.lines("STATUS=")[-1]

    run(told, tmp_path, seen, then)


def test_where_nobody_listens_nothing_is_asked() -> None:
    run(tell_state, running(Phase.LIVE), Manager(), away)


def test_a_database_that_is_away_is_in_the_line(tmp_path: Path) -> None:
    async def main() -> None:
        seen = running(Phase.LIVE)
        seen.writer.away_since = 1
        with open_ear(str(tmp_path / "n")) as ear:
            with trio.move_on_after(30):
                await tell_state(seen, Manager(ear.address), away)
            assert ear.lines("STATUS=")[-1] == "1 account live; the database is away"

    run(main)


def test_one_is_one_and_many_are_many() -> None:
    one = Standing(proven_until=None, open_drifts=1)
    assert describe(running(Phase.LIVE), one) == "1 account live, 1 drift"
    assert describe(running(Phase.LIVE, Phase.LIVE), WELL) == (
        "2 accounts live, proven until 2026-01-02T12:00:00Z, 0 drifts"
    )
