//! A broker inside the process, for `dev` and for tests: librdkafka's own mock cluster.
//!
//! It speaks the protocol on 127.0.0.1 to any client. It keeps nothing after exit and 5 MiB a partition at most.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use rdkafka::mocking::MockCluster;

use super::KafkaError;

/// Lives until it is dropped.
#[derive(Debug)]
pub struct EmbeddedBroker {
    bootstrap_servers: String,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedBroker {
    /// A broker with these topics (name, partitions) on a port of its own choice.
    ///
    /// # Errors
    /// Where no port or no thread is to be had.
    pub fn start(topics: &[(&str, i32)]) -> Result<Self, KafkaError> {
        let topics: Vec<(String, i32)> =
            topics.iter().map(|&(name, partitions)| (name.to_owned(), partitions)).collect();
        let (stop, stopped) = mpsc::channel::<()>();
        let (started, address) = mpsc::channel();
        // The cluster may not change threads, so it is made, and ends, on one of its own.
        let thread = thread::Builder::new()
            .name("embedded-kafka".into())
            .spawn(move || match cluster(&topics) {
                Ok(cluster) => {
                    let _ = started.send(Ok(cluster.bootstrap_servers()));
                    let _ = stopped.recv();
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            })
            .map_err(|error| KafkaError::Settings(error.to_string()))?;
        let bootstrap_servers = address.recv().map_err(|_| KafkaError::Stopped)??;
        Ok(Self { bootstrap_servers, stop: Some(stop), thread: Some(thread) })
    }

    /// What `KAFKA_BROKERS` would say.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }
}

fn cluster(
    topics: &[(String, i32)],
) -> Result<MockCluster<'static, rdkafka::producer::DefaultProducerContext>, KafkaError> {
    let settings = |error: rdkafka::error::KafkaError| KafkaError::Settings(error.to_string());
    let cluster = MockCluster::new(1).map_err(settings)?;
    for (name, partitions) in topics {
        cluster.create_topic(name, *partitions, 1).map_err(settings)?;
    }
    Ok(cluster)
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
