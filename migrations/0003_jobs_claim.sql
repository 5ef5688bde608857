-- The queue, in the order in which it is claimed. Running and finished jobs are not in it.
CREATE INDEX IF NOT EXISTS simulation_jobs_claim ON simulation_jobs (run_after_ms, id)
WHERE status = 'pending'
