//! What can be read is written, and read again, as the same value; what cannot be read is refused without a panic.
#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use monte_carlo_engine::{InputData, SimulationConfig, Subject};
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(|bytes: &[u8]| {
    there_and_back::<InputData>(bytes);
    there_and_back::<SimulationConfig>(bytes);
    there_and_back::<Subject>(bytes);
});

fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(bytes) else { return };
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(again, read);
}
