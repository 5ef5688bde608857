//! From pages to one whole history, while new trades may arrive on top of it.

use std::collections::HashSet;

use monte_carlo_engine::{MAX_TRADES, Trade};

use super::wire::{Listing, WireTrade};

/// Asked for a page; a server may give fewer.
pub(super) const PAGE_SIZE: usize = 100;
/// What a server with half-size pages needs, and some for a history that moves meanwhile.
const PAGES_MAX: usize = 2 * MAX_TRADES / PAGE_SIZE + 20;
/// Pages in a row without a new trade: a server that gives the same page whatever the offset.
const STALE_PAGES_MAX: usize = 3;

/// Collects trades; says where the next page begins.
///
/// Pages come newest first, so a trade that arrives meanwhile pushes older ones down: they are seen twice and
/// known by their ids. Where the total falls, older ones moved up past the border of the page just read: that
/// page is read again, from as much earlier as the total fell.
#[derive(Debug, Default)]
pub(super) struct History {
    trades: Vec<Trade>,
    ids: HashSet<String>,
    seen: usize,
    /// Withdrawn meanwhile, seen or yet unseen.
    vanished: u64,
    offset: usize,
    /// When the first page came: whatever has arrived since is none of ours.
    first_total: Option<u64>,
    last_total: Option<u64>,
    pages: usize,
    stale_pages: usize,
}

/// What to do after a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Everything is there.
    Done,
    /// Ask for the page at this offset.
    Offset(usize),
}

/// Why a history has no end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Endless {
    TooManyTrades,
    /// The pages do not add up to the total.
    Incomplete {
        seen: usize,
        total: Option<u64>,
    },
}

impl History {
    pub(super) fn add(&mut self, listing: Listing<WireTrade>) -> Result<Next, Endless> {
        self.pages += 1;
        match listing {
            Listing::Bare(trades) => {
                self.take(trades)?;
                Ok(Next::Done)
            }
            Listing::Page { items, total } => self.add_page(items, total),
        }
    }

    /// Oldest first, so that both dialects give the same history.
    pub(super) fn into_trades(self) -> Vec<Trade> {
        let mut trades = self.trades;
        trades.sort_by(|a, b| (a.timestamp, &a.id).cmp(&(b.timestamp, &b.id)));
        trades
    }

    fn add_page(&mut self, items: Vec<WireTrade>, total: Option<u64>) -> Result<Next, Endless> {
        let length = items.len();
        let fallen = self.last_total.zip(total).map_or(0, |(before, now)| before.saturating_sub(now));
        if length == 0 && fallen == 0 {
            return Ok(Next::Done);
        }
        // All of it seen before, and more than what arrived meanwhile can have pushed down.
        let risen = self.last_total.zip(total).map_or(0, |(before, now)| now.saturating_sub(before));
        let is_stale = self.take(items)? == 0 && fallen == 0 && length as u64 > risen;
        self.stale_pages = if is_stale { self.stale_pages + 1 } else { 0 };
        self.last_total = total;
        self.first_total = self.first_total.or(total);
        self.vanished += fallen;
        self.offset = match fallen {
            0 => self.offset + length,
            _ => self.offset.saturating_sub(fallen as usize),
        };
        let (seen, wanted) = (self.seen as u64, self.first_total.unwrap_or(u64::MAX));
        // Where the total fell, what moved up is still to be read, whatever the numbers say. Where it stood still, some
        // may have arrived and as many been withdrawn, so at the end fewer than the first total may be right.
        let is_at_the_end = fallen == 0 && total.is_some_and(|total| self.offset as u64 >= total);
        if seen >= wanted || (is_at_the_end && (!is_stale || seen + self.vanished >= wanted)) {
            return Ok(Next::Done);
        }
        if self.stale_pages >= STALE_PAGES_MAX {
            return Err(Endless::Incomplete { seen: self.seen, total: self.first_total });
        }
        if self.pages >= PAGES_MAX {
            return Err(Endless::TooManyTrades);
        }
        Ok(Next::Offset(self.offset))
    }

