CREATE INDEX IF NOT EXISTS simulation_jobs_by_status ON simulation_jobs (status, created_at_ms DESC, id DESC)
