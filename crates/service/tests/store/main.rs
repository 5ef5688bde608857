//! What every [`Store`](monte_carlo_service::store::Store) must do, run on every database that we support.
//!
//! PostgreSQL is found by `TEST_DATABASE_URL`; `TEST_COCKROACH_URL` adds CockroachDB. Each test makes a database
//! of its own and drops it. No test sleeps: [`World::pass_ms`](world::World::pass_ms) moves the database's times.

mod backlog;
mod by_hand;
mod claiming;
mod contention;
mod creating;
mod daily;
mod dead_letters;
mod examining;
mod fencing;
mod fixtures;
mod intake;
mod leasing;
mod migrating;
mod model;
mod outages;
mod outbox;
mod reading;
mod retention;
mod settling;
mod values;
mod world;

/// Makes a test of each scenario on each database.
macro_rules! on_every_database {
    ($($module:ident: $($scenario:ident),+;)+) => {
        on_every_database! { @on sqlite Sqlite: $($module: $($scenario),+;)+ }
        on_every_database! { @on postgres_read_committed ReadCommitted: $($module: $($scenario),+;)+ }
        on_every_database! { @on postgres_serializable Serializable: $($module: $($scenario),+;)+ }
        #[cfg(feature = "cockroach-tests")]
        on_every_database! { @on cockroach Cockroach: $($module: $($scenario),+;)+ }
    };
    (@on $database:ident $kind:ident: $($module:ident: $($scenario:ident),+;)+) => {
        mod $database {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $scenario() {
                    let world = crate::world::World::new(crate::world::Kind::$kind).await;
                    world.see(crate::$module::$scenario(&world)).await;
                })+
            })+
        }
    };
}

on_every_database! {
    migrating: twice_is_once, is_seen_only_when_done, by_four_at_once, leaves_a_newer_schema_alone,
        comes_anew_when_reset;
    examining: tells_version_clock_and_schema, tells_what_is_missing, tells_why_it_would_not_let_us_write;
    intake: passes_over_what_it_has_seen, dedupes_under_rivals, takes_a_thousand_at_once,
        keeps_poison_once, keeps_inputs_that_came_along, is_all_or_nothing;
    creating: replays_a_key, makes_one_job_of_a_key_under_rivals, creates_without_a_key,
        finds_the_bearer_of_a_dedupe_key, recognizes_its_own_lost_commit;
    claiming: takes_the_oldest_first, hands_no_job_out_twice, is_a_step_of_the_machine,
        starts_a_job_once_over_its_retries, brings_inputs_along, leaves_what_is_not_due,
        lets_an_assessment_pass_a_book_of_daily_jobs, offers_daily_jobs_their_places;
    dead_letters: are_paged_newest_first, are_taken_in_once_with_their_job,
        are_jobs_too_that_failed_and_that_nobody_cancelled;
    by_hand: a_cancelled_job_is_over_for_everybody, what_is_over_is_not_cancelled,
        a_failed_job_is_tried_anew_as_if_just_ordered;
    fencing: a_lost_lease_changes_nothing, a_silent_owner_may_still_settle, a_sweeper_is_too_late_for_a_beat, a_token_fits_its_own_job_only,
        final_states_refuse_everything, an_attempt_cannot_end_in_running;
    leasing: runs_out_by_the_database_clock, follows_a_clock_that_is_set_back, ends_at_the_deadline, progress_never_falls, says_which_leases_hold;
    settling: completes_in_one_go, leaves_nothing_after_a_fault, comes_back_when_due, fails_with_its_reason,
        keeps_its_input_over_a_retry;
    outbox: belongs_to_one_relay_at_a_time, follows_a_clock_that_is_set_back, comes_back_when_a_relay_dies, stays_with_a_relay_that_is_sending_it,
        is_released_by_its_owner_only,
        shares_out_among_rivals, leaves_in_order, tells_of_the_start_before_the_end,
        holds_back_what_follows_of_a_key;
    backlog: counts_what_is_not_finished, counts_up_to_its_limit;
    reading: lists_newest_first, filters, pages_over_equal_times, lists_no_trades, knows_nothing_of_strange_ids;
    values: json_comes_back_as_it_went, numbers_come_back_to_the_bit, nul_poisons_nothing,
        unreadable_json_spoils_its_own_job_only;
    daily: a_fire_opens_one_run_whoever_sees_it, a_run_has_one_holder_at_a_time, a_run_goes_on_where_it_stopped,
        a_day_that_is_opened_again_makes_no_second_job, passes_over_what_was_simulated_lately,
        a_skipped_job_is_completed_without_a_result, ten_thousand_accounts_have_their_jobs;
    retention: lets_go_of_what_is_old_and_of_nothing_else, a_spent_key_goes_on_stopping_duplicates,
        a_nights_keys_go_with_their_jobs, a_callers_key_goes_with_its_job, daily_runs_and_dead_letters_go_by_their_age,
        goes_in_batches_and_passes_by_what_stays, several_go_round_at_once_beside_an_intake,
        an_insert_that_waits_for_a_purge_finds_the_key_spent;
    model: agrees_with_the_store;
}
