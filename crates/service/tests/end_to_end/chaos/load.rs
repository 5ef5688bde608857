//! The platform: sends an event at each turn, whatever happens to the service.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use monte_carlo_service::kafka::topics::ASSESSMENT_COMPLETED;
use monte_carlo_service::sample_core::events::PlatformEvent;
use rdkafka::producer::future_producer::DeliveryFuture;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::watch::Watch;
use crate::house::House;
use crate::topics::{self, Outgoing};

/// Every so many events, one is sent twice, as the platform may.
const DOUBLED_EVERY: usize = 10;
/// The broker has what was sent within this, though it was away for some of it.
const DELIVERED_BOUND: Duration = Duration::from_secs(60);

/// The events of a book, and of as many more as are asked for.
pub(super) struct Story {
    events: Vec<PlatformEvent>,
}

pub(super) struct Load {
    sent: Arc<Mutex<Vec<Sent>>>,
    stop: CancellationToken,
    sending: JoinHandle<()>,
}

/// An event of the platform.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) assessment: String,
    pub(super) at: Instant,
}

impl Story {
    pub(super) fn of(house: &House) -> Self {
        let passed: std::collections::HashSet<_> =
            house.book.passed().map(|trader| trader.assessment_id.as_str()).collect();
        let events = house.book.events().into_iter();
        Self { events: events.filter(|event| passed.contains(event.key.as_str())).collect() }
    }

    /// Beyond the book, its traders come once more, under other ids.
    pub(super) fn event(&self, number: usize) -> Outgoing {
        let event = &self.events[number % self.events.len()];
        let assessment = match number / self.events.len() {
            0 => event.key.clone(),
            round => format!("{}~{round}", event.key),
        };
        let payload = event.payload.replace(&format!("\"{}\"", event.key), &format!("\"{assessment}\""));
        Outgoing { key: Some(assessment), payload: payload.into_bytes(), headers: event.headers.clone() }
    }
}

impl Load {
    pub(super) fn begin(house: &House, rate: u32) -> Self {
        let (sent, stop) = (Arc::<Mutex<Vec<Sent>>>::default(), CancellationToken::new());
        let sending = send(house, rate, sent.clone(), stop.clone());
        Self { sent, stop, sending: tokio::spawn(sending) }
    }

    pub(super) fn count(&self) -> usize {
        self.sent.lock().expect("nobody panics with it").len()
    }

    /// When the oldest event was sent that was not told yet.
    pub(super) fn oldest_but(&self, watch: &Watch) -> Option<Instant> {
        let sent = self.sent.lock().expect("nobody panics with it");
        watch.first_untold(&sent).map(|event| event.at)
    }

    /// Sends no more; all that was sent, once the broker has it.
    pub(super) async fn end(self) -> Vec<Sent> {
        self.stop.cancel();
        self.sending.await.expect("the broker took every event");
        let mut sent = self.sent.lock().expect("nobody panics with it");
        std::mem::take(&mut *sent)
    }
}

fn send(
    house: &House,
    rate: u32,
    sent: Arc<Mutex<Vec<Sent>>>,
    stop: CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let (story, producer) = (Story::of(house), topics::producer(house.brokers()));
    let topic = format!("{}{ASSESSMENT_COMPLETED}", house.prefix());
    async move {
        // One that is missed is made up for: the rate is what counts.
        let mut turns = tokio::time::interval(Duration::from_secs(1) / rate);
        let mut reports = VecDeque::new();
        for number in 0.. {
            if stop.run_until_cancelled(turns.tick()).await.is_none() {
                break;
            }
            let event = story.event(number);
            let assessment = event.key.clone().expect("it has one");
            // Told before it is sent: whoever hears of its end has heard of it.
            sent.lock().expect("nobody panics with it").push(Sent { assessment, at: Instant::now() });
            for _ in 0..if number % DOUBLED_EVERY == 0 { 2 } else { 1 } {
                reports.push_back(topics::hand_over(&producer, &topic, &event));
            }
            forget_delivered(&mut reports);
        }
        for report in reports {
            let told = tokio::time::timeout(DELIVERED_BOUND, report).await.expect("in time");
            told.expect("a report").expect("delivered");
        }
    }
}

fn forget_delivered(reports: &mut VecDeque<DeliveryFuture>) {
    while let Some(told) = reports.front_mut().and_then(FutureExt::now_or_never) {
        told.expect("a report").expect("delivered");
        reports.pop_front();
    }
}
