-- One row a local day. What is due lives by the schedulers' clocks, the lease by the database's. Accounts are done in
-- the order of their ids' bytes, up to last_account. Counts are JSON.
CREATE TABLE IF NOT EXISTS daily_runs (
    local_day TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('open', 'finished', 'given_up')),
    cause TEXT NOT NULL,
    last_account TEXT NOT NULL DEFAULT '',
    counts TEXT NOT NULL DEFAULT '{}',
    failures BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    due_at_ms BIGINT NOT NULL,
    lease_token UUID,
    lease_expires_ms BIGINT NOT NULL DEFAULT 0,
    opened_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT
)
