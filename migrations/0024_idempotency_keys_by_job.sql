-- A caller's key goes with its job.
CREATE INDEX IF NOT EXISTS idempotency_keys_by_job ON idempotency_keys (job_id)
