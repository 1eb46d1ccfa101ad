"""A record that somebody has written in."""

from reconciler.domain.facts import SessionNotice
from reconciler.store.engine import Database
from tests.store.samples import apply, batch


def begin(database: Database, *, at: int) -> None:
    """The first session, at a moment."""
    apply(database, batch(SessionNotice(session_id=1, connected_at=at)))
