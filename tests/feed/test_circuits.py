"""A stream that is refused to the key is asked for once a day, and is no failure."""

from collections.abc import Awaitable, Callable

import pytest
import trio

from reconciler.domain.facts import StreamNotice
from reconciler.domain.moments import DAY, HOUR
from reconciler.feed.circuits import Circuits
from reconciler.feed.rest import CallRefused, ExchangeAway
from reconciler.simulator.acts import Answer, Point, Rule
from reconciler.wire import rest as calls
from reconciler.wire.rest import Refused
from tests.feed.memory import ACCOUNT, START, Stage, open_stage, run

STREAM = "mining"
PATH = "mining/rewards"

REFUSALS = {
    "no permission": Answer(403, '{"message": "You don\'t have permission to use this endpoint."}'),
    "not enabled": Answer(
        401, '{"code": 2, "message": "This action is unauthorized. Enable your key.", "errors": {}}'
    ),
    "not here": Answer(451, '{"message": "Not available in your region"}'),
    "not there": Answer(404, ""),
}


def on_stage(url: str, main: Callable[[Stage], Awaitable[None]], virtual_days: float = 3) -> None:
    async def staged() -> None:
        async with open_stage(url) as stage:
            await main(stage)

    run(staged, virtual_days=virtual_days)


def refuse(stage: Stage, answer: Answer) -> Rule:
    return stage.exchange.faults.add(
        Rule(point=Point.REQUEST, act=answer, name=f"/api/v4/{PATH}", times=None)
    )


async def read(stage: Stage, circuits: Circuits) -> calls.Page | None:
    async def once() -> calls.Page:
        return await stage.on.rest.ask(calls.mining(0, None, 0, 100))

    return await circuits.guarded(stage.on, STREAM, once)


async def remembered(stage: Stage) -> list[StreamNotice]:
    await trio.lowlevel.checkpoint()
    return list(stage.reads.refused_streams(ACCOUNT))


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refusal_is_remembered_and_told_once(sqlite_url: str, kind: str) -> None:
    async def main(stage: Stage) -> None:
        refuse(stage, REFUSALS[kind])
        circuits = Circuits()
        for _ in range(5):
            assert await read(stage, circuits) is None
        assert stage.network.asked.count(PATH) == 1
        [line] = stage.logged("stream.refused")
        assert (line["level"], line["stream"]) == ("info", STREAM)
        [notice] = await remembered(stage)
        assert (notice.stream, notice.refused_at) == (STREAM, stage.on.world.clock.now())
        assert notice.reason.startswith("mining: ")

    on_stage(sqlite_url, main)


def test_the_next_process_does_not_ask_either(sqlite_url: str) -> None:
    async def main(stage: Stage) -> None:
        refuse(stage, REFUSALS["not there"])
        await read(stage, Circuits())
        for circuits in (Circuits(), Circuits(await remembered(stage))):
            assert await read(stage, circuits) is None
        assert stage.network.asked.count(PATH) == 1

    on_stage(sqlite_url, main)


def test_it_is_asked_again_after_a_day_and_told_when_it_is_allowed(sqlite_url: str) -> None:
    async def main(stage: Stage) -> None:
        rule, circuits = refuse(stage, REFUSALS["no permission"]), Circuits()
        for day in (1, 2):
            assert await read(stage, circuits) is None
            assert await read(stage, circuits) is None
            assert stage.network.asked.count(PATH) == day
            await trio.sleep(86_400)
        assert len(stage.logged("stream.refused")) == 1
        stage.exchange.faults.remove(rule)
        assert await read(stage, circuits) is not None
        assert len(stage.logged("stream.allowed")) == 1
        assert await remembered(stage) == []
        assert await read(stage, circuits) is not None

    on_stage(sqlite_url, main)


def test_what_is_no_refusal_is_raised_and_not_remembered(sqlite_url: str) -> None:
    async def main(stage: Stage) -> None:
        circuits = Circuits()
        for answer, error in (
            (Answer(422, '{"code": 30, "message": "Validation failed"}'), CallRefused),
            (Answer(422, '{"ticker": ["Currency was not found."]}'), CallRefused),
            (Answer(503, ""), ExchangeAway),
        ):
            rule = refuse(stage, answer)
            with pytest.raises(error):
                await read(stage, circuits)
            stage.exchange.faults.remove(rule)
        assert await read(stage, circuits) is not None
        assert await remembered(stage) == []

    on_stage(sqlite_url, main)


def test_the_kind_of_a_refusal_is_known_to_who_gets_it(sqlite_url: str) -> None:
    async def main(stage: Stage) -> None:
        refuse(stage, REFUSALS["not there"])
        with pytest.raises(CallRefused) as raised:
            await stage.on.rest.ask(calls.mining(0, None, 0, 100))
        assert raised.value.kind is Refused.NOT_FOUND

    on_stage(sqlite_url, main)


def test_a_refusal_from_the_future_is_no_reason_not_to_ask() -> None:
    """Our clock was ahead when it was written."""
    notice = StreamNotice(stream=STREAM, refused_at=START + 300 * DAY)
    assert not Circuits([notice]).is_open(STREAM, START)


def test_only_a_stream_that_was_refused_within_a_day_is_left_alone() -> None:
    circuits = Circuits([StreamNotice(stream=STREAM, refused_at=START)])
    assert circuits.is_open(STREAM, START + 23 * HOUR)
    assert not circuits.is_open(STREAM, START + DAY)
    assert not circuits.is_open("lending", START)


def test_another_key_is_asked_of_again_at_once_and_what_it_may_is_told(sqlite_url: str) -> None:
    async def main(stage: Stage) -> None:
        rule, circuits = refuse(stage, REFUSALS["no permission"]), Circuits()
        assert await read(stage, circuits) is None
        stage.exchange.faults.remove(rule)
        circuits.doubt()
        assert await read(stage, circuits) is not None
        assert await remembered(stage) == []

    on_stage(sqlite_url, main)
