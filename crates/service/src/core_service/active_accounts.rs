//! The funded accounts that are active: all of them, over as many pages as there are.
//!
//! The contract knows no pages here, and a strict server refuses to be asked for them. So the first question names none;
//! only an answer that says that there is more (`total`) is asked on.

use std::collections::BTreeSet;

use super::calls::Caller;
use super::client::decode;
use super::error::CoreError;
use super::transport::{Call, Kind};
use super::wire::{ListedAccount, Listing};
use crate::telemetry::trace_context::TraceContext;

/// Asked for a page, where there are pages; a server may give fewer.
const PAGE_SIZE: usize = 100;
/// The most accounts of a list: some 100 MB of ids, and a hundred times what the largest firm has.
const ACCOUNTS_MAX: usize = 1_000_000;
/// Pages in a row without a new account: a server that gives the same page whatever the offset.
const STALE_PAGES_MAX: usize = 3;

/// Their ids, each once, in the order of their bytes.
pub(super) async fn list(calls: &Caller, trace: &TraceContext) -> Result<BTreeSet<String>, CoreError> {
    let mut seen = BTreeSet::new();
    let mut active = BTreeSet::new();
    let (mut offset, mut stale_pages, mut last_total) = (0, 0, None);
    loop {
        let (limit, start) = (PAGE_SIZE.to_string(), offset.to_string());
        let query = [("status", "active"), ("limit", &limit), ("offset", &start)];
        let query = if offset == 0 { &query[..1] } else { &query[..] };
        let call = Call { kind: Kind::FundedAccounts, path: &["funded-accounts"], query };
        // A cut in the middle of a long list costs that page, which is tried again.
        let page: Listing<ListedAccount> = calls.json(&call, trace, decode).await?;
        let total = page.total();
        let items = page.into_items();
        // Where the total falls, accounts moved up past the border before the page just read: it is read again, from as
        // much earlier.
        let fallen = last_total.zip(total).map_or(0, |(before, now): (u64, u64)| before.saturating_sub(now));
        offset = match fallen {
            0 => offset + items.len(),
            _ => offset.saturating_sub(fallen as usize),
        };
        let is_last = items.is_empty() || total.is_none_or(|total| offset as u64 >= total);
        last_total = total;
        let seen_before = seen.len();
        for account in items {
            let Some(id) = account.id.map(|id| id.0) else { continue };
            // Asked for, but a server may pass over it.
            if account.status.as_deref() == Some("active") {
                active.insert(id.clone());
            }
            seen.insert(id);
        }
        if is_last {
            return Ok(active);
        }
        stale_pages = if seen.len() == seen_before { stale_pages + 1 } else { 0 };
        if stale_pages == STALE_PAGES_MAX || seen.len() > ACCOUNTS_MAX {
            let cause = format!("its pages hold {} accounts and go on", seen.len());
            return Err(CoreError::Garbage { call: call.name(), cause });
        }
    }
}
