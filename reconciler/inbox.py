"""What feeds hand to the writer: one bounded channel of batches.

The channel is the back pressure.  A slow disk fills it, a full one makes the socket wait, and
memory stays flat: at most `BATCHES_WAITING_MAX` batches, each of one socket read or one page.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import trio

from reconciler.domain.facts import Fact, Frame
from reconciler.domain.words import Source

BATCHES_WAITING_MAX = 16
BATCH_FACTS_MAX = 500
"""16 · 500 facts of about 1 KiB are 8 MiB at the very most, and more than one commit's worth: the
writer is never short of work, and what is read but not durable stays bounded.  So are the frames
that come with them: a socket gives a megabyte at once, and one frame more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time for which a stream of facts is proven complete once the batch is committed."""

    stream: str
    since: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What one committed batch changed."""

    deals: int = 0
    """Deals that were not known before."""
    orders: int = 0
    """Orders of which something new was learned."""
    orders_found: int = 0
    """Of these, those that were not known, or not known to have ended."""
    balances: int = 0
    """Balances whose amounts changed."""
    transactions: int = 0
    """Deposits and withdrawals of which something new was learned."""
    movements: int = 0
    """The same of other movements of money."""
    unreadable: int = 0
    doubts: int = 0
    """Assets in wallets of the account whose balance, as reported, nothing explains yet."""
    events: int = 0
    """What its transaction told, for people to hear of."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hold:
    """The right to write an account's record, until somebody else gets it."""

    token: int
    """Higher than that of every holder before."""
    lost: Callable[[], None]
    """Called in the event loop by who notices that it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Facts of one account that arrived together, and what their commit proves.

    `ack` is called in the event loop after the commit, never before.
    """

    account: str
    source: Source
    facts: tuple[Fact, ...] = ()
    frames: tuple[Frame, ...] = ()
    """What the facts were read from, in the same order; notices have none."""
    spans: tuple[Span, ...] = ()
    hold: Hold | None = None
    """Under which it is handed over; refused if it is not the newest any more.  None where nobody
    else can write."""
    ack: Callable[[Applied], None] | None = None


Inbox = trio.MemorySendChannel[Batch]
Outlet = trio.MemoryReceiveChannel[Batch]


def open_inbox() -> tuple[Inbox, Outlet]:
    """The channel's two ends: every feed clones the first, the writer owns the second."""
    return trio.open_memory_channel[Batch](BATCHES_WAITING_MAX)


async def committed(inbox: Inbox, batch: Batch) -> Applied:
    """Hand over `batch` and wait until it is in the database."""
    done = trio.Event()
    result: list[Applied] = []

    def ack(applied: Applied) -> None:
        result.append(applied)
        done.set()

    assert batch.ack is None
    await inbox.send(replace(batch, ack=ack))
    await done.wait()
    return result[0]
