-- Histories of the account besides its deals and orders, gaps, what a key has used up, who writes,
-- and what arrived.  Statements end with a semicolon at the end of a line.

CREATE TABLE transactions (
    account_id       INTEGER NOT NULL,
    kind             TEXT NOT NULL,
    transaction_id   TEXT NOT NULL,
    asset            TEXT NOT NULL,
    network          TEXT,
    amount           TEXT NOT NULL,
    fee              TEXT NOT NULL,
    status           TEXT NOT NULL,
    settled          INTEGER NOT NULL,
    processed_amount TEXT,
    processed_fee    TEXT,
    address          TEXT,
    transaction_hash TEXT,
    unique_id        TEXT,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    source           TEXT NOT NULL,
    CONSTRAINT pk_transactions PRIMARY KEY (account_id, kind, transaction_id),
    CONSTRAINT fk_transactions_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ix_transactions_account_id_created_at ON transactions (account_id, created_at);

CREATE INDEX ix_transactions_unsettled ON transactions (account_id, settled) WHERE settled = 0;

CREATE TABLE movements (
    account_id     INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    movement_id    TEXT NOT NULL,
    wallet         TEXT,
    asset          TEXT,
    amount         TEXT NOT NULL,
    counter_asset  TEXT,
    counter_amount TEXT,
    fee            TEXT,
    status         TEXT NOT NULL,
    settled        INTEGER NOT NULL,
    market         TEXT,
    order_id       INTEGER,
    reference      TEXT,
    occurred_at    INTEGER NOT NULL,
    source         TEXT NOT NULL,
    CONSTRAINT pk_movements PRIMARY KEY (account_id, kind, movement_id),
    CONSTRAINT fk_movements_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ix_movements_account_id_occurred_at ON movements (account_id, occurred_at);

CREATE TABLE gaps (
    account_id INTEGER NOT NULL,
    stream     TEXT NOT NULL,
    gap_from   INTEGER NOT NULL,
    gap_until  INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    state      TEXT NOT NULL,
    closed_at  INTEGER,
    CONSTRAINT pk_gaps PRIMARY KEY (account_id, stream, gap_from, gap_until),
    CONSTRAINT fk_gaps_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE refused_streams (
    account_id INTEGER NOT NULL,
    stream     TEXT NOT NULL,
    refused_at INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    CONSTRAINT pk_refused_streams PRIMARY KEY (account_id, stream),
    CONSTRAINT fk_refused_streams_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- What a key has used up; tokens is a JSON list of microseconds.
CREATE TABLE keys (
    account_id INTEGER NOT NULL,
    nonce      INTEGER NOT NULL,
    tokens     TEXT NOT NULL,
    CONSTRAINT pk_keys PRIMARY KEY (account_id),
    CONSTRAINT fk_keys_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- Who may write an account's record: each new holder gets a higher token.
CREATE TABLE holders (
    account_id INTEGER NOT NULL,
    token      INTEGER NOT NULL,
    holder     TEXT NOT NULL,
    held_since INTEGER NOT NULL,
    CONSTRAINT pk_holders PRIMARY KEY (account_id),
    CONSTRAINT fk_holders_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- What arrived, as it came: one row per committed batch, compressed, each chained to the one before.
CREATE TABLE frames (
    account_id  INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    source      TEXT NOT NULL,
    frames      INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    previous    BLOB NOT NULL,
    digest      BLOB NOT NULL,
    body        BLOB NOT NULL,
    CONSTRAINT pk_frames PRIMARY KEY (account_id, seq),
    CONSTRAINT fk_frames_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT;

CREATE INDEX ix_frames_account_id_recorded_at ON frames (account_id, recorded_at);

CREATE VIEW v_transactions AS
SELECT
    a.name AS account,
    t.transaction_id,
    t.kind,
    t.asset,
    t.network,
    t.amount,
    t.fee,
    t.status,
    strftime('%Y-%m-%dT%H:%M:%S', t.created_at / 1000000, 'unixepoch')
        || printf('.%06dZ', t.created_at % 1000000) AS created_at,
    strftime('%Y-%m-%dT%H:%M:%S', t.updated_at / 1000000, 'unixepoch')
        || printf('.%06dZ', t.updated_at % 1000000) AS updated_at
FROM transactions AS t
JOIN accounts AS a ON a.account_id = t.account_id;

CREATE VIEW v_gaps AS
SELECT
    a.name AS account,
    g.stream,
    strftime('%Y-%m-%dT%H:%M:%S', g.gap_from / 1000000, 'unixepoch')
        || printf('.%06dZ', g.gap_from % 1000000) AS gap_from,
    strftime('%Y-%m-%dT%H:%M:%S', g.gap_until / 1000000, 'unixepoch')
        || printf('.%06dZ', g.gap_until % 1000000) AS gap_until,
    g.reason,
    g.state,
    strftime('%Y-%m-%dT%H:%M:%S', g.closed_at / 1000000, 'unixepoch')
        || printf('.%06dZ', g.closed_at % 1000000) AS closed_at
FROM gaps AS g
JOIN accounts AS a ON a.account_id = g.account_id;
