"""Nonces are never repeated, whatever the clocks do and whenever the process dies."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from reconciler.feed.nonce import AHEAD_MS, WINDOW_MS, Commit, Nonce, Wait

NOW = 1_790_000_000_000


@dataclass
class Life:
    """A key over several processes: what it sent, and what was committed, as of `now`."""

    now: int = NOW
    committed: int = 0
    sent: list[int] = field(default_factory=list)
    waited: int = 0
    commits: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.nonce = Nonce(self.committed)

    def send(self, commit_ms: int = 0) -> int:
        """The next number; a commit takes so long."""
        while True:
            match self.nonce.next(self.now):
                case Commit(upto):
                    self.commits += 1
                    self.now += commit_ms
                    self.committed = upto
                    self.nonce.committed(upto)
                case Wait(ms):
                    assert ms > 0
                    self.waited += ms
                    self.now += ms
                case number:
                    assert number <= self.committed, "used before it was committed"
                    self.sent.append(number)
                    return number


STEPS = st.lists(st.integers(0, 3_000) | st.just(None), max_size=60)
"""Pauses between two calls, and restarts."""


@given(STEPS, st.integers(0, 4_000))
def test_no_number_is_used_twice_over_restarts_and_each_lies_in_the_window(
    steps: list[int | None], commit_ms: int
) -> None:
    life = Life()
    for step in steps:
        if step is None:
            life.restart()
        else:
            life.now += step
        number = life.send(commit_ms)
        assert abs(number - life.now) <= AHEAD_MS
    assert life.sent == sorted(set(life.sent))


@given(st.lists(st.integers(-WINDOW_MS + AHEAD_MS, 10_000), max_size=50))
def test_no_number_is_used_twice_when_what_is_known_of_the_time_is_corrected(
    steps: list[int],
) -> None:
    life = Life()
    for step in steps:
        life.now += step
        life.send()
        life.send()
    assert len(life.sent) == len(set(life.sent))


def test_a_nonce_is_the_exchanges_time_in_milliseconds() -> None:
    assert Life().send() == NOW


def test_two_calls_in_one_millisecond_have_two_nonces() -> None:
    life = Life()
    assert (life.send(), life.send()) == (NOW, NOW + 1)


def test_one_commit_serves_for_two_seconds() -> None:
    life = Life()
    for _ in range(AHEAD_MS // 10):
        life.send()
        life.now += 10
    assert life.commits == 1


def test_a_process_that_follows_at_once_begins_above_what_was_committed() -> None:
    life = Life()
    life.send()
    life.restart()
    life.now += 1
    assert life.send() > NOW + AHEAD_MS


def test_processes_that_die_at_once_one_after_the_other_wait_for_the_clock() -> None:
    """Else each would begin two seconds further ahead, and the fourth outside the window."""
    life = Life()
    for _ in range(5):
        life.send()
        life.restart()
    assert life.waited >= 3
    assert max(life.sent) <= life.now + AHEAD_MS


def test_what_lies_beyond_the_window_was_never_accepted_and_is_not_waited_for() -> None:
    life = Life(committed=NOW + WINDOW_MS + 1)
    assert life.send() == NOW
    assert life.waited == 0


def test_what_lies_within_the_window_is_respected() -> None:
    life = Life(committed=NOW + WINDOW_MS)
    assert life.send() > NOW + WINDOW_MS
    assert life.waited > 0


def test_a_clock_that_was_an_hour_ahead_locks_nobody_out_once_it_is_corrected() -> None:
    life = Life(now=NOW + 3_600_000)
    life.send()
    life.now = NOW
    assert life.send() == NOW


def test_a_commit_slower_than_what_it_commits_still_gives_a_nonce() -> None:
    life = Life()
    number = life.send(commit_ms=AHEAD_MS + 1_000)
    assert number == NOW + AHEAD_MS
    assert life.commits == 1


def test_after_a_stale_nonce_the_next_lies_above_the_last_and_above_the_time() -> None:
    life = Life()
    last = life.send()
    life.nonce.stale(life.now)
    assert life.send() > max(last, life.now)
