"""What an account's key has used up and what it may not use: the notices that a feed commits before
it acts on them, so that no restart forgets them."""

import msgspec
from sqlalchemy import Connection, Dialect, bindparam, delete, select

from reconciler.domain.facts import KeyNotice, StreamNotice
from reconciler.store import schema
from reconciler.store.columns import encoding_of, storable
from reconciler.store.statements import Read, Values, Write


class Keys:
    """Writes and reads the notices about keys in one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self._encoding = encoding_of(dialect)
        keys, refused = schema.keys, schema.refused_streams
        self._put_key = Write(dialect, keys, overwritten=("nonce", "tokens"))
        self._known = Read(dialect, select(keys).where(keys.c.account_id == bindparam("account")))
        self._put_refused = Write(dialect, refused, overwritten=("refused_at", "reason"))

    def use_up(self, connection: Connection, account_id: int, notice: KeyNotice) -> None:
        """Keeps what is used up.  The nonce never goes back; no tokens say nothing of tokens."""
        nonce, tokens = notice.nonce, notice.tokens
        for row in self._known(connection, account=account_id):
            known = key_of(row)
            nonce, tokens = max(known.nonce, nonce), tokens or known.tokens
        row = (account_id, nonce, msgspec.json.encode(tokens).decode())
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
