CREATE INDEX IF NOT EXISTS simulation_jobs_by_assessment
ON simulation_jobs (assessment_id, created_at_ms DESC, id DESC)
WHERE assessment_id IS NOT NULL
