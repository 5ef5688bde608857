//! Ray Serve: there, healthy by its own word, and of our engine.

use std::time::Duration;

use super::Finding;
use crate::config::simulator::{Fallback, SimulatorConfig, SimulatorKind};
use crate::simulator::ray::dialect::{self, Dialect};
use crate::simulator::ray::transport::Transport;

const REACHABLE: &str = "ray";

/// A healthy proxy answers at once.
const HEALTH_BOUND: Duration = Duration::from_secs(5);

pub(super) async fn examine(simulator: &SimulatorConfig) -> Vec<Finding> {
    let health = health(simulator).await;
    vec![judge(simulator.kind, health)]
}

fn judge(kind: SimulatorKind, health: Result<Dialect, String>) -> Finding {
    let away = "Check RAY_SERVE_URL; `kubectl get rayclusters`, `kubectl get svc ray-head-svc`, and to try it from \
                here `kubectl port-forward svc/ray-head-svc 8000:8000` with `curl http://localhost:8000/health`.";
    let other = "Deploy the Ray Serve application of this version.";
    let (found, mend) = match health {
        Ok(dialect @ (Dialect::Shards { .. } | Dialect::Old)) => {
            return Finding::ok(REACHABLE, format!("healthy; {dialect}"));
        }
        Ok(Dialect::Other(why)) => (why, other),
        Err(found) => (found, away),
    };
    match kind {
        SimulatorKind::Local => {
            Finding::warning(REACHABLE, format!("{found} (not needed: SIMULATOR=local)"), mend)
        }
        SimulatorKind::Ray(Fallback::Local) => Finding::warning(
            REACHABLE,
            format!("{found} (jobs are computed in the service's own process)"),
            mend,
        ),
        SimulatorKind::Ray(Fallback::Nothing) => Finding::fault(REACHABLE, found, mend),
    }
}

async fn health(simulator: &SimulatorConfig) -> Result<Dialect, String> {
    let answer = Transport::new(&simulator.ray_serve_url)?.health(HEALTH_BOUND).await?;
    dialect::read(&answer)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn it_is_a_fault_only_where_jobs_wait_for_it() {
        let (here, nowhere) = (SimulatorKind::Ray(Fallback::Local), SimulatorKind::Ray(Fallback::Nothing));
        let away = || Err("connection refused".to_owned());
        let other = || Ok(Dialect::Other("it speaks shards/9".into()));
        for (kind, health, wanted) in [
            (SimulatorKind::Local, away(), State::Warning),
            (here, away(), State::Warning),
            (here, other(), State::Warning),
            (nowhere, away(), State::Fault),
            (nowhere, other(), State::Fault),
            (nowhere, Ok(Dialect::Old), State::Ok),
            (here, Ok(Dialect::Shards { replicas: 2 }), State::Ok),
        ] {
            let finding = judge(kind, health);
            assert_eq!(finding.state, wanted, "{finding:?}");
        }
    }
}
