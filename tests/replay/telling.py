"""Facts with frames that tell them: what a frame says is the number of a list of facts."""

from collections.abc import Sequence

from reconciler.domain.facts import Fact, Frame
from reconciler.domain.words import Source
from reconciler.inbox import Batch
from reconciler.replay.report import Report
from reconciler.replay.run import replay
from reconciler.store.engine import Database
from reconciler.store.holders import Holder
from tests.store.samples import ACCOUNT, NOON, frame


class Told:
    """All that was told so far; a test may change what a frame says, as a better decoder does."""

    def __init__(self) -> None:
        self.facts: list[tuple[Fact, ...]] = []

    def decode(self, frame: Frame) -> tuple[Fact, ...]:
        return self.facts[int(frame.text)]

    def batch(self, *facts: Fact, source: Source = Source.STREAM, account: str = ACCOUNT) -> Batch:
        """Facts that arrive in a frame each."""
        first = len(self.facts)
        self.facts += [(fact,) for fact in facts]
        frames = [frame(str(first + n)) for n in range(len(facts))]
        return Batch(account=account, source=source, facts=facts, frames=tuple(frames))

    def verify(self, database: Database) -> Report:
        """What is found about the one account."""
        [report] = replay(database, self.decode).accounts
        return report

    def mend(self, database: Database) -> Report:
        """The same, after it was mended."""
        me = Holder(name="a test", since=NOON)
        [report] = replay(database, self.decode, mending=me).accounts
        return report


def said(report: Report) -> Sequence[str]:
    return [str(difference) for difference in report.comparison.shown]
