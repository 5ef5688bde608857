-- Messages that could not be read. The hash is in the key because an embedded broker counts its offsets from
-- zero at each start.
CREATE TABLE IF NOT EXISTS poison_messages (
    topic TEXT NOT NULL,
    partition_number BIGINT NOT NULL,
    message_offset BIGINT NOT NULL,
    payload_sha256 TEXT NOT NULL,
    payload BYTEA NOT NULL,
    payload_bytes BIGINT NOT NULL,
    reason TEXT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    PRIMARY KEY (topic, partition_number, message_offset, payload_sha256)
)
