"""What a key uses up is committed before it is used, and honoured by the next process."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import trio

from reconciler.clock import steady
from reconciler.domain.facts import KeyNotice
from reconciler.domain.moments import DAY, MILLISECOND, MINUTE, SECOND
from reconciler.feed.exchange_clock import ExchangeClock
from reconciler.feed.key import TOKENS_MAX, TOKENS_PERIOD, Key
from reconciler.feed.limits import NotSent
from tests.feed.memory import START, run

HONOURED = TOKENS_PERIOD * 1.1
"""Seconds; no wait for a token is longer."""


@dataclass
class Record:
    """What is committed of the key, by processes that follow each other; and the clock."""

    seconds: float = 0
    """How long a commit takes."""
    ahead: int = 0
    """Of our clock."""
    notices: list[KeyNotice] = field(default_factory=list)

    def now(self) -> int:
        return START + steady() + self.ahead

    async def reserve(self, notice: KeyNotice) -> None:
        await trio.sleep(self.seconds)
        self.notices.append(notice)

    async def recall(self) -> KeyNotice | None:
        await trio.sleep(self.seconds)
        return self.notices[-1] if self.notices else None

    def process(self) -> Key:
        """One that can learn what the last one committed."""
        return Key(ExchangeClock(self), random.Random(1), self.recall, self.reserve)


def over(main: Callable[[Record], Awaitable[None]], record: Record | None = None) -> None:
    async def with_record() -> None:
        await main(record or Record())

    run(with_record)


async def token(key: Key) -> float:
    """Asks for one; says when that was."""
    async with key.token():
        return trio.current_time()


def test_no_nonce_is_given_that_is_not_committed() -> None:
    async def main(record: Record) -> None:
        key, given = record.process(), []

        async def caller() -> None:
            for _ in range(20):
                nonce = await key.nonce()
                assert nonce <= record.notices[-1].nonce
                given.append(nonce)
                await trio.sleep(0.1)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(caller)
        assert len(set(given)) == 100
        assert len(record.notices) < 5

    over(main, Record(seconds=0.3))


def test_a_process_that_dies_with_a_nonce_uncommitted_has_not_used_it() -> None:
    async def main(record: Record) -> None:
        key = record.process()
        with trio.move_on_after(0.1):
            await key.nonce()
        assert not record.notices
        assert await key.nonce() <= record.notices[-1].nonce

    over(main, Record(seconds=0.3))


def test_the_next_process_begins_above_what_the_last_one_may_have_used() -> None:
    async def main(record: Record) -> None:
        used: list[int] = []
        for _ in range(5):
            key = record.process()
            used += [await key.nonce() for _ in range(10)]
            await trio.sleep(0.05)
        assert used == sorted(set(used))
        assert abs(used[-1] - record.now() // MILLISECOND) < 5_000

    over(main)


@pytest.mark.parametrize("by", [-DAY, -MINUTE, MINUTE, DAY])
def test_a_step_of_our_clock_between_two_processes_locks_nobody_out(by: int) -> None:
    """The second one has measured the exchange's time, the first one had not."""

    async def main(record: Record) -> None:
        record.ahead = by
        await record.process().nonce()
        record.ahead = 0
        nonce = await record.process().nonce()
        assert abs(nonce - record.now() // MILLISECOND) < 5_000

    over(main)


def test_tokens_are_given_as_often_as_is_allowed_over_restarts() -> None:
    async def main(record: Record) -> None:
        at = [await token(record.process()) for _ in range(3 * TOKENS_MAX)]
        for start in at:
            assert sum(start <= when < start + TOKENS_PERIOD for when in at) <= TOKENS_MAX
        assert at[-1] < 3 * HONOURED

    over(main)


def test_a_token_is_committed_before_it_is_asked_for() -> None:
    async def main(record: Record) -> None:
        key = record.process()
        async with key.token():
            assert record.notices[-1].tokens[-1] == record.now()
        await key.nonce()
        assert len(record.notices) == 1, "one commit serves both"

    over(main)


def test_at_most_ten_tokens_are_remembered() -> None:
    async def main(record: Record) -> None:
        key = record.process()
        for _ in range(TOKENS_MAX + 5):
            await token(key)
        assert len(record.notices[-1].tokens) == TOKENS_MAX
        assert record.notices[-1].tokens[-1] >= START + TOKENS_PERIOD * SECOND

    over(main)


@pytest.mark.parametrize("by", [-DAY, -MINUTE, 0, MINUTE, DAY])
def test_no_step_of_a_clock_makes_tokens_wait_for_longer_than_the_exchange_would(by: int) -> None:
    async def main(record: Record) -> None:
        key = record.process()
        for _ in range(TOKENS_MAX):
            await token(key)
        record.ahead = by
        assert await token(record.process()) <= HONOURED

    over(main)


def test_a_token_that_was_never_asked_for_is_given_back() -> None:
    async def main(record: Record) -> None:
        key = record.process()
        for _ in range(50):
            with pytest.raises(NotSent):
                async with key.token():
                    raise NotSent
        for _ in range(TOKENS_MAX):
            await token(key)
        assert trio.current_time() == 0
        assert key.would_wait()

    over(main)
