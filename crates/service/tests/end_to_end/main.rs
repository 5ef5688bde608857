//! One event all the way, on real parts: Kafka → job → simulation → stored result → event; and the same while
//! processes die. Run by `./test end-to-end`, which starts the servers; `on_ray` by `./test ray`, `chaos` by `./test chaos`.

mod cancelling;
mod chaos;
mod crashes;
mod flow;
mod goodbye;
mod house;
mod kafkajs;
mod ledger;
mod on_ray;
mod outage;
mod own_server;
mod passage;
#[path = "../ray/processes.rs"]
mod processes;
mod ray;
mod redis_server;
mod service;
mod specification;
mod starting;
mod story;
mod topics;
mod wakeups;
