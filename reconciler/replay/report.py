"""What a replay found: counted without limit, shown up to one."""

from collections import Counter
from dataclasses import dataclass, field

from reconciler.replay.chain import Damage
from reconciler.replay.compare import Difference, Kind
from reconciler.store.frames import Kept

SHOWN_MAX = 50
"""Of each account, of damages and of differences."""


@dataclass(slots=True, kw_only=True)
class Comparison:
    """Where the record is not what the frames make it."""

    counts: Counter[tuple[str, Kind]] = field(default_factory=Counter)
    """By table."""
    shown: list[Difference] = field(default_factory=list)
    mended: int = 0

    def note(self, difference: Difference) -> None:
        """Count one."""
        self.counts[difference.derived.table.name, difference.kind] += 1
        if len(self.shown) < SHOWN_MAX:
            self.shown.append(difference)

    @property
    def left(self) -> int:
        """Differences that are still there."""
        return self.counts.total() - self.mended


@dataclass(slots=True, kw_only=True)
class Report:
    """One account: its journal, and its record compared with that."""

    account: str
    first: int = 0
    """The number of the oldest row that is kept and sound; 0 if there is none."""
    rows: int = 0
    frames: int = 0
    kept_from: int | None = None
    kept_until: int | None = None
    """When the oldest and the newest row kept were recorded."""
    damaged: int = 0
    damage: list[Damage] = field(default_factory=list)
    sound_after: int = 0
    """The number of the last row that is damaged: the record is compared with those behind it."""
    comparison: Comparison = field(default_factory=Comparison)

    def count(self, row: Kept) -> None:
        """One row of the journal that is as it was written."""
        self.first = self.first or row.seq
        self.rows += 1
        self.frames += row.frames
        self.kept_from = row.recorded_at if self.kept_from is None else self.kept_from
        self.kept_until = row.recorded_at

    def damaged_by(self, damage: Damage) -> None:
        """One that is not."""
        self.damaged += 1
        self.sound_after = damage.last
        if len(self.damage) < SHOWN_MAX:
            self.damage.append(damage)

    @property
    def is_whole(self) -> bool:
        """Whether every frame since the account's first is kept, as it was written."""
        return self.first == 1 and not self.damaged

    @property
    def is_good(self) -> bool:
        return not self.damaged and not self.comparison.left


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that was replayed."""

    accounts: tuple[Report, ...]
    markets: Comparison

    @property
    def is_good(self) -> bool:
        """Whether the record is what the frames make it, by now."""
        return not self.markets.left and all(report.is_good for report in self.accounts)
