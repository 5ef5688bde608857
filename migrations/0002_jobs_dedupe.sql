-- At most one job ever bears a key.
CREATE UNIQUE INDEX IF NOT EXISTS simulation_jobs_dedupe ON simulation_jobs (dedupe_key)
WHERE dedupe_key IS NOT NULL
