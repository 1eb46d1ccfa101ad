"""A database that is away is told all the same, once; and the dead man's switch."""

import trio

from reconciler.alerts.degraded import DEGRADED_AFTER
from reconciler.alerts.hook import HookFailed, Message
from reconciler.domain.events import Event
from reconciler.domain.moments import MINUTE, seconds
from tests.alerts.bench import Sink, feed, open_bench
from tests.feed.memory import run

DEGRADED, RECOVERED = "database.degraded database", "database.recovered database"


def test_a_database_that_is_away_is_told_from_memory_and_recorded_when_it_is_back(
    database_url: str,
) -> None:
    sink = Sink()

    async def main() -> None:
        async with open_bench(database_url, sink) as bench:
            await trio.sleep(2)
            bench.writer.away_since = bench.world.clock.now()
            await trio.sleep(seconds(DEGRADED_AFTER) - 2)
            assert sink.heard() == []
            await trio.sleep(5)
            assert sink.heard() == [DEGRADED]
            await trio.sleep(60)
            assert bench.alerts() == []
            bench.writer.away_since = None
            await trio.sleep(5)
            assert sink.heard() == [DEGRADED, RECOVERED]
            assert bench.alerts() == [
                ("database.degraded", "sink", "sent", 1),
                ("database.recovered", "sink", "sent", 1),
            ]

    run(main)


def test_who_could_not_be_told_while_it_was_away_is_told_after_and_in_order(
    sqlite_url: str,
) -> None:
    async def refuse(message: Message) -> None:
        raise HookFailed("HTTP 503")

    sink, deaf = Sink(), Sink("deaf", act=refuse)

    async def main() -> None:
        async with open_bench(sqlite_url, sink, deaf) as bench:
            await trio.sleep(2)
            bench.writer.away_since = bench.world.clock.now()
            await trio.sleep(120)
            assert len({message.id for message in deaf.told}) == 1
            bench.writer.away_since = None
            await trio.sleep(5)
            deaf.act = None
            await trio.sleep(30)
            assert sink.heard() == deaf.heard() == [DEGRADED, RECOVERED]
            assert sink.ids()[0] == deaf.ids()[0]

    run(main)


def test_a_short_outage_is_no_alarm(sqlite_url: str) -> None:
    sink = Sink()

    async def main() -> None:
        async with open_bench(sqlite_url, sink) as bench:
            await trio.sleep(2)
            bench.writer.away_since = bench.world.clock.now()
            await trio.sleep(20)
            bench.writer.away_since = None
            await trio.sleep(60)
            assert sink.told == []

    run(main)


def test_who_is_not_on_duty_says_nothing(sqlite_url: str) -> None:
    sink, standby = Sink(), Sink(heartbeat=MINUTE)

    async def main() -> None:
        async with open_bench(sqlite_url, sink):
            await trio.sleep(2)
            async with open_bench(sqlite_url, standby, seed=2) as second:
                await trio.sleep(2)
                second.writer.away_since = second.world.clock.now()
                await trio.sleep(90)
                assert standby.told == []

    run(main)


def test_a_heartbeat_is_sent_only_while_all_is_well(sqlite_url: str) -> None:
    sink, other = Sink(heartbeat=MINUTE), Sink("other")
    reasons: list[str] = []

    async def main() -> None:
        async with open_bench(sqlite_url, sink, other, stuck=lambda: reasons) as bench:
            await trio.sleep(170)
            assert [message.event for message in sink.got] == 3 * [Event.HEARTBEAT]
            assert len(set(sink.ids())) == 3
            reasons.append("writer thread")
            await trio.sleep(170)
            assert len(sink.got) == 3
            reasons.clear()
            await trio.sleep(2)
            assert len(sink.got) == 4
            bench.writer.away_since = bench.world.clock.now()
            await trio.sleep(25)
            bench.writer.away_since = None
            # It is no event: nobody else hears it, and it is on no record.
            assert other.told == []
            assert bench.alerts() == []

    run(main)


def test_a_heartbeat_that_fails_is_not_sent_again(sqlite_url: str) -> None:
    async def refuse(message: Message) -> None:
        raise HookFailed("HTTP 503")

    sink = Sink(heartbeat=MINUTE, act=refuse)

    async def main() -> None:
        async with open_bench(sqlite_url, sink):
            await trio.sleep(125)
            assert len(sink.told) == 3
            assert len({message.id for message in sink.told}) == 3

    run(main)


def test_one_at_a_time_speaks_to_a_hook(sqlite_url: str) -> None:
    speaking = 0

    async def act(message: Message) -> None:
        nonlocal speaking
        speaking += 1
        assert speaking == 1
        await trio.sleep(7)
        speaking -= 1

    sink = Sink(heartbeat=10_000_000, act=act)

    async def main() -> None:
        async with open_bench(sqlite_url, sink) as bench:
            for account in ("a", "b", "c"):
                await trio.sleep(2)
                bench.happen(Event.FEED_DOWN, feed(account))
            await trio.sleep(60)
            assert bench.figures.bugs == {}
            assert len(sink.got) > 6

    run(main)
