//! Answers that do not arrive as they were sent.

use crate::jobs::{client, long_jobs, shared_ray, survive};
use crate::passage::{Act, Passage};

/// Every third answer meets `act`.
async fn survives(act: Act) {
    let passage =
        Passage::to(&shared_ray(), move |number| if number % 3 == 0 { act } else { Act::Pass }).await;
    survive(&client(&passage.url), &long_jobs(1).await, async {}).await;
    assert!(passage.damaged() >= 2, "{act:?}: {} were damaged", passage.damaged());
}

/// Before its first byte, within its head, within its tally.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_short_is_asked_for_again() {
    for bytes in [0, 20, 1_000] {
        survives(Act::Cut(bytes)).await;
    }
}

/// In its status, in the tally's words about itself, among its counts.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_changed_is_asked_for_again() {
    for byte in [10, 600, 2_000] {
        survives(Act::Flip(byte)).await;
    }
}
