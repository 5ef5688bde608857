//! The server: dialect A at the root, dialect B under `/bare`. It is as strict as a contract can be, so that
//! what we send is checked: an unknown parameter is a 400, a wrong token a 401. Its [`FaultDial`] makes it misbehave.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::book::{Book, Ledger};
use super::dial::{self, FaultDial};
use super::shapes;

/// Dialect A's page, unless asked for another.
const PAGE_DEFAULT: usize = 50;
/// Dialect A's largest page.
const PAGE_MAX: usize = 100;

/// Which form the answers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A: wrapped, paged.
    Wrapped,
    /// B: bare, all at once.
    Bare,
}

/// A running sample; ends when it is dropped.
#[derive(Debug)]
pub struct SampleCore {
    address: SocketAddr,
    dial: FaultDial,
    server: JoinHandle<()>,
}

impl SampleCore {
    /// Serves a book in both dialects at `address` (port 0 for any); asks for `token`, where there is one.
    ///
    /// # Errors
    /// Where the address is not to be had.
    pub async fn start(book: Book, address: SocketAddr, token: Option<SecretString>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let dial = FaultDial::default();
        let app = router(Arc::new(book), token, dial.clone());
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the sample Core Service ended");
            }
        });
        Ok(Self { address, dial, server })
    }

    /// Makes it misbehave, and knows what it was asked.
    pub fn dial(&self) -> &FaultDial {
        &self.dial
    }

    /// What `CORE_SERVICE_URL` would say.
    pub fn url(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::Wrapped => format!("http://{}", self.address),
            Dialect::Bare => format!("http://{}/bare", self.address),
        }
    }
}

impl Drop for SampleCore {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Parameters = Query<BTreeMap<String, String>>;

#[derive(Clone)]
struct Shop {
    book: Arc<Book>,
    dialect: Dialect,
}

fn router(book: Arc<Book>, token: Option<SecretString>, dial: FaultDial) -> Router {
    let routes = || {
        Router::new()
            .route("/assessments/{id}", get(assessment))
            .route("/trades", get(trades))
            .route("/funded-accounts", get(funded_accounts))
            .route("/funded-accounts/{id}", get(funded_account))
    };
    let wrapped = routes().with_state(Shop { book: Arc::clone(&book), dialect: Dialect::Wrapped });
    let bare = routes().with_state(Shop { book, dialect: Dialect::Bare });
    let expected = token.map(|token| Arc::new(format!("Bearer {}", token.expose_secret())));
    wrapped
        .nest("/bare", bare)
        .layer(middleware::from_fn_with_state(expected, check_token))
        .layer(middleware::from_fn_with_state(dial, dial::turn))
}

async fn check_token(State(expected): State<Option<Arc<String>>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if expected.is_some_and(|expected| given != Some(expected.as_str())) {
        return refuse(StatusCode::UNAUTHORIZED, "the token is missing or wrong");
    }
    next.run(request).await
}

async fn assessment(State(shop): State<Shop>, Path(id): Path<String>) -> Response {
    match (shop.book.assessment(&id), shop.dialect) {
        (Some(trader), Dialect::Wrapped) => Json(shapes::wrapped::assessment(trader)).into_response(),
        (Some(trader), Dialect::Bare) => Json(shapes::bare::assessment(trader)).into_response(),
        (None, _) => refuse(StatusCode::NOT_FOUND, "no such assessment"),
    }
}

async fn funded_account(State(shop): State<Shop>, Path(id): Path<String>) -> Response {
    match (shop.book.funded_account(&id), shop.dialect) {
        (Some((trader, account)), Dialect::Wrapped) => {
            Json(shapes::wrapped::funded_account(trader, account)).into_response()
        }
        (Some((trader, account)), Dialect::Bare) => {
            Json(shapes::bare::funded_account(trader, account)).into_response()
        }
        (None, _) => refuse(StatusCode::NOT_FOUND, "no such funded account"),
    }
}

/// Dialect A passes over `status`, as it may; B heeds it.
async fn funded_accounts(State(shop): State<Shop>, Query(parameters): Parameters) -> Response {
    if let Err(refusal) = only(&parameters, &["status"]) {
        return refusal;
    }
    let accounts = shop.book.traders.iter().filter_map(|trader| Some((trader, trader.funded.as_ref()?)));
    match shop.dialect {
        Dialect::Wrapped => {
            let list: Vec<Value> =
                accounts.map(|(trader, account)| shapes::wrapped::inner_account(trader, account)).collect();
            Json(json!({ "fundedAccounts": list })).into_response()
        }
        Dialect::Bare => {
            let wants_active = parameters.get("status").is_some_and(|status| status == "active");
            let list: Vec<Value> = accounts
                .filter(|(_, account)| account.is_active || !wants_active)
                .map(|(trader, account)| shapes::bare::listed_account(trader, account))
                .collect();
            Json(list).into_response()
        }
    }
}

/// Each dialect reads its own spelling of the id, knows the other's, and refuses anything else.
async fn trades(State(shop): State<Shop>, Query(parameters): Parameters) -> Response {
    let known = ["assessmentId", "assessment_id", "fundedAccountId", "funded_account_id", "limit", "offset"];
    if let Err(refusal) = only(&parameters, &known) {
        return refusal;
    }
    let [assessment, funded] = match shop.dialect {
        Dialect::Wrapped => ["assessmentId", "fundedAccountId"],
        Dialect::Bare => ["assessment_id", "funded_account_id"],
    };
    let book = &shop.book;
    let ledger = match (parameters.get(assessment), parameters.get(funded)) {
        (Some(id), None) => book.assessment(id).map(|trader| &trader.ledger),
        (None, Some(id)) => book.funded_account(id).map(|(_, account)| &account.ledger),
        _ => return refuse(StatusCode::BAD_REQUEST, &format!("exactly one of {assessment}, {funded}")),
    };
    let Some(ledger) = ledger else { return refuse(StatusCode::NOT_FOUND, "no such account") };
    match shop.dialect {
        Dialect::Bare => Json(ledger.trades.iter().map(shapes::trade).collect::<Vec<_>>()).into_response(),
        Dialect::Wrapped => page(ledger, &parameters),
    }
}

/// Newest first.
fn page(ledger: &Ledger, parameters: &BTreeMap<String, String>) -> Response {
    let number = |name: &str, default: usize| parameters.get(name).map_or(Ok(default), |text| text.parse());
    let (Ok(limit), Ok(offset)) = (number("limit", PAGE_DEFAULT), number("offset", 0)) else {
        return refuse(StatusCode::BAD_REQUEST, "limit and offset are numbers");
    };
    if limit > PAGE_MAX {
        return refuse(StatusCode::BAD_REQUEST, &format!("at most {PAGE_MAX} a page"));
    }
    let trades: Vec<Value> = ledger.trades.iter().rev().skip(offset).take(limit).map(shapes::trade).collect();
    let total = ledger.trades.len();
    Json(json!({ "trades": trades, "total": total, "limit": limit, "offset": offset })).into_response()
}

/// Refuses what the contract does not know.
#[expect(clippy::result_large_err, reason = "the answer itself, handed straight on")]
fn only(parameters: &BTreeMap<String, String>, known: &[&str]) -> Result<(), Response> {
    match parameters.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(refuse(StatusCode::BAD_REQUEST, &format!("unknown parameter {name}"))),
        None => Ok(()),
    }
}

fn refuse(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "error": text }))).into_response()
}
