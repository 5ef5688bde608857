//! Leases live by the database's clock.

use monte_carlo_service::jobs::ids::{Lease, LeaseToken};
use monte_carlo_service::store::{Beat, ClaimRequest, Store};
use uuid::Uuid;

use crate::fixtures::{claim, claim_one, insert, leases, pending, request};
use crate::world::World;

fn beat(lease: &Lease, progress: f64) -> Beat {
    Beat { lease: lease.clone(), progress }
}

pub(crate) async fn runs_out_by_the_database_clock(world: &World) {
    insert(&*world.store, &["a"]).await;
    let claimed = claim_one(&*world.store).await;
    world.pass_ms(55_000).await;
    assert_eq!(world.store.expired(10).await.expect("lists"), []);
    let held = world.store.beat(&[beat(&claimed.lease, 0.1)], 60_000).await.expect("beats");
    assert_eq!(held, std::slice::from_ref(&claimed.lease));
    world.pass_ms(55_000).await;
    assert_eq!(world.store.expired(10).await.expect("lists"), [], "extended");
    world.pass_ms(6_000).await;
    let expired = world.store.expired(10).await.expect("lists");
    assert_eq!(expired.len(), 1);
    assert_eq!((&expired[0].lease, expired[0].job.attempts, expired[0].job.snoozes), (&claimed.lease, 1, 0));
    assert_eq!(world.store.expired(0).await.expect("lists"), []);
    let held = world.store.beat(&[beat(&claimed.lease, 0.2)], 60_000).await.expect("beats");
    assert_eq!(held, [claimed.lease], "late, but nobody else has it");
    assert_eq!(world.store.expired(10).await.expect("lists"), []);
}

pub(crate) async fn ends_at_the_deadline(world: &World) {
    insert(&*world.store, &["a"]).await;
    let request = ClaimRequest { lease_ms: 60_000, deadline_ms: 100_000, ..request(1) };
    let claimed = world.store.claim(request).await.expect("claims").remove(0);
    world.pass_ms(90_000).await;
    assert_eq!(world.store.beat(&[beat(&claimed.lease, 0.5)], 60_000).await.expect("beats").len(), 1);
    assert_eq!(world.store.expired(10).await.expect("lists"), []);
    world.pass_ms(11_000).await;
    assert_eq!(world.store.expired(10).await.expect("lists").len(), 1, "no beat reaches beyond the deadline");
    assert_eq!(world.store.beat(&[beat(&claimed.lease, 0.5)], 60_000).await.expect("beats"), []);
    world.store.settle(&claimed.lease, &pending(1, 0, 0, None)).await.expect("settles");
    let short = ClaimRequest { lease_ms: 60_000, deadline_ms: 0, ..request };
    world.store.claim(short).await.expect("claims");
    assert_eq!(world.store.expired(10).await.expect("lists").len(), 1, "nor does the claim itself");
}

/// Set back by an hour, it would have everything wait so long.
pub(crate) async fn follows_a_clock_that_is_set_back(world: &World) {
    const HOUR_MS: i64 = 3_600_000;
    const LEASE_MS: u64 = 6_000;
    insert(&*world.store, &["runs"]).await;
    let running = claim_one(&*world.store).await;
    insert(&*world.store, &["waits"]).await;
    assert_eq!(world.store.follow_clock(60_000, 60_000).await.expect("follows"), 0, "it was not set back");
    world.pass_ms(-HOUR_MS).await;
    assert_eq!(claim(&*world.store, 10).await, [], "it is due in an hour");
    assert_eq!(world.store.follow_clock(60_000, LEASE_MS).await.expect("follows"), 2);
    assert_eq!(claim(&*world.store, 10).await.len(), 1, "due at once");
    assert_eq!(world.store.expired(10).await.expect("lists"), [], "its worker may be alive");
    world.pass_ms(LEASE_MS as i64 + 1).await;
    let expired = world.store.expired(10).await.expect("lists");
    assert_eq!(expired.iter().map(|expired| &expired.lease).collect::<Vec<_>>(), [&running.lease]);
}

pub(crate) async fn progress_never_falls(world: &World) {
    let id = insert(&*world.store, &["a"]).await.remove(0);
    let claimed = claim_one(&*world.store).await;
    for (told, shown) in [(0.5, 0.5), (0.25, 0.5), (f64::NAN, 0.5), (-1.0, 0.5), (7.0, 1.0)] {
        world.store.beat(&[beat(&claimed.lease, told)], 60_000).await.expect("beats");
        let record = world.store.job(&id).await.expect("reads").expect("is there");
        assert_eq!(record.progress, shown, "{told}");
    }
    world.store.settle(&claimed.lease, &pending(1, 0, 0, None)).await.expect("settles");
    let claimed = claim_one(&*world.store).await;
    world.store.beat(&[beat(&claimed.lease, 0.125)], 60_000).await.expect("beats");
    let record = world.store.job(&id).await.expect("reads").expect("is there");
    assert_eq!(record.progress, 0.125, "a new attempt begins anew");
}

pub(crate) async fn says_which_leases_hold(world: &World) {
    insert(&*world.store, &["a", "b", "c"]).await;
    let claimed = claim(&*world.store, 3).await;
    world.store.settle(&claimed[1].lease, &pending(1, 0, 0, None)).await.expect("settles");
    let ghost = Lease { token: LeaseToken(Uuid::new_v4()), ..claimed[0].lease.clone() };
    let mut beats: Vec<_> = leases(&claimed).iter().map(|lease| beat(lease, 0.5)).collect();
    beats.push(beat(&ghost, 0.75));
    let mut held = world.store.beat(&beats, 60_000).await.expect("beats");
    held.sort_by(|one, other| one.job.cmp(&other.job));
    assert_eq!(held, [claimed[0].lease.clone(), claimed[2].lease.clone()]);
    assert_eq!(world.store.beat(&[], 60_000).await.expect("beats"), []);
}
