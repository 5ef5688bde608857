-- Keys of jobs from Kafka that were purged: they go on stopping duplicates for longer than any topic keeps a message.
CREATE TABLE IF NOT EXISTS spent_keys (
    dedupe_key TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    spent_at_ms BIGINT NOT NULL
)
