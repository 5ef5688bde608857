-- What the sweep looks at.
CREATE INDEX IF NOT EXISTS simulation_jobs_expiry ON simulation_jobs (lease_expires_ms)
WHERE status = 'running'
