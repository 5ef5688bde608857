//! Faults under load, on real servers. `./test chaos` runs these alone.
//!
//! A [`Scene`] is two replicas and a platform that sends an event every 20 ms, before a fault, during it and after it.
//! At its end no event may be lost, none may have two jobs or two ids of events, every job must be completed, and every
//! result must be the undisturbed run's, to the bit. How long it took is told and not asserted.
//!
//! **Recovery** is the time from the end of the last fault until the last event was told that was told late, that is more
//! than [`LATE`] after the platform sent it. From that moment on throughput is back to what is sent.
//!
//! When faults fall is decided by a seed, which is told; `CHAOS_SEED` plays it again.

mod brokers;
mod clock;
mod databases;
mod disk;
mod elsewhere;
mod kills;
mod load;
mod proxy;
mod redis;
mod schedulers;
mod soak;
mod undisturbed;
mod verdict;
mod watch;
mod ways;

use std::time::{Duration, Instant};

use self::load::Load;
use self::verdict::Figures;
use self::watch::Watch;
use crate::house::{House, Neighbours, given};
use crate::service::Service;

/// An event that is told later is late: some ten times what it takes on two busy cores.
const LATE: Duration = Duration::from_secs(2);
/// Events a second, unless `CHAOS_RATE` says otherwise: a busy machine may not carry so many.
const RATE: u32 = 50;
/// Before a fault, so many events have come all the way.
const FLOWING: usize = 25;
/// After the last fault the load goes on for so long at least, so that what comes late is seen beside what does not …
const AFTER: Duration = Duration::from_secs(3);
/// … and at most so long, where nothing gets better.
const AFTER_MAX: Duration = Duration::from_secs(15);
/// What replicas are told beside the house's variables. It is the service that is looked at: jobs are small (the weighted
/// histories would be a hundred times the paths), and Core Service may be asked as fast as it answers.
const SETTINGS: [(&str, &str); 4] = [
    ("SIMULATION_PATHS", "1000"),
    ("SIMULATION_HISTORY_REPLICATES", "0"),
    ("CORE_SERVICE_MAX_CALLS_PER_SECOND", "10000"),
    ("WORKER_CONCURRENCY", "8"),
];
/// Unless `CHAOS_SEED` says otherwise.
const SEED: u64 = 20_261_130;

/// A house under load, into which a test brings faults.
struct Scene {
    name: &'static str,
    seed: u64,
    rng: fastrand::Rng,
    house: House,
    load: Load,
    watch: Watch,
    mended: Instant,
}

/// A replica with variables of its own.
fn replica(house: &House, variables: &[(&str, &str)]) -> Service {
    house.service_with(&[&SETTINGS[..], variables].concat())
}

/// A replica with the name of a pod, which a container that crashes keeps: as `k8s/deployment.yaml` has it.
fn named(house: &House, name: &str, variables: &[(&str, &str)]) -> Service {
    replica(house, &[&[("KAFKA_GROUP_INSTANCE_ID", name)], variables].concat())
}

/// As deployed.
async fn two_replicas(house: &House, variables: &[(&str, &str)]) -> [Service; 2] {
    let [one, other] = ["one", "other"].map(|name| named(house, name, variables));
    tokio::join!(one.ready(), other.ready()).into()
}

/// What a variable says in place of the default.
fn number<T: std::str::FromStr>(variable: &str, default: T) -> T {
    given(variable).map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{variable} is a whole number, not {text}"))
    })
}

impl Scene {
    /// The load begins; the replicas may be there or not.
    async fn begin(name: &'static str, house: House) -> Self {
        let seed = number("CHAOS_SEED", SEED);
        // Another dice for each scene.
        let dice = name.bytes().fold(seed, |dice, byte| dice.wrapping_mul(31).wrapping_add(byte.into()));
        let watch = Watch::begin(&house);
        let load = Load::begin(&house, number("CHAOS_RATE", RATE));
        let scene = Self {
            name,
            seed,
            rng: fastrand::Rng::with_seed(dice),
            house,
            load,
            watch,
            mended: Instant::now(),
        };
        scene.watch.told(FLOWING).await;
        scene
    }

    /// The load goes on for a time between these, in milliseconds, as the seed says.
    async fn pass(&mut self, ms: std::ops::Range<u64>) {
        tokio::time::sleep(Duration::from_millis(self.rng.u64(ms))).await;
    }

    /// The last fault so far has just ended.
    fn mended(&mut self) {
        self.mended = Instant::now();
    }

    /// The load goes on until what is sent is told in time, and ends; then all must be well.
    async fn end(self, service: &Service) -> Figures {
        while self.mended.elapsed() < AFTER_MAX {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let oldest = self.load.oldest_but(&self.watch).map_or(Duration::ZERO, |sent| sent.elapsed());
            if self.mended.elapsed() > AFTER && oldest < LATE {
                break;
            }
        }
        let sent = self.load.end().await;
        let heard = self.watch.end(sent.len()).await;
        let figures = verdict::judge(&self.house, service, &sent, &heard, self.mended).await;
        figures.tell(self.name, self.seed);
        figures.assert_well(self.name, service);
        figures
    }

    /// The same of two replicas, which end in order then.
    async fn end_on(self, [one, other]: [Service; 2]) -> Figures {
        let figures = self.end(&one).await;
        one.stop().await;
        other.stop().await;
        figures
    }
}

/// A house on the servers that `./test` starts.
async fn house() -> House {
    House::build(Neighbours::Real).await
}
