"""What is told, to whom, and when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.alerts.episodes import Board, Episode, Group
from reconciler.alerts.routing import (
    CHANGE_PAUSE,
    FLAP_STABLE,
    FLAP_WINDOW,
    FLAPS_MAX,
    GROUP_WINDOW,
    HANDFUL,
    Alert,
    Audience,
    Happened,
    as_told,
    route,
)
from reconciler.domain.events import (
    DatabaseNews,
    DeliveryNews,
    DriftNews,
    DriftsNews,
    Event,
    FeedNews,
    GapNews,
    News,
    dedupe_key,
)
from reconciler.domain.moments import DAY, HOUR, MINUTE, SECOND
from tests.store.samples import NOON

EVERYTHING = Audience(name="all")


def drift(asset: str = "BTC", difference: int = -15, account: str = "treasury") -> DriftNews:
    return DriftNews(
        account=account,
        wallet="spot",
        asset=asset,
        drift_id=1,
        expected=Decimal(1000),
        reported=Decimal(1000 + difference),
        difference=Decimal(difference),
        detected_at=NOON,
    )


def feed(account: str = "treasury") -> FeedNews:
    return FeedNews(account=account, since=NOON, reason="no answer")


@dataclass
class Desk:
    """Routing over time, as the dispatcher does it: the board goes through JSON each time."""

    audience: Sequence[Audience] = (EVERYTHING,)
    now: int = NOON
    board: Board = field(default_factory=dict)
    told: list[tuple[int, Alert]] = field(default_factory=list)
    muted: list[str] = field(default_factory=list)

    def hear(self, *what: tuple[Event, News], hurry: bool = False) -> list[str]:
        """What is told at once."""
        happened = [Happened(event=event, news=news, at=self.now) for event, news in what]
        board = {
            key: msgspec.json.decode(msgspec.json.encode(one), type=Episode | Group)
            for key, one in self.board.items()
        }
        routed = route(board, happened, self.audience, now=self.now, hurry=hurry)
        self.board, self.due = routed.board, routed.due
        self.told += [(self.now, alert) for alert in routed.alerts]
        self.muted += [muted.why for muted in routed.muted]
        return [spelled(alert) for alert in routed.alerts]

    def wait(self, span: int) -> list[str]:
        """What is told in that time, routed when it is due."""
        found, until = [], self.now + span
        while self.due is not None and self.due <= until:
            assert self.due > self.now, "due again and again at one moment"
            self.now = self.due
            found += self.hear()
        self.now = until
        return found + self.hear()

    due: int | None = None


def spelled(alert: Alert) -> str:
    again = " again" if alert.repeated else ""
    return f"{alert.event} {dedupe_key(alert.news).removeprefix('drift/treasury/spot/')}{again}"


DETECTED, CHANGED, RESOLVED = Event.DRIFT_DETECTED, Event.DRIFT_CHANGED, Event.DRIFT_RESOLVED
DOWN, UP = Event.FEED_DOWN, Event.FEED_RECOVERED


def test_a_drift_is_told_when_it_begins_changes_and_ends() -> None:
    desk = Desk()
    assert desk.hear((DETECTED, drift())) == []
    assert desk.wait(GROUP_WINDOW) == ["drift.detected BTC"]
    desk.wait(CHANGE_PAUSE)
    assert desk.hear((CHANGED, drift(difference=-20))) == ["drift.changed BTC"]
    assert desk.hear((RESOLVED, drift())) == ["drift.resolved BTC"]
    assert desk.wait(2 * DAY) == []
    assert desk.board == {}


def test_one_that_is_over_before_it_was_told_is_told_all_the_same() -> None:
    desk = Desk()
    desk.hear((DETECTED, drift()))
    assert desk.hear((RESOLVED, drift())) == ["drift.detected BTC", "drift.resolved BTC"]


def test_changes_in_quick_succession_are_one() -> None:
    desk = Desk()
    desk.hear((DETECTED, drift()))
    desk.wait(GROUP_WINDOW)
    for more in range(5):
        assert desk.hear((CHANGED, drift(difference=-20 - more))) == []
    assert desk.wait(CHANGE_PAUSE) == ["drift.changed BTC"]
    news = desk.told[-1][1].news
    assert isinstance(news, DriftNews)
    assert news.difference == -24


def test_while_the_feed_is_down_drifts_wait_and_what_resolved_meanwhile_is_muted() -> None:
    desk = Desk()
    assert desk.hear((DOWN, feed())) == ["feed.down feed/treasury"]
    desk.hear((DETECTED, drift("BTC")), (DETECTED, drift("ETH")))
    assert desk.wait(HOUR) == []
    assert desk.hear((RESOLVED, drift("ETH"))) == []
    assert desk.muted == ["its feed is down"]
    assert desk.hear((UP, feed())) == ["feed.recovered feed/treasury", "drift.detected BTC"]


def test_another_account_is_told_while_a_feed_is_down() -> None:
    desk = Desk()
    desk.hear((DOWN, feed()), (DETECTED, drift(account="second")))
    assert desk.wait(GROUP_WINDOW) == ["drift.detected drift/second/spot/BTC"]


def test_many_drifts_at_once_are_one_until_the_last_is_over() -> None:
    desk = Desk()
    many = [drift(f"A{number}") for number in range(HANDFUL + 1)]
    desk.hear(*((DETECTED, each) for each in many))
    assert desk.wait(GROUP_WINDOW) == ["drift.detected drift/treasury"]
    news = desk.told[-1][1].news
    assert isinstance(news, DriftsNews)
    assert (news.count, len(news.drifts)) == (HANDFUL + 1, HANDFUL + 1)
    desk.hear((DETECTED, drift("late")), (RESOLVED, many[0]), (RESOLVED, many[1]))
    assert desk.wait(HOUR) == ["drift.changed drift/treasury"]
    news = desk.told[-1][1].news
    assert isinstance(news, DriftsNews)
    assert news.count == HANDFUL
    left = [*many[2:], drift("late")]
    assert desk.hear(*((RESOLVED, each) for each in left)) == ["drift.resolved drift/treasury"]
    desk.hear((DETECTED, drift("next")))
    assert desk.wait(MINUTE) == ["drift.detected next"]


def test_a_handful_is_told_one_by_one() -> None:
    desk = Desk()
    desk.hear(*((DETECTED, drift(f"A{number}")) for number in range(HANDFUL)))
    assert len(desk.wait(GROUP_WINDOW)) == HANDFUL


def test_in_a_hurry_nothing_waits_for_company() -> None:
    assert Desk().hear((DETECTED, drift()), hurry=True) == ["drift.detected BTC"]


def test_what_comes_and_goes_is_told_when_it_stays() -> None:
    desk = Desk()
    for _ in range(FLAPS_MAX):
        assert desk.hear((DOWN, feed())) == ["feed.down feed/treasury"]
        desk.wait(MINUTE)
        assert desk.hear((UP, feed())) == ["feed.recovered feed/treasury"]
    assert desk.hear((DOWN, feed()), (UP, feed()), (DOWN, feed())) == []
    assert desk.muted == ["it comes and goes"]
    assert desk.wait(FLAP_STABLE - 1) == []
    assert desk.wait(1) == ["feed.down feed/treasury"]
    # After that it is told as ever, once it has been quiet for long.
    desk.wait(FLAP_WINDOW)
    assert desk.hear((UP, feed())) == ["feed.recovered feed/treasury"]


def test_refused_credentials_are_told_at_once_however_often() -> None:
    desk = Desk()
    for _ in range(FLAPS_MAX + 2):
        desk.hear((DOWN, feed()), (UP, feed()))
    assert desk.hear((Event.AUTH_REJECTED, feed())) == ["auth.rejected feed/treasury"]


def test_a_key_refused_while_the_feed_is_down_is_told_too() -> None:
    desk = Desk()
    desk.hear((DOWN, feed()))
    assert desk.hear((Event.AUTH_REJECTED, feed())) == ["auth.rejected feed/treasury"]
    assert desk.hear((UP, feed())) == ["feed.recovered feed/treasury"]


def test_what_is_still_so_is_told_again_to_who_asked_for_it() -> None:
    desk = Desk((Audience(name="often", repeat=HOUR), Audience(name="never")))
    desk.hear((DETECTED, drift()))
    assert desk.wait(3 * HOUR + MINUTE) == ["drift.detected BTC", *3 * ["drift.detected BTC again"]]
    assert [alert.hooks for _, alert in desk.told] == [("often", "never"), *3 * [("often",)]]
    desk.hear((RESOLVED, drift()))
    assert desk.wait(DAY) == []


def test_what_came_in_one_go_is_told_in_its_order() -> None:
    desk = Desk()
    assert desk.hear((DOWN, feed()), (Event.AUTH_REJECTED, feed()), (UP, feed())) == [
        "feed.down feed/treasury",
        "auth.rejected feed/treasury",
        "feed.recovered feed/treasury",
    ]


def test_a_new_hook_hears_of_what_is_so() -> None:
    desk = Desk(())
    desk.hear((DETECTED, drift()), (DOWN, feed("second")))
    assert desk.wait(HOUR) == []
    desk.audience = (EVERYTHING, Audience(name="feeds", events=("feed.*",)))
    assert desk.hear() == ["drift.detected BTC again", "feed.down feed/second again"]
    assert [alert.hooks for _, alert in desk.told] == [("all",), ("all", "feeds")]


def test_a_hook_hears_what_its_patterns_name() -> None:
    desk = Desk((Audience(name="feeds", events=("feed.*", "auth.*")),))
    desk.hear((DETECTED, drift()), (DOWN, feed("second")))
    desk.wait(HOUR)
    assert [alert.event for _, alert in desk.told] == ["feed.down"]


def test_a_gap_is_told_once_each_time() -> None:
    desk = Desk((Audience(name="often", repeat=HOUR),))
    gap = GapNews(account="treasury", stream="deals", gap_from=1, gap_until=2, reason="too old")
    assert desk.hear((Event.BACKFILL_GAP, gap)) == ["backfill.gap gap/treasury/deals"]
    assert desk.wait(DAY) == []


def test_a_hook_does_not_hear_of_its_own_failures() -> None:
    desk = Desk((Audience(name="mail"), Audience(name="pager")))
    lost = DeliveryNews(hook="mail", since=NOON, alert_id="1", alert_event="feed.down")
    desk.hear((Event.DELIVERY_FAILED, lost))
    assert [alert.hooks for _, alert in desk.told] == [("pager",)]


def test_what_was_told_without_a_database_is_not_told_again() -> None:
    desk = Desk((Audience(name="all", repeat=HOUR),))
    away = DatabaseNews(since=NOON)
    degraded = Happened(event=Event.DATABASE_DEGRADED, news=away, at=NOON)
    desk.board = as_told(desk.board, degraded, ["all"])
    assert desk.wait(MINUTE) == []
    back = DatabaseNews(since=NOON, until=desk.now)
    assert desk.hear((Event.DATABASE_RECOVERED, back)) == ["database.recovered database"]


# Any history at all

ASSETS = [f"A{number}" for number in range(HANDFUL + 3)]
DRIFT = st.tuples(st.sampled_from([DETECTED, CHANGED, RESOLVED]), st.sampled_from(ASSETS))
ACTS = st.one_of(
    st.lists(DRIFT, min_size=1, max_size=12),
    st.sampled_from([DOWN, UP, Event.AUTH_REJECTED]),
    st.integers(0, 20 * MINUTE) | st.sampled_from([SECOND, CHANGE_PAUSE, FLAP_STABLE, HOUR]),
    st.just("reload"),
)


class World:
    """What is so, by the record, which lets no drift end that has not begun."""

    def __init__(self) -> None:
        self.drifts: set[str] = set()
        self.is_down = False

    def drift(self, event: Event, asset: str) -> tuple[Event, News] | None:
        if (event is DETECTED) is (asset in self.drifts):
            return None
        if event is DETECTED:
            self.drifts.add(asset)
        if event is RESOLVED:
            self.drifts.discard(asset)
        return event, drift(asset)


def play(acts: Sequence[object]) -> tuple[Desk, World]:
    desk, world = Desk((EVERYTHING, Audience(name="often", repeat=HOUR))), World()
    for act in acts:
        before = len(desk.told)
        match act:
            case list():
                desk.hear(*filter(None, (world.drift(event, asset) for event, asset in act)))
            case Event():
                world.is_down = act is not UP
                desk.hear((act, feed()))
            case int():
                desk.wait(act)
        if world.is_down:
            news = [alert.news for _, alert in desk.told[before:]]
            assert not any(isinstance(each, DriftNews | DriftsNews) for each in news)
    return desk, world


def story(desk: Desk, hook: str) -> dict[str, list[Alert]]:
    """What a hook hears of each subject, without what it is told again."""
    heard: dict[str, list[Alert]] = {}
    for _, alert in desk.told:
        if hook in alert.hooks and not alert.repeated:
            heard.setdefault(dedupe_key(alert.news), []).append(alert)
    return heard


def assert_is_a_story(alerts: Sequence[Alert]) -> bool:
    """Beginning, changes, end, and again; returns whether it has not ended."""
    is_open = False
    for alert in alerts:
        match alert.event:
            case Event.DRIFT_RESOLVED | Event.FEED_RECOVERED:
                assert is_open, f"the end of what nobody has heard of: {alert}"
                is_open = False
            case Event.DRIFT_CHANGED:
                assert is_open
            case Event.DRIFT_DETECTED:
                assert not is_open, f"begun twice: {alert}"
                is_open = True
            case _:
                is_open = True
    return is_open


def check(acts: Sequence[object]) -> None:
    desk, world = play(acts)
    desk.wait(1)
    for hook in ("all", "often"):
        for alerts in story(desk, hook).values():
            assert_is_a_story(alerts)
    # In the end all that is so has been told, and nothing else.
    world.is_down = False
    desk.hear((UP, feed()))
    desk.wait(FLAP_WINDOW + FLAP_STABLE)
    for hook in ("all", "often"):
        told: set[str] = set()
        for key, alerts in story(desk, hook).items():
            if assert_is_a_story(alerts):
                news = alerts[-1].news
                each = news.drifts if isinstance(news, DriftsNews) else [news]
                assert key.startswith("drift/")
                told |= {one.asset for one in each if isinstance(one, DriftNews)}
        assert told == world.drifts


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTS, max_size=40))
def test_whatever_happens_each_subject_is_a_story_and_its_end_is_the_truth(
    acts: list[object],
) -> None:
    check(acts)


@pytest.mark.soak
@settings(max_examples=10_000, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTS, max_size=60))
def test_the_same_of_ten_thousand_histories(acts: list[object]) -> None:
    check(acts)
