//! `POST /simulations/daily`: what it takes, what it answers.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::{Date, date};
use monte_carlo_service::schedule::trigger::{DailyDoor, DailyReport, TriggerError};
use monte_carlo_service::store::StoreError;
use monte_carlo_service::store::daily::DailyCounts;
use reqwest::Method;
use serde_json::json;

use crate::service::{Answer, Service};

/// The schedule, as far as the API sees it; today is 24 November 2026.
#[derive(Default)]
pub(crate) struct Door {
    asked: Mutex<Vec<Option<Date>>>,
}

#[async_trait]
impl DailyDoor for Door {
    async fn run(&self, day: Option<Date>, _patience: Duration) -> Result<DailyReport, TriggerError> {
        self.asked.lock().unwrap().push(day);
        let day = day.unwrap_or(date(2026, 11, 24));
        match day.day() {
            25 => Err(TriggerError::Day {
                earliest: date(2026, 10, 24),
                today: date(2026, 11, 24),
                zone: "UTC".into(),
            }),
            13 => Err(TriggerError::Unfinished {
                day,
                done: 500,
                listed: 1_200,
                cause: "Core Service is away".into(),
            }),
            12 => Err(TriggerError::Store(StoreError::Unavailable("hunter2".into()))),
            _ => {
                let skipped = [("no_closing_trades".to_owned(), 2)].into();
                let counts = DailyCounts {
                    listed: 10,
                    created: 5,
                    existing: 2,
                    skipped,
                    recently_simulated: 1,
                    ..DailyCounts::default()
                };
                Ok(DailyReport { day, counts })
            }
        }
    }
}

async fn post(service: &Service, body: &'static str) -> Answer {
    let request =
        service.request(Method::POST, "/simulations/daily").header("content-type", "application/json");
    Answer::of(request.body(body).send().await.unwrap()).await
}

#[tokio::test]
async fn a_run_is_answered_with_its_counts() {
    let service = Service::start().await;
    let counts = json!({
        "date": "2026-11-24", "accounts": 10, "created": 5, "existing": 2,
        "skipped": {"no_closing_trades": 2, "recently_simulated": 1},
    });
    let bare = Answer::of(service.request(Method::POST, "/simulations/daily").send().await.unwrap()).await;
    assert_eq!((bare.status, bare.json()), (200, counts.clone()), "without a body");
    for body in ["{}", r#"{"date": null}"#, r#"{"date": "2026-11-24"}"#] {
        let answer = post(&service, body).await;
        assert_eq!((answer.status, answer.json()), (200, counts.clone()), "{body}");
    }
    let asked = service.door.asked.lock().unwrap().clone();
    assert_eq!(asked, [None, None, None, Some(date(2026, 11, 24))]);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let service = Service::start().await;
    let refusal =
        |status, code: &str, field: Option<&str>| (status, code.to_owned(), field.map(str::to_owned));
    for (body, field) in [
        (r#"{"date": "24.11.2026"}"#, Some("date")),
        (r#"{"date": "2026-11-24T02:00:00Z"}"#, Some("date")),
        (r#"{"date": "2026-13-01"}"#, Some("date")),
        (r#"{"date": ""}"#, Some("date")),
        (r#"{"date": 20261124}"#, Some("date")),
        (r#"{"day": "2026-11-24"}"#, Some("day")),
        (r#"["2026-11-24"]"#, None),
    ] {
        assert_eq!(post(&service, body).await.refusal(), refusal(400, "invalid_request", field), "{body}");
    }
    assert_eq!(post(&service, "{").await.refusal(), refusal(400, "invalid_json", None));
    let untyped = service.request(Method::POST, "/simulations/daily").body("{}").send().await.unwrap();
    assert_eq!(Answer::of(untyped).await.refusal(), refusal(415, "unsupported_media_type", None));
    assert_eq!(service.get("/simulations/daily").await.refusal(), refusal(405, "method_not_allowed", None));
    assert_eq!(service.door.asked.lock().unwrap().len(), 0, "nothing of this ran");

    let tomorrow = post(&service, r#"{"date": "2026-11-25"}"#).await;
    assert_eq!(tomorrow.refusal(), refusal(400, "invalid_request", Some("date")));
}

#[tokio::test]
async fn a_run_that_is_not_finished_says_how_far_it_came_and_when_to_ask_again() {
    let service = Service::start().await;
    let answer = post(&service, r#"{"date": "2026-11-13"}"#).await;
    assert_eq!(answer.refusal(), (503, "daily_run_unfinished".to_owned(), None));
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    assert_eq!(
        error,
        "Core Service is away; 500 of 1200 accounts are done, and the run of 2026-11-13 goes on by itself"
    );
    assert!(!answer.header("retry-after").is_empty());
    let down = post(&service, r#"{"date": "2026-11-12"}"#).await;
    assert_eq!(down.refusal(), (503, "database_unavailable".to_owned(), None));
    assert!(!down.text.contains("hunter2"));
}
