-- The daily run's jobs, in the order in which they are claimed.
CREATE INDEX IF NOT EXISTS simulation_jobs_claim_daily ON simulation_jobs (run_after_ms, id)
WHERE status = 'pending' AND origin = 'daily'
