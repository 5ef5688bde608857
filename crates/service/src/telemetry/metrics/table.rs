//! Every metric; the operators' own (contracts §6) first. A new one is a row here and a row in `docs/metrics.md`,
//! which the test beside this table writes for you when it fails.

use super::Metric;

/// Dense round 10 ms, where the operators' alert on the 99th percentile stands.
const REQUEST_BUCKETS_S: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];
/// From a small history to the attempt's deadline.
const SIMULATION_BUCKETS_S: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1_200.0];

/// Good and bad answers of the routes that callers use, so that the first error is a rise and not a beginning.
const ANSWERS: &[&[&str]] = &[
    &["GET", "/simulations", "200"],
    &["GET", "/simulations", "500"],
    &["GET", "/simulations", "503"],
    &["GET", "/simulations/{id}", "200"],
    &["GET", "/simulations/{id}", "500"],
    &["GET", "/simulations/{id}", "503"],
    &["POST", "/simulations", "202"],
    &["POST", "/simulations", "500"],
    &["POST", "/simulations", "503"],
];
const OUTCOMES: &[&[&str]] = &[&["completed"], &["failed"], &["skipped"], &["pending"]];
/// What tells of a wrong token, before there is one.
const CALLS: &[&[&str]] = &[
    &["assessment", "ok"],
    &["assessment", "refused"],
    &["funded_account", "ok"],
    &["funded_account", "refused"],
    &["funded_accounts", "ok"],
    &["funded_accounts", "refused"],
    &["trades", "ok"],
    &["trades", "refused"],
];
const DAILY_RUNS: &[&[&str]] =
    &[&["opened"], &["caught_up"], &["passed_over"], &["by_hand"], &["finished"], &["failed"], &["given_up"]];
const DAILY_ACCOUNTS: &[&[&str]] = &[
    &["created"],
    &["existing"],
    &["recently_simulated"],
    &["unusable_id"],
    &["no_closing_trades"],
    &["account_not_found"],
    &["account_not_active"],
];
/// From a neighbour in the cluster to the longest time-out that is usual.
const CALL_BUCKETS_S: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0, 30.0];

const PURGED: &[&[&str]] = &[
    &["job"],
    &["document"],
    &["event"],
    &["idempotency_key"],
    &["dead_letter"],
    &["daily_run"],
    &["spent_key"],
];
const UNFINISHED: &[&[&str]] = &[&["pending"], &["running"]];

