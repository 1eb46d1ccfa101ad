-- The books: what every fact did, in double entry, and what was proven or found wrong by it.
-- Statements end with a semicolon at the end of a line.

-- A leg of an entry: what a wallet gained, net of the fee, and which books bear the rest.  The wallet
-- '' is transit.  The key is the order in which things happened, so that the balance at a moment is
-- one look-up; so moments are written here as they are searched for.
CREATE TABLE postings (
    account_id    INTEGER NOT NULL,
    wallet        TEXT NOT NULL,
    asset         TEXT NOT NULL,
    occurred_at   TEXT NOT NULL,
    entry_id      INTEGER NOT NULL,
    leg           INTEGER NOT NULL,
    latest_at     TEXT,
    kind          TEXT NOT NULL,
    reference     TEXT NOT NULL,
    amount        TEXT NOT NULL,
    fee           TEXT NOT NULL,
    contra_amount TEXT NOT NULL,
    contra        TEXT NOT NULL,
    fee_book      TEXT NOT NULL,
    balance_after TEXT NOT NULL,
    CONSTRAINT pk_postings PRIMARY KEY (account_id, wallet, asset, occurred_at, entry_id, leg),
    CONSTRAINT fk_postings_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ix_postings_reference ON postings (account_id, kind, reference);

CREATE INDEX ix_postings_floating ON postings (account_id, wallet, asset, latest_at)
    WHERE latest_at IS NOT NULL;

-- What each book gained on each day (UTC), so that a statement need not add up its postings.
CREATE TABLE turnovers (
    account_id INTEGER NOT NULL,
    day        TEXT NOT NULL,
    book       TEXT NOT NULL,
    asset      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    amount     TEXT NOT NULL,
    CONSTRAINT pk_turnovers PRIMARY KEY (account_id, day, book, asset, kind),
    CONSTRAINT fk_turnovers_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE books (
    account_id INTEGER NOT NULL,
    book       TEXT NOT NULL,
    asset      TEXT NOT NULL,
    balance    TEXT NOT NULL,
    CONSTRAINT pk_books PRIMARY KEY (account_id, book, asset),
    CONSTRAINT fk_books_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE journals (
    account_id    INTEGER NOT NULL,
    last_entry_id INTEGER NOT NULL,
    CONSTRAINT pk_journals PRIMARY KEY (account_id),
    CONSTRAINT fk_journals_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- How many there are, as counting a million takes too long.
CREATE TABLE counts (
    account_id INTEGER NOT NULL,
    deals      INTEGER NOT NULL,
    orders     INTEGER NOT NULL,
    CONSTRAINT pk_counts PRIMARY KEY (account_id),
    CONSTRAINT fk_counts_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

INSERT INTO counts (account_id, deals, orders)
SELECT
    a.account_id,
    (SELECT count(*) FROM deals AS d WHERE d.account_id = a.account_id),
    (SELECT count(*) FROM orders AS o WHERE o.account_id = a.account_id)
FROM accounts AS a;

-- Deals that can't be posted yet: their order, their side or their market is unknown.
CREATE TABLE waiting_deals (
    account_id  INTEGER NOT NULL,
    order_id    INTEGER NOT NULL,
    deal_id     INTEGER NOT NULL,
    executed_at INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    CONSTRAINT pk_waiting_deals PRIMARY KEY (account_id, order_id, deal_id),
    CONSTRAINT fk_waiting_deals_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- What was concluded and no record of the exchange says: openings, transfers between own wallets,
-- adjustments, and how the fee of a transaction is to be read.  The body is the entry, as JSON.
CREATE TABLE conclusions (
    account_id   INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    reference    TEXT NOT NULL,
    body         TEXT NOT NULL,
    note         TEXT NOT NULL,
    concluded_at INTEGER NOT NULL,
    CONSTRAINT pk_conclusions PRIMARY KEY (account_id, kind, reference),
    CONSTRAINT fk_conclusions_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- What is proven of an asset in a wallet; the proof as JSON, the rest for the view.
CREATE TABLE proofs (
    account_id  INTEGER NOT NULL,
    wallet      TEXT NOT NULL,
    asset       TEXT NOT NULL,
    proof       TEXT NOT NULL,
    decimals    INTEGER NOT NULL,
    state       TEXT NOT NULL,
    expected    TEXT,
    reported    TEXT NOT NULL,
    difference  TEXT,
    verified_at INTEGER,
    CONSTRAINT pk_proofs PRIMARY KEY (account_id, wallet, asset),
    CONSTRAINT fk_proofs_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ix_proofs_unverified ON proofs (account_id, asset) WHERE state <> 'verified';

-- When each wallet was last read as a whole; and when so that all records of that time are known.
CREATE TABLE readings (
    account_id  INTEGER NOT NULL,
    wallet      TEXT NOT NULL,
    read_at     INTEGER NOT NULL,
    unproven_at INTEGER,
    proven_at   INTEGER,
    CONSTRAINT pk_readings PRIMARY KEY (account_id, wallet),
    CONSTRAINT fk_readings_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- Up to when, by the exchange's time, every history was read.
CREATE TABLE passes (
    account_id   INTEGER NOT NULL,
    passed_until INTEGER NOT NULL,
    CONSTRAINT pk_passes PRIMARY KEY (account_id),
    CONSTRAINT fk_passes_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- The exchange's clock minus ours, and how far that may be wrong, in microseconds.
CREATE TABLE clocks (
    account_id  INTEGER NOT NULL,
    skew        INTEGER NOT NULL,
    uncertainty INTEGER NOT NULL,
    CONSTRAINT pk_clocks PRIMARY KEY (account_id),
    CONSTRAINT fk_clocks_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE drifts (
    drift_id        INTEGER NOT NULL,
    account_id      INTEGER NOT NULL,
    wallet          TEXT NOT NULL,
    asset           TEXT NOT NULL,
    expected        TEXT NOT NULL,
    reported        TEXT NOT NULL,
    difference      TEXT NOT NULL,
    state           TEXT NOT NULL,
    explanation     TEXT,
    candidates      TEXT NOT NULL,
    parted_after    INTEGER,
    parted_until    INTEGER NOT NULL,
    detected_at     INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,
    acknowledged_at INTEGER,
    closed_at       INTEGER,
    CONSTRAINT pk_drifts PRIMARY KEY (drift_id),
    CONSTRAINT fk_drifts_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT;

CREATE UNIQUE INDEX uq_drifts_open ON drifts (account_id, wallet, asset) WHERE state = 'open';

-- What each spot deal did to the position of its market, in the order of time: what it bought and at
-- what cost, or sold and for what; and what was held after it, so that the next deal goes on there.
CREATE TABLE results (
    account_id       INTEGER NOT NULL,
    market           TEXT NOT NULL,
    number           INTEGER NOT NULL,
    executed_at      INTEGER NOT NULL,
    deal_id          INTEGER NOT NULL,
    order_id         INTEGER NOT NULL,
    quantity         TEXT NOT NULL,
    value            TEXT NOT NULL,
    sold             TEXT,
    proceeds         TEXT,
    fifo_cost        TEXT,
    fifo_result      TEXT,
    average_cost     TEXT,
    average_result   TEXT,
    unknown_sold     TEXT,
    unknown_proceeds TEXT,
    lot              INTEGER NOT NULL,
    lot_quantity     TEXT NOT NULL,
    lot_cost         TEXT NOT NULL,
    held             TEXT NOT NULL,
    held_cost        TEXT NOT NULL,
    CONSTRAINT pk_results PRIMARY KEY (account_id, market, number),
    CONSTRAINT fk_results_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- The results hold every deal before this moment that was known when they got there.
CREATE TABLE results_ends (
    account_id INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    CONSTRAINT pk_results_ends PRIMARY KEY (account_id),
    CONSTRAINT fk_results_ends_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- Deals that turned up after the results had passed them: those of the market are made anew from there.
CREATE TABLE late_results (
    account_id INTEGER NOT NULL,
    market     TEXT NOT NULL,
    since      INTEGER NOT NULL,
    CONSTRAINT pk_late_results PRIMARY KEY (account_id, market, since),
    CONSTRAINT fk_late_results_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- Deals that the results passed while they waited, and why they did.
CREATE TABLE unsure_results (
    account_id  INTEGER NOT NULL,
    order_id    INTEGER NOT NULL,
    deal_id     INTEGER NOT NULL,
    market      TEXT NOT NULL,
    executed_at INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    CONSTRAINT pk_unsure_results PRIMARY KEY (account_id, order_id, deal_id),
    CONSTRAINT fk_unsure_results_account_id FOREIGN KEY (account_id) REFERENCES accounts (account_id)
) STRICT, WITHOUT ROWID;

-- The public views.

CREATE VIEW v_ledger AS
SELECT
    p.entry_id,
    a.name AS account,
    p.occurred_at,
    p.kind,
    p.reference,
    CASE p.wallet WHEN '' THEN 'assets:transit:' ELSE 'assets:' || p.wallet || ':' END
        || p.asset AS book,
    nullif(p.wallet, '') AS wallet,
    p.asset,
    p.amount,
    p.balance_after
FROM postings AS p
JOIN accounts AS a ON a.account_id = p.account_id
UNION ALL
SELECT
    p.entry_id,
    a.name,
    p.occurred_at,
    p.kind,
    p.reference,
    p.contra,
    NULL,
    p.asset,
    p.contra_amount,
    NULL
FROM postings AS p
JOIN accounts AS a ON a.account_id = p.account_id
WHERE p.contra_amount <> '0'
UNION ALL
SELECT
    p.entry_id,
    a.name,
    p.occurred_at,
    p.kind,
    p.reference,
    p.fee_book,
    NULL,
    p.asset,
    p.fee,
    NULL
FROM postings AS p
JOIN accounts AS a ON a.account_id = p.account_id
WHERE p.fee <> '0';

-- The lines of each wallet's statement: v_ledger without the other side, and quick to search by time.
CREATE VIEW v_statement AS
SELECT
    a.name AS account,
    p.wallet,
    p.asset,
    p.occurred_at,
    p.entry_id,
    p.leg,
    p.kind,
    p.reference,
    p.amount,
    p.fee,
    p.balance_after
FROM postings AS p
JOIN accounts AS a ON a.account_id = p.account_id
WHERE p.wallet <> '';

CREATE VIEW v_turnovers AS
SELECT
    a.name AS account,
    t.day,
    t.book,
    t.asset,
    t.kind,
    t.amount
FROM turnovers AS t
JOIN accounts AS a ON a.account_id = t.account_id;

CREATE VIEW v_trial_balance AS
SELECT
    a.name AS account,
    b.book,
    b.asset,
    b.balance
FROM books AS b
JOIN accounts AS a ON a.account_id = b.account_id;

CREATE VIEW v_balance_check AS
SELECT
    a.name AS account,
    p.wallet,
    p.asset,
    p.expected,
    p.reported,
    p.difference,
    CASE p.state WHEN 'opening' THEN 'pending' WHEN 'moving' THEN 'drift' ELSE p.state END AS state,
    strftime('%Y-%m-%dT%H:%M:%S', p.verified_at / 1000000, 'unixepoch')
        || printf('.%06dZ', p.verified_at % 1000000) AS verified_at
FROM proofs AS p
JOIN accounts AS a ON a.account_id = p.account_id;

CREATE VIEW v_drifts AS
SELECT
    d.drift_id,
    a.name AS account,
    d.wallet,
    d.asset,
    d.expected,
    d.reported,
    d.difference,
    d.state,
    d.explanation,
    strftime('%Y-%m-%dT%H:%M:%S', d.detected_at / 1000000, 'unixepoch')
        || printf('.%06dZ', d.detected_at % 1000000) AS detected_at,
    strftime('%Y-%m-%dT%H:%M:%S', d.closed_at / 1000000, 'unixepoch')
        || printf('.%06dZ', d.closed_at % 1000000) AS closed_at
FROM drifts AS d
JOIN accounts AS a ON a.account_id = d.account_id;

-- A row is what a deal sold from known purchases, or, without cost, from what nobody saw bought.
CREATE VIEW v_results_fifo AS
SELECT
    a.name AS account,
    r.market,
    m.base_asset,
    m.quote_asset,
    r.deal_id,
    r.order_id,
    strftime('%Y-%m-%dT%H:%M:%S', r.executed_at / 1000000, 'unixepoch')
        || printf('.%06dZ', r.executed_at % 1000000) AS executed_at,
    r.sold AS amount,
    r.proceeds,
    r.fifo_cost AS cost,
    d.fee,
    d.fee_asset,
    r.fifo_result AS result
FROM results AS r
JOIN accounts AS a ON a.account_id = r.account_id
LEFT JOIN markets AS m ON m.name = r.market
LEFT JOIN deals AS d
    ON d.account_id = r.account_id AND d.order_id = r.order_id AND d.deal_id = r.deal_id
WHERE r.sold IS NOT NULL
UNION ALL
SELECT
    a.name,
    r.market,
    m.base_asset,
    m.quote_asset,
    r.deal_id,
    r.order_id,
    strftime('%Y-%m-%dT%H:%M:%S', r.executed_at / 1000000, 'unixepoch')
        || printf('.%06dZ', r.executed_at % 1000000) AS executed_at,
    r.unknown_sold,
    r.unknown_proceeds,
    NULL,
    CASE WHEN r.sold IS NULL THEN d.fee END,
    d.fee_asset,
    NULL
FROM results AS r
JOIN accounts AS a ON a.account_id = r.account_id
LEFT JOIN markets AS m ON m.name = r.market
LEFT JOIN deals AS d
    ON d.account_id = r.account_id AND d.order_id = r.order_id AND d.deal_id = r.deal_id
WHERE r.unknown_sold IS NOT NULL;

CREATE VIEW v_results_average AS
SELECT
    a.name AS account,
    r.market,
    m.base_asset,
    m.quote_asset,
    r.deal_id,
    r.order_id,
    strftime('%Y-%m-%dT%H:%M:%S', r.executed_at / 1000000, 'unixepoch')
        || printf('.%06dZ', r.executed_at % 1000000) AS executed_at,
    r.sold AS amount,
    r.proceeds,
    r.average_cost AS cost,
    d.fee,
    d.fee_asset,
    r.average_result AS result
FROM results AS r
JOIN accounts AS a ON a.account_id = r.account_id
LEFT JOIN markets AS m ON m.name = r.market
LEFT JOIN deals AS d
    ON d.account_id = r.account_id AND d.order_id = r.order_id AND d.deal_id = r.deal_id
WHERE r.sold IS NOT NULL
UNION ALL
SELECT
    a.name,
    r.market,
    m.base_asset,
    m.quote_asset,
    r.deal_id,
    r.order_id,
    strftime('%Y-%m-%dT%H:%M:%S', r.executed_at / 1000000, 'unixepoch')
        || printf('.%06dZ', r.executed_at % 1000000) AS executed_at,
    r.unknown_sold,
    r.unknown_proceeds,
    NULL,
    CASE WHEN r.sold IS NULL THEN d.fee END,
    d.fee_asset,
    NULL
FROM results AS r
JOIN accounts AS a ON a.account_id = r.account_id
LEFT JOIN markets AS m ON m.name = r.market
LEFT JOIN deals AS d
    ON d.account_id = r.account_id AND d.order_id = r.order_id AND d.deal_id = r.deal_id
WHERE r.unknown_sold IS NOT NULL;

-- Up to when the results are whole.
CREATE VIEW v_results_until AS
SELECT
    e.account,
    strftime('%Y-%m-%dT%H:%M:%S', e.until / 1000000, 'unixepoch')
        || printf('.%06dZ', e.until % 1000000) AS until
FROM (
    SELECT
        a.name AS account,
        min(e.until, coalesce((
            SELECT min(l.since) FROM late_results AS l WHERE l.account_id = e.account_id
        ), e.until)) AS until
    FROM results_ends AS e
    JOIN accounts AS a ON a.account_id = e.account_id
) AS e;

-- Deals also with their day (UTC), to be grouped by.
DROP VIEW v_deals;

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
    d.source,
    strftime('%Y-%m-%d', d.executed_at / 1000000, 'unixepoch') AS day
FROM deals AS d
JOIN accounts AS a ON a.account_id = d.account_id
LEFT JOIN markets AS m ON m.name = d.market;
