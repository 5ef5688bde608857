CREATE INDEX IF NOT EXISTS outbox_unpublished ON outbox (created_at_ms, event_id)
WHERE published_at_ms IS NULL
