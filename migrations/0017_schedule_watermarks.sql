-- Up to when a schedule's fires are accounted for, by the schedulers' clocks. It moves forward alone.
CREATE TABLE IF NOT EXISTS schedule_watermarks (
    schedule TEXT PRIMARY KEY,
    watermark_ms BIGINT NOT NULL
)
