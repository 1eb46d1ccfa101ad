"""What may be behind a drift: candidates with the evidence for each, those that fit first.

Evidence is what was told near in time, and what is known to be missing; `store.evidence` gathers
it.  A candidate is only that: nothing is booked for it, a person decides.  An amount fits exactly
if it lies within what the drift can be by the reports, which is as sharp as the display allows.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import combinations

from msgspec import Struct

from reconciler.domain.moments import iso
from reconciler.domain.money import EXACT, ZERO, canonical, minus, plus
from reconciler.domain.words import GapState, Wallet
from reconciler.reconcile.offsets import Offsets, shifted

CANDIDATES_MAX = 20
OF_A_KIND_MAX = 5
"""Deals of one size come in dozens; more of the same tell nothing more."""

PAIRED_MAX = 48
"""Of more late records than that only each one, and all together, are tried."""


class CandidateKind(StrEnum):
    """What kind of reason it is; in this order they are looked for."""

    WAITING_DEAL = "waiting_deal"
    """A deal that can't be posted yet, or was posted on an assumption."""
    RECORD = "record"
    """A record that is counted in another way than the exchange counted it."""
    UNSETTLED = "unsettled"
    TRANSIT = "transit"
    SIBLING = "sibling"
    """Another wallet of the account lost or gained the same asset."""
    FEE = "fee"
    ORDER_TOTAL = "order_total"
    """An order says that more was filled than its deals."""
    RESTATED = "restated"
    UNREADABLE = "unreadable"
    ORDER_TYPE = "order_type"
    GAP = "gap"
    REFUSED = "refused"
    FROZEN = "frozen"
    LATE_RECORD = "late_record"
    """What was found to be the reason, once its record came."""


class Fits(StrEnum):
    """Whether the amount is the drift's."""

    EXACTLY = "exactly"
    PARTLY = "partly"
    """The same sign, and less."""
    NOT = "not"
    """Another amount, or none: a reason without a figure."""


class Candidate(Struct, frozen=True, kw_only=True):
    """One possible reason."""

    kind: CandidateKind
    reference: str
    amount: Decimal | None
    """By what it would have changed the reported balance beyond the ledger."""
    fits: Fits
    said: str
    """For people."""


class Told(Struct, frozen=True, kw_only=True):
    """A record of the exchange that speaks of the asset."""

    kind: str
    reference: str
    at: int
    amount: Decimal
    """What it says that the asset changed by, net of its fee."""
    posted: Decimal
    """What of that the ledger has in the wallet of the drift."""
    fee: Decimal = ZERO
    doubt: CandidateKind | None = None
    """Why it is worth telling even if its amount does not fit."""
    why: str = ""
    is_late: bool = False
    """Learned by reading history, not when it happened."""


class Sibling(Struct, frozen=True, kw_only=True):
    """Another wallet that left its ledger."""

    wallet: Wallet
    moved: Offsets


class Hint(Struct, frozen=True, kw_only=True):
    """Something that is wrong or missing about that time, with no amount or with a guess of it."""

    kind: CandidateKind
    reference: str
    said: str
    amount: Decimal | None = None


class Hole(Struct, frozen=True, kw_only=True):
    """A time that is not in the record of a stream."""

    stream: str
    since: int
    until: int
    state: GapState
    reason: str


