-- What the schedulers look at.
CREATE INDEX IF NOT EXISTS daily_runs_open ON daily_runs (due_at_ms, local_day)
WHERE state = 'open'
