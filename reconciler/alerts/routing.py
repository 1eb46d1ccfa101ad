"""Decides what is told, to whom, and when: of events to alerts.

Pure: the board of what was told before, and what happened since, in; alerts, and the board as it is
then, out.  Held back is what would wake somebody for nothing: drifts of an account whose feed is
down, what comes and goes, changes on changes; and many drifts at once become one alert.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from msgspec.structs import replace

from reconciler.alerts.episodes import (
    ENDED_BY,
    LIFE,
    Board,
    Episode,
    Group,
    State,
    Step,
    begun_as,
    lived,
    step_of,
)
from reconciler.domain.events import (
    LISTED_MAX,
    DeliveryNews,
    DriftNews,
    DriftsNews,
    Event,
    News,
    dedupe_key,
    drifts_key,
    feed_key,
)
from reconciler.domain.moments import HOUR, MINUTE, SECOND

GROUP_WINDOW = 2 * SECOND
"""So long the first drift waits for others.  What causes many shows them in one sweep."""

HANDFUL = 5
"""More drifts of one account than this, within the window, are told as one."""

CHANGE_PAUSE = 1 * MINUTE
"""Between two alerts of one subject that only say that it is not as it was."""

FLAPS_MAX = 3
FLAP_WINDOW = 1 * HOUR
FLAP_STABLE = 10 * MINUTE
"""What began more than three times within the hour is told when it has stayed as it is for ten
minutes."""

ONCE = frozenset({Event.BACKFILL_GAP, Event.TEST})
"""What is no episode: it happened, and that is all."""

FEED_IS_DOWN = "its feed is down"
FLAPPING = "it comes and goes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event of the outbox."""

    event: Event
    news: News
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """What routing knows of a hook."""

    name: str
    events: tuple[str, ...] = ("*",)
    repeat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something to be told, and to whom."""

    event: Event
    news: News
    hooks: tuple[str, ...]
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Muted:
    """Something that nobody hears of, and why."""

    key: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A decision."""

    board: Board
    alerts: tuple[Alert, ...]
    muted: tuple[Muted, ...]
    due: int | None
    """When there may be something to decide, even if nothing happens."""


def route(
    board: Board,
    happened: Sequence[Happened],
    audience: Sequence[Audience],
    *,
    now: int,
    hurry: bool = False,
) -> Routed:
    """What to tell of what happened, and of what was held back before.

    In a `hurry`, as before the process ends, nothing waits for company.
    """
    routing = _Routing(dict(board), audience, now, hurry)
    for one in happened:
        routing.hear(one)
    routing.settle()
    return Routed(
        board=routing.board,
        alerts=tuple(routing.alerts),
        muted=tuple(routing.muted),
        due=min(routing.dues, default=None),
    )


def hears(hook: Audience, event: Event, news: News) -> bool:
    """Whether a hook wants to hear of it.  Of its own failures it can't."""
    if isinstance(news, DeliveryNews) and news.hook == hook.name:
        return False
    return any(fnmatchcase(event, pattern) for pattern in hook.events)


def as_told(board: Board, what: Happened, hooks: Sequence[str]) -> Board:
    """The board, once it knows of something that was told without it, to these hooks: there was no
    database to keep it in."""
    key = dedupe_key(what.news)
    told = Episode(
        state=State.TOLD,
        event=what.event,
        news=what.news,
        begun_at=what.at,
        flipped_at=what.at,
        begins=(what.at,),
        told_event=what.event,
        told_at=what.at,
        told=dict.fromkeys(hooks, what.at),
    )
    return {**board, key: told}