    /// How many were new.
    fn take(&mut self, items: Vec<WireTrade>) -> Result<usize, Endless> {
        let seen_before = self.seen;
        for trade in items.into_iter().map(Trade::from) {
            // Without an id there is nothing to know it by again.
            if !trade.id.is_empty() && !self.ids.insert(trade.id.clone()) {
                continue;
            }
            self.seen += 1;
            if trade.cancelled {
                continue;
            }
            if self.trades.len() == MAX_TRADES {
                return Err(Endless::TooManyTrades);
            }
            self.trades.push(trade);
        }
        Ok(self.seen - seen_before)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Pages of a list whose trades are numbered, newest first.
    fn page(numbers: impl Iterator<Item = u64>, total: u64) -> Listing<WireTrade> {
        let trades: Vec<_> =
            numbers.map(|id| json!({ "id": id, "timestamp": id * 1_000, "pnl": 1 })).collect();
        serde_json::from_value(json!({ "trades": trades, "total": total })).expect("a page")
    }

    fn ids(history: History) -> Vec<u64> {
        history.into_trades().iter().map(|trade| trade.id.parse().expect("a number")).collect()
    }

    #[test]
    fn a_trade_that_arrives_meanwhile_hides_none() {
        let mut history = History::default();
        assert_eq!(history.add(page((51..=150).rev(), 150)), Ok(Next::Offset(100)));
        assert_eq!(history.add(page((1..=51).rev(), 151)), Ok(Next::Done));
        assert_eq!(ids(history), (1..=150).collect::<Vec<_>>());
    }

    #[test]
    fn a_trade_that_vanishes_meanwhile_hides_none() {
        let mut history = History::default();
        assert_eq!(history.add(page((151..=250).rev(), 250)), Ok(Next::Offset(100)));
        // 200 is withdrawn, so 150 has moved up into the page that was read.
        assert_eq!(history.add(page((50..=149).rev(), 249)), Ok(Next::Offset(99)));
        assert_eq!(history.add(page((51..=150).rev(), 249)), Ok(Next::Offset(199)));
        assert_eq!(history.add(page((1..=50).rev(), 249)), Ok(Next::Done));
        assert_eq!(ids(history), (1..=250).collect::<Vec<_>>());
    }

    #[test]
    fn a_trade_that_vanishes_unseen_is_not_waited_for() {
        let mut history = History::default();
        assert_eq!(history.add(page((51..=150).rev(), 150)), Ok(Next::Offset(100)));
        let rest = || (1..=50).rev().filter(|id| *id != 10);
        assert_eq!(history.add(page(rest(), 149)), Ok(Next::Offset(99)));
        assert_eq!(history.add(page(std::iter::once(51).chain(rest()), 149)), Ok(Next::Done));
        assert_eq!(ids(history).len(), 149);
    }

    #[test]
    fn what_moved_up_past_the_last_border_is_read_though_the_next_page_is_empty() {
        let mut history = History::default();
        assert_eq!(history.add(page((2..=101).rev(), 101)), Ok(Next::Offset(100)));
        // Two of those are withdrawn, and the oldest is now the ninety-ninth.
        assert_eq!(history.add(page(0..0, 99)), Ok(Next::Offset(98)));
        assert_eq!(history.add(page(1..2, 99)), Ok(Next::Done));
        assert_eq!(ids(history), (1..=101).collect::<Vec<_>>());
    }

    proptest! {
        /// Between two pages some arrive and some are withdrawn, anywhere: whoever was there from the first page to
        /// the last is read, and nobody twice.
        #[test]
        fn no_trade_is_lost_or_counted_twice_however_the_list_moves(
            count in 0..700u64,
            page_max in 20..=100usize,
            moves in prop::collection::vec((0..8u64, prop::collection::vec(any::<prop::sample::Index>(), 0..8)), 0..12),
        ) {
            let mut list: Vec<u64> = (1..=count).rev().collect();
            let (mut newest, mut history, mut offset) = (count, History::default(), 0);
            let mut moves = moves.into_iter();
            loop {
                let items = list.iter().skip(offset).take(page_max).copied();
                match history.add(page(items, list.len() as u64)) {
                    Ok(Next::Offset(next)) => offset = next,
                    Ok(Next::Done) => break,
                    Err(endless) => prop_assert!(false, "{endless:?}"),
                }
                if let Some((arrived, withdrawn)) = moves.next() {
                    for index in withdrawn.iter().filter(|_| count > 0) {
                        if !list.is_empty() {
                            list.remove(index.index(list.len()));
                        }
                    }
                    for _ in 0..arrived {
                        newest += 1;
                        list.insert(0, newest);
                    }
                }
            }
            let read = ids(history);
            let distinct: HashSet<_> = read.iter().collect();
            prop_assert_eq!(distinct.len(), read.len());
            for id in list.iter().filter(|id| **id <= count) {
                prop_assert!(distinct.contains(id), "{} is lost", id);
            }
        }
    }

    #[test]
    fn without_a_total_an_empty_page_ends_it() {
        let untold = |numbers: std::ops::Range<u64>| {
            let items = page(numbers.rev(), 0).into_items();
            Listing::Page { items, total: None }
        };
        let mut history = History::default();
        assert_eq!(history.add(untold(51..101)), Ok(Next::Offset(50)));
        assert_eq!(history.add(untold(1..51)), Ok(Next::Offset(100)));
        assert_eq!(history.add(untold(0..0)), Ok(Next::Done));
        assert_eq!(ids(history).len(), 100);
    }

    #[test]
    fn a_server_that_ignores_the_offset_is_found_out() {
        let mut history = History::default();
        let again = || page((1..=100).rev(), 250);
        assert_eq!(history.add(again()), Ok(Next::Offset(100)));
        assert_eq!(history.add(again()), Ok(Next::Offset(200)));
        assert_eq!(history.add(again()), Ok(Next::Offset(300)));
        assert_eq!(history.add(again()), Err(Endless::Incomplete { seen: 100, total: Some(250) }));
    }

    #[test]
    fn the_limit_is_on_trades_that_count() {
        let bare = |count: usize, cancelled: bool| {
            let trade = json!({ "timestamp": 0, "cancelled": cancelled });
            serde_json::from_value::<Listing<WireTrade>>(json!(vec![trade; count])).expect("a list")
        };
        let mut history = History::default();
        assert_eq!(history.add(bare(MAX_TRADES, false)), Ok(Next::Done));
        assert_eq!(history.add(bare(1, true)), Ok(Next::Done));
        assert_eq!(history.add(bare(1, false)), Err(Endless::TooManyTrades));
    }
}
