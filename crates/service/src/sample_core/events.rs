//! What the platform would have sent for the book: one `assessment.completed` a trader (contracts §2).

use monte_carlo_engine::EpochMs;
use serde_json::{Map, json};
use uuid::Uuid;

use super::book::{Book, Trader};

/// Makes the same correlation ids each time.
const NAMESPACE: Uuid = Uuid::from_u128(0x5a7c_1d0e_83b2_5f44_9e61_0c2d_7a9b_3e58);

/// One message for the topic `assessment.completed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformEvent {
    /// The assessment's id.
    pub key: String,
    /// UTF-8 JSON.
    pub payload: String,
    pub headers: Vec<(String, String)>,
}

impl Book {
    /// All events, in the order in which the assessments ended.
    pub fn events(&self) -> Vec<PlatformEvent> {
        let mut traders: Vec<&Trader> = self.traders.iter().collect();
        traders.sort_by_key(|trader| (trader.completed_at_ms, trader.assessment_id.clone()));
        traders.into_iter().map(event).collect()
    }
}

fn event(trader: &Trader) -> PlatformEvent {
    let correlation_id = Uuid::new_v5(&NAMESPACE, trader.assessment_id.as_bytes()).to_string();
    let span = Uuid::new_v5(&NAMESPACE, correlation_id.as_bytes()).simple().to_string();
    // Both forms of time occur.
    let timestamp = if trader.completed_at_ms % 2 == 0 {
        json!(EpochMs(trader.completed_at_ms))
    } else {
        json!(trader.completed_at_ms)
    };
    let payload = Map::from_iter([
        ("assessmentId".to_owned(), json!(trader.assessment_id)),
        ("userId".to_owned(), json!(trader.user_id)),
        ("tierId".to_owned(), json!(trader.tier.id)),
        ("status".to_owned(), json!(trader.outcome.as_str())),
        ("finalBalance".to_owned(), json!(trader.ledger.balance)),
        ("finalPnl".to_owned(), json!(trader.ledger.realized())),
        ("correlationId".to_owned(), json!(correlation_id)),
        ("timestamp".to_owned(), timestamp),
    ]);
    PlatformEvent {
        key: trader.assessment_id.clone(),
        payload: serde_json::Value::Object(payload).to_string(),
        headers: vec![
            ("correlation-id".to_owned(), correlation_id.clone()),
            ("traceparent".to_owned(), format!("00-{}-{}-01", span, &span[..16])),
        ],
    }
}
