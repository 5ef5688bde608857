-- Why a job ended well without a result: written once, in the transaction that ends it, as a result would be.
CREATE TABLE IF NOT EXISTS simulation_skips (
    job_id TEXT PRIMARY KEY,
    reason TEXT NOT NULL
)
