//! Which trades close a position, in the order in which they did.

use crate::{InputData, Trade};

/// The closing trades with their indices in the input, oldest first by (timestamp, id).
///
/// A trade closes when its `type` says so (it starts with `clos`, in any case) and does not when the type says `open…`;
/// without a type, or with one that says neither, when its pnl is not 0.
pub(crate) fn closing_trades(input: &InputData) -> Vec<(usize, &Trade)> {
    let mut closing: Vec<(usize, &Trade)> =
        input.trade_history.iter().enumerate().filter(|(_, trade)| closes(trade)).collect();
    closing.sort_by(|(_, a), (_, b)| (a.timestamp, &a.id).cmp(&(b.timestamp, &b.id)));
    closing
}

fn closes(trade: &Trade) -> bool {
    let says = |head: &str| {
        let kind = trade.kind.as_deref().unwrap_or_default();
        kind.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(head))
    };
    !trade.cancelled && (says("clos") || (!says("open") && trade.pnl != 0.0))
}
