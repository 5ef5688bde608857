CREATE INDEX IF NOT EXISTS poison_messages_by_age ON poison_messages (received_at_ms DESC, message_offset DESC)
