"""The hop into a thread: results, errors, order, and a call that outlives its cancellation."""

import threading

import pytest
import trio
import trio.testing

from reconciler.clock import steady
from reconciler.hop import CALL_MAX, Watched, inline, thread
from reconciler.pulse import Pulse
from tests.running import run


def test_calls_run_one_at_a_time_in_one_other_thread_and_return() -> None:
    async def main() -> None:
        async with thread("worker") as hop:
            names = [await hop(lambda: threading.current_thread().name) for _ in range(3)]
            assert names == ["worker"] * 3
            assert await hop(divmod, 7, 2) == (3, 1)

    run(main)


def test_an_error_comes_back_to_the_caller() -> None:
    async def main() -> None:
        async with thread("worker") as hop:
            with pytest.raises(ZeroDivisionError):
                await hop(divmod, 1, 0)
            assert await hop(divmod, 1, 1) == (1, 0)

    run(main)


def test_a_call_that_has_begun_is_waited_for_even_when_cancelled() -> None:
    async def main() -> None:
        began, release = threading.Event(), threading.Event()
        finished = []

        def call() -> None:
            began.set()
            release.wait(5)
            finished.append(True)

        async with thread("worker") as hop, thread("other") as other:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(hop, call)
                await other(began.wait)
                nursery.cancel_scope.cancel()
                nursery.start_soon(other, release.set)
                release.set()
            assert finished == [True]

    run(main)


def test_a_cancelled_caller_does_not_begin_a_call() -> None:
    async def main() -> None:
        began: list[int] = []
        async with thread("worker") as hop:
            with trio.CancelScope() as scope:
                scope.cancel()
                await hop(began.append, 1)
            await hop(lambda: None)
            assert began == []

    run(main)


def test_inline_runs_in_place() -> None:
    async def main() -> None:
        here = threading.get_ident()
        assert await inline(threading.get_ident) == here

    run(main)


def test_a_call_that_does_not_return_is_overdue_and_an_idle_thread_never_is() -> None:
    async def main() -> None:
        pulse, hold = Pulse(), threading.Event()
        async with thread("worker") as plain, trio.open_nursery() as nursery:
            hop = Watched(plain, pulse)
            assert not pulse.is_overdue(steady() + 2 * CALL_MAX)
            nursery.start_soon(hop, lambda: hold.wait())
            nursery.start_soon(hop, divmod, 1, 1)
            await trio.testing.wait_all_tasks_blocked()
            assert not pulse.is_overdue(steady())
            assert pulse.is_overdue(steady() + 2 * CALL_MAX)
            hold.set()
        with pytest.raises(ZeroDivisionError):
            await Watched(inline, pulse)(divmod, 1, 0)
        assert not pulse.is_overdue(steady() + 2 * CALL_MAX)

    run(main)
