//! Kafka, behind small types of our own.
