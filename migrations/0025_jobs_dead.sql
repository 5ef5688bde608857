-- Failed jobs that nobody cancelled, newest first. Few jobs are ever in it.
CREATE INDEX IF NOT EXISTS simulation_jobs_dead ON simulation_jobs (created_at_ms DESC, id DESC)
WHERE status = 'failed' AND error <> 'cancelled'
