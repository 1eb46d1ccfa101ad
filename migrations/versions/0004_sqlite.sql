-- What happened that somebody may want to hear of: written in the transaction of its cause.  `news` is
-- JSON; `routed_at` is when it was decided who hears of it, and how.
CREATE TABLE events (
    number      INTEGER NOT NULL,
    event       TEXT NOT NULL,
    dedupe_key  TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    news        TEXT NOT NULL,
    routed_at   INTEGER,
    CONSTRAINT pk_events PRIMARY KEY (number)
) STRICT;

CREATE INDEX ix_events_unrouted ON events (number) WHERE routed_at IS NULL;
CREATE INDEX ix_events_dedupe_key_number ON events (dedupe_key, number);

-- What each subject of alerts is, and what was told of it, as JSON.
CREATE TABLE episodes (
    dedupe_key TEXT NOT NULL,
    episode    TEXT NOT NULL,
    CONSTRAINT pk_episodes PRIMARY KEY (dedupe_key)
) STRICT, WITHOUT ROWID;

-- One alert, exactly as it is sent.
CREATE TABLE alerts (
    alert_id   TEXT NOT NULL,
    event      TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    body       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT pk_alerts PRIMARY KEY (alert_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ix_alerts_created_at ON alerts (created_at);

-- One alert on its way to one hook.  Of each key the lowest number that is pending goes first.
CREATE TABLE deliveries (
    number     INTEGER NOT NULL,
    alert_id   TEXT NOT NULL,
    hook       TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    state      TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    sent_at    INTEGER,
    last_error TEXT,
    CONSTRAINT pk_deliveries PRIMARY KEY (number),
    CONSTRAINT fk_deliveries_alert_id FOREIGN KEY (alert_id) REFERENCES alerts (alert_id)
) STRICT;

CREATE UNIQUE INDEX uq_deliveries_alert ON deliveries (alert_id, hook);
CREATE INDEX ix_deliveries_pending ON deliveries (hook, dedupe_key, number) WHERE state = 'pending';

CREATE VIEW v_alerts AS
SELECT
    d.alert_id,
    a.event,
    a.dedupe_key,
    d.hook,
    d.state,
    d.attempts,
    strftime('%Y-%m-%dT%H:%M:%S', a.created_at / 1000000, 'unixepoch')
        || printf('.%06dZ', a.created_at % 1000000) AS created_at,
    strftime('%Y-%m-%dT%H:%M:%S', d.sent_at / 1000000, 'unixepoch')
        || printf('.%06dZ', d.sent_at % 1000000) AS sent_at,
    d.last_error
FROM deliveries AS d
JOIN alerts AS a ON a.alert_id = d.alert_id;
