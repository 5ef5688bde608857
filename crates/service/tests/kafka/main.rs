//! The Kafka room against brokers: the embedded one always, and a real one, whose address the runner of the
//! tests gives in `TEST_KAFKA_BROKERS` (`./test kafka` starts one).

mod away;
mod cluster;
mod consuming;
mod metrics;
mod relaying;
mod securing;
