"""The journal: what arrived, as it came, in the transaction that stores what was read from it.

A row holds the frames of an account that one commit took from one source, compressed.  Each row
names the digest of the row before it and its own, over itself and that one, so that a row which is
changed, exchanged or taken out of the middle is found (`replay.chain`).  How long rows are kept is
`store.retention`'s.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from operator import attrgetter

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, Dialect, bindparam, func, select

from reconciler.domain.facts import Frame
from reconciler.inbox import Batch
from reconciler.store.columns import encoding_of
from reconciler.store.dictionary import DICTIONARIES, NEWEST
from reconciler.store.schema import frames as table
from reconciler.store.statements import Read, Values, Write

Content = tuple[tuple[Frame, ...], ...]
"""The frames of each batch.  Where one ends is kept too: of two facts that contradict each other
the first is believed, and which that is depends on what was applied together."""

GENESIS = bytes(32)
"""What the first row of an account has for the digest of the row before it."""

LEVEL = 2
"""Of zlib.  Level 6 takes three times as long to save a fifth of the space."""

RAW = -zlib.MAX_WBITS
"""Without zlib's own header and checksum, ten bytes of a hundred: the digest says more."""

_HEAD = struct.Struct(">5q")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[list[tuple[int, str, bytes]]])


class Unopenable(Exception):
    """The body of a row can't be read; says why."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the journal."""

    seq: int
    """1, 2, … for each account, without holes."""
    recorded_at: int
    source: str
    frames: int
    plain_bytes: int
    """Of the content before it was compressed."""
    previous: bytes
    digest: bytes
    body: bytes


def sealed(content: Content, source: str, recorded_at: int, *, seq: int, previous: bytes) -> Kept:
    """The row that holds `content`."""
    plain = _ENCODER.encode(
        [[(frame.received_at, frame.asked, frame.text) for frame in batch] for batch in content]
    )
    row = Kept(
        seq=seq,
        recorded_at=recorded_at,
        source=source,
        frames=sum(map(len, content)),
        plain_bytes=len(plain),
        previous=previous,
        digest=b"",
        body=_compressed(plain),
    )
    return replace(row, digest=digest_of(row))


def digest_of(row: Kept) -> bytes:
    """SHA-256 over all that a row says: what it follows, its own fields, its body as it is stored.

    Not over the content: many bodies compress the same one, and no byte may change unnoticed.
    """
    source = row.source.encode()
    head = _HEAD.pack(row.seq, row.recorded_at, row.frames, row.plain_bytes, len(source))
    return sha256(b"".join((row.previous, head, source, row.body))).digest()


def opened(row: Kept) -> Content:
    """The frames in a row.  Raises Unopenable."""
    version = row.body[0] if row.body else 0
    if version not in DICTIONARIES:
        raise Unopenable(f"its format {version} is unknown to this version; install a newer one")
    try:
        unpacking = zlib.decompressobj(RAW, DICTIONARIES[version])
        batches = _DECODER.decode(unpacking.decompress(row.body[1:], row.plain_bytes + 1))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise Unopenable(f"its body can't be read ({error})") from error
    return tuple(
        tuple(Frame(received_at=at, asked=asked, text=text) for at, asked, text in batch)
        for batch in batches
    )


def _compressed(plain: bytes) -> bytes:
    packing = zlib.compressobj(LEVEL, zlib.DEFLATED, RAW, zdict=DICTIONARIES[NEWEST])
    return b"".join((bytes((NEWEST,)), packing.compress(plain), packing.flush()))


class Journal:
    """The rows in one kind of database.  Remembers nothing between calls."""

    def __init__(self, dialect: Dialect) -> None:
        self._encoding = encoding_of(dialect)
        of_account = table.c.account_id == bindparam("account")
        newest = select(func.max(table.c.seq)).where(of_account).scalar_subquery()
        end = select(table.c.seq, table.c.digest).where(of_account, table.c.seq == newest)
        self._end = Read(dialect, end)
        later = select(table).where(of_account, table.c.seq > bindparam("after"))
        self._later = Read(dialect, later.order_by(table.c.seq))
        self._add = Write(dialect, table)

    def append(
        self, connection: Connection, account_id: int, batches: Sequence[Batch], *, now: int
    ) -> None:
        """Adds what batches of one account, in this order, were read from."""
        telling = [batch for batch in batches if batch.frames]
        if not telling:
            return
        seq, previous = next(self._end(connection, account=account_id), (0, GENESIS))
        rows: list[Values] = []
        for source, group in groupby(telling, key=attrgetter("source")):
            content = tuple(batch.frames for batch in group)
            row = sealed(content, str(source), now, seq=seq + 1, previous=previous)
            rows.append(self._values(account_id, row))
            seq, previous = row.seq, row.digest
        assert self._add(connection, rows) == len(rows), "two at once wrote one account's journal"

    def rows(self, connection: Connection, account_id: int, *, after: int = 0) -> Iterator[Kept]:
        """The rows of an account behind that number, one after the other."""
        found = self._later.streamed(connection, account=account_id, after=after)
        return map(self.kept, found)

    def _values(self, account_id: int, row: Kept) -> Values:
        return (
            account_id,
            row.seq,
            self._encoding.moment(row.recorded_at),
            row.source,
            row.frames,
            row.plain_bytes,
            row.previous,
            row.digest,
            row.body,
        )

    def kept(self, values: Values) -> Kept:
        """What a row of the table says."""
        _, seq, recorded_at, source, frames, plain_bytes, previous, digest, body = values
        return Kept(
            seq=seq,
            recorded_at=self._encoding.moment_of(recorded_at),
            source=source,
            frames=frames,
            plain_bytes=plain_bytes,
            previous=previous,
            digest=digest,
            body=body,
        )
