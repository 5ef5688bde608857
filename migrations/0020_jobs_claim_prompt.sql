-- What somebody waits for, in the order in which it is claimed: a book of daily jobs is not in it.
CREATE INDEX IF NOT EXISTS simulation_jobs_claim_prompt ON simulation_jobs (run_after_ms, id)
WHERE status = 'pending' AND origin <> 'daily'
