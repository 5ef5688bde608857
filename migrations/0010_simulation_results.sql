-- Written once, in the transaction that completes the job.
CREATE TABLE IF NOT EXISTS simulation_results (
    job_id TEXT PRIMARY KEY,
    result TEXT NOT NULL
)
