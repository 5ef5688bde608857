-- One row a job, kept small: its documents live beside it, because a beat rewrites the whole row on SQLite and
-- CockroachDB. Times are milliseconds since 1970 by the database's clock. JSON is text, bit for bit as it came:
-- JSONB refuses "\u0000" and rewrites numbers.
CREATE TABLE IF NOT EXISTS simulation_jobs (
    id TEXT PRIMARY KEY,
    assessment_id TEXT,
    funded_account_id TEXT,
    origin TEXT NOT NULL,
    dedupe_key TEXT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    config TEXT NOT NULL,
    input_summary TEXT,
    error TEXT,
    progress DOUBLE PRECISION NOT NULL DEFAULT 0,
    claims BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    snoozes BIGINT NOT NULL DEFAULT 0,
    correlation_id TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    tracestate TEXT,
    run_after_ms BIGINT NOT NULL,
    lease_token UUID,
    lease_worker UUID,
    lease_expires_ms BIGINT,
    deadline_at_ms BIGINT,
    created_at_ms BIGINT NOT NULL,
    started_at_ms BIGINT,
    completed_at_ms BIGINT,
    CHECK ((assessment_id IS NULL) <> (funded_account_id IS NULL)),
    CHECK ((status = 'running') = (lease_token IS NOT NULL))
)
