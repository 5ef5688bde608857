-- What waits of one key: none of it leaves before what was there earlier.
CREATE INDEX IF NOT EXISTS outbox_unpublished_by_key ON outbox (message_key, created_at_ms, event_id)
WHERE published_at_ms IS NULL
