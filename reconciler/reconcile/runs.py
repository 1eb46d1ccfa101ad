"""The parts of a wallet's way for which there may be a reason: from where it stood to a later mark.

A wallet that moved several times before anybody could say why has left a chain of marks.  Each run
of it, from one mark to a later one, may have its own reason.  What the reasons are is not said here
(`transfers`).
"""

from collections.abc import Iterable
from enum import Enum, auto
from itertools import combinations

from msgspec import Struct

from reconciler.domain.words import Wallet
from reconciler.reconcile.judge import Proof
from reconciler.reconcile.offsets import Offsets

ALWAYS = 1 << 62


class From(Enum):
    """What a wallet moved away from."""

    STEP = auto()
    """Its level, or a mark after that."""
    DRIFT = auto()
    """Where all was explained, before the drift that is open."""
    NOTHING_SEEN = auto()
    """It stayed, as far as what is shown can tell."""


class Run(Struct, frozen=True, kw_only=True):
    """One part of the way that a wallet went."""

    wallet: Wallet
    origin: From
    begin: Offsets
    end: Offsets
    after: int
    """When it may have happened at the earliest, and"""
    since: int
    """by when it had; our clock."""
    jumps: int
    """From mark to mark."""


def runs_of(wallet: Wallet, proof: Proof, *, likely: bool) -> list[Run]:
    """All of a wallet that is in doubt or has drifted, the shortest first; `likely`: if each report
    speaks of all that had happened."""
    assert proof.base is not None
    assert proof.level is not None
    runs: list[Run] = []
    if proof.has_drifted and proof.left is not None:
        after, since = proof.left
        runs.append(
            Run(
                wallet=wallet,
                origin=From.DRIFT,
                begin=proof.base,
                end=proof.level,
                after=after,
                since=since,
                jumps=1,
            )
        )
    marks = () if proof.step is None else proof.step.marks
    stood = [proof.level, *((mark.likely if likely else mark.level) for mark in marks)]
    for first, last in combinations(range(len(stood)), 2):
        runs.append(
            Run(
                wallet=wallet,
                origin=From.STEP,
                begin=stood[first],
                end=stood[last],
                after=marks[first].after,
                since=marks[last - 1].since,
                jumps=last - first,
            )
        )
    if proof.has_drifted:
        # The drift may be over, and no report have come between its end and what happened next.
        runs += [
            Run(
                wallet=wallet,
                origin=From.STEP,
                begin=proof.base,
                end=stood[last],
                after=marks[0].after,
                since=marks[last - 1].since,
                jumps=last + 1,
            )
            for last in range(1, len(stood))
        ]
    return sorted(runs, key=lambda run: run.jumps)


def unseen_run(wallet: Wallet, proof: Proof) -> Run:
    """Of a wallet that is not in doubt."""
    assert proof.level is not None
    return Run(
        wallet=wallet,
        origin=From.NOTHING_SEEN,
        begin=proof.room,
        end=proof.level,
        after=-ALWAYS,
        since=ALWAYS,
        jumps=0,
    )


def when(runs: Iterable[Run]) -> tuple[int, int]:
    """When at the earliest, and by when, what is behind all of them happened."""
    spans = [(run.after, run.since) for run in runs]
    return max(after for after, _ in spans), min(since for _, since in spans)
