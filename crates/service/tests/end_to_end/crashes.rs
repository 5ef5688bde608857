//! The story while processes die, come and go. Every result must be the undisturbed run's, to the bit.

use std::time::Duration;

use crate::house::{self, House, Neighbours};
use crate::story::PASSED;
use crate::{ledger, story};

#[tokio::test(flavor = "multi_thread")]
async fn three_kills_in_the_middle_lose_nothing_and_double_nothing() {
    let house = House::build(Neighbours::Real).await;
    let mut service = house.service().ready().await;
    house.tell(&story::events(&house.book)).await;
    for kill in 1..=3 {
        ledger::completed(&service, PASSED * kill / 5).await;
        service.kill();
        service = house.service().ready().await;
    }
    let digests = ledger::settle(&house, &service).await;
    assert_eq!(digests, *house::undisturbed().await);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_and_a_third_that_comes_and_goes_share_the_work_once() {
    let house = House::build(Neighbours::Real).await;
    let first = house.service().ready().await;
    let second = house.service().ready().await;
    let events = story::events(&house.book);
    // Each part of the story meets another set of members: two, three, two after a kill, three, two after a goodbye.
    for (round, part) in events.chunks(100).enumerate() {
        let third = house.service();
        house.tell(part).await;
        tokio::time::sleep(Duration::from_millis(300 * round as u64)).await;
        let third = third.ready().await;
        if round % 2 == 0 { third.kill() } else { third.stop().await }
    }
    let digests = ledger::settle(&house, &first).await;
    assert_eq!(digests, *house::undisturbed().await);
    first.stop().await;
    second.stop().await;
}
