CREATE INDEX IF NOT EXISTS simulation_jobs_by_age ON simulation_jobs (created_at_ms DESC, id DESC)
