CREATE INDEX IF NOT EXISTS simulation_jobs_by_funded_account
ON simulation_jobs (funded_account_id, created_at_ms DESC, id DESC)
WHERE funded_account_id IS NOT NULL
