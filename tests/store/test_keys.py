"""What a key has used up and may not use survives every restart."""

from reconciler.domain.facts import KeyNotice, StreamNotice
from reconciler.store.engine import Database
from reconciler.store.reads import Reads
from tests.store.samples import ACCOUNT, NOON, apply, batch


def used_up(database: Database) -> KeyNotice | None:
    return Reads(database).used_up(ACCOUNT)


def test_what_is_used_up_is_kept(database: Database) -> None:
    assert used_up(database) is None
    notice = KeyNotice(nonce=1_767_355_200_000, tokens=(NOON, NOON + 1))
    apply(database, batch(notice))
    assert used_up(database) == notice


def test_the_last_notice_counts(database: Database) -> None:
    """A nonce from the time of a wrong clock would otherwise stand in for all that follow."""
    apply(database, batch(KeyNotice(nonce=9, tokens=(NOON,))))
    apply(database, batch(KeyNotice(nonce=5), KeyNotice(nonce=6, tokens=(NOON, NOON + 1))))
    assert used_up(database) == KeyNotice(nonce=6, tokens=(NOON, NOON + 1))


def test_each_account_uses_up_its_own(database: Database) -> None:
    apply(database, batch(KeyNotice(nonce=9), account="other"))
    assert used_up(database) is None


def test_a_refused_stream_is_remembered_until_it_is_told_again(database: Database) -> None:
    reads = Reads(database)
    mining = StreamNotice(stream="mining", refused_at=NOON, reason="403")
    lending = StreamNotice(stream="lending", refused_at=NOON + 1, reason="404")
    apply(database, batch(mining, lending), batch(mining, account="other"))
    assert reads.refused_streams(ACCOUNT) == [lending, mining]
    later = StreamNotice(stream="mining", refused_at=NOON + 5, reason="451")
    apply(database, batch(later, StreamNotice(stream="lending", refused_at=None)))
    assert reads.refused_streams(ACCOUNT) == [later]
    assert reads.refused_streams("other") == [mining]
