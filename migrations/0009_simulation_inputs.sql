-- Whole inputs, trades and all: enough to recompute the job.
CREATE TABLE IF NOT EXISTS simulation_inputs (
    job_id TEXT PRIMARY KEY,
    input TEXT NOT NULL
)
