-- Messages that must leave, written in the transaction that makes them true.
CREATE TABLE IF NOT EXISTS outbox (
    event_id UUID PRIMARY KEY,
    job_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    message_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    headers TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    leased_by UUID,
    leased_until_ms BIGINT NOT NULL DEFAULT 0,
    published_at_ms BIGINT
)
