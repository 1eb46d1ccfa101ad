-- Histories of the account besides its deals and orders, gaps, what a key has used up, who writes,
-- and what arrived.  Statements end with a semicolon at the end of a line.

CREATE TABLE transactions (
    account_id       BIGINT NOT NULL,
    kind             TEXT NOT NULL,
    transaction_id   TEXT NOT NULL,
    asset            TEXT NOT NULL,
    network          TEXT,
    amount           NUMERIC NOT NULL,
    fee              NUMERIC NOT NULL,
    status           TEXT NOT NULL,
    settled          BOOLEAN NOT NULL,
    processed_amount NUMERIC,
    processed_fee    NUMERIC,
    address          TEXT,
    transaction_hash TEXT,
    unique_id        TEXT,
    created_at       TIMESTAMPTZ NOT NULL,
    updated_at       TIMESTAMPTZ NOT NULL,
    source           TEXT NOT NULL,
    CONSTRAINT pk_transactions PRIMARY KEY (account_id, kind, transaction_id),
    CONSTRAINT fk_transactions_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
);

CREATE INDEX ix_transactions_account_id_created_at ON transactions (account_id, created_at);

CREATE INDEX ix_transactions_unsettled ON transactions (account_id, settled) WHERE settled = false;

CREATE TABLE movements (
    account_id     BIGINT NOT NULL,
    kind           TEXT NOT NULL,
    movement_id    TEXT NOT NULL,
    wallet         TEXT,
    asset          TEXT,
    amount         NUMERIC NOT NULL,
    counter_asset  TEXT,
    counter_amount NUMERIC,
    fee            NUMERIC,
    status         TEXT NOT NULL,
    settled        BOOLEAN NOT NULL,
    market         TEXT,
    order_id       BIGINT,
    reference      TEXT,
    occurred_at    TIMESTAMPTZ NOT NULL,
    source         TEXT NOT NULL,
    CONSTRAINT pk_movements PRIMARY KEY (account_id, kind, movement_id),
    CONSTRAINT fk_movements_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
);

CREATE INDEX ix_movements_account_id_occurred_at ON movements (account_id, occurred_at);

CREATE TABLE gaps (
    account_id BIGINT NOT NULL,
    stream     TEXT NOT NULL,
    gap_from   TIMESTAMPTZ NOT NULL,
    gap_until  TIMESTAMPTZ NOT NULL,
    reason     TEXT NOT NULL,
    state      TEXT NOT NULL,
    closed_at  TIMESTAMPTZ,
    CONSTRAINT pk_gaps PRIMARY KEY (account_id, stream, gap_from, gap_until),
    CONSTRAINT fk_gaps_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
);

CREATE TABLE refused_streams (
    account_id BIGINT NOT NULL,
    stream     TEXT NOT NULL,
    refused_at TIMESTAMPTZ NOT NULL,
    reason     TEXT NOT NULL,
    CONSTRAINT pk_refused_streams PRIMARY KEY (account_id, stream),
    CONSTRAINT fk_refused_streams_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
);

-- What a key has used up; tokens is a JSON list of microseconds.
CREATE TABLE keys (
    account_id BIGINT NOT NULL,
    nonce      BIGINT NOT NULL,
    tokens     TEXT NOT NULL,
    CONSTRAINT pk_keys PRIMARY KEY (account_id),
    CONSTRAINT fk_keys_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
);

-- Who may write an account's record: each new holder gets a higher token.
CREATE TABLE holders (
    account_id BIGINT NOT NULL,
    token      BIGINT NOT NULL,
    holder     TEXT NOT NULL,
    held_since TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_holders PRIMARY KEY (account_id),
    CONSTRAINT fk_holders_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
);

-- What arrived, as it came: one row per committed batch, compressed, each chained to the one before.
CREATE TABLE frames (
    account_id  BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    source      TEXT NOT NULL,
    frames      BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,
    previous    BYTEA NOT NULL,
    digest      BYTEA NOT NULL,
    body        BYTEA NOT NULL,
    CONSTRAINT pk_frames PRIMARY KEY (account_id, seq),
    CONSTRAINT fk_frames_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
);

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
    t.created_at,
    t.updated_at
FROM transactions AS t
JOIN accounts AS a ON a.account_id = t.account_id;

CREATE VIEW v_gaps AS
SELECT
    a.name AS account,
    g.stream,
    g.gap_from,
    g.gap_until,
    g.reason,
    g.state,
    g.closed_at
FROM gaps AS g
JOIN accounts AS a ON a.account_id = g.account_id;
