//! Plans of the last few jobs, so that a thousand shards of one job are not planned a thousand times.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use monte_carlo_engine::Plan;
use monte_carlo_engine::wire::ShardRequest;

use crate::errors::Fault;

/// Jobs whose shards reach one replica at about the same time; the longest history's plan takes some tens of megabytes.
const PLANS_MAX: usize = 8;

static PLANS: Mutex<VecDeque<([u8; 32], Arc<Plan>)>> = Mutex::new(VecDeque::new());

/// The plan that `request` is of, made where it is not among the last. Two that come at once may both make it.
pub(crate) fn plan_of(request: &ShardRequest<'_>) -> Result<Arc<Plan>, Fault> {
    let digest = request.document_digest();
    if let Some(plan) = find(&digest) {
        return Ok(plan);
    }
    let plan = Arc::new(request.simulation()?.plan()?);
    let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
    plans.retain(|(known, _)| *known != digest);
    plans.truncate(PLANS_MAX - 1);
    plans.push_front((digest, plan.clone()));
    Ok(plan)
}

fn find(digest: &[u8; 32]) -> Option<Arc<Plan>> {
    let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
    let place = plans.iter().position(|(known, _)| known == digest)?;
    let used = plans.remove(place)?;
    let plan = used.1.clone();
    plans.push_front(used);
    Some(plan)
}
