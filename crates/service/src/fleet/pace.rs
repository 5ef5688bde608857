//! One limit on calls for all replicas, by Redis' own clock. Without Redis each keeps the same limit for itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::link::{COMMAND_BOUND, Link, LinkError};
use crate::core_service::pace::{LocalPace, Pace, Rate};

/// No honest place is further off: the longest wait for a turn, twice. Beyond it the clock was set back, or the value
/// is not ours.
const FURTHEST: Duration = Duration::from_secs(60);

/// [`LocalPace::turn_at`] again, where the line of time is Redis'. Times are microseconds; -1 is no turn.
const TURN: &str = "
    local time = redis.call('TIME')
    local now = time[1] * 1000000 + time[2]
    local interval, slack = tonumber(ARGV[1]), tonumber(ARGV[2])
    local wait_max, furthest = tonumber(ARGV[3]), tonumber(ARGV[4])
    local place = tonumber(redis.call('GET', KEYS[1]) or '') or now
    if not (place >= now and place <= now + furthest) then place = now end
    local wait = math.max(place - slack - now, 0)
    if wait > wait_max then return -1 end
    local next_place = place + interval
    local kept_ms = math.ceil((next_place - now) / 1000)
    redis.call('SET', KEYS[1], string.format('%.0f', next_place), 'PX', kept_ms)
    return math.ceil(wait)";

/// `core_service_turns_total{by}`: turns given by `redis`, or by this replica alone, `local`.
pub const TURNS: &str = "core_service_turns_total";

/// The pace of all replicas that have the same neighbour.
pub struct FleetPace {
    link: Arc<Link>,
    key: String,
    rate: Rate,
    local: LocalPace,
}

impl FleetPace {
    /// `neighbour` names whom the limit protects; who names the same shares it.
    pub fn new(link: Arc<Link>, neighbour: &str, rate: Rate) -> Self {
        let key = link.key(&format!("calls:v1:{neighbour}"));
        Self { link, key, rate, local: LocalPace::new(rate) }
    }

    async fn turn_of_all(&self, wait_max: Duration) -> Result<i64, LinkError> {
        let mut command = redis::cmd("EVAL");
        command.arg(TURN).arg(1).arg(&self.key);
        for duration in [self.rate.interval(), self.rate.slack(), wait_max, FURTHEST] {
            command.arg(duration.as_micros() as u64);
        }
        self.link.ask(&command, COMMAND_BOUND).await
    }
}

#[async_trait]
impl Pace for FleetPace {
    async fn turn(&self, wait_max: Duration) -> Option<Duration> {
        let wait_max = wait_max.min(FURTHEST / 2);
        let turn = self.turn_of_all(wait_max).await;
        let by = if turn.is_ok() { "redis" } else { "local" };
        metrics::counter!(TURNS, "by" => by).increment(1);
        match turn {
            Ok(wait) => u64::try_from(wait).ok().map(Duration::from_micros),
            Err(error) => {
                if let LinkError::Refused(cause) = &error {
                    // Whatever stands there is not ours; or Redis takes no writes, and refuses this one too.
                    tracing::warn!(cause, "Redis keeps no pace; this replica keeps its own");
                    let unlink = redis::cmd("UNLINK").arg(&self.key).to_owned();
                    self.link.ask::<()>(&unlink, COMMAND_BOUND).await.ok();
                }
                self.local.turn(wait_max).await
            }
        }
    }
}
