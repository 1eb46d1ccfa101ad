"""The proof of one asset in one wallet: what its reports, one after the other, say of the ledger.

A proof knows the *level*, the offsets that all reports so far allow.  A report that the level does
not allow is a *step*: a doubt, not yet an alarm, since a deal may be late or a transfer may show in
the other wallet first.  Doubtful reports are kept and weighed again whenever the ledger learns
something; one that comes back to the level ends the doubt.  What a step that stays is, others
decide (`transfers`, `drift`).
"""

from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal

from msgspec import Struct
from msgspec.structs import replace

from reconciler.domain.money import EXACT, ZERO, minus, plus
from reconciler.reconcile.offsets import (
    Interval,
    Offsets,
    differences,
    meet,
    shifted,
    union,
    width,
)
from reconciler.reconcile.prefix import Allowance, Seen

WAITING_MAX = 24
"""Doubtful reports kept: enough for where the wallet stood one after the other."""

MARKS_MAX = 6

ROUNDER = 3
"""An amount that ends so many decimals before what is shown does is no accident."""


class Mark(Struct, frozen=True, kw_only=True):
    """Where the wallet stood for a while after it had left its level, by our clock."""

    level: Offsets
    likely: Offsets
    """The same, if its last report speaks of all that had happened by then."""
    after: int
    """The last report of the time before: whatever brought it here happened since."""
    since: int
    """The first report that said so."""
    until: int
    """The last one."""


class Step(Struct, frozen=True, kw_only=True):
    """The wallet has left its level, and reports have said so since: at once, or mark by mark."""

    marks: tuple[Mark, ...]

    @property
    def level(self) -> Offsets:
        """Where it may be now."""
        return self.marks[-1].level

    @property
    def since(self) -> int:
        """The first report that said so."""
        return self.marks[0].since

    @property
    def confirmed_at(self) -> int:
        """The last one."""
        return self.marks[-1].until


class Proof(Struct, frozen=True, kw_only=True):
    """What is proven of one asset in one wallet."""

    base: Offsets | None = None
    """The offsets at which everything is explained; None until the opening is known."""
    level: Offsets | None = None
    """Where reports have settled: at the base, or beside it if there is a drift."""
    room: Offsets = ()
    """What the level was at the opening.  A movement too small to be seen shows as a level that
    moved within it."""
    opened_at: int | None = None
    """The report that fixed the opening; what happened before it is within the opening, and what is
    learned of that later changes the opening and not what came after."""
    verified_at: int | None = None
    """The last report that the base allowed."""
    seen_at: int | None = None
    """The last report that the level allowed."""
    left: tuple[int, int] | None = None
    """Of a drift: the last report before it, and the first of where it has settled."""
    step: Step | None = None
    waiting: tuple[Seen, ...] = ()
    """The reports since the step began, or, before the opening is known, the last ones."""

    @property
    def is_verified(self) -> bool:
        return self.base is not None and self.step is None and self.base == self.level

    @property
    def has_drifted(self) -> bool:
        return self.base is not None and self.base != self.level


def judge(proof: Proof, reports: Sequence[Seen], allowed: Callable[[Seen], Allowance]) -> Proof:
    """The proof after further reports, in the order of their receipt.

    `allowed` says which offsets a report allows by the ledger as it is now; what was in doubt
    before is asked again.
    """
    if proof.base is None:
        return replace(proof, waiting=_spread((*proof.waiting, *reports)))
    reports = (*proof.waiting, *reports)
    proof = replace(proof, step=None, waiting=())
    for seen in reports:
        proof = _weighed(proof, seen, allowed(seen))
    return proof


def _weighed(proof: Proof, seen: Seen, allowance: Allowance) -> Proof:
    offsets = allowance.possible
    assert proof.base is not None
    assert proof.level is not None
    back = meet(proof.level, offsets)
    if back and proof.has_drifted:
        return replace(proof, level=back, seen_at=seen.at, step=None, waiting=())
    home = back or meet(proof.base, offsets)
    if home:
        return _at_home(proof, home, seen.at)
    marks = _marked(proof, seen.at, allowance)
    return replace(
        proof,
        step=Step(marks=marks),
        waiting=_kept((*proof.waiting, seen), marks),
    )


