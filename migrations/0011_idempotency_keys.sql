-- A caller's key, the body it came with, and the job that it made.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    idempotency_key TEXT PRIMARY KEY,
    body_hash TEXT NOT NULL,
    job_id TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
)
