"""Streams that the exchange refuses to this key: asked once, remembered, asked again a day later.

Most keys may not read lending or mining, and asking on every sweep can restrict a key (PROTOCOL
§ 9, trap 103).  What is known is committed, so a restart does not ask either.  Deals, orders and
the token are never guarded: without them there is no record, and a refusal is a failure.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from reconciler.domain.facts import StreamNotice
from reconciler.domain.moments import DAY
from reconciler.domain.words import Source
from reconciler.feed.rest import CallRefused
from reconciler.wire.rest import Refused

if TYPE_CHECKING:  # a listener holds its circuits
    from reconciler.feed.listener import Listener

T = TypeVar("T")

ASKED_AGAIN_AFTER = DAY


class Circuits:
    """What this key may not read.  One for each account, for as long as its feed runs.

    Where it is not said what is `known`, the record is asked, in time for the first call.
    """

    def __init__(self, known: Sequence[StreamNotice] | None = None) -> None:
        self._is_known = known is not None
        self._refused = {notice.stream: notice for notice in known or ()}

    def is_open(self, stream: str, now: int) -> bool:
        """Whether the stream is refused to this key, and was asked for within the last day.

        Open as a circuit is: nothing passes.  A refusal from the future (our clock was set back
        since) is no reason to wait.
        """
        notice = self._refused.get(stream)
        if notice is None or notice.refused_at is None:
            return False
        return 0 <= now - notice.refused_at < ASKED_AGAIN_AFTER

    def doubt(self) -> None:
        """Another key may read other streams: each is asked for again when it is its turn."""
        self._refused = {
            stream: replace(notice, refused_at=0) for stream, notice in self._refused.items()
        }

    async def guarded(
        self, on: "Listener", stream: str, read: Callable[[], Awaitable[T]]
    ) -> T | None:
        """What `read` gives, or None where the stream is refused to this key.

        Every other failure is raised as it is.
        """
        if not self._is_known:
            for notice in await on.past.refused_streams(on.account):
                self._refused.setdefault(notice.stream, notice)
            self._is_known = True
        if self.is_open(stream, on.world.clock.now()):
            return None
        try:
            value = await read()
        except CallRefused as refused:
            if not _is_for_this_key(refused):
                raise
            await self._remember(on, stream, str(refused))
            return None
        if stream in self._refused:
            await self._forget(on, stream)
        return value

    async def _remember(self, on: "Listener", stream: str, why: str) -> None:
        news = stream not in self._refused
        notice = StreamNotice(stream=stream, refused_at=on.world.clock.now(), reason=why)
        self._refused[stream] = notice
        await on.commit(Source.QUERY, (notice,))
        if news:
            on.log.info("stream.refused", stream=stream, why=why)

    async def _forget(self, on: "Listener", stream: str) -> None:
        del self._refused[stream]
        await on.commit(Source.QUERY, (StreamNotice(stream=stream, refused_at=None),))
        on.log.info("stream.allowed", stream=stream)


def _is_for_this_key(refused: CallRefused) -> bool:
    """403 and 451, and 404; of another status, "not found" speaks of what was asked for, such as an
    asset that is listed no more."""
    return refused.kind is Refused.PERMISSION or (
        refused.kind is Refused.NOT_FOUND and refused.status == 404
    )
