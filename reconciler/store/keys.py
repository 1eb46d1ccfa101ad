"""What an account's key has used up and what it may not use: the notices that a feed commits before
it acts on them, so that no restart forgets them."""

import msgspec
from sqlalchemy import Connection, Dialect, delete

from reconciler.domain.facts import KeyNotice, StreamNotice
from reconciler.store import schema
from reconciler.store.columns import encoding_of, storable
from reconciler.store.statements import Values, Write


class Keys:
    """Writes and reads the notices about keys in one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self._encoding = encoding_of(dialect)
        keys, refused = schema.keys, schema.refused_streams
        self._put_key = Write(dialect, keys, overwritten=("nonce", "tokens"))
        self._put_refused = Write(dialect, refused, overwritten=("refused_at", "reason"))

    def use_up(self, connection: Connection, account_id: int, notice: KeyNotice) -> None:
        """Keeps what is used up: the last notice counts, whatever the one before it said.

        A nonce can be lower than one committed while our clock was wrong.  That one was never used,
        and if it stayed, no restart would be protected until the exchange's clock has come so far.
        """
        row = (account_id, notice.nonce, msgspec.json.encode(notice.tokens).decode())
        self._put_key(connection, [row])

    def refuse(self, connection: Connection, account_id: int, notice: StreamNotice) -> None:
        """Keeps that the exchange refuses a stream, or forgets it."""
        stream = storable(notice.stream)
        if notice.refused_at is None:
            refused = schema.refused_streams
            connection.execute(
                delete(refused).where(
                    refused.c.account_id == account_id, refused.c.stream == stream
                )
            )
            return
        refused_at = self._encoding.moment(notice.refused_at)
        row = (account_id, stream, refused_at, storable(notice.reason))
        self._put_refused(connection, [row])


def key_of(row: Values) -> KeyNotice:
    """What a row of `keys` says."""
    return KeyNotice(nonce=row[1], tokens=msgspec.json.decode(row[2], type=tuple[int, ...]))
