CREATE INDEX IF NOT EXISTS spent_keys_by_age ON spent_keys (spent_at_ms)
