//! The stack of one test: each of its servers can really be stopped, and started again where it was.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use monte_carlo_service::sample_core::server::{Dialect, SampleCore};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::house::{House, Neighbours};
use crate::own_server::{Kind, OwnServer};
use crate::redis_server::RedisServer;
use crate::topics;

pub(super) struct Stack {
    pub(super) house: House,
    pub(super) postgres: OwnServer,
    pub(super) kafka: OwnServer,
    pub(super) redis: RedisServer,
    core: Option<SampleCore>,
    core_url: String,
    ray: Option<Ray>,
    ray_url: String,
}

impl Stack {
    /// Migrated, with our topics.
    pub(super) async fn start() -> Self {
        let house = House::build(Neighbours::Real).await;
        let (postgres, kafka) = (OwnServer::start(Kind::Postgres), OwnServer::start(Kind::Kafka));
        let core = SampleCore::start(house.book.clone(), any(), None).await.expect("a port");
        let ray = Ray::start(any(), "healthy").await;
        let stack = Self {
            core_url: core.url(Dialect::Wrapped),
            ray_url: ray.url(),
            redis: RedisServer::start(),
            core: Some(core),
            ray: Some(ray),
            house,
            postgres,
            kafka,
        };
        topics::create(&stack.brokers(), stack.house.prefix()).await;
        let variables = stack.variables();
        let migrated = stack.house.run(&["migrate"], &as_given(&variables)).await;
        assert!(migrated.status.success(), "{migrated:?}");
        stack
    }

    fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.kafka.port)
    }

    /// What tells the program where they all are.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DATABASE_URL", format!("postgres://postgres@127.0.0.1:{}/postgres", self.postgres.port)),
            ("KAFKA_BROKERS", self.brokers()),
            ("REDIS_HOST", "127.0.0.1".to_owned()),
            ("REDIS_PORT", self.redis.port.to_string()),
            ("CORE_SERVICE_URL", self.core_url.clone()),
            ("RAY_SERVE_URL", self.ray_url.clone()),
        ]
    }

    pub(super) async fn stop_core(&mut self) {
        drop(self.core.take());
        until_free(address(&self.core_url)).await;
    }

    pub(super) async fn start_core_again(&mut self) {
        let core = SampleCore::start(self.house.book.clone(), address(&self.core_url), None).await;
        self.core = Some(core.expect("its port is free again"));
    }

    pub(super) async fn stop_ray(&mut self) {
        drop(self.ray.take());
        until_free(address(&self.ray_url)).await;
    }

    pub(super) async fn start_ray_again(&mut self) {
        self.ray = Some(Ray::start(address(&self.ray_url), "healthy").await);
    }
}

/// Variables as [`House::run`] takes them.
pub(super) fn as_given<'a>(variables: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// A Ray head that says a status of itself; ends when it is dropped.
pub(super) struct Ray {
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

impl Ray {
    pub(super) async fn start(address: SocketAddr, status: &'static str) -> Self {
        let health = move || async move { axum::Json(json!({"status": status})) };
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let router = Router::new().route("/health", get(health));
        Self { address, server: tokio::spawn(async move { axum::serve(listener, router).await }) }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Ray {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A port of loopback that nobody has.
pub(super) fn any() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().expect("an address")
}

/// A server in this process has let go of its port when its task has ended.
async fn until_free(address: SocketAddr) {
    while let Err(error) = TcpListener::bind(address).await {
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        tokio::task::yield_now().await;
    }
}