/// Everything that `/metrics` can show.
pub const METRICS: &[Metric] = &[
    Metric::histogram(
        "http_request_duration_seconds",
        REQUEST_BUCKETS_S,
        "seconds",
        "From a request's head to its answer, by method, route (a template, or `unmatched`) and status.",
    )
    .by(&["method", "route", "status"], ANSWERS)
    .alert("99th percentile over 10 ms for 5 minutes"),
    Metric::counter("http_requests_total", "requests", "Requests answered.")
        .by(&["method", "route", "status"], ANSWERS)
        .alert("more than 1 % with status 5xx for 5 minutes"),
    Metric::counter(
        "simulation_jobs_total",
        "attempts",
        "Attempts at jobs that ended, by what became of the job; `pending` comes back, `skipped` had nothing to simulate.",
    )
    .by(&["status"], OUTCOMES)
    .alert("`failed` rises faster than usual"),
    Metric::histogram(
        "simulation_duration_seconds",
        SIMULATION_BUCKETS_S,
        "seconds",
        "From an attempt's claim to its outcome, by what became of the job.",
    )
    .by(&["status"], OUTCOMES),
    Metric::counter(
        "ray_serve_requests_total",
        "calls",
        "Calls to Ray Serve, by `success` or `error`; zero while jobs are simulated in the process itself.",
    )
    .by(&["status"], &[&["success"], &["error"]])
    .alert("`error` rises for 5 minutes"),
    Metric::histogram(
        "ray_shard_duration_seconds",
        SIMULATION_BUCKETS_S,
        "seconds",
        "From sending a shard to Ray Serve to its whole answer.",
    )
    .always(),
    Metric::counter(
        "ray_shard_failures_total",
        "calls",
        "Calls for a shard that brought no tally: Ray is not there (`away`), has too much to do (`busy`), lost it \
         (`lost`), took too long (`slow`), or its engine failed (`panicked`).",
    )
    .by(&["class"], &[&["away"], &["busy"], &["lost"], &["slow"], &["panicked"]])
    .alert("`panicked` rises at all"),
    Metric::counter(
        "ray_hedges_total",
        "shards",
        "Shards that were sent once more because they took so long, by whether the second call `won` or `lost`.",
    )
    .by(&["outcome"], &[&["won"], &["lost"]]),
    Metric::gauge("ray_in_flight_max", "shards", "Shards that may be in flight at once, by how Ray has answered of late.")
    .always(),
    Metric::gauge("ray_breaker_open", "", "1 while Ray Serve is left alone because it did not answer.")
        .always()
        .alert("1 for 5 minutes: Ray Serve is away"),
    Metric::counter(
        "simulation_fallbacks_total",
        "jobs",
        "Jobs that this process simulated in place of Ray Serve: it was not there (`away`), nothing came back (`gave_up`), it \
         has another engine (`other_engine`), or is an old application that could not (`old_application`).",
    )
    .by(&["cause"], &[&["away"], &["gave_up"], &["other_engine"], &["old_application"]])
    .alert("rises for 5 minutes"),
    Metric::counter("kafka_messages_consumed_total", "messages", "Messages received, by topic.")
        .by(&["topic"], &[&["assessment.completed"]]),
    Metric::gauge(
        "kafka_consumer_lag",
        "messages",
        "Messages that the group has not committed; zero for partitions that another replica reads.",
    )
    .by(&["topic", "partition", "group"], &[])
    .alert("over 1,000 for 5 minutes"),
    Metric::counter(
        "intake_events_total",
        "events",
        "Events from Kafka, by what they came to: `accepted`, `duplicate`, `skipped` or `poison`.",
    )
    .by(&["outcome"], &[&["accepted"], &["duplicate"], &["skipped"], &["poison"]])
    .alert("`poison` rises at all"),
    Metric::gauge(
        "simulation_queue_jobs",
        "jobs",
        "Unfinished jobs in the database, of all replicas together; counted up to 50,000.",
    )
    .by(&["status"], UNFINISHED),
    Metric::gauge(
        "simulation_queue_oldest_age_seconds",
        "seconds",
        "Since the oldest unfinished job was created; 0 without one.",
    )
    .by(&["status"], UNFINISHED)
    .alert("`pending` over 300: jobs wait for Core Service, or for workers"),
    Metric::counter("simulation_claims_total", "jobs", "Jobs claimed by this replica.").always(),
    Metric::counter(
        "simulation_leases_lost_total",
        "jobs",
        "Jobs taken over because their worker fell silent or passed the deadline.",
    )
    .always()
    .alert("rises without a rollout: a replica crashes or hangs"),
    Metric::counter(
        "simulation_retries_total",
        "attempts",
        "Attempts after which the job came back, by why: `fault` (its own), `neighbour` (Core Service or the simulator \
         is away; not charged), `silence` (the worker's), `shutdown` (not charged).",
    )
    .by(&["class"], &[&["fault"], &["neighbour"], &["silence"], &["shutdown"]])
    .alert("`fault` rises for 15 minutes"),
    Metric::counter(
        "simulated_path_steps_total",
        "path-steps",
        "Steps of paths that this replica simulated, or Ray for it: its rate is the speed.",
    )
    .always(),
    Metric::gauge(
        "outbox_messages_waiting",
        "messages",
        "Events in the database that the broker has not acknowledged, of all replicas together; counted up to 50,000.",
    )
    .always(),
    Metric::gauge(
        "outbox_oldest_age_seconds",
        "seconds",
        "Since the oldest of those was written; 0 without one.",
    )
    .always()
    .alert("over 60: events do not leave"),
    Metric::counter("outbox_published_total", "messages", "Events that the broker acknowledged, by topic.")
        .by(&["topic"], &[&["montecarlo.simulation-started"], &["montecarlo.simulation-completed"]]),
    Metric::counter(
        "outbox_publish_failures_total",
        "messages",
        "Sends that the broker did not acknowledge; the events stay in the outbox.",
    )
    .always()
    .alert("rises for 5 minutes"),
    Metric::counter(
        "database_transaction_retries_total",
        "transactions",
        "Transactions tried again, by operation and by the database's code (`connection` where it broke).",
    )
    .by(
        &["operation", "code"],
        &[&["claim", "40001"], &["settle", "40001"], &["record_intake", "40001"], &["create", "40001"]],
    )
    .alert("more than a tenth of the claims"),
    Metric::counter(
        "redis_wake_ups_lost_total",
        "wake-ups",
        "Wake-ups that did not reach Redis; other replicas then notice the work by polling.",
    )
    .always(),
    Metric::counter("result_cache_reads_total", "reads", "Reads of one job, by what Redis had of it.")
        .by(&["outcome"], &[&["hit"], &["miss"], &["rejected"], &["away"]])
        .alert("`rejected` rises: somebody else writes under our keys"),
    Metric::counter(
        "core_service_requests_total",
        "tries",
        "Tries of calls to Core Service by outcome, and calls that were not sent (`breaker_open`, `no_turn`).",
    )
    .by(&["call", "outcome"], CALLS)
    .alert("`refused` rises at all: CORE_SERVICE_TOKEN is wrong"),
    Metric::histogram(
        "core_service_request_duration_seconds",
        CALL_BUCKETS_S,
        "seconds",
        "One try of a call to Core Service, body included.",
    )
    .by(&["call"], &[]),
    Metric::gauge(
        "core_service_breaker_open",
        "",
        "1 while calls to Core Service are held back because it failed too often.",
    )
    .always()
    .alert("1 for 5 minutes: Core Service is away"),
    Metric::counter(
        "core_service_turns_total",
        "turns",
        "Turns to call Core Service, by who gave them: `redis` for all replicas, `local` for this one alone.",
    )
    .by(&["by"], &[&["redis"], &["local"]]),
    Metric::counter(
        "daily_runs_total",
        "runs",
        "Daily runs by outcome: `opened`, `caught_up`, `passed_over`, `by_hand` when they begin; `finished`, `failed` (to \
         go on later), `given_up` when a pass over the accounts ends.",
    )
    .by(&["outcome"], DAILY_RUNS)
    .alert("`finished` of all replicas does not rise for 26 hours, or `given_up` rises at all"),
    Metric::counter(
        "daily_accounts_total",
        "accounts",
        "Accounts of daily runs by outcome: `created`, `existing`, `recently_simulated`, `unusable_id`; later, by their \
         jobs, `no_closing_trades`, `account_not_found`, `account_not_active`.",
    )
    .by(&["outcome"], DAILY_ACCOUNTS)
    .alert("`unusable_id` rises at all"),
    Metric::counter(
        "retention_purged_rows_total",
        "rows",
        "Rows that this replica deleted because they had been kept long enough: a `job`, its `document`s, its `event`s that \
         had left, its `idempotency_key`; a `dead_letter`, a `daily_run`, a `spent_key`.",
    )
    .by(&["kind"], PURGED),
    Metric::counter(
        "retention_rounds_total",
        "rounds",
        "Rounds through what may be old: `finished`, or `failed` by the database, to be begun anew.",
    )
    .by(&["outcome"], &[&["finished"], &["failed"]])
    .alert("`finished` of all replicas does not rise for 6 hours, unless `RETENTION_DAYS=off`"),
    Metric::gauge("monte_carlo_service_info", "", "Always 1; its labels say what runs.")
        .by(&["version", "engine_version"], &[])
        .alert("absent for 1 minute, or two versions for an hour"),
    Metric::counter("process_cpu_seconds_total", "seconds", "Processor time, user and system."),
    Metric::gauge("process_resident_memory_bytes", "bytes", "Resident memory.")
        .alert("near the container's limit"),
    Metric::gauge("process_virtual_memory_bytes", "bytes", "Virtual memory."),
    Metric::gauge("process_virtual_memory_max_bytes", "bytes", "Limit of virtual memory."),
    Metric::gauge("process_open_fds", "descriptors", "Open file descriptors."),
    Metric::gauge("process_max_fds", "descriptors", "Limit of open file descriptors."),
    Metric::gauge("process_threads", "threads", "Threads of the system."),
    Metric::gauge("process_start_time_seconds", "seconds", "When the process started, since 1970.")
        .alert("changes often: it is restarted"),
];
