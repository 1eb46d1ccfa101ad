"""A promise is broken when its time has passed, and only then."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.clock import steady
from reconciler.domain.moments import DAY, SECOND
from reconciler.pulse import Pulse
from tests.feed.memory import run

SPANS = st.integers(1, DAY)


def test_who_promised_nothing_is_never_overdue() -> None:
    assert not Pulse().is_overdue(10**18)


@given(st.lists(SPANS, min_size=1, max_size=5), SPANS)
def test_it_is_overdue_when_the_longest_promise_has_passed(spans: list[int], later: int) -> None:
    async def main() -> None:
        pulse, now = Pulse(), steady()
        for span in spans:
            pulse.beat(span)
        assert pulse.is_overdue(now + later) == (later > max(spans))

    run(main)


def test_rest_takes_every_promise_back() -> None:
    async def main() -> None:
        pulse = Pulse()
        pulse.beat(SECOND)
        pulse.rest()
        assert not pulse.is_overdue(steady() + DAY)

    run(main)