@dataclass(slots=True)
class _Routing:
    board: dict[str, Episode | Group]
    audience: Sequence[Audience]
    now: int
    hurry: bool
    alerts: list[Alert] = field(default_factory=list)
    muted: list[Muted] = field(default_factory=list)
    dues: list[int] = field(default_factory=list)

    # What happened

    def hear(self, what: Happened) -> None:
        if what.event in ONCE:
            self._tell(what.event, what.news)
            return
        key = dedupe_key(what.news)
        episode = self._episode(key) or Episode(event=what.event, news=what.news)
        step = step_of(episode.state, what.event)
        if step is Step.END and episode.state is State.HELD:
            why = self._why_held(episode)
            if why is not None:
                self._mute(key, episode, what, why)
                return
            episode = self._released(episode)
        if step is not None:
            episode = self._stepped(episode, step, what)
            # Drifts wait for each other; of all else each event is told for itself.
            self._put(key, episode if _is_drift(episode) else self._settled(episode))

    def _stepped(self, episode: Episode, step: Step, what: Happened) -> Episode:
        flips = step in (Step.BEGIN, Step.END)
        begins = episode.begins
        return replace(
            episode,
            state=lived(episode.state, step),
            event=begun_as(what.event, episode.event),
            news=what.news,
            begun_at=what.at if step is Step.BEGIN else episode.begun_at,
            flipped_at=what.at if flips else episode.flipped_at,
            begins=(*begins[-FLAPS_MAX:], what.at) if step is Step.BEGIN else begins,
        )

    def _mute(self, key: str, episode: Episode, what: Happened, why: str) -> None:
        state = lived(episode.state, Step.MUTE)
        self._put(key, replace(episode, state=state, news=what.news, flipped_at=what.at))
        self.muted.append(Muted(key=key, why=why))

    # What may be told now

    def settle(self) -> None:
        self._forget_old()
        for key, episode in self._episodes():
            if not episode.is_grouped and not _is_new_drift(episode):
                self._put(key, self._settled(episode))
        for account in dict.fromkeys(
            episode.news.account
            for _, episode in self._episodes()
            if isinstance(episode.news, DriftNews)
        ):
            self._gather(account)
            self._settle_group(account)
        for key, episode in self._episodes():
            if episode.is_so and not episode.is_grouped and episode.state is not State.HELD:
                told = self._told_again(episode.event, episode.news, episode.told, episode)
                self._put(key, replace(episode, told=told))

    def _settled(self, episode: Episode) -> Episode:
        """Tells what is not told, if nothing speaks against it."""
        if Step.RELEASE in _possible(episode) and self._may_be_told(episode):
            return self._released(episode)
        return episode

    def _may_be_told(self, episode: Episode) -> bool:
        why = self._why_held(episode)
        if why is FLAPPING:
            self.dues.append(episode.flipped_at + FLAP_STABLE)
        if why is None and episode.state is State.STALE and _is_drift(episode):
            return self._is_due(episode.told_at + CHANGE_PAUSE)
        return why is None

    def _released(self, episode: Episode) -> Episode:
        state = lived(episode.state, Step.RELEASE)
        event = episode.event
        match episode.state:
            case State.HELD:
                told = self._tell(event, episode.news)
            case State.STALE if _is_drift(episode):
                told = {**episode.told, **self._tell(Event.DRIFT_CHANGED, episode.news)}
            case State.STALE if event is not episode.told_event:
                told = {**episode.told, **self._tell(event, episode.news)}
            case State.STALE:
                return replace(episode, state=state)
            case _:
                self._tell(ENDED_BY[event], episode.news)
                return replace(episode, state=state, told={}, told_event=None)
        return replace(episode, state=state, told=told, told_at=self.now, told_event=event)

    def _why_held(self, episode: Episode) -> str | None:
        news = episode.news
        if isinstance(news, DriftNews) and self._is_down(news.account):
            return FEED_IS_DOWN
        # Refused credentials may end the process, and then there is no later.
        if episode.event is not Event.AUTH_REJECTED and _is_flapping(episode, self.now):
            return FLAPPING
        return None

    def _is_down(self, account: str) -> bool:
        feed = self._episode(feed_key(account))
        return feed is not None and feed.is_so

    # Many drifts at once

    def _gather(self, account: str) -> None:
        """Tells the new drifts of an account, each by itself or all as one."""
        new = [
            (key, episode)
            for key, episode in self._drifts(account)
            if _is_new_drift(episode) and self._may_be_told(episode)
        ]
        if not new:
            return
        group = self._group(account)
        first_at = min(episode.begun_at for _, episode in new)
        if group is None and not self.hurry and not self._is_due(first_at + GROUP_WINDOW):
            return
        if group is None and len(new) <= HANDFUL:
            for key, episode in new:
                self._put(key, self._released(episode))
            return
        for key, episode in new:
            state = lived(episode.state, Step.RELEASE)
            self._put(key, replace(episode, state=state, is_grouped=True))
        if group is None:
            news = self._news_of_group(account, first_at)
            told = self._tell(Event.DRIFT_DETECTED, news)
            group = Group(account=account, begun_at=first_at, told_at=self.now, told=told)
        else:
            group = replace(group, is_stale=True)
        self._put(drifts_key(account), group)

    def _settle_group(self, account: str) -> None:
        group, key = self._group(account), drifts_key(account)
        if group is None or self._is_down(account):
            return
        members = [(name, each) for name, each in self._drifts(account) if each.is_grouped]
        news = self._news_of_group(account, group.begun_at)
        if not any(each.is_so for _, each in members):
            self._tell(Event.DRIFT_RESOLVED, news)
            del self.board[key]
            self._mark_told(members)
            return
        is_stale = group.is_stale or any(each.state is not State.TOLD for _, each in members)
        if is_stale and self._is_due(group.told_at + CHANGE_PAUSE):
            changed = {**group.told, **self._tell(Event.DRIFT_CHANGED, news)}
            group = replace(group, told=changed, told_at=self.now, is_stale=False)
            self._mark_told(members)
        told = self._told_again(Event.DRIFT_DETECTED, news, group.told)
        self._put(key, replace(group, told=told))

    def _mark_told(self, members: Sequence[tuple[str, Episode]]) -> None:
        for key, each in members:
            possible = Step.RELEASE in _possible(each)
            state = lived(each.state, Step.RELEASE) if possible else each.state
            is_grouped = state is not State.QUIET
            self._put(key, replace(each, state=state, is_grouped=is_grouped))

    def _news_of_group(self, account: str, begun_at: int) -> DriftsNews:
        members = (each for _, each in self._drifts(account) if each.is_grouped and each.is_so)
        drifts = [each.news for each in members if isinstance(each.news, DriftNews)]
        return DriftsNews(
            account=account,
            count=len(drifts),
            drifts=tuple(drifts[:LISTED_MAX]),
            detected_at=min((each.detected_at for each in drifts), default=begun_at),
        )

    # Telling

    def _tell(self, event: Event, news: News) -> dict[str, int]:
        """To all who want to hear of it; who and when."""
        hooks = tuple(hook.name for hook in self.audience if hears(hook, event, news))
        if hooks:
            self.alerts.append(Alert(event=event, news=news, hooks=hooks))
        return dict.fromkeys(hooks, self.now)

    def _told_again(
        self, event: Event, news: News, told: Mapping[str, int], episode: Episode | None = None
    ) -> Mapping[str, int]:
        """To each who has not heard of it for so long as he wants to, or never, as he is new."""
        if episode is not None and self._why_held(episode) is not None:
            return told
        again: list[str] = []
        for hook in self.audience:
            if not hears(hook, event, news):
                continue
            last = told.get(hook.name)
            if last is None or (hook.repeat and self._is_due(last + hook.repeat)):
                again.append(hook.name)
                if hook.repeat:
                    self.dues.append(self.now + hook.repeat)
        if not again:
            return told
        self.alerts.append(Alert(event=event, news=news, hooks=tuple(again), repeated=True))
        return {**told, **dict.fromkeys(again, self.now)}

    # The board

    def _is_due(self, at: int) -> bool:
        if at > self.now:
            self.dues.append(at)
        return at <= self.now

    def _episode(self, key: str) -> Episode | None:
        found = self.board.get(key)
        return found if isinstance(found, Episode) else None

    def _group(self, account: str) -> Group | None:
        found = self.board.get(drifts_key(account))
        return found if isinstance(found, Group) else None

    def _episodes(self) -> list[tuple[str, Episode]]:
        return [(key, one) for key, one in self.board.items() if isinstance(one, Episode)]

    def _drifts(self, account: str) -> Iterator[tuple[str, Episode]]:
        for key, episode in self._episodes():
            if isinstance(episode.news, DriftNews) and episode.news.account == account:
                yield key, episode

    def _put(self, key: str, one: Episode | Group) -> None:
        if self.board.get(key) != one:
            self.board[key] = one

    def _forget_old(self) -> None:
        for key, episode in self._episodes():
            is_old = episode.flipped_at <= self.now - FLAP_WINDOW
            if episode.state is State.QUIET and not episode.is_grouped and is_old:
                del self.board[key]


def _possible(episode: Episode) -> frozenset[Step]:
    return frozenset(LIFE[episode.state])


def _is_drift(episode: Episode) -> bool:
    return isinstance(episode.news, DriftNews)


def _is_new_drift(episode: Episode) -> bool:
    return _is_drift(episode) and episode.state is State.HELD


def _is_flapping(episode: Episode, now: int) -> bool:
    recent = [at for at in episode.begins if at > now - FLAP_WINDOW]
    return len(recent) > FLAPS_MAX and now < episode.flipped_at + FLAP_STABLE