def _at_home(proof: Proof, base: Offsets, at: int) -> Proof:
    return replace(
        proof,
        base=base,
        level=base,
        verified_at=at,
        seen_at=at,
        left=None,
        step=None,
        waiting=(),
    )


def _marked(proof: Proof, at: int, allowance: Allowance) -> tuple[Mark, ...]:
    """The marks with one more report: the last goes on, or there is another."""
    marks = () if proof.step is None else proof.step.marks
    level = meet(marks[-1].level, allowance.possible) if marks else ()
    if level:
        likely = meet(level, allowance.likely) or level
        return (*marks[:-1], replace(marks[-1], level=level, likely=likely, until=at))
    before = marks[-1].until if marks else at if proof.seen_at is None else proof.seen_at
    level = allowance.possible
    likely = meet(level, allowance.likely) or level
    marks = (*marks, Mark(level=level, likely=likely, after=before, since=at, until=at))
    if len(marks) > MARKS_MAX:
        marks = (replace(marks[1], after=marks[0].after), *marks[2:])
    return marks


def _kept(reports: tuple[Seen, ...], marks: Sequence[Mark]) -> tuple[Seen, ...]:
    """As many as may be kept: of each mark those that begin and end it, and the last ones."""
    if len(reports) <= WAITING_MAX:
        return reports
    turns = {mark.since for mark in marks} | {mark.until for mark in marks}
    last = reports[-WAITING_MAX // 2 :]
    return _spread((*(seen for seen in reports[: -len(last)] if seen.at in turns), *last))


def _spread(reports: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """As many as may be kept, from the first to the last, as evenly in time as they come: what is
    proven of them grows from the first on."""
    kept = list(reports)
    while len(kept) > WAITING_MAX:
        crowded = min(range(1, len(kept) - 1), key=lambda n: kept[n + 1].at - kept[n - 1].at)
        del kept[crowded]
    return tuple(kept)


def opening(
    proof: Proof,
    slack: Decimal,
    allowed: Callable[[Seen], Allowance],
    *,
    proven_until: int,
) -> tuple[Decimal, Proof] | None:
    """The amount to open the ledger with, and the proof from then on; None as long as it is unsure.

    A first report may race with a deal, so it allows several openings; each further one leaves
    fewer, and it is sure when those left lie no wider apart than what display hides (`slack`).
    Only reports of a time whose records are all known (before `proven_until`, our clock) are asked;
    the others wait and are judged by the opening.  Where they part before it is sure, the last of
    them is taken to speak of all that had happened by then.
    """
    assert proof.base is None
    level: Offsets = ()
    at = 0
    last: Seen | None = None
    for seen in proof.waiting:
        if seen.at >= proven_until:
            break
        offsets = allowed(seen).possible
        both = meet(level, offsets) if level else offsets
        if not both and last is not None:
            likely = level if _is_sure(level, slack) else meet(level, allowed(last).likely)
            if _is_sure(likely, slack):
                level = likely
                break  # What parted the two is a step like any other.
        level, last = both or offsets, seen
        at = seen.at
    if not _is_sure(level, slack):
        return None
    amount = simplest(level[0])
    base = shifted(level, minus(ZERO, amount))
    opened = Proof(
        base=base,
        level=base,
        room=base,
        opened_at=at,
        verified_at=at,
        seen_at=at,
        waiting=tuple(seen for seen in proof.waiting if seen.at > at),
    )
    return amount, opened


def _is_sure(level: Offsets, slack: Decimal) -> bool:
    return bool(level) and width(level) <= slack


def simplest(interval: Interval) -> Decimal:
    """The value in the interval with the fewest decimals: what an account most likely began with.
    Whichever is taken, the rest stays in the level and is not lost."""
    lo, hi = interval
    for decimals in range(_DECIMALS_MAX):
        value = lo.quantize(Decimal(1).scaleb(-decimals), context=_CEILED)
        if value < hi:
            return value
    return lo


def learned_late(proof: Proof, amount: Decimal) -> Proof:
    """After the ledger gained an entry of `amount` from a time before the last report.  If that is
    too little to be seen, the reports since were weighed without it and the level may lie beside
    where it should."""
    if proof.level is None or proof.has_drifted:
        return proof
    level = meet(union((*proof.level, *shifted(proof.level, minus(ZERO, amount)))), proof.room)
    return replace(proof, level=level, base=level) if level else proof


def absorbed(proof: Proof, amount: Decimal) -> Proof:
    """After the ledger gained an entry of `amount` that was too little to be seen."""
    assert proof.level is not None
    level = meet(shifted(proof.level, minus(ZERO, amount)), proof.room)
    assert level, "the amount is not hidden by what is shown"
    return replace(proof, level=level, base=proof.base if proof.has_drifted else level)


def blurred(proof: Proof, by: Sequence[Decimal]) -> Proof:
    """After the ledger gained an entry that may as well be more `by` any of these: what is shown
    from now on says which it was, and until then all of them are possible."""
    if proof.level is None or proof.has_drifted:
        return proof
    ways = (ZERO, *by)
    level, room = (
        union(interval for more in ways for interval in shifted(offsets, more))
        for offsets in (proof.level, proof.room)
    )
    return replace(proof, level=level, base=level, room=room)


def returned(proof: Proof, amount: Decimal) -> Proof:
    """After the ledger gained an entry of `amount` that explains the drift.  A step beside it is
    to be judged again."""
    assert proof.level is not None
    assert proof.base is not None
    base = meet(shifted(proof.level, minus(ZERO, amount)), proof.base)
    assert base, "the amount does not explain the drift"
    return replace(proof, base=base, level=base, verified_at=proof.seen_at, left=None, step=None)


def settled(proof: Proof, marks: int) -> Proof:
    """After so many marks were taken for a drift: reports are judged beside it from now on."""
    assert proof.step is not None
    gone, rest = proof.step.marks[:marks], proof.step.marks[marks:]
    return replace(
        proof,
        level=gone[-1].level,
        seen_at=gone[-1].until,
        left=(gone[0].after if proof.left is None else proof.left[0], gone[-1].since),
        step=Step(marks=rest) if rest else None,
        waiting=tuple(seen for seen in proof.waiting if seen.at > gone[-1].until),
    )


def adjusted(proof: Proof, amount: Decimal) -> Proof:
    """After an operator explained a drift by an entry of `amount`: the ledger has it now."""
    assert proof.level is not None
    back = minus(ZERO, amount)
    level = shifted(proof.level, back)
    step = proof.step and Step(
        marks=tuple(
            replace(mark, level=shifted(mark.level, back), likely=shifted(mark.likely, back))
            for mark in proof.step.marks
        )
    )
    return replace(proof, base=level, level=level, verified_at=proof.seen_at, left=None, step=step)


def drifted_by(proof: Proof, unit: Decimal) -> Decimal:
    """The drift as exact as the display allows; zero if there is none."""
    if not proof.has_drifted:
        return ZERO
    assert proof.base is not None
    assert proof.level is not None
    return nearest(differences(proof.level, proof.base), unit)


def nearest(offsets: Offsets, unit: Decimal) -> Decimal:
    """The most likely value in the lowest interval, of which both ends are open, as those of
    differences are: one that is round; else the multiple of `unit` (a power of ten) closest to the
    middle, if it lies in it; else the middle."""
    lo, hi = offsets[0]
    middle = EXACT.divide(plus(lo, hi), Decimal(2))
    rounder = middle.quantize(unit.scaleb(ROUNDER), context=_ROUNDED)
    if rounder and lo < rounder < hi:
        return rounder
    on_grid = middle.quantize(unit, context=_ROUNDED)
    return on_grid if lo < on_grid < hi else middle


_DECIMALS_MAX = 40
_CEILED = Context(prec=EXACT.prec, rounding=ROUND_CEILING)
_ROUNDED = Context(prec=EXACT.prec, rounding=ROUND_HALF_EVEN)
"""For a figure that is an estimate by nature."""
