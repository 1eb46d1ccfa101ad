"""Rounds: every case in each of them, in an order that turns, and ratios taken inside a round.

So whatever else the machine does falls on all cases alike.  What is shown is the median over the
rounds, with the smallest and the largest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

Figures = Mapping[str, float]
"""What one run of a case measured, by the name of the column with its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to do the work."""

    name: str
    run: Callable[[], Figures]
    against: str | None = None
    """The case whose first figure this one's is divided by, in the same round."""


@dataclass(slots=True)
class Outcome:
    """What all rounds of a few cases said."""

    title: str
    cases: Sequence[Case]
    rounds: list[dict[str, Figures]] = field(default_factory=list)

    def table(self) -> str:
        """As Markdown, which a terminal shows well enough."""
        columns = list(self.rounds[0][self.cases[0].name])
        rows = [["", *columns, f"× ({columns[0]})"], ["---"] + ["---:"] * (len(columns) + 1)]
        for case in self.cases:
            figures = [
                _spread([this[case.name][column] for this in self.rounds]) for column in columns
            ]
            rows.append([case.name, *figures, self._ratio(case, columns[0])])
        widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
        lines = (
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        )
        return "\n".join([f"### {self.title}", "", *(f"{line} |" for line in lines), ""])

    def _ratio(self, case: Case, column: str) -> str:
        if case.against is None:
            return "1"
        ratios = [this[case.name][column] / this[case.against][column] for this in self.rounds]
        return f"{_spread(ratios)} of {case.against}"


def measured(title: str, cases: Sequence[Case], rounds: int) -> Outcome:
    """Runs every case once a round, each round beginning with another."""
    outcome = Outcome(title, cases)
    for turn in range(rounds):
        first = turn % len(cases)
        order = [*cases[first:], *cases[:first]]
        outcome.rounds.append({case.name: case.run() for case in order})
    return outcome


def _spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return _short(values[0])
    return f"{_short(median(values))} ({_short(min(values))}–{_short(max(values))})"


def _short(value: float) -> str:
    if value >= 10_000:
        return f"{value / 1000:,.1f} k"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
