"""The one line on top: until when everything is proven, or what is wrong, in words.

Pure.  What is wrong is told worst first; what is merely worth knowing stands below, as remarks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from reconciler.domain.moments import MINUTE, SECOND
from reconciler.domain.words import GapState, Phase
from reconciler.web.sight import AccountFacts, Facts
from reconciler.web.words import clock, many, signed, span

STALE = 5 * MINUTE
"""A proof of a live account is older than that only if sweeps fail, or are configured so."""

DOUBT = 30 * SECOND
"""So long a balance may go unverified before the line tells."""


class Mood(StrEnum):
    """How the line is to be taken."""

    PROVEN = "proven"
    SETTLING = "settling"
    """Not yet, and nobody has to do anything."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """The line, and what else is worth knowing."""

    mood: Mood
    line: str
    heard: str
    """The same for who listens to the page: without what changes every minute."""
    proven_until: int | None
    remarks: tuple[str, ...]


def promise(facts: Facts) -> Promise:
    """What can be promised now."""
    until = _proven_until(facts)
    proven = "nothing is proven yet" if until is None else f"proven until {clock(until, facts.now)}"
    records = proven if until is None else f"all records are {proven}"
    wrong, settling = [*_wrong(facts)], [*_settling(facts)]
    if wrong:
        mood, line = Mood.WRONG, f"{wrong[0]}; {records}"
        heard = wrong[0]
    elif settling or until is None:
        mood = Mood.SETTLING
        heard = settling[0] if settling else "The first reading of every history is under way"
        line = f"{heard}; {records}"
    else:
        mood = Mood.PROVEN
        line = f"Everything {proven} · 0 drifts"
        heard = "Everything is proven, 0 drifts"
    return Promise(
        mood=mood,
        line=line,
        heard=heard,
        proven_until=until,
        remarks=(*wrong[1:], *(settling if wrong else settling[1:]), *_remarks(facts)),
    )


def _proven_until(facts: Facts) -> int | None:
    """Of all accounts the earliest; None while one has no proof at all."""
    moments = [account.proven_until for account in facts.accounts]
    known = [moment for moment in moments if moment is not None]
    return min(known) if known and len(known) == len(moments) else None


def _wrong(facts: Facts) -> Iterator[str]:
    if facts.stuck:
        yield f"Stuck: {', '.join(facts.stuck)}; the daemon must be started anew"
    if facts.writer.away_since is not None:
        since = clock(facts.writer.away_since, facts.now)
        yield f"The database takes nothing since {since}; what arrives waits, nothing is dropped"
    elif not facts.is_seen:
        yield f"The record can't be read: {facts.look.trouble}"
    yield from _drifts(facts)
    for account in facts.accounts:
        if (reason := _down(account)) is not None:
            yield f"{account.name} is not connected{reason}"
        elif account.is_live and (until := account.proven_until) is not None:
            age = facts.now - until
            if age > STALE:
                yield f"The proof of {account.name} is {span(age)} old"


def _drifts(facts: Facts) -> Iterator[str]:
    found = [
        (account.name, drift)
        for account in facts.accounts
        if account.record is not None
        for drift in account.record.drifts
    ]
    if len(found) == 1:
        name, drift = found[0]
        where = f"{drift.wallet} of {name}"
        # An amount and its asset stay on one line.
        amount = f"{signed(drift.difference)}\N{NO-BREAK SPACE}{drift.asset}"
        yield f"1 drift is open: {where} is off by {amount}"
    elif found:
        total = sum(
            account.record.status.open_drifts for account in facts.accounts if account.record
        )
        yield f"{total} drifts are open"


def _down(account: AccountFacts) -> str | None:
    feed = account.feed
    match feed.phase:
        case Phase.REFUSED:
            return f": {feed.last_reason}; see: reconciler check"
        case Phase.DOWN:
            return f": {feed.last_reason}" if feed.last_reason else ""
    return None


def _settling(facts: Facts) -> Iterator[str]:
    for account in facts.accounts:
        feed = account.feed
        match feed.phase:
            case Phase.WAITING:
                holder = account.record.status.holder if account.record else None
                who = "" if holder is None else f", last by {holder.name}"
                yield f"{account.name} is held by another process{who}"
            case Phase.CONNECTING | Phase.AUTHORIZED:
                yield f"{account.name} is connecting"
            case Phase.SUBSCRIBED:
                how = "" if feed.progress is None else f" ({reading(account)})"
                yield f"{account.name} is listening and reads what it missed{how}"
            case _:
                pass
    yield from _checking(facts)


def _checking(facts: Facts) -> Iterator[str]:
    """Balances that have been in doubt for a while: trading puts each in doubt for moments."""
    doubtful = [
        line
        for account in facts.accounts
        if account.record is not None
        for line in account.record.balances
        if line.state == "pending"
        and (line.verified_at is None or facts.now - line.verified_at > DOUBT)
    ]
    if doubtful:
        yield f"{many(len(doubtful), 'balance is', 'balances are')} being checked"


def reading(account: AccountFacts) -> str:
    """How far a long reading of history is."""
    progress = account.feed.progress
    if progress is None:
        return ""
    whole = max(1, progress.until - progress.since)
    share = min(100, max(0, (progress.at - progress.since) * 100 // whole))
    left = "" if progress.left is None else f", about {span(max(progress.left, SECOND))} left"
    return f"{progress.stream} {share} %{left}"


def _remarks(facts: Facts) -> Iterator[str]:
    for hook, number in facts.alerts.given_up.items():
        yield f"{many(number, 'alert', 'alerts')} could not be delivered to {hook}; see v_alerts"
    for account in facts.accounts:
        record = account.record
        if record is None:
            continue
        status = record.status
        if refused := status.refused_streams:
            yield f"The key of {account.name} may not read: {', '.join(refused)}"
        beyond = [
            gap
            for gap in record.gaps
            if gap.state is GapState.UNREACHABLE and gap.stream not in refused
        ]
        if beyond:
            lost = many(len(beyond), "stretch of time", "stretches of time")
            yield f"Of {account.name} the exchange does not tell {lost} any more"
        if status.quarantined:
            what = many(status.quarantined, "thing", "things")
            yield f"{what} that {account.name} was told could not be understood; see v_quarantine"
        if account.feed.bugs:
            ended = many(account.feed.bugs, "session", "sessions")
            yield f"{ended} of {account.name} ended by a bug; the log says which"
