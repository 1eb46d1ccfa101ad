"""What happened reaches each hook at least once, in order, whatever fails in between."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from reconciler.alerts.attempts import ASKED_MAX, TOLD_AFTER, TRIED_FOR
from reconciler.alerts.dispatcher import LAST_CHANCE_SECONDS, POLL
from reconciler.alerts.hook import HookFailed, Message
from reconciler.alerts.voice import DELIVERY_SECONDS_MAX
from reconciler.domain.events import Event
from reconciler.domain.moments import DAY, HOUR, seconds
from reconciler.holding import POLL_SECONDS
from reconciler.store.engine import open_database
from tests.alerts.bench import Act, Bench, Sink, alerts, feed, happen, open_bench
from tests.feed.memory import run
from tests.store.samples import rows

DOWN, UP, REFUSED = Event.FEED_DOWN, Event.FEED_RECOVERED, Event.AUTH_REJECTED


def play(url: str, scene: Callable[[Bench], Awaitable[None]], *hooks: Sink) -> None:
    """Run the scene with a dispatcher that is on duty."""

    async def main() -> None:
        async with open_bench(url, *hooks) as bench:
            await trio.sleep(1)
            await scene(bench)

    run(main, virtual_days=30)


def failing(times: int, **terms: float | bool) -> Act:
    """Fails so often, then works."""
    left = times

    async def act(message: Message) -> None:
        nonlocal left
        if left:
            left -= 1
            raise HookFailed("HTTP 500", **terms)  # type: ignore[arg-type]

    return act


async def hang(message: Message) -> None:
    await trio.sleep_forever()


def test_what_happens_is_told_at_once_and_once(database_url: str) -> None:
    sink = Sink()

    async def scene(bench: Bench) -> None:
        bench.happen(DOWN, feed("treasury"))
        await trio.sleep(0.1)
        assert sink.heard() == ["feed.down feed/treasury"]
        bench.happen(UP, feed("treasury"))
        await trio.sleep(20)

    play(database_url, scene, sink)
    assert sink.heard() == ["feed.down feed/treasury", "feed.recovered feed/treasury"]
    assert alerts(open_database(database_url)) == [
        ("feed.down", "sink", "sent", 1),
        ("feed.recovered", "sink", "sent", 1),
    ]


def test_what_another_process_wrote_is_seen_soon(sqlite_url: str) -> None:
    sink = Sink()

    async def scene(bench: Bench) -> None:
        happen(bench.database, DOWN, feed("treasury"))
        await trio.sleep(seconds(POLL) + 0.1)
        assert len(sink.got) == 1

    play(sqlite_url, scene, sink)


def test_a_hook_that_fails_for_a_while_hears_later_in_order_and_once(database_url: str) -> None:
    sink = Sink(act=failing(6))

    async def scene(bench: Bench) -> None:
        bench.happen(DOWN, feed("treasury"))
        bench.happen(REFUSED, feed("treasury"))
        bench.happen(UP, feed("treasury"))
        await trio.sleep(65)

    play(database_url, scene, sink)
    assert sink.heard() == [f"{event} feed/treasury" for event in (DOWN, REFUSED, UP)]
    # It failed at the head, and nothing went past it.
    assert {message.id for message in sink.told[:6]} == {sink.got[0].id}
    told = rows(open_database(database_url), "SELECT event, attempts, last_error FROM v_alerts")
    assert ("feed.down", 7, None) in told


def test_other_subjects_go_past_one_that_fails(sqlite_url: str) -> None:
    async def act(message: Message) -> None:
        if b"feed/first" in message.body:
            raise HookFailed("no such account")

    sink = Sink(act=act)

    async def scene(bench: Bench) -> None:
        for account in ("first", "second", "third"):
            bench.happen(DOWN, feed(account))
        await trio.sleep(1)
        assert sink.heard() == ["feed.down feed/second", "feed.down feed/third"]
        [problem] = rows(
            bench.database, "SELECT last_error FROM v_alerts WHERE last_error IS NOT NULL"
        )
        assert problem == ("no such account",)

    play(sqlite_url, scene, sink)


def test_a_hook_that_hangs_delays_no_other(sqlite_url: str) -> None:
    hanging, sink = Sink("hanging", act=hang), Sink()

    async def scene(bench: Bench) -> None:
        bench.happen(DOWN, feed("treasury"))
        await trio.sleep(0.1)
        bench.happen(UP, feed("treasury"))
        await trio.sleep(0.1)
        assert len(sink.got) == 2
        assert len(hanging.told) == 1
        hanging.act = None
        await trio.sleep(DELIVERY_SECONDS_MAX + 5)
        assert len(hanging.got) == 2

    play(sqlite_url, scene, hanging, sink)


def test_a_bug_in_a_hook_is_a_failure_that_is_told_as_a_bug(sqlite_url: str) -> None:
    async def act(message: Message) -> None:
        sink.act = None
        raise KeyError("the token is 12345")

    sink = Sink(act=act)

    async def scene(bench: Bench) -> None:
        bench.happen(DOWN, feed("treasury"))
        await trio.sleep(5)
        assert len(sink.got) == 1
        assert bench.figures.bugs["sink"] == 1
        assert "alert.bug" in bench.log.getvalue()

    play(sqlite_url, scene, sink)


def test_a_receiver_that_asks_for_patience_gets_it(sqlite_url: str) -> None:
    sink = Sink(act=failing(1, retry_after_s=100.0))

    async def scene(bench: Bench) -> None:
        bench.happen(DOWN, feed("treasury"))
        await trio.sleep(99)
        assert len(sink.told) == 1
        await trio.sleep(5)
        assert len(sink.got) == 1

    play(sqlite_url, scene, sink)


def test_but_not_for_ever(sqlite_url: str) -> None:
    sink = Sink(act=failing(1, retry_after_s=1e9))

    async def scene(bench: Bench) -> None:
        bench.happen(DOWN, feed("treasury"))
        await trio.sleep(5)
        query = "SELECT next_at FROM deliveries WHERE attempts = 1"
        assert rows(bench.database, query) < [(bench.world.clock.now() + ASKED_MAX,)]

    play(sqlite_url, scene, sink)


def test_where_only_a_person_can_help_attempts_are_rare(sqlite_url: str) -> None:
    sink = Sink(act=failing(1000, permanent=True))

    async def scene(bench: Bench) -> None:
        bench.happen(DOWN, feed("treasury"))
        await trio.sleep(seconds(HOUR // 2))
        assert 2 <= len(sink.told) <= 20

    play(sqlite_url, scene, sink)


def make_older(bench: Bench, span: int) -> None:
    """As if all alerts had been created so much earlier."""
    with bench.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE alerts SET created_at = created_at - {span}")


def test_a_hook_that_fails_for_long_is_told_by_the_others_and_given_up_in_the_end(
    sqlite_url: str,
) -> None:
    broken = Sink("broken", events=("feed.*",), act=failing(10**6))
    sink = Sink()

    async def scene(bench: Bench) -> None:
        bench.happen(DOWN, feed("treasury"))
        bench.happen(UP, feed("treasury"))
        await trio.sleep(1)
        make_older(bench, TOLD_AFTER)
        await trio.sleep(60)
        assert sink.heard()[2:] == ["delivery.failed delivery/broken"]
        assert b"HTTP 500" in sink.got[-1].body
        make_older(bench, TRIED_FOR)
        await trio.sleep(120)
        states = [state for _, hook, state, _ in bench.alerts() if hook == "broken"]
        assert states == ["failed", "failed"]
        assert bench.figures.given_up["broken"] == 2
        broken.act = None
        bench.happen(DOWN, feed("second"))
        await trio.sleep(60)
        # Given up is given up.
        assert broken.heard() == ["feed.down feed/second"]
        assert sink.heard()[3:] == ["feed.down feed/second", "delivery.recovered delivery/broken"]

    play(sqlite_url, scene, broken, sink)


def test_what_waits_for_a_hook_that_is_configured_no_more_is_given_up(sqlite_url: str) -> None:
    async def first(bench: Bench) -> None:
        bench.happen(DOWN, feed("treasury"))
        await trio.sleep(5)
        make_older(bench, 2 * DAY)

    async def later(bench: Bench) -> None:
        states = [(hook, state) for _, hook, state, _ in bench.alerts()]
        assert states == [("gone", "failed"), ("sink", "sent")]

    play(sqlite_url, first, Sink("gone", act=failing(1000)))
    play(sqlite_url, later, Sink())


def test_of_two_dispatchers_one_delivers_and_the_other_takes_over(database_url: str) -> None:
    sink = Sink()

    async def main() -> None:
        async with open_bench(database_url, sink, seed=2) as second:
            async with open_bench(database_url, sink) as first:
                await trio.sleep(5)
                assert first.figures.is_on_duty is not second.figures.is_on_duty
                for account in ("a", "b", "c"):
                    first.happen(DOWN, feed(account))
                    second.dispatcher.ring()
                await trio.sleep(20)
                assert len(sink.told) == len(set(sink.ids())) == 3
            await trio.sleep(5)
            assert second.figures.is_on_duty
            second.happen(UP, feed("a"))
            await trio.sleep(1)
            assert sink.heard()[3:] == ["feed.recovered feed/a"]

    run(main)


def test_leaving_gives_what_is_due_a_last_chance(sqlite_url: str) -> None:
    slow, hanging = Sink("slow"), Sink("hanging", act=hang)

    async def take_a_second(message: Message) -> None:
        await trio.sleep(1)

    slow.act = take_a_second
    left_at = 0.0

    async def scene(bench: Bench) -> None:
        nonlocal left_at
        bench.happen(REFUSED, feed("treasury"))
        left_at = trio.current_time()

    async def main() -> None:
        async with open_bench(sqlite_url, slow, hanging) as bench:
            await trio.sleep(1)
            await scene(bench)
        assert trio.current_time() - left_at <= LAST_CHANCE_SECONDS + 0.1

    run(main)
    assert slow.heard() == ["auth.rejected feed/treasury"]
    states = {(hook, state) for _, hook, state, _ in alerts(open_database(sqlite_url))}
    assert states == {("slow", "sent"), ("hanging", "pending")}


def test_who_leaves_at_once_tells_first_what_happened(database_url: str) -> None:
    """As one whose credentials are refused does, before it knows whether it is on duty."""
    sink = Sink()

    async def main() -> None:
        async with open_bench(database_url, sink) as bench:
            bench.happen(REFUSED, feed("treasury"))

    run(main)
    assert sink.heard() == ["auth.rejected feed/treasury"]


def test_leaving_leaves_the_rest_to_who_is_on_duty(database_url: str) -> None:
    mine, other = Sink("sink", act=hang), Sink("sink")

    async def main() -> None:
        async with open_bench(database_url, mine):
            await trio.sleep(1)
            async with open_bench(database_url, other, seed=2) as second:
                second.happen(REFUSED, feed("treasury"))
                began = trio.current_time()
            assert trio.current_time() - began < POLL_SECONDS + 0.1

    run(main)
    assert other.told == []


def test_leaving_does_not_wait_where_nothing_is_due(sqlite_url: str) -> None:
    async def main() -> None:
        async with open_bench(sqlite_url, Sink(act=failing(10**6))) as bench:
            await trio.sleep(1)
            bench.happen(DOWN, feed("treasury"))
            await trio.sleep(60)
            began = trio.current_time()
        assert trio.current_time() - began < 1

    run(main)


# Killed


class Killer(trio.abc.Instrument):
    """Ends everything at the n-th step of any task."""

    def __init__(self, scope: trio.CancelScope, step: int) -> None:
        self._scope, self._left = scope, step

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self._left -= 1
        if self._left == 0:
            self._scope.cancel()


def killed_at(url: str, sink: Sink, step: int) -> bool:
    """Dispatch until killed, or all is done, which is False.  As a kill leaves no last chance, the
    hook does nothing more either."""
    is_killed = False

    async def main() -> None:
        nonlocal is_killed
        with trio.CancelScope() as life:
            killer = Killer(life, step)
            trio.lowlevel.add_instrument(killer)
            try:
                async with open_bench(url, sink):
                    await trio.sleep(30)
            finally:
                trio.lowlevel.remove_instrument(killer)
                sink.act = hang
        is_killed = life.cancelled_caught

    run(main)
    return is_killed


STEP_LENGTH = 7
HAPPENED = [(DOWN, "a"), (DOWN, "b"), (REFUSED, "a"), (UP, "a")]


def test_killed_at_any_step_nothing_is_missing(sqlite_template: bytes, tmp_path: Path) -> None:
    step, repeats = 1, 0
    while True:
        path = tmp_path / f"{step}.db"
        path.write_bytes(sqlite_template)
        url = f"sqlite:///{path}"
        for event, account in HAPPENED:
            happen(open_database(url), event, feed(account))
        killed = Sink()
        went_on = killed_at(url, killed, step)
        marked = rows(open_database(url), "SELECT alert_id FROM v_alerts WHERE state = 'sent'")
        again = Sink()
        assert not killed_at(url, again, 10**9)
        heard = dict.fromkeys([*killed.heard(), *again.heard()])
        assert list(heard) == [f"{event} feed/{account}" for event, account in HAPPENED] or (
            sorted(heard) == sorted(f"{event} feed/{account}" for event, account in HAPPENED)
            and [one for one in heard if one.endswith("/a")]
            == [f"{event} feed/a" for event, account in HAPPENED if account == "a"]
        )
        assert not {alert_id for (alert_id,) in marked} & set(again.ids())
        # What was told twice has one id, by which it can be known.
        twice = set(killed.heard()) & set(again.heard())
        assert len(twice) == len(set(killed.ids()) & set(again.ids())) <= 1
        repeats += len(twice)
        if not went_on:
            break
        step += STEP_LENGTH
    assert repeats, "no kill fell between sending and marking"


def test_marks_wait_for_a_database_that_is_locked(sqlite_url: str) -> None:
    sink, locker = Sink(), open_database(sqlite_url)

    async def main() -> None:
        async with open_bench(sqlite_url, sink) as bench:
            await trio.sleep(1)

            async def lock(message: Message) -> None:
                sink.act = None
                nursery.start_soon(hold)

            async def hold() -> None:
                with locker.writing():
                    await trio.sleep(10)

            async with trio.open_nursery() as nursery:
                sink.act = lock
                bench.happen(DOWN, feed("treasury"))
                await trio.sleep(1)
                assert len(sink.got) == 1
            await trio.sleep(5)
            assert len(sink.told) == 1
            assert bench.alerts() == [("feed.down", "sink", "sent", 1)]
            assert bench.figures.pending == {}

    run(main)


def test_the_figures_say_what_waits(sqlite_url: str) -> None:
    async def scene(bench: Bench) -> None:
        bench.happen(DOWN, feed("first"))
        bench.happen(DOWN, feed("second"))
        await trio.sleep(10)
        assert bench.figures.pending == {"sink": 2}
        assert bench.figures.oldest_at["sink"] <= bench.world.clock.now()
        assert bench.figures.failures["sink"] > 1

    play(sqlite_url, scene, Sink(act=failing(1000)))