class Evidence(Struct, frozen=True, kw_only=True):
    """All that may speak for a reason."""

    told: tuple[Told, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    hints: tuple[Hint, ...] = ()
    holes: tuple[Hole, ...] = ()
    refused: tuple[str, ...] = ()


def fit(moved: Offsets, amount: Decimal) -> Fits:
    """How an amount fits a drift that is somewhere in `moved`."""
    if any(lo < amount < hi for lo, hi in moved):
        return Fits.EXACTLY
    same_sign = any(lo < 0 if amount < 0 else hi > 0 for lo, hi in moved)
    most = max((max(abs(lo), abs(hi)) for lo, hi in moved), default=ZERO)
    return Fits.PARTLY if amount and same_sign and abs(amount) < most else Fits.NOT


def candidates(moved: Offsets, evidence: Evidence) -> tuple[Candidate, ...]:
    """The reasons that may be behind a drift of `moved`, those that fit exactly first, then by how
    cheap they are to check."""
    found = [
        *_of_records(moved, evidence.told),
        *_of_fees(moved, evidence.told),
        *_of_siblings(moved, evidence.siblings),
        *(_of_hint(moved, hint) for hint in evidence.hints),
        *map(_of_hole, evidence.holes),
        *map(_of_refusal, evidence.refused),
    ]
    kinds, fits = list(CandidateKind), list(Fits)
    found.sort(key=lambda each: (fits.index(each.fits), kinds.index(each.kind)))
    kept: list[Candidate] = []
    for each in found:
        if sum(1 for one in kept if one.kind is each.kind) < OF_A_KIND_MAX:
            kept.append(each)
    return tuple(kept[:CANDIDATES_MAX])


def resolution(moved: Offsets, told: Sequence[Told]) -> tuple[Candidate, ...]:
    """What explains a drift of `moved` that is over: records that were learned late, one of them,
    all together, or two.  Empty if it went as it came."""
    late = [each for each in told if each.is_late and each.posted]
    sets: list[Sequence[Told]] = [*([each] for each in late), late]
    if len(late) <= PAIRED_MAX:
        sets += list(combinations(late, 2))
    for group in sets:
        if group and fit(moved, _sum(each.posted for each in group)) is Fits.EXACTLY:
            return tuple(
                Candidate(
                    kind=CandidateKind.LATE_RECORD,
                    reference=each.reference,
                    amount=each.posted,
                    fits=Fits.EXACTLY if len(group) == 1 else Fits.PARTLY,
                    said=f"{_named(each)} was learned late",
                )
                for each in group
            )
    return ()


def _of_records(moved: Offsets, told: Sequence[Told]) -> Iterator[Candidate]:
    for each in told:
        for amount, what in _readings(each):
            if fit(moved, amount) is Fits.EXACTLY:
                yield _of_record(each, amount, Fits.EXACTLY, what)
                break
        else:
            if each.doubt is not None:
                rest = minus(each.amount, each.posted)
                if not rest:  # It is counted; what is in doubt is whether it should be.
                    rest = minus(ZERO, each.posted)
                yield _of_record(each, rest, fit(moved, rest), "")
    waiting = [each for each in told if each.doubt is CandidateKind.WAITING_DEAL]
    total = minus(_sum(each.amount for each in waiting), _sum(each.posted for each in waiting))
    if len(waiting) > 1 and fit(moved, total) is Fits.EXACTLY:
        yield Candidate(
            kind=CandidateKind.WAITING_DEAL,
            reference="",
            amount=total,
            fits=Fits.EXACTLY,
            said=f"{len(waiting)} deals that wait to be posted make {_signed(total)} together",
        )


def _of_record(told: Told, amount: Decimal, fits: Fits, what: str) -> Candidate:
    parts = [part for part in (told.why, what) if part]
    return Candidate(
        kind=told.doubt or CandidateKind.RECORD,
        reference=told.reference,
        amount=amount,
        fits=fits,
        said=f"{_named(told)} {' and '.join(parts)}",
    )


def _readings(told: Told) -> Iterator[tuple[Decimal, str]]:
    """By what a balance would differ if the record meant something else than what is posted."""
    rest = minus(told.amount, told.posted)
    if rest:
        yield rest, "is not counted in this wallet"
        if told.fee:
            yield plus(rest, told.fee), "is not counted in this wallet, nor its fee"
            yield minus(rest, told.fee), "is not counted in this wallet, with its fee on top"
    if told.posted:
        yield minus(ZERO, told.posted), "is counted, but the balance does not show it"
        yield told.posted, "is counted once, but the balance shows it twice"
        yield minus(ZERO, plus(told.posted, told.posted)), "went the other way"


def _of_fees(moved: Offsets, told: Sequence[Told]) -> Iterator[Candidate]:
    with_fee = [each for each in told if each.fee and each.posted]
    for each in with_fee:
        for amount, what in _fee_readings(each.fee):
            if fit(moved, amount) is Fits.EXACTLY:
                yield Candidate(
                    kind=CandidateKind.FEE,
                    reference=each.reference,
                    amount=amount,
                    fits=Fits.EXACTLY,
                    said=f"the fee of {_named(each)} {what}",
                )
    if len(with_fee) > 1:
        for amount, what in _fee_readings(_sum(each.fee for each in with_fee)):
            if fit(moved, amount) is Fits.EXACTLY:
                yield Candidate(
                    kind=CandidateKind.FEE,
                    reference="",
                    amount=amount,
                    fits=Fits.EXACTLY,
                    said=f"all {len(with_fee)} fees of that time {what}",
                )


def _fee_readings(fee: Decimal) -> Iterator[tuple[Decimal, str]]:
    yield fee, f"({canonical(fee)}) was not taken in this asset"
    yield minus(ZERO, fee), f"({canonical(fee)}) was taken once more"
    yield plus(fee, fee), f"({canonical(fee)}) went the other way"


def _of_siblings(moved: Offsets, siblings: Sequence[Sibling]) -> Iterator[Candidate]:
    for sibling in siblings:
        opposite = tuple((minus(ZERO, hi), minus(ZERO, lo)) for lo, hi in sibling.moved)
        middle = _middle(sibling.moved)
        exactly = any(
            lo < other_hi and other_lo < hi for lo, hi in moved for other_lo, other_hi in opposite
        )
        fits = Fits.EXACTLY if exactly else fit(moved, minus(ZERO, middle))
        said = f"the {sibling.wallet} wallet is off by {_signed(middle)} at that time: "
        said += "a transfer" if exactly else "a part may be a transfer"
        yield Candidate(
            kind=CandidateKind.SIBLING,
            reference=str(sibling.wallet),
            amount=minus(ZERO, middle),
            fits=fits,
            said=said if fits is not Fits.NOT else said.partition(":")[0],
        )
    if len(siblings) > 1:
        total = _sum(_middle(each.moved) for each in siblings)
        if any(lo <= 0 <= hi for lo, hi in shifted(moved, total)):
            yield Candidate(
                kind=CandidateKind.SIBLING,
                reference=" ".join(str(each.wallet) for each in siblings),
                amount=minus(ZERO, total),
                fits=Fits.EXACTLY,
                said=f"the other wallets together are off by {_signed(total)}: transfers",
            )


def _of_hint(moved: Offsets, hint: Hint) -> Candidate:
    return Candidate(
        kind=hint.kind,
        reference=hint.reference,
        amount=hint.amount,
        fits=Fits.NOT if hint.amount is None else fit(moved, hint.amount),
        said=hint.said,
    )


def _of_hole(hole: Hole) -> Candidate:
    still = "is yet to be read" if hole.state is GapState.OPEN else "can't be read"
    return Candidate(
        kind=CandidateKind.GAP,
        reference=hole.stream,
        amount=None,
        fits=Fits.NOT,
        said=f"{hole.stream} from {iso(hole.since)} to {iso(hole.until)} {still} ({hole.reason})",
    )


def _of_refusal(stream: str) -> Candidate:
    return Candidate(
        kind=CandidateKind.REFUSED,
        reference=stream,
        amount=None,
        fits=Fits.NOT,
        said=f"this key may not read {stream}; what happened there is unknown",
    )


def _named(told: Told) -> str:
    return f"{told.kind} {told.reference} of {iso(told.at)} ({_signed(told.amount)})"


def _signed(amount: Decimal) -> str:
    return f"+{canonical(amount)}" if amount > 0 else canonical(amount)


def _middle(moved: Offsets) -> Decimal:
    lo, hi = moved[0]
    return EXACT.divide(plus(lo, hi), Decimal(2))


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = plus(total, amount)
    return total
