-- The first schema, as SQLite knows it.  Amounts are canonical decimal text, moments integer
-- microseconds since 1970 (UTC), flags 0 or 1.  Statements end with a semicolon at the end of a line.

CREATE TABLE accounts (
    account_id INTEGER NOT NULL,
    name       TEXT NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (account_id),
    CONSTRAINT uq_accounts_name UNIQUE (name)
) STRICT;

CREATE TABLE markets (
    name        TEXT NOT NULL,
    base_asset  TEXT NOT NULL,
    quote_asset TEXT NOT NULL,
    kind        TEXT NOT NULL,
    CONSTRAINT pk_markets PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

CREATE TABLE deals (
    account_id      INTEGER NOT NULL,
    order_id        INTEGER NOT NULL,
    deal_id         INTEGER NOT NULL,
    market          TEXT NOT NULL,
    side            TEXT,
    role            TEXT,
    price           TEXT NOT NULL,
    amount          TEXT NOT NULL,
    total           TEXT NOT NULL,
    fee             TEXT NOT NULL,
    fee_asset       TEXT,
    client_order_id TEXT,
    executed_at     INTEGER NOT NULL,
    source          TEXT NOT NULL,
    CONSTRAINT pk_deals PRIMARY KEY (account_id, order_id, deal_id),
    CONSTRAINT fk_deals_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ix_deals_account_id_executed_at ON deals (account_id, executed_at);

CREATE TABLE orders (
    account_id      INTEGER NOT NULL,
    order_id        INTEGER NOT NULL,
    market          TEXT NOT NULL,
    side            TEXT NOT NULL,
    type            TEXT NOT NULL,
    status          TEXT NOT NULL,
    final           INTEGER NOT NULL,
    price           TEXT,
    amount          TEXT,
    filled_amount   TEXT NOT NULL,
    filled_total    TEXT NOT NULL,
    fee             TEXT NOT NULL,
    remaining       TEXT,
    fee_asset       TEXT,
    client_order_id TEXT,
    created_at      INTEGER,
    updated_at      INTEGER,
    finished_at     INTEGER,
    source          TEXT NOT NULL,
    CONSTRAINT pk_orders PRIMARY KEY (account_id, order_id),
    CONSTRAINT fk_orders_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ix_orders_open ON orders (account_id, final) WHERE final = 0;

CREATE TABLE balances (
    account_id  INTEGER NOT NULL,
    wallet      TEXT NOT NULL,
    asset       TEXT NOT NULL,
    available   TEXT,
    frozen      TEXT,
    borrowed    TEXT,
    total       TEXT NOT NULL,
    observed_at INTEGER NOT NULL,
    source      TEXT NOT NULL,
    CONSTRAINT pk_balances PRIMARY KEY (account_id, wallet, asset),
    CONSTRAINT fk_balances_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE balance_history (
    id          INTEGER NOT NULL,
    account_id  INTEGER NOT NULL,
    wallet      TEXT NOT NULL,
    asset       TEXT NOT NULL,
    available   TEXT,
    frozen      TEXT,
    borrowed    TEXT,
    total       TEXT NOT NULL,
    observed_at INTEGER NOT NULL,
    source      TEXT NOT NULL,
    CONSTRAINT pk_balance_history PRIMARY KEY (id),
    CONSTRAINT fk_balance_history_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT;

CREATE INDEX ix_balance_history_asset ON balance_history (account_id, wallet, asset, observed_at);

CREATE TABLE sessions (
    account_id      INTEGER NOT NULL,
    session_id      INTEGER NOT NULL,
    connected_at    INTEGER,
    authorized_at   INTEGER,
    live_at         INTEGER,
    disconnected_at INTEGER,
    reason          TEXT,
    recovered_at    INTEGER,
    recovered_deals INTEGER,
    CONSTRAINT pk_sessions PRIMARY KEY (account_id, session_id),
    CONSTRAINT fk_sessions_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE coverage (
    account_id    INTEGER NOT NULL,
    stream        TEXT NOT NULL,
    covered_from  INTEGER NOT NULL,
    covered_until INTEGER NOT NULL,
    verified_at   INTEGER NOT NULL,
    CONSTRAINT pk_coverage PRIMARY KEY (account_id, stream, covered_from),
    CONSTRAINT fk_coverage_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    id          INTEGER NOT NULL,
    account_id  INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    stream      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    excerpt     TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    CONSTRAINT pk_quarantine PRIMARY KEY (id),
    CONSTRAINT fk_quarantine_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT;

CREATE UNIQUE INDEX uq_quarantine_finding ON quarantine (account_id, fingerprint);

-- The public views.  A moment becomes ISO 8601 text with six decimals and a Z.

CREATE VIEW v_deals AS
SELECT
    a.name AS account,
    d.deal_id,
    d.order_id,
    d.market,
    m.base_asset,
    m.quote_asset,
    d.side,
    d.role,
    d.price,
    d.amount,
    d.total,
    d.fee,
    d.fee_asset,
    d.client_order_id,
    strftime('%Y-%m-%dT%H:%M:%S', d.executed_at / 1000000, 'unixepoch')
        || printf('.%06dZ', d.executed_at % 1000000) AS executed_at,
    d.source
FROM deals AS d
JOIN accounts AS a ON a.account_id = d.account_id
LEFT JOIN markets AS m ON m.name = d.market;

CREATE VIEW v_orders AS
SELECT
    a.name AS account,
    o.order_id,
    o.client_order_id,
    o.market,
    o.side,
    o.type,
    o.status,
    o.price,
    o.amount,
    o.filled_amount,
    o.filled_total,
    o.remaining,
    o.fee,
    coalesce(o.fee_asset, (
        SELECT min(d.fee_asset) FROM deals AS d
        WHERE d.account_id = o.account_id AND d.order_id = o.order_id
    )) AS fee_asset,
    strftime('%Y-%m-%dT%H:%M:%S', o.created_at / 1000000, 'unixepoch')
        || printf('.%06dZ', o.created_at % 1000000) AS created_at,
    strftime('%Y-%m-%dT%H:%M:%S', o.updated_at / 1000000, 'unixepoch')
        || printf('.%06dZ', o.updated_at % 1000000) AS updated_at,
    CASE
        WHEN o.finished_at IS NOT NULL THEN
            strftime('%Y-%m-%dT%H:%M:%S', o.finished_at / 1000000, 'unixepoch')
            || printf('.%06dZ', o.finished_at % 1000000)
        -- The stream prints no time of finish; a finished order was last updated by finishing.
        WHEN o.final THEN
            strftime('%Y-%m-%dT%H:%M:%S', o.updated_at / 1000000, 'unixepoch')
            || printf('.%06dZ', o.updated_at % 1000000)
    END AS finished_at,
    o.source
FROM orders AS o
JOIN accounts AS a ON a.account_id = o.account_id;

CREATE VIEW v_open_orders AS
SELECT
    a.name AS account,
    o.order_id,
    o.client_order_id,
    o.market,
    o.side,
    o.type,
    o.status,
    o.price,
    o.amount,
    o.filled_amount,
    o.filled_total,
    o.remaining,
    o.fee,
    coalesce(o.fee_asset, (
        SELECT min(d.fee_asset) FROM deals AS d
        WHERE d.account_id = o.account_id AND d.order_id = o.order_id
    )) AS fee_asset,
    strftime('%Y-%m-%dT%H:%M:%S', o.created_at / 1000000, 'unixepoch')
        || printf('.%06dZ', o.created_at % 1000000) AS created_at,
    strftime('%Y-%m-%dT%H:%M:%S', o.updated_at / 1000000, 'unixepoch')
        || printf('.%06dZ', o.updated_at % 1000000) AS updated_at,
    strftime('%Y-%m-%dT%H:%M:%S', o.finished_at / 1000000, 'unixepoch')
        || printf('.%06dZ', o.finished_at % 1000000) AS finished_at,
    o.source
-- Left to itself SQLite would read every order of an account.
FROM orders AS o INDEXED BY ix_orders_open
JOIN accounts AS a ON a.account_id = o.account_id
WHERE o.final = 0;

CREATE VIEW v_balances AS
SELECT
    a.name AS account,
    b.wallet,
    b.asset,
    b.available,
    b.frozen,
    b.borrowed,
    b.total,
    strftime('%Y-%m-%dT%H:%M:%S', b.observed_at / 1000000, 'unixepoch')
        || printf('.%06dZ', b.observed_at % 1000000) AS observed_at,
    b.source
FROM balances AS b
JOIN accounts AS a ON a.account_id = b.account_id;

CREATE VIEW v_balance_history AS
SELECT
    a.name AS account,
    b.wallet,
    b.asset,
    b.available,
    b.frozen,
    b.borrowed,
    b.total,
    strftime('%Y-%m-%dT%H:%M:%S', b.observed_at / 1000000, 'unixepoch')
        || printf('.%06dZ', b.observed_at % 1000000) AS observed_at,
    b.source,
    b.id
FROM balance_history AS b
JOIN accounts AS a ON a.account_id = b.account_id;

CREATE VIEW v_sessions AS
SELECT
    a.name AS account,
    s.session_id,
    strftime('%Y-%m-%dT%H:%M:%S', s.connected_at / 1000000, 'unixepoch')
        || printf('.%06dZ', s.connected_at % 1000000) AS connected_at,
    strftime('%Y-%m-%dT%H:%M:%S', s.authorized_at / 1000000, 'unixepoch')
        || printf('.%06dZ', s.authorized_at % 1000000) AS authorized_at,
    strftime('%Y-%m-%dT%H:%M:%S', s.live_at / 1000000, 'unixepoch')
        || printf('.%06dZ', s.live_at % 1000000) AS live_at,
    strftime('%Y-%m-%dT%H:%M:%S', s.disconnected_at / 1000000, 'unixepoch')
        || printf('.%06dZ', s.disconnected_at % 1000000) AS disconnected_at,
    s.reason,
    strftime('%Y-%m-%dT%H:%M:%S', s.recovered_at / 1000000, 'unixepoch')
        || printf('.%06dZ', s.recovered_at % 1000000) AS recovered_at,
    s.recovered_deals
FROM sessions AS s
JOIN accounts AS a ON a.account_id = s.account_id;

CREATE VIEW v_coverage AS
SELECT
    a.name AS account,
    c.stream,
    strftime('%Y-%m-%dT%H:%M:%S', c.covered_from / 1000000, 'unixepoch')
        || printf('.%06dZ', c.covered_from % 1000000) AS covered_from,
    strftime('%Y-%m-%dT%H:%M:%S', c.covered_until / 1000000, 'unixepoch')
        || printf('.%06dZ', c.covered_until % 1000000) AS covered_until,
    strftime('%Y-%m-%dT%H:%M:%S', c.verified_at / 1000000, 'unixepoch')
        || printf('.%06dZ', c.verified_at % 1000000) AS verified_at
FROM coverage AS c
JOIN accounts AS a ON a.account_id = c.account_id;

CREATE VIEW v_quarantine AS
SELECT
    q.id,
    a.name AS account,
    strftime('%Y-%m-%dT%H:%M:%S', q.received_at / 1000000, 'unixepoch')
        || printf('.%06dZ', q.received_at % 1000000) AS received_at,
    q.stream,
    q.reason,
    q.excerpt
FROM quarantine AS q
JOIN accounts AS a ON a.account_id = q.account_id;
