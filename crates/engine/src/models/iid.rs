//! The IID bootstrap: Efron, "Bootstrap methods: another look at the jackknife" (Annals of Statistics 1979).

use super::IndexProcess;
use crate::random::bounded::Bounded;
use crate::random::{Stream, Streams, Words};

/// Every row is drawn anew, all equally likely.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Iid {
    row: Bounded,
}

impl Iid {
    /// Over `rows` rows, at least one.
    pub(crate) fn new(rows: u32) -> Self {
        Self { row: Bounded::below(rows) }
    }
}

impl IndexProcess for Iid {
    #[inline(always)]
    fn first(&self, stream: &mut Stream) -> u32 {
        self.row.draw(stream)
    }

    #[inline(always)]
    fn next(&self, stream: &mut Stream, _row: u32, _done: u32) -> u32 {
        self.row.draw(stream)
    }

    #[inline(always)]
    fn first_each(&self, streams: &mut Streams) -> Words {
        streams.draw(&self.row)
    }

    #[inline(always)]
    fn several_each(&self, streams: &mut Streams, rows: &mut Words, _done: u32, places: &mut [Words]) {
        streams.draw_several(&self.row, rows, places);
    }

    #[inline(always)]
    fn next_each(&self, streams: &mut Streams, _rows: &Words, _done: u32) -> Words {
        streams.draw(&self.row)
    }
}
